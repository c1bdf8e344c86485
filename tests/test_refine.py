"""Why a refinement stops, and that it can go back and on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from temgrains.edges import find_edges
from temgrains.models import Model, make_model
from temgrains.networks import GuessNet, PaperNet1, SightedPair
from temgrains.records import BoundaryMap, Cancelled, Iterate, Micrograph, Pins
from temgrains.refine import PoorGuessWarning, measure_change, refine
from temgrains.settings import RefineSettings
from temgrains.sight import Sight


class Rule(torch.nn.Module):
    """A refiner whose course is known: ``rule`` maps a state in 0..255 to the next one."""

    channels, ceiling, halo, channels_last = 1, 1.0, 16, False

    def __init__(self, rule):
        super().__init__()
        self.rule = rule

    def forward(self, x):
        return self.rule(x).clamp(0, 255) / 255


def model_of(rule, criterion="paper"):
    return Model("rule", {"criterion": criterion}, PaperNet1(), Rule(rule))


START = BoundaryMap(np.full((32, 48), 100, np.uint8))


def course(rule, *, criterion="paper", start=START, **settings):
    return list(refine(start, model=model_of(rule, criterion), settings=RefineSettings(**settings)))


def test_fixed_point():
    (only,) = course(lambda x: x)
    assert (only.index, only.change, only.stopped) == (1, 0.0, "fixed point")


def test_converged_when_the_change_is_at_most_the_threshold():
    states = course(lambda x: x + (255 - x) // 2, threshold=0.05)
    # 100, 177, 216, 235, 245: changes of 77, 39, 19, 10 grey levels
    assert [s.state[0, 0] for s in states] == [177, 216, 235, 245]
    assert [s.change for s in states] == pytest.approx([77 / 255, 39 / 255, 19 / 255, 10 / 255])
    assert [s.stopped for s in states] == [None, None, None, "converged"]


def test_cycle_of_two_is_noticed():
    states = course(lambda x: 255 - x, threshold=0.01)
    assert [s.state[0, 0] for s in states] == [155, 100]
    assert states[-1].stopped == "cycle"


@pytest.mark.parametrize(
    ("rule", "criterion", "end"),
    [(lambda x: (x + 60) % 240, "paper", "cycle"), (lambda x: x + 10, "reference", "cap")],
)
def test_going_on_from_all_iterates_is_as_if_never_paused(rule, criterion, end):
    model, settings = model_of(rule, criterion), RefineSettings(threshold=0.0, max_iterations=6)
    whole = list(refine(START, model=model, settings=settings))
    assert whole[-1].stopped == end
    known = [Iterate(0, START.grey), *whole[:2]]
    rest = list(refine(known, model=model, settings=settings))
    assert [(s.index, s.change, s.stopped) for s in rest] == [
        (s.index, s.change, s.stopped) for s in whole[2:]
    ]


def test_no_iterate_to_go_on_from():
    with pytest.raises(ValueError, match="no iterate to go on from"):
        next(refine([], model=model_of(lambda x: x)))


def test_cap():
    states = course(lambda x: x + 10, threshold=0.0, max_iterations=4)
    assert [s.index for s in states] == [1, 2, 3, 4]
    assert states[-1].stopped == "cap"


def test_reference_criterion_counts_increases_only_against_the_guess_s_maximum():
    def falls(x):
        return x - 20

    assert course(falls, criterion="reference")[0].stopped == "converged"
    assert course(falls, criterion="paper")[0].change == pytest.approx(20 / 255)
    assert course(lambda x: x + 20, criterion="reference")[0].change == pytest.approx(20 / 100)


def test_setting_overrides_the_model_s_criterion():
    assert course(lambda x: x - 20, criterion="reference", **{"max_iterations": 1})[0].stopped == "converged"
    states = list(
        refine(
            START,
            model=model_of(lambda x: x - 20, "reference"),
            settings=RefineSettings(criterion="paper", max_iterations=1),
        )
    )
    assert states[0].stopped == "cap"


def test_goes_on_from_any_iterate():
    def rule(x):
        return x + (255 - x) // 2

    whole = course(rule, threshold=0.02)
    rest = course(rule, threshold=0.02, start=whole[1])
    assert [(s.index, s.stopped) for s in rest] == [(s.index, s.stopped) for s in whole[2:]]
    assert all(np.array_equal(a.state, b.state) for a, b in zip(rest, whole[2:], strict=True))


def test_nothing_is_done_at_the_cap():
    assert course(lambda x: x, start=Iterate(5, START.grey), max_iterations=5) == []


def test_more_than_forty_iterations_warn_of_a_poor_guess():
    with pytest.warns(PoorGuessWarning, match="more than 40 iterations"):
        states = course(lambda x: (x + 1) % 256, threshold=0.0, max_iterations=43)
    assert len(states) == 43


def test_progress_can_cancel_between_passes():
    def cancel(stage, done, total):
        if stage == "refine" and done == 2:
            raise Cancelled

    states = refine(START, model=model_of(lambda x: x + 1), progress=cancel)
    assert next(states).index == 1
    assert next(states).index == 2
    with pytest.raises(Cancelled):
        next(states)


def test_change_of_unsigned_states_does_not_wrap():
    old, new = np.array([[0, 255]], np.uint8), np.array([[255, 0]], np.uint8)
    assert measure_change(old, new) == 1.0
    assert measure_change(old, new, one_sided=True) == 0.5


def test_guess_is_not_changed():
    before = START.grey.copy()
    course(lambda x: x + 3, max_iterations=3)
    assert np.array_equal(START.grey, before)


@pytest.fixture(scope="module")
def seeing():
    """Give a pair of refiners with random weights, a film's edges, and a guess."""
    torch.manual_seed(3)
    model = make_model("pair", GuessNet((8, 8, 8, 8)), SightedPair(), criterion="paper")
    rng = np.random.default_rng(4)
    edges = find_edges(Micrograph(rng.random((48, 80), np.float32)))
    return model, edges, BoundaryMap(rng.integers(0, 256, (48, 80), np.uint8))


