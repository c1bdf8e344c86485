"""A report as a list of blocks, which HTML and PDF show alike."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from temgrains.records import Instrument
from temgrains.reports.blocks import PAIR, Block, Heading, Picture, Table, Text
from temgrains.reports.figures import caption, draw
from temgrains.reports.outlying import apart_of
from temgrains.reports.words import (
    few_grains,
    is_square,
    mean_diameter,
    number,
    paragraph,
    settings_rows,
    sides,
    tally,
    with_unit,
)
from temgrains.statistics.astm import EXTRAPOLATED
from temgrains.statistics.field import UNCALIBRATED
from temgrains.statistics.labels import GRAINS
from temgrains.statistics.naming import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from temgrains.records import PixelSize
    from temgrains.reports.context import Context
    from temgrains.statistics.field import GrainSize
    from temgrains.statistics.report import SizeStatistics

_PICTURE_PX = 1400
_FIGURE_DPI, _FIGURE_MM = 150, 215


def title_of(found: SizeStatistics, context: Context) -> str:
    """Name the micrograph where it is known, or else the map of its grains."""
    return f"Grain sizes of {Path(str(context.provenance.get('source') or found.content['source'])).name}"


def blocks_of(found: SizeStatistics, context: Context) -> list[Block]:
    """Give the parts of a report in their order."""
    settings = settings_rows(context.provenance.get("settings", {}))
    ending: list[Block] = [Heading("Settings"), Table((), settings, PAIR)] if settings else []
    return [
        Table((), _result(found), PAIR),
        Heading("For the methods section"),
        Text(paragraph(found, context)),
        Heading("Grains"),
        *_pictures(found, context),
        Table((), _counts(found), PAIR),
        Heading("Grain size by method"),
        Table(("method", "size", "ASTM G", "formula, counts and limits"), _methods(found), (20, 20, 10, 50)),
        Text(_on_methods(found)),
        Heading("Diameters of whole grains"),
        *_diameters(found),
        *apart_of(found),
        Heading("How sure it is"),
        Table((), _uncertainty(found), PAIR),
        Heading("How it was made"),
        Table((), _making(found, context), PAIR),
        *ending,
    ]


def _result(found: SizeStatistics) -> list[tuple[str, ...]]:
    """Give what most readers look for, each size with the method that it is of."""
    content, unit = found.content, found.counted.unit
    summary = content["distribution"]["summary"]
    rows: list[tuple[str, ...]] = [
        ("grains", f"{content['grains']}, {content['grains_whole'] or 'none'} of them whole"),
        (
            mean_diameter(content["distribution"]),
            _measure(summary["mean"], unit, _interval(summary))
            if summary["count"]
            else "undefined: no grain is whole",
        ),
    ]
    for method in found.methods[:2]:
        g = f"ASTM G {_g(method)}".replace(" *", ", extrapolated") if math.isfinite(method.g) else ""
        few = few_grains(method) if "N" in method.inputs else ""
        beside = "; ".join(filter(None, (g, few)))
        rows.append((f"{method.size_is}: {method.method}", _measure(method.size, unit, beside)))
    return [*rows, ("scale", _scale(found))]


def _measure(value: float | None, unit: str, beside: str = "") -> str:
    """Give a size with its unit and what stands in brackets, or say that it is undefined."""
    known = value is not None and math.isfinite(value)
    return f"{with_unit(value, unit)} ({beside})" if known and beside else with_unit(value, unit)


def _g(method: GrainSize) -> str:
    if not math.isfinite(method.g):
        return "undefined"
    return f"{method.g:.2f}{' *' if EXTRAPOLATED in method.notes else ''}"


def _scale(found: SizeStatistics) -> str:
    size = found.labelled.pixel_size
    if size is None:
        return "unknown: sizes are in pixels, and G is undefined"
    of = f"{sides(size)} per pixel" if is_square(size) else f"pixels {sides(size)}"
    return f"{of}, from: {found.labelled.calibration}"


def _on_methods(found: SizeStatistics) -> str:
    text = (
        "Methods measure different lengths, so their sizes and G differ rightly: name the method instead "
        "of averaging. G is that of ASTM E112 by its definition; no compliance is claimed."
    )
    if found.labelled.pixel_size is None:
        return f"{text} {UNCALIBRATED}."
    far = any(EXTRAPOLATED in method.notes for method in found.methods)
    return f"{text} * {EXTRAPOLATED}." if far else text


def _pictures(found: SizeStatistics, context: Context) -> list[Block]:
    figure = Picture(
        draw(found, "png", dpi=_FIGURE_DPI),
        caption(found),
        _FIGURE_MM,
    )
    if context.picture is None:
        return [figure]
    said = "The micrograph with the boundaries that were found, red."
    if (size := found.labelled.pixel_size) is not None:
        height, width = (side * one for side, one in zip(found.counted.cells.shape, size, strict=True))
        said += f" It is {number(width)} nm wide and {number(height)} nm high."
        if not is_square(size):
            said += " It is stretched, for its pixels are not square."
    return [Picture(_in_proportion(context.picture, found.counted.pixel), said), figure]


def _in_proportion(picture: NDArray[np.uint8], pixel: PixelSize) -> bytes:
    """Give a picture as PNG, as high and wide as the specimen is, and not too large."""
    finest = min(pixel)
    height, width = (side * size / finest for side, size in zip(picture.shape, pixel, strict=False))
    smaller = min(1.0, _PICTURE_PX / max(height, width))
    image = Image.fromarray(picture)
    shape = (max(1, round(width * smaller)), max(1, round(height * smaller)))
    if shape != image.size:
        image = image.resize(shape, Image.Resampling.BICUBIC)
    made = io.BytesIO()
    image.save(made, format="PNG", compress_level=6)
    return made.getvalue()


def _counts(found: SizeStatistics) -> list[tuple[str, ...]]:
    content, network, unit = found.content, found.content["network"], found.counted.unit
    return [
        ("grains", number(content["grains"])),
        ("whole grains", number(content["grains_whole"])),
        ("share of the image in grains", f"{100 * content['share_of_image_in_grains']:.1f} %"),
        ("share of the image left out", f"{100 * content['share_of_image_excluded']:.1f} %"),
        ("length of the boundaries", with_unit(network[f"length_{unit}"], unit)),
        ("segments between junctions", number(network["segments"])),
        ("mean segment between junctions", with_unit(network[f"mean_segment_{unit}"], unit)),
        (
            "mean curvature of segments, 1 / radius",
            f"{with_unit(network[f'mean_curvature_per_{unit}'], f'per {unit}', 3)}, "
            f"of {network['curvature_measured']} that are long enough"
            if network["curvature_measured"]
            else "undefined: no segment is long enough",
        ),
        ("triple points", number(network["triple_points"])),
        ("triple points per area", with_unit(network[f"triple_points_per_{unit}2"], f"per {unit}²", 3)),
        ("neighbours per whole grain", number(network["neighbours"]["mean"], 3)),
        ("deviation of the dihedral angles", with_unit(network["dihedral_deviation_deg"], "degrees", 3)),
    ]


def _methods(found: SizeStatistics) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for method in found.methods:
        known = {name: value for name, value in method.inputs.items() if math.isfinite(value)}
        inputs = ", ".join(counted(name, tally(value)) for name, value in known.items())
        notes = "; ".join(note for note in method.notes if note not in (EXTRAPOLATED, UNCALIBRATED))
        told = "\n".join(filter(None, (method.formula, inputs, notes)))
        size = f"{_measure(method.size, method.unit)}\n{method.size_is}"
        rows.append((method.method, size, _g(method), told))
    return rows


def _diameters(found: SizeStatistics) -> list[Block]:
    content, unit = found.content["distribution"], found.counted.unit
    summary = content["summary"]
    specimen = ("specimen", content["note"])
    if not summary["count"]:
        return [
            Text("No grain is whole, so there is no distribution of diameters."),
            Table((), [specimen], PAIR),
        ]
    if summary["count"] == 1:
        return [Table((), [("the only whole grain", with_unit(summary["mean"], unit)), specimen], PAIR)]
    rows: list[tuple[str, ...]] = [
        ("arithmetic mean, 95 % interval", _measure(summary["mean"], unit, _interval(summary))),
        ("standard deviation", with_unit(summary["deviation"], unit)),
        ("geometric mean", with_unit(summary["geometric_mean"], unit)),
        ("mean by area", with_unit(summary["area_weighted_mean"], unit)),
        ("D10, D50, D90 by number", _triple(summary["percentiles"], unit)),
        ("D10, D50, D90 by area", _triple(summary["area_percentiles"], unit)),
        *_fit(content["lognormal"], unit),
        ("weights", content["weights"]),
        specimen,
    ]
    return [Table((), rows + _spheres(content["unfolded"], unit), PAIR)]


def _fit(fit: dict[str, Any], unit: str) -> list[tuple[str, ...]]:
    if fit["mean_low"] is None:
        return [("lognormal distribution", "too few different grains for a fit")]

    def ends(name: str) -> str:
        return f"{number(fit[f'{name}_low'])} to {number(fit[f'{name}_high'])}"

    p = "" if fit["p"] is None else f", bootstrap p = {number(fit['p'], 2)}"
    return [
        ("mu of ln(d), 95 % interval", _measure(fit["mu"], "", ends("mu"))),
        ("sigma of ln(d), 95 % interval", _measure(fit["sample_sigma"], "", ends("sigma"))),
        ("mean of the fit, 95 % interval", _measure(fit["mean"], unit, ends("mean"))),
        ("goodness of fit", f"distance {number(fit['distance'], 2)}{p}"),
    ]


def _spheres(unfolded: dict[str, Any] | None, unit: str) -> list[tuple[str, ...]]:
    if unfolded is None:
        return []
    told = (
        f"{number(unfolded['mean'])} {unit}, from {len(unfolded['shares'])} classes; "
        f"{100 * unfolded['negative']:.1f} % came out below 0 and count as 0"
    )
    return [("mean diameter of the spheres (Saltykov unfolding)", told)]


def _interval(summary: dict[str, Any]) -> str:
    if summary["mean_low"] is None:
        return "no interval of so few grains"
    return f"{number(summary['mean_low'])} to {number(summary['mean_high'])}"


def _triple(values: list[float | None], unit: str) -> str:
    return f"{', '.join(number(value) for value in values)} {unit}"


def _uncertainty(found: SizeStatistics) -> list[tuple[str, ...]]:
    uncertainty = found.content["uncertainty"]
    calibration = uncertainty["calibration"]
    stated = calibration.get("pixel_size_percent")
    text = calibration.get("note", "")
    if found.labelled.pixel_size is None:
        text = "the size of a pixel is not known"
    elif stated is not None:
        text = f"{number(stated)} % of each length; {number(calibration['g'], 2)} in G"
    return [
        ("between images", uncertainty["between_fields"]["note"]),
        ("calibration", text),
        ("between the model's members", _between_members(uncertainty["between_members"])),
    ]


def _between_members(members: dict[str, Any]) -> str:
    if "members" not in members:
        return str(members["note"])
    return (
        f"{number(members['size_percent'], 2)} % of the mean diameter, {number(members['g'], 2)} in G: "
        f"{members['note']} ({members['members']} views)"
    )


def _making(found: SizeStatistics, context: Context) -> list[tuple[str, ...]]:
    made, model = context.provenance, context.provenance.get("model", {})
    rows: list[tuple[str, ...]] = [
        ("source", str(made.get("source", found.content["source"]))),
        ("image", " x ".join(map(str, found.counted.cells.shape)) + " px, height x width"),
        *([] if found.labelled.map_of == GRAINS else [("map of", found.labelled.map_of)]),
        ("microscope", _instrument(made.get("instrument"))),
        ("scale", _scale(found)),
        ("temgrains", str(made.get("version", context.version))),
    ]
    if isinstance(model, dict) and model:
        rows.append(("model", f"{model.get('name', 'unknown')}: {_networks(model)}"))
    if "iterations" in made:
        rows.append(("refinement", f"{made['iterations']} iterations, {made.get('stopped') or 'left'}"))
    if made:
        known = f"{context.by_hand}{context.by_hand_in_words}"
        by_hand = "none is recorded" if context.by_hand is None else known
        rows.append(("corrections by hand", by_hand))
    notes = (*made.get("notes", []), *found.content["notes"], *made.get("warnings", []))
    return rows + [("note", note) for note in dict.fromkeys(map(str, notes))]


def _instrument(told: Any) -> str:
    """Give microscope, voltage, magnification and date as far as the file of the micrograph tells them."""
    try:
        said = str(Instrument(**told))
    except (TypeError, ValueError):
        said = ""
    return said or "the file does not tell"


def _networks(model: dict[str, Any]) -> str:
    networks = model.get("networks", {})
    return ", ".join(map(str, networks.values())) if isinstance(networks, dict) else str(networks)
