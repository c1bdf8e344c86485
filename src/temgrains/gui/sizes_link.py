"""Which layer of grains is measured, and what the user does to it and to the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from temgrains.gui import _image
from temgrains.gui._image import about
from temgrains.gui.sizes_work import Source
from temgrains.records import mask_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from temgrains.gui._desk import Desk
    from temgrains.reports import Context

_EDITS = ("data", "paint", "labels_update", "scale", "units")
_NO_GRAINS = {"boundaries", "refinement"}
_LOOKING = {"pan_zoom", "pick"}
"""Modes of a layer in which a click draws nothing."""
_STILL_PX = 4
"""A press that moves by more is a drag."""


class Link(QObject):
    """Turns napari's events about layers of grains into a few signals, while it follows the viewer."""

    listed = Signal()
    """Layers came, went or were renamed."""
    edited = Signal()
    """The chosen layer has other labels or another scale, or its grains are known better now."""
    clicked = Signal(int)
    """The number of the grain that was clicked in the image."""

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self.following = False
        self.layer: Labels | None = None

    def layers(self) -> list[Labels]:
        """Give the layers that may hold grains: flat labels, but for our lines and iterates."""
        return [
            layer
            for layer in self._desk.viewer.layers
            if isinstance(layer, Labels) and layer.ndim == 2 and about(layer).get("role") not in _NO_GRAINS
        ]

    def likeliest(self) -> Labels | None:
        """Give the grains of the chosen image, or else the topmost layer that may hold grains."""
        bench, layers = self._desk.bench, self.layers()
        ours = bench.layers.get("grains") if bench is not None else None
        return ours if ours is not None else layers[-1] if layers else None

    def choose(self, layer_id: str | None) -> None:
        """Take the layer of this id; None for none."""
        self._listen(False)
        self.layer = next((layer for layer in self.layers() if str(layer.unique_id) == layer_id), None)
        self._listen(self.following)

    def follow(self, on: bool) -> None:
        """Begin or end to follow the viewer."""
        if on == self.following:
            return
        self.following = on
        viewer = self._desk.viewer
        for name in ("inserted", "removed", "renamed"):
            emitter = getattr(viewer.layers.events, name)
            (emitter.connect if on else emitter.disconnect)(self._on_layers)
        if on:
            viewer.mouse_drag_callbacks.append(self._on_press)
        elif self._on_press in viewer.mouse_drag_callbacks:
            viewer.mouse_drag_callbacks.remove(self._on_press)
        self._listen(on)

    def source(self) -> Source | None:
        """Give the grains of the chosen layer as they are now."""
        layer, bench = self.layer, self._desk.bench
        if layer is None or layer not in self._desk.viewer.layers:
            return None
        labels = np.asarray(layer.data)
        analysis = bench.session.analysis if bench is not None else None
        known = analysis is not None and labels.shape == analysis.grains.labels.shape
        image = analysis.micrograph.pixels if known and analysis is not None else None
        grains = sure = None
        excluded = mask_of(about(layer).get("excluded", ()), labels.shape)
        if known and analysis is not None and self._is_ours(layer):
            excluded = analysis.grains.excluded
            if np.array_equal(labels, analysis.grains.labels):
                grains = analysis.grains
                if "confidence" in analysis.sizes.table:
                    sure = analysis.sizes.table["confidence"].to_numpy()
        pixel_size, calibration = _image.scale_of(layer)
        if bench is not None and bench.session.pixel_size == pixel_size:
            calibration = bench.session.calibration
        return Source(
            name=layer.name,
            labels=labels if grains is not None else labels.copy(),
            grains=grains,
            excluded=excluded,
            image=image,
            confidence=sure,
            pixel_size=pixel_size,
            calibration=calibration,
        )

    def context(self) -> Context:
        """Give what a report says of the grains beside their sizes: the picture, how they were found."""
        from temgrains.export import overlay  # noqa: PLC0415
        from temgrains.reports import Context  # noqa: PLC0415

        source, bench = self.source(), self._desk.bench
        analysis = bench.session.analysis if bench is not None else None
        if source is None or source.grains is None or analysis is None:
            return Context()
        return Context(overlay(analysis.micrograph, analysis.boundaries), analysis.provenance)

    def _is_ours(self, layer: Labels) -> bool:
        image = self._desk.watch.image
        told = about(layer)
        ours = told.get("role") == "grains"
        return ours and image is not None and told.get("image") == str(image.unique_id)

    def _listen(self, on: bool) -> None:
        if self.layer is not None:
            for name in _EDITS:
                emitter = getattr(self.layer.events, name)
                (emitter.connect if on else emitter.disconnect)(self._on_edit)

    def _on_layers(self, _event: object = None) -> None:
        self.listed.emit()

    def _on_edit(self, _event: object = None) -> None:
        self.edited.emit()

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        """Take a click that draws nothing and drags nothing."""
        active = viewer.layers.selection.active
        if event.button != 1 or (active is not None and str(active.mode) not in _LOOKING):
            return
        start = np.array(event.pos)
        yield
        while event.type == "mouse_move":
            if np.abs(np.array(event.pos) - start).max() > _STILL_PX:
                return
            yield
        self.click(event.position)

    def click(self, position: Any) -> None:
        """Tell of the grain at a place of the world, if there is one."""
        if self.layer is None:
            return
        labels = np.asarray(self.layer.data)
        row, column = (round(float(x)) for x in self.layer.world_to_data(position[-2:]))
        if 0 <= row < labels.shape[0] and 0 <= column < labels.shape[1] and labels[row, column] > 0:
            self.clicked.emit(int(labels[row, column]))
