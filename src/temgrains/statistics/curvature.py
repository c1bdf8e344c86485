"""How strongly boundaries are curved: circles fitted to their points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_POINTS = 12
"""A shorter boundary follows the pixels, not a curve."""
_STEPS = 30


def curvatures(points: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the curvature of each boundary: one over the radius of the circle nearest to its points.

    Parameters
    ----------
    points
        (row, column) of the middles of pixels' sides along all boundaries, shape (N, 2), in any unit.
    offsets
        Those of boundary k are offsets[k] to offsets[k + 1], shape (S + 1,). The first and the last of each
        are its ends, corners of pixels, and are left out.

    Returns
    -------
    curvatures
        Shape (S,), at least 0, 1 / unit; NaN for boundaries of fewer than 12 points.

    Notes
    -----
    The algebraic fit of Pratt (1987), which is right for short arcs too and gives 0 for a straight line: the
    smallest root of the characteristic polynomial by Newton's method from 0, for all boundaries at once.
    """
    counts = np.diff(offsets) - 2
    long_enough = counts >= FEWEST_POINTS
    found = np.full(len(counts), np.nan)
    if long_enough.any():
        owner = np.repeat(np.arange(len(counts)), counts + 2)
        inner = np.ones(len(points), np.bool_)
        inner[offsets[:-1]] = inner[offsets[1:] - 1] = False
        inner &= long_enough[owner]
        _, owner = np.unique(owner[inner], return_inverse=True)
        found[long_enough] = _fitted(points[inner], owner)
    return found


def _fitted(points: NDArray[np.float64], owner: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the curvature of each group of points; groups are numbered from 0 without gaps."""
    counts = np.bincount(owner)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        sums: NDArray[np.float64] = np.bincount(owner, values) / counts
        return sums

    centres = np.stack([mean(points[:, 0]), mean(points[:, 1])])
    x, y = points.T - centres[:, owner]
    # In units of each boundary's own extent, for the polynomial has powers up to the eighth of a length.
    extent = np.sqrt(mean(x**2 + y**2))
    x, y = x / extent[owner], y / extent[owner]
    z = x**2 + y**2
    xx, yy, xy, xz, yz, zz = (mean(product) for product in (x * x, y * y, x * y, x * z, y * z, z * z))
    covariance, scatter = xx * yy - xy**2, zz - 1  # the mean of z is 1 now
    a0 = xz * (xz * yy - yz * xy) + yz * (yz * xx - xz * xy) - scatter * covariance
    a1 = scatter + 4 * covariance - xz**2 - yz**2
    a2 = 4 * covariance - 3 - zz
    root = np.zeros_like(a0)
    for _ in range(_STEPS):
        slope = a1 + root * (2 * a2 + 16 * root**2)
        value = a0 + root * (a1 + root * (a2 + 4 * root**2))
        root = root - np.divide(value, slope, out=np.zeros_like(value), where=slope != 0)
    twice_det = 2 * (root**2 - root + covariance)
    across, down = xz * (yy - root) - yz * xy, yz * (xx - root) - xz * xy
    # One over the radius without dividing by the determinant, which is 0 for a straight line.
    size = np.sqrt(across**2 + down**2 + twice_det**2 * np.maximum(1 + 2 * root, 0))
    curved: NDArray[np.float64] = np.divide(np.abs(twice_det), size, out=np.zeros_like(size), where=size > 0)
    return curved / extent
