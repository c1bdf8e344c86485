"""A view is seen and brought back without a loss, whatever its turn and size."""

from __future__ import annotations

import numpy as np
import pytest

from temgrains.edges import find_edges
from temgrains.records import EdgeMaps, Micrograph
from temgrains.sight import VIEWS, Sight, at_shape


@pytest.fixture
def edges(rng):
    return find_edges(Micrograph(rng.random((48, 80), np.float32)))


@pytest.mark.parametrize("number", range(8))
def test_a_state_comes_back_as_it_went(edges, rng, number):
    sight = Sight.of(edges, number)
    state = rng.integers(0, 256, (48, 80), np.uint8)
    seen = sight.see(state)
    assert seen.shape == sight.beside().shape[1:] == ((80, 48) if VIEWS[number][0] else (48, 80))
    back = sight.back(seen.astype(np.float32), (48, 80))
    assert np.array_equal(back, state)


def test_state_and_image_are_turned_alike(edges):
    for number in range(8):
        sight = Sight.of(edges, number)
        seen = sight.see(edges.grey)
        assert all(np.array_equal(seen, channel) for channel in sight.beside(seen)[[0, 4]])


@pytest.mark.parametrize("number", [0, 5])
def test_a_state_of_another_size_fits_the_view(edges, number):
    sight = Sight.of(edges, number)
    state = np.zeros((96, 160), np.uint8)
    state[:, 70:90] = 255
    seen = sight.see(state)
    assert seen.shape == sight.beside().shape[1:]
    back = sight.back(seen.astype(np.float32) / np.float32(255), (96, 160))
    assert back.shape == (96, 160)
    assert back.dtype == np.float32
    middle = at_shape((back * 255).astype(np.uint8), (96, 160))[:, 74:86]
    assert middle.min() > 250, "it comes back to its place"
    assert back[:, :64].max() < 0.02


def test_edges_without_grey_are_refused():
    with pytest.raises(ValueError, match="looks at the grey image too; find the edges with find_edges"):
        Sight.of(EdgeMaps(np.zeros((3, 16, 16), np.uint8)))
