"""One page of a TIFF, whole and undamaged or not at all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL.TiffImagePlugin import TiffImageFile
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC

from temgrains.files import boxes_in
from temgrains.micrograph import acquisition
from temgrains.micrograph.calibration import Calibration, of_tiff
from temgrains.micrograph.decoded import Decoded, chosen_page
from temgrains.micrograph.listening import listening
from temgrains.micrograph.pixels import UnreadableImage, check_extent, check_packing, refuse
from temgrains.records import Instrument

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from tifffile import TiffFile, TiffPage

_COLOURS = {PHOTOMETRIC.RGB, PHOTOMETRIC.PALETTE}
_ALPHA = {EXTRASAMPLE.ASSOCALPHA, EXTRASAMPLE.UNASSALPHA}
_OLYMPUS = 33560
_GREYS = {PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK}


def decode(path: Path, page: int | None, *, bilevel: bool = False) -> Decoded:
    """Decode a page of a TIFF.

    Parameters
    ----------
    path
        The file.
    page
        Which page, from 0; None for the first.
    bilevel
        Whether pixels of 1 bit are taken, as bool; they are no micrograph.
    """
    with listening("tifffile") as said, tifffile.TiffFile(path) as tif:
        # Counting the pages follows their chain and notices when it runs in a circle; iterating does not.
        count = len(tif.pages)
        if count == 0:
            refuse(path, "it holds no page: its directory is missing or cut off; copy it again")
        _refuse_damaged(path, said)
        behind = _images_behind(tif, count)
        if behind and page:
            refuse(
                path,
                f"only the first of its {behind} images is described, as ImageJ writes stacks above 4 GB; "
                "save the others one by one",
            )
        index, notes = chosen_page(path, _measured(tif, count) if page is None else page, behind or count)
        chosen = tif.pages[index].aspage()
        _check_layout(path, chosen, bilevel)
        pixels = _grey_or_colour(path, chosen, _pixels(path, chosen))
        _refuse_damaged(path, said)
        notes = (*notes, *_left_out(chosen))
        calibration, instrument = _calibration(tif, chosen), _instrument(tif, chosen)
        excluded = boxes_in(chosen.description)
    return Decoded(pixels, calibration, notes, index, instrument, pages=count, excluded=excluded)


def _images_behind(tif: TiffFile, count: int) -> int:
    """Give how many images a stack of ImageJ has of which only the first is a page, 0 for any other file."""
    if count != 1 or not tif.is_imagej:
        return 0
    said = (tif.imagej_metadata or {}).get("images")
    return said if isinstance(said, int) and said > 1 else 0


def _measured(tif: TiffFile, count: int) -> int | None:
    """Give the page with the scale where the first is its picture with a scale bar, as Olympus does it."""
    if count != 2:
        return None
    tagged = [_OLYMPUS in tif.pages[k].aspage().tags for k in range(count)]
    return tagged.index(True) if any(tagged) else None


def _refuse_damaged(path: Path, said: list[str]) -> None:
    # tifffile reads as much as it can, logs the rest, and returns arrays that may be empty or partly zero.
    if said:
        refuse(path, f"it is damaged or cut short ({said[0]}); copy it again from its source")


def _check_layout(path: Path, page: TiffPage, bilevel: bool) -> None:
    """Refuse, before any pixel is decoded, what is too large, no image, or not all there."""
    if page.dtype is None:
        refuse(path, f"its {page.bitspersample} bits per sample are not read; save it as 8 or 16 bit")
    check_extent(path, page.imagelength, page.imagewidth, page.nbytes)
    if page.imagedepth > 1:
        refuse(path, f"it is a volume of {page.imagedepth} planes; save one plane as an image")
    if not bilevel and (page.bitspersample == 1 or page.photometric == PHOTOMETRIC.MASK):
        refuse(path, "it is black and white, 1 bit per pixel: already a boundary mask? Give the grey image")
    size = path.stat().st_size
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if not segments or any(offset <= 0 or count <= 0 or offset + count > size for offset, count in segments):
        refuse(path, "it is cut short: not all of its pixels are there; copy it again from its source")
    check_packing(path, page.nbytes, sum(page.databytecounts))
    if not _fits(page):
        refuse(
            path,
            f"it is damaged: {page.imagelength} x {page.imagewidth} px do not fit {len(segments)} strips or "
            f"tiles of {sum(page.databytecounts)} bytes; copy it again from its source",
        )


def _fits(page: TiffPage) -> bool:
    """Whether there are as many strips or tiles, of as many bytes, as the width and height ask for."""
    found = page.databytecounts
    if len(found) != math.prod(page.chunked) or page.compression != COMPRESSION.NONE:
        return len(found) == math.prod(page.chunked)
    planes = page.samplesperpixel if page.planarconfig == 2 else 1
    bits = page.bitspersample * (page.samplesperpixel // planes)
    if page.is_tiled:
        tile = page.tilelength * math.ceil(page.tilewidth * bits / 8)
        return all(count == tile for count in found)
    row = math.ceil(page.imagewidth * bits / 8)
    rows = max(1, min(page.rowsperstrip or page.imagelength, page.imagelength))
    heights = [min(rows, page.imagelength - top) for top in range(0, page.imagelength, rows)] * planes
    # The last strip may be filled up, and every one to an even number of bytes.
    return all(
        count in {height * row, height * row + 1, rows * row}
        for count, height in zip(found, heights, strict=True)
    )


def _pixels(path: Path, page: TiffPage) -> NDArray[Any]:
    try:
        pixels = page.asarray(maxworkers=1)
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        pixels = _by_pillow(path, page)
    if pixels.shape != page.shape or not pixels.size:
        refuse(path, f"it is damaged: {pixels.shape} pixels instead of {page.shape}; copy it again")
    return pixels


def _by_pillow(path: Path, page: TiffPage) -> NDArray[Any]:
    """Decode LZW, JPEG and others that tifffile leaves to a package that may not be there."""
    codec = COMPRESSION(page.compression).name
    try:
        # Not through Image.open, whose limit is lower than ours.
        with TiffImageFile(str(path)) as image:
            image.seek(page.index)
            pixels = np.asarray(image)
            turned = page.photometric == PHOTOMETRIC.MINISWHITE and image.mode in {"L", "1"}
    except Exception as error:
        raise UnreadableImage(path, f"its {codec} compression is not read; save it uncompressed") from error
    if pixels.dtype != page.dtype:
        refuse(path, f"its {codec} compression is not read for {page.dtype} pixels; save it uncompressed")
    # Pillow has turned white-is-zero around, which is still to be done.
    return ~pixels if turned else pixels


def _grey_or_colour(path: Path, page: TiffPage, pixels: NDArray[Any]) -> NDArray[Any]:
    """Give grey values or colours, light where the image is light, samples last, without extra samples."""
    if page.axes == "SYX":
        pixels = np.moveaxis(pixels, 0, -1)
    jpeg = page.photometric == PHOTOMETRIC.YCBCR and page.compression in (COMPRESSION.JPEG, COMPRESSION.OJPEG)
    if page.photometric not in _GREYS | _COLOURS | {PHOTOMETRIC.MASK} and not jpeg:
        refuse(path, f"its colours are {PHOTOMETRIC(page.photometric).name}; save it as grey or RGB")
    if page.photometric == PHOTOMETRIC.PALETTE:
        table = page.colormap
        if table is None or pixels.max() >= table.shape[1]:
            refuse(path, "it is damaged: colours are missing from its palette; save it as grey")
        return np.moveaxis(table[:, pixels], 0, -1)
    if page.photometric in _GREYS and pixels.ndim == 3:
        pixels = pixels[..., 0]
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        return -pixels if pixels.dtype.kind == "f" else ~pixels
    return pixels


def _left_out(page: TiffPage) -> tuple[str, ...]:
    """Say what of a grey page's samples is not looked at."""
    if page.photometric not in _GREYS or page.samplesperpixel < 2:
        return ()
    if page.samplesperpixel == 2 and page.extrasamples and page.extrasamples[0] in _ALPHA:
        return ("the alpha channel was ignored",)
    return (f"only the first of its {page.samplesperpixel} channels was read",)


def _calibration(tif: TiffFile, page: TiffPage) -> Calibration:
    """Find the scale; an image is worth reading even if one of the dozen private formats is not."""
    with listening("tifffile"):
        try:
            return of_tiff(tif, page)
        except Exception as error:
            return Calibration(notes=(f"the pixel size could not be read ({type(error).__name__}); type it",))


def _instrument(tif: TiffFile, page: TiffPage) -> Instrument:
    with listening("tifffile"):
        try:
            return acquisition.of_tiff(tif, page)
        except Exception:
            return Instrument()
