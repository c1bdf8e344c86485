"""Tiles to fine-tune on: parts of the user's examples, known here and there, and synthetic micrographs.

A tile depends on the seed and on its number alone: a run that goes on is the run that was never stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from skimage.transform import resize
from torch.utils.data import Dataset, Sampler

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from temgrains.records import ByteArray, EdgeMaps, MaskArray
    from temgrains.training.examples import Example
    from temgrains.training.pairs import Pairs
    from temgrains.training.settings import TuneSettings

    Tile = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]

MOST_HELD = 24
"""Most tiles of held-out corrections that one look at the error takes."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What Net1 sees of an example at its working scale, what it should answer, and where that is known.

    ``inputs`` is uint8, shape (3 or 4, H, W); ``truth`` is uint8, 0..255, ``learnt`` and ``held`` are bool,
    shape (H, W): where the truth teaches, and where it only judges.
    """

    inputs: ByteArray = field(repr=False)
    truth: ByteArray = field(repr=False)
    learnt: MaskArray = field(repr=False)
    held: MaskArray = field(repr=False)


def seen_of(
    edges: EdgeMaps, boundaries: MaskArray, parts: tuple[MaskArray, MaskArray], *, thickness_px: float
) -> Seen:
    """Bring boundaries, and the parts that are learnt and held out, to the scale of the edges.

    Parameters
    ----------
    edges
        What was found in the image at its working scale, with its grey.
    boundaries
        True boundaries at the image's own scale, one pixel wide.
    parts
        Where they teach and where they judge, at the image's own scale.
    thickness_px
        Thickness of the lines that the network is to answer [px].
    """
    shape = edges.maps.shape[1:]
    learnt, held = (resize(part, shape, order=0, mode="edge", anti_aliasing=False) for part in parts)
    distance = np.full(boundaries.shape, np.float64(sum(boundaries.shape)))
    if boundaries.any():
        distance = ndimage.distance_transform_edt(~boundaries)
    distance *= shape[0] / boundaries.shape[0]
    away = resize(distance, shape, order=1, mode="edge", anti_aliasing=False, preserve_range=True)
    truth = np.rint(255 * np.clip(thickness_px / 2 + 0.5 - away, 0, 1)).astype(np.uint8)
    grey = [] if edges.grey is None else [edges.grey[None]]
    return Seen(np.concatenate([edges.maps, *grey]), truth, learnt.astype(bool), held.astype(bool))


def hold_out(examples: Sequence[Example], *, share: float, seed: int) -> list[tuple[MaskArray, MaskArray]]:
    """Divide what was looked at into a part to learn from and a part to judge by.

    Returns
    -------
    parts
        Two bool arrays per example, shape (H, W). Of several examples whole ones are held out; of a single
        one a strip at one end of its longer side, so that held-out lines do not go on in learnt ones.
    """
    rng = np.random.default_rng(seed)
    if len(examples) == 1:
        return [_strip(examples[0].looked, share, last=bool(rng.random() < 0.5))]
    held = rng.permutation(len(examples))[: min(max(1, round(share * len(examples))), len(examples) - 1)]
    nothing = [np.zeros_like(example.looked) for example in examples]
    return [
        (nothing[k], example.looked) if k in held else (example.looked, nothing[k])
        for k, example in enumerate(examples)
    ]


def _strip(looked: MaskArray, share: float, *, last: bool) -> tuple[MaskArray, MaskArray]:
    axis = int(np.argmax(looked.shape))
    along = np.cumsum(looked.sum(axis=1 - axis)) / looked.sum()
    before = along <= 1 - share if last else along > share
    learnt = looked & (before[:, None] if axis == 0 else before[None, :])
    return learnt, looked & ~learnt


class TuneTiles(Dataset["Tile"]):
    """Tiles of the user's examples and of synthetic micrographs in turn, each turned one of eight ways.

    An item is the input (3 or 4, S, S; 0..255), the truth (1, S, S; 0..255) and where it is known (1, S, S; 0
    or 1), all uint8.
    """

    def __init__(
        self, own: Sequence[Seen], synthetic: Pairs, which: NDArray[np.intp], settings: TuneSettings
    ) -> None:
        self._own = [seen for seen in own if seen.learnt.any()]
        self._places = [np.flatnonzero(seen.learnt) for seen in self._own]
        self._synthetic, self._which, self._settings = synthetic, which, settings
        areas = np.array([len(places) for places in self._places], float)
        self._shares = areas / areas.sum()

    def __len__(self) -> int:
        """Count the tiles of all epochs."""
        return self._settings.epochs * self._settings.steps * self._settings.batch

    def __getitem__(self, number: int) -> Tile:
        """Give a tile by its number."""
        settings = self._settings
        rng = np.random.default_rng([settings.seed, number])
        if number % settings.batch < settings.own_tiles:
            k = int(rng.choice(len(self._own), p=self._shares))
            place = int(self._places[k][rng.integers(len(self._places[k]))])
            tile = cut(self._own[k], _corner(self._own[k], place, settings.side_px, rng), settings.side_px)
        else:
            tile = _drawn(self._synthetic, self._which[rng.integers(len(self._which), size=1)])
        return _turned(tile, int(rng.integers(8)))


class HeldTiles(Dataset["Tile"]):
    """Tiles that cover the held-out corrections."""

    def __init__(self, own: Sequence[Seen], settings: TuneSettings) -> None:
        self._side = settings.side_px
        corners = [
            (seen, (row, column))
            for seen in own
            for row in range(0, seen.truth.shape[0], self._side)
            for column in range(0, seen.truth.shape[1], self._side)
            if seen.held[row : row + self._side, column : column + self._side].any()
        ]
        chosen = np.linspace(0, len(corners) - 1, min(len(corners), MOST_HELD)).round().astype(int)
        self._corners = [corners[k] for k in chosen]

    def __len__(self) -> int:
        """Count the tiles."""
        return len(self._corners)

    def __getitem__(self, k: int) -> Tile:
        """Give a tile."""
        seen, corner = self._corners[k]
        return cut(seen, corner, self._side, known=seen.held)


class DrawnTiles(Dataset["Tile"]):
    """Synthetic micrographs, known everywhere."""

    def __init__(self, synthetic: Pairs, which: NDArray[np.intp]) -> None:
        self._synthetic, self._which = synthetic, which

    def __len__(self) -> int:
        """Count the micrographs."""
        return len(self._which)

    def __getitem__(self, k: int) -> Tile:
        """Give a micrograph."""
        return _drawn(self._synthetic, self._which[k : k + 1])


class InOrder(Sampler[int]):
    """The numbers of an epoch's tiles, in order; Lightning tells it which epoch it is."""

    def __init__(self, per_epoch: int) -> None:
        self._per_epoch, self._epoch = per_epoch, 0

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        """Give the numbers."""
        return iter(range(self._epoch * self._per_epoch, (self._epoch + 1) * self._per_epoch))

    def __len__(self) -> int:
        """Count them."""
        return self._per_epoch


