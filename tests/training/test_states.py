"""What the refiner learns from: damages, noise with a latent structure, and the pool of states."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage as ndi

from temgrains.training.states import (
    DAMAGES,
    StatePool,
    damage,
    fade,
    gaps,
    noise,
    noise_and_structure,
    stray_lines,
)


def truth(batch=4, shape=(48, 96)):
    lines = np.zeros((batch, 1, *shape), np.uint8)
    lines[..., 20:23, :] = 1
    lines[..., :, 50:53] = 1
    return torch.from_numpy(lines)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_gaps_only_take_away():
    state = truth().float() * 255
    spoilt = gaps(state, generator())
    assert (spoilt <= state).all()
    assert spoilt.sum() < state.sum()


def test_stray_lines_only_add():
    state = truth().float() * 255
    spoilt = stray_lines(state, generator())
    assert (spoilt >= state).all()
    assert spoilt.sum() > state.sum()


def test_fading_keeps_where_the_boundaries_are():
    state = truth().float() * 255
    faded = fade(state, generator())
    assert (faded[state == 0] < 255 / 2).all()
    assert faded[state > 0].mean() > 3 * faded[state == 0].mean()


def test_noise_reaches_from_none_to_nothing_else():
    state = truth(batch=200).float() * 255
    likeness = [
        np.corrcoef(a.flatten(), b.flatten())[0, 1]
        for a, b in zip(noise(state, generator()), state, strict=True)
    ]
    assert max(likeness) > 0.95
    assert min(likeness) < 0.1


@pytest.mark.parametrize("spoil", [*DAMAGES, damage], ids=lambda f: f.__name__)
def test_damages_repeat_with_their_seed(spoil):
    state = truth().float() * (255 if spoil is not damage else 1)
    assert torch.equal(spoil(state, generator(7)), spoil(state, generator(7)))
    assert not torch.equal(spoil(state, generator(7)), spoil(state, generator(8)))


def test_damaged_states_are_grey_levels():
    states = damage(truth(batch=20), generator())
    assert torch.equal(states, states.round())
    assert states.min() >= 0
    assert states.max() <= 255


def test_structure_follows_from_the_noise_alone():
    grey, structure = noise_and_structure((96, 160), np.random.default_rng(3))
    again, same = noise_and_structure((96, 160), np.random.default_rng(3))
    assert np.array_equal(grey, again)
    assert np.array_equal(structure, same)
    assert 100 < grey.mean() < 155
    assert grey.min() == 0
    assert grey.max() == 255


def test_structure_is_closed_and_its_grains_have_the_spacing():
    _, structure = noise_and_structure((192, 256), np.random.default_rng(3), spacing_px=30)
    regions, count = ndi.label(~structure)
    assert count > 20
    diameter = np.sqrt(4 / np.pi * structure.size / count)
    assert 30 < diameter < 55
    assert len(np.unique(regions)) == count + 1


@pytest.fixture
def pool():
    truths = truth(batch=30)[:, 0].numpy()
    pairs = [noise_and_structure((48, 96), np.random.default_rng(1))]
    return StatePool((truths * 200).astype(np.uint8), truths, pairs, seed=2)


def test_states_and_targets_of_the_pool_are_in_range(pool):
    states, targets = pool.take(np.arange(30))
    assert states.shape == targets.shape == (30, 1, 48, 96)
    assert states.max() <= 255
    assert set(targets.unique().tolist()) == {0.0, 1.0}


def test_successors_become_the_new_states(pool):
    which = np.arange(30)
    marks = torch.full((30, 1, 48, 96), 77 / 255)
    pool.put_back(which, marks)
    kept = sum(bool((pool.take(which)[0][k] == 77).all()) for k in which)
    assert 15 <= kept < 30  # the rest began anew


def test_no_state_grows_older_than_forty_passes(pool):
    which = np.arange(30)
    marks = torch.full((30, 1, 48, 96), 77 / 255)
    for _ in range(200):
        pool.put_back(which, marks)
        assert pool._ages.max() < 40
