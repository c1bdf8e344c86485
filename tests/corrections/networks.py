"""Closed networks for tests of corrections, and the laws that every closed network obeys."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from drawings import network
from temgrains.boundaries import close
from temgrains.records import Boundaries
from temgrains.settings import BoundarySettings


def closed(mask):
    """The closed network of a drawing, nothing bridged."""
    settings = BoundarySettings(closing_radius_px=0, min_grain_px=2)
    return close(mask * np.uint8(255), settings=settings)


def random_network(shape, count, seed):
    return closed(network(shape, count, np.random.default_rng(seed)))


def cross():
    """Four grains of 10 x 10 px around a crossing at (10, 10)."""
    mask = np.zeros((21, 21), bool)
    mask[10], mask[:, 10] = True, True
    return closed(mask)


def three_bands():
    """Three grains side by side, lines at columns 10 and 21."""
    mask = np.zeros((15, 32), bool)
    mask[:, 10] = mask[:, 21] = True
    return closed(mask)


def tee():
    """Three grains and one triple junction at (12, 20)."""
    mask = np.zeros((25, 41), bool)
    mask[12], mask[:12, 20] = True, True
    return closed(mask)


def check_closed(labels):
    """Fail unless lines are one pixel wide, separate grains everywhere, and each grain is one piece."""
    padded = np.pad(labels, 1)
    sides = np.stack([padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]])
    high = sides.max(axis=0)
    low = np.where(sides > 0, sides, np.iinfo(np.int32).max).min(axis=0)
    line = labels == 0
    assert not (line & (high == low)).any(), "a line pixel with one grain at its sides"
    assert not (~line & ((sides > 0) & (sides != labels)).any(axis=0)).any(), "two grains touch"
    pieces, count = ndimage.label(~line)
    assert count == len(np.unique(labels[~line])), "a grain in two pieces, or two grains in one"
    pairs = np.unique(np.stack([pieces[~line], labels[~line]]), axis=1)
    assert pairs.shape[1] == count


def record(labels):
    """Labels as a record of boundaries."""
    return Boundaries(mask=labels == 0, labels=labels)
