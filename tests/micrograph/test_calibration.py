"""The size of a pixel as programs and microscopes write it."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import tifffile
from PIL import Image

from temgrains.micrograph import UnreadableImage, read
from temgrains.micrograph.calibration import checked_size

IMAGE = np.arange(200, dtype=np.uint8).reshape(10, 20)


def tiff(path, image=IMAGE, **options):
    tifffile.imwrite(path, image, **options)
    return path


def scale(path, **options):
    found = read(path, **options)
    return found.pixel_size, found.calibration


# ---- typed


@pytest.mark.parametrize(
    ("typed", "size"),
    [
        (0.72, (0.72, 0.72)),
        (2, (2.0, 2.0)),
        ((0.5, 0.7), (0.5, 0.7)),
        (np.float32(0.5), (0.5, 0.5)),
        (None, None),
    ],
)
def test_typed_size_is_one_number_or_two(typed, size):
    assert checked_size(typed) == size


@pytest.mark.parametrize(
    "typed", [0, -1, math.nan, math.inf, 1e7, 10**400, 1e-5, (1, 0), (1, 2, 3), (), "2", "ab", (1, "2")]
)
def test_typed_size_that_cannot_be_is_refused(typed, tmp_path):
    with pytest.raises(ValueError, match=r"pixel_size is .*; it must be .* from 0\.0001 to 1,000,000 nm"):
        read(tmp_path / "not even opened.tif", pixel_size=typed)


def test_typed_size_goes_before_the_file(tmp_path):
    path = tiff(tmp_path / "a.tif", imagej=True, resolution=(2, 2), metadata={"unit": "nm"})
    assert scale(path) == ((0.5, 0.5), "ImageJ tag")
    assert scale(path, pixel_size=0.7) == ((0.7, 0.7), "typed")


@pytest.mark.parametrize(
    ("typed", "note"),
    [
        (0.5, ()),
        (0.509, ()),
        (0.7, ("the typed pixel size of 0.7 nm is 40% off the 0.5 nm of the ImageJ tag; check it",)),
        (
            (0.5, 0.4),
            ("the typed pixel size of 0.5 x 0.4 nm is 20% off the 0.5 nm of the ImageJ tag; check it",),
        ),
    ],
)
def test_typed_size_that_differs_from_the_file_is_doubted(typed, note, tmp_path):
    path = tiff(tmp_path / "a.tif", imagej=True, resolution=(2, 2), metadata={"unit": "nm"})
    assert read(path, pixel_size=typed).notes == note


def test_typed_size_silences_doubts_about_the_file(tmp_path):
    path = tiff(tmp_path / "a.tif", resolution=(72, 72), resolutionunit="INCH")
    assert read(path, pixel_size=1).notes == ()


# ---- ImageJ


@pytest.mark.parametrize(
    ("unit", "nm"),
    [
        ("nm", 1), ("um", 1e3), ("micron", 1e3), ("\\u00B5m", 1e3), ("µm", 1e3), ("μm", 1e3), ("pm", 1e-3),
        ("nanometer", 1), ("Angstrom", 0.1), ("Å", 0.1), ("mm", 1e6), (" NM ", 1),
        ("\\u00C5", 0.1), ("\\u212B", 0.1), ("\u212b", 0.1), ("angstroms", 0.1), ("picometer", 1e-3),
        ("µ", 1e3), ("micrometers", 1e3), ("(nm)", 1), ("nm/px", 1), ("μm/pixel", 1e3),
    ],
)  # fmt: skip
def test_imagej_unit(unit, nm, tmp_path):
    description = f"ImageJ=1.54f\nunit={unit}\n".encode()
    path = tiff(tmp_path / "a.tif", description=description, resolution=(4e3 * nm, 4e3 * nm))
    assert scale(path) == ((pytest.approx(0.00025), pytest.approx(0.00025)), "ImageJ tag")


def test_imagej_unit_in_latin_1(tmp_path):
    description = "ImageJ=1.54f\nunit=µm\n".encode("latin-1")
    assert scale(tiff(tmp_path / "a.tif", description=description, resolution=(4, 4)))[0] == (250, 250)


@pytest.mark.parametrize("unit", ["pixel", "pixels", ""])
def test_imagej_without_a_scale(unit, tmp_path):
    path = tiff(tmp_path / "a.tif", description=f"ImageJ=1.54f\nunit={unit}\n", resolution=(4, 4))
    assert scale(path) == (None, "unknown")


def test_imagej_image_of_many_bytes_order(tmp_path):
    path = tiff(
        tmp_path / "a.tif", IMAGE.astype(np.uint16), imagej=True, resolution=(8, 4), metadata={"unit": "nm"}
    )
    assert scale(path) == ((0.25, 0.125), "ImageJ tag")
    assert "pixels are not square: 0.25 nm high, 0.125 nm wide" in read(path).notes


def test_imagej_inch_is_a_resolution_of_print(tmp_path):
    path = tiff(tmp_path / "a.tif", description="ImageJ=1.54f\nunit=inch\n", resolution=(72, 72))
    assert scale(path) == (None, "unknown")
    assert "72 dots per inch is one of print or screen" in read(path).notes[0]


@pytest.mark.parametrize("resolution", [(0, 1), (1, 0), (0, 0)])
def test_imagej_resolution_of_nothing(resolution, tmp_path):
    path = tiff(tmp_path / "a.tif", description="ImageJ=1.54f\nunit=nm\n", resolution=(4, 4))
    with tifffile.TiffFile(path, mode="r+b") as tif:
        tif.pages.first.tags["XResolution"].overwrite(resolution)
    assert scale(path) == (None, "unknown")


def test_unit_that_is_no_length_says_so(tmp_path):
    path = tiff(tmp_path / "a.tif", description="ImageJ=1.54f\nunit=sec\n", resolution=(4, 4))
    assert scale(path) == (None, "unknown")
    assert read(path).notes == ("the ImageJ tag gives the pixel size in 'sec', which is no length; type it",)


def test_unit_of_a_damaged_tag_is_quoted_in_short(tmp_path):
    path = tiff(tmp_path / "a.tif", imagej=True, resolution=(2, 2), metadata={"unit": "u" * 5000})
    (note,) = read(path).notes
    assert note.startswith("the ImageJ tag gives the pixel size in 'uuu")
    assert note.endswith("which is no length; type it")
    assert len(note) < 120


@pytest.mark.parametrize("unit", ["1/nm", "nm^-1", "µm-1", "mrad", "µrad", "°"])
def test_unit_of_reciprocal_space_means_a_diffraction_pattern(unit, tmp_path):
    path = tiff(tmp_path / "a.tif", description=f"ImageJ=1.54f\nunit={unit}\n".encode(), resolution=(4, 4))
    said = re.escape(f"it is a diffraction pattern (the ImageJ tag gives its scale in {unit}), not an image")
    with pytest.raises(UnreadableImage, match=said):
        read(path)


def test_absurd_size_says_so(tmp_path):
    path = tiff(tmp_path / "a.tif", description="ImageJ=1.54f\nunit=m\n", resolution=(4, 4))
    assert scale(path) == (None, "unknown")
    assert "a pixel of 0.25 x 0.25 m, which cannot be; type its size" in read(path).notes[0]


# ---- OME


def ome(pixels):
    return (
        f'<?xml version="1.0"?><OME xmlns="http://ome"><Image ID="1"><Pixels ID="2" {pixels}/></Image></OME>'
    )


@pytest.mark.parametrize(
    ("pixels", "size"),
    [
        (
            'PhysicalSizeX="0.5" PhysicalSizeY="0.25" PhysicalSizeXUnit="nm" PhysicalSizeYUnit="nm"',
            (0.25, 0.5),
        ),
        ('PhysicalSizeX="0.5" PhysicalSizeY="0.5"', (500, 500)),
        ('PhysicalSizeX="0.5"', (500, 500)),
        ("PhysicalSizeX='0.5' PhysicalSizeXUnit='nm'", (0.5, 0.5)),
        ('PhysicalSizeX="0.5" PhysicalSizeXUnit="&#181;m"', (500, 500)),
        ('PhysicalSizeX="500" PhysicalSizeXUnit="pm" PhysicalSizeY="2" PhysicalSizeYUnit="Å"', (0.2, 0.5)),
        ('SizeX="5"', None),
        ('PhysicalSizeX="1" PhysicalSizeXUnit="pixel"', None),
        ('PhysicalSizeX="0" PhysicalSizeXUnit="nm"', None),
        ('PhysicalSizeX="NaN" PhysicalSizeXUnit="nm"', None),
        ('PhysicalSizeX="many" PhysicalSizeXUnit="nm"', None),
        ('PhysicalSizeX="1e30" PhysicalSizeXUnit="nm"', None),
    ],
)
def test_ome(pixels, size, tmp_path):
    path = tiff(tmp_path / "a.tif", description=ome(pixels).encode())
    assert scale(path)[0] == (size if size is None else pytest.approx(size))


def test_ome_written_by_tifffile(tmp_path):
    metadata = {"axes": "YX", "PhysicalSizeX": 0.4, "PhysicalSizeXUnit": "nm"}
    path = tiff(
        tmp_path / "a.ome.tif",
        ome=True,
        metadata=metadata | {"PhysicalSizeY": 0.4, "PhysicalSizeYUnit": "nm"},
    )
    assert scale(path) == ((0.4, 0.4), "OME metadata")


# ---- resolution tags


@pytest.mark.parametrize(
    ("dots", "unit", "nm"),
    [(25.4e6, "INCH", 1.0), (1e7, "CENTIMETER", 1.0), (4e6, "CENTIMETER", 2.5), (1e4, "CENTIMETER", 1000.0)],
)
def test_plain_resolution_of_a_micrograph(dots, unit, nm, tmp_path):
    path = tiff(tmp_path / "a.tif", resolution=(dots, dots), resolutionunit=unit)
    assert scale(path) == (pytest.approx((nm, nm)), "TIFF resolution")


@pytest.mark.parametrize("dpi", [72, 96, 300, 1200])
def test_plain_resolution_of_print_or_screen(dpi, tmp_path):
    path = tiff(tmp_path / "a.tif", resolution=(dpi, dpi), resolutionunit="INCH")
    assert scale(path) == (None, "unknown")
    assert f"{dpi} dots per inch is one of print or screen, not a scale" in read(path).notes[0]


def test_plain_resolution_without_a_unit_is_none(tmp_path):
    path = tiff(tmp_path / "a.tif", resolution=(1e7, 1e7), resolutionunit="NONE")
    assert scale(path) == (None, "unknown")


@pytest.mark.parametrize(("dpi", "nm"), [(25.4e6, 1.0), (25.4e6 / 0.72, 0.72), (72, None), (300, None)])
def test_png(dpi, nm, tmp_path):
    Image.fromarray(IMAGE).save(tmp_path / "a.png", dpi=(dpi, dpi))
    found = scale(tmp_path / "a.png")
    assert found == ((None, "unknown") if nm is None else (pytest.approx((nm, nm)), "PNG resolution"))


def test_png_and_jpeg_without_resolution(tmp_path):
    Image.fromarray(IMAGE).save(tmp_path / "a.png")
    Image.fromarray(IMAGE).save(tmp_path / "a.jpg")
    assert scale(tmp_path / "a.png") == scale(tmp_path / "a.jpg") == (None, "unknown")


# ---- microscopes


def ascii_tag(code, text):
    return (code, 2, None, text, True)


@pytest.mark.parametrize(
    ("width", "size"), [("1.25e-9", (2.5, 1.25)), ("0", None), ("-3", None), ("wide", None)]
)
def test_fei(width, size, tmp_path):
    text = f"[User]\r\nUser=x\r\n[Scan]\r\nPixelWidth={width}\r\nPixelHeight=2.5e-9\r\n"
    path = tiff(tmp_path / "a.tif", extratags=[ascii_tag(34682, text)])
    assert scale(path) == (size and pytest.approx(size), "FEI tag" if size else "unknown")


def test_fei_field_of_view_without_the_data_bar(tmp_path):
    text = (
        "[Beam]\r\nBeam=IRBeam\r\n[Image]\r\nResolutionX=20\r\nResolutionY=8\r\n"
        "[IRBeam]\r\nHFW=4e-8\r\nVFW=3.2e-8\r\n"
    )
    path = tiff(tmp_path / "a.tif", extratags=[ascii_tag(34682, text)])
    assert scale(path) == (pytest.approx((4, 2)), "FEI tag")


def jeol(mode, *, eos="eosTEM", value="50000"):
    return (
        f'<?xml version="1.0"?>\n<TemReporter><Eos><EosMode>{eos}</EosMode></Eos><ImageFormingSystem>'
        f"<ModeString>{mode}</ModeString><SelectorValue>{value}</SelectorValue>"
        "</ImageFormingSystem></TemReporter>"
    )


@pytest.mark.parametrize(
    ("description", "size"),
    [
        (jeol("MAG"), (0.508, 0.254)),
        (jeol("MAG", value="0"), None),
        (jeol("MAG", value="high"), None),
        (jeol("MAG", eos="modeASID"), None),
        (jeol("LOWMAG"), None),
        ("<TemReporter>", None),
    ],
)
def test_jeol(description, size, tmp_path):
    path = tiff(tmp_path / "a.tif", description=description, resolution=(2000, 1000), resolutionunit="INCH")
    assert scale(path) == (size and pytest.approx(size), "JEOL tag" if size else "unknown")


def test_jeol_diffraction_pattern_is_refused(tmp_path):
    path = tiff(tmp_path / "a.tif", description=jeol("DIFF"), resolution=(93, 93), resolutionunit="INCH")
    with pytest.raises(UnreadableImage, match="it is a diffraction pattern"):
        read(path)


def test_olympus_page_with_the_scale_goes_before_its_picture(tmp_path, monkeypatch):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(np.zeros((10, 20, 3), np.uint8), photometric="rgb")
        writer.write(IMAGE, photometric="minisblack", extratags=[(33560, 4, 1, 8, True)])
    said = {"pixelsizex": 2e-9, "pixelsizey": 3e-9}
    monkeypatch.setattr(tifffile.TiffTags, "valueof", valueof_with(33560, said))
    found = read(path)
    assert (found.pixel_size, found.calibration) == (pytest.approx((3, 2)), "Olympus tag")
    assert found.notes[0] == "page 2 of 2 was read"
    assert read(path, page=0).notes[0] == "page 1 of 2 was read"


def valueof_with(code, value):
    original = tifffile.TiffTags.valueof

    def valueof(self, key, *rest, **options):
        return value if key == code and code in self else original(self, key, *rest, **options)

    return valueof


def test_fei_without_a_scan(tmp_path):
    path = tiff(tmp_path / "a.tif", extratags=[ascii_tag(34682, "[User]\r\nUser=x\r\n")])
    assert scale(path) == (None, "unknown")


def test_zeiss(tmp_path):
    text = "0\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 2.791 nm\r\n"
    path = tiff(tmp_path / "a.tif", extratags=[ascii_tag(34118, text)])
    assert scale(path) == ((2.791, 2.791), "Zeiss tag")


TESCAN = (
    "[MAIN]\r\nDate=2021-03-04\r\nDevice=TENSOR\r\nPixelSizeX=2.5e-10\r\nPixelSizeY = 2.4e-10\r\n[SEM]\r\n"
)


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (TESCAN.encode(), (0.24, 0.25)),
        (b"\xff\xd8\0\x01picture\xff\xd9PixelSizeX=7\n" + TESCAN.encode(), (0.24, 0.25)),
        (TESCAN.replace("\r\n", "\n").encode() + b"PixelSizeX=9\n", (0.24, 0.25)),
        (b"[MAIN]\nPixelSizeX=1e-9\n\0\0", (1, 1)),
        (b"[MAIN]\nPixelSizeX=\n", None),
        (b"[MAIN]\nPixelSizeX=0\n", None),
        (b"PixelSizeX=1e-9\n", None),
        (bytes(range(256)), None),
    ],
)
@pytest.mark.parametrize("kind", [1, 7])
def test_tescan(content, size, kind, tmp_path):
    path = tiff(tmp_path / "a.tif", extratags=[(50431, kind, len(content), content, True)])
    assert scale(path) == (size and pytest.approx(size), "TESCAN tag" if size else "unknown")


@pytest.mark.parametrize("code", [34680, 34682])
def test_fei_in_either_tag(code, tmp_path):
    text = "[Scan]\r\nPixelWidth=1e-9\r\nPixelHeight=1e-9\r\n"
    assert scale(tiff(tmp_path / "a.tif", extratags=[ascii_tag(code, text)]))[1] == "FEI tag"


def test_digitalmicrograph(tmp_path):
    tags = [ascii_tag(65003, "nm"), (65009, 12, 1, 0.25, True), (65010, 12, 1, 0.5, True)]
    assert scale(tiff(tmp_path / "a.tif", extratags=tags)) == ((0.5, 0.25), "DigitalMicrograph tag")


def test_tag_that_cannot_be_parsed_does_not_cost_the_image(tmp_path, monkeypatch):
    def fail(_):
        raise ZeroDivisionError

    monkeypatch.setattr(tifffile.TiffFile, "fei_metadata", property(fail))
    found = read(tiff(tmp_path / "a.tif"))
    assert found.notes == ("the pixel size could not be read (ZeroDivisionError); type it",)


def test_tvips(tmp_path, monkeypatch):
    said = {"PixelSizeX": 0.4, "PixelSizeY": 0.5}
    monkeypatch.setattr(tifffile.TiffFile, "tvips_metadata", property(lambda _: said))
    assert scale(tiff(tmp_path / "a.tif")) == ((0.5, 0.4), "TVIPS tag")
