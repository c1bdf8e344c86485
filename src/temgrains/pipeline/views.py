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
from temgrains.settings import EdgeSettings, Settings
from temgrains.sight import Sight, at_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from temgrains import models

_DEFAULTS = Settings()


class EdgePyramid:
    """The edges of a micrograph at each size at which views look at it, found once, when first asked for.

    Guess and refinement look at the same sizes: whoever lets both run makes one pyramid and lends it to them.
    What it has found stays in memory as long as it does itself, 4 bytes a pixel of each size.

    Parameters
    ----------
    edges
        What was found at the working scale. Without their grey there is no other size.
    settings
        Edge detectors for the other sizes.
    """

    def __init__(self, edges: EdgeMaps, settings: EdgeSettings = _DEFAULTS.edges) -> None:
        self.edges = edges
        self._settings = settings
        self._known = {1.0: edges}

    def at(self, zoom: float, progress: Progress = silent) -> EdgeMaps:
        """Give the edges in the image enlarged by a factor; called as ``progress("edges", done, 3)``.

        Raises
        ------
        ValueError
            If the edges came without the grey image, or less than 16 px are left along a side.
        """
        if zoom not in self._known:
            if self.edges.grey is None:
                raise ValueError("edges without the grey image have no other size; find them with find_edges")
            image = Micrograph(self.edges.grey.astype(np.float32) / np.float32(255))
            found = find_edges(resampled(image, zoom), settings=self._settings, progress=progress)
            self._known[zoom] = found
        return self._known[zoom]


def guess_of(
    edges: EdgeMaps | EdgePyramid,
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
        What was found at the working scale, or a pyramid of it. Without their grey no view is larger or
        smaller.
    model
        Its card says how many views there are, and how much larger and smaller they are in turn.
    settings
        The same (`settings.guess`), and the edge detectors where no pyramid brings its own.
    views
        Which views vote, numbered from 0; None for the first ones.
    progress
        Called as ``progress("guess", done, total)``, and as ``progress("edges", done, 3)`` for each size.
    """
    wanted, pyramid = settings.guess, _pyramid(edges, settings)
    chosen = list(range(wanted.members or model.members) if views is None else views)
    total = np.zeros(pyramid.edges.maps.shape[1:], np.float32)
    done = 0
    for zoom, members in _by_zoom(chosen, wanted.zoom or model.zoom, pyramid.edges).items():

        def report(stage: str, tiles: int, of: int, before: int = done, share: int = len(members)) -> None:
            progress(stage, before * of + share * tiles, len(chosen) * of)

        seen = pyramid.at(zoom, progress)
        voted = guess(seen, model=model, settings=wanted, views=members, progress=report).grey
        total += len(members) * at_shape(voted, total.shape).astype(np.float32)
        done += len(members)
    return BoundaryMap(np.rint(total / np.float32(len(chosen))).astype(np.uint8))


def sights_of(
    edges: EdgeMaps | EdgePyramid,
    *,
    model: models.Model,
    settings: Settings = _DEFAULTS,
    progress: Progress = silent,
) -> list[Sight]:
    """Give the views that a refiner looks at: those that vote on the guess; none without a grey image.

    The parameters are those of `guess_of`. What a pyramid has found already is taken from it, not copied.
    """
    wanted, pyramid = settings.guess, _pyramid(edges, settings)
    if pyramid.edges.grey is None or not isinstance(model.net2, SightedPair):
        return []
    chosen = range(wanted.members or model.members)
    sights = []
    for zoom, members in _by_zoom(chosen, wanted.zoom or model.zoom, pyramid.edges).items():
        seen = pyramid.at(zoom, progress)
        sights += [Sight.of(seen, member) for member in members]
    return sights


def _pyramid(edges: EdgeMaps | EdgePyramid, settings: Settings) -> EdgePyramid:
    return edges if isinstance(edges, EdgePyramid) else EdgePyramid(edges, settings.edges)


def _by_zoom(views: Sequence[int], zoom: float, edges: EdgeMaps) -> dict[float, list[int]]:
    """Say at which size each view is: as it is, reduced, enlarged, and so on in turn."""
    fits = edges.grey is not None and min(edges.maps.shape[1:]) >= zoom * MIN_WORKING_PX
    zooms = (1.0, 1 / zoom, zoom) if fits else (1.0,)
    found: dict[float, list[int]] = {}
    for view in views:
        found.setdefault(zooms[view % len(zooms)], []).append(view)
    return found
