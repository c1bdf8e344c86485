"""What this computer has to work with."""

from __future__ import annotations

import os


def memory_bytes() -> int | None:
    """Give the bytes of memory of this computer, None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
