"""``temgrains measure PROJECT``: the corrected grains, their confidence, and how far the views differ."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from temgrains import export, pipeline
from temgrains.cli import app
from temgrains.corrections import trace, verbs
from temgrains.micrograph import from_array
from temgrains.pipeline.project import Project, save_project
from temgrains.settings import GuessSettings, RefineSettings, Settings
from temgrains.statistics.report import Choices, describe, of_analysis
from temgrains.synthesis import paper_recipe, synthesise

SETTINGS = Settings(guess=GuessSettings(scale=1, device="cpu"), refine=RefineSettings(max_iterations=1))


@pytest.fixture(scope="module")
def analysis():
    sample = synthesise(paper_recipe(shape=(160, 192), mean_diameter_px=(20.0, 21.0)), seed=4, index=0)
    film = from_array(sample.image, pixel_size=(0.5, 0.5))
    return pipeline.analyse(film, model="paper", settings=SETTINGS)


@pytest.fixture
def path(tmp_path, analysis):
    graph = trace(analysis.boundaries.labels)
    erase = verbs.at_time(verbs.erase(analysis.boundaries.labels, graph.centre(0), reach_px=3), 5.0)
    save_project(tmp_path / "film.temgrains", Project(analysis, (erase,)))
    return tmp_path / "film.temgrains"


def invoke(*arguments):
    return CliRunner().invoke(app, ["measure", *map(str, arguments)], prog_name="temgrains")


def content(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_project_is_measured_with_its_corrections(path, analysis, tmp_path):
    done = invoke(path, "--out", tmp_path / "out", "--formats", "csv,json,html")
    assert done.exit_code == 0, done.output
    found = content(tmp_path / "out" / "film.sizes.json")
    assert found["grains"] == analysis.grains.count - 1
    assert found["pixel_size_nm"] == [0.5, 0.5]
    table = pd.read_csv(tmp_path / "out" / "film.sizes.csv")
    assert table["confidence"].between(0, 1).all()
    assert "1 correction was made by hand" in (tmp_path / "out" / "film.report.html").read_text("utf-8")


def test_a_folder_of_projects_and_another_scale(path, tmp_path):
    done = invoke(path.parent, "--out", tmp_path / "out", "--nm-per-px", 2)
    assert done.exit_code == 0, done.output
    assert content(tmp_path / "out" / "film.sizes.json")["pixel_size_nm"] == [2, 2]


def test_the_views_of_the_model_differ_and_the_report_says_how_far(path, tmp_path):
    done = invoke(path, "--out", tmp_path / "out", "--members", "--formats", "json,html")
    assert done.exit_code == 0, done.output
    members = content(tmp_path / "out" / "film.sizes.json")["uncertainty"]["between_members"]
    means = members["mean_ecd_nm"]
    assert members["members"] == len(means) == 4
    assert members["standard_deviation_nm"] == pytest.approx(np.std(means, ddof=1))
    assert members["size_percent"] == pytest.approx(100 * np.std(means, ddof=1) / np.mean(means))
    assert "4 views" in (tmp_path / "out" / "film.report.html").read_text("utf-8")


def test_the_first_view_is_that_of_a_model_with_one(analysis):
    means = pipeline.member_means(analysis, model="paper")
    alone = pipeline.closed_guess(analysis, model="paper", settings=SETTINGS)
    whole = of_analysis(pipeline.with_boundaries(analysis, alone, ()), choices=Choices(replicates=0))
    assert means[0] == pytest.approx(whole.content["distribution"]["summary"]["mean"])
    assert len(set(means)) == 4


def test_without_members_it_is_said_that_nobody_looked(analysis):
    labelled = of_analysis(analysis, choices=Choices(replicates=0)).labelled
    for means in ((), (12.0,), (math.nan, 12.0)):
        found = describe(labelled, choices=Choices(replicates=0, member_means=means)).content
        assert found["uncertainty"]["between_members"]["note"].startswith("not measured")


def test_maps_know_no_members_and_damaged_projects_say_so(path, analysis, tmp_path):
    export.write_labels(tmp_path / "map.labels.tif", analysis.grains)
    done = invoke(tmp_path / "map.labels.tif", "--out", tmp_path / "out", "--members")
    assert done.exit_code == 1
    assert "--members needs a project" in " ".join(done.stderr.split())
    path.write_bytes(b"no project")
    done = invoke(path, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "cannot be read as a project" in " ".join(done.stderr.split())


def test_a_project_of_a_model_that_is_gone_says_so(analysis, tmp_path):
    card = {**analysis.provenance["model"], "name": "lost"}
    gone = replace(analysis, provenance={**analysis.provenance, "model": card})
    save_project(tmp_path / "film.temgrains", Project(gone))
    done = invoke(tmp_path / "film.temgrains", "--out", tmp_path / "out", "--members")
    assert done.exit_code == 1
    assert "lost" in done.stderr
