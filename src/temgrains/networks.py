"""The two encoder-decoders of the paper, layer by layer as its Fig. 5.

Both are fully convolutional: any image whose sides are multiples of `STRIDE` goes through, and nothing
further away than ``halo`` pixels influences a pixel. ``channels_last`` is the memory layout that is quicker
(Net1), or whose sums round like double precision (Net2, whose iteration amplifies the last bit). Weights come
from `temgrains.models`; nothing here reads files.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

STRIDE = 16
"""Four halvings: sides of the input must be multiples of this [px]."""

PUBLISHED_STATE_MEAN = 27.370562
"""Mean grey of the published training states, which the published Net2 subtracts from its input."""


def _encoder_block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)
    )


def _decoder_block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 2, stride=2),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class PaperNet1(nn.Module):
    """Edge maps (B, 3, H, W) in 0..255 to the initial guess (B, 1, H, W) in 0..255 (Fig. 5 A)."""

    channels: ClassVar[int] = 3
    ceiling: ClassVar[float] = 255.0
    halo: ClassVar[int] = 96
    channels_last: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            _encoder_block(3, 16), _encoder_block(16, 32), _encoder_block(32, 64), _encoder_block(64, 128)
        )
        self.bridge = nn.Sequential(nn.Conv2d(128, 128, 3, padding=1), nn.BatchNorm2d(128), nn.ReLU())
        self.decoder = nn.Sequential(
            _decoder_block(128, 64), _decoder_block(64, 32), _decoder_block(32, 16), _decoder_block(16, 8)
        )
        self.head = nn.Conv2d(8, 1, 1)

    def unclipped(self, edges: Tensor) -> Tensor:
        """Give the output before the clipped ReLU, whose flat ends have no gradient to learn from."""
        latent = self.bridge(self.encoder(edges))  # (B, 128, H/16, W/16)
        return _head(self.head, self.decoder(latent))  # (B, 1, H, W)

    def forward(self, edges: Tensor) -> Tensor:
        """Give grey 0..255; the clipped ReLU of Fig. 5."""
        return self.unclipped(edges).clamp(0.0, self.ceiling)


class PaperNet2(nn.Module):
    """A state (B, 1, H, W) in 0..255 to the next one in 0..1 (Fig. 5 B)."""

    channels: ClassVar[int] = 1
    ceiling: ClassVar[float] = 1.0
    halo: ClassVar[int] = 64
    channels_last: ClassVar[bool] = False

    state_mean: Tensor

    def __init__(self, state_mean: float = PUBLISHED_STATE_MEAN) -> None:
        super().__init__()
        self.register_buffer("state_mean", torch.tensor(float(state_mean)))
        down = [(1, 4, 15), (4, 8, 7), (8, 16, 5), (16, 32, 3)]
        self.encoder = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(i, o, k, padding=k // 2), nn.ReLU(), nn.MaxPool2d(2))
                for i, o, k in down
            )
        )
        up = [(32, 32), (32, 16), (16, 8), (8, 4)]
        self.decoder = nn.Sequential(
            *(nn.Sequential(nn.ConvTranspose2d(i, o, 2, stride=2), nn.ReLU()) for i, o in up)
        )
        self.head = nn.Conv2d(4, 1, 1)

    def unclipped(self, state: Tensor) -> Tensor:
        """Give the output before the clipped ReLU, whose flat ends have no gradient to learn from."""
        latent = self.encoder(state - self.state_mean)  # (B, 32, H/16, W/16)
        return _head(self.head, self.decoder(latent))  # (B, 1, H, W)

    def forward(self, state: Tensor) -> Tensor:
        """Give the next state in 0..1; the clipped ReLU of Fig. 5."""
        return self.unclipped(state).clamp(0.0, self.ceiling)


def _head(head: nn.Conv2d, features: Tensor) -> Tensor:
    """Apply the last layer in float32: bfloat16 has no room for 256 grey levels."""
    with torch.autocast(features.device.type, enabled=False):
        return nn.functional.conv2d(features.float(), head.weight.float(), head.bias)


ARCHITECTURES: dict[str, type[nn.Module]] = {"PaperNet1": PaperNet1, "PaperNet2": PaperNet2}
"""The network classes a model card may name."""
