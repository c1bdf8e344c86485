"""Grain sizes of squares and disks that can be worked out by hand, then what must always hold."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy import ndimage
from skimage.measure import regionprops_table

from drawings import network
from temgrains.boundaries import close
from temgrains.grains import label
from temgrains.records import Boundaries, Grains
from temgrains.settings import BoundarySettings
from temgrains.sizes import boundary_length, measure
from temgrains.sizes.table import CUT, EMPTY, ROUND

LENGTHS = ["ecd", "perimeter", "feret_max", "feret_min", "major_axis", "minor_axis"]
SHAPES = ["aspect_ratio", "orientation_deg", "circularity", "solidity"]
PIXELS = ["grain", "area_px2", *(f"{name}_px" for name in (*LENGTHS, "row", "column")), *SHAPES]
PIXELS += ["neighbours", "on_border"]
NANOMETRES = ["area_nm2", *(f"{name}_nm" for name in (*LENGTHS, "row", "column"))]


def grains_of(mask, smallest=2):
    chosen = BoundarySettings(closing_radius_px=0, min_grain_px=smallest)
    return label(close(np.asarray(mask) * np.uint8(255), settings=chosen))


def made(labels):
    labels = np.asarray(labels, np.int32)
    return Grains(labels, np.zeros(labels.max(initial=0), bool))


def test_two_halves_share_the_line_between_them():
    mask = np.zeros((11, 11), bool)
    mask[:, 5] = True
    table = measure(grains_of(mask)).table
    assert list(table.columns) == [*PIXELS, "remark"]
    assert table["grain"].tolist() == [1, 2]
    assert table["area_px2"].tolist() == [60.5, 60.5]
    np.testing.assert_allclose(table["ecd_px"], 2 * np.sqrt(60.5 / np.pi))
    assert table["row_px"].tolist() == [5, 5]
    # 5 columns and half of the line's: (0 + 1 + 2 + 3 + 4 + 5 / 2) / 5.5
    np.testing.assert_allclose(table["column_px"], [12.5 / 5.5, 10 - 12.5 / 5.5])
    assert table["on_border"].tolist() == [True, True]


def test_four_squares_share_the_crossing():
    mask = np.zeros((11, 11), bool)
    mask[:, 5] = mask[5] = True
    table = measure(grains_of(mask)).table
    assert table["area_px2"].tolist() == [25 + 5 / 2 + 5 / 2 + 1 / 4] * 4


def test_whole_image_is_one_grain():
    table = measure(grains_of(np.zeros((8, 20), bool)), pixel_size=(0.5, 0.5)).table
    # From middle to middle of the sides of the outermost pixels, hence not quite to the corners.
    assert table["feret_max_px"][0] == np.hypot(20, 7)
    crofton = np.pi / 8 * (2 * 8 + 2 * 20 + 2 * 2 * 27 / np.sqrt(2))
    assert table["perimeter_px"][0] == pytest.approx(crofton)
    assert table["solidity"][0] == 1
    assert table["remark"][0] == CUT
    apart = ("feret_max", "perim", "solid", "circ", "remark")
    table = table.drop(columns=[n for n in table if n.startswith(apart)])
    assert table.iloc[0].to_dict() == pytest.approx(
        {
            "grain": 1,
            "area_px2": 160,
            "ecd_px": 2 * np.sqrt(160 / np.pi),
            "feret_min_px": 8,
            "major_axis_px": 4 * 20 / np.sqrt(12),
            "minor_axis_px": 4 * 8 / np.sqrt(12),
            "row_px": 3.5,
            "column_px": 9.5,
            "aspect_ratio": 2.5,
            "orientation_deg": 0,
            "neighbours": 0,
            "on_border": True,
            "area_nm2": 40,
            "ecd_nm": np.sqrt(160 / np.pi),
            "feret_min_nm": 4,
            "major_axis_nm": 2 * 20 / np.sqrt(12),
            "minor_axis_nm": 2 * 8 / np.sqrt(12),
            "row_nm": 1.75,
            "column_nm": 4.75,
        }
    )


def test_line_between_three_grains_counts_a_third_for_each():
    table = measure(made([[1, 1, 1], [2, 0, 3], [2, 0, 3]])).table
    np.testing.assert_allclose(table["area_px2"], [3 + 1 / 3, 2 + 1 / 3 + 1 / 2, 2 + 1 / 3 + 1 / 2])


def test_line_inside_a_grain_belongs_to_it_and_lone_zeros_to_none():
    assert measure(made([[1, 1, 1], [1, 0, 1], [1, 1, 1]])).table["area_px2"].tolist() == [9]
    assert measure(made([[1, 0, 0], [0, 0, 0], [0, 0, 0]])).table["area_px2"].tolist() == [1 + 1 + 1 + 1]


def test_disk_has_its_diameter():
    rows, columns = np.indices((121, 121)) - 60
    radius = np.hypot(rows, columns)
    table = measure(grains_of(abs(radius - 40) < 1.5)).table
    assert table["ecd_px"][1] == pytest.approx(80, abs=0.5)
    np.testing.assert_allclose(table.loc[1, ["row_px", "column_px"]].astype(float), [60, 60], atol=0.3)
    assert table["on_border"].tolist() == [True, False]


def test_anisotropic_pixels():
    mask = np.zeros((11, 11), bool)
    mask[:, 5] = True
    sizes = measure(grains_of(mask), pixel_size=(2.0, 0.5))
    table = sizes.table
    assert list(table.columns) == [*PIXELS, *NANOMETRES, "remark"]
    assert sizes.pixel_size == (2.0, 0.5)
    assert table["area_nm2"].tolist() == [60.5, 60.5]
    np.testing.assert_allclose(table["ecd_nm"], 2 * np.sqrt(60.5 / np.pi))
    np.testing.assert_allclose(table["row_nm"], 2.0 * table["row_px"])
    np.testing.assert_allclose(table["column_nm"], 0.5 * table["column_px"])


@pytest.mark.parametrize(("pixel_size", "columns"), [(None, PIXELS), ((1.0, 1.0), PIXELS + NANOMETRES)])
def test_no_grain_is_an_empty_table_with_all_columns(pixel_size, columns):
    grains = label(Boundaries(np.ones((4, 5), bool), np.zeros((4, 5), np.int32)))
    table = measure(grains, pixel_size=pixel_size).table
    assert table.shape == (0, len(columns) + 1)
    assert list(table.columns) == [*columns, "remark"]


def test_kinds_of_number():
    table = measure(grains_of(np.zeros((5, 5), bool)), pixel_size=(1.0, 1.0)).table
    assert table["grain"].dtype == np.int64
    assert table["neighbours"].dtype == np.int64
    assert table["on_border"].dtype == bool
    floats = [name for name in table.columns if name not in {"grain", "neighbours", "on_border", "remark"}]
    assert (table[floats].dtypes == np.float64).all()


def test_label_without_pixels_has_no_centroid():
    grains = Grains(np.array([[1, 1, 3]], np.int32), np.zeros(3, bool))
    table = measure(grains).table
    assert table["area_px2"].tolist() == [2, 0, 1]
    assert table["remark"].tolist() == ["", EMPTY, ROUND]
    undefined = table.drop(columns=["grain", "area_px2", "ecd_px", "neighbours", "on_border", "remark"])
    assert undefined.loc[1].isna().all()
    assert undefined.drop(columns=SHAPES).notna().loc[[0, 2]].all(axis=None)


def test_all_that_limits_a_grain_is_said():
    labels = np.zeros((3, 3), np.int32)
    labels[1, 1] = 1
    grains = Grains(labels, np.ones(1, bool))
    nothing = np.zeros((3, 3), np.float32)
    assert measure(grains, image=nothing).table["remark"].tolist() == [f"{CUT}; {ROUND}"]
    assert measure(Grains(np.zeros((3, 3), np.int32), np.zeros(1, bool)), image=nothing).table[
        "remark"
    ].tolist() == [EMPTY]


@pytest.mark.parametrize("wrong", [(0.0, 1.0), (1.0, -1.0), (float("nan"), 1.0), (1.0, float("inf")), (1.0,)])
def test_wrong_pixel_size_is_refused(wrong):
    with pytest.raises(ValueError, match=r"pixel_size is \(.*; it must be \(height, width\) in nm"):
        measure(made([[1]]), pixel_size=wrong)


def test_length_of_drawn_lines():
    straight = np.zeros((5, 8), bool)
    straight[2] = True
    assert boundary_length(straight) == 7
    assert boundary_length(straight, pixel_size=(2.0, 3.0)) == 21
    assert boundary_length(straight.T, pixel_size=(2.0, 3.0)) == 14
    diagonal = np.eye(6, dtype=bool)
    assert boundary_length(diagonal) == pytest.approx(5 * np.sqrt(2))
    assert boundary_length(diagonal[::-1], pixel_size=(3.0, 4.0)) == pytest.approx(25)
    corner = np.zeros((3, 3), bool)
    corner[0, 0] = corner[0, 1] = corner[1, 1] = True
    assert boundary_length(corner) == 2
    assert boundary_length(np.zeros((3, 3), bool)) == 0


def test_length_of_the_lines_between_the_grains():
    labels = np.ones((6, 9), np.int32)
    labels[:, 4], labels[:, 5:] = 0, 2
    sizes = measure(made(labels), pixel_size=(2.0, 3.0))
    assert (sizes.boundary_length_px, sizes.boundary_length_nm) == (5, 10)
    assert measure(made(labels)).boundary_length_nm is None


def test_labels_beyond_the_count_are_refused():
    with pytest.raises(ValueError, match="label 7 is higher than the number of grains, 2; label them again"):
        measure(Grains(np.array([[1, 7]], np.int32), np.zeros(2, bool)))


def test_negative_labels_are_refused():
    with pytest.raises(
        ValueError, match="label -2 is negative; grains are numbered from 1, and 0 is boundary"
    ):
        measure(Grains(np.array([[1, -2]], np.int32), np.zeros(2, bool)))


STRUCTURE = {
    "seed": st.integers(0, 2**32 - 1),
    "shape": st.tuples(st.integers(1, 70), st.integers(1, 70)),
    "count": st.integers(1, 15),
}


@settings(max_examples=60)
@given(**STRUCTURE)
def test_areas_add_up_to_the_image(seed, shape, count):
    table = measure(grains_of(network(shape, count, np.random.default_rng(seed)))).table
    assert table["area_px2"].sum() == pytest.approx(shape[0] * shape[1])
    assert (table["area_px2"] * table["row_px"]).sum() == pytest.approx(shape[1] * sum(range(shape[0])))
    assert (table["area_px2"] * table["column_px"]).sum() == pytest.approx(shape[0] * sum(range(shape[1])))


@settings(max_examples=60)
@given(**STRUCTURE)
def test_sizes_do_not_depend_on_the_side_one_looks_from(seed, shape, count):
    grains = grains_of(network(shape, count, np.random.default_rng(seed)))
    plain = measure(grains).table
    for turned in (grains.labels[::-1], grains.labels[:, ::-1], grains.labels.T):
        np.testing.assert_allclose(
            measure(Grains(turned, grains.on_border)).table["area_px2"], plain["area_px2"], rtol=1e-12
        )


@settings(max_examples=30)
@given(**STRUCTURE)
def test_without_lines_it_is_what_regionprops_measures(seed, shape, count):
    labels = ndimage.grey_dilation(
        grains_of(network(shape, count, np.random.default_rng(seed))).labels, (3, 3)
    )
    labels = np.unique(labels, return_inverse=True)[1].reshape(shape).astype(np.int32) + 1
    oracle = regionprops_table(labels, properties=("area", "equivalent_diameter_area", "centroid"))
    table = measure(made(labels)).table[["area_px2", "ecd_px", "row_px", "column_px"]]
    np.testing.assert_allclose(table.to_numpy(), np.transpose(list(oracle.values())), atol=1e-9)
