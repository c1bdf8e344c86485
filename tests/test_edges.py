"""Edges of drawings whose edges are known, then plain but slow definitions of the detectors, then laws."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage.io import imread
from skimage.transform import resize

from drawings import draw
from temgrains.edges import find_edges, stretch
from temgrains.median import median_filter
from temgrains.records import Cancelled, Micrograph
from temgrains.settings import EdgeSettings

SOBEL, LOG, CANNY = range(3)
SQRT2 = math.sqrt(2)
RAW = {"saturation": 0.0, "median_px": 1}


def maps(image, **settings):
    """The three maps as bool; 8-bit images that hold both 0 and 255 reach the detectors as they are."""
    image = np.asarray(image)
    pixels = (image / 255).astype(np.float32) if image.dtype == np.uint8 else image.astype(np.float32)
    return find_edges(Micrograph(pixels), settings=EdgeSettings(**(RAW | settings))).maps > 0


def grey(shape, rng, *, smooth=7):
    """A random image with edges, flat parts and ties, holding 0 and 255."""
    image = median_filter(rng.integers(0, 256, shape, dtype=np.uint8), smooth)
    image.flat[0], image.flat[-1] = 0, 255
    return image


def step(height=9, width=12, at=6):
    image = np.zeros((height, width), np.uint8)
    image[:, at:] = 255
    return image


def disk(side, radius):
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return np.where(np.hypot(y, x) <= radius, 255, 0).astype(np.uint8)


# ---- drawings


def test_step_is_one_line_in_each_map():
    found = maps(step())
    columns = [np.unique(np.nonzero(found[k])[1]).tolist() for k in range(3)]
    assert columns == [[6], [6], [5]]
    assert found[SOBEL, :, 6].all()
    assert found[LOG, 1:-1, 6].all()
    assert found[CANNY, 1:-1, 5].all()


def test_falling_step_is_marked_on_the_bright_side_by_log():
    found = maps(255 - step())
    assert np.unique(np.nonzero(found[LOG])[1]).tolist() == [5]


def test_outermost_pixels_are_neither_log_nor_canny_edges(rng):
    found = maps(grey((40, 30), rng))[[LOG, CANNY]]
    assert not found[:, [0, -1]].any()
    assert not found[:, :, [0, -1]].any()


def test_ramp_has_no_edges():
    assert not maps(np.tile(np.arange(0, 256, 5, dtype=np.uint8), (20, 1))).any()


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 3), (40, 50)])
def test_constant_image_has_no_edges(shape, level):
    assert not maps(np.full(shape, level), saturation=0.01, median_px=7).any()
    thresholds = {"sobel_threshold": 0.0, "log_threshold": 0.0, "canny_threshold": 0.0}
    assert not maps(np.full(shape, level), **thresholds).any()


@pytest.mark.parametrize("detector", range(3))
def test_disk_is_a_closed_ring(detector):
    ring = maps(disk(64, 20))[detector]
    y, x = np.nonzero(ring)
    distance = np.hypot(y - 31.5, x - 31.5)
    assert distance.min() > 18
    assert distance.max() < 22
    assert ndimage.binary_fill_holes(ring)[32, 32]
    assert np.count_nonzero(ring) < 2 * math.tau * 20


def test_dot_is_four_sobel_edges_around_it():
    image = np.zeros((31, 31), np.uint8)
    image[15, 15] = 255
    assert np.argwhere(maps(image)[SOBEL]).tolist() == [[14, 15], [15, 14], [15, 16], [16, 15]]


def test_dot_is_a_ring_where_the_laplacian_changes_its_sign():
    image = np.zeros((31, 31), np.uint8)
    image[15, 15] = 255
    # The Laplacian of a Gaussian is zero at a distance of √2 σ = 2.8 px.
    ring = """
        .###.
        #...#
        #...#
        #...#
        .###.
        """
    np.testing.assert_array_equal(maps(image)[LOG, 13:18, 13:18], draw(ring))
    assert np.count_nonzero(maps(image)[LOG]) == 12


def test_dot_is_smoothed_away_by_the_median():
    image = np.zeros((31, 31), np.uint8)
    image[15, 15] = 255
    assert not maps(image, median_px=3).any()


# ---- plain definitions


def slow_sobel(image, threshold=None):
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    gx = abs(ndimage.correlate(image.astype(int), kernel, mode="nearest"))
    gy = abs(ndimage.correlate(image.astype(int), kernel.T, mode="nearest"))
    square = gx**2 + gy**2
    limit = 4 * square.mean() if threshold is None else (threshold * 8 * 255) ** 2
    around = np.pad(square, 1, constant_values=-1)
    wide = (gx >= gy) & (around[1:-1, :-2] <= square) & (square > around[1:-1, 2:])
    high = (gy >= gx) & (around[:-2, 1:-1] <= square) & (square > around[2:, 1:-1])
    return (square > limit) & (wide | high)


def log_kernel(sigma):
    half = math.ceil(3 * sigma)
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    gauss = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    kernel = gauss / gauss.sum() * (x**2 + y**2 - 2 * sigma**2) / sigma**4
    return kernel - kernel.mean()


def slow_log(image, sigma=2.0, threshold=None):
    response = ndimage.correlate(image / 255, log_kernel(sigma), mode="nearest")
    response[abs(response) < 1e-12] = 0
    limit = 0.75 * abs(response).mean() if threshold is None else threshold
    found = np.zeros(image.shape, bool)
    for r in range(1, image.shape[0] - 1):
        for c in range(1, image.shape[1] - 1):
            here = response[r, c]
            for dr, dc in ((0, 1), (1, 0)):
                ahead, behind = response[r + dr, c + dc], response[r - dr, c - dc]
                if here < 0:
                    found[r, c] |= any(there > 0 and there - here > limit for there in (ahead, behind))
                elif here == 0:
                    found[r, c] |= ahead * behind < 0 and abs(ahead - behind) > 2 * limit
    return found


def canny_gradient(image, sigma):
    length = 8 * math.ceil(sigma)
    x = np.arange(length) - (length - 1) / 2
    gauss = np.exp(-(x**2) / (2 * sigma**2))
    slope = np.gradient(gauss / gauss.sum())
    slope /= slope[slope > 0].sum()

    def convolve(array, kernel, axis):
        return ndimage.correlate1d(array, kernel[::-1], axis=axis, mode="nearest", origin=-1)

    gx = convolve(convolve(image / 255, gauss / gauss.sum(), 0), slope, 1)
    gy = convolve(convolve(image / 255, gauss / gauss.sum(), 1), slope, 0)
    # Single precision makes ties of what is equal but for the rounding of double precision.
    return gx.astype(np.float32), gy.astype(np.float32)


def is_ridge(magnitude, gx, gy, r, c):
    """No neighbour in the gradient's direction, on the square through the eight around, is higher."""
    far = max(abs(gx), abs(gy))
    for sign in (1, -1):
        straight = magnitude[r + sign * int(gy / far), c + sign * int(gx / far)]
        diagonal = magnitude[r + sign * (1 if gy > 0 else -1), c + sign * (1 if gx > 0 else -1)]
        share = np.float64(min(abs(gx), abs(gy))) / far
        if abs(gx) == abs(gy):
            straight, share = diagonal, 0.0
        if magnitude[r, c] < straight * (1 - share) + (diagonal * share if share else 0.0):
            return False
    return True


