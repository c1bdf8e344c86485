"""Verbs: what one click or two do to drawn networks, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from networks import check_closed, closed, random_network, tee, three_bands
from scipy import ndimage

from temgrains.corrections import History, trace, verbs
from temgrains.corrections.gaps import propose
from temgrains.corrections.paths import LazyEvidence, Wire, evidence_of, joined
from temgrains.corrections.strokes import raster
from temgrains.corrections.verbs import Impossible
from temgrains.records import EdgeMaps


def done(start, operation):
    history = History(start)
    change = history.do(operation)
    check_closed(history.labels)
    return history.labels, change


def test_drawing_joins_lines_that_are_near():
    labels, change = done(three_bands(), verbs.draw(three_bands().labels, [(7, 14), (7, 18)]))
    assert change.born == (4,)
    assert (labels[7, 11:21] == 0).all()


def test_an_end_that_is_far_from_any_line_is_left_open():
    operation = verbs.draw(three_bands().labels, [(7, 14), (7, 18)], join_px=1)
    assert done(three_bands(), operation)[1].empty
    assert operation.strokes[0].points == ((7, 14), (7, 18))


def test_drawing_joins_the_image_border():
    labels, change = done(three_bands(), verbs.draw(three_bands().labels, [(2, 15), (12, 15)]))
    assert len(change.born) == 1
    assert (labels[:, 15] == 0).all()


def test_splitting_goes_through_the_whole_grain():
    labels, change = done(three_bands(), verbs.split(three_bands().labels, (7, 14), (7, 16)))
    assert change.born == (4,)
    assert (labels[7, 11:21] == 0).all()
    assert (labels[7, :10] == 1).all()


def test_splitting_at_an_angle():
    labels, change = done(three_bands(), verbs.split(three_bands().labels, (9, 14), (5, 17)))
    assert len(change.born) == 1
    assert len(np.unique(labels)) == 5


def test_erasing_merges_the_two_grains_of_the_segment():
    start = tee()
    labels, change = done(start, verbs.erase(start.labels, (5, 21)))
    assert len(change.gone) == 1
    assert labels[3, 3] == labels[3, 38]
    assert labels[20, 20] == 3


def test_merging_takes_all_boundary_that_two_grains_share():
    mask = np.zeros((21, 31), bool)
    mask[:, 15] = True
    mask[8:13, 12:19] = True
    mask[9:12, 13:18] = False
    start = closed(mask)
    labels, change = done(start, verbs.merge(start.labels, (10, 3), (10, 28)))
    assert len(change.gone) == 1
    assert len(np.unique(labels)) == 3, "the lone grain in the middle is left"


def test_straightening():
    mask = np.zeros((31, 41), bool)
    rows = np.arange(31)
    mask[rows, 20 - np.rint(6 * np.sin(rows * np.pi / 30)).astype(int)] = True
    start = closed(mask)
    labels, change = done(start, verbs.straighten(start.labels, (15, 15)))
    assert (change.born, change.gone) == ((), ())
    assert (labels[:, 20] == 0).all()


def test_moving_a_junction_takes_its_segments_along():
    start = tee()
    labels, change = done(start, verbs.move(start.labels, (12, 20), (16, 24)))
    assert (change.born, change.gone) == ((), ())
    graph = trace(labels)
    assert graph.count == 3
    assert np.hypot(*(graph.nodes[0] - (16, 24))) < 2


def test_accepting_changes_nothing_but_counts_as_drawn():
    start = tee()
    history = History(start)
    assert history.do(verbs.accept(start.labels, (5, 20))).empty
    assert (history.marks()[:10, 20] == 1).all()
    history.undo()
    assert not history.marks().any()


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda labels: verbs.erase(labels, (20, 5), reach_px=3), "no boundary is near"),
        (lambda labels: verbs.straighten(labels, (20, 5), reach_px=3), "no boundary is near"),
        (lambda labels: verbs.accept(labels, (20, 5), reach_px=3), "no boundary is near"),
        (lambda labels: verbs.move(labels, (20, 5), (1, 1), reach_px=3), "no junction is near"),
        (lambda labels: verbs.merge(labels, (1, 1), (2, 2)), "both clicks are in one grain"),
        (lambda labels: verbs.merge(labels, (12, 3), (2, 2)), "lies in no grain"),
        (lambda labels: verbs.split(labels, (5, 5), (5, 5)), "both clicks are on one pixel"),
        (lambda labels: verbs.split(labels, (-50, 5), (-55, 5)), "lies in no grain"),
        (lambda labels: verbs.draw(labels, [(-50, 5), (-55, 5)]), "outside of the image"),
        (lambda labels: verbs.move(labels, (12, 20), (-30, 300)), "torn apart or lost"),
    ],
)
def test_what_cannot_be_done_is_said(ask, message):
    with pytest.raises(Impossible, match=message):
        ask(tee().labels)


def test_grains_that_do_not_touch_cannot_be_merged():
    with pytest.raises(Impossible, match="share no boundary"):
        verbs.merge(three_bands().labels, (7, 3), (7, 28))


def test_a_closed_line_cannot_be_straight():
    mask = np.zeros((30, 30), bool)
    mask[8:20, 8:20] = True
    mask[9:19, 9:19] = False
    with pytest.raises(Impossible, match="runs around a grain"):
        verbs.straighten(closed(mask).labels, (8, 14))


def bent():
    """Evidence along a bend in a grain, and the grain: one grain between two lines."""
    evidence = np.zeros((15, 32), np.float32)
    evidence[4, 11:16] = evidence[4:11, 16] = evidence[10, 16:21] = 1
    return evidence


def test_a_path_follows_the_evidence():
    path = Wire(bent(), (4, 11)).to((10, 20))
    assert (bent()[tuple(path.T)] > 0).mean() > 0.9
    assert path[0].tolist() == [4, 11]
    assert path[-1].tolist() == [10, 20]


def test_beyond_its_span_a_path_is_straight():
    path = Wire(np.zeros((9, 60), np.float32), (4, 4), span_px=10).to((4, 50))
    assert path.tolist() == [[4, column] for column in range(4, 51)]


def test_a_path_keeps_off_what_is_blocked():
    wall = np.zeros((20, 20), bool)
    wall[2:18, 10] = True
    path = Wire(np.full((20, 20), 0.2, np.float32), (10, 2), blocked=wall).to((10, 18))
    assert np.abs(path[:, 0] - 10).max() >= 7


def test_joining_leaves_a_path_that_touches_as_it_is():
    path = np.array([[7, column] for column in range(10, 22)])
    assert joined(path, three_bands().labels, 3).tolist() == path.tolist()
    assert joined(path[:0], three_bands().labels, 3).shape == (0, 2)


def test_evidence_takes_the_edges_where_the_map_is_silent():
    maps = np.zeros((3, 20, 20), np.uint8)
    maps[:, 10] = 255
    silent = np.zeros((20, 20), np.uint8)
    evidence = evidence_of(silent, EdgeMaps(maps))
    assert evidence[10, 10] > 3 * evidence[5, 10]
    assert evidence.max() <= 1
    assert evidence_of(np.full((9, 9), 255, np.uint8)).min() == pytest.approx(1)


def shoulders():
    """A grain between two lines, 60 px apart, whose evidence fades out beside them as networks' does."""
    mask = np.zeros((70, 80), bool)
    mask[:, [9, 70]] = True
    beside = np.abs(np.arange(80)[:, None] - [9, 70]).min(axis=1)
    return closed(mask), np.tile(np.exp(-((beside / 2.5) ** 2)).astype(np.float32), (70, 1))


