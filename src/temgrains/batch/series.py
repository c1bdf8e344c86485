"""Draw many synthetic micrographs; image k is the same for any number of workers."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image

from temgrains.files import atomic_path
from temgrains.records import Progress, silent
from temgrains.synthesis import Recipe, SyntheticMicrograph, synthesise

if TYPE_CHECKING:
    from collections.abc import Iterator

_MEANS = (
    "overlap_before",
    "overlap_after",
    "circles_sigma",
    "cells_sigma",
    "whole_cells_sigma",
    "boundary_share",
)


def synthesise_series(
    recipe: Recipe,
    *,
    seed: int,
    count: int,
    out: str | Path,
    workers: int = 1,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Draw a series of synthetic micrographs and write them with their truth.

    Parameters
    ----------
    recipe
        What to draw.
    seed
        Seed of the series; image k depends on recipe, seed and k alone.
    count
        Number of images, 1 or more.
    out
        Folder, made if it is missing. Each image gives ``STEM.png``, ``STEM.truth.png`` (0 or 255),
        ``STEM.labels.tif`` (grains from 1) and ``STEM.json``, with STEM = ``SEED-NUMBER``.
    workers
        Processes that share the work.
    progress
        Called as ``progress("images", done, total)``; may raise `Cancelled`.

    Returns
    -------
    series
        Plain JSON, written as ``synthesis-SEED.json`` too: ``requested`` is the recipe, ``realised`` the mean
        over the images of what came out (sigma of ln(diameter), overlap, share of boundary pixels).

    Raises
    ------
    ValueError
        If count or workers is less than 1, or as `synthesise`.
    OSError
        If a file cannot be written.
    """
    for name, value in (("count", count), ("workers", workers)):
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be 1 or more")
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    reports = []
    for report in _drawn(recipe, seed, count, folder, workers):
        reports.append(report)
        progress("images", len(reports), count)
    series = {
        "seed": seed,
        "count": count,
        "requested": recipe.describe(),
        "realised": {
            "cells": sum(report["cells"] for report in reports),
            "cells_mean_ecd_px": _mean([report["cells_mean_ecd_px"] for report in reports]),
            **{key: _mean([report[key] for report in reports]) for key in _MEANS},
        },
    }
    _write_json(folder / f"synthesis-{seed}.json", series)
    return series


def _drawn(recipe: Recipe, seed: int, count: int, folder: Path, workers: int) -> Iterator[dict[str, Any]]:
    draw = partial(_draw, recipe, seed, folder)
    if workers == 1:
        yield from map(draw, range(count))
        return
    # Spawned, not forked: forking after numba or PyTorch started their threads can hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(draw, range(count))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _draw(recipe: Recipe, seed: int, folder: Path, index: int) -> dict[str, Any]:
    sample = synthesise(recipe, seed=seed, index=index)
    _write(sample, folder, f"{seed}-{index:05d}")
    return sample.report


def _write(sample: SyntheticMicrograph, folder: Path, stem: str) -> None:
    with atomic_path(folder / f"{stem}.png") as path:
        Image.fromarray(sample.image).save(path)
    with atomic_path(folder / f"{stem}.truth.png") as path:
        Image.fromarray(sample.truth.astype(np.uint8) * np.uint8(255)).save(path)
    with atomic_path(folder / f"{stem}.labels.tif") as path:
        tifffile.imwrite(path, sample.labels, compression="zlib", metadata=None)
    _write_json(folder / f"{stem}.json", sample.report)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _mean(values: list[float | None]) -> float | None:
    """Average what is defined: an image without whole cells has no spread."""
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else None
