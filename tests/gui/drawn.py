"""Drawn grains and drawn stages, whose results are known."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.records import BoundaryMap, EdgeMaps, Iterate, Micrograph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from temgrains.pipeline import EdgePyramid

SHAPE = (64, 96)
LAST = 6
"""The iterate at which the drawn refinement stops."""


def lattice(shape: tuple[int, int] = SHAPE, pitch: int = 16) -> np.ndarray:
    """Draw square grains: True on the lines between them."""
    rows, columns = np.indices(shape)
    return (rows % pitch == pitch - 1) | (columns % pitch == pitch - 1)


def drawing(shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Draw a micrograph of square grains, each of its own grey."""
    rows, columns = np.indices(shape) // 16
    return ((rows * 37 + columns * 91) % 200 + 20).astype(np.uint8)


class Stages:
    """Stands in for the pipeline: drawn results at once, or as slowly as a test wants.

    Iterate k shows the lattice without its last `LAST` - k vertical lines, so that every iterate differs and
    a later one has more grains.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.active = 0
        self.delay_s = 0.0
        self.error: Exception | None = None
        self.deaf = False
        self.release = threading.Event()

    def work(self, stage: str, progress: Callable[[str, int, int], None]) -> None:
        """Take time, in small pieces between which the work can be cancelled; deaf work cannot."""
        self.calls.append(stage)
        self.active += 1
        try:
            if self.deaf:
                self.release.wait(60)
            end = time.monotonic() + self.delay_s
            progress(stage, 0, 4)
            while time.monotonic() < end:
                time.sleep(0.005)
                progress(stage, 0, 4)
        finally:
            self.active -= 1
        if self.error is not None:
            raise self.error

    def edges_of(self, micrograph: Micrograph, *, settings: Any, progress: Any, **_chosen: Any) -> EdgeMaps:
        """Give the lattice in all three channels."""
        self.work("edges", progress)
        shape = tuple(round(n * (settings.guess.scale or 1)) for n in micrograph.shape)
        level = 255 if settings.edges.sobel_threshold is None else 128
        return EdgeMaps(np.stack([lattice(shape) * np.uint8(level)] * 3))

    def guess_of(self, pyramid: EdgePyramid, *, progress: Any, **_chosen: Any) -> BoundaryMap:
        """Give the first state."""
        self.work("guess", progress)
        return BoundaryMap(self.state(pyramid.edges.maps.shape[1:], 0))

    def iterates_of(self, start: Any, *, progress: Any, **_chosen: Any) -> Iterator[Iterate]:
        """Add one line per iterate."""
        last = start[-1]
        shape = last.state.shape
        for index in range(last.index + 1, LAST + 1):
            self.work("refine", progress)
            stopped = "converged" if index == LAST else None
            yield Iterate(index, self.state(shape, index), 0.1 / index, stopped)

    @staticmethod
    def state(shape: tuple[int, ...], index: int) -> np.ndarray:
        """Draw the state of one iterate."""
        lines = lattice((shape[0], shape[1]))
        hidden = np.arange(shape[1]) // 16 >= shape[1] // 16 - (LAST - index)
        lines[:, hidden & (np.arange(shape[1]) % 16 == 15)] = False
        return lines * np.uint8(255)
