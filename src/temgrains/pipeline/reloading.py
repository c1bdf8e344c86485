"""An analysis that was written before, from its files again."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.grains import label
from temgrains.micrograph import tiff
from temgrains.micrograph.calibration import checked_size
from temgrains.pipeline import steps
from temgrains.pipeline.confidence import rated_sizes
from temgrains.pipeline.remembered import remembered
from temgrains.records import Analysis, Boundaries, BoundaryMap, Iterate, mask_of
from temgrains.settings import settings_from_dict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import EdgeMaps, LabelArray, MaskArray, Micrograph
    from temgrains.settings import Settings

_BYTES_MAX = 64 * 2**20
"""A longer JSON is none of ours."""


class NotReloadable(ValueError):
    """Files that are no analysis of this micrograph, or no longer whole; the sentence says which and why."""


def reload(path: str | Path, micrograph: Micrograph) -> Analysis:
    """Read an analysis that `temgrains.export.write` wrote.

    Parameters
    ----------
    path
        Its JSON; the maps of labels, boundaries and iterates must lie beside it.
    micrograph
        The image that it is of. Its pixel size and what is left out of it are taken from the files.

    Returns
    -------
    analysis
        With the boundaries and grains of the files, which may have been corrected by hand. The edges are
        found again with the settings of the files.

    Raises
    ------
    NotReloadable
        If a file is missing, damaged, or of another image.
    """
    path = Path(path)
    try:
        return _reloaded(path, micrograph)
    except (NotReloadable, MemoryError):
        raise
    except Exception as error:
        # Files that were edited or damaged fail in a dozen ways, here and in the decoder of the maps.
        text = " ".join(str(error).split())[:160]
        reason = f"it lacks {text}" if isinstance(error, KeyError) else text
        raise NotReloadable(f"{path}: it is no result that can be reloaded ({reason})") from error


def _reloaded(path: Path, micrograph: Micrograph) -> Analysis:
    said = _said(path)
    film = _as_saved(path, said, micrograph)
    settings = settings_from_dict(said["settings"], where=path.name)
    iterates = _iterates(path, said)
    boundaries = _boundaries(path, said, film, settings)
    grains = label(boundaries)
    counts = said.pop("counts")
    said.pop("statistics", None)
    if counts["grains"] != grains.count:
        count = f"{counts['grains']!s:.20}"
        raise NotReloadable(f"{path}: it tells of {count} grains, its labels of {grains.count}")
    edges = _edges(path, film, settings, iterates[0].state.shape)
    told, notes = remembered(said, film, iterates)
    told["warnings"] = [*told["warnings"], *notes]
    return Analysis(
        micrograph=film,
        edges=edges,
        guess=BoundaryMap(iterates[0].state),
        iterates=iterates,
        boundaries=boundaries,
        grains=grains,
        sizes=rated_sizes(boundaries, grains, film, iterates[0].state, told["model"]),
        provenance=told,
    )


def _said(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _BYTES_MAX:
        raise NotReloadable(f"{path}: it is larger than {_BYTES_MAX // 2**20} MiB; it is no result of ours")
    said = json.loads(
        path.read_text(encoding="utf-8"), object_pairs_hook=_once, parse_constant=_refuse_constant
    )
    if not isinstance(said, dict):
        raise TypeError("it holds no table")
    return said


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a table of pairs, none of which may replace another."""
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a name occurs twice")
    return table


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _as_saved(path: Path, said: dict[str, Any], micrograph: Micrograph) -> Micrograph:
    """Give the micrograph the scale and the excluded parts of the files, if it is the one."""
    if list(micrograph.shape) != said["shape"]:
        height, width = said["shape"]
        raise NotReloadable(
            f"{path}: it is of an image of {height!s:.20} x {width!s:.20} px, this one has "
            f"{micrograph.shape[0]} x {micrograph.shape[1]} px; open the image that it was made of"
        )
    page = said.get("page", micrograph.page)
    if page != micrograph.page:
        raise NotReloadable(
            f"{path}: it is of page {_counted(page)} of the file, this is page {micrograph.page + 1}; "
            "choose that page"
        )
    boxes = [(int(top), int(left), int(bottom), int(right)) for top, left, bottom, right in said["excluded"]]
    return replace(
        micrograph,
        pixel_size=checked_size(said["pixel_size_nm"]),
        calibration=str(said["calibration"]),
        excluded=tuple(boxes),
        notes=tuple(map(str, said["notes"])),
    )


def _counted(page: Any) -> str:
    """Give a page as people count."""
    return str(page + 1) if isinstance(page, int) else f"{page!s:.20}"


def _edges(path: Path, film: Micrograph, settings: Settings, shape: tuple[int, ...]) -> EdgeMaps:
    """Find the edges again, at the scale that gives the shape of the iterates."""
    automatic = [side / full for side, full in zip(shape, film.shape, strict=True)]
    for scale in [settings.guess.scale] if settings.guess.scale else automatic:
        if tuple(round(side * scale) for side in film.shape) == shape:
            chosen = replace(settings, guess=replace(settings.guess, scale=scale))
            return steps.edges_of(film, settings=chosen)
    raise NotReloadable(f"{path}: its iterates are of another working scale than its settings")


def _map(path: Path, ending: str, page: int = 0) -> NDArray[Any]:
    return tiff.decode(path.with_name(f"{path.stem}.{ending}"), page).pixels


def _iterates(path: Path, said: dict[str, Any]) -> tuple[Iterate, ...]:
    changes = [math.nan, *(math.nan if change is None else float(change) for change in said["change"])]
    states = [_map(path, "iterates.tif", k) for k in range(len(changes))]
    shape = tuple(said["working_shape"])
    if any(state.dtype != np.uint8 or state.shape != shape for state in states):
        height, width = shape
        raise NotReloadable(f"{path}: its iterates are not bytes of {height!s:.20} x {width!s:.20} px")
    ends = [None] * (len(states) - 1) + [said["stopped"]]
    return tuple(
        Iterate(k, state, change, stopped)
        for k, (state, change, stopped) in enumerate(zip(states, changes, ends, strict=True))
    )


def _boundaries(path: Path, said: dict[str, Any], film: Micrograph, settings: Settings) -> Boundaries:
    labels: LabelArray = _map(path, "labels.tif").astype(np.int32)
    mask: MaskArray = _map(path, "boundaries.tif") > 0
    excluded = mask_of(film.excluded, film.shape)
    outside = np.zeros(film.shape, np.bool_) if excluded is None else excluded
    if labels.shape == mask.shape == outside.shape and settings.boundaries.least_confidence:
        outside = (labels == 0) & ~mask  # grains that were left out are outside too
        excluded = outside if outside.any() else None
    if labels.shape != film.shape or not np.array_equal(mask, (labels == 0) & ~outside):
        raise NotReloadable(f"{path}: its labels and boundaries do not belong together")
    counts = said["counts"]
    return Boundaries(mask, labels, int(counts["pruned_px"]), int(counts["completed_px"]), excluded)
