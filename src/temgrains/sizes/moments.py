"""Area, centroid and ellipse of each grain; the pixels of lines are shared among the grains they touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from temgrains._compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import LabelArray, PixelSize

_SIDES_THEN_CORNERS = np.array(
    [[(-1, 0), (0, -1), (0, 1), (1, 0)], [(-1, -1), (-1, 1), (1, -1), (1, 1)]]
)  # (row, column) steps
_ROUND = 1e-9


def moments(labels: LabelArray, count: int) -> NDArray[np.float64]:
    """Give area, mean row and column, and the covariances (row row, row column, column column).

    Parameters
    ----------
    labels
        int32, shape (H, W), 0 = boundary; what is negative is no part of the specimen.
    count
        Number of grains.

    Returns
    -------
    moments
        Shape (6, count), in pixels; NaN but for the area where a label has no pixel. A pixel is a square, not
        a point: it adds 1/12 to the variances.
    """
    sums = _sums(np.pad(labels, 1), count)[1:].T
    area = sums[0]
    with np.errstate(invalid="ignore"):
        row, column, row_row, row_column, column_column = sums[1:] / area
    return np.stack(
        [
            area,
            row,
            column,
            row_row - row**2 + 1 / 12,
            row_column - row * column,
            column_column - column**2 + 1 / 12,
        ]
    )


def ellipses(covariances: NDArray[np.float64], *, pixel_size: PixelSize) -> NDArray[np.float64]:
    """Give major axis, minor axis and orientation of the ellipse with the same second moments.

    Parameters
    ----------
    covariances
        Shape (3, N), as `moments` gives them [px^2].
    pixel_size
        Height and width of a pixel.

    Returns
    -------
    ellipses
        Shape (3, N). The orientation is the angle from the image's rows to the major axis, counter-clockwise
        as one sees the image, 0 <= angle < 180 [degrees]; NaN where the axes are equal.
    """
    height, width = pixel_size
    down, mixed, across = covariances * np.array([[height**2], [height * width], [width**2]])
    mean, difference = (across + down) / 2, (across - down) / 2
    radius = np.hypot(difference, mixed)
    axes = 4 * np.sqrt(np.stack([mean + radius, np.maximum(mean - radius, 0)]))
    # Rows count downwards, angles turn upwards: hence the sign.
    angle = np.degrees(np.arctan2(-mixed, difference)) / 2 % 180
    angle[radius <= _ROUND * mean] = np.nan
    return np.concatenate([axes, angle[np.newaxis]])


@compiled
def _sums(labels: LabelArray, count: int) -> NDArray[np.float64]:
    """Give the sums of 1, row, column and their products per grain, of labels with one pixel of padding."""
    sums = np.zeros((count + 1, 6))
    touching = np.zeros(4, np.int64)
    for row in range(labels.shape[0] - 2):
        for column in range(labels.shape[1] - 2):
            label = labels[row + 1, column + 1]
            if label != 0:
                if label > 0:
                    _add(sums, label, row, column, 1.0)
                continue
            found = _beside(labels, row + 1, column + 1, touching)
            for grain in touching[:found]:
                _add(sums, grain, row, column, 1 / found)
    return sums


@compiled
def _add(sums: NDArray[np.float64], label: int, row: int, column: int, share: float) -> None:
    sums[label, 0] += share
    sums[label, 1] += share * row
    sums[label, 2] += share * column
    sums[label, 3] += share * row * row
    sums[label, 4] += share * row * column
    sums[label, 5] += share * column * column


@compiled
def _beside(labels: LabelArray, row: int, column: int, touching: NDArray[np.int64]) -> int:
    """List the different grains at a pixel's sides, or else at its corners; give their number."""
    found = 0
    for steps in _SIDES_THEN_CORNERS:
        for step in steps:
            label = labels[row + step[0], column + step[1]]
            known = label <= 0
            for grain in touching[:found]:
                known = known or grain == label
            if not known:
                touching[found] = label
                found += 1
        if found > 0:
            break
    return found
