"""Results as files that other programs read: pictures, calibrated TIFF, tables, JSON."""

from __future__ import annotations

import io
import json
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image
from scipy import ndimage

from temgrains.files import RESULT_MAPS, boxes_text, csv_text, plain, saving, write_text
from temgrains.records import Progress, boxes_of, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from temgrains.records import (
        Analysis,
        Boundaries,
        ByteArray,
        Grains,
        GrainSizes,
        GreyArray,
        Iterate,
        Micrograph,
        PixelSize,
    )

ENDINGS = (*RESULT_MAPS, "grains.csv", "json")
"""What the names of the files of one analysis end in, after the stem and a dot."""

_IMAGEJ_BYTES = 2**32 - 2**25
"""More pixels than this do not fit into a TIFF with 32-bit offsets, the only kind ImageJ knows."""

_GIF_SIDE = 1024
_GIF_FRAME_MS = 150
_GIF_LAST_MS = 2500


def write(
    analysis: Analysis,
    folder: str | Path,
    stem: str,
    *,
    statistics: dict[str, Any] | None = None,
    progress: Progress = silent,
) -> list[Path]:
    """Write everything an analysis found into a folder.

    Parameters
    ----------
    analysis
        What to write.
    folder
        An existing folder.
    stem
        Start of each file's name. Files that are there already are replaced.
    statistics
        What the grain sizes show, as plain JSON, for ``STEM.json``.
    progress
        Called as ``progress("export", files, 7)``; may raise `Cancelled` between files.

    Returns
    -------
    paths
        ``STEM.overlay.png``, ``.boundaries.tif``, ``.labels.tif``, ``.iterates.tif``, ``.iterates.gif``,
        ``.grains.csv`` and, last, ``.json``: where it is present and new, so are all the others.

    Raises
    ------
    ValueError
        If the stem is empty or names another folder.
    OSError
        If a file cannot be written. A file that was there stays as it was; files written before remain.
    """
    if not stem or Path(stem).name != stem:
        raise ValueError(f"stem is {stem!r}; it must be the start of a file name, without a folder")
    check_folder(folder)
    size = analysis.micrograph.pixel_size
    working = _at_scale_of(analysis.micrograph, analysis.iterates)
    writers: list[Callable[[Path], None]] = [
        lambda path: write_overlay(path, analysis.micrograph, analysis.boundaries),
        lambda path: write_boundaries(path, analysis.boundaries, pixel_size=size),
        lambda path: write_labels(path, analysis.grains, pixel_size=size),
        lambda path: write_iterates(path, analysis.iterates, pixel_size=working),
        lambda path: write_gif(path, analysis.micrograph, analysis.iterates),
        lambda path: write_grains(path, analysis.sizes),
        lambda path: write_json(path, analysis, statistics=statistics),
    ]
    paths = [Path(folder) / f"{stem}.{ending}" for ending in ENDINGS]
    for done, (path, writer) in enumerate(zip(paths, writers, strict=True)):
        progress("export", done, len(paths))
        writer(path)
    progress("export", len(paths), len(paths))
    return paths


def check_folder(folder: str | Path) -> None:
    """Find out before long work whether its results can be written to a folder.

    Raises
    ------
    OSError
        If the folder is missing, is a file, or nothing can be written to it.
    """
    folder = Path(folder)
    if not folder.exists():
        raise FileNotFoundError(f"cannot write to {folder}: the folder does not exist; create it first")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise type(error)(f"cannot write to {folder}: {error.strerror}; choose another folder") from error


def write_overlay(path: str | Path, micrograph: Micrograph, boundaries: Boundaries) -> None:
    """Write the micrograph with its boundaries in red, at full resolution, as PNG.

    Lines are drawn wider than one pixel where the image is so large that they would not be seen.

    Raises
    ------
    ValueError
        If the two differ in shape.
    OSError
        If the file cannot be written.
    """
    if micrograph.shape != boundaries.mask.shape:
        raise ValueError(
            f"boundaries have shape {boundaries.mask.shape}, the micrograph {micrograph.shape}; "
            "they must be of one image"
        )
    _write_picture(path, Image.fromarray(overlay(micrograph, boundaries)), format="PNG", compress_level=3)


