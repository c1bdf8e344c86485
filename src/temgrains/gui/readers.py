"""Reader of micrographs that keeps their pixel size, which napari's own readers drop."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temgrains.gui._image import KEY
from temgrains.gui._waiting import GivenUp, cancellable, in_window
from temgrains.micrograph import ENDINGS, SeveralImages, UnreadableImage, images_in, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.types import LayerData

    from temgrains.records import Micrograph


_RAISES: ContextVar[bool] = ContextVar("raises", default=False)


def get_reader(path: str | list[str]) -> Callable[[str], list[LayerData]] | None:
    """Give the reader for a file or a folder; None for several files that are to become one stack."""
    if isinstance(path, list):
        return None
    if Path(path).is_dir():
        return open_folder if images_in(path) else None
    return open_image if Path(path).suffix.lower() in ENDINGS else None


@contextlib.contextmanager
def raising() -> Iterator[None]:
    """Let files that cannot be read raise in a window, too; for callers that tell the user themselves."""
    token = _RAISES.set(True)
    try:
        yield
    finally:
        _RAISES.reset(token)


def open_image(path: str) -> list[LayerData]:
    """Do as `read_image`, but in a window tell the user why a file cannot be read.

    Around an error napari puts a page of its own words, and a stack of files ends at the first bad one. Where
    another reader might do better, napari is given the error, and offers that reader.
    """
    return _told(read_image, path)


def open_folder(path: str) -> list[LayerData]:
    """Do as `read_folder`, but in a window tell the user why a folder cannot be read."""
    return _told(read_folder, path)


def show_refusal(error: UnreadableImage) -> None:
    """Show why a file cannot be read; not its folder, behind which napari would cut the reason off."""
    from napari.utils.notifications import show_error  # noqa: PLC0415

    show_error(f"{Path(error.path).name}: {error.reason}")


def _told(read_layers: Callable[[str], list[LayerData]], path: str) -> list[LayerData]:
    try:
        return read_layers(path)
    except UnreadableImage as error:
        gave_up = isinstance(error, GivenUp)
        if _RAISES.get() or not in_window() or (not gave_up and _others_read(path)):
            raise
        show_refusal(error)
        # What napari takes for a reader that succeeded and gave no layer.
        return [(None,)]


def _others_read(path: str) -> bool:
    """Whether napari knows another reader for a file."""
    from npe2 import PluginManager  # noqa: PLC0415

    found = PluginManager.instance().iter_compatible_readers(path)
    return any(not reader.command.startswith("temgrains.") for reader in found)


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
        except GivenUp:
            raise
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
