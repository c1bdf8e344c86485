"""The dock "Grain sizes" and ``temgrains measure`` give the same numbers, bit for bit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from temgrains import pipeline
from temgrains.cli import app
from temgrains.corrections import trace, verbs
from temgrains.export import write_labels
from temgrains.gui.correct_link import corrections_of
from temgrains.gui.dock import TemGrainsWidget
from temgrains.micrograph import from_array
from temgrains.pipeline.project import Project, save_project
from temgrains.settings import GuessSettings, RefineSettings, Settings
from temgrains.statistics.labels import read_labels
from temgrains.synthesis import paper_recipe, synthesise
from tessellations import random_cells, with_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Window

SETTINGS = Settings(guess=GuessSettings(scale=1, device="cpu"), refine=RefineSettings(max_iterations=1))
WHERE_FROM = {"source", "calibration", "notes"}
"""A layer has a name and a scale, a file a path, a tag, and what is said of that."""


def measured(path: Path, out: Path, *options: Any) -> None:
    arguments = ["measure", path, "--out", out, "--formats", "csv,json", *options]
    done = CliRunner().invoke(app, [str(part) for part in arguments], prog_name="temgrains")
    assert done.exit_code == 0, done.output


def saved(window: Window, path: Path) -> bytes:
    """Save what the dock shows, and give the bytes of the file."""
    window.dock.sizes.save_to(path)
    window.settle()
    window.until(path.exists)
    return path.read_bytes()


def told(raw: bytes) -> dict[str, Any]:
    """Give what a JSON holds, without where it came from; Python reads back each float as it was."""
    return {key: value for key, value in json.loads(raw).items() if key not in WHERE_FROM}


def show(window: Window, layer: Any) -> Any:
    """Let the panel measure a layer to the end."""
    panel = window.dock.sizes
    panel.begin()
    panel._choose_layer(str(layer.unique_id))
    window.until(lambda: panel.found is not None and not panel.busy)
    return panel


def compare_screen(panel: Any, content: dict[str, Any]) -> None:
    """Compare what the pages show with what the command wrote."""
    distribution = content["distribution"]
    shown, fit, summary = panel.shown, distribution["lognormal"], distribution["summary"]
    for name in (
        "mu",
        "sample_sigma",
        "mean",
        "mean_low",
        "mean_high",
        "sigma_low",
        "sigma_high",
        "distance",
        "p",
    ):
        assert getattr(shown.fit, name) == fit[name], name
    for name in ("count", "mean", "mean_low", "mean_high", "deviation", "area_weighted_mean"):
        assert getattr(shown.summary, name) == summary[name], name
    assert list(shown.summary.percentiles) == summary["percentiles"]
    assert {str(g): share for g, share in shown.shares.items()} == distribution["area_share_by_g"]
    assert shown.largest.g == distribution["largest"]["g"]
    for found, expected in zip(panel.found.methods, content["methods"], strict=True):
        assert found.to_dict() == expected


@pytest.mark.parametrize("shape", [(210, 240)])
@pytest.mark.parametrize("pixel_size", [(0.72, 0.72), (1 / 3, 0.37)])
def test_a_map_of_labels(
    open_window: Callable[..., Window], shape: Any, pixel_size: Any, tmp_path: Path
) -> None:
    labels = with_lines(random_cells(shape, 18, 7)).labels
    labels[:40, 30:70] = 0  # ground of no grain
    write_labels(tmp_path / "film.labels.tif", _grains(labels), pixel_size=pixel_size)
    measured(tmp_path / "film.labels.tif", tmp_path / "cli", "--calibration-error", 2.5)
    taken = read_labels(tmp_path / "film.labels.tif")
    window = open_window(dock=TemGrainsWidget, image=False)
    layer = window.viewer.add_labels(labels.copy(), name="film", scale=taken.pixel_size, units=("nm", "nm"))
    panel = show(window, layer)
    panel.doubt.error.setValue(2.5)
    written = (tmp_path / "cli" / "film.sizes.json").read_bytes()
    assert told(saved(window, tmp_path / "film.sizes.json")) == told(written)
    assert saved(window, tmp_path / "film.sizes.csv") == (tmp_path / "cli" / "film.sizes.csv").read_bytes()
    compare_screen(panel, json.loads(written))


def test_a_section_that_is_unfolded(open_window: Callable[..., Window], tmp_path: Path) -> None:
    labels = with_lines(random_cells((160, 200), 12, 3)).labels
    write_labels(tmp_path / "a.tif", _grains(labels), pixel_size=(0.5, 0.5))
    measured(tmp_path / "a.tif", tmp_path / "cli", "--specimen", "section", "--unfold")
    window = open_window(dock=TemGrainsWidget, image=False)
    panel = show(window, window.viewer.add_labels(labels, scale=(0.5, 0.5), units=("nm", "nm")))
    panel.distribution.specimen.setCurrentIndex(1)
    panel.distribution.unfold.setChecked(True)
    written = told((tmp_path / "cli" / "a.sizes.json").read_bytes())
    assert told(saved(window, tmp_path / "a.sizes.json")) == written
    spheres = written["distribution"]["unfolded"]
    assert panel.shown.unfolded.mean == spheres["mean"]
    assert panel.shown.unfolded.shares.tolist() == spheres["shares"]


def test_a_corrected_project(open_window: Callable[..., Window], tmp_path: Path) -> None:
    sample = synthesise(paper_recipe(shape=(160, 192), mean_diameter_px=(20.0, 21.0)), seed=4, index=0)
    film = from_array(sample.image, pixel_size=(0.5, 0.5))
    analysis = pipeline.analyse(film, model="paper", settings=SETTINGS)
    graph = trace(analysis.boundaries.labels)
    erase = verbs.at_time(verbs.erase(analysis.boundaries.labels, graph.centre(0), reach_px=3), 5.0)
    path = tmp_path / "film.temgrains"
    save_project(path, Project(analysis, (erase,)))
    measured(path, tmp_path / "cli", "--members")
    window = open_window(dock=TemGrainsWidget, image=False)
    projects = corrections_of(window.desk).projects
    projects.open(path)
    window.until(lambda: not projects.work.busy and "film grains" in window.names())
    window.settle()
    panel = show(window, window.layer("film grains"))
    panel.views.measure()
    window.until(lambda: not panel.views.runner.busy)
    found, written = (
        told(raw)
        for raw in (
            saved(window, tmp_path / "film.sizes.json"),
            (tmp_path / "cli" / "film.sizes.json").read_bytes(),
        )
    )
    views, expected = (one["uncertainty"].pop("between_members") for one in (found, written))
    assert found == written
    # Networks round differently on another number of cores.
    np.testing.assert_allclose(views["mean_ecd_nm"], expected["mean_ecd_nm"], rtol=0.01)
    assert saved(window, tmp_path / "film.sizes.csv") == (tmp_path / "cli" / "film.sizes.csv").read_bytes()
    compare_screen(panel, written)


def _grains(labels: np.ndarray) -> Any:
    from temgrains.records import Grains  # noqa: PLC0415

    return Grains(labels, np.zeros(int(labels.max()), bool))
