"""The guided refiner's pool: what it is shown, what it is asked for, and a small real run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy import ndimage

pytest.importorskip("lightning")

from temgrains import models, pipeline
from temgrains.micrograph import from_array
from temgrains.synthesis import real_recipe, synthesise
from temgrains.training.guided import TAUGHT_PASSES, GuidedPool, decided
from temgrains.training.loop import train_net1, train_net2
from temgrains.training.settings import TrainSettings

RECIPE = real_recipe(shape=(64, 64), mean_diameter_px=(20.0, 24.0))
SETTINGS = TrainSettings(
    networks="default",
    count=40,
    epochs=2,
    batch=8,
    learning_rate=0.002,
    precision="32-true",
    devices="1",
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore:.*LeafSpec.*", "ignore:.*litlogger.*"
)


def pool_of(count: int = 40) -> tuple[GuidedPool, np.ndarray]:
    truth = np.zeros((count, 48, 48), np.uint8)
    truth[:, :, 22:26] = 1
    return GuidedPool(truth * np.uint8(200), truth, seed=3), truth


def test_the_guess_is_shown_unless_there_is_none():
    pool, _ = pool_of()
    seen, _ = pool.take(np.arange(40))
    guided = seen[:, 2].flatten(1).amin(1) == 255
    assert 0 < int(guided.sum()) < 40
    assert torch.all(seen[guided, 1].amax((1, 2)) == 200)
    assert torch.all(seen[~guided, 1:] == 0)


def test_the_truth_teaches_first_and_then_what_was_decided():
    pool, truth = pool_of()
    everyone = np.arange(40)
    seen, target = pool.take(everyone)
    began_as_guess = (seen[:, 0] == seen[:, 1]).flatten(1).all(1).numpy() & (
        seen[:, 2].amin((1, 2)) == 255
    ).numpy()
    assert began_as_guess.any()
    assert np.all((target[:, 0].numpy() > 0)[began_as_guess] == truth[began_as_guess])
    slanted = torch.zeros(40, 1, 48, 48)
    slanted[:, :, 10:14] = 1.0  # another line than the truth's
    for _ in range(TAUGHT_PASSES):
        pool.put_back(everyone, slanted)
    aged = pool._ages == TAUGHT_PASSES
    _, target = pool.take(everyone)
    held = aged & (pool._kinds < 3)
    assert held.any()
    assert np.all(target[held, 0, 11:13].numpy() > 0.9)
    assert np.all(target[held, 0, 30:].numpy() == 0)


def test_decided_closes_gaps_in_lines_of_even_thickness():
    state = np.zeros((60, 60), np.uint8)
    state[:, 28:31] = 180
    state[26:34] = 0
    lines = decided(state)
    assert ndimage.label(lines < 128)[1] == 2
    assert lines[30].sum() / 255 == pytest.approx(4, abs=0.5)
    assert not decided(np.zeros((20, 20), np.uint8)).any()


def test_a_default_model_is_trained_saved_and_used(tmp_path):
    train_net1(tmp_path, RECIPE, SETTINGS)
    path = train_net2(tmp_path, RECIPE, SETTINGS, name="small")
    model = models.verify(path)
    assert model.card["networks"] == {"net1": "GuessNet", "net2": "GuidedNet"}
    assert model.card["inputs"][-1] == "grey"
    image = synthesise(RECIPE, seed=5).image
    edges = pipeline.edges_of(from_array(image))
    grey = pipeline.guess_of(edges, model=model).grey
    assert grey.shape == (64, 64)
    with pytest.raises(ValueError, match="looks at the grey image too"):
        pipeline.guess_of(dataclasses.replace(edges, grey=None), model=model)


def test_fixed_norm_is_for_the_papers_networks():
    with pytest.raises(ValueError, match="fixed_norm is known for the paper's networks only"):
        dataclasses.replace(SETTINGS, start="paper", fixed_norm=True)


def test_unknown_networks_are_refused():
    with pytest.raises(ValueError, match="networks is 'both'; it must be paper or default"):
        dataclasses.replace(SETTINGS, networks="both")
