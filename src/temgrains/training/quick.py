"""Both networks computed another way, for training: the same functions, in two thirds of the time.

Net1, with the statistics of its batch normalisation fixed: they become part of the convolutions before them.
Net2: a convolution with one or four channels leaves most of a processor's vector units idle. Its outputs at
the four places that a pooling joins are here channels of one convolution on the image folded 2 × 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

    from temgrains.networks import PaperNet1, PaperNet2


def net1_unclipped(network: PaperNet1, edges: Tensor) -> Tensor:
    """Give what `PaperNet1.unclipped` gives in evaluation mode, to rounding; gradients reach all weights."""
    encoder: Any = network.encoder
    decoder: Any = network.decoder
    features = edges
    for convolution, normalise, *_ in encoder:
        features = F.max_pool2d(_normalised(convolution, normalise, features), 2).relu_()
    convolution, normalise, _ = network.bridge
    features = _normalised(convolution, normalise, features).relu_()
    for up, convolution, normalise, _ in decoder:
        features = _normalised(convolution, normalise, up(features)).relu_()
    with torch.autocast(features.device.type, enabled=False):
        head = network.head
        return F.conv2d(features.float(), head.weight, head.bias)


def _normalised(convolution: Any, normalise: Any, features: Tensor) -> Tensor:
    scale = normalise.weight * torch.rsqrt(normalise.running_var + normalise.eps)
    bias = normalise.bias + scale * (convolution.bias - normalise.running_mean)
    return F.conv2d(features, convolution.weight * scale[:, None, None, None], bias, padding=1)


def net2_unclipped(network: PaperNet2, state: Tensor) -> Tensor:
    """Give `PaperNet2.unclipped` of a state (B, 1, H, W), to rounding; gradients reach the weights."""
    convolutions: list[Any] = [block[0] for block in network.encoder]  # type: ignore[index]
    features = state - network.state_mean
    for layer in convolutions[:2]:
        features = _convolve_and_pool(features, layer.weight, layer.bias)
    for layer in convolutions[2:]:
        features = F.max_pool2d(layer(features), 2).relu()
    *blocks, last = network.decoder
    for block in blocks:
        features = block(features)
    up: Any = last[0]  # type: ignore[index]
    # A transposed convolution by 2 with stride 2 is, at each of the four places, a matrix.
    weight = up.weight.permute(2, 3, 1, 0).reshape(-1, up.in_channels, 1, 1)
    features = F.conv2d(features, weight, up.bias.repeat(4)).relu()  # (B, 4 places * 4, H/2, W/2)
    with torch.autocast(features.device.type, enabled=False):
        bias: Any = network.head.bias
        head = torch.kron(torch.eye(4, device=features.device), network.head.weight[:, :, 0, 0])
        grey = F.linear(features.permute(0, 2, 3, 1).float(), head, bias.expand(4))
    return F.pixel_shuffle(grey.permute(0, 3, 1, 2), 2)


def _convolve_and_pool(image: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Give relu(maxpool(conv(image)))."""
    folded = F.pixel_unshuffle(image, 2).contiguous(memory_format=torch.channels_last)
    kernel = _fold(weight)
    places = F.conv2d(folded, kernel, bias.repeat(4), padding=kernel.shape[-1] // 2)
    pooled: Tensor = _MaxOfPlaces.apply(places)  # type: ignore[no-untyped-call]
    return pooled


def _fold(weight: Tensor) -> Tensor:
    """Turn a kernel (O, I, k, k) for an image into one (4 O, 4 I, n, n) for the image folded 2 × 2.

    The outputs are grouped by place (top left, top right, bottom left, bottom right), the inputs by channel,
    as `torch.nn.functional.pixel_unshuffle` orders them.
    """
    outputs, inputs, size, _ = weight.shape
    reach = (size // 2 + 1) // 2
    wide = 2 * (2 * reach + 1)
    places = []
    for row in (0, 1):
        for column in (0, 1):
            top, left = 2 * reach + row - size // 2, 2 * reach + column - size // 2
            margins = (left, wide - size - left, top, wide - size - top)
            moved = F.pad(weight, margins).reshape(outputs, inputs, wide // 2, 2, wide // 2, 2)
            places.append(moved.permute(0, 1, 3, 5, 2, 4).reshape(outputs, 4 * inputs, wide // 2, wide // 2))
    return torch.cat(places)


class _MaxOfPlaces(torch.autograd.Function):
    """The largest of four places (B, 4 C, H, W) or 0: (B, C, H, W)."""

    @staticmethod
    def forward(ctx: Any, places: Tensor) -> Tensor:
        """Keep the places and the largest."""
        a, b, c, d = places.chunk(4, 1)
        largest = torch.maximum(torch.maximum(a, b), torch.maximum(c, d)).clamp_min_(0)
        ctx.save_for_backward(places, largest)
        return largest

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Give the gradient to every place that is the largest; PyTorch picks the first of equals."""
        places, largest = ctx.saved_tensors
        passed = gradient * (largest > 0)
        winners = places.unflatten(1, (4, largest.shape[1])) == largest[:, None]
        spread: Tensor = (winners * passed[:, None]).flatten(1, 2)
        return spread
