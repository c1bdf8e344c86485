"""Analyses from their files again: all that was found, or one sentence that says why not."""

from __future__ import annotations

import dataclasses
import json
import os

import numpy as np
import pytest
import tifffile
import torch

from temgrains import export, pipeline
from temgrains.files import find_saved
from temgrains.micrograph import from_array
from temgrains.models import make_model
from temgrains.networks import PaperNet1, PaperNet2
from temgrains.pipeline.reloading import NotReloadable, reload
from temgrains.settings import BoundarySettings, GuessSettings, RefineSettings, Settings
from temgrains.synthesis import paper_recipe, synthesise


@pytest.fixture(scope="module")
def analysis():
    """Of a drawn film with a part that is left out, at another working scale."""
    rows, columns = np.indices((64, 96))
    pixels = (rows // 16 * 37 + columns // 16 * 91) % 200 + 20
    film = from_array(pixels, pixel_size=(0.5, 0.4), calibration="scale bar", notes=("a note",))
    film = dataclasses.replace(film, excluded=((40, 60, 60, 90),))
    torch.manual_seed(0)
    networks = make_model("random", PaperNet1(), PaperNet2(), criterion="paper")
    chosen = Settings(refine=RefineSettings(max_iterations=2), guess=GuessSettings(scale=0.5))
    return pipeline.analyse(film, model=networks, settings=chosen)


@pytest.fixture
def saved(analysis, tmp_path):
    export.write(analysis, tmp_path, "film")
    return tmp_path / "film.json"


def plain_film(analysis):
    """The micrograph as it comes from its file."""
    return dataclasses.replace(
        analysis.micrograph, pixel_size=None, calibration="unknown", excluded=(), notes=()
    )


def test_everything_comes_back(analysis, saved):
    again = reload(saved, plain_film(analysis))
    assert again.micrograph == dataclasses.replace(analysis.micrograph, pixels=again.micrograph.pixels)
    for name in ("mask", "labels", "excluded"):
        np.testing.assert_array_equal(getattr(again.boundaries, name), getattr(analysis.boundaries, name))
    assert again.boundaries.pruned_px == analysis.boundaries.pruned_px
    assert again.boundaries.completed_px == analysis.boundaries.completed_px
    np.testing.assert_array_equal(again.grains.on_border, analysis.grains.on_border)
    assert again.sizes.table.equals(analysis.sizes.table)
    np.testing.assert_array_equal(again.edges.maps, analysis.edges.maps)
    assert [(iterate.index, iterate.stopped) for iterate in again.iterates] == [
        (iterate.index, iterate.stopped) for iterate in analysis.iterates
    ]
    for one, other in zip(again.iterates, analysis.iterates, strict=True):
        np.testing.assert_array_equal(one.state, other.state)
        assert one.change == other.change or np.isnan([one.change, other.change]).all()
    assert again.provenance == json.loads(json.dumps(analysis.provenance))


def test_the_same_files_can_be_written_again(analysis, saved, tmp_path):
    (tmp_path / "again").mkdir()
    export.write(reload(saved, plain_film(analysis)), tmp_path / "again", "film")
    for ending in export.ENDINGS:
        assert (tmp_path / "again" / f"film.{ending}").read_bytes() == (
            tmp_path / f"film.{ending}"
        ).read_bytes(), ending


def test_saved_results_are_found_the_newest_first(saved, tmp_path):
    assert find_saved("film", [tmp_path / "nowhere", tmp_path]) == saved
    assert find_saved("other", [tmp_path]) is None
    other = tmp_path / "other"
    other.mkdir()
    for path in tmp_path.glob("film.*"):
        (other / path.name).write_bytes(path.read_bytes())
    os.utime(other / "film.json", (1, 1))
    assert find_saved("film", [other, tmp_path]) == saved
    (tmp_path / "film.labels.tif").unlink()
    assert find_saved("film", [other, tmp_path]) == other / "film.json"


def test_another_page_of_the_file_is_refused(analysis, saved):
    other = dataclasses.replace(plain_film(analysis), page=2, pages=3)
    with pytest.raises(NotReloadable, match=r"it is of page 1 of the file, this is page 3; choose that page"):
        reload(saved, other)


def test_another_image_is_refused(analysis, saved):
    with pytest.raises(NotReloadable, match=r"of an image of 64 x 96 px, this one has 20 x 20 px"):
        reload(saved, from_array(np.arange(400).reshape(20, 20)))


def changed(saved, **values):
    said = json.loads(saved.read_text(encoding="utf-8")) | values
    saved.write_text(json.dumps(said), encoding="utf-8")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"settings": {"edges": {"median_px": 4}}}, "edges.median_px is 4"),
        ({"settings": {"guess": {"scale": 1.0}}}, "its iterates are of another working scale"),
        ({"change": [0.1] * 50}, "it has no page"),
        ({"change": "abc"}, "could not convert"),
        ({"working_shape": [3, 3]}, "its iterates are not bytes of 3 x 3 px"),
        ({"excluded": []}, "its labels and boundaries do not belong together"),
        ({"excluded": [[1, 2]]}, "not enough values"),
        ({"pixel_size_nm": "x"}, "pixel_size is 'x'"),
        ({"pixel_size_nm": [0, 0.4]}, r"pixel_size is \[0, 0\.4\]"),
        ({"pixel_size_nm": [1e308, 0.4]}, "from 0.0001 to 1,000,000 nm"),
        ({"pixel_size_nm": [10**400, 0.4]}, r"pixel_size is \[1000"),
        ({"shape": [10**400, 96]}, "of an image of 10000000000000000000 x 96 px"),
        ({"settings": []}, "it is no result that can be reloaded"),
        ({"counts": {"grains": 999, "pruned_px": 0, "completed_px": 0}}, "it tells of 999 grains"),
        ({"counts": {"grains": 10**400, "pruned_px": 0, "completed_px": 0}}, "it tells of 1000"),
        ({"counts": None}, "it is no result that can be reloaded"),
    ],
)
def test_json_that_does_not_fit_is_refused(values, sentence, analysis, saved):
    changed(saved, **values)
    with pytest.raises(NotReloadable, match=sentence):
        reload(saved, plain_film(analysis))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "it is no result that can be reloaded"),
        ("[]", "it holds no table"),
        ('{"shape": 1, "shape": 2}', "a name occurs twice"),
        ('{"shape": NaN}', "NaN is no number"),
        ('{"shape": ' + "9" * 5000 + "}", "it is no result that can be reloaded"),
        ("[" * 100_000, "it is no result that can be reloaded"),
        ("{}", "'shape'"),
        ("\udcff", "it is no result that can be reloaded"),
    ],
)
def test_hostile_json_is_refused(text, sentence, analysis, saved):
    saved.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(NotReloadable, match=sentence):
        reload(saved, plain_film(analysis))


