"""A data set is written whole or not at all, and the same whoever writes it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from PIL import Image

from temgrains.records import Cancelled
from temgrains.synthesis import paper_recipe, write_data_set

SMALL = paper_recipe(shape=(32, 48), mean_diameter_px=(12.0, 14.0))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def folder(tmp_path):
    """A folder that already holds something."""
    made = tmp_path / "there"
    made.mkdir()
    (made / "notes.txt").write_text("mine")
    (made / "synthesis-4.json").write_text("old")
    return made


def stop_after(done):
    def progress(stage, now, total):
        assert (stage, total) == ("images", 3)
        if now == done:
            raise Cancelled

    return progress


def test_a_missing_folder_and_a_filled_one_get_the_same_files(tmp_path, folder):
    series = write_data_set(SMALL, tmp_path / "new" / "deep", seed=4, count=2)
    assert write_data_set(SMALL, folder, seed=4, count=2, workers=2) == series
    new, there = contents(tmp_path / "new" / "deep"), contents(folder)
    assert there.pop("notes.txt") == b"mine"
    assert new == there
    assert len(new) == 2 * 4 + 1
    assert (series["count"], series["requested"]) == (2, SMALL.describe())


def test_progress_counts_the_images(tmp_path):
    heard = []
    write_data_set(SMALL, tmp_path / "new", seed=0, count=2, progress=lambda *note: heard.append(note))
    assert heard == [("images", 0, 2), ("images", 1, 2), ("images", 2, 2)]


@pytest.mark.parametrize("done", [0, 2, 3])
def test_a_series_that_is_stopped_leaves_nothing(tmp_path, folder, done):
    before = contents(folder)
    for place in (tmp_path / "new" / "deep", folder):
        with pytest.raises(Cancelled):
            write_data_set(SMALL, place, seed=4, count=3, progress=stop_after(done))
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_full_disk_is_said_in_one_sentence_and_nothing_is_left(tmp_path, monkeypatch):
    save, calls = Image.Image.save, []

    def full(image, path):
        calls.append(path)
        if len(calls) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        save(image, path)

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match=r"cannot write the data set to .*new: No space left on device; free"):
        write_data_set(SMALL, tmp_path / "new", seed=4, count=3)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_read_only_is_named(folder, monkeypatch):
    def refuse(path, *_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    before = contents(folder)
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(PermissionError, match=r"cannot write .*there: Permission denied; choose"):
        write_data_set(SMALL, folder, seed=4, count=3)
    assert contents(folder) == before


def test_a_file_is_no_folder(folder):
    with pytest.raises(
        NotADirectoryError, match=r"cannot write .*notes.txt: .* is a file; choose another folder, nothing"
    ):
        write_data_set(SMALL, folder / "notes.txt", seed=4, count=3)


def test_no_images_are_no_data_set(tmp_path):
    with pytest.raises(ValueError, match="count is 0; it must be at least 1 image"):
        write_data_set(SMALL, tmp_path, seed=4, count=0)
