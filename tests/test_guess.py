"""The guess: what the network sees, and the vote of several views."""

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
from temgrains.records import EdgeMaps
from temgrains.settings import GuessSettings
from temgrains.synthesis import paper_recipe, synthesise


@pytest.fixture(scope="module")
def model():
    """Give the default networks with random weights: what is tested holds for any."""
    torch.manual_seed(1)
    about = {"members": 4}
    return make_model("random", GuessNet(), GuidedNet(), criterion="paper", about=about)


@pytest.fixture(scope="module")
def edges():
    return find_edges(from_array(synthesise(paper_recipe(shape=(96, 160)), seed=1).image))


def mirrored(edges: EdgeMaps) -> EdgeMaps:
    return EdgeMaps(edges.maps[..., ::-1].copy(), edges.grey[:, ::-1].copy())


def test_four_views_give_a_mirrored_image_a_mirrored_guess(model, edges):
    one = guess(edges, model=model).grey
    other = guess(mirrored(edges), model=model).grey
    assert np.abs(one[:, ::-1].astype(int) - other).max() <= 1
    alone = GuessSettings(members=1)
    one = guess(edges, model=model, settings=alone).grey
    other = guess(mirrored(edges), model=model, settings=alone).grey
    assert np.abs(one[:, ::-1].astype(int) - other).max() > 1


def test_eight_views_give_a_transposed_image_a_transposed_guess(model, edges):
    all_views = GuessSettings(members=8)
    turned = EdgeMaps(edges.maps.swapaxes(1, 2).copy(), edges.grey.T.copy())
    one, other = (guess(e, model=model, settings=all_views).grey for e in (edges, turned))
    assert np.abs(one.T.astype(int) - other).max() <= 1


def test_tiles_change_nothing(model):
    large = find_edges(from_array(synthesise(paper_recipe(shape=(544, 416)), seed=2).image))
    whole, tiled = (
        guess(large, model=model, settings=GuessSettings(members=1, tile_px=px)).grey for px in (1024, 256)
    )
    assert np.array_equal(whole, tiled)


def test_progress_runs_once_through_all_views(model, edges):
    seen = []
    guess(edges, model=model, progress=lambda *step: seen.append(step))
    assert seen[-1] == ("guess", 4, 4)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_gain_and_offset_do_not_matter(model, edges):
    image = synthesise(paper_recipe(shape=(96, 160)), seed=1).image.astype(np.float32)
    other = find_edges(from_array(image * 37.5 + 1200))
    assert np.abs(guess(edges, model=model).grey.astype(int) - guess(other, model=model).grey).max() <= 2


def test_edges_without_their_image_are_refused(model, edges):
    with pytest.raises(ValueError, match="looks at the grey image too; find the edges with find_edges"):
        guess(replace(edges, grey=None), model=model)
    assert guess(replace(edges, grey=None), model="paper").grey.shape == (96, 160)


@pytest.mark.parametrize("wrong", [0, 9, 2.5, "four"])
def test_a_card_with_another_number_of_members_is_refused(model, wrong):
    with pytest.raises(models.ModelError, match=r"members .* must be a whole number from 1 to 8"):
        models.card.check_card({**model.card, "members": wrong}, "here")