def test_a_line_over_nothing_does_not_go_around_along_the_next_boundary():
    start, evidence = shoulders()
    path = Wire(evidence, (20.0, 18.0), labels=start.labels).to((42.0, 18.0))
    assert (path[:, 1] >= 16).all(), "what speaks for the line beside speaks for no other"
    evidence[20:43, 20] = 0.4
    path = Wire(evidence, (20.0, 18.0), labels=start.labels).to((42.0, 18.0))
    assert (path[:, 1] == 20).sum() > 12, "it is the image that it follows, faint as it may be"


def test_the_first_proposal_runs_along_the_evidence():
    start, evidence = shoulders()
    evidence[20:24, 10:40] = evidence[20:50, 36:40] = evidence[46:50, 36:70] = 0.5
    first = propose(start.labels, evidence, (35, 38))[0]
    path = raster(first.strokes[0].points, start.labels.shape)
    assert (evidence[tuple(path.T)] == 0.5).mean() > 0.5
    assert len({*range(24, 46)} - {row for row, column in path if 36 <= column < 40}) == 0
    _, change = done(start, first)
    assert len(change.born) == 1


def test_no_proposal_runs_along_the_outline_of_the_grain():
    start, evidence = shoulders()
    evidence[30:33, 10:70] = 0.2
    found = propose(start.labels, evidence, (31, 40))
    beside = ndimage.distance_transform_edt(start.labels != 0)
    path = raster(found[0].strokes[0].points, start.labels.shape)
    assert np.abs(path[:, 0] - 31).max() <= 3, "straight across, where little speaks for it"
    assert (beside[tuple(path.T)] < 6).mean() < 0.25


