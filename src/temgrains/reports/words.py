"""What a report says: numbers with units, and a paragraph for the methods section of a paper."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from temgrains.statistics.planimetric import FEWEST_GRAINS
from temgrains.statistics.report import WEIGHTED

if TYPE_CHECKING:
    from temgrains.records import PixelSize
    from temgrains.reports.context import Context
    from temgrains.statistics.field import GrainSize
    from temgrains.statistics.report import SizeStatistics


_UNDEFINED = "undefined"


def number(value: float | None, digits: int = 4) -> str:
    """Give a number with some figures, or "undefined"."""
    if value is None or not math.isfinite(value):
        return _UNDEFINED
    if abs(value) < 1e7 and (value == round(value) or abs(value) >= 10**digits):
        return f"{value:.0f}"
    return f"{value:#.{digits}g}".rstrip(".") if 1e-4 <= abs(value) < 1e7 else f"{value:.{digits - 1}e}"


def with_unit(value: float | None, unit: str, digits: int = 4) -> str:
    """Give a number with its unit, or "undefined" alone."""
    text = number(value, digits)
    return text if text == _UNDEFINED or not unit else f"{text} {unit}"


def tally(value: float) -> str:
    """Give a count, in which grains at the border count as halves, or a size, as `number` does."""
    return f"{value:g}" if abs(value) < 100 and 2 * value == round(2 * value) else number(value)


def is_square(pixel_size: PixelSize) -> bool:
    """Tell whether a pixel is as high as wide."""
    return math.isclose(*pixel_size, rel_tol=1e-6)


def sides(pixel_size: PixelSize) -> str:
    """Give the height and width of a pixel, or one length where they are alike."""
    height, width = (f"{side:.4g} nm" for side in pixel_size)
    return height if is_square(pixel_size) else f"{height} high and {width} wide"


def paragraph(found: SizeStatistics, context: Context) -> str:
    """Give a paragraph on methods that a paper can take over as it is."""
    sentences = [_finding(found, context), _image(found), _counts(found), _diameters(found), *_methods(found)]
    sentences.append(_largest(found.content["distribution"].get("largest")))
    return " ".join(sentence for sentence in [*sentences, *_doubts(found)] if sentence)


def _finding(found: SizeStatistics, context: Context) -> str:
    made = context.provenance
    if not made:
        what = found.labelled.map_of
        comma = "," if "," in what else ""
        return f"Grain sizes were measured on a map of {what}{comma} with temgrains {context.version}."
    model = made.get("model", {})
    name = model.get("name", "unknown") if isinstance(model, dict) else str(model)
    text = (
        f"Grain boundaries were found with temgrains {made.get('version', context.version)} (model "
        f"{name}): edge maps were turned into an initial guess by a first network, which a second one "
        f"refined in {made.get('iterations', 'an unknown number of')} iterations"
    )
    stopped = made.get("stopped")
    text += f" ({stopped})." if stopped else "."
    return f"{text} {_corrections(context)}".rstrip()


def _corrections(context: Context) -> str:
    count = context.by_hand
    if count is None:
        return ""
    if count == 0:
        return "Boundaries were not corrected by hand."
    return f"{count} correction{'s were' if count > 1 else ' was'} made by hand."


def _image(found: SizeStatistics) -> str:
    rows, columns = found.counted.cells.shape
    size = found.labelled.pixel_size
    if size is None:
        return f"The image had {rows} x {columns} pixels of unknown size; sizes are in pixels."
    source = found.labelled.calibration
    of = f"pixels of {sides(size)}" if is_square(size) else f"pixels (height x width), each {sides(size)}"
    return f"The image had {rows} x {columns} {of} (calibration: {source})."


def _counts(found: SizeStatistics) -> str:
    content = found.content
    grains, whole = content["grains"], content["grains_whole"]
    if not grains:
        return "No grain was seen."
    share = content["share_of_image_in_grains"]
    covered = "" if share > 0.9999 else f", {100 * share:.1f} % of the image"
    seen = f"{grains} grain{' was' if grains == 1 else 's were'} seen{covered}"
    if not whole:
        which = "it was" if grains == 1 else "all of them were"
        return f"{seen}; {which} cut by the image border or by a part that was left out."
    were = "was" if whole == 1 else "were"
    return f"{seen}; {whole} of them {were} cut by neither the image border nor a part that was left out."


def _diameters(found: SizeStatistics) -> str:
    content, unit = found.content["distribution"], found.counted.unit
    summary, fit = content["summary"], content["lognormal"]
    if not summary["count"]:
        return "No whole grain was found, so there is no distribution of diameters."
    if summary["count"] == 1:
        return f"The equivalent circle diameter of the only whole grain was {number(summary['mean'])} {unit}."
    low, middle, high = summary["percentiles"]
    text = (
        f"The equivalent circle diameters of these had an arithmetic mean of {number(summary['mean'])} "
        f"{unit}{_interval(summary, unit)}{_weighted(content)} and 10, 50 and 90 % percentiles by number of "
        f"{number(low)}, {number(middle)} and {number(high)} {unit}"
    )
    if fit["mean_low"] is None:
        return f"{text}."
    fitted = (
        f"a lognormal distribution fitted by maximum likelihood had mu = {number(fit['mu'])} and sigma = "
        f"{number(fit['sample_sigma'])} of ln(d/{unit}) and a mean of {number(fit['mean'])} {unit} (95 % "
        f"confidence interval {number(fit['mean_low'])} to {number(fit['mean_high'])} {unit}, modified "
        "Cox method)"
    )
    goodness = (
        ""
        if fit["p"] is None
        else f", Kolmogorov-Smirnov distance {number(fit['distance'], 2)}, "
        f"bootstrap p = {number(fit['p'], 2)}"
    )
    return f"{text}; {fitted}{goodness}."


def _interval(summary: dict[str, Any], unit: str) -> str:
    low, high = summary["mean_low"], summary["mean_high"]
    return "" if low is None else f" (95 % confidence interval {number(low)} to {number(high)} {unit})"


def _weighted(content: dict[str, Any]) -> str:
    return ", weighted after Miles and Lantuejoul," if content["weights"] == WEIGHTED else ""


def _methods(found: SizeStatistics) -> list[str]:
    planimetric, intercepts = found.methods[:2]
    sentences = []
    if math.isfinite(planimetric.size):
        sentences.append(
            f"The planimetric method (Saltykov rectangle, N = {tally(planimetric.inputs['N'])}"
            f"{few_grains(planimetric, '; ')}) gave a square root of the mean area of "
            f"{number(planimetric.size)} {planimetric.unit}{_g(planimetric.g)}."
        )
    if math.isfinite(intercepts.size):
        sentences.append(
            f"Straight test lines in eight directions gave a mean intercept of {number(intercepts.size)} "
            f"{intercepts.unit}{_g(intercepts.g)}, with a ratio of the longest to the shortest of "
            f"{number(intercepts.inputs['anisotropy'], 3)}."
        )
    return sentences


def mean_diameter(content: dict[str, Any]) -> str:
    """Name the mean of a distribution, as plain JSON; the table of grains gives another without weights."""
    weighted = "weighted for cuts by the border, " if content["weights"] == WEIGHTED else ""
    return f"mean diameter of whole grains (ECD), {weighted}95 % interval"


def few_grains(planimetric: GrainSize, before: str = "") -> str:
    """Say where too few grains were counted for the standard."""
    if planimetric.inputs["N"] >= FEWEST_GRAINS:
        return ""
    return f"{before}ASTM E112 asks for {FEWEST_GRAINS} grains per field"


def _largest(largest: dict[str, Any] | None) -> str:
    """Say of the largest grain only where it stands apart."""
    if largest is None or not largest["applies"]:
        return ""
    bound = ", a lower bound, for the border cuts it" if largest["lower_bound"] else ""
    count = largest["outliers"]
    return (
        f"{count} grain{'s' if count > 1 else ''} with {100 * largest['outliers_share']:.1f} % of the area "
        f"stood apart (as large as, ASTM E930): G = {largest['g']:.2f}{bound}, that of the others "
        f"{largest['matrix_g']:.2f}."
    )


def _g(g: float) -> str:
    if not math.isfinite(g):
        return ""
    return f" (ASTM G = {g:.2f}{', extrapolated' if not -1 <= g <= 14 else ''})"


def _doubts(found: SizeStatistics) -> list[str]:
    error = found.content["uncertainty"]["calibration"].get("pixel_size_percent")
    if found.labelled.pixel_size is None:
        calibration = ""
    elif error is None:
        calibration = "The error of the pixel size was not stated."
    else:
        g = number(found.content["uncertainty"]["calibration"]["g"], 2)
        calibration = (
            f"An error of the pixel size of {number(error)} % changes all sizes by as much and G by {g}."
        )
    members = found.content["uncertainty"]["between_members"]
    between = (
        f"The mean diameters of the {members['members']} views that voted on the guess scattered by "
        f"{number(members['size_percent'], 2)} %."
        if "members" in members
        else ""
    )
    return [calibration, between, "The scatter between images is not included, as one image was measured."]


def settings_rows(settings: dict[str, Any]) -> list[tuple[str, ...]]:
    """Give settings as rows of name and value."""
    return [
        (f"{stage}.{key}", _setting(value))
        for stage, values in settings.items()
        for key, value in (values.items() if isinstance(values, dict) else [("", values)])
    ]


def _setting(value: Any) -> str:
    if value is None:
        return "automatic"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
