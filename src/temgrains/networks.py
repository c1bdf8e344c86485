"""The two encoder-decoders of the paper, layer by layer as its Fig. 5, and the pair for real micrographs.

All are fully convolutional: any image whose sides are multiples of `STRIDE` goes through, and nothing
further away than ``halo`` pixels influences a pixel. ``channels_last`` is the memory layout that is quicker.
``coarse`` says that bfloat16 is enough: no grain is lost by it. ``exact`` says that float32 is not: the
iteration of the paper's Net2 amplifies the last bit, which every processor and number of threads rounds its
own way; on a processor its sums are taken in float64. Weights come from `temgrains.models`; nothing here
reads files.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        return apply_head(self.head, self.decoder(latent))  # (B, 1, H, W)

    def forward(self, edges: Tensor) -> Tensor:
        """Give grey 0..255; the clipped ReLU of Fig. 5."""
        return self.unclipped(edges).clamp(0.0, self.ceiling)


class PaperNet2(nn.Module):
    """A state (B, 1, H, W) in 0..255 to the next one in 0..1 (Fig. 5 B)."""

    channels: ClassVar[int] = 1
    ceiling: ClassVar[float] = 1.0
    halo: ClassVar[int] = 64
    channels_last: ClassVar[bool] = False
    exact: ClassVar[bool] = True

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
        return apply_head(self.head, self.decoder(latent))  # (B, 1, H, W)

    def forward(self, state: Tensor) -> Tensor:
        """Give the next state in 0..1; the clipped ReLU of Fig. 5."""
        return self.unclipped(state).clamp(0.0, self.ceiling)


class _Stage(nn.Sequential):
    """Two 3 x 3 convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class _SkipNetwork(nn.Module):
    """An encoder-decoder whose decoder sees the encoder's features of its own scale.

    It works on the image folded 2 x 2: a quarter of the pixels with four times the channels costs the same
    sums and a fraction of the memory traffic.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        ways = list(pairwise(widths))
        self.encoder = nn.ModuleList([_Stage(4 * inputs, widths[0]), *(_Stage(i, o) for i, o in ways)])
        self.up = nn.ModuleList(nn.ConvTranspose2d(o, i, 2, stride=2) for i, o in reversed(ways))
        self.decoder = nn.ModuleList(_Stage(2 * i, i) for i, _ in reversed(ways))
        self.head = nn.Conv2d(widths[0], 4, 1)

    def forward(self, image: Tensor) -> Tensor:
        features = nn.functional.pixel_unshuffle(image, 2)  # (B, 4 C, H/2, W/2)
        features = features.contiguous(memory_format=torch.channels_last)
        kept: list[Tensor] = []
        for stage in self.encoder:
            features = stage(features if not kept else nn.functional.max_pool2d(features, 2))
            kept.append(features)
        kept.pop()
        for up, stage in zip(self.up, self.decoder, strict=True):
            features = stage(torch.cat([up(features), kept.pop()], 1))
        return nn.functional.pixel_shuffle(apply_head(self.head, features), 2)  # (B, 1, H, W)


class GuessNet(nn.Module):
    """Edge maps and grey image (B, 4, H, W) in 0..255 to how likely a boundary is (B, 1, H, W) in 0..255.

    The grey image goes in as it is and flattened: less its local mean, over its local deviation, so that
    uneven light and the overall contrast do not matter.
    """

    channels: ClassVar[int] = 4
    ceiling: ClassVar[float] = 255.0
    halo: ClassVar[int] = 144
    channels_last: ClassVar[bool] = True
    coarse: ClassVar[bool] = True

    def __init__(self, widths: Sequence[int] = (32, 64, 128, 192)) -> None:
        super().__init__()
        self.widths = tuple(widths)
        """Features of the four scales."""
        self.network = _SkipNetwork(self.channels + 1, self.widths)

    def unclipped(self, image: Tensor) -> Tensor:
        """Give the logit of the likelihood."""
        logit: Tensor = self.network(self.look(image, flattened(image[:, 3:] / 255)))
        return logit

    def forward(self, image: Tensor) -> Tensor:
        """Give the likelihood as grey 0..255."""
        return self.unclipped(image).sigmoid() * self.ceiling

    @staticmethod
    def look(image: Tensor, flat: Tensor) -> Tensor:
        """Give what the layers see: shares of 1 and the flattened grey (B, 5, H, W)."""
        shares = image / 255
        return torch.cat([shares[:, :3], shares[:, 3:] - 0.5, flat], 1)


class GuidedNet(nn.Module):
    """A state, the evidence and where there is any (B, 3, H, W) in 0..255 to the next state in 0..1.

    The evidence is the initial guess: it holds the lines where the micrograph shows them, however often the
    refinement passes. Where the third channel is 0 there is none, and the state alone decides.
    """

    channels: ClassVar[int] = 3
    ceiling: ClassVar[float] = 1.0
    halo: ClassVar[int] = 96
    channels_last: ClassVar[bool] = True

    widths: ClassVar[tuple[int, ...]] = (24, 32, 48, 64)

    def __init__(self) -> None:
        super().__init__()
        self.network = _SkipNetwork(self.channels, self.widths)

    def unclipped(self, image: Tensor) -> Tensor:
        """Give the logit of the next state."""
        logit: Tensor = self.network(self.look(image))
        return logit

    def forward(self, image: Tensor) -> Tensor:
        """Give the next state in 0..1."""
        return self.unclipped(image).sigmoid()

    @staticmethod
    def look(image: Tensor) -> Tensor:
        """Give what the layers see: shares of 1, of the evidence what is known (B, 3, H, W)."""
        shares = image / 255
        known = shares[:, 2:]
        return torch.cat([shares[:, :1], shares[:, 1:2] * known, known], 1)


class SightedNet(nn.Module):
    """A state, the guess, edge maps and grey (B, 6, H, W) in 0..255 to the next state in 0..1.

    It sees all that `GuessNet` sees, and what that made of it: a line is completed where the micrograph
    allows it.
    """

    channels: ClassVar[int] = 6
    ceiling: ClassVar[float] = 1.0
    halo: ClassVar[int] = 144
    channels_last: ClassVar[bool] = True
    coarse: ClassVar[bool] = True

    widths: ClassVar[tuple[int, ...]] = (32, 64, 96, 128)

    def __init__(self) -> None:
        super().__init__()
        self.network = _SkipNetwork(8, self.widths)

    def unclipped(self, image: Tensor) -> Tensor:
        """Give the logit of the next state."""
        logit: Tensor = self.network(self.look(image, flattened(image[:, 5:] / 255)))
        return logit

    def forward(self, image: Tensor) -> Tensor:
        """Give the next state in 0..1."""
        return self.unclipped(image).sigmoid()

    @staticmethod
    def look(image: Tensor, flat: Tensor) -> Tensor:
        """Give what the layers see (B, 8, H, W): state, guess, 1 everywhere, and what a guess looks at."""
        states = image[:, :2] / 255
        return torch.cat([states, torch.ones_like(flat), GuessNet.look(image[:, 2:], flat)], 1)


class SightedPair(nn.Module):
    """Two refiners: one for a micrograph that can be looked at, one for a guess or noise alone.

    Called itself (B, 6, H, W; as `SightedNet`), it gives the mean of both, which only a self-test wants.
    """

    channels: ClassVar[int] = SightedNet.channels
    ceiling: ClassVar[float] = 1.0

    def __init__(self, sighted: SightedNet | None = None, guided: GuidedNet | None = None) -> None:
        super().__init__()
        self.sighted = SightedNet() if sighted is None else sighted
        self.guided = GuidedNet() if guided is None else guided

    def forward(self, image: Tensor) -> Tensor:
        """Give the mean of what both make of a state."""
        known = torch.full_like(image[:, :1], 255)
        mean: Tensor = (self.sighted(image) + self.guided(torch.cat([image[:, :2], known], 1))) / 2
        return mean


_WINDOW = 17
"""Side of the window of `flattened`, in blocks of 4 x 4 px."""

FLAT_REACH = 4 * (_WINDOW // 2 + 2)
"""How far `flattened` looks [px]: half the window, and the block it blends with."""


def flattened(grey: Tensor) -> Tensor:
    """Give grey (B, 1, H, W) in 0..1 less its mean within 68 px, in thirds of deviations."""
    with torch.autocast(grey.device.type, enabled=False):
        grey = grey.float()
        blocks = torch.cat([grey, grey.square()], 1)
        blocks = nn.functional.avg_pool2d(blocks, 4)
        around = blocks
        for window in ((1, _WINDOW), (_WINDOW, 1)):
            half = (window[0] // 2, window[1] // 2)
            around = nn.functional.avg_pool2d(around, window, stride=1, padding=half, count_include_pad=False)
        mean, square = _four_times(_four_times(around, 2), 3).chunk(2, 1)
        deviation = (square - mean.square()).clamp_min(0).sqrt()
        flat: Tensor = (grey - mean) / (3 * deviation + 0.05)
        return flat


def _four_times(values: Tensor, axis: int) -> Tensor:
    """Interpolate linearly to four times the size, with sums that do not depend on where a pixel lies."""
    count = values.shape[axis]
    before = torch.cat([values.narrow(axis, 0, 1), values.narrow(axis, 0, count - 1)], axis)
    after = torch.cat([values.narrow(axis, 1, count - 1), values.narrow(axis, count - 1, 1)], axis)
    sides = [(before, 0.375), (before, 0.125), (after, 0.125), (after, 0.375)]
    parts = [values * (1 - share) + side * share for side, share in sides]
    return torch.stack(parts, axis + 1).flatten(axis, axis + 1)


def apply_head(head: nn.Conv2d, features: Tensor) -> Tensor:
    """Apply the last layer in float32: bfloat16 has no room for 256 grey levels."""
    with torch.autocast(features.device.type, enabled=False):
        return nn.functional.conv2d(features.float(), head.weight.float(), head.bias)


ARCHITECTURES: dict[str, type[nn.Module]] = {
    "PaperNet1": PaperNet1,
    "PaperNet2": PaperNet2,
    "GuessNet": GuessNet,
    "GuidedNet": GuidedNet,
    "SightedPair": SightedPair,
}
"""The network classes a model card may name."""