def cut(seen: Seen, corner: tuple[int, int], side_px: int, *, known: MaskArray | None = None) -> Tile:
    """Cut a square out; what lies beyond the image repeats its last pixels and is not known."""
    window = tuple(slice(start, start + side_px) for start in corner)
    known = seen.learnt if known is None else known
    inputs, truth, weight = seen.inputs[:, *window], seen.truth[window], known[window]
    missing = [(0, side_px - n) for n in truth.shape]
    return (
        np.pad(inputs, [(0, 0), *missing], mode="edge"),
        np.pad(truth, missing)[None],
        np.pad(weight.astype(np.uint8), missing)[None],
    )


def _corner(seen: Seen, place: int, side_px: int, rng: np.random.Generator) -> tuple[int, int]:
    """Choose where a tile begins, so that it holds a pixel and stays inside if it can."""
    height, width = seen.truth.shape
    row, column = (int(x) - int(rng.integers(side_px)) for x in divmod(place, width))
    return min(max(row, 0), max(height - side_px, 0)), min(max(column, 0), max(width - side_px, 0))


def _drawn(synthetic: Pairs, which: NDArray[np.intp]) -> Tile:
    truth = synthetic.truths(which)[0]
    return synthetic.inputs(which)[0], truth * np.uint8(255), np.ones_like(truth)


def _turned(tile: Tile, view: int) -> Tile:
    """Give one of the eight views of a square."""

    def turned(part: NDArray[Any]) -> NDArray[Any]:
        part = np.rot90(part, view % 4, axes=(-2, -1))
        return np.ascontiguousarray(part[..., ::-1] if view >= 4 else part)

    inputs, truth, weight = map(turned, tile)
    return inputs, truth, weight
