"""The working scale: images come to the sizes that the model knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from skimage.transform import resize

from temgrains import models, pipeline
from temgrains.micrograph import from_array
from temgrains.models import make_model
from temgrains.pipeline.scale import working_scale
from temgrains.settings import GuessSettings, Settings
from temgrains.synthesis import paper_recipe, synthesise


@pytest.fixture(scope="module")
def fussy():
    paper = models.load("paper")
    return make_model("fussy", paper.net1, paper.net2, criterion="paper", about={"grains_px": [35, 70]})


@pytest.fixture(scope="module")
def image():
    return synthesise(paper_recipe(shape=(192, 256), mean_diameter_px=(48.0, 48.0)), seed=3).image


def test_an_image_that_suits_stays_as_it_is(fussy, image):
    assert working_scale(from_array(image), fussy, Settings()) == 1.0


def test_an_enlarged_image_comes_back_to_size(fussy, image):
    large = resize(image, (768, 1024), order=1, preserve_range=True).astype(np.uint8)
    scale = working_scale(from_array(large), fussy, Settings())
    assert 0.12 < scale < 0.5
    edges = pipeline.edges_of(from_array(large), model=fussy)
    assert edges.maps.shape[1:] == (round(768 * scale), round(1024 * scale))


def test_a_model_without_wishes_and_a_fixed_scale_are_obeyed(fussy, image):
    assert working_scale(from_array(image), models.load("paper"), Settings()) == 1.0
    fixed = replace(Settings(), guess=GuessSettings(scale=0.5))
    assert pipeline.edges_of(from_array(image), model=fussy, settings=fixed).maps.shape == (3, 96, 128)
    assert pipeline.edges_of(from_array(image)).maps.shape == (3, 192, 256)


def test_an_image_without_grains_has_a_scale_all_the_same(fussy):
    scale = working_scale(from_array(np.full((64, 64), 7, np.uint8)), fussy, Settings())
    assert 0.1 <= scale <= 4


def test_results_have_the_shape_of_the_image(fussy, image):
    large = resize(image, (384, 512), order=1, preserve_range=True).astype(np.uint8)
    analysis = pipeline.analyse(from_array(large), model=fussy)
    assert analysis.boundaries.mask.shape == (384, 512)
    assert analysis.provenance["working_shape"] != [384, 512]
    other = pipeline.analysis.stale_stage(analysis, model="paper", settings=Settings())
    assert other == "edges"


@pytest.mark.parametrize("wrong", [[1], "40", [40, "x"]])
def test_a_card_with_other_sizes_is_refused(fussy, wrong):
    with pytest.raises(models.ModelError, match=r"grains_px .* must be the least and the largest"):
        models.card.check_card({**fussy.card, "grains_px": wrong}, "here")


def test_a_card_closes_in_a_known_way(fussy):
    assert fussy.closing == "gaps"
    with pytest.raises(models.ModelError, match="closing 'tight' must be gaps or support"):
        models.card.check_card({**fussy.card, "closing": "tight"}, "here")
