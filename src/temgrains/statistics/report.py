"""All statistics of a map of grains as tables and plain JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.files import plain
from temgrains.sizes import Prepared, rows_of
from temgrains.statistics import distribution, outliers
from temgrains.statistics.astm import NM_PER_MM
from temgrains.statistics.between import between_fields, calibration_in_g
from temgrains.statistics.field import Field, GrainSize
from temgrains.statistics.intercepts import abrams, boundary_density, heyn, hilliard
from temgrains.statistics.labels import Labelled
from temgrains.statistics.network import Network, by_triple_points
from temgrains.statistics.planimetric import (
    InCircle,
    border_weights,
    interior,
    jeffries,
    miles_lantuejoul,
    saltykov,
)
from temgrains.statistics.unfolding import FILM, SECTION, Specimen, Unfolded, unfold

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from temgrains.records import Analysis, GreyArray

WEIGHTED = "each grain by how rarely one of its box lies whole in the image (Miles-Lantuejoul)"
UNWEIGHTED = "all grains alike, for parts of the image belong to no grain: large grains are cut more often"
MEMBERS = (
    "standard deviation of the mean diameter between the views of the image that vote on the guess, each "
    "closed by itself, without refinement"
)
NO_MEMBERS = "not measured: how far the members of the model's ensemble differ"
ONE_FIELD = "one image: the scatter between fields is not known"


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user states about a measurement.

    ``seed`` and ``replicates`` are those of the bootstrap of the goodness of fit; ``calibration_error`` the
    share by which the size of a pixel may be off, None where nobody said; ``member_means`` the mean diameters
    that the members of the model's ensemble give (`temgrains.pipeline.member_means`), empty where nobody
    looked; ``specimen`` is "film" or "section"; ``unfold`` asks for the spheres behind the sections.
    """

    seed: int = 0
    replicates: int = 999
    calibration_error: float | None = None
    member_means: tuple[float, ...] = ()
    specimen: Specimen = "film"
    unfold: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """The grains of one image, each for itself: what is known first, and quickly.

    ``table`` has a row per grain with the file's numbers; see `temgrains.sizes.measure` for the columns.
    """

    labelled: Labelled = field(repr=False)
    table: pd.DataFrame = field(repr=False)
    counted: Field = field(repr=False)

    @property
    def weights(self) -> NDArray[np.float64] | None:
        """For how many grains each whole one stands; None where ground of no grain cuts grains."""
        return weights_of(self.counted)

    @property
    def diameters(self) -> NDArray[np.float64]:
        """Equivalent circle diameters of the whole grains, in `unit`."""
        found: NDArray[np.float64] = 2 * np.sqrt(self.counted.whole_areas / np.pi)
        return found


@dataclass(frozen=True, slots=True)
class SizeStatistics(Measured):
    """Everything about the sizes of the grains of one image; ``content`` is plain JSON, None is undefined."""

    network: Network = field(repr=False)
    methods: list[GrainSize] = field(repr=False)
    content: dict[str, Any] = field(repr=False)


_DEFAULTS = Choices()


def all_methods(field: Field, network: Network) -> list[GrainSize]:
    """Give the grain size by every method, the recommended ones first."""
    circle = InCircle.of(field)
    return [
        saltykov(field),
        heyn(field, network),
        miles_lantuejoul(field),
        boundary_density(field, network),
        jeffries(field, counted=circle),
        jeffries(field, unbiased=True, counted=circle),
        interior(field),
        hilliard(field, network),
        abrams(field, network),
        by_triple_points(field, network),
        by_triple_points(field, network, unbiased=True),
    ]


def weights_of(counted: Field) -> NDArray[np.float64] | None:
    """Give for how many grains each whole one stands; None where ground of no grain cuts grains."""
    return border_weights(counted)[0] if counted.whole_image else None


def describe(
    labelled: Labelled, *, choices: Choices = _DEFAULTS, image: GreyArray | None = None
) -> SizeStatistics:
    """Measure the grains and their sizes by every method.

    Parameters
    ----------
    labelled
        Grains and their scale.
    choices
        What the user states about the measurement.
    image
        The micrograph, for the mean grey; or None.

    Raises
    ------
    ValueError
        If the calibration's error is no share, or a film is to be unfolded.
    """
    return complete(each(labelled, image=image), choices=choices)


def each(labelled: Labelled, *, image: GreyArray | None = None) -> Measured:
    """Measure each grain; see `describe` for the parameters."""
    grains, pixel_size = labelled.grains, labelled.pixel_size
    prepared = Prepared.of(grains)
    counted = Field.of(grains, pixel_size=pixel_size, prepared=prepared)
    table = rows_of(grains, prepared, pixel_size=pixel_size, image=image)
    return Measured(labelled, table.assign(grain=labelled.numbers), counted)


def complete(measured: Measured, *, choices: Choices = _DEFAULTS) -> SizeStatistics:
    """Add what all grains show together; see `describe` for the parameters."""
    labelled, counted = measured.labelled, measured.counted
    network = Network.of(counted)
    methods = all_methods(counted, network)
    content = {
        "source": labelled.source,
        "map_of": labelled.map_of,
        "pixel_size_nm": labelled.pixel_size,
        "calibration": labelled.calibration,
        "notes": [*labelled.notes, *_left_out(labelled), *_beside_ground(labelled, counted)],
        "grains": len(counted.cut),
        "grains_whole": int(np.count_nonzero(~counted.cut)),
        "share_of_image_in_grains": float((counted.cells > 0).mean()),
        "share_of_image_excluded": _excluded_share(labelled),
        "methods": [found.to_dict() for found in methods],
        "distribution": _distribution(counted, choices),
        "network": _network(counted, network),
        "uncertainty": uncertainty(choices, counted.unit),
    }
    return SizeStatistics(labelled, measured.table, counted, network, methods, plain(content))


