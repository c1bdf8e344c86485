"""Shapes of grains: figures drawn with a known answer, scikit-image as an oracle, then laws."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from skimage.measure import regionprops_table

from drawings import cells, grid
from temgrains.grains import label
from temgrains.records import Boundaries, Grains
from temgrains.sizes import measure, partition

MAPS = {
    "seed": st.integers(0, 2**32 - 1),
    "shape": st.tuples(st.integers(2, 60), st.integers(2, 60)),
    "count": st.integers(1, 25),
}


def made(labels):
    labels = np.asarray(labels, np.int32)
    return Grains(labels, np.zeros(labels.max(initial=0), bool))


def voronoi(seed, shape, count):
    """Cells without lines, numbered without gaps."""
    drawn = cells(shape, count, np.random.default_rng(seed))
    return made(np.unique(drawn, return_inverse=True)[1].reshape(shape) + 1)


def ellipse(major, minor, turned, *, pixel_size=(1.0, 1.0), shape=(161, 161)):
    """An ellipse of label 2 in a ground of label 1; axes and pixels in nm."""
    rows, columns = np.indices(shape)
    up = -(rows - shape[0] // 2) * pixel_size[0]
    right = (columns - shape[1] // 2) * pixel_size[1]
    angle = np.radians(turned)
    along = right * np.cos(angle) + up * np.sin(angle)
    across = -right * np.sin(angle) + up * np.cos(angle)
    return made(np.where(np.hypot(2 * along / major, 2 * across / minor) <= 1, 2, 1))


def test_partition_gives_lines_to_the_grain_above_or_to_the_left():
    drawn = np.array([[1, 1, 0, 2], [0, 0, 0, 0], [3, 3, 0, 4]], np.int32)
    assert partition(drawn).tolist() == [[1, 1, 1, 2], [1, 1, 1, 2], [3, 3, 3, 4]]
    assert drawn[1].tolist() == [0, 0, 0, 0]


def test_partition_leaves_ground_that_touches_no_grain():
    drawn = np.zeros((7, 7), np.int32)
    drawn[0] = 1
    assert partition(drawn)[:, 3].tolist() == [1, 1, 0, 0, 0, 0, 0]


def test_squares_between_lines_have_the_pitch_as_side():
    lines = grid((61, 61), 12)
    numbers = np.arange(25).reshape(5, 5).repeat(12, 0).repeat(12, 1) + 1
    drawn = np.where(lines, 0, np.pad(numbers, (0, 1), "edge")).astype(np.int32)
    table = measure(made(drawn)).table.loc[[6, 7, 8, 11, 12, 13]]
    np.testing.assert_allclose(table["area_px2"], 144)
    np.testing.assert_allclose(table["feret_min_px"], 12)
    np.testing.assert_allclose(table["feret_max_px"], np.hypot(12, 11))
    np.testing.assert_allclose(table["aspect_ratio"], 1)
    assert table["orientation_deg"].isna().all()
    assert table["neighbours"].tolist() == [4] * 6


@pytest.mark.parametrize("turned", [0, 20, 45, 90, 110, 160])
@pytest.mark.parametrize("pixel_size", [(1.0, 1.0), (0.5, 1.0), (1.25, 0.8)])
def test_ellipse_has_its_axes_perimeter_and_direction(turned, pixel_size):
    grain = measure(ellipse(64, 32, turned, pixel_size=pixel_size), pixel_size=pixel_size).table.loc[1]
    assert grain["area_nm2"] == pytest.approx(np.pi * 16 * 32, rel=0.01)
    assert grain["major_axis_nm"] == pytest.approx(64, rel=0.01)
    assert grain["minor_axis_nm"] == pytest.approx(32, rel=0.015)
    assert grain["feret_max_nm"] == pytest.approx(64, abs=1)
    assert grain["feret_min_nm"] == pytest.approx(32, abs=1)
    assert (grain["orientation_deg"] - turned + 90) % 180 == pytest.approx(90, abs=1)
    ramanujan = np.pi * (3 * 48 - np.sqrt((3 * 32 + 16) * (32 + 3 * 16)))
    assert grain["perimeter_nm"] == pytest.approx(ramanujan, rel=0.06)
    assert grain["solidity"] > 0.96


@pytest.mark.parametrize("pixel_size", [(1.0, 1.0), (0.7, 1.0), (1.0, 0.7)])
def test_disk_is_round(pixel_size):
    grain = measure(ellipse(70, 70, 0, pixel_size=pixel_size), pixel_size=pixel_size).table.loc[1]
    assert grain["perimeter_nm"] == pytest.approx(70 * np.pi, rel=0.02)
    assert grain["circularity"] == pytest.approx(1, rel=0.03)
    assert grain["aspect_ratio"] == pytest.approx(1, abs=0.01)


def test_crescent_is_not_solid():
    disk = ellipse(80, 80, 0).labels == 2
    bitten = disk & ~np.roll(disk, 30, axis=1)
    grain = measure(made(np.where(bitten, 2, 1))).table.loc[1]
    area = 40**2 * (np.pi - 2 * np.arccos(15 / 40)) + 30 * np.sqrt(40**2 - 15**2)  # less the lens
    assert grain["area_px2"] == pytest.approx(area, rel=0.01)
    assert 0.55 < grain["solidity"] < 0.75


def test_neighbours_do_not_meet_in_a_point_only():
    quarters = np.kron([[1, 2], [3, 4]], np.ones((5, 5)))
    assert measure(made(quarters)).table["neighbours"].tolist() == [2, 2, 2, 2]
    lines = quarters.copy()
    lines[4] = lines[:, 4] = 0
    assert measure(made(lines)).table["neighbours"].tolist() == [2, 2, 2, 2]


def test_mean_grey_is_that_of_the_grain_without_its_lines():
    image = np.full((3, 5), 0.25, np.float32)
    image[:, 2], image[:, 3:] = 1, 0.75
    drawn = made([[1, 1, 0, 2, 2]] * 3)
    assert measure(drawn, image=image).table["mean_grey"].tolist() == [0.25, 0.75]
    assert "mean_grey" not in measure(drawn).table
    with pytest.raises(ValueError, match=r"the image has shape \(2, 5\), the labels \(3, 5\); they must be"):
        measure(drawn, image=image[:2])


def test_one_pixel_is_a_square():
    grain = measure(made([[1, 1, 1], [1, 2, 1], [1, 1, 1]])).table.loc[1]
    assert grain["major_axis_px"] == pytest.approx(4 / np.sqrt(12))
    assert grain["feret_max_px"] == 1
    assert grain["solidity"] == 1


@settings(max_examples=60, deadline=None)
@given(**MAPS)
def test_shapes_are_what_regionprops_measures(seed, shape, count):
    grains = voronoi(seed, shape, count)
    names = ("perimeter_crofton", "axis_major_length", "axis_minor_length")
    oracle = regionprops_table(grains.labels, properties=names)
    table = measure(grains).table
    np.testing.assert_allclose(table["perimeter_px"], oracle["perimeter_crofton"], rtol=1e-9)
    # scikit-image takes pixels as points.
    for ours, theirs in (("major_axis_px", "axis_major_length"), ("minor_axis_px", "axis_minor_length")):
        np.testing.assert_allclose(table[ours] ** 2, oracle[theirs] ** 2 + 16 / 12, rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(**MAPS)
def test_calipers_are_those_of_the_middles_of_all_pixel_sides(seed, shape, count):
    grains = voronoi(seed, shape, count)
    table = measure(grains, pixel_size=(0.5, 2.0)).table
    angles = np.radians(np.arange(0, 180, 0.5))
    directions = np.stack([np.sin(angles), np.cos(angles)])  # (2, angles)
    for number, area, largest, smallest, solidity in table[
        ["grain", "area_nm2", "feret_max_nm", "feret_min_nm", "solidity"]
    ].to_numpy(float):
        pixels = np.argwhere(grains.labels == number)
        sides = [pixels + step for step in ((-0.5, 0), (0.5, 0), (0, -0.5), (0, 0.5))]
        points = np.concatenate(sides) * (0.5, 2.0)
        assert largest == pytest.approx(pdist(points).max())
        widths = np.ptp(points @ directions, axis=0)
        assert smallest <= widths.min() + 1e-9
        assert smallest == pytest.approx(widths.min(), rel=0.02, abs=0.02 * largest)
        assert solidity == pytest.approx(min(1, area / ConvexHull(points).volume))


@settings(max_examples=60, deadline=None)
@given(**MAPS)
def test_hull_holds_the_grain_and_calipers_are_in_order(seed, shape, count):
    table = measure(voronoi(seed, shape, count)).table
    assert (table["feret_min_px"] <= table["feret_max_px"] + 1e-9).all()
    assert (table["minor_axis_px"] <= table["major_axis_px"]).all()
    assert table["solidity"].between(0, 1).all()
    assert table["orientation_deg"].dropna().between(0, 180, inclusive="left").all()


@settings(max_examples=40, deadline=None)
@given(**MAPS)
def test_a_turned_map_has_turned_grains(seed, shape, count):
    grains = voronoi(seed, shape, count)
    before = measure(grains, pixel_size=(0.5, 2.0)).table
    after = measure(made(np.rot90(grains.labels)), pixel_size=(2.0, 0.5)).table
    same = ["area_nm2", "perimeter_nm", "feret_max_nm", "feret_min_nm", "major_axis_nm", "minor_axis_nm"]
    np.testing.assert_allclose(after[same], before[same], rtol=1e-7)
    np.testing.assert_array_equal(after["neighbours"], before["neighbours"])
    turned = (after["orientation_deg"] - before["orientation_deg"] - 90 + 90) % 180
    np.testing.assert_allclose(turned.dropna(), 90, atol=1e-3)


def test_the_image_border_cuts_but_does_not_change_the_rest():
    grains = label(Boundaries(np.zeros((4, 4), bool), np.ones((4, 4), np.int32)))
    assert measure(grains).table["neighbours"].tolist() == [0]
