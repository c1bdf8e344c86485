"""The iterates as one array that is computed where it is looked at."""

from __future__ import annotations

import numpy as np
import pytest

from temgrains.gui._stack import APPEARED, BOUNDARY, VANISHED, IterateStack

STATES = (
    np.array([[0, 255, 255], [51, 52, 0]], np.uint8),
    np.array([[255, 255, 0], [51, 0, 0]], np.uint8),
    np.array([[255, 255, 0], [51, 0, 60]], np.uint8),
)


def test_boundary_is_what_lies_above_the_level() -> None:
    stack = IterateStack(STATES, 51.0)
    assert stack[0].tolist() == [[0, BOUNDARY, BOUNDARY], [0, BOUNDARY, 0]]


def test_changes_are_told_from_what_stays() -> None:
    stack = IterateStack(STATES, 51.0, with_changes=True)
    assert stack[0].tolist() == [[0, 1, 1], [0, 1, 0]], "nothing comes before the guess"
    assert stack[1].tolist() == [[APPEARED, BOUNDARY, VANISHED], [0, VANISHED, 0]]
    assert stack[2].tolist() == [[BOUNDARY, BOUNDARY, 0], [0, 0, APPEARED]]


@pytest.mark.parametrize("with_changes", [False, True])
@pytest.mark.parametrize(
    "key",
    [
        0,
        -1,
        np.int64(1),
        slice(None),
        slice(1, 3),
        slice(2, None, -1),
        slice(0, 0),
        (1, slice(None), 2),
        (slice(None), 1, slice(0, 2)),
        (..., 0),
        (0, slice(None), slice(None)),
        ([0, 2], 1),
        np.array([True, False, True]),
    ],
)
def test_it_slices_as_the_whole_array_does(key: object, with_changes: bool) -> None:
    stack = IterateStack(STATES, 51.0, with_changes)
    whole = np.asarray(stack)
    assert whole.dtype == stack.dtype
    assert whole.shape == stack.shape == (3, 2, 3)
    assert (stack.ndim, stack.size, len(stack)) == (3, 18, 3)
    assert np.array_equal(stack[key], whole[key])


def test_an_index_outside_is_refused() -> None:
    with pytest.raises(IndexError):
        IterateStack(STATES, 51.0)[3]


def test_states_are_not_written_to() -> None:
    before = [state.copy() for state in STATES]
    stack = IterateStack(STATES, 51.0, with_changes=True)
    stack[1][:] = 9
    assert all(np.array_equal(a, b) for a, b in zip(before, STATES, strict=True))
    assert stack[1].max() == VANISHED
