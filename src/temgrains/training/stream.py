"""Micrographs that are drawn while a network learns: each is shown a few times, and then makes room.

So a training sees as many micrographs as there is time to draw, without keeping more than a few thousand.
What a step shows depends on the seed and on its number alone, not on how many processes draw.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from torch.utils.data import Dataset

from temgrains.synthesis.series import in_order
from temgrains.training.pairs import Pairs, make_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from temgrains.synthesis import Recipe

    Batch = tuple[NDArray[np.uint8], NDArray[np.uint8]]

CHUNK = 16
"""Micrographs that a process draws at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamSettings:
    """How micrographs pass by a network that learns."""

    seed: int = 1
    """Of micrographs and order."""
    steps: int = 1000
    """Number of batches."""
    batch: int = 64
    """Micrographs per step."""
    views: int = 4
    """How often a micrograph is shown, in the mean."""
    kept: int = 2048
    """Micrographs that a step chooses from; the first step waits until so many are drawn."""
    grey: bool = False
    """Whether Net1 sees the grey image too."""
    workers: int = 1
    """Processes that draw; 1 draws in this one."""


class Stream(Dataset["Batch"]):
    """Batches of fresh micrographs of a recipe; item k is the batch of step k.

    An item is what Net1 sees (B, 3 or 4, H, W; 0..255) and the truth (B, 1, H, W; 0 or 1), both uint8. The
    items are to be asked for in order; another order draws micrographs anew.
    """

    def __init__(self, recipe: Recipe, settings: StreamSettings) -> None:
        self._recipe, self._settings = recipe, settings
        self._kept = CHUNK * math.ceil(settings.kept / CHUNK)
        self._pool: Pairs | None = None
        self._next = -1
        self._drawn = 0
        self._chunks: Iterator[Pairs] = iter(())

    def __len__(self) -> int:
        """Count the steps."""
        return self._settings.steps

    def __getitem__(self, step: int) -> Batch:
        """Give the batch of a step."""
        needed = self._kept + step * self._settings.batch // self._settings.views
        if self._pool is None or step != self._next:
            self._begin(needed)
        while self._drawn < needed:
            self._take(next(self._chunks))
        self._next = step + 1
        assert self._pool is not None
        which = np.random.default_rng([self._settings.seed, step]).integers(
            self._kept, size=self._settings.batch
        )
        return self._pool.inputs(which), self._pool.truths(which)

    def close(self) -> None:
        """Stop drawing; the next item starts it again."""
        self._chunks, self._pool = iter(()), None

    def _begin(self, needed: int) -> None:
        """Draw again what the pool holds at a step."""
        self._drawn = CHUNK * math.ceil(needed / CHUNK) - self._kept
        self._pool = None
        make = partial(_make, self._recipe, self._settings.seed, self._settings.grey)
        self._chunks = in_order(make, count(self._drawn // CHUNK), workers=self._settings.workers)

    def _take(self, made: Pairs) -> None:
        """Put a chunk in the place of the oldest."""
        if self._pool is None:
            grey = None if made.grey is None else _room(made.grey, self._kept)
            self._pool = Pairs(_room(made.edges, self._kept), _room(made.truth, self._kept), made.width, grey)
        place = slice(self._drawn % self._kept, self._drawn % self._kept + CHUNK)
        self._pool.edges[place], self._pool.truth[place] = made.edges, made.truth
        if made.grey is not None and self._pool.grey is not None:
            self._pool.grey[place] = made.grey
        self._drawn += CHUNK


def _room(part: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    return np.zeros((count, *part.shape[1:]), np.uint8)


def _make(recipe: Recipe, seed: int, grey: bool, chunk: int) -> Pairs:
    return make_pairs(recipe, seed=seed, count=range(CHUNK * chunk, CHUNK * (chunk + 1)), grey=grey)
