"""Grains from a file of labels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.measure import label as pieces_of

from temgrains.grains import label
from temgrains.micrograph import UnreadableImage, picture, tiff
from temgrains.micrograph.calibration import checked_size, off, shown
from temgrains.records import Boundaries, mask_of
from temgrains.statistics.lines import lines_of, open_lines, regions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from temgrains.micrograph.decoded import Decoded
    from temgrains.records import Grains, MaskArray, PixelSize

_MASK = 255
GRAINS = "grains"
BOUNDARIES = "boundaries, whose 4-connected regions are the grains"
_INSTEAD = "give the map of labels, such as STEM.labels.tif, or measure it with --boundaries"
_MOST_COUNTED = 2**24
"""Numbers up to this are counted, which is quicker than sorting them."""
_SPECK_PX, _SPECKS, _AGAIN = 3, 100, 1.01
"""Where most of more areas than this are no larger, and numbers come again as often, they are greys."""
_HIGHEST = np.iinfo(np.int64).max
_PNG = b"\x89PNG"


@dataclass(frozen=True, slots=True)
class Labelled:
    """Grains of a file, numbered from 1 without gaps; ``numbers`` are those that the file gives them.

    ``notes`` are sentences on what makes them doubtful, ``map_of`` says what the file holds.
    """

    source: str
    grains: Grains
    numbers: NDArray[np.int64] = field(repr=False)
    pixel_size: PixelSize | None
    calibration: str
    notes: tuple[str, ...] = ()
    map_of: str = GRAINS

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
    pieces: bool = True,
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
    pieces
        Whether to look for numbers that stand for several pieces; without, `with_pieces` does it later.

    Raises
    ------
    ValueError
        If it is no flat image of whole numbers from 0.
    """
    numbers, labels = _numbered(np.asarray(pixels))
    grains = label(Boundaries(labels == 0, labels, excluded=excluded))
    found = Labelled(source, grains, numbers, pixel_size, calibration)
    return with_pieces(found) if pieces else found


def with_pieces(found: Labelled) -> Labelled:
    """Note where a number stands for several pieces."""
    return replace(found, notes=(*found.notes, *_scattered(found, _pieces(found))))


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
        If the file is missing, damaged, has several pages, or holds anything but numbers of grains, such as a
        grey picture or a map of boundaries.
    ValueError
        If the pixel size is not between 0.0001 and 1,000,000 nm.
    """
    path, typed = Path(path), checked_size(pixel_size)
    decoded = _decoded(path)
    try:
        return _checked(path, decoded, typed)
    except ValueError as error:
        raise UnreadableImage(path, str(error)) from error


def read_boundaries(path: str | Path, *, pixel_size: float | Sequence[float] | None = None) -> Labelled:
    """Read a TIFF or PNG of boundaries: two values, of which the rarer is that of the lines.

    Parameters
    ----------
    path
        The file, such as ``film.boundaries.tif`` of `temgrains.export.write`.
    pixel_size
        As in `read_labels`.

    Returns
    -------
    labelled
        The grains are the regions that lines enclose, joined by the sides of their pixels, numbered in
        reading order. Lines that are 3 px wide or more at most places are thinned to their middle, which
        parts the same regions; what is more than three times as wide as they are stays ground of no grain.
        ``notes`` say so, and where many lines enclose nothing.

    Raises
    ------
    UnreadableImage
        If the file is missing, damaged, has several pages, or holds other than two values.
    ValueError
        If the pixel size is not between 0.0001 and 1,000,000 nm.
    """
    path, typed = Path(path), checked_size(pixel_size)
    decoded = _decoded(path)
    try:
        lines = lines_of(decoded.pixels)
        outside = mask_of(decoded.excluded, lines.shape)
        closed = lines if outside is None else lines | outside
        regions, thinned = regions_of(closed, outside)
        found = _taken(path, replace(decoded, pixels=regions), typed)
    except ValueError as error:
        raise UnreadableImage(path, str(error)) from error
    return replace(found, map_of=BOUNDARIES, notes=(*found.notes, *thinned, *open_lines(closed)))


def _decoded(path: Path) -> Decoded:
    """Decode a TIFF or PNG, of grains or of boundaries."""
    try:
        with path.open("rb") as file:
            decode = picture.decode_png if file.read(4) == _PNG else tiff.decode
        return decode(path, None, bilevel=True)
    except UnreadableImage:
        raise
    except OSError as error:
        raise UnreadableImage(path, f"it cannot be opened ({error.strerror or error})") from error
    except Exception as error:
        # The decoders fail on damaged files in many ways.
        reason = "it is no TIFF or PNG of grains or boundaries, or it is damaged; save it again"
        raise UnreadableImage(path, reason) from error


def _checked(path: Path, decoded: Decoded, typed: PixelSize | None) -> Labelled:
    """Take what a file holds, if it is one map of labels, at the typed pixel size or its own."""
    if decoded.pixels.dtype == np.bool_:
        raise ValueError(f"it is black and white, 1 bit per pixel: a map of boundaries; {_INSTEAD}")
    found = _taken(path, decoded, typed)
    pieces = _pieces(found)
    _refuse_picture(found, pieces)
    _refuse_lines(found, pieces)
    return replace(found, notes=(*found.notes, *_scattered(found, pieces)))


def _taken(path: Path, decoded: Decoded, typed: PixelSize | None) -> Labelled:
    """Take the numbers of grains of one image, at the typed pixel size or the file's."""
    if any(note.startswith("page ") for note in decoded.notes):
        raise ValueError("it has several pages; labels are one image: save the map as a file of its own")
    said = decoded.calibration
    excluded, misfit = _left_out(decoded)
    found = labelled(
        decoded.pixels,
        source=str(path),
        pixel_size=typed or said.pixel_size,
        calibration="typed" if typed else said.source,
        excluded=excluded,
        pieces=False,
    )
    said_so = () if typed else said.notes
    found = replace(found, notes=(*decoded.notes, *said_so, *misfit))
    ratio = off(typed, said.pixel_size) if typed and said.pixel_size else None
    if ratio is None or typed is None or said.pixel_size is None:
        return found
    doubt = f"the typed pixel size of {shown(typed)} is {ratio:.0%} off the {shown(said.pixel_size)} of the "
    return replace(found, notes=(*found.notes, f"{doubt}{said.source}; check it"))


