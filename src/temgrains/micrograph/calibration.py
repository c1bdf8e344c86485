"""The size of a pixel: typed, or found among what a file says about itself."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from temgrains.micrograph import tescan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tifffile import TiffFile, TiffPage

    from temgrains.records import PixelSize

SIZE_MIN, SIZE_MAX = 1e-4, 1e6
"""Pixel sizes outside are taken for errors [nm]."""
_AGREE = 0.02
"""Two pixel sizes may differ by this share without a word."""
PRINT_MIN = 1e3
"""Given per inch or cm, pixels larger than this are sizes on paper or screen [nm]."""

_NM: dict[str, float] = {
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), 1e9),
    **dict.fromkeys(("cm", "centimeter", "centimeters", "centimetre", "centimetres"), 1e7),
    **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre", "millimetres"), 1e6),
    **dict.fromkeys(("µm", "um", "µ", "micron", "microns"), 1e3),
    **dict.fromkeys(("micrometer", "micrometers", "micrometre", "micrometres"), 1e3),
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre", "nanometres"), 1.0),
    **dict.fromkeys(("å", "a", "angstrom", "angstroms", "angström", "ångström", "ångströms"), 0.1),
    **dict.fromkeys(("pm", "picometer", "picometers", "picometre", "picometres"), 1e-3),
    **dict.fromkeys(("in", "inch", "inches"), 25.4e6),
}
"""Units of length as programs write them [nm]."""
_PRINT = {unit for unit, nm in _NM.items() if nm in (1e7, 25.4e6)}
_NO_UNITS = {"", "none", "pixel", "pixels", "px"}
_ANGLES = {"rad", "mrad", "µrad", "urad", "deg", "°"}
"""Of scattering: the axes of diffraction patterns."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A pixel size (row, column) [nm] or None, where it came from, and what the user should know.

    ``diffraction`` quotes what says that the pixels lie in reciprocal space, and is empty for an image.
    """

    pixel_size: PixelSize | None = None
    source: str = "unknown"
    notes: tuple[str, ...] = ()
    diffraction: str = ""


@dataclass(frozen=True, slots=True)
class _Claim:
    """What one part of a file says: a pixel's height and width in some unit, or in one of its own each."""

    source: str
    height: Any
    width: Any
    unit: str = "nm"
    height_unit: str | None = None

    @property
    def units(self) -> tuple[str, str]:
        """Of the height and the width."""
        return self.unit if self.height_unit is None else self.height_unit, self.unit

    def __str__(self) -> str:
        down, across = self.units
        height, width = (
            f"{size!s:.20}" if math.isnan(_number(size)) else f"{_number(size):.6g}"
            for size in (self.height, self.width)
        )
        return f"{height}{'' if down == across else f' {down}'} x {width} {across}"


def checked_size(pixel_size: float | Sequence[float] | None) -> PixelSize | None:
    """Give a typed pixel size [nm] as (row, column); a single number is both.

    Raises
    ------
    ValueError
        If it is not one or two numbers from 0.0001 to 1,000,000 nm.
    """
    if pixel_size is None:
        return None
    sizes: list[Any] = list(pixel_size) if isinstance(pixel_size, Iterable) else [pixel_size] * 2
    if len(sizes) != 2 or not all(_is_size(size) for size in sizes):
        raise ValueError(
            f"pixel_size is {pixel_size!r}; it must be the pixel's height and width, or one number for both, "
            f"from {SIZE_MIN:g} to {SIZE_MAX:,.0f} nm"
        )
    return float(sizes[0]), float(sizes[1])


def parse_length(text: str) -> float:
    """Read a length such as "200 nm", "0.2 µm" or "200", which is in nm.

    Raises
    ------
    ValueError
        If it is no positive length.
    """
    found = re.fullmatch(r"\s*(\d+(?:[.,]\d*)?|[.,]\d+)\s*(\S*)\s*", text)
    factor = _NM.get(_plain(found[2] or "nm")) if found else None
    length = float(found[1].replace(",", ".")) * factor if found and factor else 0.0
    if not 0 < length < math.inf:
        raise ValueError(f"{text.strip()!r:.60} is no length; type it as 200 nm, 0.2 µm or 5 Å")
    if found and re.fullmatch(r"[1-9]\d{0,2},\d{3}", found[1]):
        # A thousand for some readers, one for others: a scale that is off by 1000 must not pass.
        said = found[1]
        raise ValueError(f"{said} may mean {said.replace(',', '')} or {said.replace(',', '.')}; type it so")
    return length


def off(own: PixelSize, other: PixelSize) -> float | None:
    """Give by what share one pixel size is off another, None where the difference needs no word."""
    ratio = max(abs(one / two - 1) for one, two in zip(own, other, strict=True))
    return ratio if ratio > _AGREE else None


