"""Closing the grey state: drawings with known answers, then known structures, then what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from drawings import cells, draw, grid, network, rough_state, show
from temgrains.boundaries import close
from temgrains.records import Cancelled
from temgrains.score import score
from temgrains.settings import BoundarySettings

PLAIN = BoundarySettings(closing_radius_px=0, min_grain_px=2)
"""Nothing but lines and grains, so that every pixel of a drawing is known."""


def state_of(mask):
    return np.asarray(mask) * np.uint8(255)


def closed(text, chosen=PLAIN):
    return close(state_of(draw(text)), settings=chosen)


@pytest.mark.parametrize(
    "drawing",
    [
        """
        ...#...
        ...#...
        ...#...
        """,
        """
        ...#...
        ...#...
        #######
        ...#...
        ...#...
        """,
        """
        #......
        .#.....
        ..#....
        ...#...
        ....#..
        """,
        """
        .......
        ..###..
        .#...#.
        .#...#.
        ..###..
        .......
        """,
    ],
    ids=["line", "crossing", "diagonal", "ring"],
)
def test_thin_closed_lines_stay_as_they_are(drawing):
    result = closed(drawing)
    assert show(result.mask) == show(draw(drawing))
    assert (result.pruned_px, result.completed_px) == (0, 0)


def test_pixels_that_separate_nothing_go_from_corners_and_junctions():
    result = closed("""
        .......
        .#####.
        .#.#.#.
        .#.#.#.
        .#####.
        .......
        """)
    assert show(result.mask) == show(
        draw("""
        .......
        ..#.#..
        .#.#.#.
        .#.#.#.
        ..#.#..
        .......
        """)
    )


def test_labels_number_the_grains_in_reading_order():
    result = closed("""
        ..#...
        ..#...
        ######
        ...#..
        ...#..
        """)
    assert result.labels.dtype == np.int32
    assert (result.labels[0, 0], result.labels[0, 5], result.labels[4, 0], result.labels[4, 5]) == (
        1,
        2,
        3,
        4,
    )
    assert result.labels.max() == 4


def test_line_takes_the_middle_of_a_band():
    state = np.zeros((20, 21), np.uint8)
    state[:, 8:13] = 255
    columns = np.nonzero(close(state).mask)[1]
    np.testing.assert_array_equal(columns, np.full(20, 10))


def test_line_follows_the_ridge_of_the_grey_state():
    state = np.zeros((20, 21), np.uint8)
    state[:, 6:15] = 120
    state[:, 13] = 250
    columns = np.nonzero(close(state).mask)[1]
    np.testing.assert_array_equal(columns, np.full(20, 13))


@pytest.mark.parametrize(("grey", "count"), [(51, 1), (52, 2)])
def test_threshold_is_a_fifth_of_255_exclusive(grey, count):
    state = np.zeros((20, 21), np.uint8)
    state[:, 10] = grey
    assert close(state).labels.max() == count


def band_with_gap(gap):
    state = np.zeros((21, 41), np.uint8)
    state[8:13] = 200
    state[:, 20 : 20 + gap] = 0
    return state


def test_small_gap_is_bridged_through_its_middle_and_reported():
    result = close(band_with_gap(3))
    assert result.labels.max() == 2
    np.testing.assert_array_equal(np.nonzero(result.mask)[0], np.full(41, 10))
    assert result.completed_px == 3


def test_gap_is_left_open_without_closing():
    result = close(band_with_gap(3), settings=BoundarySettings(closing_radius_px=0))
    assert result.labels.max() == 1


def test_wide_gap_invents_nothing():
    result = close(band_with_gap(9))
    assert not result.mask.any()
    assert result.labels.min() == result.labels.max() == 1
    assert 41 - 9 - 6 <= result.pruned_px <= 41 - 9 + 2  # thinning shortens or forks the ends of a band


def test_loose_end_is_pruned_and_its_length_reported():
    drawing = """
        ......#......
        ......#......
        ......#......
        ......######.
        ......#......
        ......#......
        ......#......
        """
    result = closed(drawing)
    straight = draw(drawing.replace("######.", "#......"))
    bulged = draw(drawing.replace("######.", ".#....."))  # which of the two is undefined
    assert show(result.mask) in {show(straight), show(bulged)}
    assert result.pruned_px == 5


def test_loose_end_of_a_wide_band_is_pruned_and_its_length_reported():
    state = np.zeros((60, 80), np.uint8)
    state[:, 28:33] = 255
    state[28:33, 33:63] = 255
    result = close(state)
    assert result.labels.max() == 2
    assert np.ptp(np.nonzero(result.mask)[1]) <= 3
    assert 28 <= result.pruned_px <= 33


def test_bridge_between_rings_is_a_loose_end():
    result = closed("""
        ...............
        ..###.....###..
        .#...#...#...#.
        .#...#####...#.
        .#...#...#...#.
        ..###.....###..
        ...............
        """)
    assert result.labels.max() == 3
    assert result.pruned_px == 3


def test_speck_and_hole_go_ring_of_a_grain_stays():
    state = np.zeros((40, 60), np.uint8)
    state[5:8, 5:8] = 255  # speck
    state[10:18, 10:18] = 255
    state[12:16, 12:16] = 0  # 16 px: less than the 20 px of a grain
    state[10:22, 30:42] = 255
    state[12:20, 32:40] = 0  # 64 px: a grain
    result = close(state)
    assert result.labels.max() == 2
    np.testing.assert_array_equal(np.unique(result.labels[:, :28]), [1])
    assert result.labels[16, 36] == 2
    assert result.pruned_px >= 1


@pytest.mark.parametrize(("left", "right", "line_column"), [(100, 200, 22), (200, 100, 17)])
def test_small_grain_goes_to_the_neighbour_over_the_weaker_boundary(left, right, line_column):
    state = np.zeros((20, 40), np.uint8)
    state[:, 17], state[:, 22] = left, right
    chosen = BoundarySettings(closing_radius_px=0, min_grain_px=100)
    result = close(state, settings=chosen)
    assert result.labels.max() == 2
    np.testing.assert_array_equal(np.unique(np.nonzero(result.mask)[1]), [line_column])


@pytest.mark.parametrize("grey", [0, 51, 52, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (16, 24)])
def test_map_without_contrast_is_one_grain(grey, shape):
    result = close(np.full(shape, grey, np.uint8))
    assert not result.mask.any()
    np.testing.assert_array_equal(result.labels, np.ones(shape))


def test_only_small_grains_are_one_grain():
    state = state_of(grid((30, 30), 4))
    assert close(state, settings=BoundarySettings(closing_radius_px=0)).labels.max() == 1


def test_single_pixel_is_no_grain():
    state = np.full((9, 9), 255, np.uint8)
    state[4, 4] = 0
    assert close(state, settings=BoundarySettings(closing_radius_px=0, min_grain_px=0)).labels.max() == 1


def test_threshold_of_one_finds_nothing():
    state = state_of(grid((40, 40), 10))
    assert close(state, settings=BoundarySettings(threshold=1.0)).labels.max() == 1


def test_network_of_known_grains_is_found(rng):
    truth = network((120, 160), 25, rng)
    noisy = ndimage.gaussian_filter(truth * 255.0, 1.0) * 2 + rng.normal(0, 8, truth.shape)
    result = close(noisy.clip(0, 255).astype(np.uint8))
    assert result.labels.max() == cells((120, 160), 25, np.random.default_rng(20250421)).max()
    agreement = score(truth, result.mask, tolerance_px=2, margin_px=2)
    assert agreement.eq1 > 0.99
    assert agreement.precision > 0.99
    assert agreement.are < 0.02
    assert agreement.closed > 0.99


def test_wrong_input_is_refused():
    for wrong in (np.zeros((5, 5)), np.zeros((2, 5, 5), np.uint8), np.zeros((0, 5), np.uint8)):
        with pytest.raises(ValueError, match=r"state is (float64|uint8) of shape .* must be uint8"):
            close(wrong)


def test_progress_is_told_and_can_stop():
    told = []
    close(state_of(grid((30, 30), 10)), progress=lambda *step: told.append(step))
    assert told == [("boundaries", step, 4) for step in range(5)]

    def stop(stage, done, total):
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        close(state_of(grid((30, 30), 10)), progress=stop)


@pytest.mark.parametrize(
    "view", [np.asfortranarray, lambda a: a[::-1][::-1], lambda a: np.repeat(a, 2, 1)[:, ::2]]
)
def test_memory_layout_does_not_matter(rng, view):
    state = rough_state((40, 50), 1.5, rng)
    given_state = view(state)
    given_state.flags.writeable = False
    np.testing.assert_array_equal(close(given_state).labels, close(state).labels)
