"""Net1: from the three edge maps to the initial guess of the boundaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from temgrains import models, tiling
from temgrains.records import BoundaryMap, EdgeMaps, Progress, silent
from temgrains.settings import GuessSettings
from temgrains.sight import VIEWS, turned, turned_back, with_grey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn


def guess(
    edges: EdgeMaps,
    *,
    model: str | Path | models.Model = models.DEFAULT,
    settings: GuessSettings = GuessSettings(),  # noqa: B008  (frozen)
    views: Sequence[int] | None = None,
    progress: Progress = silent,
) -> BoundaryMap:
    """Give the initial guess: Net1's grey output, the mean of several views of the image, rounded to 8 bit.

    Parameters
    ----------
    edges
        Edge maps, uint8 0 or 255, shape (3, H, W).
    model
        A loaded model, a model's name or the path of its file.
    settings
        Number of views whose mean is the guess, precision; device and tile size, which change nothing.
    views
        Which of the eight views, numbered from 0, are the guess; None for the first ones.
    progress
        Called as ``progress("guess", tiles_done, tiles)``.

    Returns
    -------
    BoundaryMap
        uint8 0..255, shape (H, W).

    Raises
    ------
    ModelError
        If the model cannot be loaded.
    ValueError
        If the model looks at the grey image and the edges came without it.
    """
    net1 = (loaded := model if isinstance(model, models.Model) else models.load(model)).net1
    seen = _seen(net1, edges)
    members = range(settings.members or loaded.members) if views is None else views
    total = np.zeros(seen.shape[1:], np.float32)
    network = tiling.Repeated(
        net1, tile_px=settings.tile_px, device=settings.device, precision=settings.precision
    )
    for number, view in enumerate(VIEWS[member] for member in members):

        def report(stage: str, done: int, tiles: int, number: int = number) -> None:
            progress(stage, number * tiles + done, len(members) * tiles)

        image = np.ascontiguousarray(turned(seen, view))
        total += turned_back(network(image, stage="guess", progress=report), view)
    return BoundaryMap(np.rint(total / np.float32(len(members))).astype(np.uint8))


def _seen(net1: nn.Module, edges: EdgeMaps) -> NDArray[np.uint8]:
    """Give the channels that the network looks at, uint8, shape (3 or 4, H, W)."""
    if int(getattr(net1, "channels")) == len(edges.maps):  # noqa: B009
        return edges.maps
    return with_grey(edges)
