"""One desk per viewer, kept alive by the docks that show it."""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

from temgrains.gui._desk import Desk

_desks: WeakValueDictionary[int, Desk] = WeakValueDictionary()


def desk_of(viewer: Any) -> Desk:
    """Give the desk of a viewer, a new one if it has none."""
    raw = getattr(viewer, "__wrapped__", viewer)  # docks that scripts add get a proxy, its layers are proxies
    desk = _desks.get(id(raw))
    if desk is None or desk.viewer is not raw:
        desk = _desks[id(raw)] = Desk(raw)
    return desk
