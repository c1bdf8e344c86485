"""Stated 95 % intervals against the truth of many synthetic maps."""

from __future__ import annotations

import numpy as np
import pytest

from temgrains.records import Grains
from temgrains.statistics.distribution import fit_lognormal, summarise
from temgrains.statistics.field import Field
from temgrains.statistics.report import weights_of
from temgrains.synthesis import paper_recipe, synthesise

MAPS, SEEDS = 100, (1, 2, 3, 4)
RECIPE = paper_recipe(shape=(320, 320), mean_diameter_px=(24.0, 24.0001), steps=())


def whole_grains(seed: int, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the diameters of the whole grains of a map, and their weights."""
    labels = synthesise(RECIPE, seed=seed, index=index).labels
    field = Field.of(Grains(labels, np.zeros(labels.max(), bool)))
    weights = weights_of(field)
    assert weights is not None
    return 2 * np.sqrt(field.whole_areas / np.pi), weights


def test_intervals_of_synthetic_maps_hold_the_truth():
    """The truth is that of all maps together, each grain weighted; a map has about 140 whole grains.

    Of 800 maps (seeds 1 to 8) the intervals of the mean held it in 95.5 %, of the mean of the fit in 94.2 %,
    of mu in 95.0 %, of sigma in 94.8 %. Single hundreds scatter by 2.2: 26 of the 32 were 93 or more, where
    95 % lets one expect 28. The first hundred is one of these.
    """
    maps = [whole_grains(seed, index) for seed in SEEDS for index in range(MAPS)]
    diameters, weights = (np.concatenate(parts) for parts in zip(*maps, strict=True))
    truth = fit_lognormal(diameters, weights=weights, replicates=0)
    mean = np.average(diameters, weights=weights)
    assert diameters.mean() < 0.98 * mean, "whole grains alone are too small"
    assert truth.sigma == pytest.approx(0.44, abs=0.02)
    held = []
    for d, w in maps:
        found, fit = summarise(d, weights=w), fit_lognormal(d, weights=w, replicates=0)
        held.append(
            (
                found.mean_low <= mean <= found.mean_high,
                fit.mu_low <= truth.mu <= fit.mu_high,
                fit.sigma_low <= truth.sample_sigma <= fit.sigma_high,
                fit.mean_low <= truth.mean <= fit.mean_high,
            )
        )
    by_seed = np.reshape(held, (len(SEEDS), MAPS, 4)).sum(axis=1)
    assert (by_seed[0, :3] >= 93).all(), f"mean ECD, mu, sigma of the first 100 maps: {by_seed[0]}"
    assert (by_seed.mean(axis=0) >= 93).all(), by_seed


@pytest.mark.parametrize("draw", ["normal", "heavy"])
@pytest.mark.parametrize("grains", [10, 40, 140])
def test_the_interval_of_sigma_holds_for_logs_that_are_not_normal(draw, grains):
    rng = np.random.default_rng(grains)
    samples = {
        "normal": lambda: rng.standard_normal(grains),
        "heavy": lambda: rng.standard_t(6, grains) / np.sqrt(1.5),
    }
    fits = [fit_lognormal(np.exp(0.45 * samples[draw]()), replicates=0) for _ in range(600)]
    held = np.mean([fit.sigma_low <= 0.45 <= fit.sigma_high for fit in fits])
    assert held >= 0.92, "three standard deviations below 95 %"


@pytest.mark.parametrize("diameters", [[10, 20], [10, 10, 20], [10, 10, 10, 10, 10, 10, 10, 10, 11]])
def test_the_interval_of_sigma_is_defined_for_few_grains(diameters):
    fit = fit_lognormal(np.array(diameters, float), replicates=0)
    assert 0 < fit.sigma_low < fit.sample_sigma < fit.sigma_high < np.inf
