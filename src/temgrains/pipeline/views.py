"""The views that vote on the guess: the image turned and mirrored, and in turn reduced and enlarged.

A network knows what it learnt at one size of grain. Of grains half as large again it sees other detail: what
one size invents the others seldom repeat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from temgrains.edges import find_edges
from temgrains.guess import guess
from temgrains.networks import SightedPair
from temgrains.pipeline.scale import MIN_WORKING_PX, resampled
from temgrains.records import BoundaryMap, EdgeMaps, Micrograph, Progress, silent
from temgrains.settings import Settings
from temgrains.sight import Sight, at_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from temgrains import models

_DEFAULTS = Settings()


def guess_of(
    edges: EdgeMaps,
    *,
    model: models.Model,
    settings: Settings = _DEFAULTS,
    views: Sequence[int] | None = None,
    progress: Progress = silent,
) -> BoundaryMap:
    """Give Net1's initial guess at the scale of the edges, the mean of several views.

    Parameters
    ----------
    edges
        What was found at the working scale. Without their grey no view is larger or smaller.
    model
        Its card says how many views there are, and how much larger and smaller they are in turn.
    settings
        The same (`settings.guess`), and the edge detectors.
    views
        Which views vote, numbered from 0; None for the first ones.
    progress
        Called as ``progress("guess", done, total)``.
    """
    wanted = settings.guess
    chosen = list(range(wanted.members or model.members) if views is None else views)
    total = np.zeros(edges.maps.shape[1:], np.float32)
    done = 0
    for zoom, members in _by_zoom(chosen, wanted.zoom or model.zoom, edges).items():

        def report(stage: str, tiles: int, of: int, before: int = done, share: int = len(members)) -> None:
            progress(stage, before * of + share * tiles, len(chosen) * of)

        seen = edges if zoom == 1 else _zoomed(edges, zoom, settings)
        voted = guess(seen, model=model, settings=wanted, views=members, progress=report).grey
        total += len(members) * at_shape(voted, total.shape).astype(np.float32)
        done += len(members)
    return BoundaryMap(np.rint(total / np.float32(len(chosen))).astype(np.uint8))


def sights_of(edges: EdgeMaps, *, model: models.Model, settings: Settings = _DEFAULTS) -> list[Sight]:
    """Give the views that a refiner looks at: those that vote on the guess; none without a grey image."""
    if edges.grey is None or not isinstance(model.net2, SightedPair):
        return []
    wanted = settings.guess
    chosen = range(wanted.members or model.members)
    sights = []
    for zoom, members in _by_zoom(chosen, wanted.zoom or model.zoom, edges).items():
        seen = edges if zoom == 1 else _zoomed(edges, zoom, settings)
        sights += [Sight.of(seen, member) for member in members]
    return sights


def _by_zoom(views: Sequence[int], zoom: float, edges: EdgeMaps) -> dict[float, list[int]]:
    """Say at which size each view is: as it is, reduced, enlarged, and so on in turn."""
    fits = edges.grey is not None and min(edges.maps.shape[1:]) >= zoom * MIN_WORKING_PX
    zooms = (1.0, 1 / zoom, zoom) if fits else (1.0,)
    found: dict[float, list[int]] = {}
    for view in views:
        found.setdefault(zooms[view % len(zooms)], []).append(view)
    return found


def _zoomed(edges: EdgeMaps, zoom: float, settings: Settings) -> EdgeMaps:
    """Find the edges anew in the image at another size."""
    assert edges.grey is not None  # else all views are of one size
    image = Micrograph(edges.grey.astype(np.float32) / np.float32(255))
    return find_edges(resampled(image, zoom), settings=settings.edges)
