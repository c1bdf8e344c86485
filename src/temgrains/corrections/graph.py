"""The graph of a closed network: segments of boundary between two grains, and the points where they meet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import ByteArray, GreyArray, LabelArray

CONTRAST_REACH_PX = 3
"""How far beside a segment the grey of its two grains is compared [px]."""

_EIGHT = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
_FORWARD = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True, slots=True)
class SegmentGraph:
    """Nodes and segments of a closed network.

    ``nodes`` are the places (row, column) where segments meet, triple junctions above all, shape (K, 2) [px];
    a segment that runs into the image border ends there without a node. Of segment k ``grains[k]`` are the
    two grains (the lower number first), ``ends[k]`` its nodes (-1 where there is none), ``length_px[k]`` its
    length, ``contrast[k]`` the difference of the mean grey on both sides (0..1; NaN without an image),
    ``confidence[k]`` the mean of the map under it (0..1; NaN without a map). ``pixels`` (P, 2) are the
    pixels of all segments and ``owner`` (P,) the segment of each. ``crossing`` (Q, 2) are the pixels of the
    nodes, and ``at_node`` (Q,) the node of each.
    """

    nodes: NDArray[np.float64] = field(repr=False)
    grains: NDArray[np.int32] = field(repr=False)
    ends: NDArray[np.intp] = field(repr=False)
    length_px: NDArray[np.float64] = field(repr=False)
    contrast: NDArray[np.float64] = field(repr=False)
    confidence: NDArray[np.float64] = field(repr=False)
    pixels: NDArray[np.intp] = field(repr=False)
    owner: NDArray[np.intp] = field(repr=False)
    crossing: NDArray[np.intp] = field(repr=False)
    at_node: NDArray[np.intp] = field(repr=False)

    @property
    def count(self) -> int:
        """Number of segments."""
        return len(self.grains)

    def nearest(
        self, point: tuple[float, float], reach_px: float, *, among: NDArray[np.bool_] | None = None
    ) -> int | None:
        """Give the segment nearest to a point, of all or of some; None if none is within reach."""
        if among is None:
            return _nearest(self.pixels, self.owner, point, reach_px)
        chosen = among[self.owner]
        return _nearest(self.pixels[chosen], self.owner[chosen], point, reach_px)

    def nearest_node(self, point: tuple[float, float], reach_px: float) -> int | None:
        """Give the node nearest to a point, None if none is within reach."""
        return _nearest(self.crossing, self.at_node, point, reach_px)

    def path(self, segment: int) -> NDArray[np.intp]:
        """Give the pixels of a segment in their order along it, shape (N, 2)."""
        return _ordered(self.pixels[self.owner == segment])

    def centre(self, segment: int) -> tuple[float, float]:
        """Give the pixel halfway along a segment."""
        path = self.path(segment)
        row, column = path[len(path) // 2]
        return float(row), float(column)


def trace(
    labels: LabelArray, *, image: GreyArray | None = None, map_grey: ByteArray | None = None
) -> SegmentGraph:
    """Find the segments and nodes of a closed network.

    Parameters
    ----------
    labels
        Grains, int32, shape (H, W), 0 on lines one pixel wide.
    image
        The micrograph, of the same shape, in 0..1, for the contrast; None for none.
    map_grey
        How surely each pixel is boundary, uint8, of the same shape, for the confidence; None for none.

    Notes
    -----
    A pixel of a line belongs to a segment if its 3 x 3 surroundings show two grains, and to a node
    otherwise. Two grains may share several segments. A segment of less than two or three pixels lies within a
    node. The confidence is the mean, along the segment, of the highest value within one pixel.
    """
    if labels.ndim != 2:
        raise ValueError(f"labels have shape {labels.shape}; they must be one image of (rows, columns)")
    rows, columns = np.nonzero(labels == 0)
    lines = np.stack([rows, columns], axis=1)
    low, high, plain = sides_of(labels, lines)
    pairs = low.astype(np.int64) << 32 | high.astype(np.int64)
    first, second, long = _links(lines, labels.shape)
    same = plain[first] & plain[second] & (pairs[first] == pairs[second])
    owner, count = _components(first[same], second[same], plain)
    node, nodes = _components(*_both(first, second, ~plain), ~plain)
    grains = np.zeros((count, 2), np.int32)
    grains[owner[plain], 0], grains[owner[plain], 1] = low[plain], high[plain]
    touching = plain[first] != plain[second]
    length = _lengths(owner, (first, second, long), same, touching, count)
    pixels, of = lines[plain], owner[plain]
    return SegmentGraph(
        nodes=_centres(lines[~plain], node[~plain], nodes),
        grains=grains,
        ends=_ends(owner, node, (first[touching], second[touching]), plain, count),
        length_px=length,
        contrast=_contrast(labels, image, pixels, of, grains),
        confidence=_confidence(map_grey, pixels, of, count),
        pixels=pixels,
        owner=of,
        crossing=lines[~plain],
        at_node=node[~plain],
    )


def sides_of(
    labels: LabelArray, lines: NDArray[np.intp]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
    """Give for each line pixel the lowest and highest grain around it, and whether there is no third."""
    padded = np.pad(labels, 1)
    around = np.stack([padded[lines[:, 0] + 1 + dy, lines[:, 1] + 1 + dx] for dy, dx in _EIGHT])  # (8, N)
    around = np.maximum(around, 0)  # parts without a specimen are no third grain
    high = around.max(axis=0, initial=0)
    low = np.where(around > 0, around, np.iinfo(np.int32).max).min(axis=0, initial=np.iinfo(np.int32).max)
    plain = (low < high) & ((around == 0) | (around == low) | (around == high)).all(axis=0)
    return low.astype(np.int32), high.astype(np.int32), plain


def _links(
    lines: NDArray[np.intp], shape: tuple[int, ...]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Give the pairs of line pixels that touch, each once, and whether by a corner only."""
    index = np.full((shape[0] + 2, shape[1] + 2), -1, np.intp)
    index[lines[:, 0] + 1, lines[:, 1] + 1] = np.arange(len(lines))
    firsts, seconds, diagonal = [], [], []
    for dy, dx in _FORWARD:
        other = index[lines[:, 0] + 1 + dy, lines[:, 1] + 1 + dx]
        there = other >= 0
        firsts.append(np.flatnonzero(there))
        seconds.append(other[there])
        diagonal.append(np.full(int(there.sum()), dy * dx != 0))
    return np.concatenate(firsts), np.concatenate(seconds), np.concatenate(diagonal)


