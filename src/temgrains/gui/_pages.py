"""The images of a file or layer that holds several: which one is looked at, and how to come to another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer
from qtpy.QtCore import QObject

from temgrains.gui import _image
from temgrains.gui._chores import Chore

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image
    from napari.types import LayerData

    from temgrains.gui._bench import Bench
    from temgrains.gui._desk import Desk


@dataclass(frozen=True, slots=True)
class Span:
    """Images that belong together: ``index`` of ``count`` is looked at, ``first`` is the first one's page.

    ``is_stack`` says that the layer itself holds them all, so that none is chosen yet.
    """

    first: int
    count: int
    index: int
    signal: str = ""
    is_stack: bool = False


class Pages(QObject):
    """Opens another page as a layer of its own, so that no result of the one before is lost."""

    def __init__(self, desk: Desk, put_away: Callable[[Image], None]) -> None:
        super().__init__(desk)
        self._desk = desk
        self._put_away = put_away
        self._last: tuple[int, int] | None = None

    @property
    def span(self) -> Span | None:
        """The pages among which the chosen image is one, None if it is alone."""
        image = self._desk.watch.image
        return None if image is None else self._span_of(image)

    def open(self, index: int) -> bool:
        """Look at another page of the chosen image; say whether that began."""
        image, span = self._desk.watch.image, self.span
        if image is None or span is None or self._desk.busy or not 0 <= index < span.count:
            return False
        self._last = (index, span.count)
        there = self._layer_of(image, span.first + index)
        if there is not None:
            self._look_at(there, image)
            return True
        then = partial(self._take, str(image.unique_id))
        return self._desk.side_work.start(Chore("Page", self._reading(image, span, index), then))

    def go_on(self) -> None:
        """Look in the next file of a queue at the page that was chosen before, if it has as many."""
        span = self.span
        if span is not None and self._last is not None and self._last[1] == span.count:
            index = self._last[0]
            if span.is_stack or index != span.index:
                self.open(index)

    def _span_of(self, image: Image) -> Span | None:
        shape = shape_of(image)
        if len(shape) > 2 and min(shape) > 0:
            return Span(0, math.prod(shape[:-2]), self._slice_on_show(image, shape[:-2]), is_stack=True)
        told = _image.about(image)
        first, stop = told.get("pages") or (0, 1)
        if stop - first < 2 or ("stack" in told and self._stack_of(image) is None):
            return None
        return Span(first, stop - first, int(told["page"]) - first, str(told.get("signal") or ""))

    def _slice_on_show(self, image: Image, shape: tuple[int, ...]) -> int:
        place = np.nan_to_num(image.world_to_data(self._desk.viewer.dims.point)[: len(shape)])
        nearest = [min(max(round(float(at)), 0), n - 1) for at, n in zip(place, shape, strict=True)]
        return int(np.ravel_multi_index(nearest, shape))

    def _stack_of(self, image: Image) -> Image | None:
        """Give the layer that holds this page and the others, None where a file does."""
        if len(shape_of(image)) > 2:
            return image
        mine = _image.about(image).get("stack")
        return next((layer for layer in self._desk.watch.images() if str(layer.unique_id) == mine), None)

    def _layer_of(self, image: Image, page: int) -> Image | None:
        """Give the layer of a page that was opened before."""
        stack = self._stack_of(image)
        wanted = (_image.path_of(image), page, None if stack is None else str(stack.unique_id))
        for layer in self._desk.watch.images():
            told = _image.about(layer)
            if "page" in told and (_image.path_of(layer), told["page"], told.get("stack")) == wanted:
                return layer
        return None

    def _reading(self, image: Image, span: Span, index: int) -> Callable[[], LayerData]:
        stack = self._stack_of(image)
        if stack is not None:
            return partial(_slice, stack, index)
        from temgrains.gui.readers import read_page  # noqa: PLC0415  (reading costs the dock's start nothing)

        pages = (span.first, span.first + span.count)
        return partial(read_page, _image.path_of(image), span.first + index, pages)

    def _take(self, image_id: str, data: LayerData) -> None:
        before = self._desk.watch.image
        if before is None or str(before.unique_id) != image_id or self._desk.busy:
            return
        pixels, looks, kind = data
        _leave_out_the_same(before, looks, np.shape(pixels)[:2])
        layer = Layer.create(pixels, looks, kind)
        self._desk.watch.quietly(self._desk.viewer.add_layer, layer)
        self._look_at(layer, before)

    def _look_at(self, image: Any, before: Image) -> None:
        if image is before:
            return
        desk, left = self._desk, self._desk.bench
        known = desk.bench_of(image) is not None
        image.visible = True
        desk.choose(image.unique_id)
        if left is not None and not known:
            self._carry_over(left, before, image)
        if len(shape_of(before)) > 2:
            before.visible = False
        else:
            self._put_away(before)
        desk.watch.listed.emit()

    def _carry_over(self, left: Bench, before: Image, image: Image) -> None:
        """Keep settings, model, and the scale that the user gave where the file says no other."""
        desk, session = self._desk, self._desk.session
        if session is None:
            return
        session.change(left.session.settings)
        desk.choose_model(left.session.model)
        given = left.session.calibration not in {"unknown", "layer", session.calibration}
        if given and _image.told_by(before) == _image.told_by(image):
            desk.calibrate(left.session.pixel_size, left.session.calibration)


def shape_of(image: Image) -> tuple[int, ...]:
    """Give the shape of an image layer, without colours; of a pyramid that of its finest level."""
    data = image.data[0] if image.multiscale else image.data
    return tuple(int(n) for n in data.shape[: image.ndim])


def _leave_out_the_same(before: Image, looks: dict[str, Any], shape: tuple[int, ...]) -> None:
    """Leave out of a page what was left out of the one before: a bar is burnt into all of them."""
    told = _image.about(before)
    if told.get("excluded") and shape_of(before) == shape:
        looks["metadata"][_image.KEY].update(
            excluded=told["excluded"], left_out=str(told.get("left_out") or "")
        )


def _slice(stack: Image, index: int) -> LayerData:
    """Give one image of a stack as a layer, in the place it has there."""
    shape = shape_of(stack)
    count = math.prod(shape[:-2])
    data = stack.data[0] if stack.multiscale else stack.data
    at = tuple(int(k) for k in np.unravel_index(index, shape[:-2]))
    told = {key: value for key, value in _image.about(stack).items() if key not in {"excluded", "left_out"}}
    about = {
        "calibration": "layer",
        **told,
        "source": _image.path_of(stack),
        "stack": str(stack.unique_id),
        "page": index,
        "pages": [0, count],
        "file_pages": count,
        "notes": [*_image.notes_of(stack), f"page {index + 1} of {count} was read"],
    }
    looks = {
        "name": f"{stack.name} page {index + 1}",
        "scale": stack.scale[-2:],
        "translate": stack.translate[-2:],
        "units": [str(unit) for unit in stack.units[-2:]],
        "axis_labels": stack.axis_labels[-2:],
        "rgb": stack.rgb,
        "metadata": {_image.KEY: about},
    }
    return np.asarray(data[at]), looks, "image"
