"""Maps of boundaries, or of numbers of grains, from image files that anything may have written."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image

from temgrains.computer import memory_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import MaskArray

_TIFF = {".tif", ".tiff"}


def read_mask(path: str | Path) -> MaskArray:
    """Read a boundary map from an image file.

    Parameters
    ----------
    path
        PNG or TIFF, grey, palette or colour (the brightest channel counts; alpha is ignored), one page.

    Returns
    -------
    mask
        Bool, shape (H, W): boundary is a value above 127, or above 0 where no value exceeds 1.

    Raises
    ------
    ValueError
        If the file is no image, holds several pages, has no pixels or holds numbers of grains; the sentence
        says which.
    OSError
        If the file cannot be opened.
    """
    pixels = _read(path)
    if _are_numbers(pixels):
        raise ValueError(
            f"{path} holds numbers of grains, not boundaries; give the map of boundaries, such as "
            "STEM.boundaries.tif of 'temgrains run' or STEM.truth.png of 'temgrains synthesise'"
        )
    return _bright(pixels)


def read_reference(path: str | Path) -> tuple[NDArray[Any], bool]:
    """Read boundaries as `read_mask` does, or numbers of grains, from an image file.

    Returns
    -------
    pixels, numbers
        Shape (H, W): numbers of grains, or bool for boundaries; and whether they are numbers.
    """
    pixels = _read(path)
    return (pixels, True) if _are_numbers(pixels) else (_bright(pixels), False)


def _read(path: str | Path) -> NDArray[Any]:
    path = Path(path)
    with path.open("rb"):
        pass  # so that a missing or forbidden file is named as such
    pixels = _decode(path)
    if pixels.ndim == 3 and pixels.shape[-1] in {2, 3, 4}:
        pixels = pixels[..., : 3 if pixels.shape[-1] > 2 else 1].max(axis=-1)
    if pixels.ndim != 2 or pixels.size == 0:
        raise ValueError(f"{path} has shape {pixels.shape}; a boundary map is one image of (rows, columns)")
    if pixels.dtype.kind not in "buif":
        raise ValueError(f"{path} holds values of type {pixels.dtype}; a boundary map holds greys")
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise ValueError(f"{path} holds values that are no numbers (NaN or infinite); save the map as greys")
    return pixels


def _bright(pixels: NDArray[Any]) -> MaskArray:
    mask: MaskArray = pixels > (127 if pixels.max() > 1 else 0)
    return mask


def _are_numbers(pixels: NDArray[Any]) -> bool:
    """Whether this is a map of labels: many whole numbers where a map of boundaries has two, or up to 255."""
    if pixels.dtype.kind not in "ui":
        return False
    values = np.unique(pixels)
    low, high = int(values[0]), int(values[-1])
    without_gaps = high - low == len(values) - 1
    return len(values) > 2 and (high > 255 or (without_gaps and high < 255))


def _decode(path: Path) -> NDArray[Any]:
    try:
        if path.suffix.lower() in _TIFF:
            return _decode_tiff(path)
        with warnings.catch_warnings():
            # Pillow warns at half of the size that it refuses.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return np.asarray(image.convert("RGB") if image.mode in {"P", "CMYK"} else image)
    # Decoders of damaged files raise nearly every exception there is, among them struct.error and KeyError.
    except Exception as error:
        raise ValueError(f"{path} cannot be read as an image: {error}") from error


def _decode_tiff(path: Path) -> NDArray[Any]:
    """Decode a TIFF unless it claims what this computer cannot hold."""
    with tifffile.TiffFile(path) as tif:
        claimed, memory = sum(series.nbytes for series in tif.series), memory_bytes()
        if memory is not None and claimed > memory / 4:
            raise ValueError(
                f"it claims {claimed / 2**30:.1f} GiB, more than a quarter of this computer's "
                f"{memory / 2**30:.1f} GiB"
            )
        return np.squeeze(tif.asarray())