def _both(
    first: NDArray[np.intp], second: NDArray[np.intp], kind: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    chosen = kind[first] & kind[second]
    return first[chosen], second[chosen]


def _components(
    first: NDArray[np.intp], second: NDArray[np.intp], kind: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], int]:
    """Give the connected pixels of a kind a number from 0, the others -1."""
    size = len(kind)
    links = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(size, size))
    _, found = connected_components(links, directed=False)
    numbers = np.full(size, -1, np.intp)
    values, inverse = np.unique(found[kind], return_inverse=True)
    numbers[kind] = inverse
    return numbers, len(values)


def _lengths(
    owner: NDArray[np.intp],
    links: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]],
    same: NDArray[np.bool_],
    touching: NDArray[np.bool_],
    count: int,
) -> NDArray[np.float64]:
    """Sum the steps within each segment, and half a pixel for each of its ends."""
    first, second, diagonal = links
    steps = np.where(diagonal, np.sqrt(2.0), 1.0)
    length = np.bincount(owner[first[same]], steps[same], count).astype(np.float64)
    reaching = np.maximum(owner[first[touching]], owner[second[touching]])
    length += 0.5 * np.minimum(np.bincount(reaching, minlength=count), 2)
    found: NDArray[np.float64] = np.maximum(length, 1.0)
    return found


def _ends(
    owner: NDArray[np.intp],
    node: NDArray[np.intp],
    touching: tuple[NDArray[np.intp], NDArray[np.intp]],
    plain: NDArray[np.bool_],
    count: int,
) -> NDArray[np.intp]:
    """Give the two nodes of each segment, the same twice for a lens, -1 where there is none."""
    ends = np.full((count, 2), -1, np.intp)
    first, second = touching
    inner, outer = np.where(plain[first], first, second), np.where(plain[first], second, first)
    for segment, reached in np.unique(np.stack([owner[inner], node[outer]], axis=1), axis=0):
        ends[segment, 0 if ends[segment, 0] < 0 else 1] = reached
    return ends


def _centres(pixels: NDArray[np.intp], node: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    areas = np.maximum(np.bincount(node, minlength=count), 1)
    centres: NDArray[np.float64] = np.stack(
        [np.bincount(node, pixels[:, axis], count) / areas for axis in (0, 1)], axis=1
    )
    return centres


def _contrast(
    labels: LabelArray,
    image: GreyArray | None,
    pixels: NDArray[np.intp],
    owner: NDArray[np.intp],
    grains: NDArray[np.int32],
) -> NDArray[np.float64]:
    """Compare the mean grey of both grains close to each segment."""
    count, reach = len(grains), CONTRAST_REACH_PX
    if image is None:
        return np.full(count, np.nan)
    padded, grey = np.pad(labels, reach), np.pad(image, reach)
    totals, areas = np.zeros((2, count)), np.zeros((2, count))
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            place = pixels[:, 0] + reach + dy, pixels[:, 1] + reach + dx
            near, value = padded[place], grey[place]
            for side in (0, 1):
                inside = near == grains[owner, side]
                totals[side] += np.bincount(owner[inside], value[inside], count)
                areas[side] += np.bincount(owner[inside], minlength=count)
    means = totals / np.maximum(areas, 1)
    found: NDArray[np.float64] = np.abs(means[0] - means[1])
    return found


def _confidence(
    map_grey: ByteArray | None, pixels: NDArray[np.intp], owner: NDArray[np.intp], count: int
) -> NDArray[np.float64]:
    if map_grey is None:
        return np.full(count, np.nan)
    padded, ridge = np.pad(map_grey, 1), map_grey[tuple(pixels.T)]
    for dy, dx in _EIGHT:
        ridge = np.maximum(ridge, padded[pixels[:, 0] + 1 + dy, pixels[:, 1] + 1 + dx])
    found: NDArray[np.float64] = np.bincount(owner, ridge / 255, count) / np.maximum(
        np.bincount(owner, minlength=count), 1
    )
    return found


def _nearest(
    pixels: NDArray[np.intp], owner: NDArray[np.intp], point: tuple[float, float], reach_px: float
) -> int | None:
    if not len(pixels):
        return None
    distance = np.hypot(*(pixels - point).T)
    k = int(distance.argmin())
    return int(owner[k]) if distance[k] <= reach_px else None


def _ordered(pixels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Order touching pixels along the line that they make, from one of its ends."""
    left = {(int(r), int(c)) for r, c in pixels}
    neighbours = {p: [q for dy, dx in _EIGHT if (q := (p[0] + dy, p[1] + dx)) in left] for p in left}
    here = min(left, key=lambda p: (len(neighbours[p]), p))
    order = []
    while True:
        order.append(here)
        left.discard(here)
        further = [q for q in neighbours[here] if q in left]
        if not further:
            return np.array(order, np.intp)
        # a side before a corner, so that no pixel of a staircase is left behind
        here = min(further, key=lambda q: (abs(q[0] - order[-1][0]) + abs(q[1] - order[-1][1]), q))
