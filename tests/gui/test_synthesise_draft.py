"""The draft of a recipe: what is switched and moved, and the recipe that comes of it."""

from __future__ import annotations

import dataclasses

import pytest

from temgrains.gui.synthesise_draft import Draft
from temgrains.gui.synthesise_fields import decimals_of, title, top_of, words
from temgrains.synthesis import Recipe, paper_recipe, real_recipe, synthesise
from temgrains.synthesis.catalogue import shapes_by_name, steps_by_name, strengths
from temgrains.synthesis.defects import Loops
from temgrains.synthesis.diffraction import Moire
from temgrains.synthesis.fields import Sometimes
from temgrains.synthesis.geometry import Line
from temgrains.synthesis.instrument import Blur, ScaleBar
from temgrains.synthesis.noise import GaussianNoise, Median, PoissonNoise

RECIPES = [paper_recipe(), real_recipe(), Recipe(name="empty")]


def slot_of(draft, kind):
    return next(slot for slot in [*draft.shapes, *draft.steps] if isinstance(slot.concept, kind))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_an_untouched_draft_is_its_recipe(recipe):
    assert Draft(recipe).recipe() == recipe


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_concept_has_its_place_in_working_order(recipe):
    draft = Draft(recipe)
    assert [type(slot.concept).__name__ for slot in draft.shapes] == list(shapes_by_name())
    assert [type(slot.concept).__name__ for slot in draft.steps] == list(steps_by_name())
    assert sum(len(slots) for slots in draft.groups().values()) == len(draft.shapes) + len(draft.steps)


def test_a_concept_switched_off_keeps_its_place_and_comes_back_as_it_was():
    draft = Draft(real_recipe())
    for kind in (Moire, Blur, ScaleBar):  # with a share, without one, with one of its own
        slot = slot_of(draft, kind)
        slot.on = False
        number = real_recipe().steps.index(*slot_of(Draft(real_recipe()), kind).steps())
        assert draft.recipe().steps[number].image_share == 0
        assert len(draft.recipe().steps) == len(real_recipe().steps)
        assert draft.recipe().name == "default-changed"
        slot.on = True
        assert draft.recipe() == real_recipe()


def test_a_concept_that_was_not_there_comes_and_goes():
    draft = Draft(paper_recipe())
    slot = slot_of(draft, Loops)
    slot.on = True
    assert draft.recipe().steps[1] == Loops()  # after the greys, before the overlay
    assert len(draft.recipe().steps) == 7
    slot.on = False
    assert draft.recipe() == paper_recipe()


def test_a_recipe_that_was_saved_with_concepts_off_opens_with_them_off():
    draft = Draft(real_recipe())
    for kind in (Moire, Line):
        slot_of(draft, kind).on = False
    again = Draft(draft.recipe())
    assert not slot_of(again, Moire).on
    assert not slot_of(again, Line).on
    assert again.recipe() == draft.recipe()
    slot_of(again, Line).on = slot_of(again, Moire).on = True
    assert Line() in again.recipe().shapes
    assert Sometimes(concept=Moire(), image_share=1.0) in again.recipe().steps


def test_strengths_are_set_and_keep_their_kind():
    draft = Draft(paper_recipe())
    slot_of(draft, GaussianNoise).change("variance", 0.02)
    slot_of(draft, Median).change("size", 7.0)
    slot_of(draft, PoissonNoise).change("image_share", 0.5)
    noise, poisson, median = draft.recipe().steps[3:]
    assert noise == GaussianNoise(variance=0.02)
    assert poisson == Sometimes(concept=PoissonNoise(), image_share=0.5)
    assert median == Median(size=7)
    assert isinstance(median.size, int)
    slot_of(draft, PoissonNoise).change("image_share", 1.0)
    assert draft.recipe().steps[4] == PoissonNoise()


def test_what_a_concept_refuses_changes_nothing():
    draft = Draft(paper_recipe())
    with pytest.raises(ValueError, match="size is 6; it must be"):
        slot_of(draft, Median).change("size", 6)
    with pytest.raises(ValueError, match="sigma is 9; it must be"):
        draft.change(sigma=9)
    assert draft.recipe() == paper_recipe()


def test_settings_of_the_recipe_keep_its_name_as_in_the_shell():
    draft = Draft(paper_recipe())
    draft.change(shape=(64, 64), sigma=0.3)
    assert draft.recipe() == paper_recipe(shape=(64, 64), sigma=0.3)
    draft.rename("narrow")
    assert draft.recipe() == paper_recipe(name="narrow", shape=(64, 64), sigma=0.3)


def test_a_name_that_says_changed_is_not_too_long_for_a_file():
    draft = Draft(paper_recipe(name="x" * 64))
    slot_of(draft, Median).on = False
    assert len(draft.recipe().name) <= 64


def test_steps_of_any_order_and_number_keep_them():
    recipe = Recipe(name="own", steps=(Blur(), Moire(), Blur(focus_px=0.5)))
    draft = Draft(recipe)
    assert draft.recipe() == recipe
    assert sum(isinstance(slot.concept, Blur) for slot in draft.steps) == 2


def test_concepts_that_an_image_happens_not_to_show_are_known():
    draft = Draft(real_recipe(shape=(32, 32)))
    missing = {type(slot.concept) for slot in draft.missing(seed=0, index=0)}
    assert missing
    assert Blur not in missing
    for slot in draft.missing(seed=0, index=0):
        slot.on = False
    assert draft.missing(seed=0, index=0) == []
    a, b = (synthesise(r, seed=0).image for r in (draft.recipe(), real_recipe(shape=(32, 32))))
    assert (a == b).all()


def test_grains_are_counted_where_they_are_smallest():
    recipe = paper_recipe(shape=(100, 200), mean_diameter_px=(10.0, 50.0))
    assert Draft(recipe).grains == 200
    recipe = dataclasses.replace(recipe, fine_share=0.5, fine_ratio=0.5)
    assert Draft(recipe).grains == 100 + 400


def test_names_and_sliders_are_made_for_people():
    by_name = {(kind.__name__, s.name): s for kind in steps_by_name().values() for s in strengths(kind)}
    titles = {name: title(kind) for name, kind in steps_by_name().items()}
    assert titles["BendContours"] == "Bend contours"
    assert (titles["Moire"], titles["JpegBlocks"]) == ("Moiré", "JPEG blocks")
    assert words(by_name["Moire", "contrast_grey"]) == "contrast [grey]"
    assert words(by_name["Moire", "grain_share"]) == "grain share"
    assert words(by_name["ScaleBar", "image_share"]) == "share of images"
    variance, period, size = (
        by_name[key] for key in [("GaussianNoise", "variance"), ("Moire", "period_px"), ("Median", "size")]
    )
    assert (top_of(variance), decimals_of(variance)) == (0.05, 3)
    assert (top_of(period), decimals_of(period)) == (60.0, 1)
    assert (top_of(size), decimals_of(size)) == (31.0, 0)
