"""Distributions of known parameters, worked examples, and what a sample must not do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from temgrains.records import Cancelled
from temgrains.statistics.astm import Scale
from temgrains.statistics.distribution import (
    cumulative,
    fit_lognormal,
    histogram,
    quantiles,
    summarise,
)
from temgrains.statistics.outliers import g_classes, largest_grain

THREE = np.array([10.0, 20.0, 40.0])


def test_three_diameters_worked_out():
    fit = fit_lognormal(THREE, replicates=9)
    assert fit.mu == pytest.approx(2.995732, abs=1e-6)
    assert fit.sigma == pytest.approx(0.565952, abs=1e-6)
    assert fit.sample_sigma == pytest.approx(0.693147, abs=1e-6)
    assert fit.median == pytest.approx(20)
    variance = fit.sample_sigma**2
    half = 4.302653 * math.sqrt(variance / 3 + variance**2 / 8)
    assert fit.mean_low == pytest.approx(20 * math.exp(variance / 2 - half), rel=1e-6)
    assert fit.mean_high == pytest.approx(20 * math.exp(variance / 2 + half), rel=1e-6)
    found = summarise(THREE)
    assert found.mean == pytest.approx(70 / 3)
    assert found.geometric_mean == pytest.approx(20)
    assert found.area_weighted_mean == pytest.approx((1000 + 8000 + 64000) / 2100)
    assert found.percentiles == (10, 20, 40)
    assert found.area_percentiles == (20, 40, 40)


def test_the_fit_is_that_of_scipy_without_offset():
    d = stats.lognorm(0.4, scale=30).rvs(300, random_state=1)
    shape, _, scale = stats.lognorm.fit(d, floc=0)
    fit = fit_lognormal(d, replicates=9)
    assert (fit.sigma, fit.median) == pytest.approx((shape, scale), rel=1e-4)
    law = stats.lognorm(fit.sigma, scale=fit.median)
    assert fit.mean == pytest.approx(law.mean())
    assert fit.mode == pytest.approx(math.exp(fit.mu - fit.sigma**2))
    assert fit.spread == pytest.approx(math.exp(fit.sigma))
    rising, _, by_area = cumulative(law.rvs(200_000, random_state=2))
    assert fit.area_median == pytest.approx(np.interp(0.5, by_area, rising), rel=0.01)


def test_the_interval_holds_the_true_mean_as_often_as_it_says():
    law = stats.lognorm(0.45, scale=25)
    rng = np.random.default_rng(7)
    fits = [fit_lognormal(law.rvs(60, random_state=rng), replicates=0) for _ in range(400)]
    assert np.mean([fit.mean_low <= law.mean() <= fit.mean_high for fit in fits]) == pytest.approx(
        0.95, abs=0.03
    )


def test_p_is_even_for_lognormal_samples_and_small_for_others():
    rng = np.random.default_rng(3)
    ps = [fit_lognormal(np.exp(rng.normal(3, 0.4, 50)), replicates=99, rng=k).p for k in range(100)]
    assert stats.kstest(ps, "uniform").pvalue > 0.01
    two = np.concatenate([rng.normal(10, 0.5, 100), rng.normal(40, 1, 100)])
    assert fit_lognormal(two, replicates=199).p == 1 / 200
    assert fit_lognormal(np.exp(rng.normal(3, 0.4, 12000)), replicates=49).p > 0.02


def test_the_same_seed_gives_the_same_p():
    d = np.exp(np.random.default_rng(5).normal(3, 0.4, 40))
    assert fit_lognormal(d, rng=4) == fit_lognormal(d, rng=4)


def test_histogram_and_sums_by_number_and_by_area():
    found = histogram(THREE, bins=4)
    assert found.edges.tolist() == [0, 10, 20, 30, 40]
    assert found.by_number == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])
    assert found.by_area == pytest.approx([0, 1 / 21, 4 / 21, 16 / 21])
    rising, number, area = cumulative(THREE[::-1])
    assert rising.tolist() == [10, 20, 40]
    assert number == pytest.approx([1 / 3, 2 / 3, 1])
    assert area == pytest.approx([1 / 21, 5 / 21, 1])
    drawn = histogram(np.exp(np.random.default_rng(0).normal(3, 1.5, 3000)))
    assert len(drawn.by_area) <= 100
    assert drawn.by_area.sum() == pytest.approx(1)


def test_a_lognormal_sample_is_straight_in_the_quantile_plot():
    normal, logs = quantiles(np.exp(np.random.default_rng(1).normal(3, 0.4, 4000)))
    slope, height = np.polyfit(normal, logs, 1)
    assert (slope, height) == pytest.approx((0.4, 3), abs=0.02)


def test_the_largest_grain_worked_out():
    matrix = Scale.of(8).mean_area_mm2
    areas = np.concatenate([np.full(999, matrix), [0.0121]])
    found = largest_grain(areas, np.arange(1000) == 999)
    assert found.g == pytest.approx(3.415, abs=1e-3)
    assert found.matrix_g == pytest.approx(8)
    assert found.outliers == 1
    assert found.outliers_share == pytest.approx(0.0121 / areas.sum())
    assert found.applies
    assert found.lower_bound
    assert matrix * 2**3 == pytest.approx(0.0040323, abs=1e-7)
    many = np.concatenate([np.full(50, matrix), [0.0121] * 3])
    assert not largest_grain(many, np.zeros(53, bool)).applies
    assert not largest_grain(np.full(9, matrix), np.zeros(9, bool)).applies
    assert math.isnan(largest_grain(np.full(1, matrix), np.ones(1, bool)).matrix_g), "there are no others"


def test_classes_of_g_show_two_kinds_of_grain():
    areas = np.concatenate([np.full(100, Scale.of(12).mean_area_mm2), [Scale.of(6).mean_area_mm2] * 2])
    shares = g_classes(areas)
    assert list(shares) == [6, 12]
    assert shares[6] == pytest.approx(128 / 228)


@pytest.mark.parametrize("d", [[], [5.0], [5.0, 5.0]])
def test_few_grains_are_defined(d):
    d = np.array(d)
    fit = fit_lognormal(d)
    assert fit.count == len(d)
    assert math.isnan(fit.p)
    assert math.isnan(fit.mean_low)
    assert summarise(d).count == len(d)
    assert math.isnan(summarise(d).mean) == (len(d) == 0)
    assert histogram(d).by_number.sum() == pytest.approx(1 if len(d) else 0)
    assert len(cumulative(d)[0]) == len(quantiles(d)[0]) == len(d)
    assert (largest_grain(d, np.zeros(len(d), bool)) is None) == (len(d) == 0)
    assert bool(g_classes(d)) == bool(len(d))


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf])
def test_impossible_diameters_are_refused(wrong):
    with pytest.raises(ValueError, match=r"a diameter is .*; all must be above 0, so leave out"):
        summarise(np.array([3.0, wrong]))


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="bins is 0; it must be at least 1"):
        histogram(THREE, bins=0)
    with pytest.raises(ValueError, match="confidence is 95; it must lie between 0 and 1"):
        fit_lognormal(THREE, confidence=95)


def test_the_intervals_of_mu_and_sigma_hold_the_true_ones_as_often_as_they_say():
    law = stats.lognorm(0.45, scale=25)
    rng = np.random.default_rng(11)
    fits = [fit_lognormal(law.rvs(80, random_state=rng), replicates=0) for _ in range(400)]
    mu = np.mean([fit.mu_low <= math.log(25) <= fit.mu_high for fit in fits])
    sigma = np.mean([fit.sigma_low <= 0.45 <= fit.sigma_high for fit in fits])
    assert mu == pytest.approx(0.95, abs=0.03)
    assert sigma == pytest.approx(0.94, abs=0.03)


def test_without_replicates_there_is_no_p():
    assert math.isnan(fit_lognormal(THREE, replicates=0).p)


def test_weights_are_as_good_as_that_many_grains():
    weighted = fit_lognormal(THREE, weights=np.array([2.0, 1.0, 1.0]), replicates=0)
    repeated = fit_lognormal(np.array([10.0, 10.0, 20.0, 40.0]), replicates=0)
    assert weighted.mu == pytest.approx(repeated.mu)
    assert weighted.sigma == pytest.approx(repeated.sigma)
    found = summarise(THREE, weights=np.array([2.0, 1.0, 1.0]))
    assert found.mean == pytest.approx(20)
    assert found.geometric_mean == pytest.approx(math.exp(repeated.mu))
    assert found.percentiles[1] == 10
    assert found.mean_low < 20 < found.mean_high


@pytest.mark.parametrize("wrong", [[1.0, 1.0], [1.0, 0.0, 1.0], [1.0, math.nan, 1.0]])
def test_weights_that_do_not_fit_are_refused(wrong):
    with pytest.raises(ValueError, match="weights for 3 diameters; each needs one above 0"):
        summarise(THREE, weights=np.array(wrong))


def test_the_bootstrap_tells_how_far_it_is_and_can_be_stopped():
    told = []

    def progress(stage, done, total):
        told.append((stage, done, total))
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        fit_lognormal(THREE, replicates=9, progress=progress)
    assert told == [("fit", done, 9) for done in (1, 2, 3)]


def test_the_bins_do_not_depend_on_the_unit_and_equal_diameters_have_one():
    diameters = np.exp(np.random.default_rng(1).normal(3, 0.4, 300))
    counts = [len(histogram(factor * diameters).by_number) for factor in (1e-9, 1, 1e30)]
    assert counts[0] == counts[1] == counts[2] > 5
    assert len(histogram(1e30 * np.array([3.0, 3.0, np.nextafter(3, 4)])).by_number) == 1
