"""Compilation survives an installation where machine code cannot be kept."""

import logging

import numba
from numba.core import caching

from temgrains._compiled import compiled


def twice(x):
    return 2 * x


def test_a_kernel_is_compiled_and_kept():
    kernel = compiled(twice)
    assert isinstance(kernel, numba.core.dispatcher.Dispatcher)
    assert kernel(21) == 42
    assert kernel.stats.cache_path


def test_a_kernel_runs_where_there_is_no_place_for_the_cache(monkeypatch, caplog):
    def no_place(*_):
        raise RuntimeError("cannot cache function 'twice': no locator available for file 'twice.py'")

    monkeypatch.setattr(caching.FunctionCache, "__init__", no_place)
    with caplog.at_level(logging.INFO, logger="temgrains._compiled"):
        kernel = compiled(twice)
    assert kernel(21) == 42
    assert "twice is compiled without a cache: cannot cache" in caplog.text


def test_a_kernel_without_a_file_runs():
    """Numba itself finds no place for the machine code of what was not read from a file."""
    names = {}
    exec("def thrice(x):\n    return 3 * x\n", names)
    assert compiled(names["thrice"])(14) == 42
