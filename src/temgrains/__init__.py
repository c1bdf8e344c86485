"""Find, correct and measure grain boundaries in TEM micrographs of polycrystals.

::

    import temgrains as tg

    micrograph = tg.read("film.tif", pixel_size=0.72)
    analysis = tg.analyse(micrograph)
    analysis.sizes.table

Nothing heavy is loaded before a name is used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from temgrains.boundaries import close
    from temgrains.edges import find_edges
    from temgrains.grains import label
    from temgrains.guess import guess
    from temgrains.micrograph import UnreadableImage, read
    from temgrains.pipeline import analyse
    from temgrains.refine import refine
    from temgrains.score import score
    from temgrains.settings import Settings
    from temgrains.sizes import measure
    from temgrains.synthesis import synthesise

    __version__: str

__all__ = [
    "Settings",
    "UnreadableImage",
    "__version__",
    "analyse",
    "close",
    "find_edges",
    "guess",
    "label",
    "measure",
    "read",
    "refine",
    "score",
    "synthesise",
]

_HOME = {
    "Settings": "settings",
    "UnreadableImage": "micrograph",
    "analyse": "pipeline",
    "close": "boundaries",
    "find_edges": "edges",
    "guess": "guess",
    "label": "grains",
    "measure": "sizes",
    "read": "micrograph",
    "refine": "refine",
    "score": "score",
    "synthesise": "synthesis",
}
"""Public name to the module it lives in."""


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415  (slow, and few ask)

        value: object = version("temgrains")
    elif name in _HOME:
        value = getattr(import_module(f"temgrains.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module 'temgrains' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """The package, where ``guess``, ``refine`` and ``score`` are functions although modules bear these names.

    Python binds a submodule to its package as soon as anything imports it, which would hide the function of
    the same name; here the function is bound in the module's place. ``sys.modules`` still holds the module.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, ModuleType) and _HOME.get(name) == name:
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