def overlay(micrograph: Micrograph, boundaries: Boundaries) -> ByteArray:
    """Give the micrograph with its boundaries in red, RGB, shape (H, W, 3)."""
    reach = round(max(micrograph.shape) / 1500)
    thick = ndimage.maximum_filter(boundaries.mask.view(np.uint8), 2 * reach + 1) > 0
    rgb = np.repeat(_display(micrograph.pixels)[..., np.newaxis], 3, axis=-1)
    rgb[thick] = (255, 0, 0)
    return rgb


def write_boundaries(
    path: str | Path, boundaries: Boundaries, *, pixel_size: PixelSize | None = None
) -> None:
    """Write the lines as TIFF, uint8, 0 or 255, one pixel wide, with the pixel size [nm] for ImageJ.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    _write_tiff(path, boundaries.mask * np.uint8(255), pixel_size)


def write_labels(path: str | Path, grains: Grains, *, pixel_size: PixelSize | None = None) -> None:
    """Write the grains' numbers as TIFF, uint16, or uint32 where they do not fit, with the pixel size [nm].

    Raises
    ------
    OSError
        If the file cannot be written.

    Notes
    -----
    Where no specimen is shown the number is 0, as on boundaries; the line ``excluded=`` of the description
    lists those parts as rectangles (top, left, bottom, right), so that the map can be measured by itself.
    """
    kind = np.uint16 if grains.labels.max(initial=0) <= np.iinfo(np.uint16).max else np.uint32
    _write_tiff(path, grains.labels.astype(kind), pixel_size, excluded=excluded_of(grains))


def excluded_of(grains: Grains) -> str:
    """Say as text, for the description of a TIFF, where no specimen is shown; "" where it is everywhere."""
    return "" if grains.excluded is None else boxes_text(boxes_of(grains.excluded & (grains.labels == 0)))


def write_iterates(
    path: str | Path, iterates: Sequence[Iterate], *, pixel_size: PixelSize | None = None
) -> None:
    """Write the states of the refinement as a TIFF stack, uint8, one frame per iterate.

    Raises
    ------
    ValueError
        If there is no iterate.
    OSError
        If the file cannot be written.
    """
    if not iterates:
        raise ValueError("there is no iterate to write; give at least the guess")
    names = ["guess" if iterate.index == 0 else f"iteration {iterate.index}" for iterate in iterates]
    _write_tiff(path, [iterate.state for iterate in iterates], pixel_size, names=names)


def write_gif(path: str | Path, micrograph: Micrograph, iterates: Sequence[Iterate]) -> None:
    """Write the course of the refinement as an animation: the state in red over the micrograph.

    The longer side has at most 1024 px; the last state is held.

    Raises
    ------
    ValueError
        If there is no iterate.
    OSError
        If the file cannot be written.
    """
    if not iterates:
        raise ValueError("there is no iterate to show; give at least the guess")
    frames = _frames(_display(micrograph.pixels), [iterate.state for iterate in iterates])
    durations = [_GIF_FRAME_MS] * (len(iterates) - 1) + [_GIF_LAST_MS]
    _write_picture(
        path,
        next(frames),
        format="GIF",
        save_all=True,
        append_images=frames,
        duration=durations if len(durations) > 1 else durations[0],
        loop=0,
        optimize=False,
    )


def write_grains(path: str | Path, sizes: GrainSizes) -> None:
    """Write the table of grains as CSV: UTF-8, decimal points, units in the header.

    What is undefined is empty, and ``remark`` says why.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    write_text(path, csv_text(sizes.table))


