"""The layers of the panel "Grain sizes": the chosen grain's outline, a map of one measure, test lines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Shapes
from skimage.measure import find_contours

from temgrains.gui._image import KEY
from temgrains.gui._layers import lay

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Labels, Layer
    from numpy.typing import NDArray

    from temgrains.statistics.field import Field

OUTLINE, LINES = "#ffe14d", "#36d6ff"
LINE_KINDS = ("none", "lines (Heyn)", "circle (Hilliard)", "three circles (Abrams)")
LINES_PER_DIRECTION = 3
"""Of the thousands of lines one pixel apart only a few are drawn."""


class SizeLayers:
    """Layers that lie on a layer of grains; found by their ids, so that they may be renamed or deleted."""

    def __init__(self, viewer: ViewerModel, quietly: Callable[..., None]) -> None:
        self._viewer = viewer
        self._quietly = quietly
        self._ids: dict[str, str] = {}

    def outline(self, grains: Labels, grain: int, *, centre: bool = False) -> None:
        """Draw the outline of a grain, and bring it into the middle of the view if asked to."""
        place = np.asarray(grains.data) == grain
        if not place.any():
            self._remove("chosen grain")
            return
        rows, columns = (np.flatnonzero(place.any(axis=axis)) for axis in (1, 0))
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        rings = find_contours(np.pad(place[box], 1).astype(np.uint8), 0.5)
        shift = np.array([rows[0] - 1, columns[0] - 1])
        self._draw("chosen grain", grains, [(ring + shift, "path") for ring in rings], OUTLINE, 2.0)
        if not centre:
            return
        middle = [(rows[0] + rows[-1]) / 2, (columns[0] + columns[-1]) / 2]
        size = max(len(rows) * grains.scale[-2], len(columns) * grains.scale[-1])
        self._centre(grains.data_to_world(middle), size)

    def colour(self, grains: Labels, title: str, values: NDArray[np.float32] | None) -> None:
        """Show a value per pixel over the grains with a colour bar; NaN is left clear, None shows nothing."""
        role = "measure"
        if values is None or not np.isfinite(values).any():
            self._remove(role)
            return
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        limits = (low, high if high > low else low + 1)
        name = f"{_image_name(grains)} {title}"
        layer = self._get(role)
        if layer is None:
            looks = {
                "colormap": "viridis",
                "contrast_limits": limits,
                "opacity": 0.75,
                "blending": "translucent",
            }
            made = Image(values, name=name, metadata=_mark(role), **looks, **_place(grains))
            layer = self._add(role, made, self._viewer.layers.index(grains) + 1)
            layer.colorbar.visible = True
        else:
            layer.data, layer.contrast_limits, layer.name = values, limits, name
            lay(layer, _place(grains))

    def test_lines(self, grains: Labels, counted: Field | None, kind: str) -> None:
        """Draw the lines or circles that a method counts crossings on."""
        drawn = lines_of(counted, kind) if counted is not None else []
        if drawn:
            self._draw("test lines", grains, drawn, LINES, 1.5)
        else:
            self._remove("test lines")

    def clear(self) -> None:
        """Remove all."""
        for role in tuple(self._ids):
            self._remove(role)

    def _draw(
        self,
        role: str,
        grains: Labels,
        shapes: list[tuple[NDArray[np.float64], str]],
        colour: str,
        width: float,
    ) -> None:
        layer = self._get(role)
        wide = width * max(1.0, max(grains.data.shape) / 600)
        looks = {"edge_color": colour, "face_color": "transparent", "edge_width": wide}
        if layer is None:
            name = f"{_image_name(grains)} {role}"
            made = Shapes(ndim=2, name=name, metadata=_mark(role), opacity=1.0, **_place(grains))
            layer = self._add(role, made, len(self._viewer.layers))
        lay(layer, _place(grains))
        layer.editable = True
        layer.data = []
        layer.add(shapes, **looks)
        layer.editable = False

    def _add(self, role: str, layer: Layer, index: int) -> Any:
        layers = self._viewer.layers
        before = layers.selection.active
        self._quietly(layers.insert, index, layer)
        if before is not None and before in layers:
            layers.selection.active = before
        self._ids[role] = layer.unique_id
        return layer

    def _get(self, role: str) -> Any:
        wanted = self._ids.get(role)
        return next((layer for layer in self._viewer.layers if layer.unique_id == wanted), None)

    def _remove(self, role: str) -> None:
        layer = self._get(role)
        self._ids.pop(role, None)
        if layer is not None:
            self._quietly(self._viewer.layers.remove, layer)

    def _centre(self, middle: Any, size: float) -> None:
        """Centre a place; zoom only where the thing of this size would be too small or too large to see."""
        camera = self._viewer.scene.camera
        camera.center = (0.0, *(float(x) for x in middle[-2:]))
        canvas = min(self._viewer.canvas.size)
        share = size * camera.zoom / canvas
        if not 0.03 < share < 0.9:
            camera.zoom = 0.25 * canvas / size


def lines_of(counted: Field, kind: str) -> list[tuple[NDArray[np.float64], str]]:
    """Give the shapes of a method's test lines, in pixels of the image."""
    from temgrains.statistics.intercepts import ABRAMS, DIRECTIONS, circle_of  # noqa: PLC0415

    if kind.startswith("lines"):
        return [line for k, degrees in enumerate(DIRECTIONS) for line in _parallel(counted, k, degrees)]
    shares = {"circle (Hilliard)": (1.0,), "three circles (Abrams)": ABRAMS}.get(kind, ())
    (row, column), largest = circle_of(counted)
    high, wide = counted.pixel
    circles = []
    for share in shares:
        up, out = share * largest / high, share * largest / wide
        middle = np.array([row / high, column / wide]) - 0.5
        corners = middle + np.array([[-up, -out], [-up, out], [up, out], [up, -out]])
        circles.append((corners, "ellipse"))
    return circles


def _parallel(counted: Field, number: int, degrees: float) -> list[tuple[NDArray[np.float64], str]]:
    """Give a few lines of one direction, from edge to edge; those of all directions share no point."""
    size = np.array(counted.cells.shape) * counted.pixel
    along = np.array([-math.sin(math.radians(degrees)), math.cos(math.radians(degrees))])
    across = np.array([along[1], -along[0]])
    reach = np.abs(size * across).sum() / 2
    found = []
    shift = (0.5 + 0.618 * number) % 1
    for share in 2 * (np.arange(LINES_PER_DIRECTION) + shift) / LINES_PER_DIRECTION - 1:
        ends = _clipped(size / 2 + share * reach * across, along, size)
        if ends is not None:
            found.append((ends / counted.pixel - 0.5, "line"))
    return found


def _clipped(
    start: NDArray[np.float64], along: NDArray[np.float64], size: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Give both ends of a line within a rectangle, None where it misses it."""
    low, high = -math.inf, math.inf
    for here, step, end in zip(start, along, size, strict=True):
        if abs(step) < 1e-12:
            if not 0 <= here <= end:
                return None
            continue
        near, far = sorted((-here / step, (end - here) / step))
        low, high = max(low, near), min(high, far)
    return np.stack([start + low * along, start + high * along]) if low < high else None


def _place(grains: Labels) -> dict[str, Any]:
    return {
        "scale": list(grains.scale),
        "translate": list(grains.translate),
        "units": [str(unit) for unit in grains.units],
        "axis_labels": list(grains.axis_labels),
    }


def _mark(role: str) -> dict[str, Any]:
    return {KEY: {"role": role}}


def _image_name(grains: Labels) -> str:
    return str(grains.name).removesuffix(" grains")
