"""Monte Carlo grains: lognormal circles, packed until they overlap and gape little."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from temgrains._compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

SIGMA_MAX = 2.0
"""Widest lognormal that is drawn: at 2, a grain in twenty is 27 times the median or more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackingSettings:
    """How circles are pushed apart."""

    steps: int = 200
    """Relaxation steps (0 leaves the circles where they fell)."""
    stiffness: float = 0.4
    """Share of an overlap that one step takes away (0..1)."""
    perturbation: float = 0.1
    """Largest random push in the first step, as a share of a circle's radius (0..1); it fades to nothing over
    the first three quarters of the steps, so that the last ones only relax."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        if not (isinstance(self.steps, int) and 0 <= self.steps <= 100_000):
            raise ValueError(f"packing.steps is {self.steps!r}; it must be a whole number from 0 to 100000")
        for name in ("stiffness", "perturbation"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"packing.{name} is {value!r}; it must be from 0 to 1")


@dataclass(frozen=True, slots=True)
class Packing:
    """Circles after packing.

    ``centres`` is float64, shape (N, 2), (row, column) [px], all within the image. The two overlaps are the
    sum of overlap depths over pairs divided by the sum of radii, before and after.
    """

    centres: FloatArray = field(repr=False)
    overlap_before: float
    overlap_after: float


def draw_diameters(area: float, *, median_px: float, sigma: float, rng: np.random.Generator) -> FloatArray:
    """Draw lognormal diameters until the circles' area reaches the given area.

    Parameters
    ----------
    area
        The image's area [px²].
    median_px
        Median of the lognormal distribution [px].
    sigma
        Standard deviation of ln(diameter), 0..2; 0 gives equal circles.
    rng
        Source of randomness.

    Returns
    -------
    float64, shape (N,): diameters [px] in the order drawn. All that were drawn are kept: the last circle is the
    one that reaches the area, and nothing is cut, dropped or drawn again to fit.

    Raises
    ------
    ValueError
        If area or median is not positive and finite, or sigma outside 0..2.
    """
    for name, value in (("area", area), ("median_px", median_px)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name} is {value!r}; it must be positive and finite")
    if not 0 <= sigma <= SIGMA_MAX:
        raise ValueError(f"sigma is {sigma!r}; it must be from 0 to {SIGMA_MAX:g}")
    # Blocks only bound the calls: a generator gives the same stream in whatever blocks it is drawn.
    block = max(16, math.ceil(1.5 * area / (math.pi / 4 * median_px**2 * math.exp(2 * sigma**2))))
    diameters = np.empty(0)
    covered = np.zeros(1)
    while covered[-1] < area:
        drawn = median_px * np.exp(sigma * rng.standard_normal(block))
        diameters = np.concatenate([diameters, drawn])
        covered = np.cumsum(math.pi / 4 * diameters**2)
    return diameters[: int(np.searchsorted(covered, area)) + 1]


def pack(
    radii: ArrayLike,
    shape: tuple[int, int],
    *,
    rng: np.random.Generator,
    settings: PackingSettings = PackingSettings(),  # noqa: B008 - frozen
) -> Packing:
    """Scatter circles over an image and push them apart until overlap and gaps are small.

    Parameters
    ----------
    radii
        Shape (N,), radii [px].
    shape
        Height and width of the image [px].
    rng
        Source of randomness.
    settings
        Number and strength of the steps.

    Notes
    -----
    Each overlapping pair is pushed apart along the line between its centres, the smaller circle farther; each
    circle is also pushed at random, less and less (annealing). Centres are kept within the image, so circles
    may stick out of it: the image cuts grains at its border as a micrograph does.

    Circles that cover the image's area cannot be packed without overlap: what remains is reported, and the
    power diagram divides it.
    """
    sizes = np.ascontiguousarray(radii, np.float64)
    height, width = shape
    # Centres may lie anywhere on the pixels' area, which reaches half a pixel beyond their centres.
    low, high = -0.5, np.array([height, width]) - 0.5
    centres = low + rng.random((len(sizes), 2)) * (high - low)
    cy, cx = centres[:, 0].copy(), centres[:, 1].copy()
    before = _overlap(cy, cx, sizes)
    seed = rng.integers(0, 2**64, dtype=np.uint64)
    if settings.steps:
        _relax(
            cy, cx, sizes, high, settings.steps, settings.stiffness, settings.perturbation, np.uint64(seed)
        )
    return Packing(np.stack([cy, cx], axis=1), before, _overlap(cy, cx, sizes))


def _overlap(cy: FloatArray, cx: FloatArray, radius: FloatArray) -> float:
    pairs, count = _near_pairs(cy, cx, radius, 0.0)
    return float(_overlap_sum(cy, cx, radius, pairs, count) / radius.sum())


@compiled
def _relax(cy, cx, radius, high, steps, stiffness, perturbation, seed):  # type: ignore[no-untyped-def]
    """Run the steps on a Verlet list: pairs within a skin, listed anew when a circle has crossed half of it."""
    count = len(cy)
    skin = radius.mean()
    pairs, listed = _near_pairs(cy, cx, radius, skin)
    listed_y, listed_x = cy.copy(), cx.copy()
    push_y, push_x = np.empty(count), np.empty(count)
    state = seed
    for step in range(steps):
        strength = perturbation * max(0.0, 1.0 - step / (0.75 * steps))
        for i in range(count):
            state, u = _uniform(state)
            state, v = _uniform(state)
            push_y[i] = strength * radius[i] * (2.0 * u - 1.0)
            push_x[i] = strength * radius[i] * (2.0 * v - 1.0)
        state = _push_apart(cy, cx, radius, stiffness, pairs, listed, push_y, push_x, state)
        moved = 0.0
        for i in range(count):
            cy[i] = min(max(cy[i] + push_y[i], -0.5), high[0])
            cx[i] = min(max(cx[i] + push_x[i], -0.5), high[1])
            moved = max(moved, (cy[i] - listed_y[i]) ** 2 + (cx[i] - listed_x[i]) ** 2)
        if moved > 0.25 * skin * skin:
            pairs, listed = _near_pairs(cy, cx, radius, skin)
            listed_y[:] = cy
            listed_x[:] = cx


@compiled
def _push_apart(cy, cx, radius, stiffness, pairs, listed, push_y, push_x, state):  # type: ignore[no-untyped-def]
    """Add to the pushes what parts the overlapping pairs; give the random state on."""
    for k in range(listed):
        i, j = pairs[k, 0], pairs[k, 1]
        dy, dx = cy[j] - cy[i], cx[j] - cx[i]
        reach = radius[i] + radius[j]
        square = dy * dy + dx * dx
        if square >= reach * reach:
            continue
        distance = math.sqrt(square)
        depth = reach - distance
        if distance > 1e-9 * reach:
            dy /= distance
            dx /= distance
        else:  # centres that coincide part in a random direction
            state, u = _uniform(state)
            dy, dx = math.sin(2.0 * math.pi * u), math.cos(2.0 * math.pi * u)
        share = radius[j] / reach
        push_y[i] -= stiffness * share * depth * dy
        push_x[i] -= stiffness * share * depth * dx
        push_y[j] += stiffness * (1.0 - share) * depth * dy
        push_x[j] += stiffness * (1.0 - share) * depth * dx
    return state


@compiled
def _uniform(state):  # type: ignore[no-untyped-def]
    """Advance splitmix64 by one and give a number in [0, 1)."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return state, (z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@compiled
