"""The keys of a viewer that a dock gives a meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

    from temgrains.gui._desk import Desk

KEYS = (".", ",", "R")
"""Step, back, run or pause; napari itself uses none of them in an image."""


def bind(viewer: ViewerModel, desk: Desk) -> None:
    """Let the keys work in a viewer's canvas."""
    actions: dict[str, Callable[[object], None]] = {
        ".": lambda _viewer: desk.do("step"),
        ",": lambda _viewer: desk.do("back"),
        "R": lambda _viewer: desk.run_or_pause(),
    }
    for key in KEYS:
        viewer.bind_key(key, actions[key], overwrite=True)


def unbind(viewer: ViewerModel) -> None:
    """Give the keys back."""
    for key in KEYS:
        viewer.bind_key(key, None)
