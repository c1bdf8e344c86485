"""What it takes to repeat a run, as plain JSON: versions, settings, card, course, time, doubts."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.corrections import ledger
from temgrains.corrections.strokes import operation_from_plain
from temgrains.refine import POOR_GUESS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from temgrains.corrections import Operation
    from temgrains.models import Model
    from temgrains.records import Grains, Iterate, Micrograph, PixelSize
    from temgrains.settings import Settings


@contextmanager
def timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Note in `seconds` how long the block took [s]."""
    start = time.perf_counter()
    yield
    seconds[stage] = round(time.perf_counter() - start, 3)


def origin(micrograph: Micrograph) -> dict[str, Any]:
    """Say where the image and its scale came from."""
    size, mask = micrograph.pixel_size, micrograph.excluded_mask
    return {
        "source": micrograph.source,
        "page": micrograph.page,
        "pages": micrograph.pages,
        "signal": micrograph.signal,
        "instrument": asdict(micrograph.instrument),
        "shape": list(micrograph.shape),
        "pixel_size_nm": None if size is None else list(size),
        "calibration": micrograph.calibration,
        "excluded": [list(box) for box in micrograph.excluded],
        "excluded_share": 0.0 if mask is None else float(mask.mean()),
        "notes": list(micrograph.notes),
    }


def made_with(model: Model, settings: Settings) -> dict[str, Any]:
    """Say which program, networks and settings were at work."""
    return {"version": _package_version(), "model": model.card, "settings": settings.to_dict()}


def course(iterates: Sequence[Iterate]) -> dict[str, Any]:
    """Say how the refinement went, and at which shape."""
    last = iterates[-1]
    return {
        "working_shape": list(last.state.shape),
        "stopped": last.stopped,
        "converged": last.stopped in {"converged", "fixed point"},
        "iterations": last.index,
        "change": [iterate.change for iterate in iterates if iterate.index > 0],
    }


def corrections(operations: Sequence[Operation], pixel_size: PixelSize | None) -> dict[str, Any]:
    """Say what was corrected by hand: how much, and each operation."""
    counted = asdict(ledger(operations, pixel_size))
    return {**counted, "list": [operation.to_plain() for operation in operations]}


def corrections_at(told: dict[str, Any], pixel_size: PixelSize | None) -> dict[str, Any]:
    """Say what was corrected by hand in an analysis, at another scale; nothing where nothing was told."""
    known = told.get("corrections")
    if not known or "list" not in known:
        return {}
    operations = [operation_from_plain(plain) for plain in known["list"]]
    return {"corrections": corrections(operations, pixel_size)}


UNKNOWN_SCALE = "the pixel size is not known: sizes are in pixels only; state it to have them in nm"


def scale_doubt(micrograph: Micrograph) -> list[str]:
    """Say so if nothing is known of the scale."""
    return [UNKNOWN_SCALE] if micrograph.pixel_size is None else []


def doubts(iterates: Sequence[Iterate], grains: Grains, *, from_guess: bool = True) -> list[str]:
    """Say in sentences what makes the result doubtful; many iterations do where there was a guess."""
    last = iterates[-1]
    found = []
    if from_guess and last.index > POOR_GUESS:
        found.append(
            f"the refinement took {last.index} iterations, more than {POOR_GUESS}: the initial guess is poor"
        )
    if last.stopped == "cap":
        found.append(f"the refinement was cut off after {last.index} iterations, before it had converged")
    if last.stopped == "cycle":
        found.append(f"the refinement ended in a cycle after {last.index} iterations, without converging")
    if grains.count <= 1:
        found.append("no boundary was found")
    return found


def all_doubts(micrograph: Micrograph, iterates: Sequence[Iterate], grains: Grains) -> list[str]:
    """Say what makes the result of a micrograph doubtful, and so if there is nothing to see in it."""
    flat = float(np.ptp(micrograph.pixels)) == 0
    contrast = ["the image has no contrast: all its pixels are alike"] if flat else []
    return [*contrast, *doubts(iterates, grains), *scale_doubt(micrograph)]


def rescaled(warnings: Sequence[str], micrograph: Micrograph) -> list[str]:
    """Keep the doubts that no other scale changes."""
    return [*(known for known in warnings if known != UNKNOWN_SCALE), *scale_doubt(micrograph)]


@cache
def _package_version() -> str:
    return version("temgrains")
