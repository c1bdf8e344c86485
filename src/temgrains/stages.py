"""The networks in parts that can be computed one after the other, each block by block.

What a part gives is what the network itself gives there, but without gradients; see `temgrains.inference`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, singledispatch
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from temgrains.networks import (
    FLAT_REACH,
    GuessNet,
    GuidedNet,
    PaperNet1,
    PaperNet2,
    SightedNet,
    apply_head,
    flattened,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = 256
"""Side of a block [px of the features]: it comes out of fresh memory seldom, and its seams cost little."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a network that can be computed block by block; lengths are in pixels of the image.

    ``run`` takes blocks of the maps ``sources`` (0: the image, k: what the k-th stage gave) and gives a block
    (B, C, H, W) with one pixel for ``scale``. It looks ``reach`` pixels beyond its block, and is quickest on
    blocks of ``block`` pixels; both are multiples of the scales of its sources and of its own. Of the image
    it is given the channels from ``channel`` on.
    """

    run: Callable[..., Tensor]
    sources: tuple[int, ...]
    scale: int
    reach: int
    block: int
    channel: int = 0


@singledispatch
def stages_of(network: nn.Module) -> list[Stage]:  # noqa: ARG001  (its type decides)
    """Give the stages of a network; none for one that must be run as a whole."""
    return []


@stages_of.register
def _(network: PaperNet1) -> list[Stage]:
    parts = [*network.encoder, network.bridge, *network.decoder]
    return _chain(network, parts, lambda edges: edges, (2, 2, 2, 2, 1, 1, 1, 1, 1))


@stages_of.register
def _(network: PaperNet2) -> list[Stage]:
    parts = [*network.encoder, *network.decoder]
    reaches = (8, 4, 2, 2, 0, 0, 0, 0)
    return _chain(network, parts, lambda state: state - network.state_mean, reaches, pooled=_pooled)


@stages_of.register
def _(network: GuessNet) -> list[Stage]:
    skip = _SkipStages(network.network, network.look, network.ceiling)
    return [_flat(network.channels), *skip.stages((0, 1))]


@stages_of.register
def _(network: SightedNet) -> list[Stage]:
    skip = _SkipStages(network.network, network.look, network.ceiling)
    return [_flat(network.channels), *skip.stages((0, 1))]


@stages_of.register
def _(network: GuidedNet) -> list[Stage]:
    return _SkipStages(network.network, network.look, network.ceiling).stages((0,))


def _flat(channels: int) -> Stage:
    """Give the stage that flattens the grey image, the last channel: what changes in others is none of it."""
    return Stage(lambda grey: flattened(grey / 255), (0,), 1, FLAT_REACH, 2 * _BLOCK, channels - 1)


def _chain(
    network: PaperNet1 | PaperNet2,
    parts: list[nn.Sequential],
    look: Callable[[Tensor], Tensor],
    reaches: tuple[int, ...],
    pooled: Callable[[nn.Sequential], Callable[[Tensor], Tensor]] = lambda part: part,
) -> list[Stage]:
    """Give the stages of a network without skip connections.

    ``reaches`` are in pixels of the source; ``pooled`` gives how a part that ends in a pooling is computed.
    """
    ways = [pooled(part) if isinstance(part[-1], nn.MaxPool2d) else part for part in parts]

    def first(image: Tensor) -> Tensor:
        return ways[0](look(image).to(_precision(parts[0])))

    def last(features: Tensor) -> Tensor:
        return _answer(network.head, parts[-1](features)).clamp(0.0, network.ceiling).float()

    stages, before = [], 1
    runs: list[Callable[..., Tensor]] = [first, *ways[1:-1], last]
    for number, (part, run, reach) in enumerate(zip(parts, runs, reaches, strict=True)):
        halves, doubles = isinstance(part[-1], nn.MaxPool2d), isinstance(part[0], nn.ConvTranspose2d)
        after = 2 * before if halves else before // 2 if doubles else before
        stages.append(Stage(run, (number,), after, reach * before, _BLOCK * min(before, after)))
        before = after
    return stages


def _pooled(part: nn.Sequential) -> Callable[[Tensor], Tensor]:
    """Compute convolution, rectifier and pooling by 2 at once, for layers of few channels in float64.

    The four places that a pooling joins become channels of one convolution with stride 2: the product of
    matrices behind it then has four times the rows and a quarter of the columns, in a third of the time.
    """
    convolution = part[0]
    assert isinstance(convolution, nn.Conv2d)
    weight, side = convolution.weight, convolution.weight.shape[-1]
    outputs, inputs = weight.shape[:2]
    wide = weight.new_zeros(2, 2, outputs, inputs, side + 1, side + 1)
    for down in (0, 1):
        for right in (0, 1):
            wide[down, right, :, :, down : down + side, right : right + side] = weight.detach()
    wide = wide.flatten(0, 2)
    bias = None if convolution.bias is None else convolution.bias.detach().repeat(4)

    def run(features: Tensor) -> Tensor:
        height, width = features.shape[-2:]
        places = nn.functional.conv2d(features, wide, bias, stride=2, padding=side // 2)
        return places.view(-1, 4, outputs, height // 2, width // 2).amax(1).relu()

    return run


class _SkipStages:
    """The stages of a network with skip connections, which `look` gives its input."""

    def __init__(self, network: nn.Module, look: Callable[..., Tensor], ceiling: float) -> None:
        self._network, self._look, self._ceiling = network, look, ceiling
        self._encoder: nn.ModuleList = getattr(network, "encoder")  # noqa: B009
        self._decoder: nn.ModuleList = getattr(network, "decoder")  # noqa: B009

    def stages(self, sources: tuple[int, ...]) -> list[Stage]:
        """Give the stages; the last of the sources is the map that was made last."""
        depth, known = len(self._encoder), sources[-1]
        stages = [Stage(self._first, sources, 2, 4, 2 * _BLOCK)]
        for level in range(1, depth):
            scale = 2 ** (level + 1)
            run = partial(self._down, level)
            stages.append(Stage(run, (known + level,), scale, 2 * scale, _BLOCK * scale))
        for level in range(depth - 1):
            scale = 2 ** (depth - 1 - level)
            maps = (known + depth + level, known + depth - 1 - level)
            run = partial(self._up, level)
            stages.append(Stage(run, maps, scale, 2 * scale, _BLOCK * scale))
        stages[-1] = Stage(self._last, stages[-1].sources, 1, 4, 2 * _BLOCK)
        return stages

    def _first(self, *seen: Tensor) -> Tensor:
        found: Tensor = self._encoder[0](_folded(self._look(*seen), _precision(self._encoder[0])))
        return found

    def _down(self, level: int, above: Tensor) -> Tensor:
        found: Tensor = self._encoder[level](nn.functional.max_pool2d(above, 2))
        return found

    def _up(self, level: int, features: Tensor, kept: Tensor) -> Tensor:
        up = self._network.up[level](features)  # type: ignore[index,operator]
        found: Tensor = self._decoder[level](torch.cat([up, kept], 1))
        return found

    def _last(self, features: Tensor, kept: Tensor) -> Tensor:
        head: nn.Conv2d = getattr(self._network, "head")  # noqa: B009
        logit = _unfolded(_answer(head, self._up(len(self._decoder) - 1, features, kept)))
        # In single precision the sigmoid rounds by where in its block a pixel lies.
        return logit.double().sigmoid().float() * self._ceiling


def _answer(head: nn.Conv2d, features: Tensor) -> Tensor:
    """Apply the last layer in float32, by an operator whose sums do not depend on the number of threads.

    What comes in float64 stays so: there sums differ too little to be seen.
    """
    if features.dtype == torch.float64:
        return nn.functional.conv2d(features, head.weight, head.bias)
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return apply_head(head, features)
    answer: Tensor = torch.ops.mkldnn._convolution_pointwise(
        features.float(), head.weight, head.bias, (0, 0), (1, 1), (1, 1), 1, "none", [], ""
    )
    return answer


def _precision(layers: nn.Module) -> torch.dtype:
    """Give the type of numbers that layers compute in."""
    return next(layers.parameters()).dtype


def _folded(image: Tensor, precision: torch.dtype) -> Tensor:
    """Do as `pixel_unshuffle` by 2, channels last, in a third of its time."""
    batch, channels, height, width = image.shape
    # Two neighbours of a row stay neighbours, and are moved as one number of twice the size.
    pair = torch.int32 if precision.itemsize == 2 else torch.int64
    pairs = image.to(precision, memory_format=torch.contiguous_format).view(pair)
    rows = pairs.view(batch, channels, height // 2, 2, width // 2)
    made = rows.permute(0, 2, 4, 1, 3).contiguous().view(precision)
    return made.view(batch, height // 2, width // 2, 4 * channels).permute(0, 3, 1, 2)


def _unfolded(features: Tensor) -> Tensor:
    """Do as `pixel_shuffle` by 2 to one channel, in a third of its time."""
    batch, _, height, width = features.shape
    made = features.new_empty((batch, 1, 2 * height, 2 * width))
    for k in range(4):
        made[:, 0, k // 2 :: 2, k % 2 :: 2] = features[:, k]
    return made
