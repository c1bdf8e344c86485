"""Spheres cut by planes, with the shares that geometry gives, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from temgrains.statistics.labels import Labelled
from temgrains.statistics.report import Choices, describe
from temgrains.statistics.unfolding import peel, section_shares, unfold
from tessellations import random_cells

QUARTERS = np.linspace(0, 1, 5)
SHARES = [0.031754, 0.102220, 0.204588, 0.661438]


def test_shares_of_the_sections_of_one_sphere():
    np.testing.assert_allclose(section_shares(1, QUARTERS), SHARES, atol=1e-6)


def test_the_sections_of_one_sphere_are_put_back_into_one_class():
    np.testing.assert_allclose(peel(np.array(SHARES), QUARTERS), [0, 0, 0, 1], atol=1e-5)


def test_two_kinds_of_spheres_are_told_apart():
    # Twice as many small ones, but planes cut the large ones twice as often.
    sections = 2 * 0.5 * section_shares(0.5, QUARTERS) + section_shares(1, QUARTERS)
    np.testing.assert_allclose(peel(sections, QUARTERS), [0, 2, 0, 1], atol=1e-9)


def test_sections_of_equal_spheres_drawn_at_random(rng):
    diameters = np.sqrt(1 - (2 * rng.random(200_000) - 1) ** 2)
    assert diameters.mean() == pytest.approx(np.pi / 4, rel=0.01)
    found = unfold(diameters, specimen="section", classes=10)
    assert found.shares[-1] > 0.97
    assert found.mean == pytest.approx(0.95, abs=0.02)
    assert found.negative < 0.02
    assert found.shares.sum() == pytest.approx(1)


def test_a_film_is_refused_and_nothing_is_unfolded_unasked():
    with pytest.raises(ValueError, match="the specimen is a columnar film: grains reach through"):
        unfold(np.ones(9), specimen="film")
    labelled = Labelled.of(random_cells((80, 90), 12, 1), pixel_size=(1.0, 1.0))
    with pytest.raises(ValueError, match="leave unfolding out, or say that the specimen is a section"):
        describe(labelled, choices=Choices(unfold=True))
    assert describe(labelled).content["distribution"]["unfolded"] is None
    done = describe(labelled, choices=Choices(unfold=True, specimen="section")).content["distribution"]
    assert done["unfolded"]["mean"] > done["summary"]["mean"]


@pytest.mark.parametrize("wrong", [[], [1.0, np.nan], [0.0]])
def test_without_diameters_there_is_nothing_to_unfold(wrong):
    with pytest.raises(ValueError, match="unfolding needs diameters of whole grains, all above 0"):
        unfold(np.array(wrong), specimen="section")


def test_one_class_is_too_few():
    with pytest.raises(ValueError, match="classes is 1; it must be at least 2"):
        unfold(np.ones(3), specimen="section", classes=1)
