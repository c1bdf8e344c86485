"""Grains from a file of labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.grains import label
from temgrains.micrograph import UnreadableImage, picture, tiff
from temgrains.micrograph.calibration import checked_size
from temgrains.records import Boundaries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from temgrains.records import Grains, MaskArray, PixelSize

_MASK = 255
_MOST_COUNTED = 2**24
"""Numbers up to this are counted, which is quicker than sorting them."""
_PNG = b"\x89PNG"


@dataclass(frozen=True, slots=True)
class Labelled:
    """Grains of a file, numbered from 1 without gaps; ``numbers`` are those that the file gives them."""

    source: str
    grains: Grains
    numbers: NDArray[np.int64] = field(repr=False)
    pixel_size: PixelSize | None
    calibration: str

    @classmethod
    def of(
        cls,
        grains: Grains,
        *,
        source: str = "array",
        pixel_size: PixelSize | None = None,
        calibration: str = "unknown",
    ) -> Labelled:
        """Take grains that are in memory; their numbers are their own."""
        numbers = np.arange(1, grains.count + 1, dtype=np.int64)
        return cls(source, grains, numbers, pixel_size, calibration)


def labelled(
    pixels: NDArray[Any],
    *,
    source: str = "array",
    pixel_size: PixelSize | None = None,
    calibration: str = "unknown",
    excluded: MaskArray | None = None,
) -> Labelled:
    """Take an array of numbers of grains, with gaps or without, 0 on boundaries.

    Parameters
    ----------
    pixels
        Whole numbers, shape (H, W).
    source, pixel_size, calibration
        As in `Labelled`.
    excluded
        Where no specimen is shown, bool, shape (H, W), or None.

    Raises
    ------
    ValueError
        If it is no flat image of whole numbers from 0.
    """
    numbers, labels = _numbered(np.asarray(pixels))
    return Labelled(
        source, label(Boundaries(labels == 0, labels, excluded=excluded)), numbers, pixel_size, calibration
    )


def read_labels(path: str | Path, *, pixel_size: float | Sequence[float] | None = None) -> Labelled:
    """Read a TIFF or PNG whose pixels are the numbers of grains, 0 on boundaries.

    Parameters
    ----------
    path
        The file, such as ``film.labels.tif`` of `temgrains.export.write`.
    pixel_size
        Height and width of a pixel [nm], or one number for both; goes before what the file says.

    Raises
    ------
    UnreadableImage
        If the file is missing, damaged, or holds anything but numbers of grains.
    ValueError
        If the pixel size is not between 0.0001 and 1,000,000 nm.
    """
    path, typed = Path(path), checked_size(pixel_size)
    try:
        with path.open("rb") as file:
            decode = picture.decode_png if file.read(4) == _PNG else tiff.decode
        decoded = decode(path, None)
    except UnreadableImage:
        raise
    except OSError as error:
        raise UnreadableImage(path, f"it cannot be opened ({error.strerror or error})") from error
    except Exception as error:
        # The decoders fail on damaged files in many ways.
        reason = "it is no TIFF or PNG of labels, or it is damaged; save it again"
        raise UnreadableImage(path, reason) from error
    found = decoded.calibration
    try:
        return labelled(
            decoded.pixels,
            source=str(path),
            pixel_size=typed or found.pixel_size,
            calibration="typed" if typed else found.source,
        )
    except ValueError as error:
        raise UnreadableImage(path, str(error)) from error


def _numbered(pixels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Give the numbers that occur, and labels without gaps."""
    if pixels.ndim != 2 or not pixels.size:
        raise ValueError(f"its shape is {pixels.shape}; labels are one grey image")
    if pixels.dtype.kind == "f" and not (np.isfinite(pixels).all() and (pixels == np.rint(pixels)).all()):
        raise ValueError("its pixels are not whole numbers; give a map of labels")
    if pixels.min() < 0:
        raise ValueError(f"it holds the label {pixels.min():g}; labels are 0 or above")
    values, labels = _without_gaps(pixels)
    if set(values.tolist()) == {_MASK} and (labels == 0).any():
        raise ValueError("it holds only 0 and 255: a map of boundaries; give the map of labels")
    return values, labels


def _without_gaps(pixels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    highest = int(pixels.max())
    if highest > _MOST_COUNTED:
        values, places = np.unique(pixels, return_inverse=True)
        first = 0 if values[0] == 0 else 1
        return values[values > 0].astype(np.int64), (places.reshape(pixels.shape) + first).astype(np.int32)
    whole = pixels.astype(np.int32)
    there = np.bincount(whole.ravel(), minlength=highest + 1) > 0
    there[0] = False
    return np.flatnonzero(there), (np.cumsum(there) * there).astype(np.int32)[whole]
