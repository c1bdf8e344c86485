"""Projects in a batch: their corrections are done again."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import tifffile
from typer.testing import CliRunner

from analysed import made
from archived import rewritten
from temgrains import batch, pipeline
from temgrains.cli import app
from temgrains.corrections import trace, verbs
from temgrains.micrograph import from_array
from temgrains.pipeline.project import Project, save_project
from temgrains.settings import GuessSettings, RefineSettings, Settings
from temgrains.synthesis import paper_recipe, synthesise

FEW = Settings(guess=GuessSettings(scale=1, device="cpu"), refine=RefineSettings(max_iterations=1))


def test_a_project_and_a_damaged_one(tmp_path):
    image = synthesise(paper_recipe(shape=(96, 128), mean_diameter_px=(20.0, 21.0)), seed=4).image
    analysis = pipeline.analyse(from_array(image, pixel_size=(0.5, 0.5)), model="paper", settings=FEW)
    erase = verbs.erase(analysis.boundaries.labels, trace(analysis.boundaries.labels).centre(0), reach_px=3)
    project = Project(replace(analysis), (verbs.at_time(erase, 5.0),))
    save_project(tmp_path / "film.temgrains", project)
    (tmp_path / "bad.temgrains").write_bytes(b"PK")
    paths = [str(tmp_path / name) for name in ("bad.temgrains", "film.temgrains")]
    done = CliRunner().invoke(app, ["run", *paths, "--out", str(tmp_path / "out"), "--model", "paper"])
    assert done.exit_code == 1
    assert "bad.temgrains cannot be read as a project" in done.output
    labels = tifffile.imread(tmp_path / "out" / "film.labels.tif")
    assert np.array_equal(labels, project.corrected().boundaries.labels)
    assert labels.max() == analysis.grains.count - 1
    told = json.loads((tmp_path / "out" / "film.json").read_text(encoding="utf-8"))
    assert told["corrections"]["operations"] == 1


def described(entries, **changed):
    entries["project.json"] = json.dumps(json.loads(entries["project.json"]) | changed)


def test_projects_that_do_not_tell_how_they_were_made_are_done_with_a_note(tmp_path):
    changes = {
        "bare": {"provenance": {}},
        "wrong": {"provenance": {"warnings": 7, "stopped": [], "iterations": "few", "model": "paper"}},
        "none": {"provenance": "lost"},
        "size": {"pixel_size_nm": "0.5"},
        "good": {},
    }
    paths = [tmp_path / f"{name}.temgrains" for name in changes]
    for path, change in zip(paths, changes.values(), strict=True):
        save_project(path, Project(made()))
        rewritten(path, lambda entries, change=change: described(entries, **change))
    outcomes = batch.run(paths, out=tmp_path / "out", model="paper")
    assert [outcome.error is None for outcome in outcomes] == [True, True, False, False, True]
    assert "it does not tell which model found its boundaries" in outcomes[0].warnings
    assert "its entry warnings is 7; what the file shows was put in its place" in outcomes[1].warnings
    assert (
        outcomes[2].error == f"{paths[2]} cannot be read as a project: its provenance is no table but 'lost'"
    )
    assert outcomes[3].error.startswith(
        f"{paths[3]} cannot be read as a project: pixel_size is '0.5'; it must"
    )
    told = json.loads((tmp_path / "out" / "wrong.json").read_text(encoding="utf-8"))
    assert (told["iterations"], told["stopped"], told["model"]) == (2, None, {"name": "unknown"})
