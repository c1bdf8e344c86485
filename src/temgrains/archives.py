"""Files that hold a description and arrays, such as projects: a zip of one JSON and of .npy files."""

from __future__ import annotations

import contextlib
import io
import json
import struct
import tokenize
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.computer import memory_bytes
from temgrains.files import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

BYTES_MAX = 16 * 2**30
"""An archive that unpacks to more is refused."""

RATIO_MAX, LARGE = 400, 2**28
"""One that unpacks to more bytes than `LARGE` and to more than so many times its size is a bomb."""

DESCRIPTION_MAX = 2**28
"""A description of more bytes is none of ours."""


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

    def description(self, name: str) -> dict[str, Any]:
        """Give the table that is the JSON of that name."""
        content = self._content(name, most=DESCRIPTION_MAX)
        try:
            table = json.loads(content)
        except (RecursionError, ValueError) as error:
            raise ValueError(f"its description {name} is no JSON ({error})") from error
        if not isinstance(table, dict):
            raise ValueError(f"its description {name} is no table but {table!r:.40}")
        return table

    def array(self, name: str) -> NDArray[Any]:
        """Give the array of that name; what is not finite is refused."""
        content = self._content(f"{name}.npy")
        try:
            array: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
        except (EOFError, MemoryError, OverflowError, SyntaxError, tokenize.TokenError, ValueError) as error:
            raise ValueError(f"{name} is damaged ({error})") from error
        if array.dtype.kind in "fc" and not np.isfinite(array).all():
            raise ValueError(f"{name} holds values that are no numbers")
        return array

    def _content(self, name: str, *, most: int = BYTES_MAX) -> bytes:
        """Unpack an entry of at most so many bytes."""
        try:
            size = self.file.getinfo(name).file_size
        except KeyError as error:
            raise ValueError(f"it holds no {name}") from error
        if size > most:
            raise ValueError(f"{name} unpacks to {size:,} bytes; at most {most:,} are read")
        try:
            return self.file.read(name)
        except MemoryError:
            raise
        except Exception as error:
            # zipfile lets the errors of four decoders through, and has some of its own.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise ValueError(f"{name} cannot be unpacked ({error})") from error


@contextlib.contextmanager
def open_archive(path: str | Path) -> Iterator[Archive]:
    """Open an archive, whoever wrote it.

    Raises
    ------
    ValueError
        If it is none, unpacks to more than `BYTES_MAX` or half of this computer's memory, is a decompression
        bomb, is damaged, or if what its description holds, as the block that reads it finds, is of another
        kind than expected. The text is the reason without the path.
    OSError
        If the file cannot be opened.
    """
    try:
        with zipfile.ZipFile(path) as file:
            _check_size(sum(entry.file_size for entry in file.infolist()), Path(path).stat().st_size)
            yield Archive(file)
    except zipfile.BadZipFile as error:
        raise ValueError(f"it is of another kind, or its end is missing ({error})") from error
    except (NotImplementedError, struct.error) as error:
        raise ValueError(str(error)) from error
    except KeyError as error:
        raise ValueError(f"its description lacks {error}") from error
    except (AttributeError, IndexError, OverflowError, RecursionError, TypeError) as error:
        raise ValueError(f"its description is not what temgrains writes ({error})") from error


def _check_size(unpacked: int, packed: int) -> None:
    """Refuse what this computer cannot hold before anything is unpacked."""
    if unpacked > BYTES_MAX:
        raise ValueError(f"it unpacks to {unpacked:,} bytes; at most {BYTES_MAX:,} are read")
    if unpacked > LARGE and unpacked > RATIO_MAX * packed:
        raise ValueError(f"its {packed:,} bytes would unpack to {unpacked:,}, as no file of temgrains does")
    memory = memory_bytes()
    if memory is not None and unpacked > memory / 2:
        raise ValueError(
            f"it unpacks to {unpacked / 2**30:.1f} GiB, more than half of this computer's "
            f"{memory / 2**30:.1f} GiB of memory"
        )
