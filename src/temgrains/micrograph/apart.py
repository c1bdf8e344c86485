"""A first reading in a process of its own, for formats whose library may crash on a damaged file.

A segmentation fault of HDF5 would take napari and all unsaved work with it.
"""

from __future__ import annotations

import functools
import subprocess
import sys
from typing import TYPE_CHECKING

from temgrains.micrograph.pixels import refuse

if TYPE_CHECKING:
    from pathlib import Path

SECONDS_MAX = 300
"""After which a first reading is given up."""
_FIRST_READING = "import sys; from temgrains.micrograph.instrument import touch_emd; touch_emd(sys.argv[1])"
_NO_WINDOW = 0x08000000 if sys.platform == "win32" else 0


def check_survives(path: Path) -> None:
    """Refuse a file whose reading crashes or does not end; each is tried once while it stays as it is."""
    # A program that was frozen into one file cannot start Python.
    if getattr(sys, "frozen", False) or not sys.executable:
        return
    state = path.stat()
    end = _first_reading(str(path.resolve()), state.st_size, state.st_mtime_ns, SECONDS_MAX)
    if end is None:
        refuse(path, f"it may be damaged: reading it takes more than {SECONDS_MAX} s; copy it again")
    # A refusal there, which ends with 1, will come again here.
    if end not in (0, 1):
        refuse(path, "it is damaged: reading it crashes the HDF5 library; copy it again from its source")


@functools.lru_cache(maxsize=256)
def _first_reading(path: str, _size: int, _changed: int, seconds: float) -> int | None:
    """Give how a process that reads the file ends, None if it does not end in time."""
    command = [sys.executable, "-P", "-c", _FIRST_READING, path]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
            creationflags=_NO_WINDOW,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.returncode
