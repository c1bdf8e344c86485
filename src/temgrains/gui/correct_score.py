"""The score of boundaries against a reference: figures, curve, and lines in three colours."""

from __future__ import annotations

import csv
import html
import json
import math
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.files import plain, saving
from temgrains.gui._state import metric

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from temgrains.pipeline.scoring import Kinds, Part, Parts
    from temgrains.records import Analysis, ByteArray, MaskArray, PixelSize
    from temgrains.score import Score, Verdict

MARGIN_PX = 12
"""Width left out along the image border; hand-drawn references often have a frame there [px]."""

NAMES = {
    "eq1": "found (Eq. 1)",
    "precision": "precision",
    "f1": "F1",
    "length": "length, found / true",
    "are": "Rand error of grains",
    "vi": "variation of information [bit]",
}
"""What is shown, in this order."""

MISSED, CORRECT, FALSE = 1, 2, 3
"""Marks of the picture of the score."""

COLOURS = ["transparent", "#ff9f1c", "#ffffff", "#35b7ff"]
"""Nothing, missed (orange) and correct (white) as in the paper, false."""

CURVES = (("Eq. 1", COLOURS[MISSED], "o-"), ("precision", COLOURS[FALSE], "s--"))
"""The curves: name, colour, look. Eq. 1 falls with what is missed, the precision with what is false."""

LAST_PX = 10
"""The largest tolerance of the curves [px]."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A score, its picture and curve (tolerance, Eq. 1, precision), Eq. 1 in parts, what was compared."""

    score: Score
    picture: ByteArray
    curve: NDArray[np.float64]
    reference: str
    judged: str
    pixel_size: PixelSize | None
    parts: Parts | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What a layer shows, to be turned into boundaries later: its name, kind and pixels."""

    name: str
    labels: bool
    pixels: Any

    def lines(self) -> MaskArray:
        """Give the boundaries that a layer shows.

        Of labels with several numbers the lines between them and where they are 0; of labels with one number
        what was painted; of an image what is brighter than half of its brightest value, or what is not where
        that is most of the image.
        """
        pixels = np.asarray(self.pixels)
        if pixels.ndim == 3:
            pixels = pixels[..., :3].max(axis=-1)
        if self.labels and _several(pixels):
            lines = pixels == 0
            lines[:, :-1] |= (pixels[:, :-1] != pixels[:, 1:]) & (pixels[:, 1:] != 0)
            lines[:-1] |= (pixels[:-1] != pixels[1:]) & (pixels[1:] != 0)
            found: MaskArray = lines
            return found
        if not self.labels and pixels.dtype.kind == "f":
            pixels = np.where(np.isfinite(pixels), pixels, 0)
        bright: MaskArray = pixels > (0 if self.labels else pixels.max() / 2)
        # Lines never cover most of an image: these are dark ones on a bright ground.
        return ~bright if not self.labels and bright.mean() > 0.5 else bright


def _several(labels: NDArray[np.integer]) -> bool:
    """Whether there are grains of several numbers."""
    inside = labels > 0
    if not inside.any():
        return False
    return bool(labels.max() != np.min(labels, where=inside, initial=labels.max()))


class Judge:
    """Compares boundaries with a reference, again after each correction; what stays the same is kept."""

    def __init__(self) -> None:
        from temgrains.pipeline.referee import Referee  # noqa: PLC0415  (imports torch)

        self._referee = Referee(MARGIN_PX)
        self._make = Referee
        self._kinds: tuple[tuple[Any, ...], Kinds] | None = None

    def compare(
        self,
        reference: tuple[str, MaskArray],
        judged: tuple[str, MaskArray],
        *,
        tolerance_px: float,
        pixel_size: PixelSize | None,
        analysis: Analysis | None = None,
    ) -> Comparison:
        """Compare boundaries with a reference; both come with their name.

        With the analysis of the image Eq. 1 is split by contrast and confidence too.
        """
        margin = min(MARGIN_PX, (min(judged[1].shape) - 1) // 4)
        if margin != self._referee.margin_px:
            self._referee = self._make(margin)
        other, referee = self._referee.take(reference[1], judged[1]), self._referee
        verdict = referee.verdict(tolerance_px)
        return Comparison(
            score=referee.score(tolerance_px),
            picture=picture_of(verdict),
            parts=None
            if analysis is None
            else self._parts(reference[1], analysis, verdict, other, tolerance_px),
            curve=referee.curve(),
            reference=reference[0],
            judged=judged[0],
            pixel_size=pixel_size,
        )

    def _parts(
        self, truth: MaskArray, analysis: Analysis, verdict: Verdict, other: bool, tolerance_px: float
    ) -> Parts:
        from temgrains.pipeline.scoring import kinds_of  # noqa: PLC0415

        same = (analysis.micrograph, analysis.guess, tolerance_px)
        if other or self._kinds is None or not _alike(self._kinds[0], same):
            self._kinds = same, kinds_of(truth, analysis, tolerance_px=tolerance_px)
        return self._kinds[1].parts(verdict)


def _alike(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether two hold the same records and the same tolerance."""
    return one[0] is other[0] and one[1] is other[1] and one[2] == other[2]


def picture_of(verdict: Verdict) -> ByteArray:
    """Give missed, correct and false lines as marks, mistakes three pixels wide so that they are found.

    What is missed lies over what is false, for it has to be drawn; neither covers what is correct.
    """
    height, width = verdict.missed.shape
    found = np.zeros((height + 2, width + 2), np.uint8)
    for lines, mark in ((verdict.false, FALSE), (verdict.missed, MISSED)):
        rows, columns = np.nonzero(lines)  # few: a filter would go through all of a large image
        for down, right in np.ndindex(3, 3):
            found[rows + down, columns + right] = mark
    inner = found[1:-1, 1:-1].copy()
    inner[verdict.correct] = CORRECT
    return inner


