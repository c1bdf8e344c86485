"""Corrections in a window on an image of 8000 x 8000 pixels: time and memory of each step.

    xvfb-run -a -s "-screen 0 1400x900x24" python tests/benchmarks/bench_large_image.py [--side 8000]

The network is drawn (51,000 grains); all that is done are key and mouse events. Prints the time of the
window's thread until all is painted, and the memory of the process; ends with 1 if undo or redo takes more
than a second.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from bench_boundaries import structure
from effort_window import Window

import temgrains as tg
from temgrains.boundaries import close
from temgrains.corrections import trace
from temgrains.grains import label
from temgrains.micrograph import from_array
from temgrains.pipeline.project import Project, save_project
from temgrains.records import Analysis, BoundaryMap, EdgeMaps, Iterate
from temgrains.settings import BoundarySettings
from temgrains.sizes import measure

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_S = 1.0
GRAIN_PX2 = 1255
"""Mean area of a grain [px²]: 51,000 grains on 8000 x 8000 pixels."""


def drawn(side: int) -> Analysis:
    """Make the analysis of a drawn network; only what an analysis says of itself comes from a real one."""
    state = structure(side, side * side // GRAIN_PX2)
    grey = (255 - state // 2).astype(np.uint8)
    real = tg.analyse(from_array(grey[:256, :256]))
    boundaries = close(state, settings=BoundarySettings())
    grains = label(boundaries)
    iterates = (Iterate(0, state, float("nan")), Iterate(1, state, 0.0, "converged"))
    return replace(
        real,
        micrograph=from_array(grey, pixel_size=0.5),
        edges=EdgeMaps(np.zeros((3, side, side), np.uint8)),
        guess=BoundaryMap(state),
        iterates=iterates,
        boundaries=boundaries,
        grains=grains,
        sizes=measure(grains, pixel_size=(0.5, 0.5)),
    )


def memory_gb() -> tuple[float, float]:
    """Give the memory of the process, now and at most [GB]."""
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return tuple(int(told[key].split()[0]) / 2**20 for key in ("VmRSS", "VmHWM"))


def timed(what: str, act: Callable[[], Any]) -> float:
    """Do something, and print how long it took and the memory afterwards."""
    start, spent = time.perf_counter(), time.process_time()
    act()
    wall, busy = time.perf_counter() - start, time.process_time() - spent
    now, most = memory_gb()
    print(
        f"{what:34s}{wall:8.2f} s{busy:8.2f} s of the processor   {now:5.1f} GB, {most:.1f} at most",
        flush=True,
    )
    return wall


def measured(window: Window, side: int) -> list[float]:
    """Correct in the middle of the image, and take it back; give how long undo and redo took [s]."""
    link, qt = window.link, window.qt
    middle = side // 2
    corner = middle - 200
    graph = trace(link.corrector.history.labels[corner : corner + 400, corner : corner + 400])
    longest = np.argsort(-graph.length_px)
    places = [np.array(graph.centre(int(k))) + corner for k in longest[:6]]

    def until_painted(act: Callable[[], Any]) -> Callable[[], None]:
        def done() -> None:
            act()
            window.look_at(places[0])

        return done

    def settle() -> None:
        window.until(lambda: link.settled and window.desk.settled)

    def undo() -> None:
        window.press(qt.Key.Key_Z, qt.KeyboardModifier.ControlModifier)

    def redo() -> None:
        window.press(qt.Key.Key_Z, qt.KeyboardModifier.ControlModifier | qt.KeyboardModifier.ShiftModifier)

    window.look_at(places[0])
    timed("take up Erase", until_painted(lambda: window.key("X")))
    timed("first erased boundary", until_painted(lambda: window.click(places[0])))
    timed("its sizes", settle)
    timed("second erased boundary", until_painted(lambda: window.click(places[1])))
    found = [timed("undo while sizes are measured", until_painted(undo))]
    settle()
    found += [
        timed("undo", until_painted(undo)),
        timed("redo", until_painted(redo)),
        timed("redo again", until_painted(redo)),
    ]
    settle()
    found += [
        timed("undo, sizes known", until_painted(undo)),
        timed("redo, sizes known", until_painted(redo)),
    ]
    window.key("D")
    timed("first click of a line", until_painted(lambda: window.click(places[2])))
    timed("its second click", until_painted(lambda: window.click(places[3])))
    if link.hand.begun:
        timed("its end", until_painted(lambda: window.key("Enter")))
    found.append(timed("undo of the line", until_painted(undo)))
    timed("sizes", settle)
    timed("turn to the layer of grains", lambda: _turn(window, settle))
    return found


def _turn(window: Window, settle: Callable[[], None]) -> None:
    window.viewer.layers.selection.active = window.viewer.layers[f"{window.desk.session.name} grains"]
    window.look_at((0, 0))
    settle()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=8000)
    side = parser.parse_args().side
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NAPARI_CONFIG"] = str(Path(folder) / "napari.yaml")
        os.environ["TEMGRAINS_HOME"] = folder
        project = Path(folder) / "found.temgrains"
        analysis = drawn(side)
        print(f"{side} x {side} px, {analysis.grains.count} grains")
        save_project(project, Project(analysis, (), ()))
        del analysis
        opened: list[Window] = []
        timed("open the window and the project", lambda: opened.append(Window(project)))
        found = measured(opened[0], side)
        opened[0].link.corrector.mark_saved()
        opened[0].viewer.close()
    return int(max(found) > LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
