"""How sure segments and grains are: drawings with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from temgrains import models, pipeline
from temgrains.boundaries import close
from temgrains.micrograph import from_array
from temgrains.pipeline.confidence import calibrated, drawn, of_grains, rated, sure_part
from temgrains.settings import BoundarySettings, Settings
from temgrains.synthesis import paper_recipe, synthesise


@pytest.fixture
def three():
    """Give three grains side by side, the first line sure, the second not."""
    grey = np.zeros((40, 90), np.uint8)
    grey[:, 29:32], grey[:, 59:62] = 255, 128
    return close(grey), grey


def test_segments_have_the_mean_of_the_guess(three):
    graph = rated(*three, {})
    assert graph.confidence[np.argsort(graph.grains[:, 0])] == pytest.approx([1, 0.5], abs=0.01)


def test_grains_have_the_mean_of_their_outline(three):
    graph = rated(*three, {})
    assert of_grains(graph, 3) == pytest.approx([1, 0.75, 0.5], abs=0.01)


def test_a_grain_without_a_line_has_no_confidence():
    alone = close(np.zeros((20, 20), np.uint8))
    assert np.isnan(of_grains(rated(alone, np.zeros((20, 20), np.uint8), {}), 1)).all()


def test_the_card_sets_the_scale(three):
    graph = rated(*three, {"confidence": [-1.0, 2.0]})
    unsure = graph.confidence[np.argmax(graph.grains[:, 0])]
    assert unsure == pytest.approx(1 / (1 + np.exp(1)), abs=0.01)
    assert np.all(np.diff(calibrated(np.linspace(0, 1, 20), -1.0, 2.0)) >= 0)


def test_the_drawing_shows_it_along_the_lines(three):
    boundaries, grey = three
    image = drawn(rated(boundaries, grey, {}), grey.shape)
    assert np.array_equal(np.isfinite(image), boundaries.mask)
    assert np.nanmax(image[:, :45]) == pytest.approx(1, abs=0.01)


def test_the_table_has_it_whatever_the_pixel_size():
    image = synthesise(paper_recipe(shape=(96, 160)), seed=4).image
    analysis = pipeline.analyse(from_array(image), model="paper")
    sure = analysis.sizes.table["confidence"]
    assert sure.between(0, 1).all()
    scaled = pipeline.with_pixel_size(analysis, (2.0, 2.0))
    assert scaled.sizes.table["confidence"].equals(sure)


def test_grains_that_are_not_sure_enough_are_left_out(three):
    boundaries, grey = three
    kept, sure = sure_part(boundaries, grey, {}, least=0.6)
    assert kept.labels.max() == 2
    assert kept.excluded[:, 65:].all()
    assert not kept.excluded[:, :59].any()
    assert np.array_equal(kept.mask, boundaries.mask)
    assert sure == pytest.approx([1, 0.75], abs=0.01)
    assert sure_part(boundaries, grey, {}, least=0.0)[0] is boundaries


def test_where_nothing_is_sure_everything_is_left_out(three):
    boundaries, grey = three
    kept, _ = sure_part(boundaries, grey // 4, {}, least=0.9)
    assert kept.excluded.all()
    assert kept.labels.max() == 0
    settings = Settings(boundaries=BoundarySettings(least_confidence=1.0))
    image = synthesise(paper_recipe(shape=(96, 160)), seed=4).image
    analysis = pipeline.analyse(from_array(image), model="paper", settings=settings)
    assert analysis.grains.count == 0
    assert analysis.sizes.table.empty


def test_a_card_with_another_scale_is_refused():
    card = models.load("paper").card
    with pytest.raises(models.ModelError, match="confidence 'much' must be the offset and the slope"):
        models.card.check_card({**card, "confidence": "much"}, "here")
