"""How good a model is: its accuracy and its course on synthetic micrographs, and from pure noise."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import ndimage, optimize
from skimage.morphology import skeletonize

from temgrains import models, pipeline
from temgrains.pipeline.confidence import calibrated
from temgrains.records import Micrograph, Progress, silent
from temgrains.refine import PoorGuessWarning
from temgrains.score import score
from temgrains.synthesis import Recipe, synthesise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from temgrains.records import Analysis, Boundaries, Iterate
    from temgrains.synthesis import SyntheticMicrograph

_SETTLED = ("converged", "fixed point")
_FIGURES = ("eq1", "precision", "f1", "length", "vi", "closed")

PAPER_ITERATIONS = 46
"""Passes that the paper's refinement needed from pure noise, its worst case (Fig. 4a)."""

CLOSED = 0.95
"""Share of the boundary length that must enclose grains for a network to count as closed."""


def evaluate(
    recipe: Recipe,
    *,
    model: str | Path | models.Model = models.DEFAULT,
    seed: int,
    count: int = 200,
    tolerance_px: float = 3.0,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Score guess and refined boundaries of fresh synthetic micrographs against their truth.

    Parameters
    ----------
    recipe
        What the micrographs look like.
    model
        Name, file or loaded model.
    seed
        Of the micrographs; for a fair figure one that the model was not trained on.
    count
        Number of micrographs.
    tolerance_px
        Distance up to which a boundary counts as found [px].
    progress
        Called as ``progress("evaluation", done, count)``.

    Returns
    -------
    pandas.DataFrame
        A row per micrograph: passes, why they stopped, the scores of the closed boundaries of the guess
        (``guess_...``) and of the last iterate, without margin, and how large its grains truly are
        (``true_mean_ecd_px``, ``true_sigma``).
    """
    networks = pipeline.loaded(model)
    rows = []
    for index, (sample, analysis) in enumerate(_analysed(recipe, networks, seed, count)):
        guessed = pipeline.closed_guess(analysis, model=networks)
        scores = {
            f"{prefix}{name}": value
            for prefix, found in (("guess_", guessed), ("", analysis.boundaries))
            for name, value in asdict(
                score(sample.truth, found.mask, tolerance_px=tolerance_px, margin_px=0)
            ).items()
            if name in _FIGURES
        }
        report = sample.report
        sizes = {"true_mean_ecd_px": report["cells_mean_ecd_px"], "true_sigma": report["cells_sigma"]}
        rows.append({"index": index, **_course(analysis.iterates), **scores, **sizes})
        progress("evaluation", index + 1, count)
    return pd.DataFrame(rows)


def evaluate_from_noise(
    *,
    model: str | Path | models.Model = pipeline.GENERATOR,
    seeds: range,
    shape: tuple[int, int] = (96, 496),
    progress: Progress = silent,
) -> pd.DataFrame:
    """Let the refinement make microstructures from pure noise, and measure what it ends in.

    Returns
    -------
    pandas.DataFrame
        A row per seed: passes, why they stopped, number of grains, mean equivalent circle diameter [px],
        standard deviation of its logarithm, ``closed`` (share of the thinned boundaries of the state that
        separate two grains before anything is pruned).
    """
    networks = pipeline.loaded(model)
    rows = []
    for done, seed in enumerate(seeds, start=1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PoorGuessWarning)
            made = pipeline.imagine(seed=seed, shape=shape, model=networks)
        diameters = made.sizes.table["ecd_px"].to_numpy()
        rows.append(
            {
                "seed": seed,
                **_course(made.iterates),
                "grains": made.grains.count,
                "mean_ecd_px": diameters.mean(),
                "sigma": np.log(diameters).std(),
                "closed": closed_share(made.boundaries),
            }
        )
        progress("noise", done, len(seeds))
    return pd.DataFrame(rows)


def evaluate_confidence(
    recipe: Recipe,
    *,
    model: str | Path | models.Model = models.DEFAULT,
    seed: int,
    count: int = 100,
    tolerance_px: float = 3.0,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Compare the confidence of segments of fresh synthetic micrographs with how many of them are true.

    Returns
    -------
    pandas.DataFrame
        A row per segment: ``support``, the mean of the guess along it (0..1); ``confidence`` (0..1);
        ``length_px``; ``true``, whether at least half of its pixels lie within the tolerance of a boundary.
    """
    networks = pipeline.loaded(model)
    tables = []
    for index, (sample, analysis) in enumerate(_analysed(recipe, networks, seed, count)):
        graph = pipeline.segments_of(analysis)
        plain = pipeline.segments_of(analysis, calibrate=False)
        near = ndimage.distance_transform_edt(~skeletonize(sample.truth)) <= tolerance_px
        share = np.bincount(graph.owner, near[graph.pixels[:, 0], graph.pixels[:, 1]], graph.count)
        tables.append(
            pd.DataFrame(
                {
                    "support": plain.confidence,
                    "confidence": graph.confidence,
                    "length_px": graph.length_px,
                    "true": share >= 0.5 * np.bincount(graph.owner, minlength=graph.count),
                }
            )
        )
        progress("confidence", index + 1, count)
    return pd.concat(tables, ignore_index=True)


def calibration_error(segments: pd.DataFrame, *, bins: int = 10) -> float:
    """Give the expected calibration error of segments: |confidence - share that is true|, by their number."""
    which = np.minimum((segments["confidence"] * bins).astype(int), bins - 1)
    groups = segments.groupby(which)
    gaps = (groups["confidence"].mean() - groups["true"].mean()).abs()
    return float((gaps * groups.size()).sum() / len(segments))


def fit_confidence(segments: pd.DataFrame) -> tuple[float, float]:
    """Fit the logistic curve from support to confidence: give the offset and the slope of the logit."""
    known, true = segments["support"].to_numpy(), segments["true"].to_numpy()

    def surprise(scale: NDArray[np.float64]) -> float:
        sure = np.clip(calibrated(known, *scale), 1e-6, 1 - 1e-6)
        return float(-np.where(true, np.log(sure), np.log(1 - sure)).mean())

    found = optimize.minimize(surprise, np.array([0.0, 1.0]), method="Nelder-Mead")
    return float(found.x[0]), float(found.x[1])


def are_microstructures(noise: pd.DataFrame, micrographs: pd.DataFrame) -> pd.Series:
    """Say which of the runs from noise ended in a closed microstructure like those that were learnt from.

    Parameters
    ----------
    noise
        What `evaluate_from_noise` gave.
    micrographs
        What `evaluate` gave for the recipe of the training, enough of them to show its range.

    Returns
    -------
    pandas.Series
        True for a run that settled, with at least 95 % of its boundary length closed, and with the mean
        diameter and the width (standard deviation of the logarithm) of its grains between the smallest and
        the largest of the micrographs'.
    """
    settled = noise["stopped"].isin(_SETTLED) & (noise["closed"] >= CLOSED)
    for found, true in (("mean_ecd_px", "true_mean_ecd_px"), ("sigma", "true_sigma")):
        settled &= noise[found].between(micrographs[true].min(), micrographs[true].max())
    return settled


def closed_share(boundaries: Boundaries) -> float:
    """Give the closed length as a share of closed and loose length; 0 where there is no boundary."""
    closed = int(np.count_nonzero(boundaries.mask))
    return closed / (closed + boundaries.pruned_px) if closed else 0.0


def summarise(table: pd.DataFrame) -> dict[str, Any]:
    """Give the means of an evaluation's columns, and the share of runs that converged, as plain numbers."""
    settled = table["stopped"].isin(_SETTLED)
    figures = table.drop(columns=["index", "seed", "stopped"], errors="ignore").mean()
    return {
        "count": len(table),
        "converged": float((settled & (table["iterations"] <= PAPER_ITERATIONS)).mean()),
        **{str(name): round(float(value), 4) for name, value in figures.items()},
    }


def _analysed(
    recipe: Recipe, model: models.Model, seed: int, count: int
) -> Iterator[tuple[SyntheticMicrograph, Analysis]]:
    """Draw micrographs and analyse them, one by one."""
    for index in range(count):
        sample = synthesise(recipe, seed=seed, index=index)
        micrograph = Micrograph(
            sample.image.astype(np.float32) / np.float32(255), source=f"synthetic {index}"
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PoorGuessWarning)  # the count of passes tells
            analysis = pipeline.analyse(micrograph, model=model)
        yield sample, analysis


def _course(iterates: tuple[Iterate, ...]) -> dict[str, Any]:
    return {"iterations": iterates[-1].index, "stopped": iterates[-1].stopped}
