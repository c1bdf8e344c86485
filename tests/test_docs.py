"""The documentation names only what exists, and its commands and Python run as they stand there."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import tifffile
import typer
from typer.testing import CliRunner

from temgrains import pipeline
from temgrains.cli import app
from temgrains.micrograph import from_array
from temgrains.synthesis import paper_recipe, synthesise

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
NAME = re.compile(r"`(temgrains(?:\.\w+)+)(?:\(.*?\))?`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
SHELL = re.compile(r"^    (temgrains .*)$", re.M)
PYTHON = re.compile(r"```python\n(.*?)```", re.S)
PROMPT = re.compile(r"```pycon\n(.*?)```", re.S)


def resolve(name: str) -> object:
    """The module, class or function of a dotted name."""
    parts = name.split(".")
    found: object = importlib.import_module(parts[0])
    for i, part in enumerate(parts[1:], start=2):
        try:
            found = importlib.import_module(".".join(parts[:i]))
        except ModuleNotFoundError:
            found = getattr(found, part)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_in_the_documentation_exist(page: Path):
    for name in sorted(set(NAME.findall(page.read_text(encoding="utf-8")))):
        if name.split(".")[1] in {"gui", "training"}:
            pytest.importorskip("napari" if ".gui" in name else "lightning", reason=f"{name} needs an extra")
        resolve(name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_in_the_documentation_lead_somewhere(page: Path):
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


def test_every_page_is_in_the_navigation_and_every_entry_is_a_page():
    listed = re.findall(r": ([\w/-]+\.md)$", (REPOSITORY / ".mkdocs.yml").read_text(encoding="utf-8"), re.M)
    docs = REPOSITORY / "docs"
    assert sorted(listed) == sorted(page.relative_to(docs).as_posix() for page in docs.rglob("*.md"))


TEXTS = [page.read_text(encoding="utf-8").replace("\\\n", " ") for page in PAGES]
COMMANDS = sorted({line for text in TEXTS for line in SHELL.findall(text)})


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_of_the_documentation_are_taken(line: str):
    words = shlex.split(line.partition(" > ")[0])[1:]
    command = typer.main.get_command(app)
    while isinstance(command, typer.core.TyperGroup):
        command = command.commands[words.pop(0)]
    assert command.make_context("temgrains", words).command is command  # it refuses what is no option


@pytest.fixture
def film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path):
    """A folder with the files that the documentation speaks of."""
    monkeypatch.chdir(tmp_path)
    image = synthesise(paper_recipe(shape=(128, 160), mean_diameter_px=(24.0, 26.0)), seed=4).image
    tifffile.imwrite("film.tif", image)
    np.save("film.npy", image)
    Path("notes.txt").write_text("no image")
    return image


@pytest.mark.filterwarnings("default")  # such as a poor guess: the film is another one than the reader's
@pytest.mark.parametrize("name", ["README", "quickstart", "python", "edges", "corrections", "synthesis"])
def test_the_python_of_a_page_runs_from_top_to_bottom(name: str, film: np.ndarray):
    (page,) = [page for page in PAGES if page.stem == name]
    blocks = PYTHON.findall(page.read_text(encoding="utf-8"))
    assert blocks
    known: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(page), "exec"), known)


@pytest.mark.filterwarnings("default")
def test_the_statistics_of_the_documentation_run(film: np.ndarray):
    known = {"analysis": pipeline.analyse(from_array(film, pixel_size=0.72), model="paper")}
    blocks = PROMPT.findall((REPOSITORY / "docs" / "statistics.md").read_text(encoding="utf-8"))
    assert blocks
    for block in blocks:
        exec("\n".join(line[4:] for line in block.splitlines() if line.startswith((">>> ", "... "))), known)
    assert Path("film.report.html").stat().st_size > 10_000


def test_the_commands_of_the_quick_start_do_what_it_says(film: np.ndarray):
    lines = SHELL.findall((REPOSITORY / "docs" / "quickstart.md").read_text(encoding="utf-8"))
    assert len(lines) == 2
    for line in lines:
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert done.exit_code == 0, done.output
    assert Path("results/film.overlay.png").exists()
    assert Path("statistics/pooled.json").exists()