def shown(pixel_size: PixelSize) -> str:
    """Give a pixel size as text."""
    height, width = (f"{side:.5g}" for side in pixel_size)
    return f"{height} nm" if height == width else f"{height} x {width} nm"


def _is_size(size: Any) -> bool:
    whole_or_real = not isinstance(size, bool) and isinstance(size, Real)
    # Not turned into a float, which fails for whole numbers of hundreds of digits.
    return whole_or_real and bool(SIZE_MIN <= size <= SIZE_MAX)


def of_tiff(tif: TiffFile, page: TiffPage) -> Calibration:
    """Find the pixel size of a page of a TIFF.

    Parameters
    ----------
    tif
        The open file.
    page
        The page that is read.
    """
    claim = next(_claims(tif, page), None)
    if claim is not None:
        return _judged(claim)
    if page.tags.valueof("ResolutionUnit") in (2, 3):
        inches = page.tags.valueof("ResolutionUnit") == 2
        sizes = [_inverse(page.tags.valueof(name)) for name in ("YResolution", "XResolution")]
        return of_dots(sizes[0], sizes[1], unit="inch" if inches else "cm", source="TIFF resolution")
    return Calibration()


def of_dots(height: float, width: float, *, unit: str, source: str) -> Calibration:
    """Judge a pixel size that may as well be one on paper or screen.

    Parameters
    ----------
    height, width
        Of a pixel, NaN if unknown.
    unit
        "inch" or "cm", the units of print.
    source
        Where it stands.
    """
    known = math.isfinite(height) and math.isfinite(width)
    return _judged(_Claim(source, height, width, unit)) if known else Calibration()


def of_axes(height: tuple[Any, Any], width: tuple[Any, Any], *, source: str) -> Calibration:
    """Judge a pixel size whose height and width have units of their own.

    Parameters
    ----------
    height, width
        Of a pixel, each a number and its unit, or None where there is no unit.
    source
        Where it stands.
    """
    down, across = ("" if unit is None else str(unit) for _, unit in (height, width))
    return _judged(_Claim(source, height[0], width[0], across, down))


def _judged(claim: _Claim) -> Calibration:
    units = [_plain(unit) for unit in claim.units]
    if _NO_UNITS.intersection(units):
        return Calibration()
    for unit, said in zip(units, claim.units, strict=True):
        if _is_reciprocal(unit):
            return Calibration(diffraction=f"the {claim.source} gives its scale in {said}")
        if unit not in _NM:
            return Calibration(
                notes=(
                    f"the {claim.source} gives the pixel size in {said!r:.40}, which is no length; type it",
                )
            )
    down, across = units
    if across in _PRINT and _number(claim.width) * _NM[across] > PRINT_MIN:
        dots = 25.4e6 / (_number(claim.width) * _NM[across])
        return Calibration(
            notes=(f"the {claim.source} of {dots:.4g} dots per inch is one of print or screen, not a scale",)
        )
    sizes = _number(claim.height) * _NM[down], _number(claim.width) * _NM[across]
    if not all(_is_size(size) for size in sizes):
        return Calibration(
            notes=(f"the {claim.source} gives a pixel of {claim}, which cannot be; type its size",)
        )
    notes: tuple[str, ...] = ()
    if abs(sizes[0] / sizes[1] - 1) > 1e-3:
        notes = (f"pixels are not square: {sizes[0]:.5g} nm high, {sizes[1]:.5g} nm wide",)
    return Calibration(sizes, claim.source, notes)


def _is_reciprocal(unit: str) -> bool:
    """Whether a unit in the spelling of the table is one of reciprocal space."""
    found = re.fullmatch(r"1/(\w+)|(\w+?)(?:\^?\(?-1\)?|⁻¹)", unit)
    return unit in _ANGLES or (found is not None and (found[1] or found[2]) in _NM)


def _plain(unit: str) -> str:
    """Give a unit in the spelling of the table."""
    # ImageJ writes what is not ASCII in the notation of Java.
    spelled = re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), html.unescape(unit))
    # Micro and Å have two characters each.
    spelled = spelled.replace("μ", "µ").replace("\u212b", "Å")
    # Written as [n_m] in EMD files, in brackets, with blanks, or per pixel by others.
    return re.sub(r"[\s\x00_\[\]]|^\(|\)$|/(px|pixel|pixels)$", "", spelled.strip().lower())


def _claims(tif: TiffFile, page: TiffPage) -> Iterator[_Claim]:
    description = tif.pages.first.description
    yield from _ome(description)
    yield from _imagej(description, page)
    yield from _gatan(page)
    yield from _microscope(tif)
    yield from _tescan(page)
    yield from _olympus(page)
    yield from _jeol(description, page)


