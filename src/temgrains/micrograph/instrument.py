"""DM3, DM4, EMD, SER, EMI and MRC files, through RosettaSciIO: one image of them, or what they are instead.

A file holds signals: images, stacks of images, spectra, scans of patterns. The images of all its signals are
numbered through and make its pages.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.micrograph.acquisition import of_entry
from temgrains.micrograph.apart import check_survives
from temgrains.micrograph.calibration import Calibration, of_axes
from temgrains.micrograph.decoded import Decoded, SeveralImages, chosen_page
from temgrains.micrograph.dm_tags import check_dm
from temgrains.micrograph.headers import check_emi, check_hdf5, check_mrc, check_ser
from temgrains.micrograph.listening import silenced
from temgrains.micrograph.pixels import UnreadableImage, check_extent, refuse
from temgrains.records import Instrument

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_ENERGIES = {"ev", "kev"}
_DEFAULT_SPACING = 0.1
"""What programs write into an MRC header if they know nothing, 1 Å [nm]."""


@dataclass(frozen=True, slots=True)
class _Signal:
    """One data set of a file: ``frames`` images, or something else, which ``instead`` names."""

    title: str
    data: Any
    frames: int
    calibration: Calibration
    instead: str = ""
    instrument: Instrument = field(default_factory=Instrument)


def decode_dm(path: Path, page: int | None) -> Decoded:
    """Decode an image of a DM3 or DM4 file."""
    check_dm(path)
    try:
        found = _read(path, "digitalmicrograph", lazy=True)
    except ValueError as error:
        # Colour images are read only at once.
        if "RGBA" not in str(error):
            raise
        found = _read(path, "digitalmicrograph")
    for entry in found:
        _check_dm_pixels(path, entry)
    return _decoded(path, page, [_signal(entry, "DigitalMicrograph tag") for entry in found])


def _check_dm_pixels(path: Path, entry: dict[str, Any]) -> None:
    """Refuse an image of another size than its pixels: what follows them in the file is none."""
    there = entry["original_metadata"]["ImageList"]["TagGroup0"]["ImageData"]["Data"]["size_bytes"]
    if entry["data"].dtype.kind != "c" and entry["data"].nbytes != there:
        shape = " x ".join(map(str, entry["data"].shape))
        refuse(path, f"it is damaged: {shape} px do not fit {there} bytes; copy it again from its source")


def decode_emd(path: Path, page: int | None) -> Decoded:
    """Decode an image of an EMD file, of Velox or by the specification of NCEM."""
    _plugin(path, "emd")
    check_survives(path)
    return _decoded(path, page, _emd_signals(path))


def touch_emd(path: str) -> None:
    """Read of an EMD file all that `decode_emd` may read, but of stacks the first image only."""
    for signal in _emd_signals(Path(path)):
        if not signal.instead:
            _pixels(Path(path), signal, 0)


def _emd_signals(path: Path) -> list[_Signal]:
    check_hdf5(path)
    try:
        # The spectrum images of Velox are neither wanted nor small.
        found = _read(path, "emd", lazy=True, select_type="images")
    except OSError as error:
        if "not a supported EMD" not in str(error):
            raise
        refuse(path, "it is an HDF5 file but no EMD file; export the image as TIFF")
    signals = [_signal(entry, "EMD metadata") for entry in found]
    # The reader and its result hold each other, and with them the file open.
    found.clear()
    return signals


def decode_ser(path: Path, page: int | None) -> Decoded:
    """Decode an image of a SER file; whether it is a pattern stands only in the EMI file beside it."""
    check_ser(path)
    _check_suffix(path, ".ser")
    signals = [_signal(entry, "SER header") for entry in _read(path, "tia")]
    if signals[0].calibration.pixel_size is None:
        signals = _by_sidecar(path, signals)
    return _decoded(path, page, signals)


def _by_sidecar(path: Path, signals: list[_Signal]) -> list[_Signal]:
    """Take the scale from the EMI file, or doubt that this is an image."""
    sidecar = path.with_name(re.sub(r"_[0-9]$", "", path.stem) + ".emi")
    doubt = replace(
        signals[0].calibration,
        notes=(*signals[0].calibration.notes, "SER files do not say so, but it may be a diffraction pattern"),
    )
    try:
        index = [other.name for other in check_emi(sidecar)].index(path.name)
        found = _signal(_read(sidecar, "tia", lazy=True)[index], "EMI file beside it")
    except Exception:
        # A sidecar that is missing or damaged is worth no more than none.
        return [replace(signals[0], calibration=doubt)]
    return [replace(signals[0], calibration=found.calibration, instead=found.instead)]


def decode_emi(path: Path, page: int | None) -> Decoded:
    """Decode an image of the SER files that belong to an EMI file."""
    _check_suffix(path, ".emi")
    series = check_emi(path)
    try:
        found = _read(path, "tia")
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        reason = f"its descriptions of the images are damaged; open {series[0].name} itself, or copy it again"
        raise UnreadableImage(path, reason) from error
    if len(found) != len(series):
        refuse(path, f"only {len(found)} of its {len(series)} SER files can be read; open one of them")
    signals = [
        replace(_signal(entry, "EMI file"), title=other.name)
        for entry, other in zip(found, series, strict=True)
    ]
    return _decoded(path, page, signals)


def decode_mrc(path: Path, page: int | None) -> Decoded:
    """Decode an image of an MRC file."""
    header = check_mrc(path)
    # What lies beside a movie of a camera tells only how it was scanned.
    (entry,) = _read(path, "mrc", lazy=True, endianness=header.endianness, metadata_file=None)
    signal = _signal(entry, "MRC header")
    # RosettaSciIO takes the header's order of bytes for the header only, and bytes for unsigned.
    stored = np.dtype(np.int8) if header.signed_bytes else signal.data.dtype.newbyteorder(header.endianness)
    calibration = _of_mrc(entry, signal, header.sampled)
    return _decoded(path, page, [replace(signal, data=signal.data.view(stored), calibration=calibration)])


def _of_mrc(entry: dict[str, Any], signal: _Signal, sampled: bool) -> Calibration:
    """Doubt a scale that stands for none."""
    found = signal.calibration
    if "fei_header" in entry["original_metadata"]:
        return found
    if not sampled:
        return Calibration()
    if found.pixel_size is not None and all(abs(size - _DEFAULT_SPACING) < 1e-6 for size in found.pixel_size):
        said = (
            "the MRC header gives 0.1 nm per pixel, which programs also write when they do not know; check it"
        )
        return replace(found, notes=(*found.notes, said))
    return found


def _check_suffix(path: Path, suffix: str) -> None:
    if path.suffix.lower() != suffix:
        refuse(path, f"it is a {suffix[1:].upper()} file; let its name end in {suffix}")


def _plugin(path: Path, name: str) -> Callable[..., list[dict[str, Any]]]:
    try:
        with silenced("rsciio"):
            return importlib.import_module(f"rsciio.{name}").file_reader  # type: ignore[no-any-return]
    except ImportError as error:
        raise _missing(path) from error


def _missing(path: Path) -> UnreadableImage:
    return UnreadableImage(
        path,
        "microscopes' own formats need RosettaSciIO; pip install '.[formats]', or export as TIFF",
    )


def _read(path: Path, plugin: str, **options: Any) -> list[dict[str, Any]]:
    reader = _plugin(path, plugin)
    try:
        with silenced("rsciio"):
            return reader(str(path), **options)
    except ImportError as error:
        raise _missing(path) from error


def _signal(entry: dict[str, Any], source: str) -> _Signal:
    """Sort a signal: images of the last two axes, or something else."""
    data, axes = entry["data"], entry["axes"]
    while data.ndim > 2 and data.shape[0] == 1:
        data, axes = data[0], axes[1:]
    title = str(entry["metadata"].get("General", {}).get("title") or "")
    frames = data.shape[0] if data.ndim == 3 else 1
    calibration, instead = Calibration(), _instead(data, axes)
    if not instead:
        height, width = ((axis.get("scale"), axis.get("units")) for axis in axes[-2:])
        calibration = of_axes(height, width, source=source)
    if calibration.diffraction:
        instead = f"a diffraction pattern ({calibration.diffraction})"
    return _Signal(title, data, frames, calibration, instead, _instrument(entry))


def _instrument(entry: dict[str, Any]) -> Instrument:
    """Say how an image was taken; it is worth reading even if this is not."""
    try:
        return of_entry(entry)
    except Exception:
        return Instrument()


def _instead(data: Any, axes: Sequence[dict[str, Any]]) -> str:
    """Name what is no image nor a stack of them; empty for images."""
    shape = " x ".join(map(str, data.shape))
    energy = any(str(axis.get("units")).lower() in _ENERGIES for axis in axes)
    if data.ndim < 2 or sum(not axis.get("navigate") for axis in axes) < 2:
        return f"a spectrum of {shape} channels" if data.ndim < 2 else f"a spectrum image ({shape})"
    if energy:
        return f"a spectrum image ({shape})"
    if data.dtype.kind == "c":
        return f"an image of complex numbers ({shape}), such as a Fourier transform or a wave function"
    if data.ndim > 3:
        return f"a scan of patterns or volumes ({shape})"
    return ""


def _decoded(path: Path, page: int | None, signals: Sequence[_Signal]) -> Decoded:
    """Take one image of all that the signals hold."""
    images = [signal for signal in signals if not signal.instead]
    others = tuple(dict.fromkeys(signal.instead for signal in signals if signal.instead))
    if others and not images:
        refuse(path, f"it holds {' and '.join(others)}, no micrograph; open the file of the micrograph")
    firsts = [sum(image.frames for image in images[:k]) for k in range(len(images))]
    if len(images) > 1 and page is None:
        raise SeveralImages(path, firsts, [image.title for image in images])
    index, notes = chosen_page(path, page, sum(image.frames for image in images))
    chosen = max(k for k, first in enumerate(firsts) if first <= index)
    if len(images) > 1 and images[chosen].title:
        notes = (f'{notes[0]}, of "{images[chosen].title}"',)
    pixels = _pixels(path, images[chosen], index - firsts[chosen])
    notes = (*notes, *(f"left out: {other}" for other in others))
    return Decoded(
        pixels,
        images[chosen].calibration,
        notes,
        index,
        images[chosen].instrument,
        pages=firsts[-1] + images[-1].frames,
        signal=images[chosen].title,
    )


def _pixels(path: Path, signal: _Signal, frame: int) -> NDArray[Any]:
    """Load one image, colours last."""
    plane = signal.data[frame] if signal.data.ndim == 3 else signal.data
    height, width = plane.shape
    check_extent(path, height, width, plane.nbytes)
    with silenced("rsciio"):
        pixels = np.asarray(plane.compute(scheduler="synchronous") if hasattr(plane, "compute") else plane)
    if pixels.shape != (height, width):
        refuse(path, f"it is damaged: {pixels.shape} pixels instead of {(height, width)}; copy it again")
    if pixels.dtype.names:
        return np.stack([pixels[colour] for colour in ("R", "G", "B")], axis=-1)
    return pixels
