"""The picture of the score in the viewer: missed, correct and false lines, and nothing that hides them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from napari.utils.colormaps import CyclicLabelColormap

from temgrains.gui._image import KEY, about
from temgrains.gui.correct_score import COLOURS

if TYPE_CHECKING:
    from temgrains.gui._bench import Bench
    from temgrains.records import ByteArray


class ScoreLayer:
    """The layer "score" of the image that is scored, found by its id.

    As long as it is seen, the red boundaries are hidden: they run within the tolerance beside the reference,
    and red among white, orange and blue would say nothing. They come back when it is hidden or deleted.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._bench: Bench | None = None
        self._id: str | None = None
        self._hidden: str | None = None
        viewer.layers.events.removed.connect(self._follow)

    @property
    def layer(self) -> Any:
        """The layer, None while it is not there."""
        return self._by_id(self._id)

    def show(self, picture: ByteArray, bench: Bench) -> None:
        """Show the lines of an image; those of another one go out of sight."""
        layer = self.layer
        if layer is not None and self._bench is bench:
            layer.data = picture
            return
        if layer is not None:
            layer.visible = False
        self._bench, active = bench, self._viewer.layers.selection.active
        layer = Labels(
            picture,
            name=f"{bench.session.name} score",
            colormap=CyclicLabelColormap(colors=COLOURS),
            opacity=1.0,
            metadata={KEY: {"role": "score"}},
            **bench.grid.place((picture.shape[0], picture.shape[1])),
        )
        self._viewer.layers.insert(self._place(), layer)
        layer.editable = False
        self._id = layer.unique_id
        layer.events.visible.connect(self._follow)
        self._viewer.layers.selection.active = active
        self._follow()

    def _place(self) -> int:
        """Give the place on top, but below what is drawn by hand and shown before it is."""
        layers = self._viewer.layers
        tools = [k for k, layer in enumerate(layers) if about(layer).get("role") == "corrections"]
        return min(tools, default=len(layers))

    def _follow(self, _event: object = None) -> None:
        """Hide the boundaries while the layer is seen; show them again if it was us who hid them."""
        layer, bench = self.layer, self._bench
        if layer is not None and layer.visible:
            lines = None if bench is None else bench.layers.get("boundaries")
            if lines is not None and lines.visible:
                lines.visible = False
                self._hidden = lines.unique_id
        elif self._hidden is not None:
            lines, self._hidden = self._by_id(self._hidden), None
            if lines is not None:
                lines.visible = True

    def _by_id(self, layer_id: str | None) -> Any:
        return next((layer for layer in self._viewer.layers if layer.unique_id == layer_id), None)
