"""What no recipe of the package has unless it is asked for: twins as grains, vacuum, two sizes of grains."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import numpy as np
import pytest

from temgrains.synthesis import Recipe, paper_recipe, real_recipe, synthesise
from temgrains.synthesis.concepts import RandomGrey
from temgrains.synthesis.geometry import Line, TwinGrains, interfaces, whole_grains
from temgrains.synthesis.recipe_files import recipe_from_dict
from temgrains.synthesis.vacuum import Vacuum, beside_line

SQUARES = np.arange(1, 17, dtype=np.int32).reshape(4, 4).repeat(64, 0).repeat(64, 1)
LINE = np.repeat(np.array([1, 2, 3, 4], np.int32), [20, 30, 30, 20])[:, None].repeat(80, 1)
SPECIMEN = np.full(LINE.shape, 100, np.float32)
SPECIMEN[50:80] = 140


def rng(seed=1):
    return np.random.default_rng(seed)


# Old recipes


def test_the_recipe_of_the_paper_keeps_its_digest_and_its_images():
    described = json.dumps(paper_recipe().describe(), sort_keys=True).encode()
    assert hashlib.sha256(described).hexdigest()[:12] == "6b92ebf01d8f"
    for recipe in (paper_recipe(), real_recipe()):
        assert not {"fine_share", "fine_ratio"} & set(recipe.describe())
        names = [step["step"] for step in [*recipe.describe()["steps"], *recipe.describe().get("shapes", [])]]
        assert not {"TwinGrains", "Vacuum"} & set(names)


# Twins


def test_twins_are_parallel_lamellae_with_boundaries_of_their_own():
    draws = (TwinGrains(grain_share=1.0)(SQUARES, rng(seed)) for seed in range(6))
    made = max(draws, key=lambda labels: int(labels.max()))
    assert len(np.unique(made)) == made.max() > 30
    for grain in np.unique(made):
        assert len(np.unique(SQUARES[made == grain])) == 1, "no lamella crosses a boundary"
    inside = interfaces(made, thickness_px=1) & ~interfaces(SQUARES, thickness_px=1)
    for parent in range(1, 17):
        rows, columns = np.nonzero(inside & (parent == SQUARES))
        if len(rows) > 200:
            assert _straightness(rows, columns) > 0.9, parent


def _straightness(rows, columns):
    """Share of the boundary pixels that lie on few lines of one direction."""
    best = 0.0
    for angle in np.linspace(0, np.pi, 180, endpoint=False):
        across = np.round(rows * np.sin(angle) + columns * np.cos(angle)).astype(int)
        counts = np.bincount(across - across.min())
        best = max(best, counts[counts > 0.1 * counts.max()].sum() / len(rows) if len(counts) else 0)
    return best


def test_lamellae_leave_no_slivers():
    for seed in range(8):
        made = TwinGrains(grain_share=1.0)(SQUARES, rng(seed))
        assert np.bincount(made.ravel())[1:].min() >= 30


def test_grains_that_are_not_twinned_stay_as_they_are():
    assert np.array_equal(TwinGrains(grain_share=0.0)(SQUARES, rng()), whole_grains(SQUARES))
    cut = [len(np.unique(TwinGrains()(SQUARES, rng(seed)))) for seed in range(30)]
    assert min(cut) == 16
    assert 16 < np.mean(cut) < 32


def test_twins_as_grains_are_in_the_truth():
    plain = Recipe(shape=(128, 128), mean_diameter_px=(50.0, 50.0), shapes=(TwinGrains(grain_share=0.0),))
    twinned = dataclasses.replace(plain, shapes=(TwinGrains(grain_share=1.0),))
    counts = [[synthesise(r, seed=1, index=k).report["cells"] for k in range(6)] for r in (plain, twinned)]
    assert sum(counts[1]) > 1.3 * sum(counts[0])


def test_a_grain_of_one_pixel_and_a_single_grain_can_be_twinned():
    tiny = np.array([[1, 2], [3, 4]], np.int32)
    assert TwinGrains(grain_share=1.0)(tiny, rng()).tolist() == tiny.tolist()
    assert TwinGrains(grain_share=1.0)(np.ones((80, 80), np.int32), rng(5)).max() >= 1


# Vacuum


@pytest.mark.parametrize("turned", [False, True])
def test_beside_a_line_is_what_fills_two_opposite_sides(turned):
    labels, expected = LINE, np.isin(LINE, (1, 4))
    if turned:
        labels, expected = labels.T, expected.T
    assert np.array_equal(beside_line(labels), expected)
    assert not beside_line(SQUARES).any()
    assert not beside_line(np.ones((9, 9), np.int32)).any()


def test_vacuum_is_bright_and_without_contrast_but_for_noise():
    for seed in range(12):
        made = Vacuum(fringe_grey=0)(SPECIMEN, LINE, rng(seed))
        assert made.dtype == np.float32
        assert np.array_equal(made[20:80], SPECIMEN[20:80])
        beside = made[np.isin(LINE, (1, 4))]
        assert 140 <= beside.mean() <= 236
        assert beside.std() < 9
    assert (Vacuum(fringe_grey=0, noise_grey=0, level_grey=0)(SPECIMEN, LINE, rng())[:20] == 140).all()


def test_the_fringe_lies_at_the_edge_and_has_two_signs():
    made = Vacuum(noise_grey=0, fringe_grey=80)(SPECIMEN, LINE, rng(4))
    outside, inside = made[19, 0] - made[0, 0], made[20, 0] - SPECIMEN[20, 0]
    assert outside * inside < 0
    assert made[30, 0] == pytest.approx(SPECIMEN[30, 0], abs=0.01)
    assert made[10, 0] == pytest.approx(made[0, 0], abs=0.01)


def test_without_a_line_nothing_changes():
    image = np.zeros(SQUARES.shape, np.float32)
    assert Vacuum()(image, SQUARES, rng()) is image


def test_vacuum_finds_the_line_of_the_recipe():
    base = Recipe(
        shape=(96, 96), mean_diameter_px=(20.0, 20.0), steps=(RandomGrey(high=90), Vacuum(noise_grey=0))
    )
    with_line = dataclasses.replace(base, shapes=(Line(image_share=1.0),))
    for k in range(4):
        drawn = synthesise(with_line, seed=2, index=k)
        outside = beside_line(drawn.labels)
        assert 0.1 < outside.mean() < 0.7
        assert np.median(drawn.image[outside]) >= np.percentile(drawn.image[~outside], 90)
        assert not beside_line(synthesise(base, seed=2, index=k).labels).any()


# Two sizes of grains


def test_fine_grains_fill_their_share():
    recipe = Recipe(
        shape=(400, 400), mean_diameter_px=(60.0, 60.0), sigma=0.1, fine_share=0.4, fine_ratio=0.2
    )
    drawn = synthesise(recipe, seed=3)
    areas = np.bincount(drawn.labels.ravel())[1:]
    diameters = np.sqrt(4 / np.pi * areas)
    fine = diameters < 30
    assert np.median(diameters[fine]) == pytest.approx(12, rel=0.25)
    assert np.median(diameters[~fine]) == pytest.approx(60, rel=0.25)
    assert areas[fine].sum() / areas.sum() == pytest.approx(0.4, abs=0.12)
    assert (drawn.report["fine_share"], drawn.report["fine_ratio"]) == (0.4, 0.2)
    assert "fine_share" not in synthesise(dataclasses.replace(recipe, fine_share=0.0), seed=3).report


def test_a_share_of_nought_is_the_old_image_whatever_the_ratio():
    old = paper_recipe(shape=(48, 64), mean_diameter_px=(14.0, 14.0))
    new = dataclasses.replace(old, fine_ratio=0.5)
    assert np.array_equal(synthesise(old, seed=1).image, synthesise(new, seed=1).image)


def test_two_sizes_survive_a_file():
    recipe = paper_recipe(fine_share=0.4, fine_ratio=0.5)
    assert recipe_from_dict(recipe.describe()) == recipe
    assert recipe_from_dict(paper_recipe(fine_ratio=0.5).describe()) == paper_recipe(fine_ratio=0.5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"fine_share": 1.0}, "fine_share is 1.0; it must be from 0 to 0.95"),
        ({"fine_ratio": 0.01}, "fine_ratio is 0.01; it must be from 0.05 to 1"),
        (
            {"fine_share": 0.1, "fine_ratio": 0.1, "mean_diameter_px": (12.0, 20.0)},
            "the finer grains are down to 1.2 px wide; they must be at least 2 px: raise fine_ratio or mean",
        ),
    ],
)
def test_sizes_that_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        Recipe(**settings)
