"""Errors as sentences for the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def sentence(error: Exception, path: Path | None = None) -> str:
    """Put an error into one line; `path` is named in it unless the error does so itself."""
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        named = error.filename or path
        text = f"{named}: {error.strerror}" if named else error.strerror
    elif isinstance(error, MemoryError):
        text = f"not enough memory ({text})" if text else "not enough memory"
    elif not isinstance(error, ValueError | OSError | ImportError):
        text = f"{type(error).__name__}: {text}"
    return text if path is None or str(path) in text else f"{path}: {text}"
