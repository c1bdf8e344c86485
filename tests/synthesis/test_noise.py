"""Noise has the statistics its settings say."""

import math

import numpy as np
import pytest
from scipy import ndimage, stats

from temgrains.synthesis import GaussianNoise, Median, PoissonNoise, SaltAndPepper
from temgrains.synthesis.noise import _gaussian_tables, _invert, _poisson_tables

SHAPE = (300, 400)
COUNT = math.prod(SHAPE)
LABELS = np.ones(SHAPE, np.int32)


def flat(grey):
    return np.full(SHAPE, grey, np.float32)


def chi_square_is_likely(found, expected):
    common = expected > 10
    chi2 = ((found - expected)[common] ** 2 / expected[common]).sum()
    freedom = common.sum() - 1
    return abs(chi2 - freedom) < 5 * math.sqrt(2 * freedom)


# --- salt and pepper --------------------------------------------------------------------------------------


@pytest.mark.parametrize("density", [0.0, 0.05, 0.3, 1.0])
def test_salt_and_pepper_have_the_density_in_equal_parts(density, rng):
    noisy = SaltAndPepper(density=density)(flat(100), LABELS, rng)
    assert set(np.unique(noisy)) <= {0, 100, 255}
    for grey in (0, 255):
        expected = density / 2
        spread = math.sqrt(expected * (1 - expected) / COUNT)
        assert (noisy == grey).mean() == pytest.approx(expected, abs=5 * spread + 1e-12)


@pytest.mark.parametrize("density", [-0.01, 1.01, math.nan])
def test_densities_that_are_refused(density):
    with pytest.raises(ValueError, match=r"density is .*; it must be from 0 to 1"):
        SaltAndPepper(density=density)


# --- Gaussian ---------------------------------------------------------------------------------------------


def test_gaussian_noise_has_its_variance_and_no_mean(rng):
    noise = (GaussianNoise(variance=0.01)(flat(128), LABELS, rng) - 128) / 255
    assert noise.mean() == pytest.approx(0, abs=5 * 0.1 / math.sqrt(COUNT))
    assert noise.var() == pytest.approx(0.01, rel=5 * math.sqrt(2 / COUNT))
    greys = np.rint(255 * noise + 128).astype(int).ravel()
    expected = COUNT * np.diff(stats.norm.cdf(np.arange(257) - 0.5, 128, 25.5))
    assert chi_square_is_likely(np.bincount(greys, minlength=256), expected)


def test_gaussian_noise_is_clipped(rng):
    assert (GaussianNoise()(flat(0), LABELS, rng) == 0).mean() == pytest.approx(0.5, abs=0.01)
    assert (GaussianNoise()(flat(255), LABELS, rng) == 255).mean() == pytest.approx(0.5, abs=0.01)
    assert GaussianNoise(variance=1)(flat(128), LABELS, rng).max() == 255


def test_no_variance_no_noise(rng):
    np.testing.assert_array_equal(GaussianNoise(variance=0)(flat(77), LABELS, rng), flat(77))


@pytest.mark.parametrize("deviation", [0.3, 25.5, 255.0])
def test_inversion_equals_rounding_of_scipys_normal_numbers(deviation, rng):
    """The same uniform number gives the same grey as rounding SciPy's quantile."""
    draws = rng.random(5000)
    draws[:2] = 2.0**-40, 1 - 2.0**-40
    found = np.array([_invert(0, draw, *_gaussian_tables(deviation)) for draw in draws]) - 255
    expected = np.clip(np.rint(stats.norm.ppf(draws, scale=deviation)), -255, 255)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("variance", [-0.01, 1.01, math.nan])
def test_variances_that_are_refused(variance):
    with pytest.raises(ValueError, match=r"variance is .*; it must be from 0 to 1"):
        GaussianNoise(variance=variance)


# --- Poisson ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mean", [0, 1, 7, 50, 128, 180])
def test_counts_have_mean_and_variance_of_the_grey(mean, rng):
    counts = PoissonNoise()(flat(mean), LABELS, rng)
    assert np.array_equal(counts, np.rint(counts))
    assert counts.mean() == pytest.approx(mean, abs=5 * math.sqrt(mean / COUNT))
    assert counts.var() == pytest.approx(mean, abs=5 * math.sqrt((mean + 2 * mean**2) / COUNT))


@pytest.mark.parametrize("mean", [3, 60])
def test_counts_are_poisson_distributed(mean, rng):
    counts = PoissonNoise()(flat(mean), LABELS, rng).astype(int).ravel()
    expected = COUNT * stats.poisson.pmf(np.arange(256), mean)
    assert chi_square_is_likely(np.bincount(counts, minlength=256), expected)


def test_inversion_equals_scipy_for_every_grey(rng):
    """The same uniform number gives the same count as SciPy's exact quantile function."""
    tables = _poisson_tables()
    for mean in range(256):
        draws = np.append(rng.random(60), [0.0, 1 - 2.0**-53])
        found = [_invert(mean, draw, *tables) for draw in draws]
        # The least count whose distribution function exceeds the draw.
        expected = np.searchsorted(stats.poisson.cdf(np.arange(600), mean), draws, side="right")
        np.testing.assert_array_equal(found, np.minimum(expected, 255))


def test_counts_are_clipped_at_white(rng):
    counts = PoissonNoise()(flat(255), LABELS, rng)
    assert counts.max() == 255
    assert (counts == 255).mean() == pytest.approx(1 - stats.poisson.cdf(254, 255), abs=0.01)


def test_black_stays_black_and_greys_are_rounded(rng):
    assert not PoissonNoise()(flat(0.4), LABELS, rng).any()


# --- median -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_median_equals_scipy_on_counts_and_on_fractions(size, rng):
    labels = np.ones((60, 70), np.int32)
    for image in (
        rng.integers(0, 256, (60, 70)).astype(np.float32),
        (rng.random((60, 70)) * 255).astype(np.float32),
        (rng.random((60, 70)) * 1000 - 300).astype(np.float32),
    ):
        found = Median(size=size)(image, labels, rng)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, ndimage.median_filter(image, size=size, mode="nearest"))


def test_windows_that_are_refused():
    with pytest.raises(ValueError, match="size is 4; it must be an odd whole number from 1 to 31"):
        Median(size=4)


# --- all of them ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [SaltAndPepper(), GaussianNoise(), PoissonNoise(), Median()])
def test_a_step_leaves_its_input_and_draws_from_its_generator_alone(step):
    image = np.random.default_rng(1).integers(0, 256, (40, 50)).astype(np.float32)
    image.flags.writeable = False
    labels = np.ones((40, 50), np.int32)
    first, again = (step(image, labels, np.random.default_rng(5)) for _ in range(2))
    assert first.dtype == np.float32
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != image.tobytes()
    assert first.min() >= 0
    assert first.max() <= 255
