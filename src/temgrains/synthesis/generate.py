"""From a recipe, a seed and a number to a synthetic micrograph with its truth."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.synthesis.geometry import interfaces, whole_grains
from temgrains.synthesis.packing import draw_diameters, pack
from temgrains.synthesis.power import LIMIT_PX, cell_boundaries, gap_share, power_diagram, renumber

if TYPE_CHECKING:
    from temgrains.records import ByteArray, GreyArray, LabelArray, MaskArray
    from temgrains.synthesis.packing import FloatArray, Packing
    from temgrains.synthesis.recipe import Recipe


@dataclass(frozen=True, slots=True)
class SyntheticMicrograph:
    """A drawn micrograph and what is true of it.

    ``image`` is uint8, shape (H, W). ``truth`` is bool, shape (H, W): True on the boundaries. ``labels`` is
    int32, shape (H, W): the grain of each pixel, 1..N without gaps, on the boundaries too. ``report`` is
    plain JSON: what was asked for, drawn and realised.
    """

    image: ByteArray = field(repr=False)
    truth: MaskArray = field(repr=False)
    labels: LabelArray = field(repr=False)
    report: dict[str, Any] = field(repr=False)


def synthesise(recipe: Recipe, *, seed: int, index: int = 0) -> SyntheticMicrograph:
    """Draw one synthetic micrograph.

    Parameters
    ----------
    recipe
        What to draw.
    seed
        Seed of the series, a whole number from 0.
    index
        Number of the image in the series, from 0. The image depends on recipe, seed and index alone.

    Raises
    ------
    ValueError
        If seed or index is not a whole number from 0, or a step returns something else than an image.

    Notes
    -----
    Grains and steps each have their own generator: the grains stay the same when steps change, and a step's
    draws stay the same when another step's settings change.
    """
    _require_whole("seed", seed)
    _require_whole("index", index)
    rng = _generator(seed, index)
    mean = float(np.exp(rng.uniform(*np.log(recipe.mean_diameter_px))))
    median = mean * math.exp(-(recipe.sigma**2) / 2)
    diameters = _diameters(recipe, median, rng)
    # On a grid, so that the last bit of an exponential, which differs between machines, decides nothing.
    radii = np.rint(np.minimum(diameters / 2, LIMIT_PX) * 1024) / 1024
    packing = pack(radii, recipe.shape, rng=rng, settings=recipe.packing)
    owner = power_diagram(packing.centres, radii, recipe.shape)
    labels, pixels = renumber(owner, len(radii))
    if recipe.shapes:
        labels = _shaped(recipe, labels, seed, index)
        truth = interfaces(labels, thickness_px=recipe.thickness_px)
    else:
        truth = cell_boundaries(owner, packing.centres, radii, thickness_px=recipe.thickness_px)
    report = {
        "recipe": recipe.name,
        "seed": int(seed),
        "index": int(index),
        "shape": list(recipe.shape),
        "mean_diameter_px": mean,
        "median_diameter_px": median,
        "sigma": recipe.sigma,
        **({"fine_share": recipe.fine_share, "fine_ratio": recipe.fine_ratio} if recipe.fine_share else {}),
        "thickness_px": recipe.thickness_px,
        **_circles_report(diameters, packing),
        "gaps": gap_share(owner, packing.centres, radii),
        "circles_without_cell": int((pixels == 0).sum()),
        **_cells_report(labels, truth),
    }
    return SyntheticMicrograph(_drawn(recipe, labels, seed, index), truth, labels, report)


def shown(recipe: Recipe, *, seed: int, index: int = 0) -> tuple[list[bool], list[bool]]:
    """Say which shapes and which steps of a recipe one of its images shows.

    Those that have an ``image_share`` are in that share of the images only, and draw first whether.

    Raises
    ------
    ValueError
        If seed or index is not a whole number from 0.
    """
    _require_whole("seed", seed)
    _require_whole("index", index)

    def drawn(step: object, *key: int) -> bool:
        share = getattr(step, "image_share", None)
        return share is None or bool(_generator(seed, index, *key).random() < share)

    shapes = [drawn(shape, 0, number) for number, shape in enumerate(recipe.shapes, 1)]
    return shapes, [drawn(step, number) for number, step in enumerate(recipe.steps, 1)]


def _require_whole(name: str, value: object) -> None:
    if not isinstance(value, int | np.integer) or value < 0:
        raise ValueError(f"{name} is {value!r}; it must be a whole number from 0")


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=key)))


def _diameters(recipe: Recipe, median_px: float, rng: np.random.Generator) -> FloatArray:
    """Draw the circles' diameters, those of the finer kind last."""
    area = float(math.prod(recipe.shape))
    kinds = [(1 - recipe.fine_share, 1.0), (recipe.fine_share, recipe.fine_ratio)]
    drawn = [
        draw_diameters(share * area, median_px=ratio * median_px, sigma=recipe.sigma, rng=rng)
        for share, ratio in kinds
        if share
    ]
    return np.concatenate(drawn)


def _shaped(recipe: Recipe, labels: LabelArray, seed: int, index: int) -> LabelArray:
    """Apply the shapes to the cells, and number the grains that come out."""
    for number, shape in enumerate(recipe.shapes, 1):
        given: Any = shape(labels, _generator(seed, index, 0, number))
        if np.shape(given) != recipe.shape:
            raise ValueError(
                f"shape {number}, {shape!r}, gave shape {np.shape(given)}; it must give labels {recipe.shape}"
            )
        labels = np.asarray(given, np.int32)
    return whole_grains(labels)


def _drawn(recipe: Recipe, labels: LabelArray, seed: int, index: int) -> ByteArray:
    """Apply the steps to a black image."""
    image: GreyArray = np.zeros(recipe.shape, np.float32)
    for number, step in enumerate(recipe.steps, 1):
        given: Any = step(image, labels, _generator(seed, index, number))
        if np.shape(given) != recipe.shape:
            raise ValueError(
                f"step {number}, {step!r}, gave shape {np.shape(given)}; it must give an image {recipe.shape}"
            )
        image = np.asarray(given, np.float32)
        if not np.isfinite(image).all():
            raise ValueError(f"step {number}, {step!r}, gave pixels that are not finite; mend the step")
    return np.rint(np.clip(image, 0, 255)).astype(np.uint8)


def _circles_report(diameters: FloatArray, packing: Packing) -> dict[str, Any]:
    return {
        "circles": len(diameters),
        "circles_mean_px": float(diameters.mean()),
        "circles_sigma": float(np.log(diameters).std()),
        "circles_area_px2": float((math.pi / 4 * diameters**2).sum()),
        "overlap_before": packing.overlap_before,
        "overlap_after": packing.overlap_after,
    }


def _cells_report(labels: LabelArray, truth: MaskArray) -> dict[str, Any]:
    """Sizes of the cells; the spread also without the cells that the border cuts."""
    areas = np.bincount(labels.ravel())[1:]
    ecd = np.sqrt(4 / math.pi * areas)
    inner = np.ones(len(areas), np.bool_)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        inner[side - 1] = False
    whole = np.log(ecd[inner])
    return {
        "cells": len(areas),
        "cells_mean_ecd_px": float(ecd.mean()),
        "cells_sigma": float(np.log(ecd).std()),
        "whole_cells": int(inner.sum()),
        "whole_cells_mean_ecd_px": float(ecd[inner].mean()) if inner.any() else None,
        "whole_cells_sigma": float(whole.std()) if inner.sum() > 1 else None,
        "boundary_share": np.count_nonzero(truth) / truth.size,
    }
