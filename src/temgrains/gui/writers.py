"""Writers that keep the pixel size, which napari's own writers drop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from scipy.ndimage import binary_dilation

from temgrains.files import saving
from temgrains.gui._image import KEY
from temgrains.records import Boundaries, Grains, Iterate, mask_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from temgrains.records import Box, PixelSize


IMAGEJ_BYTES = 2**32 - 2**25
"""Larger images become BigTIFF, which ImageJ does not know."""


def write_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a labels layer as TIFF: our boundaries and iterates as 0 and 255, anything else as numbers.

    It is as ImageJ does it, or as OME where the name ends in ``.ome.tif``.
    """
    from temgrains import export  # noqa: PLC0415

    labels, pixel_size = np.asarray(data), _pixel_size(meta)
    about = meta.get("metadata", {}).get(KEY, {})
    role, grains = about.get("role"), None
    if labels.ndim == 2 and labels.max(initial=0) <= np.iinfo(np.int32).max:
        grains = _grains(labels, about.get("excluded", ()))
    if _is_ome(path):
        ours = {"boundaries": labels > 0, "refinement": labels == 1}
        said = export.excluded_of(grains) if grains is not None else ""
        pixels = ours[role] * np.uint8(255) if role in ours else _narrowed(labels)
        _write_ome(path, pixels, pixel_size, description=f"excluded={said}" if said else "")
    elif role == "boundaries":
        mask = labels > 0
        export.write_boundaries(path, Boundaries(mask, np.zeros(mask.shape, np.int32)), pixel_size=pixel_size)
    elif role == "refinement":
        states = [Iterate(k, (frame == 1) * np.uint8(255)) for k, frame in enumerate(labels)]
        export.write_iterates(path, states, pixel_size=pixel_size)
    elif grains is not None:
        export.write_labels(path, grains, pixel_size=pixel_size)
    else:
        _write_tiff(path, labels, pixel_size)
    return [path]


def write_table(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write the areas, diameters and centroids of the grains in a labels layer as CSV.

    Raises
    ------
    ValueError
        If the layer is a stack.
    """
    from temgrains import export  # noqa: PLC0415
    from temgrains.sizes import measure  # noqa: PLC0415

    labels = np.asarray(data)
    if labels.ndim != 2:
        raise ValueError(
            f"labels have shape {labels.shape}; a table is made of one image, so split the stack"
        )
    excluded = meta.get("metadata", {}).get(KEY, {}).get("excluded", ())
    export.write_grains(path, measure(_grains(labels, excluded), pixel_size=_pixel_size(meta)))
    return [path]


def write_image(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write an image layer as TIFF with its pixel size, as OME where the name ends in ``.ome.tif``."""
    pixels = np.asarray(data[0] if meta.get("multiscale") else data)
    write = _write_ome if _is_ome(path) else _write_tiff
    write(path, pixels, _pixel_size(meta), rgb=bool(meta.get("rgb")))
    return [path]


def _grains(labels: NDArray[Any], boxes: Iterable[Box]) -> Grains:
    """Take the numbers of grains with gaps, and what of the image the layer says shows no specimen."""
    excluded = mask_of(boxes, labels.shape)
    on_border = np.zeros(int(labels.max(initial=0)) + 1, bool)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        on_border[side] = True
    if excluded is not None:
        excluded &= labels == 0  # the user may have painted there
        on_border[labels[binary_dilation(excluded)]] = True
    return Grains(labels.astype(np.int32), on_border[1:], excluded)


def _pixel_size(meta: dict[str, Any]) -> PixelSize | None:
    """Give the pixel size [nm] of a layer in units of length."""
    scale, units = meta.get("scale"), meta.get("units")
    if scale is None or units is None:
        return None
    from pint import Unit  # noqa: PLC0415

    in_nm = [Unit(str(unit)) for unit in units[-2:]]
    if not all(unit.is_compatible_with("nm") for unit in in_nm):
        return None
    height, width = (
        abs(float(s)) * float((1 * unit).to("nm").magnitude)
        for s, unit in zip(scale[-2:], in_nm, strict=True)
    )
    return height, width


def _write_tiff(
    path: str | Path, pixels: NDArray[Any], pixel_size: PixelSize | None, *, rgb: bool = False
) -> None:
    """Write as ImageJ does where it knows type and size, else as plain TIFF with its resolution per cm."""
    large = pixels.nbytes > IMAGEJ_BYTES
    known = not large and pixels.dtype.name in ({"uint8"} if rgb else {"uint8", "uint16", "float32"})
    options: dict[str, Any] = {"photometric": "rgb" if rgb else "minisblack", "imagej": known}
    options["bigtiff"] = large
    if not known:
        options["metadata"] = None
    if pixel_size is not None:
        per_nm = np.array([1 / pixel_size[1], 1 / pixel_size[0]])
        options |= {
            "resolution": tuple(per_nm if known else per_nm * 1e7),
            "resolutionunit": "NONE" if known else "CENTIMETER",
        }
        if known:
            options["metadata"] = {"unit": "nm"}
    with saving(path) as temporary:
        tifffile.imwrite(temporary, pixels, **options)


def _is_ome(path: str | Path) -> bool:
    return str(path).lower().endswith((".ome.tif", ".ome.tiff"))


def _narrowed(labels: NDArray[Any]) -> NDArray[Any]:
    """Give labels as whole numbers that OME knows, which are those of up to 32 bits."""
    if labels.min(initial=0) < 0:
        return labels.astype(np.int32)
    return labels.astype(np.uint16 if labels.max(initial=0) <= np.iinfo(np.uint16).max else np.uint32)


def _write_ome(
    path: str | Path,
    pixels: NDArray[Any],
    pixel_size: PixelSize | None,
    *,
    rgb: bool = False,
    description: str = "",
) -> None:
    """Write as OME-TIFF; a stack counts as one over time."""
    plane = "YXS" if rgb else "YX"
    metadata: dict[str, Any] = {"axes": "CZT"[3 - (pixels.ndim - len(plane)) :] + plane}
    if description:
        metadata["Description"] = description
    if pixel_size is not None:
        for axis, size in zip("YX", pixel_size, strict=True):
            metadata |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "nm"}
    with saving(path) as temporary:
        tifffile.imwrite(
            temporary,
            pixels,
            ome=True,
            bigtiff=pixels.nbytes > IMAGEJ_BYTES,
            photometric="rgb" if rgb else "minisblack",
            metadata=metadata,
        )
