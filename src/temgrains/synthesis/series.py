"""Many synthetic micrographs, drawn by several processes."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context
from typing import TYPE_CHECKING, TypeVar

from temgrains.synthesis.generate import SyntheticMicrograph, synthesise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from temgrains.synthesis.recipe import Recipe

_AHEAD = 4
"""Results per process that may lie ready or under way."""

Made = TypeVar("Made")


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
    return in_order(partial(_draw, recipe, seed), range(start, start + count), workers=workers)


def in_order(make: Callable[[int], Made], numbers: Iterable[int], *, workers: int) -> Iterator[Made]:
    """Give ``make(k)`` of each number, in their order, made by several processes a few ahead of the caller.

    Parameters
    ----------
    make
        With several workers it must be picklable.
    numbers
        May be without end.
    workers
        Processes that share the work; 1 works in this one. Closing the iterator stops them.
    """
    if workers <= 1:
        yield from map(make, numbers)
        return
    left = iter(numbers)
    # Spawned, not forked: forking after numba or PyTorch started their threads can hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = deque(pool.submit(make, k) for k in islice(left, _AHEAD * workers))
        try:
            while waiting:
                made = waiting.popleft().result()
                waiting.extend(pool.submit(make, k) for k in islice(left, 1))
                yield made
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _draw(recipe: Recipe, seed: int, index: int) -> SyntheticMicrograph:
    return synthesise(recipe, seed=seed, index=index)
