"""A series of synthetic micrographs as files in a folder, all of them or none."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image

from temgrains.files import temporary_in, unfinished
from temgrains.records import Progress, silent
from temgrains.synthesis.series import synthesise_many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from temgrains.synthesis.generate import SyntheticMicrograph
    from temgrains.synthesis.recipe import Recipe

MEANS = (
    "cells_mean_ecd_px",
    "circles_sigma",
    "cells_sigma",
    "whole_cells_sigma",
    "overlap_after",
    "gaps",
    "boundary_share",
)
"""Entries of the reports whose means over the images sum a series up."""


def write_data_set(
    recipe: Recipe,
    folder: str | Path,
    *,
    seed: int,
    count: int,
    workers: int = 1,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Draw micrographs 0 to ``count - 1`` of a series, write them with their truth, and sum the series up.

    Parameters
    ----------
    recipe
        What to draw.
    folder
        Where the files go; it is made if it is missing. Files of the same names are replaced.
    seed
        Seed of the series.
    count
        Number of images, at least one.
    workers
        Processes that share the work; the bytes are the same for any number.
    progress
        Called as ``progress("images", done, count)``; whatever it raises stops the work.

    Returns
    -------
    What lies in ``synthesis-SEED.json``: what was asked for, and the means of what came out.

    Raises
    ------
    ValueError
        If count is less than one, or as `temgrains.synthesis.synthesise`.
    OSError
        If the folder cannot be written to or the disk is full; the sentence names the folder.

    Notes
    -----
    Files are written beside their place and moved there when all are complete: after an error, or when
    ``progress`` raises, the folder is as it was before, or missing if it was missing.
    """
    if count < 1:
        raise ValueError(f"count is {count}; it must be at least 1 image")
    target = Path(os.path.realpath(folder))
    reports: list[dict[str, Any]] = []
    try:
        with _all_or_nothing(target) as place, contextlib.ExitStack() as stack:
            samples = synthesise_many(recipe, seed=seed, count=count, workers=workers)
            stack.callback(getattr(samples, "close", lambda: None))
            progress("images", 0, count)
            for sample in samples:
                _write(sample, place, f"{seed}-{len(reports):05d}")
                reports.append(sample.report)
                progress("images", len(reports), count)
            series = _series(recipe, seed, reports)
            _write_json(place / f"synthesis-{seed}.json", series)
    except OSError as error:
        advice = "free some space" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "choose another folder"
        raise type(error)(
            f"cannot write the data set to {folder}: {error.strerror or error}; {advice}, nothing of it was "
            "left there"
        ) from error
    return series


@contextlib.contextmanager
def _all_or_nothing(target: Path) -> Iterator[Path]:
    """Give a folder to fill, whose files come to lie in the target when all went well."""
    there = target.exists()
    if there and not target.is_dir():
        raise NotADirectoryError(f"{target} is a file")
    near = target if there else next(parent for parent in target.parents if parent.exists())
    place = temporary_in(near, target.name)
    with unfinished(place):
        place.mkdir()
        yield place
        if there:
            # The summary last: where it lies, the series is whole.
            for path in sorted(place.iterdir(), key=lambda path: (path.name.startswith("synthesis-"), path)):
                path.replace(target / path.name)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            place.rename(target)


def _write(sample: SyntheticMicrograph, folder: Path, stem: str) -> None:
    Image.fromarray(sample.image).save(folder / f"{stem}.png")
    Image.fromarray(sample.truth.astype(np.uint8) * np.uint8(255)).save(folder / f"{stem}.truth.png")
    tifffile.imwrite(folder / f"{stem}.labels.tif", sample.labels, compression="zlib", metadata=None)
    _write_json(folder / f"{stem}.json", sample.report)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _series(recipe: Recipe, seed: int, reports: list[dict[str, Any]]) -> dict[str, Any]:
    """Give what was asked for, and the means over the images of what came out."""
    return {
        "seed": seed,
        "count": len(reports),
        "requested": recipe.describe(),
        "realised": {
            "cells": sum(report["cells"] for report in reports),
            **{key: _mean([report[key] for report in reports]) for key in MEANS},
        },
    }


def _mean(values: list[float | None]) -> float | None:
    """Average what is defined: an image without inner grains has no spread."""
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else None
