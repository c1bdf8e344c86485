"""Colours that stay with the grains."""

from __future__ import annotations

import numpy as np

from temgrains.gui import _colours


def test_a_grain_keeps_its_colour_when_the_numbers_change() -> None:
    before = np.array([[1, 1, 0, 2, 2], [1, 1, 0, 2, 2]], np.int32)
    labels = np.array([[2, 2, 0, 1, 1], [2, 2, 0, 1, 1]], np.int32)
    colours = _colours.first(before)
    after = _colours.inherit(before, colours, labels)
    assert after[2] == colours[1]
    assert after[1] == colours[2]


def test_the_larger_of_two_old_grains_gives_its_colour() -> None:
    before = np.array([[1, 0, 2, 2, 2, 2]], np.int32)
    labels = np.array([[1, 1, 1, 1, 1, 1]], np.int32)
    colours = _colours.first(before)
    assert _colours.inherit(before, colours, labels)[1] == colours[2]


def test_both_parts_of_a_cut_grain_keep_its_colour() -> None:
    before = np.full((3, 5), 1, np.int32)
    labels = np.array([[1, 1, 0, 2, 2]] * 3, np.int32)
    colours = np.array([0, 7])
    assert _colours.inherit(before, colours, labels)[1:].tolist() == [7, 7]


def test_another_shape_or_no_grains_before_start_afresh() -> None:
    labels = np.array([[1, 0, 2]], np.int32)
    fresh = _colours.first(labels)
    assert np.array_equal(_colours.inherit(np.ones((4, 4), np.int32), np.array([0, 5]), labels), fresh)
    nothing = np.zeros((1, 3), np.int32)
    assert np.array_equal(_colours.inherit(nothing, _colours.first(nothing), labels), fresh)
    assert _colours.inherit(labels, fresh, nothing).tolist() == [0]


def test_palette_is_bright_and_distinct() -> None:
    colours = _colours.palette()
    assert colours.shape == (_colours.PALETTE, 3)
    assert colours.min() >= 0
    assert colours.max() <= 1
    assert colours.max(axis=1).min() > 0.6
    far = np.abs(colours[:, None] - colours[None]).sum(axis=2) + np.eye(_colours.PALETTE)
    assert far.min() > 0.05
