"""Monte Carlo grains: lognormal circles, packed until they overlap and gape little."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from temgrains._compiled import compiled
from temgrains.synthesis.uniform import first_state, uniform

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import ArrayLike, NDArray

    FloatArray: TypeAlias = NDArray[np.float64]
    IndexArray: TypeAlias = NDArray[np.int64]

SIGMA_MAX = 2.0
"""Widest lognormal that is drawn: at 2, a grain in twenty is 27 times the median or more."""
# Skin of the Verlet list in mean radii: more makes each step slower, less makes it list anew more often.
_SKIN = 2.5


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
    wall: float = 0.5
    """Share of its radius that a centre is pushed to keep from the image's border (0..1): at 0 half of a
    circle may lie outside, which leaves gaps inside; at 1 none may, which leaves overlap."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        steps: object = self.steps
        if not (isinstance(steps, int) and 0 <= steps <= 100_000):
            raise ValueError(f"packing.steps is {steps!r}; it must be a whole number from 0 to 100000")
        for name in ("stiffness", "perturbation", "wall"):
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
    float64, shape (N,): diameters [px] in the order drawn. All that were drawn are kept: the last circle is
    the one that reaches the area, and nothing is cut, dropped or drawn again to fit.

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
    settings: PackingSettings = PackingSettings(),
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
    circle is also pushed at random, less and less (annealing), and away from the border. Centres are kept
    within the image, but circles may stick out of it: the border cuts grains as a micrograph's does.

    Circles that cover the image's area cannot be packed without overlap and gaps: both are reported, and the
    power diagram divides the ones and fills the others.
    """
    # A pixel reaches half a pixel beyond its centre, and centres may lie anywhere on the pixels.
    low, high = np.full(2, -0.5), np.asarray(shape) - 0.5
    sizes = np.asarray(radii, np.float64)
    circles = np.empty((len(sizes), 3))
    circles[:, :2] = low + rng.random((len(sizes), 2)) * (high - low)
    circles[:, 2] = sizes
    before = _overlap(circles)
    seed = first_state(rng)
    if settings.steps:
        pushes = (settings.stiffness, settings.perturbation, settings.wall)
        _relax(circles, (low, high), settings.steps, pushes, seed)
    return Packing(circles[:, :2].copy(), before, _overlap(circles))


def _overlap(circles: FloatArray) -> float:
    return float(_overlap_sum(circles, _near_pairs(circles, 0.0)) / circles[:, 2].sum())


@compiled
def _relax(
    circles: FloatArray,
    box: tuple[FloatArray, FloatArray],
    steps: int,
    pushes: tuple[float, float, float],
    seed: np.uint64,
) -> None:
    """Run the steps on a Verlet list: pairs within a skin, listed anew once a circle crosses half of it."""
    stiffness, perturbation, wall = pushes
    low, high = box
    skin = _SKIN * circles[:, 2].mean()
    listed = circles.copy()
    pairs = _near_pairs(circles, skin)
    push = np.empty((len(circles), 2))
    state = seed
    for step in range(steps):
        strength = perturbation * max(0.0, 1.0 - step / (0.75 * steps))
        for i in range(len(circles)):
            radius = circles[i, 2]
            for axis in range(2):
                state, u = uniform(state)
                inwards = max(0.0, low[axis] + wall * radius - circles[i, axis])
                inwards -= max(0.0, circles[i, axis] + wall * radius - high[axis])
                push[i, axis] = strength * radius * (2.0 * u - 1.0) + stiffness * inwards
        state = _part(circles, pairs, stiffness, push, state)
        moved = 0.0
        for i in range(len(circles)):
            for axis in range(2):
                place = circles[i, axis] + push[i, axis]
                circles[i, axis] = min(max(place, low[axis]), high[axis])
            dy, dx = circles[i, 0] - listed[i, 0], circles[i, 1] - listed[i, 1]
            moved = max(moved, dy * dy + dx * dx)
        if moved > 0.25 * skin * skin:
            listed = circles.copy()
            pairs = _near_pairs(circles, skin)


@compiled
def _part(
    circles: FloatArray, pairs: IndexArray, stiffness: float, push: FloatArray, state: np.uint64
) -> np.uint64:
    """Add to the pushes what parts the overlapping pairs; give the random state on."""
    for k in range(len(pairs)):
        i, j = pairs[k, 0], pairs[k, 1]
        reach = circles[i, 2] + circles[j, 2]
        dy, dx = circles[j, 0] - circles[i, 0], circles[j, 1] - circles[i, 1]
        square = dy * dy + dx * dx
        if square >= reach * reach:
            continue
        distance = math.sqrt(square)
        depth = stiffness * (reach - distance)
        if distance > 1e-9 * reach:
            dy /= distance
            dx /= distance
        else:  # centres that coincide part in a random direction
            state, u = uniform(state)
            dy, dx = math.sin(2.0 * math.pi * u), math.cos(2.0 * math.pi * u)
        share = circles[j, 2] / reach
        push[i, 0] -= share * depth * dy
        push[i, 1] -= share * depth * dx
        push[j, 0] += (1.0 - share) * depth * dy
        push[j, 1] += (1.0 - share) * depth * dx
    return state


@compiled
def _overlap_sum(circles: FloatArray, pairs: IndexArray) -> float:
    total = 0.0
    for i, j in pairs:
        distance = math.hypot(circles[i, 0] - circles[j, 0], circles[i, 1] - circles[j, 1])
        total += max(0.0, circles[i, 2] + circles[j, 2] - distance)
    return total


@compiled
def _near_pairs(circles: FloatArray, skin: float) -> IndexArray:
    """List the pairs of circles nearer than the skin, by cells as wide as the largest reach."""
    count = len(circles)
    side = 2.0 * circles[:, 2].max() + skin
    row = ((circles[:, 0] - circles[:, 0].min()) / side).astype(np.int64)
    column = ((circles[:, 1] - circles[:, 1].min()) / side).astype(np.int64)
    # Each cell is a linked list of its circles, whose numbers descend.
    first = np.full((row.max() + 3, column.max() + 3), -1, np.int64)
    following = np.empty(count, np.int64)
    for i in range(count):
        following[i] = first[row[i] + 1, column[i] + 1]
        first[row[i] + 1, column[i] + 1] = i
    pairs = np.empty((12 * count + 16, 2), np.int64)
    listed = 0
    for i in range(count):
        for r in range(row[i], row[i] + 3):
            for c in range(column[i], column[i] + 3):
                j = first[r, c]
                while j > i:
                    dy, dx = circles[i, 0] - circles[j, 0], circles[i, 1] - circles[j, 1]
                    if dy * dy + dx * dx < (circles[i, 2] + circles[j, 2] + skin) ** 2:
                        if listed == len(pairs):
                            pairs = np.concatenate((pairs, np.empty_like(pairs)))
                        pairs[listed, 0], pairs[listed, 1] = i, j
                        listed += 1
                    j = following[j]
    return pairs[:listed]
