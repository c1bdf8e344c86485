"""What an analysis needs to know of an image layer: its pixels, its place in the world, its scale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.records import Instrument

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from temgrains.records import Box, Micrograph, PixelSize

KEY = "temgrains"
"""Key of our entries in a layer's metadata; the values are plain JSON."""

SMALLEST_PX = 16
"""Shorter images are refused: the networks halve them four times."""


class Refused(ValueError):
    """An image layer that cannot be analysed; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the pixels of an image lie: layers with the same grid lie exactly on it."""

    shape: tuple[int, int]
    scale: tuple[float, float]
    translate: tuple[float, float]
    units: tuple[str, str]
    axis_labels: tuple[str, str]

    def place(self, shape: tuple[int, int], *, stacked: bool = False) -> dict[str, Any]:
        """Give the layer keywords that lay an array of ``shape`` (H, W) over the image.

        An array at another working scale covers the same area, so that its first pixel's centre is moved by
        half the difference of the pixels. ``stacked`` puts an axis "iteration" in front.
        """
        factors = [full / own for full, own in zip(self.shape, shape, strict=True)]
        scale = [s * f for s, f in zip(self.scale, factors, strict=True)]
        shift = [t + s * (f - 1) / 2 for t, s, f in zip(self.translate, self.scale, factors, strict=True)]
        front: tuple[Any, Any, Any, Any] = ([1.0], [0.0], ["pixel"], ["iteration"])
        scales, shifts, units, labels = front if stacked else ([], [], [], [])
        return {
            "scale": [*scales, *scale],
            "translate": [*shifts, *shift],
            "units": [*units, *self.units],
            "axis_labels": [*labels, *self.axis_labels],
        }


def grid_of(layer: Image) -> Grid:
    """Give the grid of an image layer.

    Raises
    ------
    Refused
        If the layer is not one flat image that stands upright.
    """
    shape = tuple(int(n) for n in _finest(layer).shape[: layer.ndim])
    if len(shape) != 2:
        raise Refused(
            f"{layer.name} is a stack of {' x '.join(map(str, shape))} and TEM Grains looks at one image: "
            "choose its page above, below Image, and press Open"
        )
    if min(shape) < SMALLEST_PX:
        raise Refused(
            f"{layer.name} is {shape[0]} x {shape[1]} px; both sides must be at least {SMALLEST_PX} px"
        )
    upright = (
        np.allclose(layer.rotate, np.eye(2))
        and not np.any(layer.shear)
        and np.allclose(layer.affine.affine_matrix, np.eye(3))
    )
    if not upright:
        raise Refused(
            f"{layer.name} is turned or sheared, so that sizes along its pixels would be wrong; reset the "
            "layer's rotation, shear and affine, or open the file again"
        )
    return Grid(
        shape=(shape[0], shape[1]),
        scale=_pair(layer.scale),
        translate=_pair(layer.translate),
        units=(str(layer.units[0]), str(layer.units[1])),
        axis_labels=(layer.axis_labels[0], layer.axis_labels[1]),
    )


def about(layer: Layer) -> dict[str, Any]:
    """Give our entries in a layer's metadata, none where something else stands under our key."""
    told = layer.metadata.get(KEY)
    return told if isinstance(told, dict) else {}


def path_of(layer: Layer) -> str:
    """Give the file of an image layer, "" for none."""
    # A folder's first image has the folder as its source in napari.
    return str(about(layer).get("source") or layer.source.path or "")


def scale_of(layer: Image) -> tuple[PixelSize | None, str]:
    """Give an image layer's pixel size [nm], None where its units are no lengths, and where it came from."""
    units = layer.units[-2:]
    if not all(unit.is_compatible_with("nm") for unit in units):
        return None, "unknown"
    sizes = [
        abs(float(scale)) * float((1 * unit).to("nm").magnitude)
        for scale, unit in zip(layer.scale[-2:], units, strict=True)
    ]
    return (sizes[0], sizes[1]), str(about(layer).get("calibration", "layer"))


