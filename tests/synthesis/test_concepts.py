"""Concepts draw what they say, each on its own."""

import numpy as np
import pytest

from temgrains.synthesis import FlippedOverlay, RandomGrey

LABELS = np.array([[1, 1, 2], [3, 2, 2]], np.int32)


def test_each_grain_gets_one_grey(rng):
    grey = RandomGrey()(np.zeros((2, 3), np.float32), LABELS, rng)
    assert grey.dtype == np.float32
    assert (grey[0, 0], grey[0, 2], grey[0, 2]) == (grey[0, 1], grey[1, 1], grey[1, 2])
    assert len(np.unique(grey)) == 3


def test_greys_are_whole_and_all_equally_likely(rng):
    labels = np.arange(1, 256_001, dtype=np.int32).reshape(256, 1000)
    grey = RandomGrey()(np.zeros(labels.shape, np.float32), labels, rng)
    counts = np.bincount(grey.astype(int).ravel(), minlength=256)
    assert np.array_equal(grey, np.rint(grey))
    assert len(counts) == 256
    # Chi-square of 255 degrees of freedom: 255 ± 5 · 22.6.
    assert ((counts - 1000) ** 2 / 1000).sum() == pytest.approx(255, abs=5 * 22.6)


def test_greys_stay_in_the_range_asked_for(rng):
    labels = np.arange(1, 5001, dtype=np.int32).reshape(50, 100)
    grey = RandomGrey(low=100, high=103)(np.zeros(labels.shape, np.float32), labels, rng)
    assert set(np.unique(grey)) == {100, 101, 102, 103}


@pytest.mark.parametrize(("low", "high"), [(-1, 5), (5, 4), (0, 256)])
def test_ranges_that_are_refused(low, high):
    with pytest.raises(ValueError, match=r"low..high is .*; it must rise and lie within 0..255"):
        RandomGrey(low=low, high=high)


def test_the_overlay_is_the_image_flipped_both_ways(rng):
    image = np.array([[0, 10, 20], [100, 150, 250]], np.float32)
    found = FlippedOverlay()(image, LABELS, rng)
    expected = [[0 + 25, 10 + 15, 20 + 10], [100 + 2, 150 + 1, 250 + 0]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_array_equal(image, [[0, 10, 20], [100, 150, 250]])


def test_the_overlay_is_clipped_at_white(rng):
    image = np.full((2, 3), 250, np.float32)
    assert (FlippedOverlay()(image, LABELS, rng) == 255).all()


def test_no_weight_no_overlay(rng):
    image = rng.random((2, 3), np.float32) * 255
    np.testing.assert_array_equal(FlippedOverlay(weight=0)(image, LABELS, rng), image)


@pytest.mark.parametrize("weight", [-0.1, 1.5, np.nan])
def test_weights_that_are_refused(weight):
    with pytest.raises(ValueError, match=r"weight is .*; it must be from 0 to 1"):
        FlippedOverlay(weight=weight)
