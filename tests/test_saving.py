"""What a run saves holds the statistics of its grains, the same as those of its map of labels."""

from __future__ import annotations

import json

import pytest

from analysed import made
from temgrains import pipeline
from temgrains.statistics.labels import read_labels
from temgrains.statistics.report import describe


@pytest.mark.parametrize("pixel_size", [(0.5, 0.5), None])
def test_statistics_of_a_run_are_those_of_its_labels(tmp_path, pixel_size):
    paths = pipeline.save(made((80, 90), pixel_size=pixel_size), tmp_path, "film")
    assert len(paths) == 7
    saved = json.loads((tmp_path / "film.json").read_text(encoding="utf-8"))["statistics"]
    measured = describe(read_labels(tmp_path / "film.labels.tif")).content
    for key in ("grains", "grains_whole", "methods", "distribution", "network", "uncertainty"):
        assert saved[key] == measured[key], key
    assert saved["pixel_size_nm"] == (None if pixel_size is None else [0.5, 0.5])


def test_a_missing_folder_is_refused_before_there_is_work(tmp_path, monkeypatch):
    monkeypatch.setattr("temgrains.pipeline.saving.of_analysis", pytest.fail)
    with pytest.raises(FileNotFoundError, match=r"cannot write to .*nowhere: the folder does not exist"):
        pipeline.save(made(), tmp_path / "nowhere", "film")
