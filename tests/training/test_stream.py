"""What a step shows depends on the seed and on its number, not on who draws it or where a run began."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from temgrains.synthesis import paper_recipe
from temgrains.training.pairs import make_pairs
from temgrains.training.stream import CHUNK, Stream, StreamSettings

SMALL = dataclasses.replace(paper_recipe(), shape=(32, 48), mean_diameter_px=(14.0, 16.0))
SETTINGS = StreamSettings(seed=3, steps=12, batch=8, views=2, kept=2 * CHUNK, grey=True)


def batches(stream, steps):
    return [stream[step] for step in steps]


def test_a_batch_is_micrographs_of_the_series_with_their_truth():
    stream = Stream(SMALL, SETTINGS)
    assert len(stream) == 12
    image, truth = stream[0]
    assert image.shape == (8, 4, 32, 48)
    assert truth.shape == (8, 1, 32, 48)
    series = make_pairs(SMALL, seed=3, count=2 * CHUNK, grey=True)
    known = series.inputs(np.arange(2 * CHUNK))
    for shown, lines in zip(image, truth, strict=True):
        (k,) = np.flatnonzero((known == shown).all(axis=(1, 2, 3)))
        assert np.array_equal(series.truths(np.array([k]))[0], lines)


@pytest.mark.parametrize("workers", [1, 2])
def test_later_steps_show_fresh_micrographs_for_any_number_of_workers(workers):
    stream = Stream(SMALL, dataclasses.replace(SETTINGS, workers=workers))
    found = batches(stream, range(9))
    stream.close()
    fresh = make_pairs(SMALL, seed=3, count=range(2 * CHUNK, 4 * CHUNK), grey=True)
    fresh_images = fresh.inputs(np.arange(2 * CHUNK))
    last = found[8][0]
    assert any((fresh_images == shown).all(axis=(1, 2, 3)).any() for shown in last), "the pool moves on"
    alone = Stream(SMALL, SETTINGS)[8]
    assert np.array_equal(alone[0], last), "a run that goes on is the run that was never stopped"
    assert np.array_equal(alone[1], found[8][1])


def test_another_seed_shows_others():
    one, other = (Stream(SMALL, dataclasses.replace(SETTINGS, seed=seed))[0][0] for seed in (3, 4))
    assert not np.array_equal(one, other)
