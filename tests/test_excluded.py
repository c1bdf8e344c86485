"""Parts of a micrograph that show no specimen: no line, no grain and no area of them is counted."""

from __future__ import annotations

import dataclasses

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from skimage.measure import label as components

from drawings import draw, grid, rough_state
from temgrains.boundaries import close
from temgrains.edges import find_edges
from temgrains.files import boxes_in, boxes_text
from temgrains.grains import label
from temgrains.micrograph import from_array
from temgrains.micrograph.excluded import check_boxes, filled
from temgrains.pipeline.steps import edges_of
from temgrains.records import Micrograph, boxes_of, mask_of
from temgrains.settings import BoundarySettings
from temgrains.sizes import measure
from temgrains.statistics.field import Field

PLAIN = BoundarySettings(closing_radius_px=0, min_grain_px=2)


def closed(mask, excluded):
    return close(np.asarray(mask, bool) * np.uint8(255), settings=PLAIN, excluded=excluded)


def box(shape, *boxes):
    return mask_of(boxes, shape)


# ---- records


def test_boxes_become_a_mask():
    expected = draw("""
        ....##
        .##.##
        .##...
        """)
    np.testing.assert_array_equal(box((3, 6), (1, 1, 3, 3), (-5, 4, 2, 90)), expected)
    assert box((3, 6)) is None
    assert Micrograph(np.zeros((3, 6), np.float32), excluded=((1, 1, 3, 3),)).excluded_mask.sum() == 4


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.integers(1, 9), st.integers(1, 9))
def test_a_mask_becomes_boxes_and_a_mask_again(seed, share, height, width):
    mask = np.random.default_rng(seed).random((height, width)) < share
    boxes = boxes_of(mask)
    again = mask_of(boxes, mask.shape)
    np.testing.assert_array_equal(mask, np.zeros_like(mask) if again is None else again)
    assert sum((bottom - top) * (right - left) for top, left, bottom, right in boxes) == mask.sum()
    assert boxes_in(f"ImageJ=1.11a\nexcluded={boxes_text(boxes)}\nunit=nm\n") == boxes


def test_rectangles_stay_what_they_are():
    boxes = ((0, 4, 3, 6), (4, 0, 6, 3))
    assert boxes_of(mask_of(boxes, (7, 7))) == boxes
    assert boxes_of(None) == ()


@pytest.mark.parametrize("wrong", [(3, 0, 5, 2), (-4, 0, 0, 2), (0, 6, 2, 9), (1, 1, 1, 3)])
def test_box_outside_of_the_image_is_refused(wrong):
    with pytest.raises(ValueError, match=r"excluded is \(top .*does not meet the image of 3 x 6 px"):
        check_boxes((wrong,), (3, 6))
    with pytest.raises(ValueError, match="excluded is"):
        edges_of(Micrograph(np.zeros((16, 16), np.float32), excluded=((20, 0, 30, 4),)))


# ---- lines and grains


def test_lines_end_at_what_is_excluded():
    lines = draw("""
        .....#....
        .....#....
        .....#....
        .....#....
        .....#....
        """)
    found = closed(lines, box(lines.shape, (3, 2, 5, 8)))
    np.testing.assert_array_equal(
        found.mask,
        draw("""
        .....#....
        .....#....
        .....#....
        ..........
        ..........
        """),
    )
    np.testing.assert_array_equal(
        found.labels,
        [[1, 1, 1, 1, 1, 0, 2, 2, 2, 2]] * 3 + [[1, 1, 0, 0, 0, 0, 0, 0, 2, 2]] * 2,
    )
    assert (found.pruned_px, found.completed_px) == (0, 0)


def test_grains_that_met_only_below_the_bar_stay_two():
    lines = np.zeros((9, 20), bool)
    lines[:6, 10] = True  # ends below the bar, so that the grains would be one without it
    assert closed(lines, None).labels.max() == 1
    assert closed(lines, box(lines.shape, (5, 0, 9, 20))).labels.max() == 2


def test_what_the_bar_shows_is_no_boundary():
    lines = np.zeros((20, 30), bool)
    lines[12:16, 5:25] = True
    found = closed(lines, box(lines.shape, (11, 4, 17, 26)))
    assert found.labels.max() == 1
    assert not found.mask.any()
    assert found.pruned_px == 0


def test_nothing_but_what_is_excluded():
    found = closed(np.ones((5, 6)), np.ones((5, 6), bool))
    assert (found.labels.max(), found.mask.any()) == (0, False)
    assert label(found).count == 0


def test_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"excluded has shape \(2, 2\), the state \(4, 4\)"):
        closed(np.zeros((4, 4)), np.zeros((2, 2), bool))


STATES = {
    "seed": st.integers(0, 2**32 - 1),
    "shape": st.tuples(st.integers(8, 40), st.integers(8, 40)),
    "sigma": st.sampled_from([0.0, 0.6, 1.2]),
}


