"""What the Synthesise dock does in threads of its own: a sample, a data set. Knows no Qt."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from temgrains.records import Progress
    from temgrains.synthesis import Recipe, SyntheticMicrograph


@dataclass(frozen=True, slots=True)
class Sample:
    """A drawn sample, and how long it took [s]."""

    drawn: SyntheticMicrograph
    seconds: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Draw one sample."""

    title: ClassVar[str] = "Sample"
    recipe: Recipe
    seed: int
    index: int

    def run(self, progress: Progress) -> Iterator[Sample]:
        """Give the one sample."""
        from temgrains.synthesis import synthesise  # noqa: PLC0415  (compiles kernels)

        progress("sample", 0, 1)
        start = time.perf_counter()
        drawn = synthesise(self.recipe, seed=self.seed, index=self.index)
        yield Sample(drawn, time.perf_counter() - start)


@dataclass(frozen=True, slots=True)
class Writing:
    """Write a data set."""

    title: ClassVar[str] = "Data set"
    recipe: Recipe
    seed: int
    count: int
    folder: Path

    def run(self, progress: Progress) -> Iterator[dict[str, Any]]:
        """Give the summary of the series."""
        from temgrains.synthesis import write_data_set  # noqa: PLC0415  (compiles kernels)

        yield write_data_set(self.recipe, self.folder, seed=self.seed, count=self.count, progress=progress)
