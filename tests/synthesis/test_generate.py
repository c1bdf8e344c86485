"""Synthetic micrographs: their truth is true, and seed and number alone decide them."""

import dataclasses
import json
import math

import numpy as np
import pytest
from scipy import ndimage

from temgrains.synthesis import GaussianNoise, PackingSettings, RandomGrey, Recipe, paper_recipe, synthesise

PAPER = paper_recipe()
SMALL = paper_recipe(shape=(48, 80), mean_diameter_px=(10.0, 20.0))


def brighten(image, labels, rng):
    return image + 100


def bytes_of(sample):
    return sample.image.tobytes() + sample.truth.tobytes() + sample.labels.tobytes()


def test_arrays_are_as_described():
    sample = synthesise(PAPER, seed=1)
    assert sample.image.dtype == np.uint8
    assert sample.truth.dtype == bool
    assert sample.labels.dtype == np.int32
    assert sample.image.shape == sample.truth.shape == sample.labels.shape == (96, 496)
    np.testing.assert_array_equal(np.unique(sample.labels), np.arange(1, sample.report["cells"] + 1))


@pytest.mark.parametrize("index", range(6))
def test_the_grains_within_the_truth_are_the_labels(index):
    sample = synthesise(PAPER, seed=2, index=index)
    pieces, count = ndimage.label(~sample.truth)
    owners = [np.unique(sample.labels[pieces == piece]) for piece in range(1, count + 1)]
    assert all(len(owner) == 1 for owner in owners)
    areas = np.bincount(pieces.ravel())[1:]
    grains = np.unique(sample.labels[~sample.truth])
    assert {int(owner[0]) for owner in owners} == set(grains.tolist())
    # A cell pinched by its boundaries may leave specks besides its grain, but never a second grain.
    assert (areas >= 10).sum() <= len(grains)
    assert len(grains) >= 0.8 * sample.report["cells"]


def test_grains_are_told_apart_by_their_greys():
    """Without noise, the image is one grey per cell."""
    sample = synthesise(dataclasses.replace(PAPER, steps=(RandomGrey(),)), seed=3)
    for grain in range(1, sample.report["cells"] + 1):
        assert len(np.unique(sample.image[sample.labels == grain])) == 1


# --- repetition -------------------------------------------------------------------------------------------


def test_same_seed_same_bytes():
    assert bytes_of(synthesise(PAPER, seed=7, index=3)) == bytes_of(synthesise(PAPER, seed=7, index=3))


def test_other_seed_or_number_other_image():
    images = {bytes_of(synthesise(SMALL, seed=s, index=k)) for s in range(3) for k in range(3)}
    assert len(images) == 9


def test_the_truth_does_not_depend_on_the_steps():
    first = synthesise(PAPER, seed=5)
    other = synthesise(dataclasses.replace(PAPER, steps=(RandomGrey(),)), seed=5)
    assert first.labels.tobytes() == other.labels.tobytes()
    assert first.truth.tobytes() == other.truth.tobytes()


def test_a_step_draws_the_same_whatever_the_others_draw():
    steps = (RandomGrey(low=100, high=100), GaussianNoise(variance=0.001))
    first = synthesise(dataclasses.replace(SMALL, steps=steps), seed=5)
    other = synthesise(dataclasses.replace(SMALL, steps=(brighten, steps[1])), seed=5)
    assert first.image.tobytes() == other.image.tobytes()


def test_thickness_changes_the_truth_only():
    thin, thick = (synthesise(dataclasses.replace(SMALL, thickness_px=t), seed=5) for t in (1.0, 5.0))
    assert thin.image.tobytes() == thick.image.tobytes()
    assert (thin.truth <= thick.truth).all()
    assert thin.truth.sum() < thick.truth.sum()


def test_numpy_numbers_are_numbers():
    assert bytes_of(synthesise(SMALL, seed=np.int64(7), index=np.uint8(3))) == bytes_of(
        synthesise(SMALL, seed=7, index=3)
    )


# --- report -----------------------------------------------------------------------------------------------


def test_the_report_is_plain_json_and_agrees_with_the_arrays():
    sample = synthesise(PAPER, seed=11, index=2)
    report = json.loads(json.dumps(sample.report, allow_nan=False))
    assert report == sample.report
    assert (report["recipe"], report["seed"], report["index"]) == ("paper", 11, 2)
    assert PAPER.mean_diameter_px[0] <= report["mean_diameter_px"] <= PAPER.mean_diameter_px[1]
    assert report["median_diameter_px"] == pytest.approx(
        report["mean_diameter_px"] * math.exp(-(0.45**2) / 2)
    )
    assert report["circles"] == report["cells"] + report["circles_without_cell"]
    areas = np.bincount(sample.labels.ravel())[1:]
    diameters = np.sqrt(4 / np.pi * areas)
    assert report["cells_mean_ecd_px"] == pytest.approx(diameters.mean())
    assert report["cells_sigma"] == pytest.approx(np.log(diameters).std())
    border = np.unique(np.r_[sample.labels[0], sample.labels[-1], sample.labels[:, 0], sample.labels[:, -1]])
    assert report["whole_cells"] == report["cells"] - len(border)
    assert report["boundary_share"] == pytest.approx(sample.truth.mean())


