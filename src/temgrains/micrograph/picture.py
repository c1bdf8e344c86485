"""PNG and JPEG images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from temgrains.micrograph.calibration import Calibration, of_dots
from temgrains.micrograph.decoded import Decoded, chosen_page
from temgrains.micrograph.pixels import check_extent, check_packing, refuse

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.ImageFile import ImageFile

_PLAIN = {"L", "I", "I;16", "RGB", "RGBA"}
"""Pillow's modes whose arrays are grey or colour values."""


def decode_png(path: Path, page: int | None, *, bilevel: bool = False) -> Decoded:
    """Decode a PNG; an animation has pages. ``bilevel`` takes pixels of 1 bit, as bool."""
    # Not through Image.open, whose limit is lower than ours.
    with PngImageFile(path) as image:
        return _decode(path, image, page, "PNG resolution", bilevel=bilevel)


def decode_jpeg(path: Path, page: int | None) -> Decoded:
    """Decode a JPEG."""
    with JpegImageFile(path) as image:
        return _decode(path, image, page, "JPEG resolution")


def _decode(path: Path, image: ImageFile, page: int | None, source: str, *, bilevel: bool = False) -> Decoded:
    check_extent(path, image.height, image.width, 8 * image.height * image.width)
    check_packing(path, image.height * image.width * len(image.getbands()), path.stat().st_size)
    count = getattr(image, "n_frames", 1)
    index, notes = chosen_page(path, page, count)
    image.seek(index)
    if image.mode == "1" and not bilevel:
        refuse(path, "it is black and white, 1 bit per pixel: already a boundary mask? Give the grey image")
    if image.mode in _PLAIN or image.mode == "1":
        pixels = np.asarray(image)
    elif image.mode == "LA":
        pixels = np.asarray(image)[..., 0]
    elif image.mode == "P":
        pixels = np.asarray(image.convert("RGB"))
    else:
        refuse(path, f"its colours are {image.mode}; save it as grey or RGB")
    if image.mode == "LA" or "transparency" in image.info:
        notes = (*notes, "the alpha channel was ignored")
    return Decoded(pixels, _calibration(image, source), notes, index, pages=count)


def _calibration(image: ImageFile, source: str) -> Calibration:
    across, down = image.info.get("dpi", (0, 0))
    width, height = (1 / dots if dots > 0 else math.nan for dots in (across, down))
    return of_dots(height, width, unit="inch", source=source)
