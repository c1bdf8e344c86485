"""A report as a list of blocks, which HTML and PDF show alike."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

from PIL import Image

from temgrains.records import Instrument
from temgrains.reports.blocks import PAIR, Block, Heading, Picture, Table, Text
from temgrains.reports.figures import draw
from temgrains.reports.outlying import apart_of
from temgrains.reports.words import number, paragraph, settings_rows, sides
from temgrains.statistics.astm import EXTRAPOLATED
from temgrains.statistics.naming import counted

if TYPE_CHECKING:
    from temgrains.reports.context import Context
    from temgrains.statistics.field import GrainSize
    from temgrains.statistics.report import SizeStatistics

_PICTURE_PX = 1400
_FIGURE_DPI, _FIGURE_MM = 150, 215


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
        Table((), _diameters(found), PAIR),
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
        ("grains", f"{content['grains']}, {content['grains_whole']} of them whole"),
        (
            "mean diameter of whole grains (ECD), 95 % interval",
            _measure(summary["mean"], unit, _interval(summary)),
        ),
    ]
    for method in found.methods[:2]:
        g = f"ASTM G {_g(method)}".replace(" *", ", extrapolated") if math.isfinite(method.g) else ""
        rows.append((f"{method.size_is}: {method.method}", _measure(method.size, unit, g)))
    return [*rows, ("scale", _scale(found))]


def _measure(value: float | None, unit: str, beside: str = "") -> str:
    """Give a size with its unit and what stands in brackets, or say that it is undefined."""
    if value is None or not math.isfinite(value):
        return number(value)
    return " ".join(filter(None, (number(value), unit, f"({beside})" if beside else "")))


def _g(method: GrainSize) -> str:
    if not math.isfinite(method.g):
        return "undefined"
    return f"{method.g:.2f}{' *' if EXTRAPOLATED in method.notes else ''}"


def _scale(found: SizeStatistics) -> str:
    size = found.labelled.pixel_size
    if size is None:
        return "unknown: sizes are in pixels, and G is undefined"
    return f"{sides(size)} nm per pixel, from: {found.labelled.calibration}"


def _on_methods(found: SizeStatistics) -> str:
    text = (
        "Methods measure different lengths, so their sizes and G differ rightly: name the method instead "
        "of averaging. G is that of ASTM E112 by its definition; no compliance is claimed."
    )
    far = any(EXTRAPOLATED in method.notes for method in found.methods)
    return f"{text} * {EXTRAPOLATED}." if far else text


def _pictures(found: SizeStatistics, context: Context) -> list[Block]:
    figure = Picture(
        draw(found, "png", dpi=_FIGURE_DPI),
        "a: grains by equivalent circle diameter (ECD). b: histogram of whole grains with the fitted "
        "lognormal distribution. c: cumulative shares. d: quantiles against those of a normal "
        "distribution of ln(ECD). e: share of the area of whole grains in each whole ASTM G. f: whole grains "
        "by their number of neighbours.",
        _FIGURE_MM,
    )
    if context.picture is None:
        return [figure]
    made = io.BytesIO()
    image = Image.fromarray(context.picture)
    image.thumbnail((_PICTURE_PX, _PICTURE_PX))
    image.save(made, format="PNG", compress_level=6)
    caption = "The micrograph with the boundaries that were found, red."
    if found.labelled.pixel_size is not None:
        height, width = (
            side * size
            for side, size in zip(found.counted.cells.shape, found.labelled.pixel_size, strict=True)
        )
        caption += f" It is {number(width)} nm wide and {number(height)} nm high."
    return [Picture(made.getvalue(), caption), figure]


def _counts(found: SizeStatistics) -> list[tuple[str, ...]]:
    content, network, unit = found.content, found.content["network"], found.counted.unit
    return [
        ("grains", number(content["grains"])),
        ("whole grains", number(content["grains_whole"])),
        ("share of the image in grains", f"{100 * content['share_of_image_in_grains']:.1f} %"),
        ("share of the image left out", f"{100 * content['share_of_image_excluded']:.1f} %"),
        ("length of the boundaries", f"{number(network[f'length_{unit}'])} {unit}"),
        ("segments between junctions", number(network["segments"])),
        ("mean segment between junctions", f"{number(network[f'mean_segment_{unit}'])} {unit}"),
        (
            "mean curvature of segments, 1 / radius",
            f"{number(network[f'mean_curvature_per_{unit}'], 3)} per {unit}, "
            f"of {network['curvature_measured']} that are long enough",
        ),
        ("triple points", number(network["triple_points"])),
        ("triple points per area", f"{number(network[f'triple_points_per_{unit}2'], 3)} per {unit}²"),
        ("neighbours per whole grain", number(network["neighbours"]["mean"], 3)),
        ("deviation of the dihedral angles", f"{number(network['dihedral_deviation_deg'], 3)} degrees"),
    ]


def _methods(found: SizeStatistics) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for method in found.methods:
        inputs = ", ".join(counted(name, number(value)) for name, value in method.inputs.items())
        notes = "; ".join(note for note in method.notes if note != EXTRAPOLATED)
        told = "\n".join(filter(None, (method.formula, inputs, notes)))
        size = f"{_measure(method.size, method.unit)}\n{method.size_is}"
        rows.append((method.method, size, _g(method), told))
    return rows


def _diameters(found: SizeStatistics) -> list[tuple[str, ...]]:
    content, unit = found.content["distribution"], found.counted.unit
    summary, fit = content["summary"], content["lognormal"]

    def ends(name: str) -> str:
        return f"{number(fit[f'{name}_low'])} to {number(fit[f'{name}_high'])}"

    rows: list[tuple[str, ...]] = [
        ("arithmetic mean, 95 % interval", _measure(summary["mean"], unit, _interval(summary))),
        ("standard deviation", _measure(summary["deviation"], unit)),
        ("geometric mean", _measure(summary["geometric_mean"], unit)),
        ("mean by area", _measure(summary["area_weighted_mean"], unit)),
        ("D10, D50, D90 by number", _triple(summary["percentiles"], unit)),
        ("D10, D50, D90 by area", _triple(summary["area_percentiles"], unit)),
        ("mu of ln(d), 95 % interval", _measure(fit["mu"], "", ends("mu"))),
        ("sigma of ln(d), 95 % interval", _measure(fit["sample_sigma"], "", ends("sigma"))),
        ("mean of the fit, 95 % interval", _measure(fit["mean"], unit, ends("mean"))),
        ("goodness of fit", f"distance {number(fit['distance'], 2)}, bootstrap p = {number(fit['p'], 2)}"),
        ("weights", content["weights"]),
        ("specimen", content["note"]),
    ]
    return rows + _spheres(content["unfolded"], unit)


def _spheres(unfolded: dict[str, Any] | None, unit: str) -> list[tuple[str, ...]]:
    if unfolded is None:
        return []
    told = (
        f"{number(unfolded['mean'])} {unit}, from {len(unfolded['shares'])} classes; "
        f"{100 * unfolded['negative']:.1f} % came out below 0 and count as 0"
    )
    return [("mean diameter of the spheres (Saltykov unfolding)", told)]


def _interval(summary: dict[str, Any]) -> str:
    return f"{number(summary['mean_low'])} to {number(summary['mean_high'])}"


def _triple(values: list[float | None], unit: str) -> str:
    return f"{', '.join(number(value) for value in values)} {unit}"


def _uncertainty(found: SizeStatistics) -> list[tuple[str, ...]]:
    uncertainty = found.content["uncertainty"]
    calibration = uncertainty["calibration"]
    stated = calibration.get("pixel_size_percent")
    text = calibration.get("note", "")
    if stated is not None:
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
