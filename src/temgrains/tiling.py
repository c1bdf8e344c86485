"""Apply a network to an image of any size in tiles whose results equal the whole image's.

A tile is cut with a halo of at least the receptive field, on the grid of the network's pooling, so that every
pixel of its core sees what it would see in the whole image; the halo is thrown away. No blending is needed.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from temgrains.networks import STRIDE
from temgrains.records import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import nn

    Window: TypeAlias = tuple[slice, slice]

_SMALLEST_TILE = 128


class NoGpuWarning(RuntimeWarning):
    """The GPU that was asked for is not there or fails, so the CPU does the work."""


def apply(
    network: nn.Module,
    image: NDArray[np.uint8],
    *,
    tile_px: int = 1024,
    device: str = "auto",
    stage: str = "network",
    progress: Progress = silent,
) -> NDArray[np.float32]:
    """Run ``network`` over ``image`` (C, H, W) and give its output, float32, shape (H, W).

    Sides that are not multiples of 16 px are mirrored up to the next one and the result cropped. When memory
    runs out the tiles are halved; when the GPU fails the CPU takes over, with a warning.

    Raises
    ------
    ValueError
        If the image has not the channels the network was made for, or no pixels.
    MemoryError
        If not even the smallest tile fits.
    """
    channels = int(getattr(network, "channels"))  # noqa: B009
    if image.ndim != 3 or image.shape[0] != channels or 0 in image.shape:
        raise ValueError(f"the network wants ({channels}, H, W), not {image.shape}")
    target = torch.device(_resolve(device))
    try:
        return _apply(network, image, tile_px, target, (stage, progress))
    except RuntimeError as error:
        if target.type == "cpu":
            raise
        warnings.warn(f"the GPU failed ({error}); going on with the CPU", NoGpuWarning, stacklevel=2)
        return _apply(network, image, tile_px, torch.device("cpu"), (stage, progress))


def _resolve(device: str) -> str:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        warnings.warn("no CUDA device was found; going on with the CPU", NoGpuWarning, stacklevel=3)
        return "cpu"
    return device


def _apply(
    network: nn.Module, image: NDArray[Any], tile_px: int, device: torch.device, report: tuple[str, Progress]
) -> NDArray[np.float32]:
    try:
        return _run(network, image, tile_px, device, report)
    except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        if tile_px // 2 < _SMALLEST_TILE:
            raise MemoryError(f"not even a tile of {tile_px} px fits into memory: {error}") from error
    return _apply(network, image, tile_px // 2, device, report)


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "not enough memory" in str(error)


def _run(
    network: nn.Module, image: NDArray[Any], tile_px: int, device: torch.device, report: tuple[str, Progress]
) -> NDArray[np.float32]:
    height, width = image.shape[1:]
    padding = [(0, 0), (0, -height % STRIDE), (0, -width % STRIDE)]
    padded = np.pad(image, padding, mode="symmetric")
    result = np.empty(padded.shape[1:], np.float32)
    tiles = list(_tiles(padded.shape[1:], max(tile_px // STRIDE, 1) * STRIDE, int(getattr(network, "halo"))))  # noqa: B009
    layout = torch.channels_last if getattr(network, "channels_last") else torch.contiguous_format  # noqa: B009
    network = network.to(device=device, memory_format=layout)  # type: ignore[call-overload]
    stage, progress = report
    with torch.inference_mode():
        for done, (window, core) in enumerate(tiles):
            progress(stage, done, len(tiles))
            rows, columns = window
            tile = torch.from_numpy(np.ascontiguousarray(padded[:, rows, columns])).to(device).float()[None]
            grey = network(tile.contiguous(memory_format=layout))[0, 0].cpu().numpy()
            inner = tuple(
                slice(c.start - w.start, c.stop - w.start) for c, w in zip(core, window, strict=True)
            )
            result[core] = grey[inner]
    progress(stage, len(tiles), len(tiles))
    return result[:height, :width]


def _tiles(shape: tuple[int, ...], tile: int, halo: int) -> Iterator[tuple[Window, Window]]:
    """Give each tile's window (with halo) and its core; both start on the pooling grid."""
    for top in range(0, shape[0], tile):
        for left in range(0, shape[1], tile):
            starts = (top, left)
            core = tuple(slice(s, min(s + tile, n)) for s, n in zip(starts, shape, strict=True))
            window = tuple(
                slice(max(s - halo, 0), min(s + tile + halo, n)) for s, n in zip(starts, shape, strict=True)
            )
            yield (window[0], window[1]), (core[0], core[1])
