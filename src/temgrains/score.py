"""How well found boundaries agree with a reference: lengths found and invented, and the grains enclosed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from skimage.morphology import skeletonize

from temgrains.maps import read_mask, read_reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from temgrains.records import LabelArray, MaskArray

__all__ = [
    "Score",
    "Verdict",
    "check_pair",
    "curve",
    "disagreement",
    "f1_of",
    "judge",
    "mean_diameter",
    "read_mask",
    "read_reference",
    "score",
]


@dataclass(frozen=True, slots=True)
class Score:
    """Agreement of found boundaries with a reference.

    ``eq1`` is the share of the true length found within the tolerance (0..1), ``precision`` the share of
    the found length that lies within the tolerance of a true line (0..1), ``f1`` their harmonic mean.
    ``length`` is found over true length (1 is right, 3 is over-segmentation). ``are`` is the adapted Rand
    error (0 is right) and ``vi`` the variation of information [bits] (0 is right) of the grains that the
    lines enclose. ``ecd`` is the mean equivalent circle diameter of the found grains over that of the true
    ones. ``closed`` is the share of the found length that separates two grains (1: no loose ends). NaN
    where an image holds no grain.
    """

    eq1: float
    precision: float
    f1: float
    length: float
    are: float
    vi: float
    ecd: float
    closed: float
    tolerance_px: float
    margin_px: int


def score(truth: ArrayLike, found: ArrayLike, *, tolerance_px: float = 4.0, margin_px: int = 12) -> Score:
    """Compare found boundaries with a reference.

    Parameters
    ----------
    truth
        The reference, shape (H, W); what is not 0 is boundary, of any thickness.
    found
        The boundaries to judge, of the same shape.
    tolerance_px
        Distance up to which a line counts as found [px].
    margin_px
        Width left out along the image border [px]; hand-drawn references often have a frame there.

    Returns
    -------
    Score
        All figures of both lines, thinned to one pixel before the margin is cut off.

    Raises
    ------
    ValueError
        If the shapes differ, the margin or the tolerance is out of range, or no true boundary is left.

    Notes
    -----
    Grains are the 4-connected regions that remain when the lines are thickened to three pixels, grown back
    over the lines to the nearest grain. Equation 1 of the paper (arXiv 2504.14782) is a recall: it says
    nothing about invented boundaries, so it is never shown without the precision.
    """
    true_map, found_map = np.asarray(truth) != 0, np.asarray(found) != 0
    check_pair(true_map, found_map, tolerance_px, margin_px)
    inner = tuple(slice(margin_px, side - margin_px) for side in true_map.shape)
    true_lines, found_lines = skeletonize(true_map)[inner], skeletonize(found_map)[inner]
    if not true_lines.any():
        raise ValueError(
            f"the truth holds no boundary inside the margin of {margin_px} px; give another truth or margin"
        )
    eq1 = _share_near(true_lines, found_lines, tolerance_px)
    precision = _share_near(found_lines, true_lines, tolerance_px)
    true_grains, found_grains = _grains(true_lines), _grains(found_lines)
    are, vi = disagreement(true_grains, found_grains)
    return Score(
        eq1=eq1,
        precision=precision,
        f1=f1_of(eq1, precision),
        length=float(found_lines.sum() / true_lines.sum()),
        are=are,
        vi=vi,
        ecd=mean_diameter(found_grains) / mean_diameter(true_grains),
        closed=_share_closed(found_lines, found_grains),
        tolerance_px=float(tolerance_px),
        margin_px=int(margin_px),
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where two sets of lines agree: bool, shape (H, W), one pixel wide.

    ``missed`` and ``correct`` are the true lines without and with a found line within the tolerance,
    ``false`` the found lines without a true one. Inside the margin all are False.
    """

    missed: MaskArray
    correct: MaskArray
    false: MaskArray


def judge(truth: ArrayLike, found: ArrayLike, *, tolerance_px: float = 4.0, margin_px: int = 12) -> Verdict:
    """Tell which boundaries were missed, found and invented; arguments and errors are those of `score`."""
    true_map, found_map = np.asarray(truth) != 0, np.asarray(found) != 0
    check_pair(true_map, found_map, tolerance_px, margin_px)
    inside = np.zeros(true_map.shape, bool)
    inside[tuple(slice(margin_px, side - margin_px) for side in true_map.shape)] = True
    true_lines, found_lines = skeletonize(true_map) & inside, skeletonize(found_map) & inside
    near_found = _near(found_lines, tolerance_px)
    return Verdict(
        missed=true_lines & ~near_found,
        correct=true_lines & near_found,
        false=found_lines & ~_near(true_lines, tolerance_px),
    )


def curve(
    truth: ArrayLike, found: ArrayLike, *, tolerances_px: Sequence[float] = range(11), margin_px: int = 12
) -> NDArray[np.float64]:
    """Give Eq. 1 and precision against the tolerance.

    Parameters
    ----------
    truth, found, margin_px
        As for `score`.
    tolerances_px
        Distances up to which a line counts as found [px].

    Returns
    -------
    rows
        One row per tolerance: tolerance [px], Eq. 1, precision, shape (N, 3); NaN where there is no line.
    """
    true_map, found_map = np.asarray(truth) != 0, np.asarray(found) != 0
    check_pair(true_map, found_map, min(tolerances_px, default=0.0), margin_px)
    inner = tuple(slice(margin_px, side - margin_px) for side in true_map.shape)
    true_lines, found_lines = skeletonize(true_map)[inner], skeletonize(found_map)[inner]
    to_found, to_truth = _distances(true_lines, found_lines), _distances(found_lines, true_lines)
    return np.array([[t, _share_within(to_found, t), _share_within(to_truth, t)] for t in tolerances_px])


