"""Networks at work: folded, and stage by stage in blocks that stay in the processor's cache.

An image in one piece makes every layer write tens of megabytes to fresh memory, which costs as much as the
sums. Tiles with a halo as wide as the receptive field are smaller, but compute a good part of the image
twice. Here the image is cut anew for each stage of a network: a block then needs no more around it than the
one or two convolutions of that stage look at. Every sum, and so the result, is that of the whole image.
"""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn

from temgrains.stages import Stage, stages_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from temgrains.records import MaskArray

    Span: TypeAlias = tuple[slice, slice]

_CELL_PX = 8
"""Side of the squares of which it is known whether something in them has changed [px]."""


def folded(network: nn.Module) -> nn.Module:
    """Give a copy for inference: its convolutions do the work of the normalisations that follow them."""
    network = copy.deepcopy(network).eval()
    for part in [m for m in network.modules() if isinstance(m, nn.Sequential)]:
        for k, (first, second) in enumerate(pairwise(part)):
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                part[k], part[k + 1] = nn.utils.fuse_conv_bn_eval(first, second), nn.Identity()
    return network


def computes_in_bfloat16() -> bool:
    """Say whether the processor computes in bfloat16, and does not only imitate it."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


class Engine:
    """A network at work on the CPU, which remembers what it made of the last image.

    Of the next image of the same shape only those blocks are computed again in whose reach something has
    changed; the result is the same, bit for bit. The network must have stages, see `temgrains.stages`.
    """

    def __init__(self, network: nn.Module, *, precision: torch.dtype = torch.float32) -> None:
        last = bool(getattr(network, "channels_last"))  # noqa: B009
        self._layout = torch.channels_last if last else torch.contiguous_format
        network = folded(network).to(memory_format=self._layout)  # type: ignore[call-overload]
        if bool(getattr(network, "exact", False)):
            network.double()
        else:
            for name, part in network.named_modules():
                if isinstance(part, nn.Conv2d | nn.ConvTranspose2d) and not name.endswith("head"):
                    part.to(precision)
        if last and bool(torch.backends.mkldnn.is_available()):  # type: ignore[no-untyped-call]
            _rectify(network)
        self._stages = stages_of(network)
        self._image: NDArray[np.uint8] | None = None
        self._maps: list[Tensor] = []
        self.blocks = 0
        """Blocks computed so far."""

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Give the network's output (H, W) for an image (C, H, W) whose sides are multiples of the stride."""
        of_image = self._changes(image)
        changed = [of_image]  # the first entry is, at each stage, of the channels that this one sees
        if self._image is None:
            self._maps = [torch.empty(0)] * (len(self._stages) + 1)
        self._image = None  # what is left half done by an error is not known
        self._maps[0] = torch.from_numpy(image)[None]
        with torch.inference_mode():
            for number, stage in enumerate(self._stages, 1):
                beyond = 2 * -(-stage.reach // _CELL_PX) + 1
                changed[0] = np.logical_or.reduce(of_image[stage.channel :])
                seen = np.logical_or.reduce([changed[source] for source in stage.sources])
                changed.append(ndimage.maximum_filter(seen, beyond))
                for block in _blocks(image.shape[1:], stage.block):
                    rows, columns = _scaled(block, _CELL_PX)
                    if changed[-1][rows, columns].any():
                        self._compute(number, stage, block)
        self._image = image
        output: NDArray[np.float32] = self._maps[-1][0, 0].numpy()
        return output

    def _changes(self, image: NDArray[np.uint8]) -> MaskArray:
        """Say for each channel and cell whether the image differs from the last one."""
        channels, rows, columns = len(image), *(side // _CELL_PX for side in image.shape[1:])
        if self._image is None or self._image.shape != image.shape:
            self._image = None
            return np.ones((channels, rows, columns), np.bool_)
        different = (image != self._image).reshape(channels, rows, _CELL_PX, columns, _CELL_PX)
        changed: MaskArray = different.any(axis=2).any(axis=3)
        return changed

    def _compute(self, number: int, stage: Stage, block: Span) -> None:
        """Compute a block of a stage, with what it looks at around it."""
        height, width = (int(side) for side in self._maps[0].shape[2:])
        around = _grown(block[0], stage.reach, height), _grown(block[1], stage.reach, width)
        made = stage.run(*(self._seen(source, stage, around) for source in stage.sources))
        if self._maps[number].numel() == 0:
            shape = (1, made.shape[1], height // stage.scale, width // stage.scale)
            self._maps[number] = torch.empty(shape, dtype=made.dtype, memory_format=self._layout)
        inner = _within(block[0], around[0]), _within(block[1], around[1])
        _cut(self._maps[number], block, stage.scale).copy_(_cut(made, inner, stage.scale))
        self.blocks += 1

    def _seen(self, source: int, stage: Stage, around: Span) -> Tensor:
        """Give what a stage looks at of one of its sources."""
        features = self._maps[source]
        if source == 0:  # as it lies: its first layer puts the channels last
            return _cut(features[:, stage.channel :], around, 1)
        part = _cut(features, around, self._maps[0].shape[2] // features.shape[2])
        return part.contiguous(memory_format=self._layout)


class _Rectified(nn.Conv2d):
    """A convolution that sets what is negative to 0 before it writes: that saves a way through the memory."""

    def forward(self, features: Tensor) -> Tensor:
        geometry = (self.padding, self.stride, self.dilation, self.groups)
        operator = torch.ops.mkldnn._convolution_pointwise
        made: Tensor = operator(features, self.weight, self.bias, *geometry, "relu", [], "")
        return made


def _rectify(network: nn.Module) -> None:
    """Let convolutions do the work of the rectifiers that follow them."""
    for part in [m for m in network.modules() if isinstance(m, nn.Sequential)]:
        layers = [k for k, layer in enumerate(part) if not isinstance(layer, nn.Identity)]
        for k, after in pairwise(layers):
            if type(part[k]) is nn.Conv2d and isinstance(part[after], nn.ReLU):
                part[k].__class__ = _Rectified
                part[after] = nn.Identity()


def _blocks(shape: tuple[int, ...], side: int) -> Iterator[Span]:
    for top in range(0, shape[0], side):
        for left in range(0, shape[1], side):
            yield slice(top, min(top + side, shape[0])), slice(left, min(left + side, shape[1]))


def _grown(span: slice, by: int, end: int) -> slice:
    return slice(max(span.start - by, 0), min(span.stop + by, end))


def _within(span: slice, other: slice) -> slice:
    return slice(span.start - other.start, span.stop - other.start)


def _scaled(window: Span, scale: int) -> Span:
    rows, columns = window
    return (
        slice(rows.start // scale, rows.stop // scale),
        slice(columns.start // scale, columns.stop // scale),
    )


def _cut(features: Tensor, window: Span, scale: int) -> Tensor:
    """Give the part of a map of a scale within a window of the image."""
    rows, columns = _scaled(window, scale)
    return features[:, :, rows, columns]
