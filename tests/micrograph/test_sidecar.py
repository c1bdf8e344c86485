"""The scale from the text file that a microscope wrote beside an image."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from temgrains.micrograph import read

HITACHI = "[SemImageFile]\r\nInstructName=SU8000\r\nDataSize=30x20\r\nPixelSize=0.9921875\r\n"
JEOL = "$CM_FORMAT JEOL\n$CM_FULL_SIZE 30 20\n$$SM_MICRON_BAR 80\n$$SM_MICRON_MARKER 100nm\n"
TESCAN = "[MAIN]\nDevice=MIRA\nPixelSizeX=2.5e-09\nPixelSizeY=2.4e-09\n[SEM]\nHV=10000\n"


@pytest.fixture
def film(tmp_path, rng):
    path = tmp_path / "film.tif"
    tifffile.imwrite(path, rng.integers(0, 255, (20, 30), dtype=np.uint8), resolution=(72, 72))
    return path


@pytest.mark.parametrize(
    ("name", "text", "size", "source"),
    [
        ("film.txt", HITACHI, (0.9921875, 0.9921875), "Hitachi file beside it"),
        ("film.TXT", JEOL, (1.25, 1.25), "JEOL file beside it"),
        ("film.txt", JEOL.replace("100nm", "1um"), (12.5, 12.5), "JEOL file beside it"),
        ("film-tif.hdr", TESCAN, (2.4, 2.5), "TESCAN file beside it"),
        ("film.hdr", TESCAN.replace("PixelSizeY=2.4e-09\n", ""), (2.5, 2.5), "TESCAN file beside it"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_scale_of_a_sidecar(name, text, size, source, encoding, film):
    film.with_name(name).write_bytes(text.encode(encoding))
    found = read(film)
    assert found.pixel_size == pytest.approx(size)
    assert found.calibration == source
    assert not any("dots per inch" in note for note in found.notes)


def test_a_picture_has_a_sidecar_too(film):
    Image.fromarray(np.arange(600, dtype=np.uint8).reshape(20, 30)).save(film.with_name("shot.jpg"))
    film.with_name("shot.txt").write_text(JEOL)
    assert read(film.with_name("shot.jpg")).pixel_size == pytest.approx((1.25, 1.25))


def test_what_the_image_says_itself_goes_before(film):
    image = np.arange(600, dtype=np.uint16).reshape(20, 30)
    tifffile.imwrite(film, image, imagej=True, resolution=(2, 2), metadata={"unit": "nm"})
    film.with_suffix(".txt").write_text(HITACHI)
    assert (read(film).pixel_size, read(film).calibration) == ((0.5, 0.5), "ImageJ tag")


def test_a_sidecar_of_another_width_is_not_believed(film):
    film.with_suffix(".txt").write_text(HITACHI.replace("30x20", "1280x960"))
    found = read(film)
    assert found.pixel_size is None
    assert (
        found.notes[-1] == "film.txt beside it describes an image of 1280 px, this one has 30: type the scale"
    )


@pytest.mark.parametrize(
    "text",
    [
        "notes of a student\nPixelSize=3\n", "[SemImageFile]\nPixelSize=\n",
        "$$SM_MICRON_BAR 0\n$$SM_MICRON_MARKER 1um\n",
        "$$SM_MICRON_BAR 80\n", "[MAIN]\n", "", "\x00\xff", "[SemImageFile]\nPixelSize=1.2.3\n",
    ],
)  # fmt: skip
def test_other_text_is_no_sidecar(text, film):
    film.with_suffix(".txt").write_bytes(text.encode("latin-1"))
    assert read(film).pixel_size is None


def test_a_sidecar_that_cannot_be_read_is_none(film):
    film.with_suffix(".txt").mkdir()
    film.with_suffix(".hdr").symlink_to(film.with_suffix(".hdr"))
    assert read(film).pixel_size is None


def test_a_sidecar_with_an_absurd_scale_is_doubted(film):
    film.with_suffix(".txt").write_text(HITACHI.replace("0.9921875", "1e30"))
    found = read(film)
    assert found.pixel_size is None
    assert "which cannot be; type its size" in found.notes[-1]
