"""Records to layers: the five layers of one session, their names, looks and places, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.colormaps import CyclicLabelColormap

from temgrains.gui import _colours
from temgrains.gui._image import KEY
from temgrains.gui._stack import IterateStack
from temgrains.records import boxes_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer
    from numpy.typing import NDArray
    from pandas import DataFrame

    from temgrains.gui._image import Grid
    from temgrains.gui._session import Session
    from temgrains.records import EdgeMaps, LabelArray

ROLES = ("edges", "guess", "refinement", "grains", "boundaries")
"""The layers from bottom to top; each is named after the image and its role."""

VISIBLE = {
    "edges": ("edges",),
    "guess": ("guess",),
    "refine": ("refinement",),
    "boundaries": ("grains", "boundaries"),
}
"""Which layers a stage shows when it comes into view; the others are hidden then."""

MOST_COLOURS = 2**16
"""Largest colormap of labels that napari takes."""

RED, GREEN, BLUE = "#ff2d2d", "#23d160", "#2f8dff"


@dataclass(slots=True)
class _Own:
    """A layer that we made, as we left it."""

    layer_id: str
    name: str
    data: Any
    source: Any
    """What the data were made of, None where they are shown as they are; never written to."""
    original: Any
    """What the data should be now: the source until the first change, then a copy of our own."""


class ResultLayers:
    """The layers of one session in one viewer.

    A layer is ours as long as it has the name and the content we gave it: running again replaces its content.
    One that the user has renamed or edited is left alone, and the next result gets a new layer. Layers are
    found by their ids, so that they may be moved, hidden or deleted at any time.
    """

    def __init__(self, viewer: ViewerModel, image_id: str) -> None:
        self._viewer = viewer
        self._image_id = image_id
        self._own: dict[str, _Own] = {}
        self._stage = ""
        self._aside: tuple[Any, ...] = ()
        self._coloured: tuple[LabelArray, NDArray[np.intp]] | None = None

    # What a session asks for

    def show_edges(self, session: Session, grid: Grid, detectors: tuple[bool, bool, bool]) -> None:
        """Show the edge maps as an RGB image of the chosen detectors."""
        if session.edges is not None:
            data = rgb(session.edges, detectors)
            self._put("edges", session.name, data, Image, rgb=True, **grid.place(data.shape[:2]))

    def show_guess(self, session: Session, grid: Grid) -> None:
        """Show Net1's guess."""
        if session.guess is not None:
            grey = session.guess.grey
            looks = {"colormap": "magma", "contrast_limits": (0, 255), **grid.place(grey.shape)}
            self._put("guess", session.name, grey, Image, **looks)

    def show_refinement(self, session: Session, grid: Grid, *, with_changes: bool) -> None:
        """Show the iterates up to now, and the one under the cursor."""
        if not session.iterates:
            return
        states = tuple(iterate.state for iterate in session.iterates)
        stack = IterateStack(states, session.settings.boundaries.threshold * 255, with_changes)
        looks = {"colormap": _classes(), "opacity": 0.8, **grid.place(stack.shape[1:], stacked=True)}
        self._put("refinement", session.name, stack, Labels, **looks)
        self.follow(session)

    def follow(self, session: Session) -> None:
        """Move the slider to the iterate under the cursor."""
        axis = self._viewer.dims.ndim - 3
        if axis >= 0 and self.has("refinement"):
            self._viewer.dims.set_point(axis, session.cursor)

    def show_grains(self, session: Session, grid: Grid) -> None:
        """Show the grains in colours that stay with them when they are drawn anew."""
        if session.analysis is not None:
            labels = session.analysis.grains.labels
            colours = self._colours_of(labels)
            # 16 bits go to the graphics card as they are; 32 bits would be mapped by napari at every redraw
            painted = labels.astype(np.uint16 if len(colours) <= MOST_COLOURS else np.int32)
            looks = {"colormap": grain_colours(colours), "opacity": 0.35, **grid.place(labels.shape)}
            layer = self._put("grains", session.name, painted, Labels, original=labels, **looks)
            mark = self._mark("grains")
            if boxes := boxes_of(session.analysis.grains.excluded):
                mark[KEY]["excluded"] = [list(box) for box in boxes]
            layer.metadata = {**layer.metadata, **mark}
            self.tell_sizes(session.analysis.sizes.table)

    def tell_sizes(self, table: DataFrame, numbers: NDArray[np.integer] | None = None) -> None:
        """Tell the layer of grains their sizes; ``numbers`` are those that it shows, where it has others."""
        layer = self._there("grains")
        if layer is not None:
            told = table.rename(columns={"grain": "index"})
            layer.features = told if numbers is None else told.assign(index=numbers).sort_values("index")

    def show_boundaries(self, session: Session, grid: Grid) -> None:
        """Show the closed boundaries in red."""
        if session.analysis is not None:
            mask = session.analysis.boundaries.mask.astype(np.uint8)
            looks = {"colormap": _classes(), "opacity": 1.0, **grid.place(mask.shape)}
            self._put("boundaries", session.name, mask, Labels, **looks)

    def patch(self, role: str, places: tuple[NDArray[np.intp], ...], values: NDArray[np.integer]) -> None:
        """Set some pixels of the grains or of the boundaries; only that part of the layer is drawn again.

        Whether the user has edited the layer is asked of these pixels alone: to compare all of a large image
        takes longer than everything else.
        """
        own, layer = self._own.get(role), self._there(role)
        if own is None or layer is None:
            return
        if own.original is own.source:
            if self.get(role) is None:
                return
            own.original = own.data.copy()
        if not np.array_equal(own.data[places], own.original[places]):
            return
        if role == "grains":
            colours = len(layer.colormap.colors)
            if values.max(initial=0) >= colours and colours < MOST_COLOURS:
                layer.colormap = with_more_colours(layer.colormap, int(values.max()))
        layer.data_setitem(places, values.astype(layer.data.dtype))
        editable = layer.editable
        layer.editable = not editable  # the only public way to keep this out of napari's undo
        layer.editable = editable
        own.original[places] = layer.data[places]

    def bring_forward(self, stage: str) -> None:
        """Show a stage's layers and hide those of the others, when another stage was in view before."""
        if stage == self._stage or stage not in VISIBLE:
            return
        self._stage = stage
        for role in ROLES:
            layer = self.get(role)
            if layer is not None:
                layer.visible = role in VISIBLE[stage]

    def set_aside(self) -> None:
        """Hide all layers, for another image is looked at."""
        if self._aside:
            return
        shown = [layer for role in ROLES if (layer := self.get(role)) is not None and layer.visible]
        self._aside = tuple(layer.unique_id for layer in shown)
        for layer in shown:
            layer.visible = False

    def bring_back(self) -> None:
        """Show again what `set_aside` hid."""
        aside, self._aside = self._aside, ()
        for layer in self._viewer.layers:
            if layer.unique_id in aside:
                layer.visible = True

    def place(self, grid: Grid) -> None:
        """Lay all layers over the image again after it was moved or calibrated."""
        for role in ROLES:
            layer = self.get(role)
            if layer is None:
                continue
            shape = layer.data.shape[:2] if role == "edges" else layer.data.shape[-2:]
            lay(layer, grid.place(shape, stacked=role == "refinement"))

    def drop(self, roles: tuple[str, ...]) -> None:
        """Remove the layers of results that are no longer true, unless they have become the user's."""
        for role in roles:
            layer = self.get(role)
            if layer is not None:
                self._viewer.layers.remove(layer)
            self._own.pop(role, None)
        if self._stage and not any(self.has(role) for role in VISIBLE[self._stage]):
            self._stage = ""

    def has(self, role: str) -> bool:
        """Whether the layer of a role is there and ours."""
        return self.get(role) is not None

    def get(self, role: str) -> Any:
        """Give the layer of a role, None where it was deleted, renamed or edited."""
        own, layer = self._own.get(role), self._there(role)
        if own is None or layer is None:
            return None
        edited = own.original is not None and not np.array_equal(own.data, own.original)
        return None if edited else layer

    # Inside

    def _there(self, role: str) -> Any:
        """Give the layer of a role that has the name and the array that we gave it, None without."""
        own = self._own.get(role)
        if own is None:
            return None
        layer = next((layer for layer in self._viewer.layers if layer.unique_id == own.layer_id), None)
        return None if layer is None or layer.name != own.name or layer.data is not own.data else layer

    def _put(
        self, role: str, name: str, data: Any, kind: type[Layer], *, original: Any = None, **looks: Any
    ) -> Layer:
        layer = self.get(role)
        if layer is None:
            layer = self._add(role, kind(data, name=f"{name} {role}", metadata=self._mark(role), **looks))
        else:
            layer.data = data
            lay(layer, looks)
            if role == "grains":
                layer.colormap = looks["colormap"]
                layer.editable = False  # the only public way to forget strokes on the old grains
                layer.editable = True
        self._own[role] = _Own(layer.unique_id, layer.name, layer.data, original, original)
        return layer

    def _add(self, role: str, layer: Layer) -> Layer:
        """Add a layer at its place among ours, and leave the user's selection as it was."""
        layers = self._viewer.layers
        before = layers.selection.active
        below = [
            layers.index(other)
            for other in layers
            if other.unique_id == self._image_id
            or any(other.unique_id == own.layer_id for r, own in self._own.items() if _below(r, role))
        ]
        layers.insert(max(below, default=len(layers) - 1) + 1, layer)
        if role != "grains" and isinstance(layer, Labels):
            layer.editable = False
        if before is not None and before in layers:
            layers.selection.active = before
        return layer

    def _mark(self, role: str) -> dict[str, Any]:
        return {KEY: {"role": role, "image": str(self._image_id)}}

    def _colours_of(self, labels: LabelArray) -> NDArray[np.intp]:
        before = self._coloured
        colours = _colours.first(labels) if before is None else _colours.inherit(*before, labels)
        self._coloured = (labels, colours)
        return colours