def loader_of(layer: Image) -> Callable[[], Micrograph]:
    """Give a function that makes the micrograph, in whatever thread, from the pixels the layer has now."""
    pixels, source = _finest(layer), path_of(layer) or layer.name
    told, excluded = about(layer), excluded_of(layer)
    place: dict[str, Any] = {
        "page": int(told.get("page") or 0),
        "pages": int(told.get("file_pages") or 1),
        "signal": str(told.get("signal", "")),
        "instrument": instrument_of(layer),
    }
    notes = notes_of(layer)
    if excluded and told.get("left_out"):
        notes.append(str(told["left_out"]))

    def load() -> Micrograph:
        from temgrains.micrograph import from_array  # noqa: PLC0415

        micrograph = from_array(_computed(pixels, source), source=source, notes=notes)
        return replace(micrograph, excluded=excluded, **place)

    return load


def _computed(pixels: Any, source: str) -> Any:
    """Give the pixels themselves; what stands in for them until they are needed may fail in any way."""
    try:
        return np.asarray(pixels)
    except MemoryError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"the pixels of {source} cannot be read ({reason}); open it again") from error


def excluded_of(layer: Image) -> tuple[Box, ...]:
    """Give the rectangles of an image layer that show no specimen."""
    boxes = about(layer).get("excluded", ())
    return tuple((int(top), int(left), int(bottom), int(right)) for top, left, bottom, right in boxes)


def notes_of(layer: Image) -> list[str]:
    """Give what was noticed while an image layer's file was read: the page, odd or missing scales."""
    return [str(note) for note in about(layer).get("notes", ())]


def instrument_of(layer: Image) -> Instrument:
    """Give how an image layer was taken, as far as its file says so."""
    return Instrument(**about(layer).get("instrument", {}))


def told_by(layer: Image) -> tuple[PixelSize, str] | None:
    """Give the pixel size [nm] that the layer's file names, and where in it; None where it names none."""
    told = about(layer)
    size = told.get("file_pixel_size")
    return None if size is None else ((float(size[0]), float(size[1])), str(told["file_calibration"]))


def calibrate(layers: list[Layer], image: Image, pixel_size: PixelSize | None, calibration: str) -> None:
    """Give the image, and the layers that lie on its grid, another scale.

    Parameters
    ----------
    layers
        All layers of the viewer; those with the image's shape, scale, origin and units follow it.
    image
        The image.
    pixel_size
        Height and width of a pixel [nm], None for unknown: one unit per pixel then.
    calibration
        Where the scale came from, in words.
    """
    followers = [layer for layer in layers if layer is not image and _same_grid(layer, image)]
    scale, unit = (pixel_size, "nm") if pixel_size is not None else ((1.0, 1.0), "pixel")
    ratio = np.array(scale) / np.array(image.scale[-2:])
    for layer in [image, *followers]:
        layer.units = [*map(str, layer.units[:-2]), unit, unit]
        layer.translate = [*layer.translate[:-2], *(np.array(layer.translate[-2:]) * ratio)]
        layer.scale = [*layer.scale[:-2], *scale]
    image.metadata = {**image.metadata, KEY: {**about(image), "calibration": calibration}}


def calibrate_in_view(
    viewer: ViewerModel, image: Image, pixel_size: PixelSize | None, calibration: str
) -> None:
    """Do as `calibrate` with all layers of a viewer; what was in view stays in view."""
    before = np.array(image.scale[-2:])
    calibrate(list(viewer.layers), image, pixel_size, calibration)
    ratio = np.array(image.scale[-2:]) / before
    camera = viewer.scene.camera
    camera.center = (*camera.center[:-2], *(np.array(camera.center[-2:]) * ratio))
    camera.zoom = camera.zoom / float(np.sqrt(ratio.prod()))


def _same_grid(layer: Layer, image: Image) -> bool:
    return (
        layer.ndim >= 2
        and layer.units[-2:] == image.units[-2:]
        and np.allclose(layer.scale[-2:], image.scale[-2:])
        and np.allclose(layer.translate[-2:], image.translate[-2:])
    )


def _finest(layer: Image) -> Any:
    return layer.data[0] if layer.multiscale else layer.data


def _pair(values: Any) -> tuple[float, float]:
    return float(values[0]), float(values[1])
