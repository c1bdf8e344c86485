"""Dividing along likely boundaries: drawings with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from temgrains.merging import divide, segments


def crossing(gap: int = 0, grey: int = 255) -> np.ndarray:
    """Draw one vertical line, 3 px wide, through 60 x 80 px, with a gap in its middle."""
    state = np.zeros((60, 80), np.uint8)
    state[:, 39:42] = grey
    state[30 - gap // 2 : 30 + (gap + 1) // 2, 39:42] = 0
    return state


@pytest.mark.parametrize("gap", [0, 6, 12, 20])
def test_a_line_with_a_gap_divides_two_grains(gap):
    labels = divide(crossing(gap))
    assert labels.max() == 2
    assert labels[30, 5] != labels[30, 75]
    assert np.all(np.abs(np.nonzero(labels == 0)[1] - 40) <= 1)


@pytest.mark.parametrize("gap", [40, 50])
def test_stubs_divide_nothing(gap):
    assert divide(crossing(gap)).max() == 1


def test_support_decides():
    state = crossing(grey=100)
    assert divide(state, support=0.3).max() == 2
    assert divide(state, support=0.5).max() == 1


def test_nothing_and_everything_are_one_grain():
    assert np.all(divide(np.zeros((20, 30), np.uint8)) == 1)
    assert np.all(divide(np.full((20, 30), 255, np.uint8)) == 1)


def test_small_grains_go_to_their_neighbours():
    state = np.zeros((60, 60), np.uint8)
    state[20:32, 20:32] = 255
    state[23:29, 23:29] = 0
    assert divide(state, min_grain_px=10).max() == 2
    assert divide(state, min_grain_px=200).max() == 1


def ring(grey: int, *, lattice_px: int = 0) -> np.ndarray:
    """Draw a ring of 13 px in a grain of 80 px, or in a lattice of small grains; all lines of that grey."""
    state = np.zeros((80, 80), np.uint8)
    if lattice_px:
        state[::lattice_px], state[:, ::lattice_px] = grey, grey
    state[32:48, 32:48] = grey
    state[34:46, 34:46] = 0
    return state


@pytest.mark.parametrize(("grey", "grains"), [(250, 2), (200, 1), (140, 1)])
def test_a_small_grain_in_a_large_one_must_be_sure(grey, grains):
    assert divide(ring(grey), support=0.4, small_share=0).max() == 2
    assert divide(ring(grey), support=0.4, small_share=0.3).max() == grains


def test_small_grains_among_small_ones_are_not_doubted():
    of_any_size = divide(ring(200, lattice_px=16), support=0.4, small_share=0)
    assert of_any_size.max() > 20
    assert np.array_equal(divide(ring(200, lattice_px=16), support=0.4, small_share=0.3), of_any_size)


def test_nothing_grows_outside():
    outside = np.zeros((60, 80), np.bool_)
    outside[50:] = True
    labels = divide(crossing(), outside=outside)
    assert not labels[50:].any()
    assert labels.max() == 2


def test_segments_count_their_pixels_and_support():
    labels = np.ones((10, 11), np.int32)
    labels[:, 5], labels[:, 6:] = 0, 2
    likelihood = np.zeros((10, 11), np.float32)
    likelihood[:, 5] = 0.25
    found = segments(labels, likelihood)
    assert (found.first.tolist(), found.second.tolist(), found.pixels.tolist()) == ([1], [2], [10])
    assert found.support == pytest.approx([0.25])


def test_junction_pixels_belong_to_no_pair_alone():
    labels = np.zeros((11, 11), np.int32)
    labels[:5, :5], labels[:5, 6:], labels[6:, :5], labels[6:, 6:] = 1, 2, 3, 4
    found = segments(labels, np.ones((11, 11), np.float32))
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [
        (1, 2),
        (1, 3),
        (2, 4),
        (3, 4),
    ]
    assert found.pixels.tolist() == [5, 5, 5, 5]
