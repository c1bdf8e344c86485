"""How many corrections it takes from a found network to one that agrees with a truth, without a window.

    python tests/benchmarks/effort.py FOUND.boundaries.tif GUESS.tif TRUTH.png [--goal 0.97]

A scripted hand that knows the truth erases false segments and draws missed boundaries, the longest first. A
missed boundary costs as many clicks as the line that follows the image needs to stay within the tolerance.
Tracing all boundaries by hand costs one stroke per segment of the truth. GUESS is the networks' map.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage.io import imread
from skimage.morphology import skeletonize

from temgrains.boundaries import close
from temgrains.corrections import History, SegmentGraph, trace, verbs
from temgrains.corrections.paths import Wire, evidence_of
from temgrains.score import read_mask, score
from temgrains.settings import BoundarySettings

TOLERANCE_PX, MARGIN_PX = 4.0, 12
SHORTEST_PX = 8
BATCH = 10


@dataclass
class Hand:
    """A hand that knows the truth, and counts what it does."""

    history: History
    evidence: np.ndarray
    truth: np.ndarray
    segments: SegmentGraph
    operations: int = 0
    clicks: int = 0
    drawn: set[tuple[int, ...]] = field(default_factory=set)
    course: list[tuple[int, float, float]] = field(default_factory=list)

    def false_segments(self) -> list[tuple[float, str, np.ndarray]]:
        graph = trace(self.history.labels)
        away = ndimage.distance_transform_edt(~self.truth) > TOLERANCE_PX
        length = np.bincount(graph.owner, minlength=graph.count)
        wrong = np.bincount(graph.owner, away[tuple(graph.pixels.T)], graph.count)
        gain = 2 * wrong - length
        return [
            (float(gain[k]), "erase", np.array(graph.centre(int(k))))
            for k in np.flatnonzero((gain > 0) & (length >= SHORTEST_PX))
        ]

    def missed_lines(self) -> list[tuple[float, str, np.ndarray]]:
        away = ndimage.distance_transform_edt(self.history.labels != 0) > TOLERANCE_PX
        graph = self.segments
        missed = np.bincount(graph.owner, away[tuple(graph.pixels.T)], graph.count)
        length = np.bincount(graph.owner, minlength=graph.count)
        return [
            (float(missed[k]), "draw", graph.path(int(k)))
            for k in np.flatnonzero((missed > 0.5 * length) & (missed >= SHORTEST_PX))
            if tuple(graph.path(int(k))[0]) not in self.drawn  # it waits for those that it ends at
        ]

    def draw(self, line: np.ndarray) -> None:
        """Draw along a line with as few clicks as keep it within the tolerance."""
        self.drawn.add(tuple(line[0]))
        near = np.ones(self.truth.shape, bool)
        near[tuple(line.T)] = False
        distance = ndimage.distance_transform_edt(near)
        stops, path = [0, len(line) - 1], [line[:1]]
        k = 0
        while k < len(stops) - 1:
            start, end = line[stops[k]], line[stops[k + 1]]
            piece = Wire(self.evidence, tuple(start), span_px=90).to(tuple(end))
            far = distance[tuple(piece.T)].max() > TOLERANCE_PX
            if far and stops[k + 1] - stops[k] > 6:
                stops.insert(k + 1, (stops[k] + stops[k + 1]) // 2)
                continue
            path.append(line[stops[k] : stops[k + 1] + 1] if far else piece)
            k += 1
        self.clicks += len(stops)
        self.history.do(verbs.draw(self.history.sketch(), np.concatenate(path), join_px=9))

    def judge(self) -> float:
        result = score(self.truth, self.history.labels == 0, tolerance_px=TOLERANCE_PX, margin_px=MARGIN_PX)
        self.course.append((self.operations, result.f1, result.eq1))
        print(f"{self.operations:5d} operations {self.clicks:5d} clicks   F1 {result.f1:.3f}", flush=True)
        return result.f1

    def work(self, goal: float) -> bool:
        while self.judge() < goal:
            todo = sorted(self.false_segments() + self.missed_lines(), key=lambda t: t[0], reverse=True)
            if not todo:
                return False
            for _, what, where in todo[:BATCH]:
                try:
                    if what == "draw":
                        self.draw(where)
                    else:
                        self.history.do(verbs.erase(self.history.labels, tuple(where), reach_px=3))
                        self.clicks += 1
                except verbs.Impossible:
                    continue
                self.operations += 1
            if self.operations > 3000:
                return False
        return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("found", type=Path)
    parser.add_argument("guess", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--goal", type=float, default=0.97)
    given = parser.parse_args()
    settings = BoundarySettings(closing_radius_px=0, min_grain_px=2)
    start = close(read_mask(given.found) * np.uint8(255), settings=settings)
    truth = skeletonize(read_mask(given.truth))
    inside = np.zeros_like(truth)
    inside[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX] = True
    guess = imread(given.guess)
    guess = guess[0] if guess.ndim == 3 else guess
    beside = ndimage.binary_dilation(start.labels == 0, np.ones((5, 5)))
    evidence = np.where(beside, np.float32(0), evidence_of(guess.astype(np.uint8)))
    segments = trace(close((truth & inside) * np.uint8(255), settings=settings).labels)
    hand = Hand(History(start), evidence, truth & inside, segments)
    reached = hand.work(given.goal)
    grains = int(start.labels.max())
    print(f"{grains} grains found; {100 * hand.operations / grains:.0f} operations per 100 grains")
    ratio = segments.count / max(hand.operations, 1)
    print(f"tracing all {segments.count} segments of the truth: {ratio:.1f} times as many operations")
    return int(not reached)


if __name__ == "__main__":
    sys.exit(main())
