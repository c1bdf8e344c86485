"""All statistics of a map of grains as tables and plain JSON."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.files import plain
from temgrains.sizes import measure
from temgrains.statistics import distribution
from temgrains.statistics.astm import NM_PER_MM
from temgrains.statistics.between import ACCEPTABLE_RA, FEWEST_FIELDS, pooled, pooled_g
from temgrains.statistics.field import Field, GrainSize
from temgrains.statistics.intercepts import abrams, boundary_density, heyn, hilliard
from temgrains.statistics.network import Network, by_triple_points
from temgrains.statistics.planimetric import interior, jeffries, miles_lantuejoul, saltykov

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from temgrains.statistics.labels import Labelled

CUT = "cut by the image border: a lower bound"
ROUND = "as long in all directions: no orientation"


def all_methods(field: Field, network: Network) -> list[GrainSize]:
    """Give the grain size by every method, the recommended ones first."""
    return [
        saltykov(field),
        heyn(field, network),
        miles_lantuejoul(field),
        boundary_density(field, network),
        jeffries(field),
        jeffries(field, unbiased=True),
        interior(field),
        hilliard(field, network),
        abrams(field, network),
        by_triple_points(field, network),
        by_triple_points(field, network, unbiased=True),
    ]


def grain_table(labelled: Labelled) -> pd.DataFrame:
    """Give a row per grain with the file's number and a remark where a value is a bound or missing."""
    table = measure(labelled.grains, pixel_size=labelled.pixel_size).table
    table["grain"] = labelled.numbers
    cut, no_direction = table["on_border"].to_numpy(), table["orientation_deg"].isna().to_numpy()
    table["remark"] = np.where(cut, CUT, np.where(no_direction, ROUND, ""))
    return table


def describe(labelled: Labelled, *, rng: int = 0) -> tuple[list[GrainSize], dict[str, Any]]:
    """Give the result of each method, and everything as plain JSON, in which None is undefined.

    Parameters
    ----------
    labelled
        Grains and their scale.
    rng
        Seed of the bootstrap that tells how well the lognormal distribution fits.
    """
    field = Field.of(labelled.grains, pixel_size=labelled.pixel_size)
    network = Network.of(field)
    methods = all_methods(field, network)
    content = {
        "source": str(labelled.source),
        "pixel_size_nm": labelled.pixel_size,
        "calibration": labelled.calibration,
        "grains": len(field.cut),
        "grains_whole": int(np.count_nonzero(~field.cut)),
        "share_of_image_in_grains": float((field.cells > 0).mean()),
        "methods": [found.to_dict() for found in methods],
        "distribution": _distribution(field, rng),
        "network": _network(field, network),
    }
    return methods, plain(content)


def pool(results: Sequence[Sequence[GrainSize]]) -> list[dict[str, Any]]:
    """Give mean, interval and G of each method over several images of one specimen, as plain JSON.

    Parameters
    ----------
    results
        What `describe` gave for each image.

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
        notes = [] if spread.count >= FEWEST_FIELDS else [f"{FEWEST_FIELDS} fields or more are asked for"]
        if spread.relative_accuracy > ACCEPTABLE_RA:
            notes.append(f"the relative accuracy is above {ACCEPTABLE_RA:g} %: measure more fields")
        intercepts = fields[0].size_is == "mean intercept"
        unit = fields[0].unit if intercepts else f"per {fields[0].unit}2"
        rows.append(
            {
                "method": fields[0].method,
                "mean_of": "mean intercept" if intercepts else "grains per area",
                "unit": unit,
                "fields": spread.count,
                "mean": spread.mean,
                "standard_deviation": spread.deviation,
                "half_width_95": spread.half_width,
                "relative_accuracy_percent": spread.relative_accuracy,
                "g": g,
                "g_low": low,
                "g_high": high,
                "notes": notes,
            }
        )
    pooled_rows: list[dict[str, Any]] = plain(rows)
    return pooled_rows


def _distribution(field: Field, rng: int) -> dict[str, Any]:
    """Describe the diameters of the whole grains."""
    diameters = 2 * np.sqrt(field.whole_areas / np.pi)
    fit = distribution.fit_lognormal(diameters, rng=rng)
    content: dict[str, Any] = {
        "of": f"equivalent circle diameters of whole grains [{field.unit}], counted by number",
        "summary": distribution.summarise(diameters),
        "lognormal": {**asdict(fit), "median": fit.median, "spread": fit.spread, "mean": fit.mean},
        "histogram": distribution.histogram(diameters),
        "seed": rng,
    }
    if field.pixel_size is not None:
        areas = field.areas * field.pixel_area / NM_PER_MM**2
        content["largest"] = distribution.largest_grain(areas, field.cut)
        content["area_share_by_g"] = distribution.g_classes(areas)
    return content


def _network(field: Field, network: Network) -> dict[str, Any]:
    segments, angles = network.lengths, network.dihedral
    return {
        "segments": len(segments),
        f"length_{network.unit}": float(segments.sum()),
        f"mean_segment_{network.unit}": float(segments.mean()) if len(segments) else math.nan,
        "triple_points": network.triple_points,
        f"triple_points_per_{network.unit}2": network.triple_points / field.area if field.area else math.nan,
        "dihedral_deviation_deg": float(angles.std()) if len(angles) else math.nan,
        "dihedral_measured": len(angles),
    }
