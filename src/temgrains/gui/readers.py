"""Reader of micrographs that keeps their pixel size, which napari's own readers drop."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temgrains.gui._image import KEY
from temgrains.gui._waiting import cancellable
from temgrains.micrograph import ENDINGS, SeveralImages, UnreadableImage, images_in, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.types import LayerData

    from temgrains.records import Micrograph


def get_reader(path: str | list[str]) -> Callable[[str], list[LayerData]] | None:
    """Give the reader for a file or a folder; None for several files that are to become one stack."""
    if isinstance(path, list):
        return None
    if Path(path).is_dir():
        return read_folder if images_in(path) else None
    return read_image if Path(path).suffix.lower() in ENDINGS else None


def read_folder(path: str) -> list[LayerData]:
    """Read the first micrograph of a folder; its layer knows the others, through which the dock leads.

    Raises
    ------
    UnreadableImage
        If none can be read; of the last one.
    """
    queue = [str(image) for image in images_in(path)]
    for image in queue:
        try:
            layers = read_image(image)
        except UnreadableImage:
            if image == queue[-1]:
                raise
            continue
        for _, looks, _ in layers:
            looks["metadata"][KEY]["queue"] = queue
        return layers
    return []


def read_image(path: str) -> list[LayerData]:
    """Read a micrograph as an image layer in nm, or in pixels where the file names no pixel size.

    The images of several detectors in one file become a layer each; of a stack the first image becomes one,
    and the dock leads to the others.

    Raises
    ------
    UnreadableImage
        With one sentence, which napari shows.
    """
    with cancellable(path):
        return _read_image(path, Path(path).stem)


def _read_image(path: str, name: str) -> list[LayerData]:
    try:
        return [_layer(read(path, page=None), path, name)]
    except SeveralImages as several:
        firsts = several.pages
        layers = [
            _layer(read(path, page=page), path, f"{name} {title or page}")
            for page, title in zip(firsts, several.titles, strict=True)
        ]
    for (_, looks, _), span in zip(layers, pairwise([*firsts, None]), strict=True):
        about = looks["metadata"][KEY]
        about["pages"] = [span[0], about["pages"][1] if span[1] is None else span[1]]
    return layers


def read_page(path: str, page: int, pages: tuple[int, int]) -> LayerData:
    """Read one of the images of a file that holds several.

    Parameters
    ----------
    path
        The file.
    page
        Which image, from 0.
    pages
        The first of those that belong together, and the one after the last.

    Raises
    ------
    UnreadableImage
        If it cannot be read.
    """
    micrograph = read(path, page=page)
    is_one_of_several = pages[1] - pages[0] != micrograph.pages
    signal = (micrograph.signal or str(pages[0])) if is_one_of_several else ""
    number = f"page {page - pages[0] + 1}" if page > pages[0] else ""
    layer = _layer(micrograph, path, " ".join(filter(None, (Path(path).stem, signal, number))))
    layer[1]["metadata"][KEY]["pages"] = list(pages)
    return layer


def _layer(micrograph: Micrograph, path: str, name: str) -> LayerData:
    known = micrograph.pixel_size is not None
    about = {
        "source": str(path),
        "page": micrograph.page,
        "pages": [0, micrograph.pages],
        "file_pages": micrograph.pages,
        "signal": micrograph.signal,
        "instrument": asdict(micrograph.instrument),
        "calibration": micrograph.calibration,
        "file_pixel_size": list(micrograph.pixel_size) if micrograph.pixel_size is not None else None,
        "file_calibration": micrograph.calibration,
        "notes": list(micrograph.notes),
    }
    looks: dict[str, Any] = {
        "name": name,
        "scale": micrograph.pixel_size if known else (1.0, 1.0),
        "units": ("nm", "nm") if known else ("pixel", "pixel"),
        "axis_labels": ("y", "x"),
        "metadata": {KEY: about},
    }
    return micrograph.pixels, looks, "image"