def _excluded_share(labelled: Labelled) -> float:
    excluded = labelled.grains.excluded
    return 0.0 if excluded is None else float(excluded.mean())


def _left_out(labelled: Labelled) -> list[str]:
    """Say how much of the image is left out."""
    share = _excluded_share(labelled)
    if not share:
        return []
    return [f"{100 * share:.3g} % of the image is left out; grains that it cuts count as cut"]


def _beside_ground(labelled: Labelled, counted: Field) -> list[str]:
    """Say how many grains only ground cuts that nobody left out."""
    if labelled.grains.excluded is not None or counted.whole_image:
        return []
    beside = int(counted.cut.sum() - labelled.grains.on_border.sum())
    if beside < 1:
        return []
    return [
        f"{beside} of {len(counted.cut)} grains lie beside pixels that belong to no grain, and count as cut; "
        "where these are thick lines, draw lines one or two pixels wide"
    ]


def of_analysis(analysis: Analysis, *, choices: Choices = _DEFAULTS) -> SizeStatistics:
    """Give the statistics of the grains that an analysis found; see `describe`."""
    micrograph = analysis.micrograph
    labelled = Labelled.of(
        analysis.grains,
        source=micrograph.source,
        pixel_size=micrograph.pixel_size,
        calibration=micrograph.calibration,
    )
    measured = each(labelled, image=micrograph.pixels)
    if "confidence" in analysis.sizes.table:
        sure = analysis.sizes.table["confidence"].to_numpy()
        measured = replace(measured, table=measured.table.assign(confidence=sure))
    return complete(measured, choices=choices)


def uncertainty(choices: Choices, unit: str) -> dict[str, Any]:
    """Keep apart what makes the sizes of one image uncertain, as plain JSON.

    Raises
    ------
    ValueError
        If the calibration's error is no share.
    """
    error = choices.calibration_error
    calibration: dict[str, Any] = {"note": "the error of the pixel size was not stated"}
    if error is not None:
        g = calibration_in_g(error)
        calibration = {"pixel_size_percent": 100 * error, "size_percent": 100 * error, "g": g}
    return {
        "between_fields": {"note": ONE_FIELD},
        "between_members": _between_members(choices.member_means, unit),
        "calibration": calibration,
    }


def _between_members(means: tuple[float, ...], unit: str) -> dict[str, Any]:
    """Give how far the views of the model differ in the mean diameter."""
    spread = between_fields(means)
    if spread.count < 2:
        return {"note": NO_MEMBERS}
    share = spread.deviation / spread.mean
    return {
        "members": spread.count,
        f"mean_ecd_{unit}": list(means),
        f"standard_deviation_{unit}": spread.deviation,
        "size_percent": 100 * share,
        "g": calibration_in_g(min(share, 0.999)),
        "note": MEMBERS,
    }


def _distribution(field: Field, choices: Choices) -> dict[str, Any]:
    """Describe the diameters of the whole grains."""
    diameters = 2 * np.sqrt(field.whole_areas / np.pi)
    weights = weights_of(field)
    fit = distribution.fit_lognormal(
        diameters, weights=weights, replicates=choices.replicates, rng=choices.seed
    )
    content: dict[str, Any] = {
        "of": f"equivalent circle diameters of whole grains [{field.unit}], counted by number",
        "weights": UNWEIGHTED if weights is None else WEIGHTED,
        "summary": {
            **asdict(distribution.summarise(diameters, weights=weights)),
            "percentiles_are": [10, 50, 90],
        },
        "lognormal": {**asdict(fit), "median": fit.median, "spread": fit.spread, "mean": fit.mean},
        "histogram": distribution.histogram(diameters),
        "seed": choices.seed,
        "specimen": choices.specimen,
        "note": FILM if choices.specimen == "film" else SECTION,
        "unfolded": unfolded(diameters, choices),
    }
    if field.pixel_size is not None:
        content["largest"] = largest_of(field)
        content["area_share_by_g"] = outliers.g_classes(field.whole_areas / NM_PER_MM**2, weights=weights)
    return content


def unfolded(diameters: NDArray[np.float64], choices: Choices) -> Unfolded | None:
    """Give the spheres behind sections where they are asked for; None where not, or without a grain.

    Raises
    ------
    ValueError
        If they are asked for and the specimen is a film.
    """
    if not choices.unfold:
        return None
    if choices.specimen == "section" and not len(diameters):
        return None
    return unfold(diameters, specimen=choices.specimen)


def largest_of(field: Field) -> outliers.Largest | None:
    """Compare the largest grain with the others; None without a grain or a scale."""
    if field.pixel_size is None:
        return None
    return outliers.largest_grain(field.areas * field.pixel_area / NM_PER_MM**2, field.cut)


def _network(field: Field, network: Network) -> dict[str, Any]:
    segments, angles = network.lengths, network.dihedral
    bent = np.isfinite(network.curvatures)
    curvature = (
        float(np.average(network.curvatures[bent], weights=segments[bent])) if bent.any() else math.nan
    )
    return {
        "segments": len(segments),
        f"length_{network.unit}": float(segments.sum()),
        "length_is": "of the lines with the stairs of their pixels straightened",
        f"mean_segment_{network.unit}": float(segments.mean()) if len(segments) else math.nan,
        f"mean_curvature_per_{network.unit}": curvature,
        "curvature_measured": int(np.count_nonzero(bent)),
        "triple_points": network.triple_points,
        f"triple_points_per_{network.unit}2": network.triple_points / field.area if field.area else math.nan,
        "dihedral_deviation_deg": float(angles.std()) if len(angles) else math.nan,
        "dihedral_measured": len(angles),
        "neighbours": network.neighbours(field.cut),
    }
