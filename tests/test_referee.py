"""The score of boundaries that change a little at a time: the same as that of the whole."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from scipy import ndimage

from temgrains.boundaries import close
from temgrains.corrections import History, verbs
from temgrains.pipeline.referee import Referee
from temgrains.score import curve, judge, score

SIDE = 260


def network(seed: int, side: int = SIDE) -> np.ndarray:
    """Draw a closed network of about 120 grains: the borders of the areas nearest to random points."""
    rng = np.random.default_rng(seed)
    seeds = np.ones((side, side), bool)
    seeds[tuple(rng.integers(0, side, (2, 120)))] = False
    rows, columns = ndimage.distance_transform_edt(seeds, return_distances=False, return_indices=True)
    cells = rows * side + columns
    lines = np.zeros((side, side), bool)
    lines[:, 1:] |= cells[:, 1:] != cells[:, :-1]
    lines[1:] |= cells[1:] != cells[:-1]
    return lines


def assert_same(
    referee: Referee, truth: np.ndarray, found: np.ndarray, tolerance: float, margin: int
) -> None:
    known = score(truth, found, tolerance_px=tolerance, margin_px=margin)
    for name, value in asdict(referee.score(tolerance)).items():
        assert value == pytest.approx(getattr(known, name), abs=1e-9, nan_ok=True), name
    assert np.array_equal(referee.curve(), curve(truth, found, margin_px=margin), equal_nan=True)
    verdict, told = referee.verdict(tolerance), judge(truth, found, tolerance_px=tolerance, margin_px=margin)
    for name in ("missed", "correct", "false"):
        assert np.array_equal(getattr(verdict, name), getattr(told, name)), name


@pytest.mark.parametrize("margin", [0, 12])
def test_it_agrees_with_the_score_of_the_whole_after_each_correction(margin: int) -> None:
    truth = ndimage.binary_dilation(network(1), np.ones((3, 3)))
    start = close(network(2) * np.uint8(255))
    history, referee = History(start), Referee(margin)
    rng = np.random.default_rng(3)
    assert referee.take(truth, history.labels == 0)
    assert_same(referee, truth, history.labels == 0, 4.0, margin)
    done = 0
    while done < 25:
        here, there = rng.uniform(0, SIDE, 2), rng.uniform(-30, 30, 2)
        try:
            if done % 3:
                history.do(verbs.erase(history.labels, tuple(here), reach_px=40))
            else:
                history.do(verbs.split(history.labels, tuple(here), tuple(here + there)))
        except verbs.Impossible:
            continue
        done += 1
        assert not referee.take(truth, history.labels == 0)
        assert_same(referee, truth, history.labels == 0, 4.0 if done % 2 else 2.5, margin)
    history.undo()
    referee.take(truth, history.labels == 0)
    assert_same(referee, truth, history.labels == 0, 4.0, margin)


def test_it_follows_the_truth_as_well() -> None:
    truth, found, referee = network(1), network(2), Referee(12)
    referee.take(truth, found)
    truth = truth.copy()
    truth[100:120, 90:140] = False
    assert referee.take(truth, found)
    assert_same(referee, truth, found, 4.0, 12)


@pytest.mark.parametrize("kind", ["nothing", "everything", "a frame", "a single pixel"])
def test_odd_lines_are_scored_as_elsewhere(kind: str) -> None:
    truth, found = network(1, 90), np.zeros((90, 90), bool)
    if kind == "everything":
        found[:] = True
    elif kind == "a frame":
        found[[0, -1]] = found[:, [0, -1]] = True
    elif kind == "a single pixel":
        found[45, 45] = True
    referee = Referee(12)
    referee.take(truth, network(2, 90))
    referee.take(truth, found)
    assert_same(referee, truth, found, 4.0, 12)
    referee.take(truth, network(2, 90))
    assert_same(referee, truth, network(2, 90), 4.0, 12)


def test_another_shape_starts_anew() -> None:
    referee = Referee(12)
    referee.take(network(1), network(2))
    assert referee.take(network(1, 90), network(2, 90))
    assert_same(referee, network(1, 90), network(2, 90), 4.0, 12)


def test_what_cannot_be_compared_is_refused() -> None:
    referee = Referee(12)
    with pytest.raises(ValueError, match="they must be of one image"):
        referee.take(network(1), network(2, 90))
    with pytest.raises(ValueError, match="holds no boundary"):
        referee.take(np.zeros((90, 90), bool), network(2, 90))