def _ome(description: str) -> Iterator[_Claim]:
    """Read OME's PhysicalSize; its unit is µm unless it says otherwise."""
    found = re.search(r"<(?:\w+:)?Pixels\b[^>]*>", description) if "OME" in description else None
    pairs = re.findall(r"""\b(PhysicalSize\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')""", found[0]) if found else []
    said = {name: double or single for name, double, single in pairs}
    if "PhysicalSizeX" in said:
        width, unit = said["PhysicalSizeX"], said.get("PhysicalSizeXUnit", "µm")
        height = said.get("PhysicalSizeY", width)
        yield _Claim("OME metadata", height, width, unit, said.get("PhysicalSizeYUnit") or unit)


def _imagej(description: str, page: TiffPage) -> Iterator[_Claim]:
    if not description.startswith("ImageJ="):
        return
    said = dict(line.split("=", 1) for line in description.splitlines() if "=" in line)
    height, width = (_inverse(page.tags.valueof(name)) for name in ("YResolution", "XResolution"))
    if "unit" in said and not (math.isnan(height) or math.isnan(width)):
        yield _Claim("ImageJ tag", height, width, said["unit"])


def _gatan(page: TiffPage) -> Iterator[_Claim]:
    """Read the tags of a TIFF that DigitalMicrograph exported: unit and scale of x, then of y."""
    unit, down, width, height = (page.tags.valueof(code) for code in (65003, 65004, 65009, 65010))
    if isinstance(unit, str) and width is not None:
        down = down if isinstance(down, str) else unit
        yield _Claim("DigitalMicrograph tag", width if height is None else height, width, unit, down)


def _microscope(tif: TiffFile) -> Iterator[_Claim]:
    zeiss, tvips = tif.sem_metadata or {}, tif.tvips_metadata or {}
    yield from _fei(tif.fei_metadata or {})
    for name in ("ap_image_pixel_size", "ap_pixel_size"):
        value = zeiss.get(name)
        if isinstance(value, tuple) and len(value) == 3:
            yield _Claim("Zeiss tag", value[1], value[1], str(value[2]))
    if tvips.get("PixelSizeX"):
        yield _Claim("TVIPS tag", tvips["PixelSizeY"], tvips["PixelSizeX"])


def _fei(said: dict[str, Any]) -> Iterator[_Claim]:
    """Read the pixel of the scan, or else the field of the beam or camera that made the image."""
    scan, image = said.get("Scan") or {}, said.get("Image") or {}
    field = said.get(str((said.get("Beam") or {}).get("Beam"))) or {}
    columns, rows = _number(image.get("ResolutionX")), _number(image.get("ResolutionY"))
    if "PixelWidth" in scan:
        yield _Claim("FEI tag", scan.get("PixelHeight", scan["PixelWidth"]), scan["PixelWidth"], "m")
    elif columns > 0 and rows > 0 and {"HFW", "VFW"} <= field.keys():
        # The data bar below the image is not among the rows.
        yield _Claim("FEI tag", _number(field["VFW"]) / rows, _number(field["HFW"]) / columns, "m")


def _jeol(description: str, page: TiffPage) -> Iterator[_Claim]:
    """Read JEOL's report; the resolution is that of the image plate, to be divided by the magnification."""
    if "<TemReporter" not in description:
        return
    said = ElementTree.fromstring(description.strip().strip("\0"))
    mode, value = (said.findtext(f"ImageFormingSystem/{name}") for name in ("ModeString", "SelectorValue"))
    if said.findtext("Eos/EosMode") != "eosTEM":
        return
    height, width = (_inverse(page.tags.valueof(name)) for name in ("YResolution", "XResolution"))
    enlarged = _number(value)
    if mode == "DIFF":
        yield _Claim("JEOL tag", math.nan, math.nan, "1/nm")
    elif mode == "MAG" and enlarged > 0 and page.tags.valueof("ResolutionUnit") in (2, 3):
        nm = _NM["inch" if page.tags.valueof("ResolutionUnit") == 2 else "cm"] / enlarged
        yield _Claim("JEOL tag", height * nm, width * nm)


def _tescan(page: TiffPage) -> Iterator[_Claim]:
    said = tescan.words(page)
    if "PixelSizeX" in said:
        yield _Claim("TESCAN tag", said.get("PixelSizeY", said["PixelSizeX"]), said["PixelSizeX"], "m")


def _olympus(page: TiffPage) -> Iterator[_Claim]:
    said = page.tags.valueof(33560)
    if isinstance(said, dict) and "pixelsizex" in said:
        yield _Claim("Olympus tag", said.get("pixelsizey"), said["pixelsizex"], "m")


def _inverse(ratio: Any) -> float:
    """Give the length of a pixel from a tag that holds pixels per length, NaN where it cannot be one."""
    if not isinstance(ratio, tuple) or len(ratio) != 2 or not ratio[0]:
        return math.nan
    return float(ratio[1] / ratio[0])


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
