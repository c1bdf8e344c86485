"""Pairs do not depend on who makes them, and the split leaves nothing out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from temgrains.edges import find_edges
from temgrains.records import Cancelled, Micrograph
from temgrains.synthesis import paper_recipe, synthesise
from temgrains.training.pairs import cached_pairs, make_pairs, split

SMALL = dataclasses.replace(paper_recipe(), shape=(32, 60), mean_diameter_px=(14.0, 16.0))


def test_a_pair_is_the_edges_and_truth_of_its_micrograph():
    pairs = make_pairs(SMALL, seed=4, count=3)
    for k in range(3):
        sample = synthesise(SMALL, seed=4, index=k)
        edges = find_edges(Micrograph(sample.image.astype(np.float32) / 255))
        assert np.array_equal(pairs.edge_maps(np.array([k]))[0], edges.maps)
        assert np.array_equal(pairs.truths(np.array([k]))[0, 0], sample.truth)


def test_pairs_do_not_depend_on_the_number_of_workers():
    one, two = (make_pairs(SMALL, seed=4, count=4, workers=workers) for workers in (1, 2))
    assert np.array_equal(one.edges, two.edges)
    assert np.array_equal(one.truth, two.truth)


def test_kept_pairs_are_read_again(tmp_path):
    made = cached_pairs(tmp_path, SMALL, seed=4, count=2)

    def stop(*_):
        raise Cancelled

    read = cached_pairs(tmp_path, SMALL, seed=4, count=2, progress=stop)
    assert np.array_equal(read.edges, made.edges)
    assert read.width == 60
    with pytest.raises(Cancelled):
        cached_pairs(tmp_path, SMALL, seed=5, count=2, progress=stop)
    other = dataclasses.replace(SMALL, thickness_px=3.0)
    with pytest.raises(Cancelled):
        cached_pairs(tmp_path, other, seed=4, count=2, progress=stop)


@pytest.mark.parametrize("count", [20, 3000])
def test_split_is_85_to_7_5_to_7_5_and_whole(count):
    parts = split(count, seed=1)
    assert [len(p) for p in parts] == [
        round(0.85 * count),
        round(0.075 * count),
        count - round(0.85 * count) - round(0.075 * count),
    ]
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(count))
    assert np.array_equal(parts[0], split(count, seed=1)[0])
    assert not np.array_equal(parts[0], split(count, seed=2)[0])
