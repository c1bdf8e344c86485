"""A disk that is full during any save: the old file stays, nothing half written does, one sentence says why.

The saves are made by a program for which the system takes no file of more than a few bytes.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from analysed import made
from temgrains import export, models
from temgrains.cli import app
from temgrains.corrections.journal import Journal
from temgrains.networks import PaperNet1, PaperNet2
from temgrains.pipeline.project import Project, open_project, save_project
from temgrains.synthesis import paper_recipe
from temgrains.synthesis.recipe_files import write_recipe

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE on Windows")

LIMITED = """
import json, resource, signal, sys
sys.path.insert(0, sys.argv[1])
from test_full_disk import SAVES
saves = {name: prepare() for name, prepare in SAVES.items()}
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
told = {}
for name, save in saves.items():
    try:
        told[name] = save()
    except OSError as error:
        told[name] = f"Error: {error}"
print(json.dumps(told))
"""

FILE = "cannot write {}: File too large; the file is as it was before"


def program(*arguments):
    """A command of the program, with all that it needs loaded; gives what it says and its exit code."""

    def prepared():
        from temgrains import batch, evaluation, pipeline, reports  # noqa: F401, PLC0415

        def run():
            done = CliRunner().invoke(app, list(arguments))
            return f"{done.stderr}exit code {done.exit_code}"

        return run

    return prepared


def saving_project():
    project = open_project("film.temgrains")
    return lambda: save_project("film.temgrains", project)


def saving_example():
    from temgrains.training.examples import TrainingSet, example_of  # noqa: PLC0415

    example = example_of(made((300, 400)), "film")
    return lambda: TrainingSet("set").add(example)


def saving_model():
    model = models.make_model("m", PaperNet1(), PaperNet2(), criterion="paper")
    return lambda: models.save(model, "model.safetensors")


def journalling():
    journal = Journal("film", folder=Path("journals"))
    return lambda: journal.begin(made((300, 400)).boundaries)


SAVES = {
    "project": saving_project,
    "example": saving_example,
    "model": saving_model,
    "recipe": lambda: lambda: write_recipe(paper_recipe(), "recipe.toml"),
    "journal": journalling,
    "run": program("run", "film.png", "--model", "paper", "--out", "out", "--set", "refine.max_iterations=1"),
    "run project": program("run", "film.temgrains", "--out", "out"),
    "measure": program("measure", "film.labels.tif", "--out", "out"),
    "score": program("score", "lines.tif", "lines.tif", "--json", "score.json"),
    "imagine": program("imagine", "--shape", "64x96", "--out", "out"),
    "synthesise": program("synthesise", "--count", "1", "--out", "series"),
    "evaluate": program("evaluate", "--count", "1", "--noises", "1", "--out", "out"),
    "teach add": program("teach", "add", "film.temgrains", "--set", "set"),
}

SAID = {
    "project": FILE.format("film.temgrains"),
    "example": "cannot write set/.*[.]example: File too large; the file is as it was before",
    "model": FILE.format("model.safetensors"),
    "recipe": FILE.format("recipe.toml"),
    "journal": "corrections cannot be journalled in journals/film.sqlite: .*; they are only in memory",
    "run": f"film.png: {FILE.format('out/film.overlay.png')}",
    "run project": f"film.temgrains: {FILE.format('out/film.overlay.png')}",
    "measure": f"film.labels.tif: {FILE.format('out/film.sizes.csv')}",
    "score": FILE.format("score.json"),
    "imagine": FILE.format("out/imagine-0.strip.png"),
    "synthesise": "cannot write the data set to series: File too large; choose another folder, nothing of it",
    "evaluate": FILE.format("out/micrographs.csv"),
    "teach add": "cannot write set/.*[.]example: File too large; the file is as it was before",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What is saved over, and what the commands read."""
    home = tmp_path_factory.mktemp("full")
    (home / "out").mkdir()
    analysis = made((300, 400))
    pixels = (255 * analysis.micrograph.pixels[:96, :128]).astype(np.uint8)
    Image.fromarray(pixels).save(home / "film.png")
    export.write_labels(home / "film.labels.tif", analysis.grains)
    export.write_boundaries(home / "lines.tif", analysis.boundaries)
    save_project(home / "film.temgrains", Project(analysis))
    olds = ("out/film.overlay.png", "out/film.sizes.csv", "out/imagine-0.strip.png", "out/micrographs.csv")
    for old in (*olds, "score.json", "recipe.toml", "model.safetensors"):
        (home / old).write_bytes(b"old")
    return home


def content(folder):
    """All that lies in a folder, without the journals, whose files are open."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "journals"]
    return {path: path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def told(folder):
    """What each save says on a full disk."""
    before = content(folder)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(Path(__file__).parent)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert content(folder) == before
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", SAVES)
def test_a_full_disk_is_said_in_a_sentence_and_costs_nothing(told, name):
    first, *_ = [line for line in told[name].splitlines() if line.startswith("Error: ")]
    assert re.match(f"Error: .*{SAID[name]}", first), first
    assert "Traceback" not in told[name]
    assert "exit code 0" not in told[name]


def test_a_journal_goes_on_after_a_disk_was_full(told, folder):
    journal = Journal("film", folder=folder / "journals")
    assert journal.notes == []
    journal.begin(made().boundaries)
    journal.close()