def slow_canny(image, sigma=SQRT2, threshold=None):
    gx, gy = canny_gradient(image, sigma)
    magnitude = np.hypot(gx.astype(float), gy).astype(np.float32)
    magnitude /= magnitude.max() or 1
    if threshold is None:
        counts = np.bincount(np.floor(magnitude.ravel() * 63 + 0.5).astype(int), minlength=64)
        threshold = (np.argmax(counts.cumsum() > 0.7 * image.size) + 1) / 64
    ridge = np.zeros(image.shape, bool)
    for r, c in np.argwhere(magnitude[1:-1, 1:-1] > 0.4 * threshold) + 1:
        ridge[r, c] = is_ridge(magnitude.astype(float), gx[r, c], gy[r, c], r, c)
    pieces, _ = ndimage.label(ridge, np.ones((3, 3)))
    return ridge & np.isin(pieces, pieces[ridge & (magnitude > threshold)])


SHAPES = [(48, 40), (1, 1), (1, 40), (40, 1), (2, 2), (3, 3), (3, 20), (20, 5)]


def images(shape, rng):
    blocks = np.kron(rng.integers(0, 4, (9, 9), dtype=np.uint8) * 85, np.ones((9, 9), np.uint8))
    for image in (grey(shape, rng), grey(shape, rng, smooth=1), blocks[: shape[0], : shape[1]].copy()):
        image.flat[0], image.flat[-1] = 0, 255
        yield image


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_automatic_thresholds_are_as_defined(shape, rng):
    for image in images(shape, rng):
        if image.size == 1:
            image[:] = 0
        found = maps(image)
        np.testing.assert_array_equal(found[SOBEL], slow_sobel(image))
        np.testing.assert_array_equal(found[LOG], slow_log(image))
        np.testing.assert_array_equal(found[CANNY], slow_canny(image))


