"""From a path to a micrograph: what is there, which format it is, and one sentence when it cannot be read."""

from __future__ import annotations

import stat
from dataclasses import replace
from functools import partial
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temgrains.micrograph import headers, instrument, picture, tiff
from temgrains.micrograph.calibration import Calibration, checked_size, off, parse_length, shown
from temgrains.micrograph.dm_tags import is_dm
from temgrains.micrograph.pixels import TWO_VALUES, UnreadableImage, from_array, refuse
from temgrains.micrograph.scale_bar import find_scale_bar, with_scale_bar
from temgrains.micrograph.sidecar import beside
from temgrains.micrograph.strangers import stranger, why
from temgrains.micrograph.watching import interruptible
from temgrains.records import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from temgrains.micrograph.decoded import Decoded
    from temgrains.records import Micrograph, PixelSize

_FORMATS: tuple[tuple[Callable[[bytes], bool], Callable[[Path, int | None], Decoded]], ...] = (
    (lambda start: start.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")), tiff.decode),
    (lambda start: start.startswith(b"\x89PNG\r\n\x1a\n"), picture.decode_png),
    (lambda start: start.startswith(b"\xff\xd8\xff"), picture.decode_jpeg),
    (lambda start: start.startswith(headers.HDF5_START), instrument.decode_emd),
    (lambda start: start.startswith(headers.SER_START), instrument.decode_ser),
    (lambda start: start.startswith(headers.EMI_START), instrument.decode_emi),
    (lambda start: start[208:211] == b"MAP", instrument.decode_mrc),
    (is_dm, instrument.decode_dm),
)
"""How files begin, and who decodes them."""
ENDINGS = (
    *(".tif", ".tiff", ".png", ".jpg", ".jpeg"),
    *(".dm3", ".dm4", ".emd", ".ser", ".emi", ".mrc", ".mrcs", ".st", ".rec"),
)
"""Endings of the files that are read; which format a file is, its content says."""
_INSTRUMENTS = frozenset(ENDINGS[5:])


def read(
    path: str | Path,
    *,
    pixel_size: float | Sequence[float] | None = None,
    page: int | None = None,
    scale_bar: float | str | None = None,
) -> Micrograph:
    """Read a TIFF, PNG, JPEG, DM3, DM4, EMD, SER, EMI or MRC file as a micrograph.

    Parameters
    ----------
    path
        The file; its content, not its suffix, says which format it is.
    pixel_size
        Height and width of a pixel [nm], or one number for both; goes before what the file says.
    page
        Which page of a file that has several, from 0; None takes the first and says so. Several different
        images in one file, such as those of several detectors, must be chosen from: `SeveralImages`.
    scale_bar
        What the burnt-in scale bar stands for, "200 nm" or a number of nm. The pixel size follows from it
        unless one is given, and the bar and its label are left out of the analysis.

    Returns
    -------
    micrograph
        With the pixel size that the file gives (microscopes' formats and tags, OME, ImageJ, resolution), if
        any.

    Raises
    ------
    UnreadableImage
        If the file is missing, damaged, cut short, too large, of another format, or no grey or colour image
        but a diffraction pattern, a Fourier transform or a spectrum, or shows no scale bar although one is
        given; the message is one sentence that names the file, the reason, and what to do.
    ValueError
        If the pixel size is not between 0.0001 and 1,000,000 nm, the page no whole number from 0, or the
        scale bar no length.
    TypeError
        If the path is none.

    Notes
    -----
    White-is-zero images are turned around; palettes and colours become luminance (ITU-R BT.709); alpha is
    ignored. A resolution in dots per inch or cm counts as a scale only if it makes pixels of at most 1 µm.
    """
    if not isinstance(path, str | PathLike):
        raise TypeError(
            f"path is of type {type(path).__name__}; give a file's path, or an array to from_array"
        )
    path = Path(path)
    typed = checked_size(pixel_size)
    _check_page(page)
    length = _checked_length(scale_bar)
    try:
        return interruptible(partial(_whole, path, typed, page, length))
    except (UnreadableImage, Cancelled):
        raise
    except Exception as error:
        # The decoders fail on damaged files in a dozen ways, some of them mere slips like a division by zero.
        raise UnreadableImage(path, why(error)) from error


def _whole(path: Path, typed: PixelSize | None, page: int | None, length: float | None) -> Micrograph:
    micrograph = _steadily_read(path, typed, page)
    return micrograph if length is None else _by_scale_bar(path, micrograph, length)


def _check_page(page: Any) -> None:
    if not (page is None or (isinstance(page, Integral) and int(page) >= 0)):
        raise ValueError(f"page is {page!r}; it must be a whole number from 0")


def _checked_length(scale_bar: float | str | None) -> float | None:
    return None if scale_bar is None else parse_length(str(scale_bar))


def _by_scale_bar(path: Path, micrograph: Micrograph, length_nm: float) -> Micrograph:
    bar = find_scale_bar(micrograph.pixels)
    if bar is None:
        refuse(path, "no scale bar was found in it; give the pixel size instead")
    return with_scale_bar(micrograph, bar, length_nm, keep_size=micrograph.calibration == "typed")


def _steadily_read(path: Path, typed: PixelSize | None, page: int | None) -> Micrograph:
    """Read a file again, once, if it was changed meanwhile or its drive failed."""
    for last in (False, True):
        before = _stamp(path)
        try:
            micrograph = _read(path, typed, page)
        except UnreadableImage:
            if last or _stamp(path) == before:
                raise
        except OSError as error:
            # Decoders raise errors of this kind, but without a number, for files that are damaged.
            if error.errno is None:
                raise
            if last:
                reason = f"it cannot be read ({error.strerror}); check the drive, or copy the file from it"
                raise UnreadableImage(path, reason) from error
        else:
            if _stamp(path) == before:
                return micrograph
    return refuse(path, "it changes while it is read; wait until it is written, then open it again")


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Give what changes with a file, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _read(path: Path, typed: PixelSize | None, page: int | None) -> Micrograph:
    decoded = _decode(path, page)
    if decoded.calibration.diffraction:
        refuse(
            path,
            f"it is a diffraction pattern ({decoded.calibration.diffraction}), not an image; "
            "if it is one, save it as TIFF without that scale",
        )
    said = _said(path, decoded)
    found = _typed(typed, said) if typed else said
    micrograph = from_array(
        decoded.pixels,
        pixel_size=found.pixel_size,
        source=str(path),
        calibration=found.source,
        notes=(*decoded.notes, *found.notes),
    )
    if TWO_VALUES in micrograph.notes:
        refuse(path, f"{TWO_VALUES}; give the grey image")
    return replace(
        micrograph,
        page=decoded.page,
        pages=decoded.pages,
        signal=decoded.signal,
        instrument=decoded.instrument,
    )


def _said(path: Path, decoded: Decoded) -> Calibration:
    """Give the scale that the file names, or else, of an image in a common format, the file beside it."""
    said = decoded.calibration
    if said.pixel_size is not None or path.suffix.lower() in _INSTRUMENTS:
        return said
    other = beside(path, decoded.pixels.shape[1])
    return replace(said, notes=(*said.notes, *other.notes)) if other.pixel_size is None else other


def _typed(typed: PixelSize, said: Calibration) -> Calibration:
    """Take the typed size, and tell by how much it differs from what the file says."""
    if said.pixel_size is None:
        return Calibration(typed, "typed")
    ratio = off(typed, said.pixel_size)
    if ratio is None:
        return Calibration(typed, "typed")
    doubt = (
        f"the typed pixel size of {shown(typed)} is {ratio:.0%} off the {shown(said.pixel_size)} of the "
        f"{said.source}; check it"
    )
    return Calibration(typed, "typed", (doubt,))


def _decode(path: Path, page: int | None) -> Decoded:
    start = _first_bytes(path)
    for begins, decode in _FORMATS:
        if begins(start):
            return decode(path, page)
    suffix = path.suffix.lower()
    named = stranger(start)
    if suffix == ".mrc" and not named:
        # Before 2000 nothing marked them.
        return instrument.decode_mrc(path, page)
    if named:
        reason = named
    elif suffix in _INSTRUMENTS:
        reason = f"it is damaged or no {suffix[1:].upper()} file; copy it again, or export it as TIFF"
    else:
        reason = "it is no TIFF, PNG or JPEG image nor a microscope's file that is read; export it as TIFF"
    raise UnreadableImage(path, reason)


def _first_bytes(path: Path) -> bytes:
    """Read the first bytes of an ordinary file; nothing else is opened, since a pipe would wait for ever."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            refuse(path, "it is a folder; give a file")
        if not stat.S_ISREG(mode):
            refuse(path, "it is no ordinary file but a device or pipe; give an image file")
        with path.open("rb") as file:
            start = file.read(256)
    except FileNotFoundError as error:
        what = "it is a link that leads nowhere" if path.is_symlink() else "there is no such file"
        raise UnreadableImage(path, f"{what}; check the name") from error
    except OSError as error:
        raise UnreadableImage(
            path, f"it cannot be opened ({error.strerror}); check name and rights"
        ) from error
    if not start:
        refuse(path, "it is empty (0 bytes); copy it again from its source")
    return start
