"""Recipes are values: checked, changed by copy, written as plain JSON."""

import dataclasses
import functools
import json
import math

import pytest

from temgrains.synthesis import (
    FlippedOverlay,
    GaussianNoise,
    Median,
    PackingSettings,
    PoissonNoise,
    RandomGrey,
    Recipe,
    SaltAndPepper,
    paper_recipe,
)
from temgrains.synthesis.geometry import Curved

LATER = {"shapes", "fine_share", "fine_ratio"}
"""Settings that are described only where they change something."""


def invert(image, labels, rng):
    return 255 - image


def test_the_recipe_of_the_paper():
    recipe = paper_recipe()
    assert recipe.name == "paper"
    assert recipe.shape == (96, 496)
    assert recipe.mean_diameter_px == (40.0, 64.0)
    assert (recipe.sigma, recipe.thickness_px) == (0.45, 4.0)
    assert recipe.steps == (
        RandomGrey(low=0, high=255),
        FlippedOverlay(weight=0.1),
        SaltAndPepper(density=0.05),
        GaussianNoise(variance=0.01),
        PoissonNoise(),
        Median(size=5),
    )


def test_changes_are_taken():
    recipe = paper_recipe(name="small", shape=(32, 48), steps=())
    assert (recipe.name, recipe.shape, recipe.steps) == ("small", (32, 48), ())
    with pytest.raises(TypeError, match="colour"):
        paper_recipe(colour="red")


def test_a_step_is_added_where_it_is_wanted():
    recipe = paper_recipe()
    assert recipe.with_step(invert).steps == (*recipe.steps, invert)
    assert recipe.with_step(invert, at=0).steps == (invert, *recipe.steps)
    assert recipe.with_step(invert, at=2).steps[1:4] == (recipe.steps[1], invert, recipe.steps[2])
    assert invert not in recipe.steps


def test_a_recipe_is_described_as_plain_json():
    recipe = paper_recipe(packing=PackingSettings(steps=50)).with_step(invert)
    plain = json.loads(json.dumps(recipe.describe(), allow_nan=False))
    assert plain["shape"] == [96, 496]
    assert plain["mean_diameter_px"] == [40.0, 64.0]
    assert plain["packing"] == dataclasses.asdict(PackingSettings(steps=50))
    assert plain["steps"] == [
        {"step": "RandomGrey", "low": 0, "high": 255},
        {"step": "FlippedOverlay", "weight": 0.1},
        {"step": "SaltAndPepper", "density": 0.05},
        {"step": "GaussianNoise", "variance": 0.01},
        {"step": "PoissonNoise"},
        {"step": "Median", "size": 5},
        {"step": "invert"},
    ]
    assert set(plain) == {field.name for field in dataclasses.fields(Recipe)} - LATER


def test_shapes_are_described_where_there_are_any():
    described = Recipe(shapes=(Curved(bend_px=3.0),)).describe()["shapes"]
    assert described == [{"step": "Curved", "bend_px": 3.0, "scale_px": 40.0}]


def test_a_shape_that_cannot_be_called_is_refused():
    with pytest.raises(ValueError, match=r"shape 3 cannot be called; it must be \(labels, rng\) -> labels"):
        Recipe(shapes=(3,))


def test_a_step_without_a_name_is_described_by_itself():
    step = functools.partial(invert)
    assert Recipe(steps=(step,)).describe()["steps"] == [{"step": repr(step)}]


@pytest.mark.parametrize("shape", [(0, 496), (96, 0), (96,), (96.0, 496), (96, 20000), [96, 496]])
def test_shapes_that_are_refused(shape):
    with pytest.raises(ValueError, match=r"shape is .*; it must be two whole numbers from 1 to 16384 px"):
        Recipe(shape=shape)


@pytest.mark.parametrize("diameters", [(64, 24), (1, 24), (24, 1e6), (math.nan, 24)])
def test_diameters_that_are_refused(diameters):
    with pytest.raises(ValueError, match=r"mean_diameter_px is .*; it must rise and lie within 2..16384 px"):
        Recipe(mean_diameter_px=diameters)


@pytest.mark.parametrize("sigma", [-0.1, 2.5, math.nan])
def test_spreads_that_are_refused(sigma):
    with pytest.raises(ValueError, match=r"sigma is .*; it must be from 0 to 2"):
        Recipe(sigma=sigma)


@pytest.mark.parametrize("thickness", [0.5, math.nan, math.inf])
def test_thicknesses_that_are_refused(thickness):
    with pytest.raises(ValueError, match=r"thickness_px is .*; it must be from 1 to 16384 px"):
        Recipe(thickness_px=thickness)


def test_steps_that_cannot_be_called_are_refused():
    with pytest.raises(
        ValueError, match=r"step 'median' cannot be called; it must be \(image, labels, rng\)"
    ):
        Recipe(steps=("median",))
