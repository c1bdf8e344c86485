"""Circles: all that are drawn are kept, and packing parts them."""

import math

import numpy as np
import pytest

from temgrains.synthesis.packing import (
    Packing,
    PackingSettings,
    _near_pairs,
    _overlap,
    _relax,
    draw_diameters,
    pack,
)

SHAPE = (96, 496)
AREA = float(math.prod(SHAPE))


def areas(diameters):
    return math.pi / 4 * diameters**2


# --- drawing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0, 0.2, 0.45, 1, 2])
@pytest.mark.parametrize("median", [4, 20, 60])
def test_circles_are_drawn_until_they_reach_the_area_and_all_are_kept(sigma, median, rng):
    drawn = areas(draw_diameters(AREA, median_px=median, sigma=sigma, rng=rng))
    assert drawn.sum() >= AREA
    assert drawn[:-1].sum() < AREA


def test_the_drawn_circles_are_the_first_of_the_stream():
    """Nothing is sorted, cut or drawn again: the set is what one generator gives first."""
    drawn = draw_diameters(AREA, median_px=9, sigma=0.45, rng=np.random.default_rng(3))
    stream = 9 * np.exp(0.45 * np.random.default_rng(3).standard_normal(5000))
    np.testing.assert_allclose(drawn, stream[: len(drawn)], rtol=1e-15)


def test_diameters_are_lognormal(rng):
    drawn = np.log(draw_diameters(4e6, median_px=20, sigma=0.45, rng=rng))
    assert len(drawn) > 5000
    assert drawn.mean() == pytest.approx(math.log(20), abs=5 * 0.45 / math.sqrt(len(drawn)))
    assert drawn.std() == pytest.approx(0.45, rel=5 / math.sqrt(2 * len(drawn)))


def test_without_spread_all_are_equal(rng):
    drawn = draw_diameters(AREA, median_px=20, sigma=0, rng=rng)
    assert (drawn == 20).all()
    assert len(drawn) == math.ceil(AREA / (math.pi * 100))


def test_one_circle_may_be_larger_than_the_image(rng):
    assert len(draw_diameters(100.0, median_px=50, sigma=0.1, rng=rng)) == 1


@pytest.mark.parametrize("area", [0, -1.0, math.nan, math.inf])
def test_areas_that_are_refused(area, rng):
    with pytest.raises(ValueError, match=r"area is .*; it must be positive and finite"):
        draw_diameters(area, median_px=5, sigma=0.45, rng=rng)


def test_medians_that_are_refused(rng):
    with pytest.raises(ValueError, match="median_px is 0; it must be positive and finite"):
        draw_diameters(100, median_px=0, sigma=0.45, rng=rng)


@pytest.mark.parametrize("sigma", [-0.1, 2.1, math.nan])
def test_spreads_that_are_refused(sigma, rng):
    with pytest.raises(ValueError, match=r"sigma is .*; it must be from 0 to 2"):
        draw_diameters(100, median_px=5, sigma=sigma, rng=rng)


# --- overlap ----------------------------------------------------------------------------------------------


def test_overlap_is_the_depth_over_the_radii():
    circles = np.array([[0, 0, 3], [0, 4, 2], [0, 20, 1], [3, 4, 1.5]])
    # Depths: 5 - 4 = 1 for the first two, 3.5 - 3 = 0.5 for the second and the last, none for 5 > 4.5.
    assert _overlap(circles) == pytest.approx(1.5 / 7.5)


@pytest.mark.parametrize("count", [1, 2, 40, 400])
@pytest.mark.parametrize("skin", [0.0, 3.0])
def test_near_pairs_are_all_there_are(count, skin, rng):
    circles = np.column_stack([rng.random((count, 2)) * SHAPE, rng.exponential(6, count)])
    found = {tuple(sorted(pair)) for pair in _near_pairs(circles, skin).tolist()}
    apart = np.linalg.norm(circles[:, None, :2] - circles[None, :, :2], axis=-1)
    near = apart < circles[:, None, 2] + circles[None, :, 2] + skin
    assert found == set(map(tuple, np.argwhere(np.triu(near, 1)).tolist()))
    assert len(_near_pairs(circles, skin)) == len(found)


# --- packing ----------------------------------------------------------------------------------------------


def packed(*, seed=0, mean=30.0, **settings):
    rng = np.random.default_rng(seed)
    radii = draw_diameters(AREA, median_px=mean, sigma=0.45, rng=rng) / 2
    return radii, pack(radii, SHAPE, rng=rng, settings=PackingSettings(**settings))


