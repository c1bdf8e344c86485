"""Reader of projects for File > Open: the image and its corrected grains, with which a dock goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from temgrains.gui._image import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.types import LayerData

PROJECT = "project"
"""Entry of a layer's metadata: the project that the layer comes from."""


def get_reader(path: str | list[str]) -> Callable[[str], list[LayerData]] | None:
    """Give the reader for a project; None for anything else."""
    if isinstance(path, list) or Path(path).suffix.lower() != ".temgrains":
        return None
    return read_project


def read_project(path: str) -> list[LayerData]:
    """Read a project as its image and its corrected grains.

    The grains stand in until the dock *Correct boundaries* takes the project up: it draws its own.

    Raises
    ------
    ValueError
        If the file is no project, or too damaged; napari shows the sentence.
    """
    from napari.utils.notifications import show_warning  # noqa: PLC0415

    from temgrains.pipeline.project import open_project  # noqa: PLC0415  (imports torch)

    project = open_project(path)
    for note in project.notes:
        show_warning(f"{Path(path).name}: {note}")
    film, name = project.analysis.micrograph, Path(path).stem
    place = {
        "scale": film.pixel_size or (1.0, 1.0),
        "units": ("pixel", "pixel") if film.pixel_size is None else ("nm", "nm"),
        "axis_labels": ("y", "x"),
    }
    about = {
        PROJECT: str(path),
        "source": film.source,
        "calibration": film.calibration,
        "notes": list(film.notes),
        "excluded": [list(box) for box in film.excluded],
    }
    grains = project.corrected().boundaries.labels
    return [
        (film.pixels, {"name": name, "metadata": {KEY: about}, **place}, "image"),
        (
            grains,
            {"name": f"{name} grains", "opacity": 0.4, "metadata": {KEY: {PROJECT: str(path)}}, **place},
            "labels",
        ),
    ]
