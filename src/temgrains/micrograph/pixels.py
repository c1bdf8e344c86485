"""What may pass as a grey image, and how its values become 0..1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from temgrains.computer import memory_bytes
from temgrains.micrograph.calibration import checked_size
from temgrains.records import Micrograph

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from temgrains.records import GreyArray

PIXELS_MAX = 2 * 10**9
"""Images of more pixels are refused."""
BYTES_PER_PIXEL = 24
"""What an analysis needs at least for each pixel of the image."""
RATIO_MAX = 400
"""How many times smaller than its pixels a large image may be packed; the noise of a micrograph allows 10."""
_LARGE = 2**28
"""Images of fewer bytes may be packed as they like."""
TWO_VALUES = "only two grey values: already a boundary mask?"
"""A note in an array's micrograph; a reason to refuse a file."""
_SMALL = 64
"""Images of so few pixels hold two grey values by chance."""
_BAD_SHARE_MAX = 0.01
_REACHES = (1, 3, 10, 30)
"""Half sides of the squares [px] in which neighbours of a pixel without a value are looked for, in turn."""


class UnreadableImage(ValueError):
    """An image that cannot be used.

    ``path`` says which (a file, or the name of an array), ``reason`` why, and what to do.
    """

    def __init__(self, path: str | Path, reason: str) -> None:
        # Both stay arguments, so that the error survives the way back from another process.
        super().__init__(str(path), reason)
        self.path = str(path)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


def from_array(
    pixels: ArrayLike,
    *,
    pixel_size: float | Sequence[float] | None = None,
    source: str = "array",
    calibration: str | None = None,
    notes: Sequence[str] = (),
) -> Micrograph:
    """Make a micrograph of an array, which is left as it is.

    Parameters
    ----------
    pixels
        Whole or real numbers of any type and range, shape (H, W); or colours, shape (H, W, 3) or (H, W, 4).
        Masked pixels count as pixels without a value.
    pixel_size
        Height and width of a pixel [nm], or one number for both; None if unknown.
    source
        Where the array came from, for messages and results.
    calibration
        Where the pixel size came from.
    notes
        Sentences that the micrograph is to carry besides those made here.

    Raises
    ------
    UnreadableImage
        If this is no grey or colour image: empty, too large, of another shape, complex, text, a mask, or with
        more than 1 % of the pixels NaN, infinite or masked.
    ValueError
        If the pixel size is not between 0.0001 and 1,000,000 nm.

    Notes
    -----
    Colours become luminance (ITU-R BT.709); alpha is ignored. Up to 1 % of pixels without a value take the
    median of their neighbours. An image of two values, which may be a mask, gets a note.
    """
    size = checked_size(pixel_size)
    found: list[str] = []
    grey = _grey(source, _array(source, pixels), found)
    check_extent(source, grey.shape[0], grey.shape[1], 0)
    scaled = _scaled(_finite(source, grey, found), found)
    if calibration is None:
        calibration = "unknown" if size is None else "typed"
    return Micrograph(scaled, size, source, calibration, (*notes, *found))


def refuse(source: str | Path, reason: str) -> NoReturn:
    """Raise `UnreadableImage`."""
    raise UnreadableImage(source, reason)


def check_extent(source: str | Path, height: int, width: int, bytes_needed: int) -> None:
    """Refuse an image that this computer cannot hold, before memory is asked for.

    Parameters
    ----------
    source
        For the message.
    height, width
        Of the image [px].
    bytes_needed
        To decode it, beside what the analysis takes.
    """
    if height < 1 or width < 1:
        refuse(source, f"it is empty ({height} x {width} px); save the image again")
    count = height * width
    if count > PIXELS_MAX:
        refuse(source, f"it claims {height} x {width} px, above the limit of {PIXELS_MAX:,}; crop it")
    needed = count * BYTES_PER_PIXEL + bytes_needed
    memory = memory_bytes()
    if memory is not None and needed > memory / 2:
        refuse(
            source,
            f"its {height} x {width} px need {needed / 2**30:.1f} GiB, more than half of this computer's "
            f"{memory / 2**30:.1f} GiB; crop it, or it may be damaged",
        )


def check_packing(source: str | Path, unpacked: int, packed: int) -> None:
    """Refuse a decompression bomb before it goes off: a large image that is packed as no micrograph can be.

    Parameters
    ----------
    source
        For the message.
    unpacked, packed
        Bytes of the pixels, and what they take in the file.
    """
    if unpacked > _LARGE and unpacked > RATIO_MAX * packed:
        refuse(
            source,
            f"its {packed:,} bytes would unpack to {unpacked / 2**30:.1f} GiB, as no micrograph does; if it "
            "is one, save it uncompressed",
        )