def test_no_circle_is_dropped():
    for index in range(20):
        report = synthesise(PAPER, seed=4, index=index).report
        assert report["circles_area_px2"] >= 96 * 496
        # The last circle alone reaches beyond the area; the largest of an image is rarely over four means.
        assert report["circles_area_px2"] < 96 * 496 + math.pi / 4 * (6 * report["mean_diameter_px"]) ** 2


def test_mean_diameters_are_drawn_evenly_on_a_logarithmic_scale():
    recipe = Recipe(shape=(16, 16), mean_diameter_px=(10, 40), packing=PackingSettings(steps=0))
    drawn = np.array([synthesise(recipe, seed=8, index=k).report["mean_diameter_px"] for k in range(300)])
    share = (np.log(drawn) - math.log(10)) / math.log(4)
    assert share.min() >= 0
    assert share.max() <= 1
    assert share.mean() == pytest.approx(0.5, abs=5 / math.sqrt(12 * 300))


def test_the_spread_asked_for_is_realised_in_large_images_but_not_in_narrow_ones():
    """In 96 px of height a border cuts the large grains, so that those left whole are alike."""
    large = [synthesise(Recipe(shape=(400, 400), mean_diameter_px=(16, 16)), seed=6).report]
    narrow = [synthesise(PAPER, seed=6, index=k).report for k in range(30)]
    for reports, low, high in ((large, 0.4, 0.5), (narrow, 0.2, 0.38)):
        asked = np.mean([report["circles_sigma"] for report in reports])
        realised = np.mean([report["whole_cells_sigma"] for report in reports if report["whole_cells"] > 1])
        assert asked == pytest.approx(0.45, abs=0.03)
        assert low < realised < high


def test_packing_leaves_little_overlap_and_few_gaps():
    reports = [synthesise(PAPER, seed=9, index=k).report for k in range(10)]
    assert np.mean([report["overlap_after"] for report in reports]) < 0.2
    assert np.mean([report["gaps"] for report in reports]) < 0.25


# --- extreme recipes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"sigma": 0.0},
        {"sigma": 2.0},
        {"sigma": 2.0, "mean_diameter_px": (2.0, 2.0)},
        {"mean_diameter_px": (500.0, 500.0)},
        {"mean_diameter_px": (16384.0, 16384.0), "sigma": 2.0},
        {"shape": (1, 1)},
        {"shape": (1, 200)},
        {"shape": (200, 1)},
        {"packing": PackingSettings(steps=0)},
        {"packing": PackingSettings(stiffness=1.0, perturbation=1.0)},
        {"thickness_px": 200.0},
        {"steps": ()},
    ],
)
def test_extremes_give_valid_labels(changes):
    recipe = dataclasses.replace(SMALL, **changes)
    for index in range(3):
        sample = synthesise(recipe, seed=1, index=index)
        assert sample.labels.shape == sample.image.shape == recipe.shape
        np.testing.assert_array_equal(np.unique(sample.labels), np.arange(1, sample.report["cells"] + 1))
        json.dumps(sample.report, allow_nan=False)


def test_a_circle_larger_than_the_image_is_one_grain_without_boundary():
    sample = synthesise(dataclasses.replace(SMALL, mean_diameter_px=(900.0, 900.0), sigma=0.0), seed=1)
    assert (sample.labels == 1).all()
    assert not sample.truth.any()
    assert sample.report["whole_cells_sigma"] is None


# --- refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [-1, 1.5, "1"])
def test_seeds_that_are_refused(seed):
    with pytest.raises(ValueError, match=r"seed is .*; it must be a whole number from 0"):
        synthesise(SMALL, seed=seed)


def test_numbers_that_are_refused():
    with pytest.raises(ValueError, match="index is -1; it must be a whole number from 0"):
        synthesise(SMALL, seed=0, index=-1)


def test_a_step_that_gives_no_image_is_named():
    def forget(image, labels, rng):
        pass

    with pytest.raises(
        ValueError, match=r"step 7, .*forget.*, gave shape \(\); it must give an image \(48, 80\)"
    ):
        synthesise(SMALL.with_step(forget), seed=0)


def test_a_step_that_gives_nan_is_named():
    def divide(image, labels, rng):
        return image * np.nan

    with pytest.raises(
        ValueError, match=r"step 1, .*divide.*, gave pixels that are not finite; mend the step"
    ):
        synthesise(SMALL.with_step(divide, at=0), seed=0)


def test_what_a_step_leaves_outside_the_range_is_clipped():
    sample = synthesise(dataclasses.replace(SMALL, steps=(brighten,) * 3), seed=0)
    assert (sample.image == 255).all()
