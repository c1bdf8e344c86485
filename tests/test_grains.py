"""Grains of closed boundaries: which there are, and which the image border cuts."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.segmentation import clear_border

from drawings import draw, grid
from temgrains.boundaries import close
from temgrains.grains import label
from temgrains.records import Boundaries
from temgrains.settings import BoundarySettings


def closed(mask):
    return close(mask * np.uint8(255), settings=BoundarySettings(closing_radius_px=0, min_grain_px=2))


def test_grain_inside_is_whole_and_the_rest_is_cut():
    grains = label(
        closed(
            draw("""
            .........
            ...###...
            ..#...#..
            ..#...#..
            ...###...
            .........
            """)
        )
    )
    assert grains.count == 2
    np.testing.assert_array_equal(grains.on_border, [True, False])
    assert grains.on_border.dtype == bool


def test_line_along_the_image_border_makes_a_grain_whole():
    labels = np.zeros((6, 6), np.int32)
    labels[1:5, 1:5] = 1
    assert not label(Boundaries(labels == 0, labels)).on_border.any()


@pytest.mark.parametrize("edge", [np.s_[0, 3], np.s_[5, 3], np.s_[3, 0], np.s_[3, 5]])
def test_each_edge_of_the_image_counts(edge):
    labels = np.zeros((6, 6), np.int32)
    labels[1:5, 1:5] = 1
    labels[edge] = 1
    assert label(Boundaries(labels == 0, labels)).on_border.all()


def test_no_boundary_is_one_grain_on_the_border():
    grains = label(close(np.zeros((9, 12), np.uint8)))
    assert (grains.count, grains.on_border.tolist()) == (1, [True])


def test_no_grain_at_all():
    grains = label(Boundaries(np.ones((4, 5), bool), np.zeros((4, 5), np.int32)))
    assert grains.count == 0
    assert grains.on_border.shape == (0,)


def test_border_grains_are_those_that_scikit_image_clears():
    boundaries = closed(grid((50, 70), 9, offset=4))
    grains = label(boundaries)
    inside = np.unique(clear_border(boundaries.labels))
    np.testing.assert_array_equal(np.flatnonzero(~grains.on_border) + 1, inside[inside > 0])
    assert grains.labels is boundaries.labels


def test_missing_number_is_refused():
    labels = np.array([[1, 0, 3]], np.int32)
    with pytest.raises(ValueError, match="no pixel has label 2 of 3; number the grains from 1 without gaps"):
        label(Boundaries(labels == 0, labels))
