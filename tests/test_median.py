"""The median filter: SciPy's answer at every pixel, whatever the type, the size and the border."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from temgrains.median import median_filter, selection_networks

TYPES = (np.uint8, np.uint16, np.float32)


def drawn(shape, dtype, rng):
    high = 1 if dtype is np.float32 else np.iinfo(dtype).max
    return (rng.random(shape) * high).astype(dtype)


@pytest.mark.parametrize("mode", ["nearest", "reflect"])
@pytest.mark.parametrize("size", [1, 3, 5, 7, 9, 11, 31])
@pytest.mark.parametrize("dtype", TYPES)
def test_equals_scipy(dtype, size, mode, rng):
    image = drawn((37, 61), dtype, rng)
    found = median_filter(image, size, mode=mode)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, ndimage.median_filter(image, size=size, mode=mode))


@pytest.mark.parametrize("dtype", TYPES)
def test_equals_scipy_where_rows_are_longer_than_a_stretch(dtype, rng):
    for width in (1023, 1024, 1025, 2050):
        image = drawn((3, width), dtype, rng)
        np.testing.assert_array_equal(
            median_filter(image, 5), ndimage.median_filter(image, size=5, mode="nearest")
        )


@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)),
    st.sampled_from([3, 5, 7]),
    st.sampled_from(["nearest", "reflect"]),
)
def test_equals_scipy_on_images_smaller_than_the_window(image, size, mode):
    np.testing.assert_array_equal(
        median_filter(image, size, mode=mode), ndimage.median_filter(image, size=size, mode=mode)
    )


def test_a_lone_pixel_goes_and_a_step_stays():
    image = np.zeros((9, 12), np.uint8)
    image[:, 6:] = 200
    noisy = image.copy()
    noisy[4, 2], noisy[4, 9] = 255, 0
    np.testing.assert_array_equal(median_filter(noisy, 3), image)


@pytest.mark.parametrize("size", [3, 5])
def test_networks_find_the_median_of_zeros_and_ones(size, rng):
    """What a network does to every pattern of zeros and ones, it does to all numbers (the 0-1 principle)."""
    column, window, middle = selection_networks(size)
    if size == 3:
        values = np.array(list(itertools.product([0, 1], repeat=9)), np.int8).T
    else:  # 2 ** 25 patterns are too many; sorted columns leave 6 ** 5
        counts = np.array(list(itertools.product(range(6), repeat=5)))
        values = (np.arange(5)[:, None, None] < counts.T[None]).astype(np.int8).reshape(25, -1)
    expected = np.sort(values, axis=0)[size * size // 2]
    for j in range(size):
        run(column, values[j::size])
    run(window, values)
    np.testing.assert_array_equal(values[middle], expected)


def run(network, lanes):
    for a, b, needed in network:
        low, high = np.minimum(lanes[a], lanes[b]), np.maximum(lanes[a], lanes[b])
        if needed != 2:
            lanes[a] = low
        if needed != 1:
            lanes[b] = high


def test_networks_are_short():
    """A network of 113 comparators for 25 values is the usual one; sorted columns are shared by 5 windows."""
    column, window, _ = selection_networks(5)
    assert len(column) == 9
    assert len(window) <= 80


def test_the_image_is_left_as_it_was(rng):
    image = drawn((20, 20), np.uint8, rng)
    before = image.copy()
    image.flags.writeable = False
    for size in (1, 5):
        found = median_filter(image, size)
        found[:] = 0
    np.testing.assert_array_equal(image, before)


def test_an_image_in_the_other_byte_order(rng):
    image = drawn((20, 20), np.uint16, rng)
    swapped = image.astype(image.dtype.newbyteorder("S"))
    np.testing.assert_array_equal(median_filter(swapped, 5), median_filter(image, 5))
    np.testing.assert_array_equal(
        median_filter(image[::-1, ::2], 5), median_filter(image[::-1, ::2].copy(), 5)
    )


def test_an_image_without_pixels():
    assert median_filter(np.zeros((0, 5), np.uint8), 5).shape == (0, 5)


@pytest.mark.parametrize("size", [0, 2, 33, -3, 5.0])
def test_sizes_that_are_refused(size):
    with pytest.raises(ValueError, match=r"size is .*; it must be an odd whole number from 1 to 31"):
        median_filter(np.zeros((4, 4), np.uint8), size)


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4)), np.zeros(4, np.uint8), np.zeros((2, 2, 2), np.float32), np.zeros((4, 4), bool)],
)
def test_images_that_are_refused(image):
    with pytest.raises(ValueError, match="the median takes uint8, uint16 or float32"):
        median_filter(image, 3)


def test_modes_that_are_refused():
    with pytest.raises(ValueError, match="mode is 'wrap'; it must be nearest or reflect"):
        median_filter(np.zeros((4, 4), np.uint8), 3, mode="wrap")
