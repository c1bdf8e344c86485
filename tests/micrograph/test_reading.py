"""Files of every kind: those that are images are read as they are, the others refused with one sentence."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import struct
import sys
import threading

import numpy as np
import pytest
import tifffile
from PIL import Image

from temgrains.micrograph import UnreadableImage, read
from temgrains.micrograph import tiff as tiff_module

LONG = "x" * (60 if sys.platform == "win32" else 240) + ".tif"
CODECS = importlib.util.find_spec("imagecodecs") is not None


@pytest.fixture
def image(rng):
    return rng.integers(0, 256, (20, 30), dtype=np.uint8)


def expected(image):
    return ((image - image.min().astype(float)) / np.ptp(image.astype(float))).astype(np.float32)


def refused(path, **options):
    """The one sentence with which a file is refused."""
    with pytest.raises(UnreadableImage) as caught:
        read(path, **options)
    assert caught.value.path == str(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in caught.value.reason
    return caught.value.reason


# ---- TIFF


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i2", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize(
    "options",
    [{}, {"bigtiff": True}, {"rowsperstrip": 7}, {"tile": (16, 16)}, {"compression": "zlib"}],
    ids=str,
)  # fmt: skip
def test_tiff(options, byteorder, dtype, image, tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image.astype(dtype), byteorder=byteorder, photometric="minisblack", **options)
    found = read(path)
    np.testing.assert_array_equal(found.pixels, expected(image))
    assert found.source == str(path)
    assert found.notes == ()


def test_tiff_of_differences(image, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", image, compression="zlib", rowsperstrip=7, predictor=True)
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, expected(image))


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_white_is_zero_is_turned_around(dtype, image, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", image.astype(dtype), photometric="miniswhite")
    np.testing.assert_allclose(read(tmp_path / "a.tif").pixels, 1 - expected(image), atol=1e-7)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "raw"])
def test_tiff_by_another_program(compression, image, tmp_path):
    Image.fromarray(image).save(tmp_path / "a.tif", compression=compression)
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, expected(image))


def test_lzw_with_white_as_zero_is_turned_around(image, tmp_path):
    path = tmp_path / "a.tif"
    Image.fromarray(image).save(path, compression="tiff_lzw")
    with tifffile.TiffFile(path, mode="r+b") as tif:
        tif.pages.first.tags["PhotometricInterpretation"].overwrite(0)
    np.testing.assert_allclose(read(path).pixels, 1 - expected(image), atol=1e-7)


def test_lzw_of_16_bits(image, tmp_path):
    Image.fromarray(image.astype(np.uint16) * 100).save(tmp_path / "a.tif", compression="tiff_lzw")
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, expected(image))


def test_jpeg_in_tiff(tmp_path):
    smooth = np.tile(np.arange(0, 240, 4, dtype=np.uint8), (40, 1))
    Image.fromarray(smooth).save(tmp_path / "a.tif", compression="jpeg", quality=95)
    np.testing.assert_allclose(read(tmp_path / "a.tif").pixels, expected(smooth), atol=0.03)


def test_palette_becomes_luminance(image, tmp_path):
    table = np.zeros((3, 256), np.uint16)
    table[1] = np.arange(256)[::-1] * 257
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="palette", colormap=table)
    np.testing.assert_allclose(read(tmp_path / "a.tif").pixels, 1 - expected(image), atol=1e-6)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("alpha", [False, True])
def test_colour_tiff(planar, alpha, image, tmp_path):
    colours = np.stack([image, image // 2, image // 4] + [image * 0 + 9] * alpha, axis=-1)
    stored = colours if planar == "contig" else np.moveaxis(colours, -1, 0)
    tifffile.imwrite(
        tmp_path / "a.tif",
        stored,
        photometric="rgb",
        planarconfig=planar,
        extrasamples=["unassalpha"] * alpha,
    )
    found = read(tmp_path / "a.tif")
    np.testing.assert_allclose(
        found.pixels, expected(colours[..., :3] @ np.array([0.2126, 0.7152, 0.0722])), atol=1e-6
    )
    assert ("the alpha channel was ignored" in found.notes) == alpha


def test_grey_tiff_with_alpha(image, tmp_path):
    pair = np.stack([image, image * 0 + 7], axis=-1)
    tifffile.imwrite(
        tmp_path / "a.tif", pair, photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"]
    )
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, expected(image))


def test_page_is_chosen(image, tmp_path):
    stack = np.stack([image, image[::-1], image // 2])
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    assert read(tmp_path / "a.tif").notes == ("page 1 of 3 was read",)
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, expected(image))
    found = read(tmp_path / "a.tif", page=1)
    np.testing.assert_array_equal(found.pixels, expected(image[::-1]))
    assert found.notes == ("page 2 of 3 was read",)
    assert refused(tmp_path / "a.tif", page=3) == "it has no page 3; choose from 0 to 2"


def test_page_of_one(image, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", image)
    assert read(tmp_path / "a.tif", page=0).notes == ()
    assert refused(tmp_path / "a.tif", page=1) == "it has no page 1; page 0 is the only one"


@pytest.mark.parametrize("page", [-1, 1.5, "first"])
def test_page_that_cannot_be_is_refused(page, tmp_path):
    with pytest.raises(ValueError, match=r"page is .*; it must be a whole number from 0"):
        read(tmp_path / "a.tif", page=page)


def test_pages_of_different_kinds(image, tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        tif.write(np.stack([image] * 3, axis=-1), photometric="rgb")
        tif.write(image.astype(np.uint16)[:10])
    assert read(tmp_path / "a.tif", page=1).shape == (10, 30)


@pytest.mark.parametrize(
    ("pixels", "options", "reason"),
    [
        (np.eye(16, dtype=bool), {}, "1 bit per pixel: already a boundary mask"),
        (np.eye(16, dtype=np.uint8) * 255, {}, "only two grey values: already a boundary mask"),
        (np.ones((16, 16), complex), {}, "complex numbers"),
        (np.zeros((16, 16, 4), np.uint8), {"photometric": "separated"}, "its colours are SEPARATED; save"),
        (np.zeros((4, 16, 16), np.uint8), {"volumetric": True, "tile": (4, 16, 16)}, "a volume of 4 planes"),
        (np.full((16, 16), np.nan), {}, "256 of its 256 pixels are NaN"),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_tiff_that_is_no_micrograph(pixels, options, reason, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", pixels, **({"photometric": "minisblack"} | options))
    assert reason in refused(tmp_path / "a.tif")


@pytest.mark.skipif(CODECS, reason="imagecodecs is here and decodes it")
def test_codec_that_is_missing_is_named(image, tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image, compression="zlib")
    with tifffile.TiffFile(path, mode="r+b") as tif:
        tif.pages.first.tags["Compression"].overwrite(34712)
    assert refused(path) == "its JPEG2000 compression is not read; save it uncompressed"


@pytest.mark.skipif(CODECS, reason="imagecodecs is here and decodes it")
def test_codec_that_cannot_hold_the_pixels_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(tiff_module, "TiffImageFile", lambda _: Image.fromarray(np.zeros((20, 30), np.int32)))
    Image.fromarray(np.eye(20, 30, dtype=np.uint8)).save(tmp_path / "a.tif", compression="tiff_lzw")
    assert "LZW compression is not read for uint8 pixels" in refused(tmp_path / "a.tif")


def test_messages_of_other_threads_files_do_not_refuse_this_one(image, tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", image)
    decode = tifffile.TiffPage.asarray

    def noisy(page, **options):
        other = threading.Thread(target=lambda: logging.getLogger("tifffile").warning("elsewhere"))
        other.start()
        other.join()
        return decode(page, **options)

    monkeypatch.setattr(tifffile.TiffPage, "asarray", noisy)
    assert read(tmp_path / "a.tif").shape == (20, 30)
    assert logging.getLogger("tifffile").handlers == []


# ---- PNG and JPEG


@pytest.mark.parametrize("mode", ["L", "I;16", "LA", "RGB", "RGBA", "P"])
def test_png(mode, image, tmp_path):
    picture = Image.fromarray(image)
    if mode == "I;16":
        picture = Image.fromarray(image.astype(np.uint16) * 200)
    elif mode == "P":
        picture.putpalette([level for level in range(256) for _ in range(3)])
    else:
        picture = picture.convert(mode)
    picture.save(tmp_path / "a.png")
    found = read(tmp_path / "a.png")
    np.testing.assert_array_equal(found.pixels, expected(image))
    assert found.notes == (("the alpha channel was ignored",) if mode in {"LA", "RGBA"} else ())


def test_jpeg(tmp_path):
    smooth = np.tile(np.arange(0, 240, 4, dtype=np.uint8), (40, 1))
    Image.fromarray(smooth).save(tmp_path / "a.jpg", quality=95)
    np.testing.assert_allclose(read(tmp_path / "a.jpg").pixels, expected(smooth), atol=0.03)


def test_animated_png_has_pages(image, tmp_path):
    frames = [Image.fromarray(image), Image.fromarray(image[::-1])]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    assert read(tmp_path / "a.png").notes == ("page 1 of 2 was read",)
    np.testing.assert_array_equal(read(tmp_path / "a.png", page=1).pixels, expected(image[::-1]))


def test_black_and_white_png_is_refused(tmp_path):
    Image.fromarray(np.eye(16, dtype=bool)).save(tmp_path / "a.png")
    assert "1 bit per pixel: already a boundary mask" in refused(tmp_path / "a.png")


def test_cmyk_jpeg_is_refused(tmp_path):
    Image.new("CMYK", (8, 8)).save(tmp_path / "a.jpg")
    assert refused(tmp_path / "a.jpg") == "its colours are CMYK; save it as grey or RGB"


# ---- what is no image file


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.tif", b"", r"it is empty (0 bytes); copy it again from its source"),
        ("a.tif", b"<!DOCTYPE html><html>", "it is a web page, not an image"),
        ("a.tif", b"\n  <HTML><body>", "it is a web page, not an image"),
        ("a.tif", b"version https://git-lfs.github.com/spec/v1", "Git LFS has not fetched; run git lfs pull"),
        ("a.png", b"GIF89a", "it is a GIF; save it as PNG or TIFF"),
        ("a.DM4", b"\0\0\0\4", "it is damaged or no DM4 file; copy it again, or export it as TIFF"),
        ("a.emd", b"CDF", "it is damaged or no EMD file"),
        ("a.st", b"??", "it is damaged or no ST file"),
        ("a.tif", b"II", "it is no TIFF, PNG or JPEG image"),
        ("a.tif", b"II*\0", "it is damaged"),
        ("a.tif", b"II*\0\0\0\0\0", "it holds no page: its directory is missing"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "it is damaged"),
        ("a.jpg", b"\xff\xd8\xff", "it is damaged"),
    ],
)
def test_other_content_is_refused(name, content, reason, tmp_path):
    (tmp_path / name).write_bytes(content)
    assert reason in refused(tmp_path / name)


def test_content_and_not_the_suffix_decides(image, tmp_path):
    Image.fromarray(image).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.dm3")
    np.testing.assert_array_equal(read(tmp_path / "a.dm3").pixels, expected(image))


def test_missing_file(tmp_path):
    assert refused(tmp_path / "a.tif") == "there is no such file; check the name"


def test_folder(tmp_path):
    (tmp_path / "a.tif").mkdir()
    assert refused(tmp_path / "a.tif") == "it is a folder; give a file"


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in the file system of Windows")
@pytest.mark.timeout(10)
def test_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.tif")
    assert "no ordinary file but a device or pipe" in refused(tmp_path / "a.tif")


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights on Windows")
def test_links(image, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", image)
    (tmp_path / "good.tif").symlink_to("a.tif")
    (tmp_path / "broken.tif").symlink_to("nowhere.tif")
    (tmp_path / "circle.tif").symlink_to("circle.tif")
    assert read(tmp_path / "good.tif").shape == (20, 30)
    assert refused(tmp_path / "broken.tif") == "it is a link that leads nowhere; check the name"
    assert "it cannot be opened" in refused(tmp_path / "circle.tif")


@pytest.mark.parametrize("name", ["ä ü 日本.tif", "🔬.tif", "-v.tif", "a b (1).tif", "a'b.tif", LONG])
def test_names(name, image, tmp_path):
    tifffile.imwrite(tmp_path / name, image)
    assert read(str(tmp_path / name)).shape == (20, 30)
    assert refused(tmp_path / f"no {name[:200]}") == "there is no such file; check the name"


@pytest.mark.parametrize(
    ("count", "options", "note"),
    [
        (2, {"extrasamples": ["unassalpha"]}, "the alpha channel was ignored"),
        (2, {}, "only the first of its 2 channels was read"),
        (5, {}, "only the first of its 5 channels was read"),
    ],
)
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_of_several_channels_the_first_is_read_and_that_is_said(count, options, note, planar, tmp_path, rng):
    image = rng.integers(0, 255, (20, 30, count), dtype=np.uint8)
    stored = image if planar == "contig" else np.moveaxis(image, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="minisblack", planarconfig=planar, **options)
    found = read(tmp_path / "a.tif")
    grey = image[..., 0].astype(float)
    np.testing.assert_allclose(found.pixels, (grey - grey.min()) / np.ptp(grey), atol=1e-6)
    assert found.notes == (note,)


def test_lack_of_memory_is_said(image, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    tifffile.imwrite(tmp_path / "a.tif", image)
    monkeypatch.setattr(tifffile.TiffPage, "asarray", fail)
    assert refused(tmp_path / "a.tif") == "there is not enough memory for it; close other programs"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ZeroDivisionError(), "(ZeroDivisionError)"),
        (struct.error("unpack\nrequires"), "it is damaged: it ends within a number"),
        (TypeError("unpack\nrequires"), "(TypeError: unpack)"),
        (KeyError("x" * 500), "…)"),
    ],
)
def test_slips_of_the_decoder_become_a_sentence(error, said, image, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise error

    tifffile.imwrite(tmp_path / "a.tif", image)
    monkeypatch.setattr(tifffile.TiffPage, "asarray", fail)
    reason = refused(tmp_path / "a.tif")
    assert said in reason
    assert len(reason) < 300


# ---- real files


def test_published_example(shared):
    found = read(shared / "data/saleh2025/TEM.png")
    assert found.shape == (154, 1166)
    assert found.notes == ()


def test_uo2_images(shared):
    for path in sorted((shared / "data/uo2/images").glob("*.png")):
        found = read(path)
        assert found.shape == (1024, 1024)
        assert (found.pixel_size, found.calibration) == (None, "unknown")
        assert len(np.unique(found.pixels)) > 100


NM = {"m": 1e9, "µm": 1e3, "nm": 1.0}
PAGES = {"tiff__olympus_SIS.tif": 1}
PATTERN = "tiff__JEOL-SightX-SAED-dummy.tif"


def test_microscopes_tiffs_have_the_shape_and_scale_of_the_manifest(shared):
    folder = shared / "data/instrument_files"
    checked = 0
    for entry in json.loads((folder / "manifest.json").read_text(encoding="utf-8")):
        if not entry["file"].endswith(".tif") or entry["file"] == PATTERN:
            continue
        page = PAGES.get(entry["file"], 0)
        signal = entry["signals"][page if len(entry["signals"]) > 1 else 0]
        found = read(folder / entry["file"], page=page)
        assert list(found.shape) == signal["shape"][-2:]
        (_, _, height, unit, _), (_, _, width, _, _) = signal["axes"][-2:]
        if unit in NM:
            assert found.pixel_size == pytest.approx((height * NM[unit], width * NM[unit]), rel=1e-4)
            checked += 1
        else:
            assert found.pixel_size is None
    assert checked == 6


def test_what_is_no_path_is_refused():
    with pytest.raises(TypeError, match="path is of type int; give a file's path, or an array to from_array"):
        read(5)


def test_true_is_no_pixel_size(tmp_path):
    with pytest.raises(ValueError, match="pixel_size is True"):
        read(tmp_path / "a.tif", pixel_size=True)
