"""The vote of views of several sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from temgrains import models
from temgrains.edges import find_edges
from temgrains.guess import guess
from temgrains.micrograph import from_array
from temgrains.models import make_model
from temgrains.networks import GuessNet, GuidedNet
from temgrains.pipeline.scale import resampled
from temgrains.pipeline.views import at_shape, guess_of
from temgrains.settings import GuessSettings, Settings
from temgrains.synthesis import paper_recipe, synthesise

ZOOM = 1.5


@pytest.fixture(scope="module")
def model():
    """Give the default networks with random weights: what is tested holds for any."""
    torch.manual_seed(1)
    return make_model("random", GuessNet(), GuidedNet(), criterion="paper", about={"members": 3})


@pytest.fixture(scope="module")
def edges():
    return find_edges(from_array(synthesise(paper_recipe(shape=(96, 160)), seed=1).image))


def zoomed(**guess_settings):
    return Settings(guess=GuessSettings(**{"zoom": ZOOM, **guess_settings}))


def test_without_a_zoom_the_views_are_those_of_the_guess(model, edges):
    assert model.zoom == 1
    assert np.array_equal(guess_of(edges, model=model).grey, guess(edges, model=model).grey)


def test_one_view_in_three_is_smaller_and_one_larger(model, edges):
    first = guess(edges, model=model, views=[0]).grey
    assert np.array_equal(guess_of(edges, model=model, settings=zoomed(), views=[0]).grey, first)
    alone = [first]
    for view, factor in ((1, 1 / ZOOM), (2, ZOOM)):
        film = resampled(from_array(edges.grey), factor)
        seen = guess(find_edges(film), model=model, views=[view]).grey
        alone.append(at_shape(seen, first.shape))
        found = guess_of(edges, model=model, settings=zoomed(), views=[view]).grey
        assert np.array_equal(found, alone[-1])
    vote = guess_of(edges, model=model, settings=zoomed()).grey
    assert np.abs(vote - np.mean(alone, axis=0)).max() <= 0.5
    assert not np.array_equal(vote, guess(edges, model=model).grey)


def test_the_card_asks_for_a_zoom_and_the_settings_overrule_it(model, edges):
    asking = replace(model, card={**model.card, "zoom": ZOOM})
    wanted = guess_of(edges, model=model, settings=zoomed()).grey
    assert np.array_equal(guess_of(edges, model=asking).grey, wanted)
    plain = guess_of(edges, model=asking, settings=zoomed(zoom=1.0)).grey
    assert np.array_equal(plain, guess(edges, model=model).grey)


def test_what_is_too_small_or_has_no_grey_is_seen_at_its_size(model, edges):
    small = find_edges(from_array(synthesise(paper_recipe(shape=(16, 160)), seed=2).image))
    found = guess_of(small, model=model, settings=zoomed()).grey
    assert np.array_equal(found, guess(small, model=model).grey)
    bare = replace(edges, grey=None)
    found = guess_of(bare, model=models.load("paper"), settings=zoomed(members=3)).grey
    assert np.array_equal(found, guess(bare, model="paper", views=[0, 1, 2]).grey)


def test_progress_runs_once_through_all_sizes(model, edges):
    seen = []
    guess_of(edges, model=model, settings=zoomed(members=4), progress=lambda *step: seen.append(step))
    assert {stage for stage, _, _ in seen} == {"guess"}
    shares = [done / total for _, done, total in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize("wrong", [0.5, 3, "large"])
def test_a_card_with_another_zoom_is_refused(model, wrong):
    with pytest.raises(models.ModelError, match=r"zoom .* must be a number from 1 to 2"):
        models.card.check_card({**model.card, "zoom": wrong}, "here")