@pytest.mark.parametrize("sigma", [0.3, 1.0, 1.5, 4.3])
def test_sigmas_are_as_defined(sigma, rng):
    for image in images((30, 36), rng):
        found = maps(image, log_sigma_px=sigma, canny_sigma_px=sigma)
        np.testing.assert_array_equal(found[LOG], slow_log(image, sigma))
        np.testing.assert_array_equal(found[CANNY], slow_canny(image, sigma))


@pytest.mark.parametrize("threshold", [0.0, 0.003, 0.06, 0.2, 0.7, 1.0])
def test_thresholds_are_as_defined(threshold, rng):
    for image in images((30, 36), rng):
        found = maps(image, sobel_threshold=threshold, log_threshold=threshold, canny_threshold=threshold)
        np.testing.assert_array_equal(found[SOBEL], slow_sobel(image, threshold))
        np.testing.assert_array_equal(found[LOG], slow_log(image, threshold=threshold))
        np.testing.assert_array_equal(found[CANNY], slow_canny(image, threshold=threshold))


def test_published_example_has_the_same_sobel_edges(shared):
    """The oracle's LoG and Canny edges have other borders, kernels and ties than MATLAB's."""
    image = imread(shared / "data/saleh2025/TEM.png")[..., 0]
    small = resize(image.astype(float), (96, 496), order=3, anti_aliasing=True, preserve_range=True)
    pixels = ((small - small.min()) / np.ptp(small)).astype(np.float32)
    edges = np.load(shared / "data/saleh2025/oracle.npz")["edges_rgb"] > 0
    found = find_edges(Micrograph(pixels)).maps > 0
    np.testing.assert_array_equal(found[SOBEL], edges[SOBEL])
    near = ndimage.binary_dilation(edges[LOG], np.ones((3, 3)))
    assert near[found[LOG]].mean() > 0.98


# ---- settings


def test_sobel_threshold_is_the_gradient_of_a_step():
    image = np.repeat(np.array([[0, 100, 255]], np.uint8), 10, axis=1).repeat(8, axis=0)
    # A sharp step of height h has a gradient of h / 2: 0.196 and 0.304.
    for threshold, columns in ((0.19, [10, 20]), (0.2, [20]), (0.3, [20]), (0.31, [])):
        found = maps(image, sobel_threshold=threshold)[SOBEL]
        assert np.unique(np.nonzero(found)[1]).tolist() == columns


def test_weak_canny_edges_stay_where_they_lead_to_strong_ones():
    image = np.zeros((40, 80), np.uint8)
    image[:, 20:40] = np.linspace(255, 140, 40)[:, None]
    image[:, 60:] = 140
    found = maps(image, canny_threshold=0.8)[CANNY]
    assert found[1:-1, 19].all()
    assert not found[:, 50:].any()
    assert maps(image, canny_threshold=0.4)[CANNY, 1:-1, 59].all()


@pytest.mark.parametrize("detector", range(3))
def test_higher_threshold_gives_a_part_of_the_edges(detector, rng):
    image = grey((60, 60), rng)
    name = ("sobel_threshold", "log_threshold", "canny_threshold")[detector]
    found = [maps(image, **{name: t})[detector] for t in (0.0, 0.02, 0.1, 0.3, 0.9)]
    counts = [np.count_nonzero(edges) for edges in found]
    assert all((low | ~high).all() for low, high in itertools.pairwise(found))
    assert counts[0] > counts[-1] == 0 or detector == CANNY


def test_progress_counts_the_detectors_and_may_cancel():
    calls = []
    find_edges(Micrograph(np.eye(5, dtype=np.float32)), progress=lambda *call: calls.append(call))
    assert calls == [("edges", 1, 3), ("edges", 2, 3), ("edges", 3, 3)]

    def cancel(*_):
        raise Cancelled

    with pytest.raises(Cancelled):
        find_edges(Micrograph(np.eye(5, dtype=np.float32)), progress=cancel)


# ---- the stretch


def test_stretch_clips_a_share_at_each_end():
    pixels = (np.arange(100).reshape(10, 10) / 99).astype(np.float32)
    found = stretch(pixels, 0.1).ravel()
    assert found[:11].tolist() == [0] * 11
    assert found[89:].tolist() == [255] * 11
    assert found[50] == round(40 * 255 / 79)


