"""Maps that a folder holds, by the name of their image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temgrains.files import in_natural_order

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = {".png", ".tif", ".tiff"}


def stem_of(path: Path, marks: tuple[str, ...]) -> str:
    """Give the stem without the mark of its kind, such as ``.labels``."""
    return next((path.stem.removesuffix(mark) for mark in marks if path.stem.endswith(mark)), path.stem)


def maps_in(folder: Path, marks: tuple[str, ...], kind: str) -> dict[str, Path]:
    """Name the images in a folder by stem; where some bear a mark, only they are maps of the kind.

    Hidden files are none, such as what a killed program left, or what macOS lays beside files of a share.

    Raises
    ------
    ValueError
        If there is none, or two have one stem.
    """
    there = [path for path in folder.iterdir() if not path.name.startswith(".")]
    images = [path for path in there if path.suffix.lower() in IMAGES]
    images.sort(key=lambda path: in_natural_order(path.name))
    maps = [path for path in images if path.stem.endswith(marks)] or images
    if not maps:
        raise ValueError(f"{folder} holds no PNG or TIFF image; give a folder of {kind} maps")
    by_stem: dict[str, Path] = {}
    for path in maps:
        if (other := by_stem.setdefault(stem_of(path, marks), path)) != path:
            raise ValueError(
                f"{folder} holds two {kind} maps of one name: {other.name} and {path.name}; rename one"
            )
    return by_stem
