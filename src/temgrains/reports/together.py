"""A report on several images of one specimen: they are its fields, and scatter as it does."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from temgrains.reports.blocks import PAIR, Block, Heading, Table, Text
from temgrains.reports.words import mean_diameter, number, with_unit
from temgrains.statistics.astm import EXTRAPOLATED
from temgrains.statistics.between import FEWEST_FIELDS
from temgrains.statistics.pooling import TILES

TITLE = "Grain sizes of several images of one specimen"

_INTERCEPT = "mean intercept"


def blocks_of_pool(pooled: dict[str, Any]) -> list[Block]:
    """Give the parts of a report in their order; ``pooled`` is the content of ``pooled.json``."""
    content = pooled["distribution"]
    return [
        Table((), _result(pooled), PAIR),
        Heading("For the methods section"),
        Text(paragraph_of_pool(pooled)),
        Heading("Mean diameter of whole grains in each image (ECD)"),
        Table((), _each(pooled), PAIR),
        Heading("Grain size by method"),
        Table(("method", "mean of the images", "ASTM G", "limits"), _methods(pooled), (24, 36, 20, 20)),
        Text(
            "Intervals are of 95 %, after Student. Methods measure different lengths, so their sizes and G "
            "differ rightly: name the method instead of averaging. G is that of ASTM E112 by its definition; "
            "no compliance is claimed. What each image gave stands in methods.csv."
        ),
        *([Text(f"Of all methods: {'; '.join(shared)}.")] if (shared := _shared_notes(pooled)) else []),
        Heading("Diameters of the whole grains of all images"),
        Table((), _together(content), PAIR),
    ]


def paragraph_of_pool(pooled: dict[str, Any]) -> str:
    """Give a paragraph on methods that a paper can take over as it is."""
    content = pooled["distribution"]
    planimetric, intercepts = pooled["methods"][:2]
    sentences = [
        f"Grain sizes were measured with temgrains {version('temgrains')} on {len(pooled['images'])} "
        f"{content['fields_are']}{'' if 'tiles' in content['fields_are'] else ' of one specimen'}.",
        _mean_of_means(content),
        _all_grains(content),
        _of_method("The planimetric method (Saltykov rectangle)", planimetric),
        _of_method("Straight test lines in eight directions", intercepts),
        f"ASTM E112 asks for {FEWEST_FIELDS} fields or more." if content["fields"] < FEWEST_FIELDS else "",
        f"{TILES[0].upper()}{TILES[1:]}." if TILES in content["notes"] else "",
    ]
    return " ".join(filter(None, sentences))


def _mean_of_means(content: dict[str, Any]) -> str:
    if content["mean"] is None:
        return "No whole grain was found."
    relative = content["relative_accuracy_percent"]
    accuracy = "" if relative is None else f", a relative accuracy of {number(relative, 3)} %"
    return (
        "The mean equivalent circle diameter of whole grains, averaged over the images, was "
        f"{number(content['mean'])} {content['unit']}{_interval(content)}{accuracy}."
    )


def _all_grains(content: dict[str, Any]) -> str:
    summary, fit = content["all_grains"]["summary"], content["all_grains"]["lognormal"]
    if summary["count"] < 2:
        return ""
    low, middle, high = summary["percentiles"]
    unit = content["unit"]
    fitted = (
        f"; a lognormal distribution fitted by maximum likelihood had mu = {number(fit['mu'])} and sigma = "
        f"{number(fit['sample_sigma'])} of ln(d/{unit})"
        if fit["mean_low"] is not None
        else ""
    )
    return (
        f"The {summary['count']} whole grains of all images had 10, 50 and 90 % percentiles by number of "
        f"{number(low)}, {number(middle)} and {number(high)} {unit}{fitted}."
    )


def _of_method(name: str, row: dict[str, Any]) -> str:
    if row["mean"] is None:
        return ""
    what = "a mean intercept" if row["mean_of"] == _INTERCEPT else "a number of grains per area"
    side = f", so a square root of the mean area of {root}" if (root := _root(row)) else ""
    far = ", extrapolated" if EXTRAPOLATED in row["notes"] else ""
    g = f" (ASTM G = {_g(row)}{far})" if row["g"] is not None else ""
    return f"{name} gave {what} of {with_unit(row['mean'], _unit(row))}{_interval(row)}{side}{g}."


def _result(pooled: dict[str, Any]) -> list[tuple[str, ...]]:
    content = pooled["distribution"]
    rows: list[tuple[str, ...]] = [
        (content["fields_are"], number(len(pooled["images"]))),
        ("whole grains", number(content["all_grains"]["summary"]["count"])),
        (mean_diameter(content), _mean(content, content["unit"])),
    ]
    for row in pooled["methods"][:2]:
        far = ", extrapolated" if EXTRAPOLATED in row["notes"] else ""
        g = "" if row["g"] is None else f"ASTM G {_g(row)}{far}"
        root = f"square root of the mean area {_root(row)}" if _root(row) else ""
        told = "; ".join(filter(None, (_mean(row, _unit(row)), root, g)))
        rows.append((f"{row['mean_of']}: {row['method']}", told))
    if content["unit"] == "px":
        rows.append(("scale", "unknown: sizes are in pixels, and G is undefined"))
    return rows


def _each(pooled: dict[str, Any]) -> list[tuple[str, ...]]:
    content = pooled["distribution"]
    listed = zip(pooled["images"], content["mean_ecd_of_each"], strict=True)
    rows: list[tuple[str, ...]] = [(name, with_unit(mean, content["unit"])) for name, mean in listed]
    ends: list[tuple[str, ...]] = [
        ("mean of the images, 95 % interval", _mean(content, content["unit"])),
        ("standard deviation", with_unit(content["standard_deviation"], content["unit"])),
        ("relative accuracy", with_unit(content["relative_accuracy_percent"], "%", 3)),
    ]
    return rows + ends + [("limit", note) for note in content["notes"]]


def _methods(pooled: dict[str, Any]) -> list[tuple[str, ...]]:
    shared = _shared_notes(pooled)
    rows: list[tuple[str, ...]] = []
    for row in pooled["methods"]:
        accuracy = with_unit(row["relative_accuracy_percent"], "%", 3)
        root = f"square root of the mean area {_root(row)}" if _root(row) else ""
        told = (_mean(row, _unit(row)), row["mean_of"], root, f"relative accuracy {accuracy}")
        limits = "; ".join(note for note in row["notes"] if note not in shared)
        rows.append((row["method"], "\n".join(filter(None, told)), _g(row), limits))
    return rows


def _shared_notes(pooled: dict[str, Any]) -> list[str]:
    """Give what limits every method."""
    first, *others = (row["notes"] for row in pooled["methods"])
    return [note for note in first if all(note in notes for notes in others)]


def _root(row: dict[str, Any]) -> str:
    """Give the square root of the mean area, empty of an intercept."""
    if row["mean_of"] == _INTERCEPT or not row["mean"]:
        return ""
    return with_unit(row["mean"] ** -0.5, str(row["unit"]).removeprefix("per ").removesuffix("2"))


def _together(content: dict[str, Any]) -> list[tuple[str, ...]]:
    summary, fit, unit = content["all_grains"]["summary"], content["all_grains"]["lognormal"], content["unit"]
    rows: list[tuple[str, ...]] = [("whole grains", number(summary["count"]))]
    if summary["count"] > 1:
        percentiles = ", ".join(number(value) for value in summary["percentiles"])
        rows += [
            ("standard deviation", with_unit(summary["deviation"], unit)),
            ("geometric mean", with_unit(summary["geometric_mean"], unit)),
            ("mean by area", with_unit(summary["area_weighted_mean"], unit)),
            ("D10, D50, D90 by number", f"{percentiles} {unit}"),
        ]
    if fit["mean_low"] is not None:
        p = "" if fit["p"] is None else f", bootstrap p = {number(fit['p'], 2)}"
        rows += [
            ("mu of ln(d)", number(fit["mu"])),
            ("sigma of ln(d)", number(fit["sample_sigma"])),
            ("goodness of fit", f"distance {number(fit['distance'], 2)}{p}"),
        ]
    return [*rows, ("weights", content["weights"])]


def _unit(row: dict[str, Any]) -> str:
    return str(row["unit"]).replace("2", "²")


def _mean(row: dict[str, Any], unit: str) -> str:
    """Give a mean with both ends of its interval."""
    return with_unit(row["mean"], unit) + (f" ({_ends(row)})" if row["half_width_95"] is not None else "")


def _ends(row: dict[str, Any]) -> str:
    return f"{number(row['mean'] - row['half_width_95'])} to {number(row['mean'] + row['half_width_95'])}"


def _interval(row: dict[str, Any]) -> str:
    return "" if row["half_width_95"] is None else f" (95 % confidence interval {_ends(row)})"


def _g(row: dict[str, Any]) -> str:
    if row["g"] is None:
        return "undefined"
    if row["g_low"] is None or row["g_high"] is None:
        return f"{row['g']:.2f}"
    return f"{row['g']:.2f} ({row['g_low']:.2f} to {row['g_high']:.2f})"
