"""``temgrains teach``: a training set and a model from the shell."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from analysed import made
from temgrains import models
from temgrains.cli import app
from temgrains.corrections import trace, verbs
from temgrains.pipeline.project import Project, save_project
from temgrains.synthesis import paper_recipe, synthesise
from temgrains.training.examples import TrainingSet

RECIPE = paper_recipe(shape=(96, 160), mean_diameter_px=(24.0, 28.0))


def invoke(*arguments):
    return CliRunner().invoke(app, ["teach", *map(str, arguments)], prog_name="temgrains")


def works(*arguments):
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def fails(*arguments):
    result = invoke(*arguments)
    assert result.exit_code == 1, result.output
    assert len(result.stderr.strip().splitlines()) == 1
    return result.stderr


@pytest.fixture
def film(tmp_path):
    sample = synthesise(RECIPE, seed=5)
    Image.fromarray(sample.image).save(tmp_path / "film.png")
    Image.fromarray(sample.truth.astype(np.uint8) * 255).save(tmp_path / "truth.png")
    return tmp_path / "film.png", tmp_path / "truth.png"


def test_an_image_with_its_truth_is_added_listed_and_removed(film):
    assert works("list") == "the training set is empty\n"
    assert works("add", *film, "--scale", 1) == "film: added; 100 % of it looked at\n"
    (only,), _ = TrainingSet().list()
    assert works("list").split() == [
        "film",
        "96",
        "x",
        "160",
        "px",
        "100",
        "%",
        "looked",
        "at",
        only.digest[:8],
    ]
    found = TrainingSet().load(only.digest)
    truth = np.asarray(Image.open(film[1])) > 127
    assert found.boundaries.sum() < 0.5 * truth.sum()
    assert not (found.boundaries & ~truth).any()
    assert works("add", *film, "--scale", 1).startswith("film: took the place of the one that was there")
    assert works("remove", only.digest[:8]) == "film: removed\n"
    assert TrainingSet().list() == ([], [])


def test_what_was_looked_at_and_the_folder_can_be_named(film, tmp_path):
    mask = np.zeros((96, 160), np.uint8)
    mask[:, :40] = 255
    Image.fromarray(mask).save(tmp_path / "looked.png")
    said = works("add", *film, "--scale", 1, "--looked", tmp_path / "looked.png", "--set", tmp_path / "mine")
    assert said == "film: added; 25 % of it looked at\n"
    assert TrainingSet().list() == ([], [])
    (only,), _ = TrainingSet(tmp_path / "mine").list()
    assert np.array_equal(TrainingSet(tmp_path / "mine").load(only.digest).looked, mask > 0)


def test_the_working_scale_is_what_the_default_model_would_choose(film):
    works("add", *film)
    (only,), _ = TrainingSet().list()
    assert 0.1 <= only.scale <= 4


def test_a_project_is_added_with_its_corrections(tmp_path):
    analysis = made()
    provenance = {**analysis.provenance, "shape": [40, 60], "model": {"name": "drawn", "sha256": "00"}}
    graph = trace(analysis.boundaries.labels)
    erase = verbs.erase(analysis.boundaries.labels, graph.centre(0), reach_px=3)
    project = Project(replace(analysis, provenance=provenance), (erase,))
    save_project(tmp_path / "own.temgrains", project)
    assert works("add", tmp_path / "own.temgrains") == "own: added; 100 % of it looked at\n"
    (only,), _ = TrainingSet().list()
    found = TrainingSet().load(only.digest)
    assert np.array_equal(found.boundaries, project.corrected().boundaries.mask)
    assert found.about["corrections"]["by_verb"] == {"erase": 1}
    assert found.about["model"] == {"name": "drawn", "sha256": "00"}
    assert "leave out TRUTH and --scale" in fails("add", tmp_path / "own.temgrains", "--scale", 1)


def test_what_cannot_be_added_is_said_in_a_sentence(film, tmp_path):
    assert "film.png needs its TRUTH" in fails("add", film[0])
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "small.png")
    assert "boundaries of film is bool of shape (9, 9)" in fails(
        "add", film[0], tmp_path / "small.png", "--scale", 1
    )
    Image.fromarray(np.zeros((96, 160), np.uint8)).save(tmp_path / "none.png")
    assert "no part of film was looked at" in fails(
        "add", *film, "--scale", 1, "--looked", tmp_path / "none.png"
    )
    assert "no example 'film'" in fails("remove", "film")


def test_a_damaged_example_is_complained_of(home):
    (home / "training").mkdir()
    (home / "training" / "00.example").write_bytes(b"nothing")
    result = invoke("list")
    assert result.exit_code == 0
    assert "00.example is no example that can be read" in result.stderr


def test_without_examples_or_lightning_no_model_is_made(film, tmp_path, monkeypatch):
    pytest.importorskip("lightning")
    assert "there is no example to learn from" in fails("tune", "--out", tmp_path / "run")
    assert "name is 'a b'" in fails("tune", "--out", tmp_path / "run", "--name", "a b")
    works("add", *film, "--scale", 1)
    monkeypatch.setitem(sys.modules, "lightning", None)
    for module in ("tuning", "fit"):
        monkeypatch.delitem(sys.modules, f"temgrains.training.{module}", raising=False)
    monkeypatch.delattr("temgrains.training.tuning", raising=False)
    assert fails("tune", "--out", tmp_path / "run") == (
        "Error: fine-tuning needs Lightning: pip install '.[train]'\n"
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*LeafSpec.*", "ignore:.*litlogger.*")
def test_a_model_is_fine_tuned_and_compared(film, tmp_path):
    pytest.importorskip("lightning")
    works("add", *film, "--scale", 1)
    how = ("--epochs", 1, "--steps", 1, "--batch", 2, "--side", 64, "--synthetic", 18, "--tested", 1)
    assert "own_share is 1.5; it must be from 0.05 to 1" in fails("tune", "--out", "run", "--own-share", 1.5)
    said = works(
        "tune", "--out", tmp_path / "run", "--name", "mine", "--model", "paper", "--own-share", 0.75, *how
    )
    said = said.splitlines()
    assert said[0].split()[:2] == ["F1", "before"]
    assert said[1].startswith("held-out corrections")
    assert said[2].startswith("synthetic")
    assert "held-out" in said[3] or "held out" in said[3]
    path = tmp_path / "run" / "mine.safetensors"
    assert said[4] == f"{path}: fine-tuned; use it with --model {path}"
    told = models.verify(path).card["training"]
    assert told["start"]["name"] == "paper"
    assert told["own_share"] == 0.75
