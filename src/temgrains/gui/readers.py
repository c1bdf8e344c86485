"""Reader of micrographs that keeps their pixel size, which napari's own readers drop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from temgrains.gui._image import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.types import LayerData

ENDINGS = {".tif", ".tiff", ".png", ".jpg", ".jpeg"}


def get_reader(path: str | list[str]) -> Callable[[str], list[LayerData]] | None:
    """Give the reader for a file; None for several files that are to become one stack."""
    if isinstance(path, list) or Path(path).suffix.lower() not in ENDINGS:
        return None
    return read_image


def read_image(path: str) -> list[LayerData]:
    """Read a micrograph as an image layer in nm, or in pixels where the file names no pixel size.

    Raises
    ------
    UnreadableImage
        With one sentence, which napari shows.
    """
    from temgrains.micrograph import read  # noqa: PLC0415

    micrograph = read(path)
    known = micrograph.pixel_size is not None
    about = {"source": str(path), "calibration": micrograph.calibration, "notes": list(micrograph.notes)}
    looks: dict[str, Any] = {
        "name": Path(path).stem,
        "scale": micrograph.pixel_size if known else (1.0, 1.0),
        "units": ("nm", "nm") if known else ("pixel", "pixel"),
        "axis_labels": ("y", "x"),
        "metadata": {KEY: about},
    }
    return [(micrograph.pixels, looks, "image")]
