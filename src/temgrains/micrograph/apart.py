"""A first reading in a process of its own, for formats whose library may crash on a damaged file.

A segmentation fault of HDF5 would take napari and all unsaved work with it.
"""

from __future__ import annotations

import functools
import io
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from temgrains.micrograph.pixels import UnreadableImage, refuse
from temgrains.micrograph.strangers import why
from temgrains.micrograph.watching import LOOK_S, watch

if TYPE_CHECKING:
    from pathlib import Path

SECONDS_MAX = 90
"""After which a first reading is given up; a sound file takes a second or two, however large it is."""
_FIRST_READING = "import sys; from temgrains.micrograph.apart import read_first; read_first(sys.argv[1])"
_REASON_BYTES = 4096
_NO_WINDOW = 0x08000000 if sys.platform == "win32" else 0


def check_survives(path: Path) -> None:
    """Refuse a file whose reading crashes or does not end; each is tried once while it stays as it is."""
    # A program that was frozen into one file cannot start Python.
    if getattr(sys, "frozen", False) or not sys.executable:
        return
    state = path.stat()
    try:
        end, reason = _first_reading(str(path.resolve()), state.st_size, state.st_mtime_ns, SECONDS_MAX)
    except TimeoutError:
        refuse(
            path,
            f"reading it takes more than {SECONDS_MAX:g} s: it may be damaged, or its drive too slow; copy "
            "it to a disk of this computer and try again, or export the image as TIFF",
        )
    if reason:
        refuse(path, reason)
    # What ends with 1 and gives no reason, such as a drive that fails, will come again here.
    if end not in (0, 1):
        refuse(path, "it is damaged: reading it crashes the HDF5 library; copy it again from its source")


@functools.lru_cache(maxsize=256)
def _first_reading(path: str, _size: int, _changed: int, seconds: float) -> tuple[int, str]:
    """Give how a process that reads the file ends, and why it refuses it.

    What did not end is tried again when it is asked for again.
    """
    command = [sys.executable, "-P", "-c", _FIRST_READING, path]
    nothing = subprocess.DEVNULL
    with subprocess.Popen(
        command, stdin=nothing, stdout=subprocess.PIPE, stderr=nothing, creationflags=_NO_WINDOW
    ) as reader:
        try:
            end = _wait(reader, seconds)
            said = b"" if reader.stdout is None else reader.stdout.read(_REASON_BYTES)
        finally:
            reader.kill()
    return end, said.decode("utf-8", "replace")


def read_first(path: str) -> None:
    """Read a file in this process, and end it with 1 and the reason if the file is refused."""
    from temgrains.micrograph.instrument import touch_emd  # noqa: PLC0415  (which imports this module)

    answer, sys.stdout = sys.stdout, io.StringIO()
    try:
        touch_emd(path)
    except UnreadableImage as refused:
        reason = refused.reason
    except Exception as error:
        reason = "" if isinstance(error, OSError) and error.errno is not None else why(error)
    else:
        return
    answer.buffer.write(reason.encode()[:_REASON_BYTES])
    answer.flush()
    sys.exit(1)


def _wait(reader: subprocess.Popen[bytes], seconds: float) -> int:
    began, look = time.monotonic(), watch()
    while True:
        try:
            return reader.wait(LOOK_S)
        except subprocess.TimeoutExpired:
            waited = time.monotonic() - began
        if waited > seconds:
            raise TimeoutError
        if look is not None:
            look(waited)
