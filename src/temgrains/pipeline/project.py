"""Everything about one image in one file: pixels, what the networks gave, corrections, provenance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from temgrains.archives import Archive, open_archive, write_archive
from temgrains.corrections.strokes import operation_from_plain
from temgrains.errors import sentence
from temgrains.files import saving
from temgrains.grains import label
from temgrains.micrograph.calibration import checked_size
from temgrains.pipeline.confidence import rated_sizes
from temgrains.pipeline.correcting import with_corrections
from temgrains.pipeline.remembered import remembered
from temgrains.records import Analysis, Boundaries, BoundaryMap, EdgeMaps, Iterate, Micrograph, StopReason

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from temgrains.corrections import Operation

FORMAT = 1
"""Version of the layout; later ones are refused."""

ENDING = ".temgrains"

_TEXT = "project.json"


@dataclass(frozen=True, slots=True)
class Project:
    """An analysis as the program found it, what a hand did, and what was undone (the next to redo last).

    ``notes`` say what could not be read from a damaged file.
    """

    analysis: Analysis
    operations: tuple[Operation, ...] = ()
    undone: tuple[Operation, ...] = ()
    notes: tuple[str, ...] = ()

    def corrected(self) -> Analysis:
        """Give the analysis with its corrections."""
        return with_corrections(self.analysis, self.operations, slack_px=0)


def save_project(path: str | Path, project: Project) -> None:
    """Write a project; a file that is there is replaced only when all was written.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    film, analysis = project.analysis.micrograph, project.analysis
    arrays: dict[str, NDArray[Any]] = {
        "pixels": film.pixels,
        "labels": analysis.boundaries.labels,
        "mask": analysis.boundaries.mask,
        "edges": analysis.edges.maps,
        **({} if analysis.edges.grey is None else {"grey": analysis.edges.grey}),
        **{f"state_{i.index}": i.state for i in analysis.iterates},
    }
    text = {
        "format": FORMAT,
        "source": film.source,
        "pixel_size_nm": film.pixel_size,
        "calibration": film.calibration,
        "notes": film.notes,
        "excluded": film.excluded,
        "iterates": [{"index": i.index, "change": i.change, "stopped": i.stopped} for i in analysis.iterates],
        "lengths": [analysis.boundaries.pruned_px, analysis.boundaries.completed_px],
        "provenance": analysis.provenance,
        "operations": [o.to_plain() for o in project.operations],
        "undone": [o.to_plain() for o in project.undone],
    }
    with saving(path) as temporary:
        write_archive(temporary, _TEXT, text, arrays)


def open_project(path: str | Path) -> Project:
    """Read a project.

    Raises
    ------
    ValueError
        If the file is no project, of a later version, or so damaged that image, description or grains are
        lost; of other damages the rest is read, and ``notes`` of the project say what is missing.
    OSError
        If the file cannot be opened.
    """
    try:
        with open_archive(path) as archive:
            return _read(archive)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as a project: {error}") from error


def _read(file: Archive) -> Project:
    text = file.description(_TEXT)
    if text["format"] != FORMAT:
        raise ValueError(
            f"its format is {text['format']!r}; this version reads {FORMAT}, so update temgrains"
        )
    notes: list[str] = []
    film = _micrograph(file, text)
    labels = _array(file, "labels", np.int32, film.shape)
    boundaries = _boundaries(labels, _array(file, "mask", np.bool_, film.shape), text["lengths"])
    iterates = _iterates(file, text["iterates"], notes)
    if not iterates:
        iterates = (Iterate(0, np.where(boundaries.mask, np.uint8(255), np.uint8(0))),)
    try:
        edges = _edges(file, iterates[0].state.shape)
    except ValueError as error:
        notes.append(f"the edges are lost: {error}")
        edges = EdgeMaps(np.zeros((3, *iterates[0].state.shape), np.uint8))
    grains = label(boundaries)
    if not isinstance(text["provenance"], dict):
        raise ValueError(f"its provenance is no table but {text['provenance']!r:.40}")
    provenance, doubts = remembered(text["provenance"], film, iterates)
    analysis = Analysis(
        micrograph=film,
        edges=edges,
        guess=BoundaryMap(iterates[0].state),
        iterates=iterates,
        boundaries=boundaries,
        grains=grains,
        sizes=rated_sizes(boundaries, grains, film, iterates[0].state, provenance["model"]),
        provenance=provenance,
    )
    done, undone = (_operations(text[key], notes) for key in ("operations", "undone"))
    return Project(analysis, done, undone, (*notes, *doubts))


