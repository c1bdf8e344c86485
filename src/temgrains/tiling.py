"""Apply a network to an image of any size in tiles whose results equal the whole image's.

A tile is cut with a halo of at least the receptive field, on the grid of the network's pooling, so that every
pixel of its core sees what it would see in the whole image; the halo is thrown away. No blending is needed.
Tiles bound the memory; within a tile `temgrains.inference` cuts each stage of the network into blocks.
"""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import torch

from temgrains.inference import Engine, computes_in_bfloat16, folded
from temgrains.networks import STRIDE
from temgrains.records import Progress, silent
from temgrains.stages import stages_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import nn

    Window: TypeAlias = tuple[slice, slice]

Precision: TypeAlias = Literal["auto", "float32", "bfloat16"]

_SMALLEST_TILE = 128


class NoBfloat16Warning(RuntimeWarning):
    """The processor does not compute in the precision that was asked for, so float32 is taken."""


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
    """Run ``network`` over ``image`` once; see `Repeated`."""
    return Repeated(network, tile_px=tile_px, device=device)(image, stage=stage, progress=progress)


class Repeated:
    """A network to be run over several images, of which the next may differ little from the last.

    Only what has changed within the reach of a pixel is computed again; the result is that of a first run,
    bit for bit. Images are uint8 (C, H, W), outputs float32 (H, W). Sides that are not multiples of 16 px are
    mirrored up to the next one and the result cropped. When memory runs out the tiles are halved; when the
    GPU fails the CPU takes over, with a warning.

    Parameters
    ----------
    network
        It says its ``channels``, ``halo`` and ``channels_last``; those of `temgrains.stages` are quickest.
    tile_px
        Side of a tile [px].
    device
        "auto", "cpu" or "cuda".
    precision
        "bfloat16" has 8 bits for a number and is quicker where the processor computes in it; elsewhere
        float32 is taken, with a warning. "auto" takes it where that is so, if the network is ``coarse``:
        made known to bear it.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        tile_px: int = 1024,
        device: str = "auto",
        precision: Precision = "float32",
    ) -> None:
        self._network = network
        self._tile_px = tile_px
        self._device = torch.device(_resolve(device))
        wanted = precision == "bfloat16" or (precision == "auto" and bool(getattr(network, "coarse", False)))
        self.coarse = wanted and computes_in_bfloat16()
        """Whether it computes in bfloat16, on the CPU."""
        if precision == "bfloat16" and not self.coarse and self._device.type == "cpu":
            message = "this processor does not compute in bfloat16; going on in float32"
            warnings.warn(message, NoBfloat16Warning, stacklevel=3)
        self._work = self._worker()
        self._image: NDArray[np.uint8] | None = None
        self._result = np.empty((0, 0), np.float32)

    def __call__(
        self, image: NDArray[np.uint8], *, stage: str = "network", progress: Progress = silent
    ) -> NDArray[np.float32]:
        """Give the network's output for an image.

        Raises
        ------
        ValueError
            If the image has not the channels the network was made for, or no pixels.
        MemoryError
            If not even the smallest tile fits.
        """
        channels = int(getattr(self._network, "channels"))  # noqa: B009
        if image.ndim != 3 or image.shape[0] != channels or 0 in image.shape:
            raise ValueError(f"the network wants ({channels}, H, W), not {image.shape}")
        height, width = image.shape[1:]
        padded = np.pad(image, [(0, 0), (0, -height % STRIDE), (0, -width % STRIDE)], mode="symmetric")
        try:
            return self._apply(padded, (stage, progress))[:height, :width].copy()
        except RuntimeError as error:
            if self._device.type == "cpu":
                raise
            warnings.warn(f"the GPU failed ({error}); going on with the CPU", NoGpuWarning, stacklevel=2)
            self._device = torch.device("cpu")
            self._work = self._worker()
            return self._apply(padded, (stage, progress))[:height, :width].copy()

    def _worker(self) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
        """Give what computes a tile."""
        # What is made of a network by overriding it has other stages, or none.
        if self._device.type == "cpu" and type(self._network) in stages_of.registry:
            return Engine(self._network, precision=torch.bfloat16 if self.coarse else torch.float32)
        layout = torch.channels_last if getattr(self._network, "channels_last") else torch.contiguous_format  # noqa: B009
        network = folded(self._network).to(device=self._device, memory_format=layout)  # type: ignore[call-overload]

        def whole(tile: NDArray[np.uint8]) -> NDArray[np.float32]:
            with torch.inference_mode():
                seen = torch.from_numpy(tile).to(self._device).float()[None]
                grey: NDArray[np.float32] = network(seen.contiguous(memory_format=layout))[0, 0].cpu().numpy()
            return grey

        return whole

    def _apply(self, image: NDArray[np.uint8], report: tuple[str, Progress]) -> NDArray[np.float32]:
        try:
            return self._run(image, report)
        except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            if self._tile_px // 2 < _SMALLEST_TILE:
                raise MemoryError(
                    f"not even a tile of {self._tile_px} px fits into memory: {error}"
                ) from error
        self._tile_px //= 2
        self._work = self._worker()
        return self._apply(image, report)

    def _run(self, image: NDArray[np.uint8], report: tuple[str, Progress]) -> NDArray[np.float32]:
        old, self._image = self._image, None  # what is left half done by an error is not known
        if old is None or old.shape != image.shape:
            old, self._result = None, np.empty(image.shape[1:], np.float32)
        halo = int(getattr(self._network, "halo"))  # noqa: B009
        tiles = list(_tiles(image.shape[1:], max(self._tile_px // STRIDE, 1) * STRIDE, halo))
        stage, progress = report
        for done, (window, core) in enumerate(tiles):
            progress(stage, done, len(tiles))
            tile = np.ascontiguousarray(image[(slice(None), *window)])
            if old is not None and np.array_equal(tile, old[(slice(None), *window)]):
                continue
            inner = tuple(
                slice(c.start - w.start, c.stop - w.start) for c, w in zip(core, window, strict=True)
            )
            self._result[core] = self._work(tile)[inner]
        progress(stage, len(tiles), len(tiles))
        self._image = image
        return self._result


def _resolve(device: str) -> str:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        warnings.warn("no CUDA device was found; going on with the CPU", NoGpuWarning, stacklevel=3)
        return "cpu"
    return device


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "not enough memory" in str(error)


def _tiles(shape: tuple[int, ...], tile: int, halo: int) -> Iterator[tuple[Window, Window]]:
    """Give each tile's window (with halo) and its core; both start on the pooling grid."""
    for rows in _spans(shape[0], tile):
        for columns in _spans(shape[1], tile):
            core = rows, columns
            window = tuple(
                slice(max(c.start - halo, 0), min(c.stop + halo, n)) for c, n in zip(core, shape, strict=True)
            )
            yield (window[0], window[1]), core


def _spans(side: int, tile: int) -> list[slice]:
    """Cut a side into tiles; a rest of less than half a tile, mostly halo, goes to the tile before it."""
    starts = list(range(0, side, tile))
    if len(starts) > 1 and side - starts[-1] < tile / 2:
        starts.pop()
    return [slice(start, stop) for start, stop in pairwise([*starts, side])]
