"""From an edit in the layer of grains to the new row in the panel "Grain sizes", in a window of napari.

    xvfb-run -a python tests/benchmarks/bench_update.py

In turns in one process: how long the table takes to follow an edit, and how long everything takes that the
panel shows of it, one after another: grains, methods, goodness of fit. Prints the least time of each, the
processor time of the update, which other programs on the machine change little, and the ratio; ends with 1
if the ratio is below its target.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import napari
import numpy as np
from bench_boundaries import structure
from qtpy.QtWidgets import QApplication

from temgrains.boundaries import close
from temgrains.gui.dock import GrainSizesWidget
from temgrains.statistics.labels import labelled
from temgrains.statistics.report import describe

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 8
TARGET = 2
"""Least ratio of everything to the update of the table."""


def until(so: Callable[[], bool]) -> None:
    """Let the window work until something is so."""
    while not so():
        QApplication.processEvents()
        time.sleep(0.001)


def main() -> int:
    state = structure(1024, 2900)
    labels = close(state).labels
    place = {"scale": (0.5, 0.5), "units": ("nm", "nm")}
    viewer = napari.Viewer()
    viewer.add_image(state, name="film", **place)
    layer = viewer.add_labels(labels.copy(), name="film grains", **place)
    dock = GrainSizesWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Grain sizes")
    panel, rows = dock.sizes, dock.sizes.grains.table.grains.rowCount
    panel.begin()
    until(lambda: panel.found is not None and not panel.busy)
    updates, at_work, all_of_it = [], [], []
    for grain in np.flatnonzero(~panel.found.counted.cut)[: 40 * ROUNDS : 40] + 1:
        edited, before = np.nonzero(labels == grain), rows()
        start, worked = time.perf_counter(), time.process_time()
        layer.data_setitem(edited, 0)
        until(lambda before=before: rows() < before)
        updates.append(time.perf_counter() - start)
        at_work.append(time.process_time() - worked)
        until(lambda: not panel.busy)
        start = time.perf_counter()
        describe(labelled(layer.data), image=(state / 255).astype(np.float32))
        all_of_it.append(time.perf_counter() - start)
    ratio = min(all_of_it) / min(updates)
    print(f"1024 x 1024, {labels.max()} grains, {ROUNDS} edits, least and median")
    print(
        f"table follows in {min(updates) * 1e3:.0f}, {np.median(updates) * 1e3:.0f} ms; processor time "
        f"of all threads {min(at_work) * 1e3:.0f}, {np.median(at_work) * 1e3:.0f} ms"
    )
    print(f"everything takes {min(all_of_it) * 1e3:.0f}, {np.median(all_of_it) * 1e3:.0f} ms")
    print(f"{ratio:.1f} times, at least {TARGET}")
    viewer.close()
    return int(ratio < TARGET)


if __name__ == "__main__":
    sys.exit(main())