def f1_of(eq1: float, precision: float) -> float:
    """Give the harmonic mean, 0 where both are."""
    return 2 * eq1 * precision / (eq1 + precision) if eq1 + precision else 0.0


def check_pair(truth: MaskArray, found: MaskArray, tolerance_px: float, margin_px: int) -> None:
    """Refuse what cannot be compared, with the `ValueError` of `score`."""
    if truth.ndim != 2:
        raise ValueError(f"truth has shape {truth.shape}; it must be one image of (rows, columns)")
    if truth.shape != found.shape:
        raise ValueError(f"found has shape {found.shape} but truth {truth.shape}; they must be of one image")
    if not tolerance_px >= 0:
        raise ValueError(f"tolerance_px is {tolerance_px}; it must be a number of pixels from 0 up")
    if not 0 <= 2 * margin_px < min(truth.shape):
        raise ValueError(
            f"margin_px is {margin_px}; it must be from 0 to less than half of the image's shorter side "
            f"({min(truth.shape)} px)"
        )


def _near(lines: MaskArray, tolerance_px: float) -> MaskArray:
    """Pixels within the tolerance of lines."""
    if not lines.any():
        return np.zeros_like(lines)
    near: MaskArray = ndimage.distance_transform_edt(~lines) <= tolerance_px
    return near


def _distances(lines: MaskArray, others: MaskArray) -> NDArray[np.float64]:
    """Distance of each pixel of ``lines`` from the nearest of ``others`` [px]."""
    if not others.any():
        return np.full(int(lines.sum()), np.inf)
    found: NDArray[np.float64] = ndimage.distance_transform_edt(~others)[lines]
    return found


def _share_within(distances: NDArray[np.float64], tolerance_px: float) -> float:
    return float((distances <= tolerance_px).mean()) if distances.size else float("nan")


def _share_near(lines: MaskArray, others: MaskArray, tolerance_px: float) -> float:
    """Share of ``lines`` within the tolerance of ``others``; 0 if either holds nothing."""
    if not lines.any() or not others.any():
        return 0.0
    distance = ndimage.distance_transform_edt(~others)
    return float((distance[lines] <= tolerance_px).mean())


def _grains(lines: MaskArray) -> LabelArray:
    """Regions enclosed by the lines, grown over the lines: int32, no 0 left if there is any region."""
    solid = ndimage.binary_dilation(lines, np.ones((3, 3), bool))
    regions, count = ndimage.label(~solid)
    if count == 0:
        return np.zeros(lines.shape, np.int32)
    rows, columns = ndimage.distance_transform_edt(solid, return_distances=False, return_indices=True)
    grown: LabelArray = regions[rows, columns].astype(np.int32)
    return grown


def disagreement(truth: LabelArray, found: LabelArray, *, dense: int = 0) -> tuple[float, float]:
    """Give adapted Rand error and variation of information [bits] of two divisions of the same pixels.

    Pairs of grains are counted in a table of all pairs where these are no more than ``dense``, which is
    quicker, and sorted otherwise.
    """
    if not truth.any():
        return float("nan"), float("nan")
    columns = int(found.max()) + 1
    pairs = truth.astype(np.int64) * columns + found
    if (int(truth.max()) + 1) * columns <= dense:
        counts = np.bincount(pairs.reshape(-1))
        values = np.flatnonzero(counts)
        both = counts[values]
    else:
        values, both = np.unique(pairs, return_counts=True)
    in_truth = np.bincount(values // columns, both)
    in_found = np.bincount(values % columns, both)
    pixels = float(truth.size)
    alike = _pairs(both)
    are = 1 - 2 * alike / (_pairs(in_truth) + _pairs(in_found))
    vi = 2 * _entropy(both / pixels) - _entropy(in_truth / pixels) - _entropy(in_found / pixels)
    return are, max(vi, 0.0)


def _pairs(counts: NDArray[Any]) -> float:
    """Ordered pairs of different pixels within each group."""
    sizes = counts.astype(np.float64)
    return float((sizes * (sizes - 1)).sum())


def _entropy(shares: NDArray[np.float64]) -> float:
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


def mean_diameter(grains: LabelArray) -> float:
    """Give the mean equivalent circle diameter, each grain counted once [px]."""
    areas = np.bincount(grains.ravel())[1:]
    return float(np.sqrt(4 / np.pi * areas).mean()) if areas.size else float("nan")


def _share_closed(lines: MaskArray, grains: LabelArray) -> float:
    """Share of the lines' pixels with two different grains among themselves and their 8 neighbours."""
    if not lines.any():
        return 0.0
    separates = ndimage.maximum_filter(grains, 3) != ndimage.minimum_filter(grains, 3)
    return float(separates[lines].mean())
