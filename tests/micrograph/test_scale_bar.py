"""Burnt-in scale bars: drawn ones, whose length is known."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from temgrains.micrograph import UnreadableImage, from_array, read, with_scale_bar
from temgrains.micrograph.calibration import parse_length
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


def test_grains_as_bright_as_the_bar_are_no_letters(film):
    film[140:145, 15:95] = 1
    film = write(film, (30, 122), "100 nm", 1)
    alone = find_scale_bar(film).box
    film[92:118, 20:50] = 1
    film[118:120, 20:50:3] = 1
    film[90:92, 21:50:4] = 1
    bar = find_scale_bar(film)
    assert bar.length == 80
    assert bar.mask[120:145][film[120:145] >= 0.95].all()
    assert abs(bar.box[0] - alone[0]) <= 4, "not up to the upper end of the grain, 30 px above"


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
    film[57:60, 70:118] = 0
    assert find_scale_bar(film) is None


def test_letters_are_no_bars(film):
    film[40:45, 50:90], film[45:80, 68:73] = 0, 0  # T
    film[40:80, 150:155], film[75:80, 155:190] = 1, 1  # L
    assert find_scale_bar(film) is None


def test_rows_at_the_border_are_no_bars(film):
    film[-3:, 20:120] = 0
    film[40:100, -30:] = 1
    film[:2, 100:180] = 0
    assert find_scale_bar(film) is None


@pytest.fixture
def saturated(film, rng):
    """The same with so much contrast that up to a quarter of a grain is black or white."""
    return np.clip(film + rng.normal(0, 0.35, SHAPE), 0, 1).astype(np.float32)


@pytest.mark.parametrize("grey", [0, 1])
@pytest.mark.parametrize(("height", "length"), [(4, 40), (5, 61), (8, 120), (4, 200)])
def test_bar_on_ground_that_is_as_bright_in_part(height, length, grey, saturated):
    assert (saturated == grey).mean() > 0.07
    assert find_scale_bar(saturated) is None
    saturated[140 : 140 + height, 15 : 15 + length] = grey
    labels, _ = ndimage.label(saturated == grey)
    grown = ndimage.find_objects(labels)[labels[140, 15] - 1]
    assert grown != (slice(140, 140 + height), slice(15, 15 + length)), "what is like it touches it"
    assert place(find_scale_bar(saturated)) == (140, 15, height, length)


def test_bar_whose_end_nobody_can_see_is_not_found(film):
    film[140:145, 30:110] = 1
    film[120:160, 80:140] = 1
    assert find_scale_bar(film) is None


@pytest.mark.parametrize("name", ["01", "05", "12", "14", "24", "30"])
@pytest.mark.parametrize("share", [0, 5, 20])
def test_real_micrographs_without_a_bar_have_none(name, share, shared):
    pixels = np.asarray(
        Image.open(shared / "data" / "uo2" / "images" / f"uo2_{name}.png").convert("L"), float
    )
    low, high = np.percentile(pixels, (share, 100 - share))
    assert find_scale_bar(np.clip((pixels - low) / (high - low), 0, 1).astype(np.float32)) is None


def test_pixel_size_follows_from_the_length_that_the_user_reads(film):
    film[140:145, 15:95] = 1
    assert find_scale_bar(film).pixel_size(200) == 2.5


@pytest.mark.parametrize("length", [0, -5, float("nan"), float("inf")])
def test_length_that_is_none_is_refused(length, film):
    film[140:145, 15:95] = 1
    with pytest.raises(ValueError, match=r"length_nm is .*; it must be a positive number of nm"):
        find_scale_bar(film).pixel_size(length)


# ---- what the user says it stands for


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("200 nm", 200),
        ("200", 200),
        (" 0.2 µm ", 200),
        ("0,2um", 200),
        ("2 Å", 0.2),
        ("1mm", 1e6),
        (".5 nm", 0.5),
        ("0,125 µm", 125),
        ("1000,5 nm", 1000.5),
        ("0.2 \u03bcm", 200),
    ],
)
def test_length_is_read_with_its_unit(text, length):
    assert parse_length(text) == pytest.approx(length)


@pytest.mark.parametrize("text", ["", "nm", "0 nm", "-5 nm", "2 px", "5 1/nm", "1e400 nm", "1 2", "9" * 400])
def test_text_that_is_no_length_is_refused(text):
    with pytest.raises(ValueError, match=r"is no length; type it as 200 nm, 0\.2 µm or 5 Å"):
        parse_length(text)


@pytest.mark.parametrize(("text", "either"), [("1,000 nm", "1000 or 1.000"), ("20,000", "20000 or 20.000")])
def test_comma_that_may_stand_for_a_thousand_is_asked_about(text, either):
    with pytest.raises(ValueError, match=f"may mean {either}; type it so"):
        parse_length(text)


@pytest.fixture
def burnt(film):
    """A film with a bar of 80 px in a box of its own."""
    film[115:155, 120:230] = 0
    film[140:145, 135:215] = 1
    return film


def test_bar_gives_the_pixel_size_and_is_left_out(burnt):
    film = from_array(burnt)
    found = with_scale_bar(film, find_scale_bar(film.pixels), 200)
    assert (found.pixel_size, found.calibration) == ((2.5, 2.5), "scale bar")
    assert found.excluded == ((115, 120, 155, 230),)
    assert found.notes == (
        "the scale bar of 80 px stands for 200 nm; it and its label, 11.5% of the image, are left out",
    )
    assert found.pixels is film.pixels


def test_bar_that_contradicts_the_file_makes_a_note(burnt):
    film = from_array(burnt, pixel_size=2.0, calibration="ImageJ tag")
    bar = find_scale_bar(film.pixels)
    found = with_scale_bar(film, bar, 200)
    assert found.pixel_size == (2.5, 2.5)
    assert found.notes[1] == "the scale bar's pixel of 2.5 nm is 25% off the 2 nm of the ImageJ tag; check it"
    kept = with_scale_bar(film, bar, 200, keep_size=True)
    assert (kept.pixel_size, kept.calibration, kept.excluded) == ((2, 2), "ImageJ tag", found.excluded)
    assert kept.notes == found.notes
    assert len(with_scale_bar(film, bar, 163).notes) == 1, "within 2 %"


def test_pixels_that_are_not_square_keep_their_ratio(burnt):
    film = from_array(burnt, pixel_size=(4.0, 2.0))
    assert with_scale_bar(film, find_scale_bar(film.pixels), 200).pixel_size == (5, 2.5)


def test_length_that_makes_absurd_pixels_is_refused(burnt):
    film = from_array(burnt)
    with pytest.raises(ValueError, match=r"from 0\.0001 to 1,000,000 nm"):
        with_scale_bar(film, find_scale_bar(film.pixels), 1e9)


@pytest.fixture
def file(burnt, tmp_path):
    """The same in a file."""
    Image.fromarray((burnt * 255).astype(np.uint8)).save(tmp_path / "film.png")
    return tmp_path / "film.png"


@pytest.mark.parametrize("length", [200, 200.0, "200 nm", "0.2 µm"])
def test_bar_of_a_file(length, file):
    found = read(file, scale_bar=length)
    assert (found.pixel_size, found.calibration) == ((2.5, 2.5), "scale bar")
    assert found.excluded == ((115, 120, 155, 230),)


def test_typed_size_goes_before_the_bar_which_is_left_out_all_the_same(file):
    found = read(file, scale_bar=200, pixel_size=2.0)
    assert (found.pixel_size, found.calibration, len(found.excluded)) == ((2, 2), "typed", 1)
    assert "is 25% off the 2 nm typed; check it" in found.notes[1]


def test_file_without_a_bar_is_refused(film, tmp_path):
    Image.fromarray((film * 255).astype(np.uint8)).save(tmp_path / "film.png")
    with pytest.raises(UnreadableImage, match="no scale bar was found in it; give the pixel size instead"):
        read(tmp_path / "film.png", scale_bar="100 nm")


@pytest.mark.parametrize("length", ["long", 0, -5, float("nan"), "1e9 nm"])
def test_length_of_a_file_that_is_none_is_refused(length, file):
    with pytest.raises(ValueError, match="is no length"):
        read(file, scale_bar=length)
