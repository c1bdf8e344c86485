"""The viewer's image layers, and what the user does to the chosen one and to the slider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import QObject, Signal

from temgrains.gui._image import about

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

_PLACES = ("scale", "translate", "units", "rotate", "shear", "affine")


class Watch(QObject):
    """Turns napari's events into a few signals; what is done `quietly` gives none."""

    listed = Signal()
    """Image layers came, went, moved in the list or were renamed."""
    removed = Signal(object)
    """The chosen image was removed from the viewer."""
    lost = Signal(str)
    """A layer of ours was removed by the user; its name."""
    replaced = Signal()
    """The chosen image has other pixels."""
    moved = Signal()
    """The chosen image lies elsewhere or has another scale."""
    slid = Signal()
    """A slider was moved."""

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self.image: Image | None = None
        self._viewer = viewer
        self._quiet = False
        self._has_shown_bar = False
        events = viewer.layers.events
        events.removed.connect(self._on_removed)
        for event in (events.inserted, events.removed, events.changed, events.reordered, events.renamed):
            event.connect(self._on_layers)
        viewer.dims.events.current_step.connect(self._on_slider)

    def images(self) -> list[Image]:
        """Give the image layers that may be analysed: all but our own results."""
        return [
            layer for layer in self._viewer.layers if isinstance(layer, Image) and "role" not in about(layer)
        ]

    def choose(self, image_id: str | None) -> None:
        """Watch the image layer of this id instead of the one before; None for none."""
        self._connect(False)
        self.image = next((layer for layer in self.images() if layer.unique_id == image_id), None)
        self._connect(True)

    def quietly(self, action: Callable[..., Any], *arguments: Any) -> None:
        """Do something to layers without hearing of it as if the user had done it."""
        before, self._quiet = self._quiet, True
        try:
            action(*arguments)
        finally:
            self._quiet = before

    def show_scale_bar_once(self) -> None:
        """Show how large things are when it is first known; if the user hides the bar, it stays hidden."""
        if not self._has_shown_bar:
            self._has_shown_bar = True
            self._viewer.canvas.overlays.scale_bar.visible = True

    def _connect(self, on: bool) -> None:
        if self.image is None:
            return
        handlers = dict.fromkeys(_PLACES, self._on_place) | {"data": self._on_pixels}
        for name, handler in handlers.items():
            emitter = getattr(self.image.events, name)
            (emitter.connect if on else emitter.disconnect)(handler)

    def _on_layers(self, _event: object = None) -> None:
        if self.image is not None and self.image not in self._viewer.layers:
            gone = self.image
            self.choose(None)
            self.removed.emit(gone)
        if not self._quiet:
            self.listed.emit()

    def _on_removed(self, event: Any) -> None:
        told = about(event.value)
        ours = self.image is not None and told.get("image") == str(self.image.unique_id)
        if ours and not self._quiet:
            self.lost.emit(event.value.name)

    def _on_pixels(self, _event: object = None) -> None:
        self.replaced.emit()

    def _on_place(self, _event: object = None) -> None:
        if not self._quiet:
            self.moved.emit()

    def _on_slider(self, _event: object = None) -> None:
        if not self._quiet:
            self.slid.emit()
