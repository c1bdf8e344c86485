"""Several images of one specimen as one result: they are its fields."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.files import plain
from temgrains.statistics.astm import remark
from temgrains.statistics.between import ACCEPTABLE_RA, FEWEST_FIELDS, between_fields, pooled, pooled_g
from temgrains.statistics.distribution import fit_lognormal, summarise
from temgrains.statistics.report import UNWEIGHTED, WEIGHTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from temgrains.statistics.between import Spread
    from temgrains.statistics.field import GrainSize
    from temgrains.statistics.report import SizeStatistics

TILES = (
    "the images are tiles of one image, not independent fields: the interval holds the scatter within that "
    "image only, and is too narrow for the specimen"
)


@dataclass(frozen=True, slots=True)
class OneField:
    """What of one image goes into the result of all: methods, diameters of whole grains, their weights."""

    methods: list[GrainSize] = field(repr=False)
    unit: str
    diameters: NDArray[np.float64] = field(repr=False)
    weights: NDArray[np.float64] | None = field(repr=False)

    @classmethod
    def of(cls, found: SizeStatistics) -> OneField:
        """Take it from an image's statistics."""
        return cls(found.methods, found.counted.unit, found.diameters, found.weights)


def pool(results: Sequence[Sequence[GrainSize]], *, tiles: bool = False) -> list[dict[str, Any]]:
    """Give mean, interval and G of each method over several images of one specimen, as plain JSON.

    Parameters
    ----------
    results
        The methods' results for each image.
    tiles
        Whether the images are tiles of one image, which the notes then say.

    Raises
    ------
    ValueError
        If some images have a scale and others have none.
    """
    rows = []
    for fields in zip(*results, strict=True):
        if len({found.unit for found in fields}) > 1:
            raise ValueError("some images have a scale and others have none; give the pixel size of all")
        spread, (g, low, high) = pooled(fields), pooled_g(fields)
        intercepts = fields[0].size_is == "mean intercept"
        unit = fields[0].unit if intercepts else f"per {fields[0].unit}2"
        rows.append(
            {
                "method": fields[0].method,
                "mean_of": "mean intercept" if intercepts else "grains per area",
                "unit": unit,
                **_between(spread, tiles=tiles),
                "g": g,
                "g_low": low,
                "g_high": high,
                "notes": [*_of_g(g), *_pool_notes(spread.count, spread.relative_accuracy, tiles=tiles)],
            }
        )
    pooled_rows: list[dict[str, Any]] = plain(rows)
    return pooled_rows


def _of_g(g: float) -> list[str]:
    """Say where G lies beyond what the standard tabulates."""
    return [said] if (said := remark(g)) else []


def _pool_notes(count: int, relative_accuracy: float, *, tiles: bool) -> list[str]:
    notes = [] if count >= FEWEST_FIELDS else [f"{FEWEST_FIELDS} fields or more are asked for"]
    if relative_accuracy > ACCEPTABLE_RA:
        notes.append(f"the relative accuracy is above {ACCEPTABLE_RA:g} %: measure more fields")
    return [*notes, TILES] if tiles else notes


def pool_diameters(
    fields: Sequence[OneField], *, tiles: bool = False, replicates: int = 999, rng: int = 0
) -> dict[str, Any]:
    """Give the mean diameter of the fields with its interval, and the distribution of all their grains.

    Parameters
    ----------
    fields
        What each image gave.
    tiles
        Whether the images are tiles of one image, which the notes then say.
    replicates, rng
        As in `temgrains.statistics.distribution.fit_lognormal`.

    Raises
    ------
    ValueError
        If some images have a scale and others have none.

    Notes
    -----
    Means of fields scatter as the specimen does from place to place, so their interval is the one to publish.
    That of all grains together takes every grain as drawn anew, and is too narrow where fields differ.
    """
    units = {one.unit for one in fields}
    if len(units) > 1:
        raise ValueError("some images have a scale and others have none; give the pixel size of all")
    unit, weighted = units.pop(), all(one.weights is not None for one in fields)
    weights = [one.weights if weighted and one.weights is not None else None for one in fields]
    means = [summarise(one.diameters, weights=w).mean for one, w in zip(fields, weights, strict=True)]
    spread = between_fields(means)
    diameters = np.concatenate([one.diameters for one in fields])
    together = np.concatenate([w for w in weights if w is not None]) if weighted else None
    fit = fit_lognormal(diameters, weights=together, replicates=replicates, rng=rng)
    content: dict[str, Any] = plain(
        {
            "unit": unit,
            "weights": WEIGHTED if weighted else UNWEIGHTED,
            "mean_ecd_of_each": means,
            **_between(spread, tiles=tiles),
            "notes": _pool_notes(spread.count, spread.relative_accuracy, tiles=tiles),
            "all_grains": {
                "summary": summarise(diameters, weights=together),
                "lognormal": {**asdict(fit), "median": fit.median, "spread": fit.spread, "mean": fit.mean},
            },
        }
    )
    return content


def _between(spread: Spread, *, tiles: bool) -> dict[str, Any]:
    """Give how far fields differ as plain values."""
    return {
        "fields": spread.count,
        "fields_are": _kind(tiles=tiles),
        "mean": spread.mean,
        "standard_deviation": spread.deviation,
        "half_width_95": spread.half_width,
        "relative_accuracy_percent": spread.relative_accuracy,
    }


def _kind(*, tiles: bool) -> str:
    return "tiles of one image" if tiles else "images"
