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

    from temgrains.records import Grains, PixelSize

_MASK = 255
_PNG = b"\x89PNG"


@dataclass(frozen=True, slots=True)
class Labelled:
    """Grains of a file, numbered from 1 without gaps; ``numbers`` are those that the file gives them."""

    source: Path
    grains: Grains
    numbers: NDArray[np.int64] = field(repr=False)
    pixel_size: PixelSize | None
    calibration: str


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
    numbers, labels = _numbered(path, decoded.pixels)
    found = decoded.calibration
    return Labelled(
        source=path,
        grains=label(Boundaries(labels == 0, labels)),
        numbers=numbers,
        pixel_size=typed or found.pixel_size,
        calibration="typed" if typed else found.source,
    )


def _numbered(path: Path, pixels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Give the numbers that occur, and labels without gaps."""
    if pixels.ndim != 2:
        raise UnreadableImage(path, f"its shape is {pixels.shape}; labels are one grey image")
    if pixels.dtype.kind == "f" and not (np.isfinite(pixels).all() and (pixels == np.rint(pixels)).all()):
        raise UnreadableImage(path, "its pixels are not whole numbers; give a map of labels")
    if pixels.min() < 0:
        raise UnreadableImage(path, f"it holds the label {pixels.min():g}; labels are 0 or above")
    values, places = np.unique(pixels, return_inverse=True)
    if set(values.tolist()) == {0, _MASK}:
        raise UnreadableImage(path, "it holds only 0 and 255: a map of boundaries; give the map of labels")
    labels = places.reshape(pixels.shape).astype(np.int32) + (0 if values[0] == 0 else 1)
    return values[values > 0].astype(np.int64), labels
