"""Net1: from the three edge maps to the initial guess of the boundaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from temgrains import models, tiling
from temgrains.records import BoundaryMap, EdgeMaps, Progress, silent
from temgrains.settings import GuessSettings

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn


def guess(
    edges: EdgeMaps,
    *,
    model: str | Path | models.Model = models.DEFAULT,
    settings: GuessSettings = GuessSettings(),  # noqa: B008  (frozen)
    progress: Progress = silent,
) -> BoundaryMap:
    """Give the initial guess: Net1's grey output, rounded to 8 bit.

    Parameters
    ----------
    edges
        Edge maps, uint8 0 or 255, shape (3, H, W).
    model
        A loaded model, a model's name or the path of its file.
    settings
        Device and tile size; neither changes the result.
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
    net1 = (model if isinstance(model, models.Model) else models.load(model)).net1
    grey = tiling.apply(
        net1,
        _seen(net1, edges),
        tile_px=settings.tile_px,
        device=settings.device,
        stage="guess",
        progress=progress,
    )
    return BoundaryMap(np.rint(grey).astype(np.uint8))


def _seen(net1: nn.Module, edges: EdgeMaps) -> NDArray[np.uint8]:
    """Give the channels that the network looks at, uint8, shape (3 or 4, H, W)."""
    if int(getattr(net1, "channels")) == len(edges.maps):  # noqa: B009
        return edges.maps
    if edges.grey is None:
        raise ValueError("this model looks at the grey image too; find the edges with find_edges")
    return np.concatenate([edges.maps, edges.grey[None]])