@pytest.mark.parametrize("mean", [12.0, 30.0, 60.0])
def test_packing_parts_circles_and_keeps_them_in_the_image(mean):
    radii, packing = packed(mean=mean)
    assert packing.centres.shape == (len(radii), 2)
    assert packing.overlap_after < 0.25 * packing.overlap_before
    assert (packing.centres >= -0.5).all()
    assert (packing.centres <= np.array(SHAPE) - 0.5).all()


def test_the_reported_overlap_is_that_of_the_centres():
    radii, packing = packed()
    assert packing.overlap_after == pytest.approx(_overlap(np.column_stack([packing.centres, radii])))


def test_without_steps_circles_stay_where_they_fell():
    _, packing = packed(steps=0)
    assert packing.overlap_after == packing.overlap_before


def test_same_generator_same_centres():
    (_, a), (_, b), (_, c) = packed(seed=4), packed(seed=4), packed(seed=5)
    assert a.centres.tobytes() == b.centres.tobytes()
    assert a.centres.tobytes() != c.centres[: len(a.centres)].tobytes()


def test_the_wall_trades_gaps_for_overlap():
    overlaps = [packed(wall=wall)[1].overlap_after for wall in (0.0, 0.5, 1.0)]
    assert overlaps == sorted(overlaps)
    radii, packing = packed(wall=0.0)
    outside = (packing.centres[:, 0] < radii) | (packing.centres[:, 0] > SHAPE[0] - radii)
    assert outside.mean() > 0.3


def relaxed_by_hand(circles, high, steps, stiffness, wall):
    """The relaxation without lists: every pair in every step."""
    circles = circles.copy()
    low = np.full(2, -0.5)
    radii = circles[:, 2]
    for _ in range(steps):
        towards = circles[None, :, :2] - circles[:, None, :2]
        apart = np.linalg.norm(towards, axis=-1)
        np.fill_diagonal(apart, np.inf)
        reach = radii[:, None] + radii
        depth = np.maximum(reach - apart, 0) * radii[None] / reach
        push = -(stiffness * depth / apart)[..., None] * towards
        push = push.sum(axis=1)
        keep = wall * radii[:, None]
        push += stiffness * np.maximum(low + keep - circles[:, :2], 0)
        push -= stiffness * np.maximum(circles[:, :2] + keep - high, 0)
        circles[:, :2] = np.clip(circles[:, :2] + push, low, high)
    return circles


def test_lists_and_cells_change_nothing(rng):
    circles = np.column_stack([rng.random((60, 2)) * SHAPE, rng.uniform(8, 25, 60)])
    high = np.array(SHAPE) - 0.5
    expected = relaxed_by_hand(circles, high, 30, 0.4, 0.5)
    _relax(circles, (np.full(2, -0.5), high), 30, (0.4, 0.0, 0.5), np.uint64(1))
    np.testing.assert_allclose(circles, expected, atol=1e-6)


def test_centres_that_coincide_part():
    circles = np.array([[50.0, 50, 10]] * 3)
    high = np.array([99.5, 99.5])
    _relax(circles, (np.full(2, -0.5), high), 300, (0.4, 0.0, 0.0), np.uint64(7))
    assert _overlap(circles) < 1e-3


def test_two_circles_touch_and_the_smaller_moves_farther():
    circles = np.array([[50.0, 40, 20], [50, 50, 5]])
    high = np.array([99.5, 99.5])
    _relax(circles, (np.full(2, -0.5), high), 200, (0.4, 0.0, 0.0), np.uint64(7))
    assert circles[1, 1] - circles[0, 1] == pytest.approx(25)
    # Shares are inverse to radii: 15 px are divided 3 to 12.
    assert circles[:, 1] == pytest.approx([37, 62])
    assert circles[:, 0] == pytest.approx([50, 50])


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (7, 3)])
def test_images_smaller_than_a_circle(shape, rng):
    radii = np.array([50.0, 1.0, 0.01])
    packing = pack(radii, shape, rng=rng)
    assert isinstance(packing, Packing)
    assert (np.abs(packing.centres - (np.array(shape) - 1) / 2) <= np.array(shape) / 2).all()


@pytest.mark.parametrize("steps", [-1, 1.5, 100_001])
def test_steps_that_are_refused(steps):
    with pytest.raises(ValueError, match=r"packing.steps is .*; it must be a whole number from 0 to 100000"):
        PackingSettings(steps=steps)


@pytest.mark.parametrize("name", ["stiffness", "perturbation", "wall"])
@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
def test_shares_that_are_refused(name, value):
    with pytest.raises(ValueError, match=rf"packing.{name} is .*; it must be from 0 to 1"):
        PackingSettings(**{name: value})