def test_endless_numbers_are_refused(analysis, saved):
    text = saved.read_text(encoding="utf-8")
    count = json.loads(text)["counts"]["pruned_px"]
    endless = text.replace(f'"pruned_px": {count}', '"pruned_px": 1e400')
    assert endless != text
    saved.write_text(endless, encoding="utf-8")
    with pytest.raises(NotReloadable, match="cannot convert float infinity"):
        reload(saved, plain_film(analysis))


def test_json_that_is_too_large_is_refused(analysis, saved, monkeypatch):
    monkeypatch.setattr("temgrains.pipeline.reloading._BYTES_MAX", 100)
    with pytest.raises(NotReloadable, match="larger than 0 MiB"):
        reload(saved, plain_film(analysis))


@pytest.mark.parametrize("ending", ["labels.tif", "boundaries.tif", "iterates.tif"])
def test_maps_that_are_missing_or_damaged_are_refused(ending, analysis, saved):
    path = saved.with_name(f"film.{ending}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(NotReloadable, match="it is no result that can be reloaded"):
        reload(saved, plain_film(analysis))
    path.unlink()
    with pytest.raises(NotReloadable, match=ending.replace(".", r"\.")):
        reload(saved, plain_film(analysis))


def test_labels_with_gaps_are_refused(analysis, saved):
    path = saved.with_name("film.labels.tif")
    labels = tifffile.imread(path)
    tifffile.imwrite(path, labels * 2, imagej=True)
    with pytest.raises(NotReloadable, match="number the grains from 1 without gaps"):
        reload(saved, plain_film(analysis))


def test_grains_that_were_left_out_stay_out(tmp_path):
    film = from_array(synthesise(paper_recipe(shape=(96, 160)), seed=6).image)
    sure = pipeline.analyse(film, model="paper").sizes.table["confidence"].median()
    unsure = Settings(boundaries=BoundarySettings(least_confidence=float(sure)))
    before = pipeline.analyse(film, model="paper", settings=unsure)
    pipeline.save(before, tmp_path, "film")
    after = reload(tmp_path / "film.json", film)
    assert before.boundaries.excluded.any()
    assert np.array_equal(after.boundaries.excluded, before.boundaries.excluded)


@pytest.mark.parametrize("name", ["counts", "change", "shape", "stopped"])
def test_json_that_lacks_an_entry_is_refused_by_its_name(name, analysis, saved):
    said = json.loads(saved.read_text())
    del said[name]
    saved.write_text(json.dumps(said))
    with pytest.raises(NotReloadable, match=f"it is no result that can be reloaded .it lacks '{name}'"):
        reload(saved, plain_film(analysis))


@pytest.mark.parametrize(
    ("values", "doubt"),
    [
        ({"model": None}, "it does not tell which model found its boundaries"),
        ({"model": {"confidence": [1]}}, "it does not tell which model found its boundaries"),
        ({"warnings": 7}, "its entry warnings is 7; what the file shows was put in its place"),
        ({"seconds": [1, 2]}, "its entry seconds is [1, 2]; what the file shows was put in its place"),
        ({"excluded_share": "much"}, "its entry excluded_share is 'much'"),
    ],
)
def test_an_entry_that_only_tells_is_put_right_and_doubted(values, doubt, analysis, saved):
    changed(saved, **values)
    again = reload(saved, plain_film(analysis))
    assert any(said.startswith(doubt) for said in again.provenance["warnings"])
    other = pipeline.with_pixel_size(again, (1.0, 1.0))
    assert other.provenance["excluded_share"] == pytest.approx(analysis.provenance["excluded_share"])
    assert isinstance(other.provenance["model"]["name"], str)
    assert pipeline.refined_of(again).iterates is again.iterates
