"""Arrays of every kind: those that pass become float32 in 0..1, the others are refused with a reason."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from temgrains.micrograph import UnreadableImage, from_array
from temgrains.micrograph.pixels import check_extent

NUMBERS = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "g"]


@pytest.fixture
def image(rng):
    return rng.integers(0, 100, (20, 30))


def expected(image):
    return ((image - image.min()) / np.ptp(image)).astype(np.float32)


@pytest.mark.parametrize("dtype", NUMBERS)
def test_every_type_of_number_gives_the_same(dtype, image):
    found = from_array(image.astype(dtype))
    assert found.pixels.dtype == np.float32
    np.testing.assert_array_equal(found.pixels, expected(image))
    assert found.notes == ()


@pytest.mark.parametrize("dtype", [">u2", "<u2", ">i4", ">f4", "<f8", ">f8"])
def test_byte_order_changes_nothing(dtype, image):
    np.testing.assert_array_equal(from_array(image.astype(dtype)).pixels, expected(image))


@pytest.mark.parametrize(
    "layout",
    [
        np.asfortranarray,
        lambda a: a[::-1].copy()[::-1],
        lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: a[None],
        lambda a: a[None, None],
        lambda a: a[..., None],
        lambda a: a.tolist(),
        np.ma.array,
        lambda a: np.stack([a, a, a], axis=-1),
    ],
)
def test_layout_changes_nothing(layout, image):
    np.testing.assert_array_equal(from_array(layout(image)).pixels, expected(image))


def test_file_in_memory_changes_nothing(tmp_path, image):
    np.save(tmp_path / "a.npy", image.astype(">u2"))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    np.testing.assert_array_equal(from_array(mapped).pixels, expected(image))


@pytest.mark.parametrize("dtype", ["u2", "f4", "f8"])
def test_array_is_left_as_it_was(dtype, image):
    given_array = image.astype(dtype)
    if dtype != "u2":
        given_array[3, 4] = np.nan
    before = given_array.copy()
    given_array.setflags(write=False)
    made = from_array(given_array)
    np.testing.assert_array_equal(given_array, before)
    assert not np.shares_memory(made.pixels, given_array)


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [
        (-128, 127, "i1"),
        (-(2**63), 2**63 - 1, "i8"),
        (2**62, 2**62 + 4, "i8"),
        (0, 2**64 - 1, "u8"),
        (-1e300, 1e300, "f8"),
        (-1.7e308, 1.7e308, "f8"),
        (0.0, 5e-324, "f8"),
        (-65504, 65504, "f2"),
    ],
)
def test_extreme_values_span_0_to_1(low, high, dtype):
    image = np.array([[low, high, low, high]], dtype)
    np.testing.assert_array_equal(from_array(image).pixels, [[0, 1, 0, 1]])


@given(hnp.arrays(np.float64, (5, 6), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_any_numbers_land_in_0_to_1_in_their_order(image):
    found = from_array(image).pixels
    assert found.min() == 0
    assert found.max() in (0, 1)
    assert (np.diff(found.ravel()[np.argsort(image, axis=None)]) >= 0).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (3, 3), (2, 5000)])
def test_any_size_from_one_pixel_is_taken(shape, rng):
    assert from_array(rng.random(shape)).shape == shape


@pytest.mark.parametrize("value", [0, 7, 255])
def test_constant_image_is_zero_and_says_so(value):
    found = from_array(np.full((4, 5), value, np.uint8))
    assert not found.pixels.any()
    assert found.notes == ("the image has no contrast: all its pixels are alike",)


def test_two_values_get_a_note():
    assert "already a boundary mask" in from_array(np.eye(20, dtype=np.uint8)).notes[0]
    assert from_array(np.eye(3, dtype=np.uint8)).notes == ()


# ---- colours


def test_colours_become_luminance(rng):
    image = rng.integers(0, 256, (6, 7, 3), dtype=np.uint8)
    luminance = image @ np.array([0.2126, 0.7152, 0.0722])
    found = from_array(image)
    np.testing.assert_allclose(found.pixels, expected(luminance), atol=1e-6)
    assert found.notes == ("colours were turned into luminance (ITU-R BT.709)",)


def test_alpha_is_ignored(image):
    alpha = np.zeros_like(image)
    found = from_array(np.stack([image, image, image, alpha], axis=-1))
    np.testing.assert_array_equal(found.pixels, expected(image))
    assert found.notes == ("the alpha channel was ignored",)


# ---- pixels without a value


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(10, 15), (0, 0), (19, 29)])
def test_lone_hole_takes_the_median_around_it(hole, place):
    image = np.tile(np.arange(30.0), (20, 1))
    image[place] = hole
    found = from_array(image)
    assert np.isfinite(found.pixels).all()
    assert found.pixels[place] * 29 == pytest.approx(place[1], abs=1.01)
    assert "1 pixel was NaN, infinite or masked" in found.notes[0]


def test_patch_of_holes_is_filled_from_its_rim():
    image = np.full((100, 120), 5.0)
    image[:, 60:] = 9.0
    image[40:50, 20:31] = np.nan
    found = from_array(image)
    assert (found.pixels[40:50, 20:31] == 0).all()
    assert "110 pixels were" in found.notes[0]


def test_hole_wider_than_any_window_takes_the_median_of_all():
    image = np.zeros((800, 900))
    image[:, 450:] = 1
    image[100:170, 100:170] = np.nan
    assert np.isfinite(from_array(image).pixels).all()


def test_mask_counts_as_holes(image):
    mask = np.zeros(image.shape, bool)
    mask[5, 6] = True
    spoilt = np.where(mask, 10**6, image)
    found = from_array(np.ma.array(spoilt, mask=mask)).pixels
    keep = ~mask
    np.testing.assert_array_equal(found[keep], expected(image)[keep])
    assert 0 <= found[5, 6] <= 1


def test_mask_of_one_colour_counts_as_hole(rng):
    colours = np.ma.array(rng.integers(0, 9, (20, 20, 3)), mask=False)
    colours[3, 4, 1] = np.ma.masked
    assert "1 pixel was" in from_array(colours).notes[-1]


@pytest.mark.parametrize(("count", "refused"), [(100, False), (101, True), (10_000, True)])
def test_more_than_one_percent_of_holes_is_refused(count, refused, rng):
    image = rng.random((100, 100))
    image.flat[:count] = np.nan
    if not refused:
        assert np.isfinite(from_array(image).pixels).all()
        return
    with pytest.raises(UnreadableImage, match=rf"{count} of its 10000 pixels are NaN, .* more than 1 %"):
        from_array(image)


# ---- refusals


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.eye(5, dtype=bool), "only true and false: already a boundary mask"),
        (np.eye(5, dtype=complex), r"complex numbers; give their magnitude, np\.abs"),
        (np.array([["a", "b"]]), "its pixels are <U1, not numbers"),
        (np.array([[None, 1]]), "its pixels are object, not numbers"),
        (np.zeros((3, 3), "i4,f4"), "not numbers"),
        (np.zeros((3, 3), "M8[s]"), "not numbers"),
        (np.zeros(7), r"its shape is \(7,\); give one image, \(H, W\)"),
        (3.0, r"its shape is \(\)"),
        (np.zeros((3, 20, 20)), r"its shape is \(3, 20, 20\); give one image"),
        (np.zeros((5, 6, 2)), r"its shape is \(5, 6, 2\)"),
        (np.zeros((2, 3, 4, 5)), r"its shape is \(2, 3, 4, 5\)"),
        (np.zeros((0, 7)), r"it is empty \(0 x 7 px\)"),
        (np.zeros((7, 0), np.uint8), r"it is empty \(7 x 0 px\)"),
        (np.zeros((0, 7, 3)), r"its shape is \(0, 7, 3\)"),
        ([[1, 2], [3]], "its rows differ in length"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_image_is_refused(pixels, reason):
    with pytest.raises(UnreadableImage, match=f"^layer 1: .*{reason}"):
        from_array(pixels, source="layer 1")


def test_image_above_the_limit_is_refused_before_memory_is_taken():
    vast = np.broadcast_to(np.uint8(3), (50_000, 50_000))
    with pytest.raises(UnreadableImage, match="50000 x 50000 px, above the limit of 2,000,000,000"):
        from_array(vast)


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="the memory's size is not known here")
def test_image_above_half_of_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**18}.get)
    check_extent("a.tif", 4000, 4000, 0)
    with pytest.raises(UnreadableImage, match=r"5000 x 5000 px need 0\.6 GiB, more than half of .* 1\.0 GiB"):
        check_extent("a.tif", 5000, 5000, 0)
    with pytest.raises(UnreadableImage, match="more than half"):
        check_extent("a.tif", 4000, 4000, 2**28)


def test_unknown_memory_refuses_nothing(monkeypatch):
    def unknown(_):
        raise ValueError

    monkeypatch.setattr(os, "sysconf", unknown, raising=False)
    check_extent("a.tif", 40_000, 40_000, 0)


def test_error_says_what_and_where_and_travels():
    error = UnreadableImage("a.tif", "it is empty; copy it again")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.path, copy.reason, str(copy)) == ("a.tif", error.reason, "a.tif: it is empty; copy it again")


# ---- what is handed through


def test_scale_and_source_are_kept():
    made = from_array(np.eye(4), pixel_size=(0.5, 0.6), source="film", calibration="layer", notes=("first",))
    assert (made.pixel_size, made.source, made.calibration) == ((0.5, 0.6), "film", "layer")
    assert made.notes == ("first",)
    assert from_array(np.eye(4), pixel_size=2).pixel_size == (2.0, 2.0)
    assert from_array(np.eye(4), pixel_size=2).calibration == "typed"
    assert from_array(np.eye(4)).calibration == "unknown"