@pytest.mark.parametrize("highest", range(1, 256))
def test_stretch_rounds_halves_of_8_bit_levels_up(highest):
    levels = np.arange(highest + 1)
    pixels = (levels / highest).astype(np.float32)[None]
    exact = (2 * 255 * levels + highest) // (2 * highest)
    np.testing.assert_array_equal(stretch(pixels, 0.0)[0], exact)


@pytest.mark.parametrize(("level", "expected"), [(0.0, 0), (0.5, 128), (1.0, 255)])
def test_stretch_leaves_a_constant_image_as_it_is(level, expected):
    assert (stretch(np.full((4, 5), level, np.float32), 0.01) == expected).all()


def test_stretch_only_scales_where_both_limits_are_one_grey():
    pixels = np.zeros((20, 20), np.float32)
    pixels[3, 4] = 1.0
    assert stretch(pixels, 0.01)[3, 4] == 255
    assert np.count_nonzero(stretch(pixels, 0.01)) == 1


# ---- laws


@given(gain=st.floats(0.1, 1.0), share=st.floats(0.0, 1.0))
def test_brightness_and_contrast_change_nothing(gain, share):
    image = grey((40, 50), np.random.default_rng(5)) / 255
    changed = gain * image + share * (1 - gain)
    settings = {"saturation": 0.01, "median_px": 7}
    np.testing.assert_array_equal(maps(changed, **settings), maps(image, **settings))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_transposed_image_has_transposed_edges(shape, rng):
    for image in images(shape, rng):
        np.testing.assert_array_equal(maps(image.T), maps(image).transpose(0, 2, 1))


@pytest.mark.parametrize("axis", [0, 1])
def test_flipped_image_has_flipped_log_edges(axis, rng):
    for image in images((40, 45), rng):
        np.testing.assert_array_equal(maps(np.flip(image, axis))[LOG], np.flip(maps(image)[LOG], axis))


@pytest.mark.parametrize("axis", [0, 1])
def test_flipped_image_has_flipped_sobel_edges_without_ties(axis, rng):
    image = grey((40, 45), rng, smooth=1)
    np.testing.assert_array_equal(maps(np.flip(image, axis))[SOBEL], np.flip(maps(image)[SOBEL], axis))


def test_flipped_step_is_marked_on_its_other_side_by_sobel():
    """A tie: not wanted, but what MATLAB does; here to notice a change."""
    flipped = maps(step()[:, ::-1])[SOBEL][:, ::-1]
    assert np.unique(np.nonzero(flipped)[1]).tolist() == [5]


@pytest.mark.parametrize("axis", [0, 1])
def test_flipped_image_has_canny_edges_one_pixel_off(axis, rng):
    image = np.pad(grey((40, 45), rng), 20)
    expected = np.roll(np.flip(maps(image)[CANNY], axis), -1, axis)
    np.testing.assert_array_equal(maps(np.flip(image, axis))[CANNY], expected)


def test_inverted_image_has_the_same_sobel_and_canny_edges(rng):
    image = grey((40, 45), rng)
    np.testing.assert_array_equal(maps(255 - image)[SOBEL], maps(image)[SOBEL])
    np.testing.assert_array_equal(maps(255 - image)[CANNY], maps(image)[CANNY])


@pytest.mark.parametrize("shape", [*SHAPES, (4, 700)], ids=str)
def test_maps_are_bytes_of_the_image_shape(shape, rng):
    found = find_edges(Micrograph(rng.random(shape, dtype=np.float32))).maps
    assert found.shape == (3, *shape)
    assert found.dtype == np.uint8
    assert set(np.unique(found)) <= {0, 255}


def test_memory_layout_changes_nothing(rng):
    pixels = rng.random((30, 20), dtype=np.float32)
    expected = find_edges(Micrograph(pixels)).maps
    turned = np.asfortranarray(pixels)[::-1, ::-1]
    for same in (np.asfortranarray(pixels), turned[::-1, ::-1], np.repeat(pixels, 2, axis=1)[:, ::2]):
        same.setflags(write=False)
        np.testing.assert_array_equal(find_edges(Micrograph(same)).maps, expected)


def test_image_is_left_as_it_was(rng):
    pixels = rng.random((30, 20), dtype=np.float32)
    before = pixels.copy()
    find_edges(Micrograph(pixels))
    np.testing.assert_array_equal(pixels, before)