def first_pass(model, start, **how):
    return next(refine(start, model=model, precision="float32", **how)).state


def test_a_refiner_that_sees_pools_the_mean_of_all_views_with_the_guess(seeing):
    model, edges, start = seeing
    sights = [Sight.of(edges, number) for number in (0, 1, 6)]
    alone = []
    for sight in sights:
        image = sight.beside(sight.see(start.grey), sight.see(start.grey))
        with torch.inference_mode():
            answer = model.net2.sighted(torch.from_numpy(image)[None].float())[0, 0].numpy()
        alone.append(sight.back(answer, (48, 80)))
    found = first_pass(model, start, sights=sights)
    answer, guess = np.mean(alone, axis=0).astype(float), start.grey.clip(1, 254) / 255
    odds = (answer / (1 - answer) * guess / (1 - guess)) ** 0.7
    assert np.abs(found - 255 * odds / (1 + odds)).max() <= 0.51
    assert not np.array_equal(found, first_pass(model, start, sights=sights[:1]))


@pytest.mark.parametrize("guided", [True, False])
def test_without_a_view_or_a_guess_it_goes_by_what_there_is(seeing, guided):
    model, edges, start = seeing
    known = np.full((48, 80), 255 * guided, np.uint8)
    image = np.stack([start.grey, start.grey if guided else known, known])
    with torch.inference_mode():
        answer = model.net2.guided(torch.from_numpy(image)[None].float())[0, 0].numpy()
    sights = [] if guided else [Sight.of(edges)]
    found = first_pass(model, start, sights=sights, settings=RefineSettings(guided=guided))
    assert np.abs(found - 255 * answer).max() <= 0.51


def test_pins_hold_while_it_sees(seeing):
    model, edges, start = seeing
    pins = Pins(np.zeros((48, 80), np.bool_), np.zeros((48, 80), np.bool_))
    pins.boundary[10], pins.grain[30] = True, True
    state = first_pass(model, start, sights=[Sight.of(edges, 3)], pins=pins)
    assert (state[10] == 255).all()
    assert (state[30] == 0).all()


def test_progress_of_all_views_is_that_of_one_pass(seeing):
    model, edges, start = seeing
    told = []
    sights = [Sight.of(edges, number) for number in (0, 1)]
    first_pass(model, start, sights=sights, progress=lambda *step: told.append(step))
    passes = [(done, of) for stage, done, of in told if stage == "pass"]
    assert passes[0] == (0, 2)
    assert passes[-1] == (2, 2)
