"""One correction by hand against labelling everything again, on 1024 x 1024 pixels.

    python tests/benchmarks/bench_corrections.py

Prints the time of each verb and its ratio; ends with 1 if a ratio is below its target, an edit takes more
than 100 ms, or if 2,000 operations in a row slow down by more than a factor of two.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from bench_boundaries import structure
from scipy import ndimage

from temgrains.boundaries import close
from temgrains.corrections import History, trace, verbs
from temgrains.corrections.gaps import propose
from temgrains.corrections.paths import Wire, evidence_of
from temgrains.settings import BoundarySettings

LIMIT_MS = 100
TARGETS = {"draw": 2, "erase": 3, "split": 3, "close": 1}
"""Least ratio of closing the whole network again to an edit; `draw` and `close` search their paths first."""

OPERATIONS = 2000


def timed(action) -> tuple[float, object]:
    start = time.perf_counter()
    found = action()
    return 1e3 * (time.perf_counter() - start), found


def edits(history: History, evidence: np.ndarray, points: np.ndarray) -> dict[str, list[float]]:
    """Times [ms] of each verb, from the click to the corrected labels, at random places."""
    spent: dict[str, list[float]] = {"draw": [], "erase": [], "split": [], "close": []}
    for row, column in points:
        here = (float(row), float(column))
        asks = {
            "erase": lambda here=here: verbs.erase(history.labels, here, reach_px=60),
            "split": lambda here=here: verbs.split(history.labels, here, (here[0] + 3, here[1] + 2)),
            "draw": lambda here=here: verbs.draw(
                history.sketch(),
                Wire(evidence, here, labels=history.labels).to((here[0] + 40, here[1] + 30)),
            ),
            "close": lambda here=here: propose(history.labels, evidence, here)[0],
        }
        for verb, ask in asks.items():
            try:
                spent[verb].append(timed(lambda ask=ask: history.do(ask()))[0])
            except verbs.Impossible:
                continue
    return spent


def endurance(history: History) -> tuple[float, float]:
    """Mean time [ms] of the first and last tenth of many operations that cut grains and join them again."""
    rng = np.random.default_rng(1)
    spent: list[float] = []
    while len(spent) < OPERATIONS:
        row, column = rng.uniform(20, 1000, 2)
        try:
            line = verbs.split(history.labels, (row, column), (row + 2, column + 3))
        except verbs.Impossible:
            continue
        spent.append(timed(lambda line=line: history.do(line))[0])
        middle = tuple(np.mean(line.strokes[0].points, axis=0))
        back = verbs.erase(history.labels, middle, reach_px=3)
        spent.append(timed(lambda back=back: history.do(back))[0])
    tenth = OPERATIONS // 10
    return float(np.mean(spent[:tenth])), float(np.mean(spent[-tenth:]))


def main() -> int:
    state = structure(1024, 700)
    start = close(state, settings=BoundarySettings())
    evidence = evidence_of(state)
    rng = np.random.default_rng(0)
    edits(History(start), evidence, rng.uniform(30, 990, (3, 2)))  # compiles the kernels
    history = History(start)
    everything = min(timed(lambda: ndimage.label(start.labels > 0))[0] for _ in range(5))
    network = min(timed(lambda: close(state, settings=BoundarySettings()))[0] for _ in range(5))
    low = False
    print(
        f"1024 x 1024, {start.labels.max()} grains; all again: labels {everything:.1f} ms, "
        f"network {network:.1f} ms"
    )
    print(f"{'':10s}{'median':>12s}{'longest':>12s}{'ratio':>8s}{'target':>8s}")
    for verb, times in edits(history, evidence, rng.uniform(30, 990, (40, 2))).items():
        median, ratio = float(np.median(times)), network / float(np.median(times))
        target = TARGETS[verb]
        print(f"{verb:10s}{median:9.1f} ms{max(times):9.1f} ms{ratio:8.1f}{target:8.1f}")
        low |= median > LIMIT_MS or ratio < target
    print(f"graph of all segments: {timed(lambda: trace(start.labels, map_grey=state))[0]:.1f} ms")
    first, last = endurance(History(start))
    print(f"{OPERATIONS} operations: {first:.1f} ms each at first, {last:.1f} ms at the end")
    return int(low or last > 2 * first)


if __name__ == "__main__":
    sys.exit(main())
