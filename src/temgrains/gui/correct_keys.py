"""Keys of the correction tools, in whatever layer is selected; Ctrl+Z in the layer of corrections only."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from temgrains.gui._image import about
from temgrains.gui.correct_tool import TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable

    from temgrains.gui.correct_link import Corrections

    Action = Callable[[], None]


class ToolKeys:
    """Binds and frees the keys of one viewer.

    napari asks the selected layer for its keys before it asks the viewer, so that X, M, L or P in a layer of
    labels would be napari's. While a panel of corrections is seen and there are grains, that layer lends its
    keys; they come back when the panel is hidden, another layer is selected, or the user takes up one of
    napari's own tools in it.
    """

    def __init__(self, link: Corrections) -> None:
        self._link = link
        self._bound: list[str] = []
        self._seen: set[int] = set()
        self._lender: Any = None
        self._lent: dict[str, tuple[Any, Any]] = {}
        """What these keys do in that layer now, and did before: None for what all of its kind do."""

    def bind(self) -> None:
        """Let the keys of the tools work in the viewer's canvas."""
        if self._bound:
            return
        for key, action in self._actions().items():
            self._link.desk.viewer.bind_key(key, _ignoring(action), overwrite=True)
            self._bound.append(key)

    def show(self, panel: int) -> None:
        """Let the keys act whatever layer is selected, for a panel is seen now; it is known by its id."""
        self._seen.add(panel)
        self.follow()

    def hide(self, panel: int) -> None:
        """Give the selected layer its keys back, unless another panel is still seen."""
        self._seen.discard(panel)
        self.follow()

    def follow(self, _event: object = None) -> None:
        """Borrow the keys of the layer that is selected now, and give the one before its own back."""
        active = self._link.desk.viewer.layers.selection.active
        if active is not self._lender:
            self._return()
        if active is None or not self._seen or self._link.corrector is None:
            self._return()
        elif self._lender is None:
            self._lender = active
            active.events.mode.connect(self._on_mode)
            self._borrow()

    def bind_layer(self, layer: Any) -> None:
        """Take all keys in the layer of corrections, Ctrl+Z among them; elsewhere that is napari's."""
        undo = {"Control-Z": self._link.undo, "Control-Shift-Z": self._link.redo}
        for key, action in {**self._actions(), **undo}.items():
            layer.bind_key(key, _ignoring(action), overwrite=True)

    def unbind(self) -> None:
        """Give the keys back."""
        self._seen.clear()
        self._return()
        for key in self._bound:
            self._link.desk.viewer.bind_key(key, None)
        self._bound.clear()

    def _on_mode(self, _event: object = None) -> None:
        if self._lender is not None:
            self._give_back()
            self._borrow()

    def _borrow(self) -> None:
        """Bind the keys in the lender, unless the user is painting in it, or adding to it."""
        lender = self._lender
        if str(lender.mode) != "pan_zoom" or about(lender).get("role") == "corrections":
            return
        for key, action in self._actions_in(lender).items():
            ours = _ignoring(action)
            self._lent[key] = ours, lender.bind_key(key, ours, overwrite=True)

    def _give_back(self) -> None:
        for key, (ours, before) in self._lent.items():
            now = self._lender.bind_key(key, None)
            self._lender.bind_key(
                key, before if now is ours else now
            )  # it may have been bound anew meanwhile
        self._lent.clear()

    def _return(self) -> None:
        if self._lender is not None:
            self._give_back()
            self._lender.events.mode.disconnect(self._on_mode)
            self._lender = None

    def _actions_in(self, layer: Any) -> dict[str, Action]:
        """Give what the keys do in a layer: all in one of ours; in the user's, what takes up a tool or looks.

        There the others are how napari takes up its own tools (1, 2, 3) and deletes what is selected.
        """
        return self._actions() if "role" in about(layer) else self._first_actions()

    def _actions(self) -> dict[str, Action]:
        link = self._link
        return {
            **self._first_actions(),
            **{str(k + 1): partial(link.hand.choose, k) for k in range(3)},
            "Enter": link.confirm,
            "Backspace": partial(link.judge, right=False),
            "Escape": link.hand.cancel,
        }

    def _first_actions(self) -> dict[str, Action]:
        """Give what can be done whatever was done before."""
        link = self._link
        return {
            **{tool.key: partial(link.take, name) for name, tool in TOOLS.items()},
            "N": partial(link.look, 1),
            "P": partial(link.look, -1),
        }


def _ignoring(action: Action) -> Callable[[object], None]:
    """Give an action that takes, and ignores, what napari passes to it."""
    return lambda _receiver: action()
