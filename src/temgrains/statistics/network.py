"""The network of boundaries as polygons: segments, triple junctions, dihedral angles."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.statistics.curvature import curvatures
from temgrains.statistics.field import from_count
from temgrains.statistics.planimetric import triple_point_count
from temgrains.statistics.tracing import headings, trace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import MaskArray
    from temgrains.statistics.field import Field, GrainSize

TOLERANCE_PX = 0.7
"""How far a polygon may leave the sides of pixels that it stands for."""
REACH_PX = 6.0
"""Distance from a junction over which the direction of its boundaries is taken."""


@dataclass(frozen=True, slots=True)
class Network:
    """All boundaries between two grains.

    ``starts`` and ``ends``, shape (M, 2), are the (row, column) ends of the polygons' sides, ``segment`` the
    number of the segment that each belongs to; lengths are in ``unit``, from the upper left corner of the
    image. Per segment, ``grains``, shape (S, 2), are the two it separates, ``lengths`` its length, ``chords``
    the distance of its ends and ``curvatures`` one over the radius of the circle fitted to it [1 / unit], NaN
    where it is too short. ``junctions``, shape (J, 2), are the points where three or more
    grains meet, ``meeting`` how many boundaries meet there, ``dihedral``, shape (K, 3), the angles between
    the boundaries of the triple ones [degrees], which add up to 360.
    """

    starts: NDArray[np.float64] = field(repr=False)
    ends: NDArray[np.float64] = field(repr=False)
    segment: NDArray[np.int64] = field(repr=False)
    grains: NDArray[np.int32] = field(repr=False)
    lengths: NDArray[np.float64] = field(repr=False)
    chords: NDArray[np.float64] = field(repr=False)
    curvatures: NDArray[np.float64] = field(repr=False)
    junctions: NDArray[np.float64] = field(repr=False)
    meeting: NDArray[np.int64] = field(repr=False)
    dihedral: NDArray[np.float64] = field(repr=False)
    unit: str

    @classmethod
    def of(cls, counted: Field) -> Network:
        """Trace the boundaries of a field along the sides of pixels and straighten their stairs."""
        traced = trace(counted.cells, TOLERANCE_PX)
        points = traced.points * counted.pixel
        last = np.zeros(len(points), np.bool_)
        last[traced.offsets[1:] - 1] = True
        first = np.flatnonzero(~last)
        starts, ends = points[first], points[first + 1]
        segment = np.repeat(np.arange(len(traced.grains)), np.diff(traced.offsets) - 1)
        sides = np.hypot(*(ends - starts).T)
        chords = points[traced.offsets[1:] - 1] - points[traced.offsets[:-1]]
        return cls(
            starts=starts,
            ends=ends,
            segment=segment,
            grains=traced.grains,
            lengths=np.bincount(segment, sides, len(traced.grains)).astype(np.float64),
            chords=np.hypot(*chords.T),
            curvatures=curvatures(traced.middles * counted.pixel, traced.middle_offsets),
            junctions=traced.junctions * counted.pixel,
            meeting=traced.meeting,
            dihedral=_dihedral(points, traced.offsets, reach=REACH_PX * min(counted.pixel)),
            unit=counted.unit,
        )

    @property
    def triple_points(self) -> int:
        """Number of triple points; where four boundaries meet there are two of them in one place."""
        return int((self.meeting - 2).sum())

    def neighbours(self, cut: MaskArray) -> dict[str, Any]:
        """Count the neighbours of the grains that nothing cuts: the mean, and the share with each number."""
        pairs = np.unique(self.grains, axis=0) - 1
        counts = np.bincount(pairs.ravel(), minlength=len(cut))[~cut]
        numbers, grains = np.unique(counts, return_counts=True)
        return {
            "mean": float(counts.mean()) if len(counts) else math.nan,
            "shares": {int(n): float(k / len(counts)) for n, k in zip(numbers, grains, strict=True)},
        }


def by_triple_points(counted: Field, network: Network, *, unbiased: bool = False) -> GrainSize:
    """Count grains by their triple points; a check of the other methods, for near ones merge."""
    points = network.triple_points
    inputs: dict[str, float] = {
        "P": points,
        "N": triple_point_count(points, unbiased=unbiased) if points else 0,
        f"A_{counted.unit}2": counted.area,
    }
    formula = f"N = P / 2{'' if unbiased else ' + 1'}; N_A = N / A"
    notes = () if unbiased else ("the 1 in the formula is a bias at few grains",)
    name = f"triple points{', without the 1' if unbiased else ''}"
    return from_count(name, formula, inputs, unit=counted.unit, notes=notes)


def _dihedral(
    points: NDArray[np.float64], offsets: NDArray[np.int64], *, reach: float
) -> NDArray[np.float64]:
    """Give the three angles at each triple junction that is whole, shape (K, 3)."""
    ends, angles = headings(points, offsets, reach)  # (2 S, 2), (2 S,)
    _, place, meeting = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
    order = np.lexsort((angles, place.ravel()))
    place, angles = place.ravel()[order], angles[order]
    triple = angles[meeting[place] == 3].reshape(-1, 3)
    turns = np.diff(triple, axis=1, append=triple[:, :1] + 360)
    return np.asarray(turns, np.float64)
