"""What was looked at: the whole image, or what a layer of shapes or labels covers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Shapes

from temgrains.gui._image import about

if TYPE_CHECKING:
    from temgrains.gui._bench import Bench
    from temgrains.records import MaskArray

DRAWN = "looked at"
"""End of the name of the layer that is made to draw on."""


class NotOnImage(ValueError):
    """A layer that does not say which pixels of the image were looked at."""


def candidates(viewer: Any, bench: Bench | None) -> list[Any]:
    """Give the layers that may say what was looked at: shapes, and the user's labels of the image's size."""
    if bench is None:
        return []
    return [
        layer
        for layer in viewer.layers
        if isinstance(layer, Shapes)
        or (isinstance(layer, Labels) and layer.data.shape == bench.grid.shape and "role" not in about(layer))
    ]


def drawing_layer(viewer: Any, bench: Bench) -> Any:
    """Make a layer of shapes on the image, ready to draw rectangles in."""
    place = bench.grid.place(bench.grid.shape)
    layer = Shapes(
        name=f"{bench.session.name} {DRAWN}", face_color="#35e0ff40", edge_color="#35e0ff", ndim=2, **place
    )
    viewer.layers.append(layer)
    viewer.layers.selection.active = layer
    layer.mode = "add_rectangle"
    return layer


def looked_of(layer: Any, bench: Bench) -> MaskArray:
    """Give the pixels of the image that a layer covers.

    Raises
    ------
    NotOnImage
        If the layer covers nothing, or does not lie on the image.
    """
    shape = bench.grid.shape
    if isinstance(layer, Labels):
        mask = np.asarray(layer.data) > 0
    else:
        lies = np.allclose(layer.scale[-2:], bench.grid.scale) and np.allclose(
            layer.translate[-2:], bench.grid.translate
        )
        if layer.ndim != 2 or not lies:
            raise NotOnImage(f"{layer.name} does not lie on the image; draw in a layer made by Draw an area")
        mask = layer.to_masks(mask_shape=shape).any(axis=0) if len(layer.data) else np.zeros(shape, bool)
    if mask.shape != shape or not mask.any():
        raise NotOnImage(f"nothing of the image is marked in {layer.name}; draw around what you looked at")
    found: MaskArray = mask.astype(np.bool_)
    return found
