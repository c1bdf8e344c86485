"""How many corrections in a window of napari, with mouse and keyboard, bring a result to a truth.

    xvfb-run -a -s "-screen 0 1400x900x24" python tests/benchmarks/effort_window.py IMAGE TRUTH [--out FOUND]

The default model's result is corrected by a scripted hand that knows the truth (see ``effort.py``), but all
that it does are key and mouse events that the window gets: a key takes up a tool, clicks and drags correct.
False boundaries that lie side by side go with one drag. The view is zoomed and moved by the script. FOUND
gets the boundaries as the layer shows them at the end.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from effort import MARGIN_PX, SHORTEST_PX, TOLERANCE_PX
from PIL import Image
from scipy import ndimage
from skimage.morphology import skeletonize

import temgrains as tg
from temgrains.boundaries import close
from temgrains.corrections import trace
from temgrains.corrections.strokes import raster
from temgrains.corrections.verbs import Impossible, erase_along
from temgrains.pipeline.project import Project, save_project
from temgrains.score import read_mask, score
from temgrains.settings import BoundarySettings

if TYPE_CHECKING:
    from collections.abc import Callable

ZOOM = 4.0
BATCH = 12
SNAP_PX = 9
"""A boundary this close to where a missed one ends is where the hand begins or ends it."""
NEAR_PX = 70
"""False boundaries whose middles are this close may go with one drag."""


class Window:
    """A viewer with the dock, used with keys and the mouse."""

    def __init__(self, project: Path) -> None:
        import napari  # noqa: PLC0415
        from qtpy.QtCore import Qt  # noqa: PLC0415

        self.qt = Qt
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1390, 870)
        _, dock = self.viewer.window.add_plugin_dock_widget("temgrains", "TEM Grains")
        dock.tabs.setCurrentWidget(dock.correct)
        self.desk, self.link, panel = dock.desk, dock.correct.corrections, dock.correct
        panel.projects.open(project)
        self.until(lambda: self.link.corrector is not None and self.link.settled and self.desk.settled)
        self.native = self.viewer.window._qt_viewer.canvas.native
        self.clicks = self.keys = self.drags = 0

    def until(self, so: Callable[[], bool]) -> None:
        from qtpy.QtWidgets import QApplication  # noqa: PLC0415

        while not so():
            QApplication.processEvents()
            time.sleep(0.001)

    def look_at(self, point: Any) -> None:
        self.viewer.scene.camera.zoom = ZOOM
        self.viewer.scene.camera.center = tuple(self.desk.watch.image.data_to_world(point))
        self._process()

    def key(self, letter: str) -> None:
        from qtpy.QtTest import QTest  # noqa: PLC0415

        keys = {"Enter": self.qt.Key.Key_Return, "Escape": self.qt.Key.Key_Escape}
        QTest.keyClick(
            self.viewer.window._qt_viewer, keys.get(letter) or getattr(self.qt.Key, f"Key_{letter}")
        )
        self.keys += 1
        self._process()

    def click(self, point: Any, *, alt: bool = False) -> None:
        held = self.qt.KeyboardModifier.AltModifier if alt else self.qt.KeyboardModifier.NoModifier
        for kind, pressed in (
            ("MouseMove", False),
            ("MouseButtonPress", True),
            ("MouseButtonRelease", False),
        ):
            self._send(kind, point, pressed=pressed, held=held)
        self.clicks += 1
        self._process()

    def drag(self, points: Any) -> None:
        held = self.qt.KeyboardModifier.ShiftModifier
        self._send("MouseMove", points[0], pressed=False, held=held)
        self._send("MouseButtonPress", points[0], pressed=True, held=held)
        for start, end in pairwise(points):
            for share in (0.25, 0.5, 0.75, 1.0):
                self._send(
                    "MouseMove", np.array(start) + share * np.subtract(end, start), pressed=True, held=held
                )
        self._send("MouseButtonRelease", points[-1], pressed=False, held=held)
        self.drags += 1
        self._process()

    def _send(self, kind: str, point: Any, *, pressed: bool, held: Any) -> None:
        from qtpy.QtCore import QEvent, QPointF  # noqa: PLC0415
        from qtpy.QtGui import QMouseEvent  # noqa: PLC0415
        from qtpy.QtWidgets import QApplication  # noqa: PLC0415

        world = np.array(self.desk.watch.image.data_to_world(point))
        height, width = self.viewer.canvas.size
        offset = (world - self.viewer.scene.camera.center[-2:]) * self.viewer.scene.camera.zoom
        place = QPointF(width / 2 + offset[1], height / 2 + offset[0])
        none, left = self.qt.MouseButton.NoButton, self.qt.MouseButton.LeftButton
        button = none if kind == "MouseMove" else left
        event = QMouseEvent(
            getattr(QEvent.Type, kind),
            place,
            QPointF(self.native.mapToGlobal(place.toPoint())),
            button,
            left if pressed else none,
            held,
        )
        QApplication.sendEvent(self.native, event)

    def _process(self) -> None:
        from qtpy.QtWidgets import QApplication  # noqa: PLC0415

        QApplication.processEvents()


@dataclass
class Hand:
    """A hand that knows the truth, looks where the longest mistake is, and uses the window."""

    window: Window
    truth: np.ndarray
    refused: int = 0
    open: int = 0
    tool: str = ""
    drawn: set[tuple[int, ...]] = field(default_factory=set)
    tried: set[tuple[Any, ...]] = field(default_factory=set)

    @property
    def labels(self) -> np.ndarray:
        return self.window.link.corrector.history.labels

    @property
    def operations(self) -> int:
        return len(self.window.link.corrector.operations)

    def work(self, goal: float) -> bool:
        segments = trace(close(self.truth * np.uint8(255), settings=_AS_DRAWN).labels)
        while self.judge() < goal:
            before = self.operations
            todo = self.false_boundaries() + self.missed_boundaries(segments)
            fresh = [t for t in todo if (t[1].__name__, *np.rint(t[2][0])) not in self.tried]
            for _, what, where in sorted(fresh, key=lambda t: t[0], reverse=True)[:BATCH]:
                self.tried.add((what.__name__, *np.rint(where[0])))
                self.window.look_at(np.mean(where, axis=0))
                what(where)
            if self.operations == before:
                return False
        return True

    def judge(self) -> float:
        lines = self.window.viewer.layers[f"{self.window.desk.session.name} boundaries"].data != 0
        found = score(self.truth, lines, tolerance_px=TOLERANCE_PX, margin_px=MARGIN_PX)
        w = self.window
        print(
            f"{self.operations:5d} operations, {w.clicks} clicks, {w.drags} drags, {w.keys} keys, "
            f"{self.refused} refused, {self.open} closed nothing   F1 {found.f1:.4f}  "
            f"Eq. 1 {found.eq1:.4f}  precision {found.precision:.4f}",
            flush=True,
        )
        return found.f1

    def false_boundaries(self) -> list[tuple[float, Any, Any]]:
        """Group false segments that one drag can cross; the gain is the length that becomes right."""
        graph = trace(self.labels)
        away = ndimage.distance_transform_edt(~self.truth) > TOLERANCE_PX
        length = np.bincount(graph.owner, minlength=graph.count)
        gain = 2 * np.bincount(graph.owner, away[tuple(graph.pixels.T)], graph.count) - length
        gain[length < SHORTEST_PX] = 0
        left = [int(k) for k in np.argsort(-gain) if gain[k] > 0]
        middles = {k: np.array(graph.centre(k)) for k in left}
        groups = []
        while left:
            group, path = [left.pop(0)], None
            path = self._across(graph, group[0], middles)
            for k in sorted(left, key=lambda k: np.hypot(*(middles[k] - middles[group[0]]))):
                if np.hypot(*(middles[k] - middles[group[-1]])) > NEAR_PX:
                    continue
                longer = [*path[:-1], *self._across(graph, k, middles, path[-2])]
                if self._crossed(longer) == {*(tuple(sorted(graph.grains[j])) for j in (*group, k))}:
                    group.append(k)
                    path = longer
            left = [k for k in left if k not in group]
            if len(group) == 1:
                groups.append((float(gain[group[0]]), self.erase, [middles[group[0]]]))
            else:
                groups.append((float(sum(gain[k] for k in group)), self.rub_out, path))
        return groups

    def _across(self, graph: Any, segment: int, middles: Any, after: Any = None) -> list[np.ndarray]:
        """Give three points across a segment at its middle, from the side of an earlier point."""
        path, middle = graph.path(segment), middles[segment]
        k = len(path) // 2
        along = path[min(k + 3, len(path) - 1)] - path[max(k - 3, 0)]
        normal = np.array([-along[1], along[0]]) / max(np.hypot(*along), 1e-9)
        first, last = middle - 4 * normal, middle + 4 * normal
        if after is not None and np.hypot(*(after - last)) < np.hypot(*(after - first)):
            first, last = last, first
        return [first, middle, last]

    def _crossed(self, path: list[np.ndarray]) -> set[tuple[int, int]]:
        """Give the pairs of grains whose boundary a drag would erase."""
        pixels = raster([tuple(p) for p in path], self.labels.shape)
        passed = self.labels[tuple(pixels.T)]
        passed = passed[passed > 0]
        return {tuple(sorted((int(a), int(b)))) for a, b in pairwise(passed) if a != b}

    def missed_boundaries(self, graph: Any) -> list[tuple[float, Any, Any]]:
        away = ndimage.distance_transform_edt(self.labels != 0) > TOLERANCE_PX
        missed = np.bincount(graph.owner, away[tuple(graph.pixels.T)], graph.count)
        length = np.bincount(graph.owner, minlength=graph.count)
        return [
            (float(missed[k]), self.draw, graph.path(int(k)))
            for k in np.flatnonzero((missed > 0.5 * length) & (missed >= SHORTEST_PX))
            if tuple(graph.path(int(k))[0]) not in self.drawn
        ]

    def erase(self, where: Any) -> None:
        self._take("X")
        self._try(lambda: self.window.click(where[0]))

    def rub_out(self, path: Any) -> None:
        try:
            erase_along(self.labels, [tuple(p) for p in path])
        except Impossible:
            return
        self._take("X")
        self._try(lambda: self.window.drag(path))

    def draw(self, line: np.ndarray) -> None:
        """Click along a line as often as keeps what is shown within the tolerance."""
        self.drawn.add(tuple(line[0]))
        near = np.ones(self.truth.shape, bool)
        near[tuple(line.T)] = False
        distance = ndimage.distance_transform_edt(near)
        stops, straight, k = [0, len(line) - 1], {}, 0
        while k < len(stops) - 1:
            start, end = line[stops[k]], line[stops[k + 1]]
            piece = self.window.link.corrector.wire(tuple(start)).to(tuple(end))
            straight[k + 1] = distance[tuple(piece.T)].max() > TOLERANCE_PX
            if straight[k + 1] and stops[k + 1] - stops[k] > 12:
                stops.insert(k + 1, (stops[k] + stops[k + 1]) // 2)
                continue
            k += 1
        self._take("D")

        places = [line[stop] for stop in stops]
        places[0], places[-1] = (self._on_network(place) for place in (places[0], places[-1]))

        def clicks() -> None:
            for n, place in enumerate(places):
                self.window.click(place, alt=straight.get(n, False))
            if self.window.link.hand.begun:
                self.window.key("Enter")

        self._try(clicks)

    def _on_network(self, place: np.ndarray) -> np.ndarray:
        """Give the nearest boundary on the screen, where a hand would begin or end its line."""
        corner = np.maximum(place - SNAP_PX, 0)
        window = tuple(slice(a, b + SNAP_PX + 1) for a, b in zip(corner, place, strict=True))
        lines = np.argwhere(self.labels[window] == 0) + corner
        if not len(lines):
            return place
        return lines[np.hypot(*(lines - place).T).argmin()]

    def _take(self, key: str) -> None:
        if self.tool != key:
            self.window.key(key)
            self.tool = key

    def _try(self, act: Any) -> None:
        before = self.operations
        act()
        if self.operations == before:
            self.refused += 1
        elif "closes nothing" in self.window.link.note:
            self.open += 1


_AS_DRAWN = BoundarySettings(closing_radius_px=0, min_grain_px=2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--goal", type=float, default=0.97)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NAPARI_CONFIG"] = str(Path(folder) / "napari.yaml")
        os.environ["TEMGRAINS_HOME"] = folder
        project = Path(folder) / "found.temgrains"
        analysis = tg.analyse(tg.read(given.image))
        save_project(project, Project(analysis, (), ()))
        window = Window(project)
        truth = skeletonize(read_mask(given.truth))
        inside = np.zeros_like(truth)
        inside[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX] = True
        hand = Hand(window, truth & inside)
        reached = hand.work(given.goal)
        lines = window.viewer.layers[f"{window.desk.session.name} boundaries"].data != 0
        if given.out is not None:
            Image.fromarray(lines.astype(np.uint8) * 255).save(given.out)
        report(hand, analysis.grains.count)
        window.link.corrector.mark_saved()
        window.viewer.close()
    return int(not reached)


def report(hand: Hand, grains: int) -> None:
    graph = trace(close(hand.truth * np.uint8(255), settings=_AS_DRAWN).labels)
    verbs = [operation.verb for operation in hand.window.link.corrector.operations]
    print(f"{len(verbs)} operations: " + ", ".join(f"{verbs.count(v)} {v}" for v in sorted(set(verbs))))
    print(f"{grains} grains found; {100 * len(verbs) / grains:.1f} operations per 100 grains")
    ratio = graph.count / max(len(verbs), 1)
    print(f"tracing all {graph.count} segments of the truth, a stroke each: {ratio:.1f} times as many")


if __name__ == "__main__":
    sys.exit(main())