def write_json(path: str | Path, analysis: Analysis, *, statistics: dict[str, Any] | None = None) -> None:
    """Write the provenance, counts and, if given, statistics; what is not finite becomes null.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    boundaries, grains = analysis.boundaries, analysis.grains
    counts = {
        "grains": grains.count,
        "grains_on_border": int(grains.on_border.sum()),
        "boundary_length_px": analysis.sizes.boundary_length_px,
        "boundary_length_nm": analysis.sizes.boundary_length_nm,
        "boundary_length_is": "from pixel to pixel along the lines; straightened lines are shorter",
        "pruned_px": boundaries.pruned_px,
        "completed_px": boundaries.completed_px,
        "iterations": analysis.iterates[-1].index,
    }
    found = {} if statistics is None else {"statistics": statistics}
    content = plain({**analysis.provenance, "counts": counts, **found})
    write_text(path, json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def _write_picture(path: str | Path, picture: Image.Image, **options: Any) -> None:
    # In memory first: Pillow writes past a full disk with an error that does not say so.
    encoded = io.BytesIO()
    picture.save(encoded, **options)
    with saving(path) as temporary:
        temporary.write_bytes(encoded.getbuffer())


def _write_tiff(
    path: str | Path,
    pixels: NDArray[Any] | Sequence[NDArray[Any]],
    pixel_size: PixelSize | None,
    *,
    names: Sequence[str] | None = None,
    excluded: str = "",
) -> None:
    """Write one image, or named frames, as ImageJ does it; beyond its limits with the same description."""
    first = pixels[0] if names else np.asarray(pixels)
    shape = (len(names), *first.shape) if names else first.shape
    size = math.prod(shape) * first.dtype.itemsize
    options: dict[str, Any] = {"photometric": "minisblack"}
    if pixel_size is not None:
        options |= {"resolution": (1 / pixel_size[1], 1 / pixel_size[0]), "resolutionunit": "NONE"}
    said = {} if pixel_size is None else {"unit": "nm"}
    said |= {"excluded": excluded} if excluded else {}
    if first.dtype.itemsize <= 2 and size <= _IMAGEJ_BYTES:
        kept = {"axes": "TYX", "Labels": list(names)} if names else {"axes": "YX"}
        options |= {"imagej": True, "metadata": {**kept, **said}}
    else:
        stack = {"images": len(names), "frames": len(names), "hyperstack": "true"} if names else {}
        lines = {"ImageJ": "1.11a", **stack, **said}
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        options |= {"metadata": None, "description": text, "bigtiff": size > _IMAGEJ_BYTES}
    pages = iter(pixels) if names else pixels
    with saving(path) as temporary:
        tifffile.imwrite(temporary, pages, shape=shape, dtype=first.dtype, **options)


def _at_scale_of(micrograph: Micrograph, iterates: Sequence[Iterate]) -> PixelSize | None:
    """Pixel size of the iterates, which may have been made at another scale than the image's."""
    if micrograph.pixel_size is None:
        return None
    (height, width), state = micrograph.pixel_size, iterates[-1].state
    return height * micrograph.shape[0] / state.shape[0], width * micrograph.shape[1] / state.shape[1]


def _display(pixels: GreyArray) -> ByteArray:
    """Stretch to 0..255 so that single hot or dead pixels do not hide the rest."""
    step = max(1, math.isqrt(pixels.size // 10**6))
    low, high = np.percentile(pixels[::step, ::step], (0.2, 99.8))
    if not high > low:
        low, high = 0.0, 1.0
    stretched: ByteArray = (255 * np.clip((pixels - np.float32(low)) / np.float32(high - low), 0, 1)).astype(
        np.uint8
    )
    return stretched


def _frames(image: ByteArray, states: Iterable[ByteArray]) -> Iterator[Image.Image]:
    """Paint states in red over an image, with one palette for all frames: 32 greys by 8 strengths of red."""
    scale = min(1, _GIF_SIDE / max(image.shape))
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    greys, reds = np.repeat(np.linspace(0, 255, 32), 8), np.tile(np.linspace(0, 1, 8), 32)
    palette = np.stack([greys + (255 - greys) * reds, greys * (1 - reds), greys * (1 - reds)], axis=-1)
    below = _resized(image, size) // 8 * 8
    for state in states:
        frame = Image.fromarray(below + _resized(state, size) // 32)
        frame.putpalette(palette.round().astype(np.uint8).tobytes())
        yield frame


def _resized(grey: ByteArray, size: tuple[int, int]) -> ByteArray:
    """Resample to (width, height), averaging where it shrinks."""
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BILINEAR))
