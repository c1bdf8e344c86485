"""The keys of the correction tools: in the whole viewer, and Ctrl+Z in the layer of corrections only."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from temgrains.gui.correct_tool import TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable

    from temgrains.gui.correct_link import Corrections


class ToolKeys:
    """Binds and frees the keys of one viewer."""

    def __init__(self, link: Corrections) -> None:
        self._link = link
        self._bound: list[str] = []

    def bind(self) -> None:
        """Let the keys of the tools work in the viewer's canvas."""
        if self._bound:
            return
        for key, action in self._actions().items():
            self._link.desk.viewer.bind_key(key, _ignoring(action), overwrite=True)
            self._bound.append(key)
        self.bind_image()

    def bind_image(self) -> None:
        """Take X on the chosen image too: napari would turn a plane of a volume with it."""
        image = self._link.desk.watch.image
        if image is not None and self._bound:
            image.bind_key("X", _ignoring(partial(self._link.take, "erase")), overwrite=True)

    def bind_layer(self, layer: Any) -> None:
        """Take all keys in the layer of corrections, Ctrl+Z among them; elsewhere that is napari's."""
        undo = {"Control-Z": self._link.undo, "Control-Shift-Z": self._link.redo}
        for key, action in {**self._actions(), **undo}.items():
            layer.bind_key(key, _ignoring(action), overwrite=True)

    def unbind(self) -> None:
        """Give the keys back."""
        viewer = self._link.desk.viewer
        for key in self._bound:
            viewer.bind_key(key, None)
        self._bound.clear()
        for image in self._link.desk.watch.images():
            image.bind_key("X", None)

    def _actions(self) -> dict[str, Callable[[], None]]:
        link = self._link
        return {
            **{tool.key: partial(link.take, name) for name, tool in TOOLS.items()},
            **{str(k + 1): partial(link.hand.choose, k) for k in range(3)},
            "N": partial(link.look, 1),
            "P": partial(link.look, -1),
            "Enter": link.confirm,
            "Backspace": partial(link.judge, right=False),
            "Escape": link.hand.cancel,
        }


def _ignoring(action: Callable[[], None]) -> Callable[[object], None]:
    """Give an action that takes, and ignores, what napari passes to it."""
    return lambda _receiver: action()