def _pieces(found: Labelled) -> NDArray[np.int64]:
    """Give numbers to the pieces that hang together, by a corner at least."""
    pieces: NDArray[np.int64] = pieces_of(found.grains.labels, connectivity=2, background=0)
    return pieces


def _refuse_picture(found: Labelled, pieces: NDArray[np.int64]) -> None:
    """Refuse greys: of neighbours in a picture few have the same, and others have it again elsewhere."""
    areas = np.bincount(pieces.reshape(-1))[1:]
    if len(areas) > max(_SPECKS, _AGAIN * len(found.numbers)) and np.median(areas) <= _SPECK_PX:
        raise ValueError(
            f"it is a picture and no map of labels: most of its {len(areas)} areas of one number have "
            f"{_SPECK_PX} pixels or fewer; give the map of labels, such as STEM.labels.tif"
        )


def _refuse_lines(found: Labelled, pieces: NDArray[np.int64]) -> None:
    """Refuse a map of boundaries: of what is 0 and what is not, one falls into parts by the other's lines."""
    if len(found.numbers) != 1 or not (found.grains.labels == 0).any():
        return
    meshes = int(pieces_of(found.grains.labels == 0, connectivity=1).max())
    if meshes > pieces.max() + 1:
        raise ValueError(
            f"it holds only 0 and {found.numbers[0]}, as lines and what they enclose: a map of boundaries; "
            f"{_INSTEAD}"
        )


def _left_out(decoded: Decoded) -> tuple[MaskArray | None, tuple[str, ...]]:
    """Give where the file says that no specimen is shown, and a note where that is not so."""
    if not decoded.excluded or decoded.pixels.ndim != 2:
        return None, ()
    excluded = mask_of(decoded.excluded, decoded.pixels.shape)
    outside = any(bottom > decoded.pixels.shape[0] or right > decoded.pixels.shape[1]
                  for _, _, bottom, right in decoded.excluded)  # fmt: skip
    if excluded is None or outside or decoded.pixels[excluded].any():
        return None, ("what its description says is left out does not fit its labels and was not used",)
    return excluded, ()


def _scattered(found: Labelled, pieces: NDArray[np.int64]) -> tuple[str, ...]:
    """Tell where a number stands for several pieces that do not even touch at a corner."""
    labels, numbers = found.grains.labels, found.numbers
    there = labels > 0
    owner = np.zeros(int(pieces.max()) + 1, np.int32)
    owner[pieces[there]] = labels[there]
    counts = np.bincount(owner[1:], minlength=len(numbers) + 1)[1:]
    several = numbers[counts > 1]
    if not several.size:
        return ()
    named = ", ".join(map(str, several[:5].tolist())) + (", ..." if several.size > 5 else "")
    one = several.size == 1
    said = f"number {named} stands" if one else f"{several.size} numbers ({named}) each stand"
    return (f"{said} for several separate pieces, counted as one grain; give each piece its own number",)


def _numbered(pixels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Give the numbers that occur, and labels without gaps."""
    if pixels.ndim != 2 or not pixels.size:
        raise ValueError(f"its shape is {pixels.shape}; labels are one grey image")
    if pixels.dtype.kind not in "buif":
        raise ValueError(f"its pixels are {pixels.dtype}, no whole numbers; give a map of labels")
    if pixels.dtype.kind == "f" and not (np.isfinite(pixels).all() and (pixels == np.rint(pixels)).all()):
        raise ValueError("its pixels are not whole numbers; give a map of labels")
    if pixels.min() < 0:
        raise ValueError(f"it holds the label {pixels.min():g}; labels are 0 or above")
    if pixels.max() > _HIGHEST:
        raise ValueError(
            f"it holds the label {pixels.max():g}; labels are at most {_HIGHEST:g}: label it anew"
        )
    values, labels = _without_gaps(pixels)
    if set(values.tolist()) == {_MASK} and (labels == 0).any():
        raise ValueError(f"it holds only 0 and 255: a map of boundaries; {_INSTEAD}")
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
