"""What must hold for every closed network, whatever the grey state was."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given, settings
from scipy import ndimage
from skimage.measure import label
from skimage.morphology import disk, skeletonize

from drawings import network, rough_state
from temgrains.boundaries import _close_gaps, close
from temgrains.settings import BoundarySettings

PLAIN = BoundarySettings(closing_radius_px=0, min_grain_px=2)


def state_of(mask):
    return np.asarray(mask) * np.uint8(255)


def check_network(result):
    """What the record promises, for whatever was closed."""
    mask, labels = result.mask, result.labels
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, labels == 0)
    np.testing.assert_array_equal(label(~mask, connectivity=1), labels)  # 4-connected, no leaks, no gaps
    assert labels.max() >= 1
    sides, around = neighbours(labels, diagonal=False), neighbours(labels, diagonal=True)
    count = distinct(sides)[mask]
    assert not (count == 1).any()  # taking a pixel away always joins two grains ...
    assert (sides.max(axis=0)[mask] == 0)[count == 0].all()  # ... or opens a hole inside a crossing
    assert (distinct(around)[mask] >= 2).all()


def neighbours(labels, *, diagonal):
    padded = np.pad(labels, 1)
    height, width = labels.shape
    steps = [
        (r, c) for r in range(3) for c in range(3) if (r, c) != (1, 1) and (diagonal or r == 1 or c == 1)
    ]
    return np.stack([padded[r : r + height, c : c + width] for r, c in steps])


def distinct(stack):
    """How many different grains each pixel has in a stack of its neighbours."""
    ordered = np.sort(stack, axis=0)
    return (ordered[0] > 0) + ((ordered[1:] != ordered[:-1]) & (ordered[1:] > 0)).sum(axis=0)


STATES = {
    "seed": st.integers(0, 2**32 - 1),
    "shape": st.tuples(st.integers(1, 60), st.integers(1, 60)),
    "sigma": st.sampled_from([0.0, 0.6, 1.2, 2.5]),
    "threshold": st.sampled_from([0.0, 0.2, 0.5, 0.8]),
    "radius": st.integers(0, 3),
    "smallest": st.sampled_from([0, 2, 20]),
}


@settings(max_examples=150)
@given(**STATES)
def test_network_is_closed_and_one_pixel_wide(seed, shape, sigma, threshold, radius, smallest):
    chosen = BoundarySettings(threshold=threshold, closing_radius_px=radius, min_grain_px=smallest)
    state = rough_state(shape, sigma, np.random.default_rng(seed))
    before = state.copy()
    result = close(state, settings=chosen)
    check_network(result)
    np.testing.assert_array_equal(state, before)
    if result.labels.max() > 1:
        assert np.bincount(result.labels.ravel())[1:].min() >= smallest
    np.testing.assert_array_equal(close(state, settings=chosen).labels, result.labels)


@settings(max_examples=60)
@given(**STATES)
def test_closing_a_closed_network_changes_nothing(seed, shape, sigma, threshold, radius, smallest):
    chosen = BoundarySettings(threshold=threshold, closing_radius_px=radius, min_grain_px=smallest)
    first = close(rough_state(shape, sigma, np.random.default_rng(seed)), settings=chosen)
    again = close(state_of(first.mask), settings=PLAIN)
    np.testing.assert_array_equal(again.labels, first.labels)
    assert again.completed_px == 0


@settings(max_examples=60)
@given(**STATES)
def test_lines_lie_only_where_the_map_or_the_closing_has_boundary_or_a_small_grain(
    seed, shape, sigma, threshold, radius, smallest
):
    chosen = BoundarySettings(threshold=threshold, closing_radius_px=radius, min_grain_px=smallest)
    state = rough_state(shape, sigma, np.random.default_rng(seed))
    result = close(state, settings=chosen)
    regions = label(~_close_gaps(state > threshold * 255, radius), connectivity=1)
    seeds = np.bincount(regions.ravel()) >= max(smallest, 2)
    seeds[0] = False
    assume(seeds.any())
    assert not result.mask[seeds[regions]].any()
    assert result.labels.max() == seeds.sum()


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(30, 90),
    width=st.integers(30, 90),
    count=st.integers(2, 20),
    thickness=st.integers(1, 3),
)
def test_thinning_a_network_takes_nothing_away(seed, height, width, count, thickness):
    """The lines are a skeleton already: skeletonize finds no pixel to remove in a structure of grains."""
    truth = ndimage.binary_dilation(
        network((height, width), count, np.random.default_rng(seed)), disk(thickness)
    )
    mask = close(state_of(truth)).mask
    np.testing.assert_array_equal(skeletonize(mask), mask)


@settings(max_examples=60)
@given(**STATES)
def test_number_of_grains_is_the_same_seen_from_any_side(seed, shape, sigma, threshold, radius, smallest):
    chosen = BoundarySettings(threshold=threshold, closing_radius_px=radius, min_grain_px=smallest)
    state = rough_state(shape, sigma, np.random.default_rng(seed))
    counts = {
        close(turned, settings=chosen).labels.max()
        for turned in (state, state[::-1], state[:, ::-1], state.T)
    }
    assert len(counts) == 1


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    radius=st.integers(0, 9),
    density=st.floats(0, 1),
)
def test_closing_equals_scipys(seed, shape, radius, density):
    mask = np.random.default_rng(seed).random(shape) < density
    grown = ndimage.binary_dilation(mask, disk(radius))
    expected = ndimage.binary_erosion(grown, disk(radius), border_value=1)
    np.testing.assert_array_equal(_close_gaps(mask, radius), expected)


def test_final_state_of_the_published_networks_is_closed(shared):
    path = shared / "data" / "saleh2025" / "oracle.npz"
    if not path.exists():
        pytest.skip("the published networks' states are not here")
    check_network(close(np.load(path)["states"][-1]))