def text_of(comparison: Comparison) -> str:
    """Give the figures as text that can be pasted into a paper or a mail."""
    score = comparison.score
    lines = [
        f"{comparison.judged} against {comparison.reference}, tolerance {tolerance_text(comparison)}",
        *(f"{name}: {getattr(score, key):.3f}" for key, name in NAMES.items()),
        *(
            f"found (Eq. 1) of {what}: {eq1:.3f}, {percent(of)} of the length"
            for what, eq1, of in _said(comparison)
        ),
    ]
    return "\n".join(lines)


def tolerance_text(comparison: Comparison) -> str:
    """Give the tolerance in pixels and, where the pixel size is known, in its unit."""
    pixels = comparison.score.tolerance_px
    if comparison.pixel_size is None:
        return f"{pixels:g} px"
    low, high = (pixels * size for size in sorted(comparison.pixel_size))
    return f"{pixels:g} px = {metric(low)}" + ("" if low == high else f" to {metric(high)}")


def nm_per_px(comparison: Comparison) -> float | None:
    """Give the size of a pixel [nm]; None where it is unknown, or not the same in both directions."""
    if comparison.pixel_size is None or not math.isclose(*comparison.pixel_size, rel_tol=1e-3):
        return None
    return sum(comparison.pixel_size) / 2


def percent(share: float) -> str:
    """Give a share in whole percent; what is not quite nothing, or not quite all, is not said to be."""
    if 0 < share < 0.01:
        return "<1%"
    return ">99%" if 0.99 < share < 1 else f"{share:.0%}"


def table_of(comparison: Comparison) -> str:
    """Give the figures as rich text for the panel."""
    score = comparison.score
    rows = "".join(
        f"<tr><td>{name}</td><td align='right'>&nbsp;&nbsp;<b>{getattr(score, key):.3f}</b></td></tr>"
        for key, name in NAMES.items()
    )
    parts = "".join(
        f"<tr><td>{what}</td><td align='right'>&nbsp;&nbsp;<b>{eq1:.3f}</b></td>"
        f"<td align='right'>&nbsp;&nbsp;{html.escape(percent(share))}</td></tr>"
        for what, eq1, share in _said(comparison)
    )
    heading = "<br>Eq. 1 by the true boundaries' look, and their share of the length"
    return f"<table>{rows}</table>" + (f"{heading}<table>{parts}</table>" if parts else "")


def _said(comparison: Comparison) -> Iterator[tuple[str, float, float]]:
    """Name each part of the true boundaries that is there, with its Eq. 1 and its share of the length."""
    if comparison.parts is None:
        return
    for name in ("contrast", "confidence"):
        parts: tuple[Part, ...] = getattr(comparison.parts, name)
        total = sum(part.length_px for part in parts)
        for part in parts:
            if part.length_px:
                yield f"{name} {part.low:g} to {part.high:g}", part.eq1, part.length_px / total


def save(comparison: Comparison, path: Path) -> None:
    """Write the figures and the curve as JSON or CSV, or the curve as a figure, by the file's ending.

    Raises
    ------
    ValueError
        If the ending is none of these.
    OSError
        If the file cannot be written.
    """
    writers = {".json": _write_json, ".csv": _write_csv, ".png": _write_figure, ".svg": _write_figure}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise ValueError(f"{path.name} has no known ending; end it with {', '.join(writers)}")
    with saving(path) as temporary:
        writer(comparison, temporary)


def _write_json(comparison: Comparison, path: Path) -> None:
    content = {
        "reference": comparison.reference,
        "judged": comparison.judged,
        "pixel_size_nm": comparison.pixel_size,
        **asdict(comparison.score),
        "eq1_by": None if comparison.parts is None else asdict(comparison.parts),
        "curve": {"columns": ["tolerance_px", "eq1", "precision"], "rows": comparison.curve},
    }
    path.write_text(json.dumps(plain(content), indent=1) + "\n", encoding="utf-8")


def _write_csv(comparison: Comparison, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["# reference", comparison.reference, "judged", comparison.judged])
        for key, value in asdict(comparison.score).items():
            writer.writerow([f"# {key}", value])
        for what, eq1, share in _said(comparison):
            writer.writerow([f"# eq1 of {what}", eq1, "share of length", share])
        writer.writerow(["tolerance_px", "eq1", "precision"])
        writer.writerows(comparison.curve.tolist())


def _write_figure(comparison: Comparison, path: Path) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415  (slow, and few save one)

    figure = Figure(figsize=(4, 3.2), layout="constrained")
    axes = figure.add_subplot()
    tolerance, *shares = comparison.curve.T
    for share, (name, colour, look) in zip(shares, CURVES, strict=True):
        axes.plot(tolerance, share, look, color=colour, markersize=4, label=name)
    axes.axvline(comparison.score.tolerance_px, color="grey", linestyle=":", linewidth=1)
    axes.set(xlabel="tolerance [px]", ylabel="share of length", ylim=(0, 1.02))
    nm = nm_per_px(comparison)
    if nm is not None:
        to_nm, to_px = partial(np.multiply, nm), partial(np.multiply, 1 / nm)
        above = axes.secondary_xaxis("top", functions=(to_nm, to_px))
        above.set_xlabel("tolerance [nm]")
    figure.legend(loc="outside upper center", ncols=2, frameon=False)  # in the frame it would cover curves
    figure.savefig(path, dpi=200)
