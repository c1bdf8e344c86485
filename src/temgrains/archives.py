"""Files that hold a description and arrays, such as projects: a zip of one JSON and of .npy files."""

from __future__ import annotations

import contextlib
import io
import json
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.files import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

BYTES_MAX = 16 * 2**30
"""An archive that unpacks to more is refused."""


def write_archive(
    path: Path, name: str, description: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write a description, under that name, and arrays.

    Raises
    ------
    OSError
        If the file cannot be written; use `temgrains.files.atomic_path` to keep the old one then.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as file:
        file.writestr(name, json.dumps(plain(description), indent=1))
        for key, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            file.writestr(f"{key}.npy", buffer.getvalue())


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that is open for reading; each part is read, or refused with a ValueError, on its own."""

    file: zipfile.ZipFile

    def __contains__(self, name: str) -> bool:
        """Say whether there is an array of that name."""
        return f"{name}.npy" in self.file.namelist()

    def description(self, name: str) -> Any:
        """Give the JSON of that name."""
        return json.loads(self._content(name))

    def array(self, name: str) -> NDArray[Any]:
        """Give the array of that name."""
        content = self._content(f"{name}.npy")
        try:
            array: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
        except (EOFError, MemoryError, OverflowError, SyntaxError, tokenize.TokenError, ValueError) as error:
            raise ValueError(f"{name} is damaged ({error})") from error
        return array

    def _content(self, name: str) -> bytes:
        """Unpack an entry; zipfile lets the errors of what it builds on through."""
        try:
            return self.file.read(name)
        except KeyError as error:
            raise ValueError(f"it holds no {name}") from error
        except (
            EOFError,
            NotImplementedError,
            RuntimeError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise ValueError(f"{name} cannot be unpacked ({error})") from error


@contextlib.contextmanager
def open_archive(path: str | Path) -> Iterator[Archive]:
    """Open an archive, whoever wrote it.

    Raises
    ------
    ValueError
        If it is none, unpacks to more than `BYTES_MAX`, is damaged, or if what its description holds, as the
        block that reads it finds, is of another kind than expected. The text is the reason without the path.
    OSError
        If the file cannot be opened.
    """
    try:
        with zipfile.ZipFile(path) as file:
            size = sum(entry.file_size for entry in file.infolist())
            if size > BYTES_MAX:
                raise ValueError(f"it unpacks to {size} bytes; at most {BYTES_MAX} are read")
            yield Archive(file)
    except (NotImplementedError, zipfile.BadZipFile) as error:
        raise ValueError(str(error)) from error
    except (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError) as error:
        raise ValueError(f"its description is not what temgrains writes ({error})") from error
