"""Eq. 1 in parts: drawings in which one of two boundaries is faint, and missed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysed import made
from temgrains.pipeline.scoring import parts_of
from temgrains.records import BoundaryMap, Micrograph


@pytest.fixture
def drawn():
    """Three bands of grey 0.2, 0.21 and 0.8: the first line is faint and unsure, the second is not."""
    truth = np.zeros((40, 60), bool)
    truth[:, 20] = truth[:, 40] = True
    grey = np.full(truth.shape, 0.2, np.float32)
    grey[:, 20:40], grey[:, 40:] = 0.21, 0.8
    guess = np.zeros(truth.shape, np.uint8)
    guess[:, 41] = 255
    known = made()
    card = {**known.provenance, "model": {}}
    return truth, replace(known, micrograph=Micrograph(grey), guess=BoundaryMap(guess), provenance=card)


def test_the_faint_boundary_is_missed(drawn):
    truth, analysis = drawn
    found = truth.copy()
    found[:, 20] = False
    parts = parts_of(truth, found, analysis, tolerance_px=2, margin_px=5)
    assert [part.length_px for part in parts.contrast] == [30, 0, 0, 30]
    assert parts.contrast[0].eq1 == 0
    assert np.isnan(parts.contrast[1].eq1)
    assert parts.contrast[3].eq1 == 1
    assert [part.length_px for part in parts.confidence] == [30, 0, 0, 30]
    assert (parts.confidence[0].eq1, parts.confidence[3].eq1) == (0, 1)


def test_half_of_a_boundary(drawn):
    truth, analysis = drawn
    found = truth.copy()
    found[:20, 20] = False
    parts = parts_of(truth, found, analysis, tolerance_px=0, margin_px=5)
    assert parts.contrast[0].eq1 == pytest.approx(0.5)


def test_a_loose_end_belongs_to_no_part(drawn):
    truth, analysis = drawn
    truth[20, 45:60] = True
    parts = parts_of(truth, truth, analysis, tolerance_px=2, margin_px=5)
    assert sum(part.length_px for part in parts.contrast) < 60 + 15


def test_without_any_segment_there_is_no_part(drawn):
    _, analysis = drawn
    alone = np.zeros((40, 60), bool)
    alone[20, 10:30] = True
    parts = parts_of(alone, alone, analysis, tolerance_px=2, margin_px=5)
    assert all(part.length_px == 0 for part in parts.contrast)
