"""Grains that stand apart: the largest one, and two kinds of grain in one structure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from temgrains.statistics.astm import INCH_AT_100X_MM, g_of_area

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALA_COARSER_BY_G = 3.0
"""An outlier is that much coarser than the matrix (ASTM E930)."""
ALA_LARGEST_SHARE = 0.05
"""Of the area, that outliers may hold (ASTM E930)."""


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest grain against the rest (ASTM E930, "as large as").

    ``g`` is that of its area, ``matrix_g`` that of the mean area of all others that are no outliers,
    ``outliers_share`` the share of the area in grains 3 G coarser than the matrix. ``applies`` says whether
    the standard's conditions hold; ``lower_bound`` that the image border cuts it.
    """

    area_mm2: float
    g: float
    matrix_g: float
    outliers: int
    outliers_share: float
    applies: bool
    lower_bound: bool


def largest_grain(areas_mm2: NDArray[np.float64], cut: NDArray[np.bool_]) -> Largest | None:
    """Compare the largest grain with the others; None without a grain.

    Parameters
    ----------
    areas_mm2
        Areas of all grains, also of those that the border cuts [mm^2].
    cut
        Which of them the border cuts.
    """
    if not len(areas_mm2):
        return None
    largest = int(np.argmax(areas_mm2))
    outlying = np.zeros(len(areas_mm2), np.bool_)
    # Outliers raise the mean that they are measured by: without them it falls, until no more are found.
    for _ in range(len(areas_mm2)):
        limit = areas_mm2[~outlying].mean() * 2**ALA_COARSER_BY_G
        found = areas_mm2 >= limit
        if (found == outlying).all():
            break
        outlying = found
    share = float(areas_mm2[outlying].sum() / areas_mm2.sum())
    return Largest(
        area_mm2=float(areas_mm2[largest]),
        g=g_of_area(float(areas_mm2[largest])),
        matrix_g=g_of_area(float(areas_mm2[~outlying].mean())) if len(areas_mm2) > 1 else math.nan,
        outliers=int(outlying.sum()),
        outliers_share=share,
        applies=bool(outlying.any()) and share <= ALA_LARGEST_SHARE,
        lower_bound=bool(cut[largest]),
    )


def g_classes(
    areas_mm2: NDArray[np.float64], *, weights: NDArray[np.float64] | None = None
) -> dict[int, float]:
    """Give the share of the area in each whole G: two peaks show a duplex structure that diameters hide.

    Parameters
    ----------
    areas_mm2
        Areas of grains, all above 0 [mm^2].
    weights
        For how many grains each stands, such as `temgrains.statistics.planimetric.border_weights`; 1 by
        default.
    """
    if not len(areas_mm2):
        return {}
    classes = np.rint(np.log2(INCH_AT_100X_MM**2 / areas_mm2) + 1)  # as `g_of_area`, of a million at once
    found, places = np.unique(classes, return_inverse=True)
    held = np.bincount(places, areas_mm2 if weights is None else weights * areas_mm2)
    return {int(g): float(share) for g, share in zip(found, held / held.sum(), strict=True)}