@settings(max_examples=60)
@given(**STATES)
def test_excluding_a_strip_is_cutting_it_off(seed, shape, sigma):
    state = rough_state(shape, sigma, np.random.default_rng(seed))
    cut = shape[0] // 2
    found = close(state, settings=PLAIN, excluded=box(shape, (cut, 0, shape[0], shape[1])))
    alone = close(state[:cut], settings=PLAIN)
    np.testing.assert_array_equal(found.labels[:cut], alone.labels)
    np.testing.assert_array_equal(found.mask[:cut], alone.mask)
    assert not found.labels[cut:].any()
    assert not found.mask[cut:].any()
    assert found.completed_px == alone.completed_px
    np.testing.assert_array_equal(label(found).on_border, label(alone).on_border)
    table, other = (measure(label(boundaries)).table for boundaries in (found, alone))
    numbers = table.select_dtypes("number").columns
    assert table[numbers].equals(other[numbers])


@settings(max_examples=60)
@given(radius=st.integers(0, 3), **STATES)
def test_grains_are_connected_and_fill_the_specimen(seed, shape, sigma, radius):
    rng = np.random.default_rng(seed)
    state = rough_state(shape, sigma, rng)
    top, left = rng.integers(0, shape[0] - 4), rng.integers(0, shape[1] - 4)
    excluded = box(shape, (top, left, top + 1 + rng.integers(20), left + 1 + rng.integers(20)))
    chosen = BoundarySettings(closing_radius_px=radius, min_grain_px=2)
    found = close(state, settings=chosen, excluded=excluded)
    np.testing.assert_array_equal((found.labels > 0) | found.mask, ~excluded)
    specimen = np.where(excluded, -1, 0) + np.where(excluded, 0, found.labels)
    for grain in range(1, found.labels.max() + 1):
        assert components(specimen == grain, connectivity=1).max() == 1


# ---- sizes


def test_areas_add_up_to_the_specimen():
    lines = grid((40, 60), 10, offset=9)
    excluded = box(lines.shape, (25, 0, 40, 22))
    grains = label(closed(lines, excluded))
    found = measure(grains, pixel_size=(2.0, 2.0))
    assert found.table["area_px2"].sum() == np.count_nonzero(~excluded)
    assert found.boundary_length_px == measure(label(closed(lines, None))).boundary_length_px - (
        # Of the line in row 29 and of those in columns 9 and 19, what lies below the bar.
        22 + 15 + 15
    )
    touching = found.table["remark"].str.contains("cut by the image border or by what is left out")
    np.testing.assert_array_equal(touching, grains.on_border)
    inner = ~grains.on_border
    assert set(found.table["area_px2"][inner]) == {81 + 18 + 1}  # 9 x 9, half of four sides, corners


def test_methods_count_only_the_specimen():
    lines = grid((40, 60), 10, offset=9)
    excluded = box(lines.shape, (20, 20, 40, 40))
    grains = label(closed(lines, excluded))
    field = Field.of(grains)
    assert field.area == np.count_nonzero(~excluded)
    assert field.areas.sum() == field.area
    np.testing.assert_array_equal(field.cut, grains.on_border)


# ---- what the detectors see


def test_pixels_take_the_mean_of_what_is_around():
    pixels = np.full((40, 60), 0.3, np.float32)
    pixels[20:25, 30:50] = 1
    film = Micrograph(pixels, excluded=((19, 28, 26, 52),))
    np.testing.assert_allclose(filled(film), 0.3, atol=1e-6)
    assert pixels.max() == 1
    assert filled(dataclasses.replace(film, excluded=())) is pixels


def test_a_slope_goes_on_below_the_bar():
    rows, columns = np.indices((64, 64))
    pixels = ((rows + columns) / 126).astype(np.float32)
    film = Micrograph(np.where(rows % 64 > 50, 1, pixels).astype(np.float32), excluded=((51, 0, 64, 64),))
    found = filled(film)
    np.testing.assert_array_equal(found[:51], pixels[:51])
    assert np.abs(found - pixels)[51:].max() < 0.3
    assert np.abs(np.diff(found, axis=0))[50:].max() < 0.1


def test_nothing_known_becomes_black():
    assert not filled(Micrograph(np.ones((20, 20), np.float32), excluded=((0, 0, 20, 20),))).any()


def test_a_bar_is_no_edge_and_does_not_move_the_thresholds(rng):
    rows, columns = np.indices((120, 160))
    grains = ((rows // 40) * 7 + (columns // 40) * 11) % 10 / 20 + 0.25
    film = (grains + rng.normal(0, 0.01, grains.shape)).astype(np.float32)
    burnt = film.copy()
    burnt[100:104, 45:75] = 1
    whole = find_edges(from_array(film)).maps
    marked = dataclasses.replace(from_array(burnt), excluded=((96, 42, 108, 78),))
    for scale_of_bar in (marked, from_array(burnt)):
        found = edges_of(scale_of_bar).maps > 0
        edges_there = found[:, 97:107, 43:77].any()
        agree = (found == (whole > 0))[:, :80].mean()
        assert (agree > 0.999, edges_there) == ((True, False) if scale_of_bar is marked else (False, True))
