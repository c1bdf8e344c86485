"""An analysis made by hand, for tests that need all records at once."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from drawings import network
from temgrains.boundaries import close
from temgrains.grains import label
from temgrains.records import Analysis, BoundaryMap, EdgeMaps, Iterate, Micrograph
from temgrains.settings import BoundarySettings
from temgrains.sizes import measure


def made(shape=(40, 60), *, pixel_size=(0.72, 0.72), passes=3, seed=5):
    """An analysis of a drawn network, as the pipeline would give it."""
    rng = np.random.default_rng(seed)
    truth = network(shape, 8, rng)
    iterates = tuple(
        Iterate(
            index,
            np.where(truth, 90 + 50 * index, 0).astype(np.uint8),
            math.nan if index == 0 else 0.1 / index,
        )
        for index in range(passes)
    )
    boundaries = close(iterates[-1].state, settings=BoundarySettings(closing_radius_px=0))
    grains = label(boundaries)
    return Analysis(
        micrograph=Micrograph(rng.random(shape, np.float32), pixel_size),
        edges=EdgeMaps(np.zeros((3, *shape), np.uint8)),
        guess=BoundaryMap(iterates[0].state),
        iterates=iterates,
        boundaries=boundaries,
        grains=grains,
        sizes=measure(grains, pixel_size=pixel_size),
        provenance={
            "version": "0.1.0",
            "source": "Körner_µ.tif",
            "change": [0.1, math.nan, math.inf],
            "shape": np.array(shape),
            "seconds": {"guess": np.float32(0.5)},
            "model": {"name": Path("models") / "paper"},
        },
    )
