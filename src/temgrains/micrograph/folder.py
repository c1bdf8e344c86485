"""The micrographs of a folder."""

from __future__ import annotations

from pathlib import Path

from temgrains.files import RESULT_MAPS, in_natural_order
from temgrains.micrograph.pixels import UnreadableImage
from temgrains.micrograph.reading import ENDINGS

_RESULTS = tuple(f".{ending}" for ending in RESULT_MAPS)


def images_in(folder: str | Path) -> list[Path]:
    """List the micrographs in a folder in the order of their names and numbers.

    Pictures and maps that `temgrains.export.write` put there are passed over, and so are the SER files that
    belong to an EMI file.

    Raises
    ------
    UnreadableImage
        If the folder cannot be opened.
    """
    try:
        paths = [path for path in Path(folder).iterdir() if path.suffix.lower() in ENDINGS and path.is_file()]
    except OSError as error:
        raise UnreadableImage(
            folder, f"it cannot be opened as a folder ({error.strerror}); check name and rights"
        ) from error
    described = {path.stem.casefold() for path in paths if path.suffix.lower() == ".emi"}
    images = [
        path
        for path in paths
        if not path.name.endswith(_RESULTS)
        and not (path.suffix.lower() == ".ser" and path.stem.rpartition("_")[0].casefold() in described)
    ]
    return sorted(images, key=lambda path: in_natural_order(path.name))
