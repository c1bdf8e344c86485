"""Burnt-in scale bars: drawn ones, whose length is known."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from temgrains.micrograph.scale_bar import find_scale_bar

SHAPE = (160, 240)


@pytest.fixture
def film(rng):
    """Grains of their own greys with noise, none of them black or white."""
    rows, columns = np.indices(SHAPE)
    grains = ((rows // 20) * 7 + (columns // 24) * 11) % 10 / 20 + 0.25
    return np.clip(grains + rng.normal(0, 0.03, SHAPE), 0.12, 0.88).astype(np.float32)


def place(bar):
    return bar.row, bar.column, bar.height, bar.length


def write(image, at, text, grey):
    """Write a label into an image."""
    picture = Image.fromarray((image * 255).astype(np.uint8))
    ImageDraw.Draw(picture).text(at, text, fill=int(grey * 255), font_size=14)
    return (np.asarray(picture) / np.float32(255)).astype(np.float32)


@pytest.mark.parametrize("grey", [0, 1])
@pytest.mark.parametrize(("height", "length"), [(2, 20), (5, 61), (8, 120), (4, 200)])
def test_plain_bar(height, length, grey, film):
    film[140 : 140 + height, 15 : 15 + length] = grey
    bar = find_scale_bar(film)
    assert place(bar) == (140, 15, height, length)
    assert bar.mask.sum() == height * length
    assert bar.mask[140, 15]


def test_bar_with_ticks(film):
    film[130:132, 30:110] = 1
    film[124:138, [30, 31, 108, 109]] = 1
    assert place(find_scale_bar(film)) == (124, 30, 14, 80)


def test_label_is_covered_with_the_bar(film):
    film[140:145, 15:95] = 1
    film = write(film, (30, 120), "100 nm", 1)
    bar = find_scale_bar(film)
    assert bar.length == 80
    assert np.count_nonzero(film >= 0.95) > 80 * 5 + 50
    assert bar.mask[film >= 0.95].all()
    assert bar.mask.sum() < 0.1 * bar.mask.size


def test_box_around_the_bar_is_covered(film):
    film[115:155, 120:230] = 0
    film[140:145, 135:215] = 1
    film = write(film, (150, 122), "50 nm", 1)
    bar = find_scale_bar(film)
    assert place(bar) == (140, 135, 5, 80)
    expected = np.zeros(SHAPE, bool)
    expected[115:155, 120:230] = True
    np.testing.assert_array_equal(bar.mask, expected)


def test_data_bar_below_the_image_is_covered(film):
    film[130:] = 1
    film[145:149, 20:90] = 0
    film = write(film, (110, 138), "HV 200 kV  x 50k", 0)
    bar = find_scale_bar(film)
    assert place(bar) == (145, 20, 4, 70)
    assert bar.mask[130:].all()
    assert not bar.mask[:130].any()


def test_bar_survives_jpeg(film):
    film[140:146, 15:95] = 1
    file = io.BytesIO()
    Image.fromarray((film * 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    bar = find_scale_bar(np.asarray(Image.open(file), np.float32) / 255)
    assert bar.length == pytest.approx(80, abs=1)


def test_longest_bar_wins(film):
    film[20:22, 100:130] = 1
    film[140:144, 15:95] = 0
    assert find_scale_bar(film).length == 80


def test_no_bar(film):
    assert find_scale_bar(film) is None


@pytest.mark.parametrize(
    "region",
    [
        (slice(150, 160), slice(0, 240)),  # a data bar as wide as the image
        (slice(100, 130), slice(50, 90)),  # a black grain
        (slice(100, 102), slice(50, 60)),  # a dash
    ],
)
def test_other_black_regions_are_no_bars(region, film):
    film[region] = 0
    assert find_scale_bar(film) is None


def test_jagged_or_hollow_regions_are_no_bars(film):
    film[100:110, 50:120] = 0
    film[102:108, 52:118] = 0.5
    film[60:64, 50:120] = 0
    film[64:70, 80:84] = 0
    assert find_scale_bar(film) is None


def test_pixel_size_follows_from_the_length_that_the_user_reads(film):
    film[140:145, 15:95] = 1
    assert find_scale_bar(film).pixel_size(200) == 2.5


@pytest.mark.parametrize("length", [0, -5, float("nan"), float("inf")])
def test_length_that_is_none_is_refused(length, film):
    film[140:145, 15:95] = 1
    with pytest.raises(ValueError, match=r"length_nm is .*; it must be a positive number of nm"):
        find_scale_bar(film).pixel_size(length)
