"""Work that cannot be stopped can be left to itself by whoever waits for it."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import tifffile

from temgrains.micrograph import UnreadableImage, read, reading
from temgrains.micrograph.watching import interruptible, watched
from temgrains.records import Cancelled


def test_without_a_look_the_work_is_done_in_this_thread():
    assert interruptible(threading.get_ident) == threading.get_ident()


def test_a_look_hears_how_long_it_waits():
    heard = []
    with watched(heard.append):
        assert interruptible(lambda: time.sleep(0.3) or "done") == "done"
    assert len(heard) > 2
    assert heard == sorted(heard)


def test_an_error_of_the_work_is_one_of_the_caller():
    with watched(lambda _waited: None), pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 // 0)


def test_what_is_read_under_a_look_is_the_same(tmp_path, rng):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, rng.integers(0, 255, (20, 30), dtype=np.uint8))
    with watched(lambda _waited: None):
        found = read(path)
    np.testing.assert_array_equal(found.pixels, read(path).pixels)
    path.write_text("<html>")
    with watched(lambda _waited: None), pytest.raises(UnreadableImage, match="web page"):
        read(path)


@pytest.mark.parametrize("ending", ["tif", "png", "dm3", "dm4", "ser", "emi", "mrc", "emd"])
def test_a_file_of_any_format_is_given_up_at_once(ending, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_first_bytes", lambda _path: time.sleep(20))
    (tmp_path / f"a.{ending}").write_bytes(b"slow")

    def look(waited):
        if waited > 0.1:
            raise Cancelled

    start = time.monotonic()
    with watched(look), pytest.raises(Cancelled):
        read(tmp_path / f"a.{ending}")
    assert time.monotonic() - start < 10
