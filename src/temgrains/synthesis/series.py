"""Many synthetic micrographs, drawn by several processes."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

from temgrains.synthesis.generate import SyntheticMicrograph, synthesise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from temgrains.synthesis.recipe import Recipe

_AHEAD = 4


def synthesise_many(
    recipe: Recipe, *, seed: int, count: int, workers: int = 1, start: int = 0
) -> Iterator[SyntheticMicrograph]:
    """Draw micrographs ``start`` to ``start + count - 1`` of a series, in order.

    Parameters
    ----------
    recipe
        What to draw. With several workers its steps must be picklable: module-level functions or classes.
    seed
        Seed of the series; image k depends on recipe, seed and k alone.
    count
        Number of images.
    workers
        Processes that share the work; 1 draws in this one.
    start
        Number of the first image.

    Raises
    ------
    ValueError
        If count is negative or workers less than 1, or as `synthesise`.

    Notes
    -----
    The workers run at most a few images ahead of the caller, so that any count fits into memory. Closing the
    iterator stops them.
    """
    if count < 0 or workers < 1:
        raise ValueError(f"count is {count} and workers is {workers}; they must be at least 0 and 1")
    numbers = range(start, start + count)
    if workers == 1:
        return (synthesise(recipe, seed=seed, index=k) for k in numbers)
    return _drawn_ahead(recipe, seed, numbers, workers)


def _drawn_ahead(recipe: Recipe, seed: int, numbers: range, workers: int) -> Iterator[SyntheticMicrograph]:
    # Spawned, not forked: forking after numba or PyTorch started their threads can hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = deque(
            pool.submit(synthesise, recipe, seed=seed, index=k) for k in numbers[: _AHEAD * workers]
        )
        try:
            for k in numbers[_AHEAD * workers :]:
                yield waiting.popleft().result()
                waiting.append(pool.submit(synthesise, recipe, seed=seed, index=k))
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
