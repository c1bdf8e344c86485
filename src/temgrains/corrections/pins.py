"""Corrections as pins: where the refinement must find boundary, and where it must not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.transform import resize

from temgrains.corrections.history import DRAWN, ERASED, marks_of
from temgrains.records import Pins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from temgrains.corrections.strokes import Operation
    from temgrains.records import MaskArray

DRAWN_REACH_PX = 1
"""Half of what a pinned boundary is wider than one pixel: as wide as the networks draw boundary [px]."""

ERASED_REACH_PX = 3
"""Distance from an erased line up to which there must be no boundary [px]."""


def pins_of(operations: Sequence[Operation], lines: MaskArray, shape: tuple[int, int]) -> Pins:
    """Turn corrections into pins for the refinement.

    Parameters
    ----------
    operations
        The corrections; a later stroke counts where it crosses an earlier one.
    lines
        The corrected network, bool, shape (H, W): what was erased is not pinned beside lines that are there.
    shape
        Shape of the refinement's states; differs from that of the lines at another working scale.
    """
    marks = marks_of(operations, (lines.shape[0], lines.shape[1]))
    boundary = _widened(marks == DRAWN, DRAWN_REACH_PX)
    there = _widened(lines, ERASED_REACH_PX)
    # Where erasing meets the lines that remain, nothing is pinned: there they must be free to end.
    grain = _widened(marks == ERASED, ERASED_REACH_PX) & ~there & ~boundary
    return Pins(boundary=_at(boundary, shape), grain=_at(grain, shape))


def _widened(mask: MaskArray, reach_px: int) -> MaskArray:
    wide: MaskArray = ndimage.binary_dilation(mask, np.ones((3, 3), bool), iterations=reach_px)
    return wide


def _at(mask: MaskArray, shape: tuple[int, int]) -> MaskArray:
    """Resample a mask; a line does not vanish."""
    if mask.shape == shape:
        return mask
    shrinks = shape[0] < mask.shape[0]
    found: MaskArray = resize(mask.astype(np.float32), shape, order=1, anti_aliasing=shrinks) > 0.25
    return found