def _array(source: str, pixels: ArrayLike) -> NDArray[Any]:
    """Give an array of numbers, with its mask if it has one."""
    try:
        array = pixels if isinstance(pixels, np.ma.MaskedArray) else np.asarray(pixels)
    except ValueError as error:
        raise UnreadableImage(source, "its rows differ in length; give an array (H, W)") from error
    if array.dtype.kind == "b":
        refuse(source, "it holds only true and false: already a boundary mask? Give the grey image")
    if array.dtype.kind == "c":
        refuse(source, "its pixels are complex numbers; give their magnitude, np.abs(image)")
    if array.dtype.kind not in "iuf":
        refuse(source, f"its pixels are {array.dtype}, not numbers; give a grey image")
    return array


def _grey(source: str, array: NDArray[Any], said: list[str]) -> NDArray[Any]:
    """Give the grey values (H, W)."""
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim == 3 and array.shape[2] in (3, 4) and array.size:
        return _luminance(array, said)
    if array.ndim != 2:
        refuse(source, f"its shape is {array.shape}; give one image, (H, W), or a colour image, (H, W, 3)")
    return array


def _luminance(array: NDArray[Any], said: list[str]) -> NDArray[Any]:
    if array.shape[2] == 4:
        said.append("the alpha channel was ignored")
    red, green, blue = (np.asarray(array[..., k]) for k in range(3))
    grey = red
    if (red != green).any() or (green != blue).any():
        said.append("colours were turned into luminance (ITU-R BT.709)")
        grey = 0.2126 * red.astype(np.float64) + 0.7152 * green + 0.0722 * blue
    if isinstance(array, np.ma.MaskedArray):
        grey = np.ma.array(grey, mask=np.ma.getmaskarray(array)[..., :3].any(axis=2))
    return grey


def _finite(source: str, grey: NDArray[Any], said: list[str]) -> NDArray[Any]:
    """Replace pixels without a value."""
    bad = np.ma.getmaskarray(grey) if isinstance(grey, np.ma.MaskedArray) else None
    values = np.asarray(grey)
    if values.dtype.kind == "f":
        if values.dtype.itemsize > 8:
            with np.errstate(over="ignore"):
                values = values.astype(np.float64)
        outside = ~np.isfinite(values)
        bad = outside if bad is None else bad | outside
    count = 0 if bad is None else int(np.count_nonzero(bad))
    if bad is None or not count:
        return values
    if count > _BAD_SHARE_MAX * values.size:
        refuse(
            source,
            f"{count} of its {values.size} pixels are NaN, infinite or masked, more than 1 %; mend it first",
        )
    plural = "pixel was" if count == 1 else "pixels were"
    said.append(f"{count} {plural} NaN, infinite or masked and took the median of the pixels around")
    return _mended(values.astype(np.float64), bad)


def _mended(values: NDArray[np.float64], bad: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Give each bad pixel the median of the good ones in the smallest square around it that holds any."""
    holes = np.where(bad, np.nan, values)
    mended = holes.copy()
    left = np.argwhere(bad)
    for reach in _REACHES:
        window = np.arange(-reach, reach + 1)
        stride = max(1, 2 * 10**6 // len(window) ** 2)
        waiting = []
        for start in range(0, len(left), stride):
            r, c = left[start : start + stride].T
            rows = np.clip(r[:, None] + window, 0, values.shape[0] - 1)
            columns = np.clip(c[:, None] + window, 0, values.shape[1] - 1)
            around = holes[rows[:, :, None], columns[:, None, :]].reshape(len(r), -1)
            known = np.isfinite(around).any(axis=1)
            mended[r[known], c[known]] = np.nanmedian(around[known], axis=1)
            waiting.append(left[start : start + stride][~known])
        left = np.concatenate(waiting)
        if not len(left):
            return mended
    mended[tuple(left.T)] = np.nanmedian(holes)
    return mended


def _scaled(grey: NDArray[Any], said: list[str]) -> GreyArray:
    """Stretch the range of the values to 0..1."""
    low, high = grey.min().item(), grey.max().item()
    scaled = np.zeros(grey.shape, np.float32)
    if low == high:
        said.append("the image has no contrast: all its pixels are alike")
        return scaled
    # The span of doubles may be infinite; a part of both ends is not.
    part = 1 if math.isfinite(high - low) else 0.25
    rows = max(1, 2**22 // grey.shape[1])
    for top in range(0, grey.shape[0], rows):
        block = grey[top : top + rows]
        if grey.dtype.kind == "f":
            steps = block.astype(np.float64) * part - low * part
        else:
            # Modulo 2**64, where the difference of any two whole numbers is exact.
            steps = (block.astype(np.uint64) - np.uint64(low % 2**64)).astype(np.float64)
        scaled[top : top + rows] = steps / (high * part - low * part)
    if scaled.size > _SMALL and np.all((scaled == 0) | (scaled == 1)):
        said.append(TWO_VALUES)
    return scaled