def test_proposals_differ_and_are_at_most_three():
    start = random_network((80, 90), 6, 2)
    point = tuple(np.argwhere(start.labels == 2).mean(axis=0))
    found = propose(start.labels, np.zeros(start.labels.shape, np.float32), point)
    assert 1 <= len(found) <= 3
    parts = set()
    for operation in found:
        labels, change = done(start, operation)
        assert len(change.born) == 1
        parts.add((labels == change.born[0]).tobytes())
    assert len(parts) == len(found)


@pytest.mark.parametrize("point", [(7, 10), (-4, 3)])
def test_no_proposal_outside_of_a_grain(point):
    with pytest.raises(Impossible, match="lies in no grain"):
        propose(three_bands().labels, bent(), point)


def test_no_proposal_for_a_grain_that_cannot_be_divided():
    mask = np.zeros((9, 9), bool)
    mask[3:6, 3:7] = True
    mask[4, 4:6] = False
    start = closed(mask)
    assert (start.labels == start.labels[4, 4]).sum() == 2
    with pytest.raises(Impossible, match="no line through that point"):
        propose(start.labels, np.zeros((9, 9), np.float32), (4, 4))


def test_a_line_across_several_boundaries_erases_all_of_them_in_one_operation():
    start = three_bands()
    labels, change = done(start, verbs.erase_along(start.labels, [(7, 4), (7, 15), (8, 26)]))
    assert len(change.gone) == 2
    assert len(np.unique(labels[labels > 0])) == 1
    with pytest.raises(Impossible, match="crosses no boundary"):
        verbs.erase_along(start.labels, [(4, 4), (9, 4)])
    with pytest.raises(Impossible, match="crosses no boundary"):
        verbs.erase_along(start.labels, [(-40, -4), (-30, -9)])


def test_evidence_that_is_found_when_asked_for_is_that_of_the_whole():
    rng = np.random.default_rng(5)
    one, other = rng.integers(0, 256, (2, 90, 120)).astype(np.uint8)
    whole = evidence_of(((one.astype(int) + other) // 2).astype(np.uint8))
    lazy = LazyEvidence(one, other)
    assert lazy.shape == whole.shape
    for window in (np.s_[0:20, 100:120], np.s_[30:33, 40:90], np.s_[80:90, 0:2], np.s_[0:90, 0:120]):
        assert np.array_equal(lazy[window], whole[window])
