"""Fine-tuning: what is unknown teaches nothing, a stopped run goes on as if it never was, nothing is lost."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

pytest.importorskip("lightning")

from temgrains import models
from temgrains.networks import GuessNet, GuidedNet
from temgrains.records import Cancelled, silent
from temgrains.synthesis import paper_recipe, real_recipe
from temgrains.training.settings import TuneSettings
from temgrains.training.tasks import known_error
from temgrains.training.tiles import Seen
from temgrains.training.tuning import curves_of, tune_net1

SETTINGS = TuneSettings(
    epochs=2, steps=2, batch=2, side_px=64, synthetic=18, learning_rate=2e-3, precision="32-true"
)
RECIPE = real_recipe(shape=(64, 64), mean_diameter_px=(20.0, 24.0))

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore:.*LeafSpec.*", "ignore:.*litlogger.*"
)


@pytest.fixture(scope="module")
def base():
    torch.manual_seed(4)
    return models.make_model("base", GuessNet(), GuidedNet(), criterion="paper")


def own(channels=4):
    """A step in grey at column 40 that is a boundary; below row 96 nobody looked, and the truth is wrong."""
    rows, columns = np.indices((128, 128))
    inputs = np.repeat(np.where(columns < 40, 80, 160).astype(np.uint8)[None], channels, axis=0)
    truth = np.where((abs(columns - 40) < 2) ^ (rows >= 96), 255, 0).astype(np.uint8)
    return Seen(inputs, truth, rows < 64, (rows >= 64) & (rows < 96))


def weights(network):
    return copy.deepcopy(network.state_dict())


@pytest.mark.parametrize("part", ["default", "paper"])
def test_what_is_unknown_changes_neither_error_nor_gradients(base, part):
    network = copy.deepcopy(base.net1 if part == "default" else models.load("paper").net1).eval()
    rng = np.random.default_rng(1)
    image = torch.from_numpy(rng.integers(0, 256, (2, network.channels, 64, 64)).astype(np.uint8))
    truth = torch.from_numpy(rng.choice(np.array([0, 255], np.uint8), (2, 1, 64, 64)))
    known = torch.zeros(2, 1, 64, 64, dtype=torch.uint8)
    known[:, :, 8:40] = 1
    found = []
    for change in (torch.zeros_like(truth), (1 - known) * 255):
        network.zero_grad()
        error = known_error(network, image, truth ^ change, known)
        error.backward()
        found.append([error.detach(), *(p.grad.clone() for p in network.parameters() if p.grad is not None)])
    assert len(found[0]) > 10
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
    network.zero_grad()
    known_error(network, image, truth ^ (known * 255), known).backward()
    assert not torch.equal(next(network.parameters()).grad, found[0][1])


def test_where_nothing_is_known_there_is_no_error(base):
    image, nothing = (
        torch.zeros(1, 4, 64, 64, dtype=torch.uint8),
        torch.zeros(1, 1, 64, 64, dtype=torch.uint8),
    )
    assert known_error(base.net1, image, nothing, nothing) == 0


@pytest.fixture(scope="module")
def whole(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    network = tune_net1(base, [own()], recipe=RECIPE, out=folder, settings=SETTINGS, progress=silent)
    return folder, weights(network)


def test_the_model_stays_as_it_is_and_the_new_network_is_another(base, whole):
    torch.manual_seed(4)
    before = GuessNet().state_dict()
    assert all(torch.equal(before[k], v) for k, v in base.net1.state_dict().items())
    changed = {k for k, v in whole[1].items() if not torch.equal(v, before[k])}
    assert changed
    # Statistics of the batch normalisation are those of the model.
    assert not any(part in name for name in changed for part in ("running_", "num_batches"))


def test_a_run_that_was_stopped_ends_as_one_that_was_not(base, whole, tmp_path):
    def stop(stage, done, total):
        assert total == (4 if stage == "tune" else 20)
        if (stage, done) == ("tune", 3):
            raise Cancelled

    with pytest.raises(Cancelled):
        tune_net1(base, [own()], recipe=RECIPE, out=tmp_path, settings=SETTINGS, progress=stop)
    assert [row["epoch"] for row in curves_of(tmp_path)] == ["0"]
    torch.manual_seed(99)
    found = tune_net1(base, [own()], recipe=RECIPE, out=tmp_path, settings=SETTINGS, progress=silent)
    assert all(torch.equal(v, whole[1][k]) for k, v in found.state_dict().items())
    assert curves_of(tmp_path) == curves_of(whole[0])


def test_the_curves_tell_of_held_out_corrections_and_of_synthetic_micrographs(whole):
    rows = curves_of(whole[0])
    assert [int(row["epoch"]) for row in rows] == [0, 1]
    assert all(0 < float(row[name]) < 2 for row in rows for name in ("train", "validation", "synthetic"))
    assert (whole[0] / "tune" / "losses.png").stat().st_size > 1000
    assert curves_of(whole[0] / "none") == []


def test_it_learns_what_the_corrections_say(base, tmp_path):
    more = TuneSettings(**{**{k: getattr(SETTINGS, k) for k in SETTINGS.__slots__}, "epochs": 6, "steps": 4})
    tune_net1(base, [own()], recipe=RECIPE, out=tmp_path, settings=more, progress=silent)
    held = [float(row["validation"]) for row in curves_of(tmp_path)]
    assert held[-1] < 0.8 * held[0]


def test_the_papers_network_learns_too(tmp_path):
    recipe = paper_recipe(shape=(64, 64), mean_diameter_px=(20.0, 24.0))
    paper = models.load("paper")
    before = weights(paper.net1)
    found = tune_net1(paper, [own(3)], recipe=recipe, out=tmp_path, settings=SETTINGS, progress=silent)
    assert not torch.equal(found.head.weight, before["head.weight"])
    assert torch.equal(paper.net1.head.weight, before["head.weight"])
