"""Small real runs: they learn, leave what they promise, and go on after a kill."""

from __future__ import annotations

import csv
import dataclasses
import math
import shutil

import numpy as np
import pytest
import torch

pytest.importorskip("lightning")

from temgrains import models
from temgrains.networks import GuessNet, SightedPair
from temgrains.synthesis import paper_recipe
from temgrains.training.loop import train_net1, train_net2
from temgrains.training.settings import TrainSettings
from temgrains.training.tasks import clipped_error

RECIPE = dataclasses.replace(paper_recipe(), shape=(32, 64), mean_diameter_px=(16.0, 20.0))
SETTINGS = TrainSettings(count=40, epochs=2, batch=8, learning_rate=0.01, precision="32-true", devices="1")

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore:.*LeafSpec.*", "ignore:.*litlogger.*"
)


def rows(folder):
    with (folder / "losses.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train_net1(folder, RECIPE, SETTINGS)
    return folder


def test_net1_learns_and_leaves_its_curves(run):
    losses = [float(r["train"]) for r in rows(run / "net1")]
    assert len(losses) == 2
    assert losses[1] < losses[0]
    assert (run / "net1" / "losses.png").stat().st_size > 1000


def test_a_run_goes_on_where_it_was_killed(tmp_path):
    train_net1(tmp_path, RECIPE, dataclasses.replace(SETTINGS, epochs=1))
    before = rows(tmp_path / "net1")
    (tmp_path / "net1" / ".temgrains-half.ckpt").write_bytes(b"half a checkpoint")
    train_net1(tmp_path, RECIPE, dataclasses.replace(SETTINGS, epochs=3))
    found = rows(tmp_path / "net1")
    assert [r["epoch"] for r in found] == ["0", "1", "2"]
    assert found[:1] == before


@pytest.mark.parametrize("own_states", [True, False])
def test_net2_makes_a_model_with_its_card(run, tmp_path, own_states):
    shutil.copytree(run, tmp_path / "run")
    settings = dataclasses.replace(SETTINGS, own_states=own_states)
    path = train_net2(tmp_path / "run", RECIPE, settings, name="small")
    model = models.verify(path)
    card = model.card["training"]
    assert model.name == "small"
    assert (card["seed"], card["count"], card["own_states"]) == (1, 40, own_states)
    assert card["recipe"]["sigma"] == 0.45
    assert 0 < card["net1_validation"] < 1
    assert 0 < card["net2_validation"] < 1
    assert ("change" in rows(tmp_path / "run" / "net2")[0]) == own_states


def test_net2_needs_net1(tmp_path):
    with pytest.raises(ValueError, match="holds no trained Net1; run 'temgrains train net1"):
        train_net2(tmp_path, RECIPE, SETTINGS)


def test_the_same_seed_gives_the_same_weights(run, tmp_path):
    train_net1(tmp_path, RECIPE, SETTINGS)
    first, second = (
        torch.load(f / "net1" / "best.ckpt", weights_only=True)["state_dict"] for f in (run, tmp_path)
    )
    assert all(torch.equal(first[k], second[k]) for k in first)


def test_fixed_normalisation_keeps_the_statistics_and_learns_the_rest(tmp_path):
    settings = dataclasses.replace(SETTINGS, epochs=1, learning_rate=1e-3, start="paper", fixed_norm=True)
    learnt = torch.load(train_net1(tmp_path, RECIPE, settings), weights_only=True)["state_dict"]
    for name, before in models.load("paper").net1.state_dict().items():
        kept = torch.equal(learnt[f"network.{name}"], before)
        assert kept == any(part in name for part in ("running_", "num_batches")), name


def test_a_run_starts_from_a_model_as_wide_as_that_is(tmp_path):
    start = models.make_model("narrow", GuessNet((8, 12, 16, 20)), SightedPair(), criterion="paper")
    path = str(models.save(start, tmp_path / "narrow.safetensors"))
    settings = dataclasses.replace(SETTINGS, networks="default", epochs=1, start=path)
    train_net1(tmp_path / "run", RECIPE, settings)
    made = models.load(train_net2(tmp_path / "run", RECIPE, settings))
    assert made.net1.widths == (8, 12, 16, 20)
    assert made.card["networks"]["net2"] == "GuidedNet"


def test_a_start_of_other_networks_is_refused(tmp_path):
    settings = dataclasses.replace(SETTINGS, start="default")
    with pytest.raises(ValueError, match="net1 of default is a GuessNet, but a PaperNet1 is to learn; start"):
        train_net1(tmp_path, RECIPE, settings)


def test_error_is_nought_where_clipping_makes_it_right():
    raw = torch.tensor([300.0, -20.0, 255.0, 0.0])
    target = torch.tensor([255.0, 0.0, 255.0, 0.0])
    assert clipped_error(raw, target, 255) == 0


def test_error_beyond_the_ceiling_still_pulls_back():
    raw = torch.tensor([300.0, -20.0], requires_grad=True)
    error = clipped_error(raw, torch.tensor([0.0, 255.0]), 255)
    error.backward()
    assert raw.grad[0] > 0
    assert raw.grad[1] < 0
    assert error.item() == pytest.approx(((300 / 255) ** 2 + (275 / 255) ** 2) / 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 3}, "count is 3; it must be a whole number from 20"),
        ({"epochs": 0}, "epochs is 0"),
        ({"fixed_norm": True}, "fixed_norm keeps the statistics of a model"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be above 0"),
        ({"learning_rate": math.nan}, "learning_rate is nan"),
        ({"precision": "8-bit"}, "precision is '8-bit'"),
        ({"devices": "many"}, "devices is 'many'"),
    ],
)
def test_settings_out_of_range_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        TrainSettings(**change)


def test_progress_reports_steps(tmp_path):
    seen = []
    train_net1(
        tmp_path, RECIPE, dataclasses.replace(SETTINGS, epochs=1), progress=lambda *step: seen.append(step)
    )
    assert seen[-1] == ("net1", 4, 4)
    assert ("pairs", 40, 40) in seen
    assert np.all([0 < done <= total for _, done, total in seen])
