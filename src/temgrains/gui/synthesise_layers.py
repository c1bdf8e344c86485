"""The layers of a drawn sample: image, true boundaries, grains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import CyclicLabelColormap

from temgrains.gui import _colours
from temgrains.gui._image import KEY
from temgrains.gui._layers import MOST_COLOURS, RED, grain_colours
from temgrains.gui.samples import PIXEL_NM

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from temgrains.synthesis import SyntheticMicrograph

NAMES = {"image": "sample", "truth": "sample truth", "grains": "sample grains"}
"""Names of the layers from bottom to top."""


class SampleLayers:
    """The layers of one sample; another sample takes their place.

    A layer that the user has renamed or given other content is the user's: the next sample gets a new one.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._own: dict[str, tuple[str, Any]] = {}
        self._shape: tuple[int, ...] = ()
        self._due: dict[str, tuple[type[Layer], Any, dict[str, Any]]] = {}

    @property
    def due(self) -> bool:
        """Whether something is still to be drawn."""
        return bool(self._due)

    def has_image(self) -> bool:
        """Whether a sample is in view, as we left it."""
        return self._get("image") is not None

    def show(self, drawn: SyntheticMicrograph, *, visible: dict[str, bool]) -> None:
        """Let `draw_next` show a sample, whose ``visible`` "truth" and "grains" come into view.

        A new layer costs the window up to a second, so that it draws one at a time.
        """
        colours = _colours.first(drawn.labels)
        origin = {name: drawn.report[name] for name in ("recipe", "seed", "index")}
        about = {KEY: {"calibration": "synthetic", **origin}}
        self._due = {"image": (Image, drawn.image, {"metadata": about, "contrast_limits": (0, 255)})}
        lines = CyclicLabelColormap(colors=["transparent", RED])
        looks: dict[str, Any] = {"colormap": lines, "visible": visible["truth"]}
        self._due["truth"] = (Labels, drawn.truth.astype(np.uint8), looks)
        looks = {"colormap": grain_colours(colours), "opacity": 0.35, "visible": visible["grains"]}
        labels = drawn.labels.astype(np.uint16 if len(colours) <= MOST_COLOURS else np.int32)
        self._due["grains"] = (Labels, labels, looks)

    def draw_next(self) -> None:
        """Draw one layer of the sample."""
        role = next(iter(self._due))
        kind, data, looks = self._due.pop(role)
        self._put(role, kind, data, **looks)
        if role == "image" and data.shape != self._shape:
            self._shape = data.shape
            self._viewer.reset_view()

    def set_visible(self, role: str, on: bool) -> None:
        """Show or hide one of the layers, also when it is still to be drawn."""
        if role in self._due:
            self._due[role][2]["visible"] = on
        layer = self._get(role)
        if layer is not None:
            layer.visible = on

    def _put(self, role: str, kind: type[Layer], data: Any, **looks: Any) -> None:
        layer = self._get(role)
        if layer is None:
            place = {"scale": (PIXEL_NM, PIXEL_NM), "units": ("nm", "nm"), "axis_labels": ("y", "x")}
            layer = kind(data, name=NAMES[role], **place, **looks)
            self._add(layer)
        else:
            layer.data = data
            for name in {"metadata", "colormap"} & set(looks):
                setattr(layer, name, looks[name])
        self._own[role] = (layer.unique_id, layer.data)

    def _add(self, layer: Layer) -> None:
        layers, ids = self._viewer.layers, [own for own, _ in self._own.values()]
        before = layers.selection.active
        ours = [k for k, other in enumerate(layers) if other.unique_id in ids]
        layers.insert(max(ours, default=len(layers) - 1) + 1, layer)
        if isinstance(layer, Labels):
            layer.editable = False
            if before in layers:
                layers.selection.active = before

    def _get(self, role: str) -> Any:
        own = self._own.get(role)
        if own is None:
            return None
        layer = next((layer for layer in self._viewer.layers if layer.unique_id == own[0]), None)
        if layer is None or layer.name != NAMES[role] or layer.data is not own[1]:
            return None
        return layer
