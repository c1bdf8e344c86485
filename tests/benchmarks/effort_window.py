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
from scribble import Scribble
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
VIEW_PX = 60
"""Of a drag everything lies within this of its first boundary, along rows and columns: that is in view."""
CLOSE_TO_GOAL = 0.003
"""From here on the score is looked at after each correction: it stands in the panel."""


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
        keys = {"Enter": self.qt.Key.Key_Return, "Escape": self.qt.Key.Key_Escape}
        self.press(keys.get(letter) or getattr(self.qt.Key, f"Key_{letter}"))

    def press(self, key: Any, modifier: Any = None) -> None:
        from qtpy.QtTest import QTest  # noqa: PLC0415

        held = self.qt.KeyboardModifier.NoModifier if modifier is None else modifier
        QTest.keyClick(self.viewer.window._qt_viewer, key, held)
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
        for point in points[1:]:
            time.sleep(0.012)  # vispy drops moves that come within 10 ms, napari those between two looks
            self._process()
            self._send("MouseMove", point, pressed=True, held=held)
        self._process()
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
        while (reached := self.judge()) < goal:
            before, close_by = self.operations, reached > goal - CLOSE_TO_GOAL
            todo = self.false_boundaries() + self.missed_boundaries(segments)
            fresh = [t for t in todo if (t[1].__name__, *np.rint(t[2][0])) not in self.tried]
            for _, what, where in sorted(fresh, key=lambda t: t[0], reverse=True)[:BATCH]:
                self.tried.add((what.__name__, *np.rint(where[0])))
                self.window.look_at((np.min(where, axis=0) + np.max(where, axis=0)) / 2)
                what(where)
                if close_by and self.judge() >= goal:
                    return True
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
        """Group false segments that one drag can cross; the gain is the length that becomes right.

        What lies within one true grain, in pieces, goes with one drag from piece to piece, as far as it is in
        view and no true boundary lies between.
        """
        graph = trace(self.labels)
        gain = self._gain_of_erasing(graph)
        left = [int(k) for k in np.argsort(-gain) if gain[k] > 0]
        middles = {k: np.array(graph.centre(k)) for k in left}
        found: list[tuple[float, Any, Any]] = []
        while left:
            group = self._in_reach(graph, left, middles)
            path = Scribble(graph, self.labels, group).path() if len(group) > 1 else None
            if path is None or self._crossed(path) != {tuple(graph.grains[k]) for k in group}:
                group, path = group[:1], None
            left = [k for k in left if k not in group]
            if path is None:
                found.append((float(gain[group[0]]), self.erase, [middles[group[0]]]))
            else:
                found.append((float(sum(gain[k] for k in group)), self.rub_out, path))
        return found

    def _gain_of_erasing(self, graph: Any) -> np.ndarray:
        """Give the false length that goes with each segment, less the true length that is lost with it."""
        away = ndimage.distance_transform_edt(~self.truth) > TOLERANCE_PX
        false = np.bincount(graph.owner, away[tuple(graph.pixels.T)], graph.count)
        nearest = np.full(self.labels.shape, -1)
        nearest[tuple(graph.pixels.T)] = graph.owner
        distance, place = ndimage.distance_transform_edt(self.labels != 0, return_indices=True)
        found = self.truth & (distance <= TOLERANCE_PX)
        owner = nearest[tuple(place[:, found])]
        gain = false - np.bincount(owner[owner >= 0], minlength=graph.count)
        gain[np.bincount(graph.owner, minlength=graph.count) < SHORTEST_PX] = 0
        return gain

    def _in_reach(self, graph: Any, left: list[int], middles: dict[int, np.ndarray]) -> list[int]:
        """Give the first segment and those in view that can be reached from it through their grains."""
        group, grains, rest = [left[0]], {*graph.grains[left[0]]}, left[1:]
        while True:
            near = [
                k
                for k in rest
                if grains & {*graph.grains[k]} and np.abs(middles[k] - middles[group[0]]).max() <= VIEW_PX
            ]
            if not near:
                return group
            group.append(near[0])
            grains |= {*graph.grains[near[0]]}
            rest.remove(near[0])

    def _crossed(self, path: list[np.ndarray]) -> set[tuple[int, int]]:
        """Give the pairs of grains whose boundary a drag would erase."""
        pixels = raster([tuple(p) for p in path], self.labels.shape)
        passed = self.labels[tuple(pixels.T)]
        passed = passed[passed > 0]
        return {tuple(sorted((int(a), int(b)))) for a, b in pairwise(passed) if a != b}

    def missed_boundaries(self, graph: Any) -> list[tuple[float, Any, Any]]:
        """Give missed segments; two that go on from each other, off the network, are one line."""
        away = ndimage.distance_transform_edt(self.labels != 0)
        missed = np.bincount(graph.owner, away[tuple(graph.pixels.T)] > TOLERANCE_PX, graph.count)
        length = np.bincount(graph.owner, minlength=graph.count)
        lines = {
            int(k): graph.path(int(k))
            for k in np.flatnonzero((missed > 0.5 * length) & (missed >= SHORTEST_PX))
        }
        lines = {k: line for k, line in lines.items() if tuple(line[0]) not in self.drawn}
        found = []
        while lines:
            k = max(lines, key=lambda k: missed[k])
            line, gain, ends = lines.pop(k), float(missed[k]), list(graph.ends[k])
            for last in (True, False):
                node = ends[-1 if last else 0]
                off = node >= 0 and away[tuple(np.rint(graph.nodes[node]).astype(int))] > TOLERANCE_PX
                after = next((j for j in lines if off and node in graph.ends[j]), None)
                if after is not None:
                    line = _joined(line, lines.pop(after), last=last)
                    gain += float(missed[after])
            found.append((gain, self.draw, line))
        return found

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


def _joined(line: np.ndarray, after: np.ndarray, *, last: bool) -> np.ndarray:
    """Put one line to the end, or to the start, of another, the ends that are nearest together."""
    if not last:
        line = line[::-1]
    if np.hypot(*(after[-1] - line[-1])) < np.hypot(*(after[0] - line[-1])):
        after = after[::-1]
    return np.concatenate([line, after])


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
    odd = np.bincount(graph.ends[graph.ends >= 0]) % 2
    strokes = round((odd.sum() + (graph.ends < 0).sum()) / 2)
    print(
        f"with strokes as long as can be, {strokes} of them: {strokes / max(len(verbs), 1):.1f} times as many"
    )


if __name__ == "__main__":
    sys.exit(main())
