"""A look at whoever waits, again and again while a file is read, so that the reading can be given up."""

from __future__ import annotations

import contextlib
import threading
import time
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, TypeVar

from temgrains.records import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOK_S = 0.05
"""Time between two looks [s]."""
_WATCH: ContextVar[Callable[[float], None] | None] = ContextVar("watch", default=None)
_T = TypeVar("_T")


@contextlib.contextmanager
def watched(look: Callable[[float], None]) -> Iterator[None]:
    """Let ``look`` be called again and again while this thread waits for a file.

    Parameters
    ----------
    look
        Gets the seconds since the wait began; may raise `temgrains.records.Cancelled` to end it.
    """
    token = _WATCH.set(look)
    try:
        yield
    finally:
        _WATCH.reset(token)


def watch() -> Callable[[float], None] | None:
    """Give what is to be called while this thread waits, None where nobody asked for it."""
    return _WATCH.get()


def interruptible(work: Callable[[], _T]) -> _T:
    """Do work that cannot be stopped, such as decoding; where it is watched, it can be left to itself.

    Raises
    ------
    Cancelled
        If the look asks for it. What was begun ends by itself, and its result is dropped: no decoder can be
        stopped in the middle.
    """
    look = watch()
    return work() if look is None else _aside(work, look)


def _aside(work: Callable[[], _T], look: Callable[[float], None]) -> _T:
    left = threading.Event()
    results: list[_T] = []
    errors: list[BaseException] = []

    def heed(_waited: float) -> None:
        if left.is_set():
            raise Cancelled

    def labour() -> None:
        # A process that this thread waits for in turn is ended when nobody waits for this thread any more.
        _WATCH.set(heed)
        try:
            results.append(work())
        except BaseException as error:  # of whatever kind, it belongs to the thread that waits
            errors.append(error)

    thread = threading.Thread(target=copy_context().run, args=(labour,), name="reading", daemon=True)
    began = time.monotonic()
    thread.start()
    try:
        while thread.is_alive():
            thread.join(LOOK_S)
            look(time.monotonic() - began)
    finally:
        left.set()
    if errors:
        raise errors[0]
    return results[0]
