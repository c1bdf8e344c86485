"""Tiles to fine-tune on: where they are known, what is held out, and that they can be made again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from temgrains.records import EdgeMaps
from temgrains.synthesis import paper_recipe
from temgrains.training.examples import Example
from temgrains.training.pairs import make_pairs
from temgrains.training.settings import TuneSettings
from temgrains.training.tiles import MOST_HELD, HeldTiles, InOrder, Seen, TuneTiles, cut, hold_out, seen_of

SETTINGS = TuneSettings(epochs=2, steps=2, batch=4, side_px=32, synthetic=18)


def example(shape=(64, 96), looked=None, value=0.5):
    lines = np.zeros(shape, bool)
    lines[:, 40] = True
    looked = np.ones(shape, bool) if looked is None else looked
    return Example("film", np.full(shape, value, np.float32), lines, looked)


def seen(shape=(64, 96), learnt=slice(0, 48)):
    """Everything tells its place: the input is the row, the truth the column."""
    rows, columns = np.indices(shape).astype(np.uint8)
    where = np.zeros(shape, bool)
    where[:, learnt] = True
    return Seen(np.stack([rows] * 3), columns, where, ~where)


@pytest.fixture(scope="module")
def drawn():
    return make_pairs(paper_recipe(shape=(32, 32), mean_diameter_px=(14.0, 16.0)), seed=3, count=18)


def test_lines_are_as_thick_at_the_working_scale_as_the_networks_know_them():
    for scale in (0.5, 1.0, 2.0):
        shape = (round(64 * scale), round(96 * scale))
        edges = EdgeMaps(np.zeros((3, *shape), np.uint8))
        whole = np.ones((64, 96), bool)
        found = seen_of(edges, example().boundaries, (whole, ~whole), thickness_px=4.0)
        assert found.truth.shape == shape
        across = found.truth[shape[0] // 2].astype(float) / 255
        assert across.sum() == pytest.approx(4.0, abs=0.3)
        middle = (np.arange(shape[1]) * across).sum() / across.sum()
        assert middle == pytest.approx((40.5 * scale) - 0.5, abs=0.3)
        assert found.learnt.all()
        assert not found.held.any()


def test_an_example_without_boundaries_says_that_there_are_none():
    edges = EdgeMaps(np.zeros((3, 64, 96), np.uint8), np.zeros((64, 96), np.uint8))
    whole = np.ones((64, 96), bool)
    found = seen_of(edges, ~whole, (whole, ~whole), thickness_px=4.0)
    assert found.inputs.shape == (4, 64, 96)
    assert not found.truth.any()


def test_of_one_example_a_strip_is_held_out():
    looked = np.zeros((64, 96), bool)
    looked[:, :50] = True
    ends = set()
    for seed in range(8):
        ((learnt, held),) = hold_out([example(looked=looked)], share=0.2, seed=seed)
        assert np.array_equal(learnt | held, looked)
        assert not (learnt & held).any()
        assert held.sum() / looked.sum() == pytest.approx(0.2, abs=0.02)
        assert held.any(axis=1).all()
        ends.add(bool(held[0, 0]))
    assert ends == {True, False}


@pytest.mark.parametrize(("count", "held"), [(2, 1), (5, 1), (10, 2)])
def test_of_several_examples_whole_ones_are_held_out(count, held):
    examples = [example(value=k / 20) for k in range(count)]
    parts = hold_out(examples, share=0.2, seed=1)
    assert sum(part[1].all() for part in parts) == held
    assert sum(part[0].all() for part in parts) == count - held
    again = hold_out(examples, share=0.2, seed=1)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(parts, again, strict=True))


def test_tiles_hold_what_is_learnt_and_nothing_that_is_held_out(drawn):
    tiles = TuneTiles([seen()], drawn, np.arange(18), SETTINGS)
    assert len(tiles) == 16
    own = [tiles[k] for k in range(16) if k % 4 < 2]
    for inputs, truth, known in own:
        assert inputs.shape == (3, 32, 32)
        assert known.any()
        assert truth[known > 0].max() < 48
    assert len({inputs.tobytes() for inputs, _, _ in own}) == len(own)


@pytest.mark.parametrize(("share", "own"), [(0.05, 1), (0.3, 1), (0.5, 2), (0.8, 3), (1.0, 4)])
def test_of_each_step_a_share_shows_the_examples(drawn, share, own):
    tiles = TuneTiles([seen()], drawn, np.arange(18), replace(SETTINGS, own_share=share))
    # The truth of the example tells the column, that of a synthetic micrograph is 0 or 255.
    values = [len(np.unique(tiles[k][1])) for k in range(8)]
    assert [count > 2 for count in values] == [k % 4 < own for k in range(8)]


def test_all_parts_of_a_tile_are_turned_alike(drawn):
    for inputs, truth, _ in (TuneTiles([seen()], drawn, np.arange(18), SETTINGS)[k] for k in (0, 1, 4, 5, 8)):
        rows, columns = inputs[0].astype(int), truth[0].astype(int)
        assert {abs(np.diff(rows, axis=a)).max() + abs(np.diff(columns, axis=a)).max() for a in (0, 1)} == {1}


def test_a_tile_depends_on_seed_and_number_alone(drawn):
    one, other = (TuneTiles([seen()], drawn, np.arange(18), SETTINGS) for _ in range(2))
    for k in (15, 2, 9):
        assert all(np.array_equal(a, b) for a, b in zip(one[k], other[k], strict=True))


def test_synthetic_tiles_are_known_everywhere(drawn):
    _, truth, known = TuneTiles([seen()], drawn, np.arange(18), SETTINGS)[3]
    assert known.all()
    assert set(np.unique(truth)) == {0, 255}


def test_held_tiles_cover_what_is_held_out():
    tiles = HeldTiles([seen()], SETTINGS)
    assert sum(int(tiles[k][2].sum()) for k in range(len(tiles))) == 64 * 48
    many = HeldTiles([seen((640, 640), slice(0, 1))], SETTINGS)
    assert len(many) == MOST_HELD


def test_beyond_a_small_image_nothing_is_known():
    inputs, truth, known = cut(seen((20, 24), slice(0, 24)), (0, 0), 32)
    assert (inputs.shape, truth.shape) == ((3, 32, 32), (1, 32, 32))
    assert known.sum() == 20 * 24
    assert not known[0, 20:].any()


def test_an_epoch_goes_through_its_own_tiles():
    order = InOrder(3)
    order.set_epoch(2)
    assert (list(order), len(order)) == ([6, 7, 8], 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps is 0; it must be a whole number from 1"),
        ({"batch": 1}, "batch is 1; it must be a whole number from 2"),
        ({"side_px": 100}, "side_px is 100; it must be a multiple of 16 from 32 to 2048"),
        ({"own_share": 0.0}, "own_share is 0.0; it must be from 0.05 to 1"),
        ({"held_out": 0.9}, "held_out is 0.9; it must be from 0.05 to 0.5"),
        ({"epochs": 0}, "epochs is 0"),
        ({"name": "a/b"}, "name is 'a/b'; use letters, digits"),
    ],
)
def test_settings_out_of_range_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        TuneSettings(**change)
