"""Strokes on closed networks: drawings with known answers, then the laws on random networks."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from networks import check_closed, closed, cross, random_network, tee, three_bands

from drawings import draw, show
from temgrains.boundaries import close
from temgrains.corrections import History, Operation, Stroke, corrected, redraw
from temgrains.corrections.redraw import apply_change
from temgrains.corrections.strokes import corners_of, operation_from_plain, raster
from temgrains.settings import BoundarySettings


def adding(*points, verb="draw"):
    return Operation(verb, (Stroke(tuple(points)),))


def erasing(*points):
    return Operation("erase", (Stroke(tuple(points), erase=True),))


def test_a_line_across_a_grain_divides_it():
    start = three_bands()
    change = redraw(start.labels, adding((7, 11), (7, 20)))
    assert change.born == (4,)
    assert change.gone == ()
    after = apply_change(start.labels, change)
    assert (after[7, 11:21] == 0).all()
    assert {*np.unique(after[:, 11:21])} == {0, 2, 4}
    check_closed(after)


def test_the_larger_part_keeps_the_number():
    start = three_bands()
    after = apply_change(start.labels, redraw(start.labels, adding((4, 11), (4, 20))))
    assert (after[5:, 15] == 2).all()
    assert (after[:4, 15] == 4).all()


def test_only_the_grain_that_is_cut_changes():
    start = three_bands()
    change = redraw(start.labels, adding((7, 11), (7, 20)))
    columns = change.where % start.labels.shape[1]
    assert columns.min() == 10, "where lines meet a pixel has one grain at its sides and is not needed"
    assert columns.max() == 21


def test_a_line_that_ends_in_a_grain_leaves_no_trace():
    start = three_bands()
    assert redraw(start.labels, adding((7, 11), (7, 17))).empty


def test_erasing_a_line_merges_its_grains():
    start = three_bands()
    change = redraw(start.labels, erasing((0, 10), (14, 10)))
    after = apply_change(start.labels, change)
    assert change.gone in {(2,), (1,)}
    assert (after[:, :21] == after[0, 0]).all()
    check_closed(after)


def test_erasing_one_pixel_merges_and_takes_the_rest_of_the_line():
    start = three_bands()
    after = apply_change(start.labels, redraw(start.labels, erasing((7, 10))))
    assert (after[:, :21] == after[0, 0]).all()


def test_erasing_where_there_is_no_line_changes_nothing():
    assert redraw(three_bands().labels, erasing((7, 3), (7, 6))).empty


def test_erasing_an_arm_of_a_crossing_leaves_the_other_three():
    start = cross()
    after = apply_change(start.labels, redraw(start.labels, erasing((10, 11), (10, 20))))
    check_closed(after)
    assert len(np.unique(after)) == 4
    assert (after[:10, 10] == 0).all()
    assert (after[11:, 10] == 0).all()


def test_a_line_is_moved_by_erasing_and_adding_at_once():
    start = three_bands()
    made = Operation("straighten", (Stroke(((0, 10), (14, 10)), erase=True), Stroke(((0, 7), (14, 7)))))
    change = redraw(start.labels, made)
    after = apply_change(start.labels, change)
    assert (change.born, change.gone) == ((), ())
    assert (after[:, 7] == 0).all()
    assert (after[:, 10] == 2).all()


def test_what_is_added_is_not_erased():
    start = three_bands()
    made = Operation("move", (Stroke(((0, 10), (14, 10)), erase=True), Stroke(((0, 10), (14, 10)))))
    assert redraw(start.labels, made).empty


def test_a_speck_is_swallowed_by_the_line():
    start = three_bands()
    change = redraw(start.labels, adding((7, 11), (8, 11), (9, 12), (9, 20)))
    after = apply_change(start.labels, change)
    check_closed(after)
    assert len(np.unique(after)) == 5, show(after == 0)


def test_a_lone_grain_inside_another_can_be_made_and_removed():
    start = closed(np.zeros((20, 20), bool))
    ring = adding((5, 5), (5, 12), (12, 12), (12, 5), (5, 5))
    made = apply_change(start.labels, redraw(start.labels, ring))
    check_closed(made)
    assert made[8, 8] == 2
    assert np.array_equal(apply_change(made, redraw(made, erasing((5, 8)))), start.labels)


def test_strokes_outside_the_image_are_ignored():
    start = three_bands()
    assert redraw(start.labels, adding((-9, -9), (-3, 40))).empty
    assert not redraw(start.labels, adding((7, -30), (7, 60))).empty


def test_an_erasing_stroke_beside_a_line_takes_it_with_slack():
    start = tee()
    beside = erasing((0, 22), (10, 22))
    assert redraw(start.labels, beside).empty
    after = apply_change(start.labels, redraw(start.labels, beside, slack_px=3))
    assert {*after[[0, 0, 24], [0, 40, 0]]} == {after[0, 0], 3}, "the line below is left"
    check_closed(after)


@pytest.mark.parametrize("slack", [0, 3])
def test_erasing_up_to_a_junction_merges_two_grains_and_not_three(slack):
    start = tee()
    to_the_line = erasing((6, 20), (11, 20))
    change = redraw(start.labels, to_the_line, slack_px=slack)
    assert len(change.gone) == 1
    assert apply_change(start.labels, change)[24, 0] == 3


def test_a_path_is_its_corners():
    path = raster([(0, 0), (3, 3), (3, 9), (8, 9)], (10, 10))
    assert len(corners_of(path)) == 4
    assert np.array_equal(raster(corners_of(path), (10, 10)), path)


def test_every_line_is_connected():
    assert show(raster_mask([(0, 0), (2, 6)], (3, 7))) == show(draw("##.....\n..###..\n.....##"))


def raster_mask(points, shape):
    mask = np.zeros(shape, bool)
    mask[tuple(raster(points, shape).T)] = True
    return mask


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Stroke(()), "points of two finite numbers"),
        (lambda: Stroke(((float("nan"), 1.0),)), "points of two finite numbers"),
        (lambda: Stroke(((0, 0),), width_px=0), "at most 100 px"),
        (lambda: Operation("paint", (Stroke(((0, 0),)),)), "one of draw, erase"),
        (lambda: Operation("draw", ()), "needs at least one"),
        (lambda: operation_from_plain({"verb": "draw"}), "this is no operation"),
        (lambda: operation_from_plain(3), "this is no operation"),
    ],
)
def test_what_is_no_operation_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_operations_survive_json():
    made = Operation("move", (Stroke(((1.5, 2), (3, 4)), 2.0, erase=True), Stroke(((0, 0),))), 12.5)
    assert operation_from_plain(made.to_plain()) == made


def random_operation(labels, rng):
    """Anything a hand might do, sensible or not."""
    height, width = labels.shape
    points = [(rng.uniform(-3, height + 3), rng.uniform(-3, width + 3)) for _ in range(rng.integers(1, 5))]
    if rng.random() < 0.5:
        line = np.argwhere(labels == 0)
        if len(line):
            points[0] = tuple(map(float, line[rng.integers(len(line))]))
    strokes = [Stroke(tuple(points), erase=bool(rng.random() < 0.5))]
    if rng.random() < 0.3:
        strokes.append(Stroke(tuple(points[::-1]), erase=not strokes[0].erase))
    return Operation("draw", tuple(strokes))


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1))
def test_laws_on_random_networks(seed):
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(8, 50)), int(rng.integers(8, 50)))
    history = History(random_network(shape, int(rng.integers(1, 12)), seed))
    before = [history.labels.copy()]
    for _ in range(6):
        operation = random_operation(history.labels, rng)
        change = history.do(operation, slack_px=float(rng.choice([0, 3])))
        check_closed(history.labels)
        known, left = ({*np.unique(labels)} - {0} for labels in (before[-1], history.labels))
        assert left - known == {*change.born}
        assert known - left == {*change.gone}
        before.append(history.labels.copy())
    for labels in reversed(before[:-1]):
        history.undo()
        assert np.array_equal(history.labels, labels)
    for labels in before[1:]:
        history.redo()
        assert np.array_equal(history.labels, labels)
    found = history.boundaries()
    assert np.array_equal(np.unique(found.labels[found.labels > 0]), np.arange(1, found.labels.max() + 1))
    assert np.array_equal(found.mask, history.labels == 0)


def test_replay_gives_what_the_hand_made():
    start = random_network((60, 60), 14, 1)
    rng = np.random.default_rng(4)
    history = History(start)
    for _ in range(10):
        history.do(random_operation(history.labels, rng))
    again = corrected(start, history.operations, slack_px=0)
    assert np.array_equal(again.labels, history.boundaries().labels)


def test_no_stroke_and_no_grain_reaches_into_an_excluded_part():
    state = np.zeros((20, 40), np.uint8)
    state[:, 10] = state[:, 21] = 255
    excluded = np.zeros(state.shape, bool)
    excluded[12:, 14:] = True
    start = close(state, settings=BoundarySettings(closing_radius_px=0), excluded=excluded)
    history = History(start)
    assert history.do(adding((6, 11), (6, 39))).born
    history.do(adding((16, 11), (16, 39)))
    history.do(erasing((0, 21), (19, 21)))
    found = history.boundaries()
    assert not found.labels[excluded].any()
    assert not found.mask[excluded].any()
    assert found.excluded is start.excluded
    assert np.array_equal(found.labels == 0, found.mask | excluded)


def test_a_line_that_closed_nothing_takes_part_when_a_later_one_touches_it():
    history = History(three_bands())
    assert history.do(adding((7, 11), (7, 15))).empty
    assert (history.sketch()[7, 11:16] == 0).all()
    change = history.do(adding((7, 15), (7, 20)))
    assert change.born == (4,)
    assert (history.labels[7, 11:21] == 0).all()
    check_closed(history.labels)
    history.undo()
    assert np.array_equal(history.labels, three_bands().labels)
    assert (history.sketch()[7, 11:16] == 0).all(), "it is loose again"


def test_a_line_that_closed_nothing_elsewhere_is_left_alone():
    history = History(three_bands())
    history.do(adding((2, 11), (2, 15)))
    change = history.do(adding((12, 11), (12, 20)))
    assert (change.where // 32).min() > 2
