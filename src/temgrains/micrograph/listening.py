"""What libraries say while they read a file: kept for us, and kept from the user's terminal."""

from __future__ import annotations

import contextlib
import logging
import threading
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILTERS = threading.Lock()


class _Listener(logging.Handler):
    """Keeps what a library only logs; other threads' files are none of this one's business."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        if record.thread == self._thread:
            self.said.append(record.getMessage())


@contextlib.contextmanager
def listening(library: str) -> Iterator[list[str]]:
    """Collect the warnings and errors that a library logs in this thread."""
    listener = _Listener()
    log = logging.getLogger(library)
    log.addHandler(listener)
    try:
        yield listener.said
    finally:
        log.removeHandler(listener)


@contextlib.contextmanager
def silenced(library: str) -> Iterator[list[str]]:
    """Like `listening`, and nothing that the library logs or warns of goes any further."""
    # The filters of warnings belong to the whole process: two of these at once would restore each other's.
    with _FILTERS, warnings.catch_warnings(), listening(library) as said:
        warnings.simplefilter("ignore")
        log = logging.getLogger(library)
        passes_on, log.propagate = log.propagate, False
        # Some libraries print what they log.
        others = [handler for handler in log.handlers if not isinstance(handler, _Listener)]
        for handler in others:
            log.removeHandler(handler)
        try:
            yield said
        finally:
            log.propagate = passes_on
            for handler in others:
                log.addHandler(handler)
