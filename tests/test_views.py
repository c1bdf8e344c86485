"""The vote of views of several sizes."""

from __future__ import annotations

import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch

from temgrains import models
from temgrains.edges import find_edges
from temgrains.guess import guess
from temgrains.micrograph import from_array
from temgrains.models import make_model
from temgrains.networks import GuessNet, GuidedNet, SightedPair
from temgrains.pipeline import analyse, iterates_of, update
from temgrains.pipeline.scale import resampled
from temgrains.pipeline.views import EdgePyramid, at_shape, guess_of
from temgrains.records import Cancelled
from temgrains.settings import EdgeSettings, GuessSettings, RefineSettings, Settings
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
    assert {stage for stage, _, _ in seen} == {"edges", "guess"}
    shares = [done / total for stage, done, total in seen if stage == "guess"]
    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.fixture(scope="module")
def seeing():
    """Give small networks with random weights, of which the refiner looks at three views of three sizes."""
    torch.manual_seed(2)
    about = {"members": 3, "zoom": ZOOM}
    return make_model("seeing", GuessNet((8, 8, 8, 8)), SightedPair(), criterion="paper", about=about)


FEW = Settings(guess=GuessSettings(scale=1), refine=RefineSettings(max_iterations=2))


class Searches:
    """Counts by their progress how often edges were searched."""

    def __init__(self):
        self.count = 0

    def __call__(self, stage, done, total):
        self.count += stage == "edges" and done == total


def test_an_analysis_searches_the_edges_of_each_size_once(seeing, edges):
    searches = Searches()
    analysis = analyse(from_array(edges.grey), model=seeing, settings=FEW, progress=searches)
    assert analysis.iterates[-1].index == 2
    assert searches.count == 3, "as it is, reduced, enlarged"
    for stale in (
        replace(FEW, guess=replace(FEW.guess, tile_px=512)),
        replace(FEW, refine=RefineSettings(max_iterations=1)),
    ):
        searches = Searches()
        again = update(analysis, model=seeing, settings=stale, progress=searches)
        assert searches.count == 2, "at its own size they are known"
        assert np.array_equal(again.iterates[1].state, analysis.iterates[1].state)


def test_guess_and_refinement_are_the_same_from_what_they_share(seeing, edges):
    pyramid = EdgePyramid(edges)
    start = guess_of(pyramid, model=seeing)
    assert np.array_equal(start.grey, guess_of(edges, model=seeing).grey)

    def states(seen):
        return [step.state for step in iterates_of(start, model=seeing, settings=FEW, edges=seen)]

    shared, fresh = states(pyramid), states(edges)
    assert len(shared) == 2
    assert np.array_equal(shared, fresh)
    assert not np.array_equal(shared, states(None)), "what it looks at matters"
    known = EdgePyramid(edges)
    for zoom in (1 / ZOOM, ZOOM):
        known.at(zoom).maps[:] = 0
    assert not np.array_equal(shared, states(known)), "it looks at what the pyramid holds"


def test_a_pyramid_finds_what_the_detectors_find_at_that_size(edges):
    settings = EdgeSettings(canny_sigma_px=2)
    pyramid = EdgePyramid(edges, settings)
    assert pyramid.at(1) is edges
    found = pyramid.at(ZOOM)
    wanted = find_edges(resampled(from_array(edges.grey), ZOOM), settings=settings)
    assert np.array_equal(found.maps, wanted.maps)
    assert np.array_equal(found.grey, wanted.grey)
    assert pyramid.at(ZOOM) is found
    with pytest.raises(ValueError, match="edges without the grey image have no other size"):
        EdgePyramid(replace(edges, grey=None)).at(ZOOM)


def test_a_cancelled_search_leaves_the_pyramid_as_it_was(edges):
    def cancel(_stage, done, _total):
        if done == 2:
            raise Cancelled

    pyramid, searches = EdgePyramid(edges), Searches()
    with pytest.raises(Cancelled):
        pyramid.at(ZOOM, cancel)
    whole = EdgePyramid(edges).at(ZOOM)
    assert np.array_equal(pyramid.at(ZOOM, searches).maps, whole.maps)
    assert searches.count == 1


def test_other_sizes_are_held_no_longer_than_the_refinement(seeing, edges):
    pyramid = EdgePyramid(edges)
    start = guess_of(pyramid, model=seeing)
    steps = iterates_of(start, model=seeing, settings=FEW, edges=pyramid)
    held = weakref.ref(pyramid.at(ZOOM).maps)
    del pyramid
    next(steps)
    assert held() is not None
    assert len(list(steps)) == 1
    assert held() is None


@pytest.mark.parametrize("wrong", [0.5, 3, "large"])
def test_a_card_with_another_zoom_is_refused(model, wrong):
    with pytest.raises(models.ModelError, match=r"zoom .* must be a number from 1 to 2"):
        models.card.check_card({**model.card, "zoom": wrong}, "here")