def _micrograph(file: Archive, text: dict[str, Any]) -> Micrograph:
    pixels = _array(file, "pixels", np.float32, None)
    if not pixels.size:
        raise ValueError(f"its image has no pixels: its shape is {pixels.shape}")
    low, high = float(pixels.min()), float(pixels.max())
    if low < 0 or high > 1:
        raise ValueError(f"its grey values are from {low:g} to {high:g}; they must be from 0 to 1")
    return Micrograph(
        pixels=pixels,
        pixel_size=checked_size(text["pixel_size_nm"]),
        source=str(text["source"]),
        calibration=str(text["calibration"]),
        notes=tuple(map(str, text["notes"])),
        excluded=tuple((int(a), int(b), int(c), int(d)) for a, b, c, d in text["excluded"]),
    )


def _boundaries(labels: NDArray[np.int32], mask: NDArray[np.bool_], lengths: list[int]) -> Boundaries:
    if labels.size and not 0 <= labels.min() <= labels.max() <= labels.size:
        raise ValueError(f"grains are numbered {labels.min()} to {labels.max()} in {labels.size} pixels")
    if labels[mask].any():
        raise ValueError("its grains lie on its lines")
    if labels.any() and not mask.any() and not (labels > 0).all():
        raise ValueError("its grains are apart, but the lines between them are lost")
    outside = (labels == 0) & ~mask  # excluded parts, and grains that were left out
    return Boundaries(mask, labels, int(lengths[0]), int(lengths[1]), outside if outside.any() else None)


def _edges(file: Archive, shape: tuple[int, ...]) -> EdgeMaps:
    grey = _array(file, "grey", np.uint8, shape) if "grey" in file else None
    return EdgeMaps(_array(file, "edges", np.uint8, (3, *shape)), grey)


def _iterates(file: Archive, listed: list[dict[str, Any]], notes: list[str]) -> tuple[Iterate, ...]:
    """Read the iterates up to the first that is damaged."""
    found: list[Iterate] = []
    for entry in listed:
        try:
            found.append(_iterate(file, entry, found))
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            notes.append(f"the iterations from {len(found)} on are lost: {sentence(error)}")
            break
    return tuple(found)


def _iterate(file: Archive, entry: dict[str, Any], before: list[Iterate]) -> Iterate:
    state = _array(file, f"state_{entry['index']}", np.uint8, before[0].state.shape if before else None)
    if not state.size:
        raise ValueError(f"the state has no pixels: its shape is {state.shape}")
    stopped = entry["stopped"]
    if stopped is not None and stopped not in get_args(StopReason):
        raise ValueError(f"it stopped for {stopped!r:.40}, which is no reason")
    change = float("nan") if entry["change"] is None else float(entry["change"])
    return Iterate(len(before), state, change, stopped)


def _operations(listed: list[Any], notes: list[str]) -> tuple[Operation, ...]:
    found, lost = [], []
    for entry in listed:
        try:
            found.append(operation_from_plain(entry))
        except ValueError as error:
            lost.append(str(error))
    if lost:
        count = "one correction is" if len(lost) == 1 else f"{len(lost)} corrections are"
        notes.append(f"{count} lost: {lost[0]}")
    return tuple(found)


def _array(file: Archive, name: str, dtype: type[np.generic], shape: tuple[int, ...] | None) -> NDArray[Any]:
    """Read an array of a shape, or with two dimensions."""
    array = file.array(name)
    fits = array.ndim == 2 if shape is None else array.shape == shape
    if array.dtype != dtype or not fits:
        raise ValueError(f"{name} is {array.dtype} of shape {array.shape}; that does not fit the image")
    return array


def started_from(analysis: Analysis, boundaries: Boundaries) -> Analysis:
    """Give an analysis the lines that its corrections started from."""
    if analysis.boundaries is boundaries:
        return analysis
    grains = label(boundaries)
    card = analysis.provenance.get("model", {})
    sizes = rated_sizes(boundaries, grains, analysis.micrograph, analysis.guess.grey, card)
    return replace(analysis, boundaries=boundaries, grains=grains, sizes=sizes)
