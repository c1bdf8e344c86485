"""Pins of corrections, in the refinement; and the ledger."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import torch
from networks import three_bands
from torch import nn

from temgrains import models
from temgrains.corrections import Operation, Stroke, corrected, ledger, pins_of, verbs
from temgrains.corrections.ledger import in_words
from temgrains.networks import PaperNet1, PaperNet2
from temgrains.records import BoundaryMap, Pins
from temgrains.refine import refine
from temgrains.settings import RefineSettings

LABELS = three_bands().labels


class Forgetting(PaperNet2):
    """A second network that halves every state: nothing stays that is not pinned."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :1] / 2


class Spreading(PaperNet2):
    """A second network that lets boundary grow by one pixel to all sides."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (nn.functional.max_pool2d(x[:, :1], 3, stride=1, padding=1) > 0).float()


def model_of(net2):
    made = models.make_model("drawn", PaperNet1(), models.load("paper").net2, criterion="paper")
    object.__setattr__(made, "net2", net2)
    return made


def pins(shape=(32, 48)):
    boundary, grain = np.zeros(shape, bool), np.zeros(shape, bool)
    boundary[:, 10] = True
    grain[:, 30] = True
    return Pins(boundary, grain)


def test_pins_hold_at_every_iteration():
    state = np.zeros((32, 48), np.uint8)
    state[:, 30] = 200
    settings = RefineSettings(max_iterations=4, threshold=0)
    states = [
        i.state
        for i in refine(BoundaryMap(state), model=model_of(Forgetting()), settings=settings, pins=pins())
    ]
    assert states
    for found in states:
        assert (found[:, 10] == 255).all()
        assert (found[:, 30] == 0).all()


def test_pins_hold_in_the_state_that_is_started_from():
    settings = RefineSettings(max_iterations=1)
    start = BoundaryMap(np.zeros((32, 48), np.uint8))
    (first,) = refine(start, model=model_of(Spreading()), settings=settings, pins=pins())
    assert (first.state[:, 9:12] == 255).all(), "the pinned line was seen by the network"


def test_without_pins_nothing_is_different():
    rng = np.random.default_rng(0)
    start = BoundaryMap(rng.integers(0, 255, (32, 48)).astype(np.uint8))
    settings = RefineSettings(max_iterations=3)
    none = np.zeros((32, 48), bool)
    plain, pinned = (
        [i.state for i in refine(start, model="paper", settings=settings, pins=given)]
        for given in (None, Pins(none, none))
    )
    assert np.array_equal(plain, pinned)


def test_pins_of_another_shape_are_refused():
    start = BoundaryMap(np.zeros((32, 50), np.uint8))
    with pytest.raises(ValueError, match=r"pins have the shapes \(32, 48\).*the state \(32, 50\)"):
        next(refine(start, model=model_of(Forgetting()), pins=pins()))


def test_what_is_drawn_is_pinned_three_pixels_wide():
    operations = [verbs.draw(LABELS, [(7, 11), (7, 20)])]
    found = pins_of(operations, corrected(three_bands(), operations).mask, LABELS.shape)
    assert found.boundary[6:9, 12:20].all()
    assert not found.boundary[[4, 10]].any()
    assert not found.grain.any()


def test_what_is_erased_is_pinned_except_beside_lines_that_stay():
    operations = [verbs.erase(LABELS, (7, 10))]
    found = pins_of(operations, corrected(three_bands(), operations).mask, LABELS.shape)
    assert found.grain[:, 8:13].all()
    assert not found.grain[:, 18:].any()
    assert not found.boundary.any()


def test_what_was_drawn_over_an_erased_line_is_boundary():
    back = Operation("draw", (Stroke(((0, 10), (14, 10))),))
    operations = [verbs.erase(LABELS, (7, 10)), back]
    found = pins_of(operations, corrected(three_bands(), operations).mask, LABELS.shape)
    assert found.boundary[:, 10].all()
    assert not (found.grain & found.boundary).any()


@pytest.mark.parametrize("shape", [(8, 16), (30, 64), (22, 48)])
def test_pins_at_another_working_scale(shape):
    operations = [verbs.draw(LABELS, [(7, 11), (7, 20)])]
    found = pins_of(operations, corrected(three_bands(), operations).mask, shape)
    assert found.boundary.shape == found.grain.shape == shape
    assert found.boundary[round(7 * shape[0] / 15), round(15 * shape[1] / 32)]
    assert 0 < found.boundary.mean() < 0.2


def test_the_ledger_counts_lengths_and_time():
    times = (1000, 1010, 5000)
    operations = [
        verbs.at_time(operation, seconds)
        for operation, seconds in zip(
            (
                Operation("draw", (Stroke(((7, 11), (7, 20))),)),
                verbs.erase(LABELS, (7, 10)),
                verbs.accept(LABELS, (7, 21)),
            ),
            times,
            strict=True,
        )
    ]
    found = ledger(operations)
    assert found.operations == 3
    assert found.by_verb == {"draw": 1, "erase": 1, "accept": 1}
    assert (found.added_px, found.removed_px) == (9, 14)
    assert found.minutes == pytest.approx(70 / 60), "a break counts as a minute"
    assert (found.added_nm, found.removed_nm) == (None, None)
    assert ledger([]).operations == 0


def test_the_ledger_knows_nanometres_and_puts_them_into_words():
    draw = verbs.at_time(Operation("draw", (Stroke(((0, 0), (3, 4), (3, 10))),)), 100)
    erase = verbs.at_time(Operation("erase", (Stroke(((0, 0), (0, 20)), erase=True),)), 112)
    assert ledger([draw, erase], (0.5, 0.5)).added_nm == pytest.approx(5.5)
    found = ledger([draw, erase], (2.0, 0.5))
    assert found.added_nm == pytest.approx(np.hypot(6, 2) + 3)
    assert found.removed_nm == pytest.approx(10)
    assert in_words(asdict(found)) == "11 px = 9.32 nm drawn, 20 px = 10.0 nm erased, 12 s"
    assert in_words(asdict(ledger([draw]))) == "11 px drawn, 0 px erased"
    long = {"added_px": 4e4, "added_nm": 2e4, "removed_px": 0.0, "removed_nm": 0.0}
    assert in_words({**long, "minutes": 1.5}) == "40000 px = 20.0 µm drawn, 0 px erased, 1.5 min"
    assert in_words({**long, "minutes": 12.4}).endswith(", 12 min")
    assert in_words({**long, "minutes": 0.001}).endswith(", less than 1 s")
