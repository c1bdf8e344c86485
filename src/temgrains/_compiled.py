"""Compilation of the numeric kernels."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

Kernel = TypeVar("Kernel", bound="Callable[..., Any]")


def compiled(kernel: Kernel) -> Kernel:
    """Compile a kernel at its first call, and keep the machine code on disk where that is possible.

    Notes
    -----
    A read-only installation without a writable home directory has no place for the cache; the kernel is then
    compiled anew in each process, which costs seconds but changes no result.
    """
    try:
        return cast("Kernel", numba.njit(cache=True, nogil=True)(kernel))
    except RuntimeError as error:  # numba: "cannot cache function ...: no locator available for file ..."
        _log.info("kernel %s is compiled without a cache: %s", getattr(kernel, "__name__", kernel), error)
        return cast("Kernel", numba.njit(nogil=True)(kernel))