def _overlap_sum(cy, cx, radius, pairs, count):  # type: ignore[no-untyped-def]
    total = 0.0
    for k in range(count):
        i, j = pairs[k, 0], pairs[k, 1]
        distance = math.sqrt((cy[j] - cy[i]) ** 2 + (cx[j] - cx[i]) ** 2)
        total += max(0.0, radius[i] + radius[j] - distance)
    return total


@compiled
def _near_pairs(cy, cx, radius, skin):  # type: ignore[no-untyped-def]
    """List the pairs whose circles are nearer than the skin, by cells as wide as the largest reach."""
    count = len(cy)
    side = 2.0 * radius.max() + skin
    y0, x0 = cy.min(), cx.min()
    rows, columns = int((cy.max() - y0) / side) + 1, int((cx.max() - x0) / side) + 1
    first = np.full(rows * columns, -1, np.int64)
    following = np.empty(count, np.int64)
    cell = np.empty(count, np.int64)
    for i in range(count):
        cell[i] = int((cy[i] - y0) / side) * columns + int((cx[i] - x0) / side)
        following[i] = first[cell[i]]
        first[cell[i]] = i
    pairs = np.empty((12 * count + 16, 2), np.int64)
    listed = 0
    for i in range(count):
        row, column = cell[i] // columns, cell[i] % columns
        for r in range(max(row - 1, 0), min(row + 2, rows)):
            for c in range(max(column - 1, 0), min(column + 2, columns)):
                j = first[r * columns + c]
                while j > i:  # each cell's list descends, so the rest are pairs of the other order
                    reach = radius[i] + radius[j] + skin
                    if (cy[j] - cy[i]) ** 2 + (cx[j] - cx[i]) ** 2 < reach * reach:
                        if listed == len(pairs):
                            longer = np.empty((2 * listed, 2), np.int64)
                            longer[:listed] = pairs
                            pairs = longer
                        pairs[listed, 0], pairs[listed, 1] = i, j
                        listed += 1
                    j = following[j]
    return pairs, listed
