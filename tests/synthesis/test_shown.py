"""Which concepts an image shows is known without drawing it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from temgrains.synthesis import Recipe, real_recipe, synthesise
from temgrains.synthesis.concepts import RandomGrey
from temgrains.synthesis.diffraction import Moire
from temgrains.synthesis.fields import Sometimes
from temgrains.synthesis.generate import shown
from temgrains.synthesis.geometry import Curved, Line
from temgrains.synthesis.instrument import ScaleBar

SMALL = Recipe(shape=(32, 32), mean_diameter_px=(12.0, 12.0))


def test_a_concept_is_shown_where_the_image_differs_without_it():
    strong = Moire(grain_share=1.0, contrast_grey=255.0)
    steps = (RandomGrey(), Sometimes(concept=strong, image_share=0.4), ScaleBar(image_share=0.4))
    recipe = dataclasses.replace(SMALL, shapes=(Line(image_share=0.4),), steps=steps)
    without = dataclasses.replace(recipe, steps=(*steps[:2], ScaleBar(image_share=0.0)))
    plain = dataclasses.replace(recipe, shapes=(Line(image_share=0.0),))
    seen = [shown(recipe, seed=2, index=k) for k in range(24)]
    for k, ((line,), (grey, _, bar)) in enumerate(seen):
        image = synthesise(recipe, seed=2, index=k)
        assert grey
        assert bar == (not np.array_equal(image.image, synthesise(without, seed=2, index=k).image))
        assert line == (not np.array_equal(image.labels, synthesise(plain, seed=2, index=k).labels))
    for kinds in zip(*([*shapes, *steps[1:]] for shapes, steps in seen), strict=True):
        assert 3 <= sum(kinds) <= 16


def test_what_all_images_show_and_none():
    never = Sometimes(concept=RandomGrey(), image_share=0.0)
    always = Sometimes(concept=RandomGrey(), image_share=1.0)
    recipe = dataclasses.replace(SMALL, shapes=(Curved(),), steps=(never, always))
    assert shown(recipe, seed=1) == ([True], [False, True])


def test_a_concept_that_no_image_shows_leaves_the_others_as_they_are():
    recipe = real_recipe(shape=(48, 48), mean_diameter_px=(12.0, 16.0))
    *first, _, last = recipe.steps
    off = Sometimes(concept=Moire(), image_share=0.0)
    with_it, without = (dataclasses.replace(recipe, steps=(*first, step, last)) for step in (off, _same))
    assert np.array_equal(synthesise(with_it, seed=3).image, synthesise(without, seed=3).image)


def _same(image, labels, rng):
    return image


@pytest.mark.parametrize("numbers", [{"seed": -1}, {"seed": 0, "index": 1.5}])
def test_numbers_that_are_refused(numbers):
    with pytest.raises(ValueError, match="must be a whole number from 0"):
        shown(SMALL, **numbers)
