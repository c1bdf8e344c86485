"""Curvature of boundaries: circles of known radius, straight lines, what must not change it."""

from __future__ import annotations

import numpy as np
import pytest

from temgrains.records import Grains
from temgrains.statistics.curvature import curvatures
from temgrains.statistics.field import Field
from temgrains.statistics.labels import labelled
from temgrains.statistics.network import Network
from temgrains.statistics.report import describe


def network(labels: np.ndarray, pixel_size: tuple[float, float] | None = None) -> Network:
    grains = Grains(labels.astype(np.int32), np.zeros(labels.max(), bool))
    return Network.of(Field.of(grains, pixel_size=pixel_size))


def disk(radius: float, *, centre: tuple[float, float] = (60.3, 60.8), size: int = 121) -> np.ndarray:
    rows, columns = np.indices((size, size))
    return 1 + (np.hypot(rows - centre[0], columns - centre[1]) < radius)


@pytest.mark.parametrize("radius", [8, 15, 25, 50])
def test_a_circle_has_one_over_its_radius(radius):
    (found,) = network(disk(radius)).curvatures
    assert found == pytest.approx(1 / radius, rel=0.01)


@pytest.mark.parametrize("radius", [30, 60, 120])
def test_an_arc_has_that_of_its_circle(radius):
    arcs = [network(disk(radius, centre=(-radius + deep, 60.4))).curvatures[0] for deep in range(25, 40)]
    assert np.mean(arcs) == pytest.approx(1 / radius, rel=0.05)


@pytest.mark.parametrize("degrees", [0, 17, 45, 60, 90])
def test_a_straight_line_has_none(degrees):
    rows, columns = np.indices((121, 121)) - 60.3
    turn = np.radians(degrees)
    halves = 1 + (rows * np.cos(turn) > columns * np.sin(turn))
    assert network(halves).curvatures[0] < 1 / 2000


def test_points_of_a_circle_give_it_exactly():
    turn = np.linspace(0, 1, 20)
    arc = 7 + 300 * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    assert curvatures(arc, np.array([0, 20])) == pytest.approx([1 / 300], rel=1e-6)


def test_it_is_in_the_unit_of_the_pixel_and_knows_pixels_that_are_not_square():
    (square,) = network(disk(25), (2.0, 2.0)).curvatures
    assert square == pytest.approx(1 / 50, rel=0.01)
    rows, columns = np.indices((121, 61))
    flat = 1 + (np.hypot(rows - 60.3, 2 * (columns - 30.4)) < 40)
    (stretched,) = network(flat, (0.5, 1.0)).curvatures
    assert stretched == pytest.approx(1 / 20, rel=0.02)


def test_short_boundaries_have_none_and_say_so():
    labels = np.ones((20, 20), int)
    labels[9:11, 9:11] = 2
    assert np.isnan(network(labels).curvatures).all()
    content = describe(labelled(labels)).content["network"]
    assert content["mean_curvature_per_px"] is None
    assert content["curvature_measured"] == 0
    assert len(network(np.ones((9, 9), int)).curvatures) == 0
