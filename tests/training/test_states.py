"""What the refiner learns from: damages, noise with a latent structure, and the pool of states."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage as ndi

from temgrains.training.states import (
    DAMAGES,
    TAUGHT_PASSES,
    StatePool,
    closed_structure,
    damage,
    fade,
    gaps,
    latent_structure,
    noise,
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


def pure_noise(shape):
    return np.random.default_rng(3).integers(0, 256, shape, np.uint8)


def test_structure_follows_from_the_noise_alone():
    structure = latent_structure(pure_noise((96, 160)))
    assert np.array_equal(structure, latent_structure(pure_noise((96, 160))))
    assert set(np.unique(structure)) == {0, 255}


def test_structure_is_closed_and_its_grains_have_the_spacing():
    structure = latent_structure(pure_noise((192, 256)), spacing_px=40)
    _, count = ndi.label(structure == 0)
    assert 25 < np.sqrt(4 / np.pi * structure.size / count) < 55


def test_structure_of_a_closed_network_is_that_network():
    network = np.zeros((120, 160), np.uint8)
    network[:, 38:42] = network[58:62] = network[:, 118:122] = network[:, 78:82] = 255
    assert (latent_structure(network) != network).mean() < 0.01


def test_structure_completes_a_boundary_with_a_gap():
    network = np.zeros((120, 160), np.uint8)
    network[:, 38:42] = network[58:62] = network[:, 118:122] = network[:, 78:82] = 255
    broken = network.copy()
    broken[20:34, 78:82] = 0
    assert (latent_structure(broken) != network).mean() < 0.01


def test_a_state_shows_its_closed_lines_without_loose_ends():
    state = np.zeros((60, 90), np.uint8)
    state[:, 43:47] = 120
    state[30:33, :20] = 90  # a loose end
    shown = closed_structure(state)
    assert (shown[:, 44:46] == 255).all()
    assert np.array_equal(shown, shown[:, 89 - np.arange(90)])  # drawn in the middle, as the line is
    assert not shown[:, :40].any()
    assert shown.sum() / 255 == pytest.approx(4 * 60, rel=0.02)  # of the thickness asked for
    assert not closed_structure(np.zeros((60, 90), np.uint8)).any()


@pytest.fixture
def pool():
    truths = truth(batch=30)[:, 0].numpy()
    return StatePool((truths * 200).astype(np.uint8), truths, seed=2)


def test_states_and_targets_of_the_pool_are_in_range(pool):
    states, targets = pool.take(np.arange(30))
    assert states.shape == targets.shape == (30, 1, 48, 96)
    assert states.max() <= 255
    assert set(targets.unique().tolist()) == {0.0, 1.0}


def test_truth_teaches_the_first_pass_and_then_what_the_state_showed(pool):
    young = np.flatnonzero(~(pool._kinds == 2))
    for row in (70, 80, 20):
        targets = pool.take(young)[1]
        if (pool._ages[young] < TAUGHT_PASSES).all():
            assert targets[:, 0, :, 5].sum(-1).min() > 1  # the lines of the truth cross column 5
        else:
            assert not targets[..., :60].any()
            assert (targets[..., 71] == 1).all()  # where the line was at that pass
        line = torch.zeros(30, 1, 48, 96)
        line[..., row : row + 3] = 0.5
        ages = pool._ages.copy()
        pool.put_back(np.arange(30), line)
        young = young[pool._ages[young] > ages[young]]
    assert len(young) > 3


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
