"""Pairs to learn from: what Net1 sees of synthetic micrographs, and their true boundaries."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from temgrains.edges import find_edges
from temgrains.files import atomic_path
from temgrains.records import Micrograph, Progress, silent
from temgrains.settings import EdgeSettings
from temgrains.synthesis import Recipe, SyntheticMicrograph, synthesise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    _Pair: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]

SHARES = (0.85, 0.075, 0.075)
"""Training, validation and test (section D of the paper)."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Edge maps and truths, packed eight pixels to a byte because both know only two values, and greys.

    ``edges`` is uint8, shape (N, 3, H, W / 8); ``truth`` is uint8, shape (N, H, W / 8); ``grey``, the
    stretched micrographs, is uint8, shape (N, H, W), or None for networks that see the edges alone.
    """

    edges: NDArray[np.uint8] = field(repr=False)
    truth: NDArray[np.uint8] = field(repr=False)
    width: int
    grey: NDArray[np.uint8] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.truth)

    def edge_maps(self, which: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Unpack edge maps: uint8 0 or 255, shape (len(which), 3, H, W)."""
        return np.unpackbits(self.edges[which], axis=-1, count=self.width) * np.uint8(255)

    def inputs(self, which: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Give what Net1 sees: uint8 0..255, shape (len(which), 3 or 4, H, W)."""
        edges = self.edge_maps(which)
        return edges if self.grey is None else np.concatenate([edges, self.grey[which, None]], axis=1)

    def truths(self, which: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Unpack truths: uint8 0 or 1, shape (len(which), 1, H, W)."""
        return np.unpackbits(self.truth[which], axis=-1, count=self.width)[:, None]


def pair(sample: SyntheticMicrograph, edges: EdgeSettings) -> _Pair:
    """Give one sample's packed edge maps, packed truth and stretched image."""
    found = find_edges(Micrograph(sample.image.astype(np.float32) / np.float32(255)), settings=edges)
    assert found.grey is not None  # what `find_edges` gives bears its image
    return np.packbits(found.maps > 0, axis=-1), np.packbits(sample.truth, axis=-1), found.grey


def make_pairs(
    recipe: Recipe,
    *,
    seed: int,
    count: int | range,
    grey: bool = False,
    workers: int = 1,
    progress: Progress = silent,
) -> Pairs:
    """Make ``count`` pairs, or those of a range of numbers.

    Pair k depends on ``recipe``, ``seed`` and k alone, not on ``workers``.
    """
    numbers = range(count) if isinstance(count, int) else count
    edges, truths, greys = [], [], []
    for done, (maps, truth, stretched) in enumerate(_made(recipe, seed, numbers, workers), start=1):
        edges.append(maps)
        truths.append(truth)
        if grey:
            greys.append(stretched)
        progress("pairs", done, len(numbers))
    return Pairs(np.stack(edges), np.stack(truths), recipe.shape[1], np.stack(greys) if grey else None)


def _made(recipe: Recipe, seed: int, numbers: range, workers: int) -> Iterator[_Pair]:
    make = partial(_make, recipe, seed)
    if workers <= 1:
        yield from map(make, numbers)
        return
    # Spawned, not forked: forking after PyTorch or numba started their threads can hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(make, numbers, chunksize=16)


def _make(recipe: Recipe, seed: int, index: int) -> _Pair:
    return pair(synthesise(recipe, seed=seed, index=index), EdgeSettings())


def cached_pairs(
    folder: Path, recipe: Recipe, *, seed: int, count: int, grey: bool = False, **how: Any
) -> Pairs:
    """Read the pairs an earlier run left in ``folder``, or make and keep them."""
    drawn = hashlib.sha256(json.dumps(recipe.describe(), sort_keys=True).encode()).hexdigest()[:12]
    path = folder / f"pairs-{recipe.name}-{drawn}-{seed}-{count}{'-grey' if grey else ''}.npz"
    if path.exists():
        with np.load(path) as stored:
            return Pairs(
                stored["edges"], stored["truth"], int(stored["width"]), stored["grey"] if grey else None
            )
    pairs = make_pairs(recipe, seed=seed, count=count, grey=grey, **how)
    arrays: dict[str, Any] = {"edges": pairs.edges, "truth": pairs.truth} | (
        {} if pairs.grey is None else {"grey": pairs.grey}
    )
    with atomic_path(path) as temporary:
        np.savez(temporary, width=pairs.width, **arrays)
    return pairs


def split(count: int, *, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Shuffle ``count`` indices and cut them into training, validation and test (85 / 7.5 / 7.5 %)."""
    order = np.random.default_rng(seed).permutation(count)
    first = round(SHARES[0] * count)
    second = first + round(SHARES[1] * count)
    return order[:first], order[first:second], order[second:]
