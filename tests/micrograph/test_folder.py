"""Which files of a folder are micrographs, and in which order."""

from __future__ import annotations

import pytest

from temgrains import export
from temgrains.files import RESULT_MAPS
from temgrains.micrograph import UnreadableImage, images_in


def test_micrographs_by_their_numbers_without_results(tmp_path):
    names = ["b.dm4", "film10.tif", "Film9.TIF", "a.png", "scan_1.ser", "scan.emi", "alone_1.ser", "7.mrc"]
    for name in [*names, "film10.json", "notes.txt", *(f"film10.{ending}" for ending in RESULT_MAPS)]:
        (tmp_path / name).touch()
    (tmp_path / "folder.tif").mkdir()
    found = [path.name for path in images_in(tmp_path)]
    assert found == ["7.mrc", "a.png", "alone_1.ser", "b.dm4", "Film9.TIF", "film10.tif", "scan.emi"]


def test_folder_that_cannot_be_opened_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "film.tif").touch()
    (tmp_path / "loop").symlink_to("loop")
    for name, reason in [
        ("gone", "No such file"),
        ("film.tif", "Not a directory"),
        ("loop", "symbolic links"),
    ]:
        with pytest.raises(UnreadableImage, match=rf"{name}: it cannot be opened as a folder \(.*{reason}"):
            images_in(tmp_path / name)


def test_no_result_is_taken_for_a_micrograph():
    assert set(RESULT_MAPS) == {ending for ending in export.ENDINGS if ending.endswith(("png", "tif", "gif"))}