def rgb(edges: EdgeMaps, detectors: tuple[bool, bool, bool]) -> NDArray[np.uint8]:
    """Give the edge maps as an RGB image, shape (H, W, 3); detectors that are off are black."""
    shown = edges.maps * np.array(detectors, np.uint8)[:, None, None]
    return np.ascontiguousarray(np.moveaxis(shown, 0, -1))


def grain_colours(colours: NDArray[np.intp]) -> CyclicLabelColormap:
    """Give the colormap of grains: transparent boundaries, each grain its own entry.

    A direct colormap would do the same, but napari compiles its lookup in the window's thread, for seconds.
    """
    colours = colours[:MOST_COLOURS]  # more grains take turns
    shades = np.ones((len(colours), 4), np.float32)
    shades[:, :3] = _colours.palette()[colours]
    shades[0] = 0
    return CyclicLabelColormap(colors=shades)


def with_more_colours(colormap: CyclicLabelColormap, number: int) -> CyclicLabelColormap:
    """Give a colormap of grains that goes on to a higher number, and somewhat beyond."""
    known = np.asarray(colormap.colors)
    more = np.ones((min(number + 257, MOST_COLOURS) - len(known), 4), np.float32)
    more[:, :3] = _colours.palette()[np.arange(len(known), len(known) + len(more)) % _colours.PALETTE]
    return CyclicLabelColormap(colors=np.concatenate([known, more]))


def _classes() -> CyclicLabelColormap:
    return CyclicLabelColormap(colors=["transparent", RED, GREEN, BLUE])


def lay(layer: Layer, place: dict[str, Any]) -> None:
    """Give a layer its place; what is as it was is left alone, for each of these costs a redraw."""
    if [str(unit) for unit in layer.units] != place["units"]:
        layer.units = place["units"]
    for name in ("translate", "scale"):
        if not np.array_equal(getattr(layer, name), place[name]):
            setattr(layer, name, place[name])


def _below(role: str, other: str) -> bool:
    return ROLES.index(role) < ROLES.index(other)
