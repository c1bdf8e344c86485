"""Shapes bend, stretch and cut the cells; the truth follows from what they give."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import ndimage as ndi

from temgrains.synthesis import Recipe, real_recipe, synthesise
from temgrains.synthesis.geometry import Curved, Line, Stretched, interfaces, whole_grains

SQUARES = np.arange(1, 65, dtype=np.int32).reshape(8, 8).repeat(16, 0).repeat(16, 1)


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("shape", [Curved(), Stretched(), Line(image_share=1)])
def test_a_shape_gives_labels_that_its_generator_decides(shape):
    before = SQUARES.copy()
    made = shape(SQUARES, rng(3))
    assert made.shape == SQUARES.shape
    assert np.issubdtype(made.dtype, np.integer)
    assert np.array_equal(made, shape(SQUARES, rng(3)))
    assert not np.array_equal(made, shape(SQUARES, rng(4)))
    assert np.array_equal(SQUARES, before)


@pytest.mark.parametrize("shape", [Curved(bend_px=0), Stretched(aspect=1), Line(image_share=0)])
def test_a_shape_of_strength_nought_changes_nothing(shape):
    assert np.array_equal(shape(SQUARES, rng()), SQUARES)


@pytest.mark.parametrize(
    ("shape", "name", "value"),
    [
        (Curved, "bend_px", -1),
        (Curved, "scale_px", 1e9),
        (Stretched, "aspect", 0.5),
        (Line, "image_share", 2),
    ],
)
def test_settings_outside_their_range_are_refused(shape, name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}; it must be from"):
        shape(**{name: value})


def test_bent_boundaries_are_no_longer_straight():
    bent = [Curved(bend_px=8, scale_px=30)(SQUARES, rng(seed)) for seed in range(6)]
    straight = (np.diff(SQUARES, axis=1) != 0).any(0).sum()
    assert max((np.diff(labels, axis=1) != 0).any(0).sum() for labels in bent) > 5 * straight


def test_stretched_grains_are_longer_in_one_direction():
    ratios = []
    for seed in range(20):
        made = Stretched(aspect=4)(SQUARES, rng(seed))
        grain = np.argwhere(made == made[64, 64])
        ratios.append(np.sqrt(np.divide(*np.linalg.eigvalsh(np.cov(grain.T))[::-1])))
    assert 2 < max(ratios) < 4.5
    assert min(ratios) < 1.5


def test_beside_a_line_there_is_one_matrix_on_both_sides():
    made = Line(image_share=1)(SQUARES, rng(2))
    ends = (made, made.T)
    assert any(len(np.unique(np.stack([end[0], end[-1]]))) == 1 for end in ends)
    assert len(np.unique(made)) > 10


def test_interfaces_are_as_thick_as_asked_for_and_closed():
    truth = interfaces(SQUARES, thickness_px=4)
    assert truth[8].sum() == 7 * 4
    _, count = ndi.label(~truth)
    assert count == 64
    assert interfaces(SQUARES, thickness_px=1)[8].sum() == 7 * 2  # a pixel to each side, the least there is


def test_pieces_of_a_grain_that_was_cut_are_grains_of_their_own():
    cut = np.array([[1, 1, 2, 1], [1, 2, 2, 1]], np.int32)
    pieces = whole_grains(cut)
    assert len(np.unique(pieces)) == pieces.max() == 3


def test_a_shape_that_gives_another_size_is_named():
    recipe = Recipe(shape=(32, 32), shapes=(lambda labels, rng: labels[:5],))  # noqa: ARG005
    with pytest.raises(ValueError, match=r"shape 1, .*, gave shape \(5, 32\); it must give labels"):
        synthesise(recipe, seed=1)


def test_micrographs_of_the_default_recipe_have_a_closed_truth_and_differ():
    recipe = dataclasses.replace(real_recipe(), shape=(96, 96))
    samples = [synthesise(recipe, seed=5, index=index) for index in range(12)]
    for sample in samples:
        assert (sample.image.dtype, sample.image.shape) == (np.uint8, (96, 96))
        assert set(np.unique(sample.labels)) == set(range(1, sample.report["cells"] + 1))
        regions, _ = ndi.label(~sample.truth)
        joined = {tuple(np.unique(sample.labels[regions == k])) for k in np.unique(regions[regions > 0])}
        assert all(len(grains) == 1 for grains in joined)  # no way from one grain to another
    again = synthesise(recipe, seed=5, index=3)
    assert np.array_equal(again.image, samples[3].image)
    means = [float(sample.image.mean()) for sample in samples]
    assert np.ptp(means) > 40
