"""Corrections of an image without a window: what is uncertain, the journal, another network."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from analysed import made
from temgrains.corrections import verbs
from temgrains.gui.correct_score import Judge, Shown, text_of
from temgrains.gui.correct_state import Corrector
from temgrains.pipeline.confidence import rated
from temgrains.records import BoundaryMap

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def corrector(tmp_path: Path) -> Corrector:
    return Corrector(made(), folder=tmp_path / "journals", clock=lambda: 1000.0)


def erase_first(corrector: Corrector) -> None:
    graph = corrector.graph()
    corrector.do(verbs.erase(corrector.history.labels, graph.centre(0), reach_px=3))


def test_segments_come_least_certain_first_and_around(corrector: Corrector) -> None:
    guess = BoundaryMap(np.tile(np.linspace(0, 255, 60).astype(np.uint8), (40, 1)))
    corrector.analysis = replace(corrector.analysis, guess=guess)
    seen = [corrector.next_uncertain(1) for _ in range(corrector.graph().count)]
    confidence = [place[2] for place in seen if place is not None]
    assert confidence == sorted(confidence)
    first = corrector.next_uncertain(1)
    assert first is not None
    assert first[3].startswith("1 of")
    assert corrector.next_uncertain(-1)[3].startswith(f"{len(seen)} of")


def test_the_confidence_is_that_of_the_results(corrector: Corrector) -> None:
    known = {**corrector.analysis.provenance, "model": {"name": "drawn", "confidence": [-1.0, 0.5]}}
    corrector.analysis = replace(corrector.analysis, provenance=known)
    analysis = corrector.analysis
    told = rated(analysis.boundaries, analysis.guess.grey, known["model"])
    assert np.array_equal(corrector.graph().confidence, told.confidence)


def test_accepted_segments_are_no_longer_uncertain(corrector: Corrector) -> None:
    nothing = BoundaryMap(np.zeros_like(corrector.analysis.guess.grey))
    corrector.analysis = replace(corrector.analysis, guess=nothing)
    assert corrector.uncertain_share() == 1.0
    assert corrector.judge(right=True) is None
    corrector.next_uncertain(1)
    corrector.judge(right=True)
    assert 0 < corrector.uncertain_share() < 1
    while corrector.next_uncertain(1) is not None:
        corrector.judge(right=True)
    assert corrector.uncertain_share() == 0.0


def test_what_was_done_is_offered_to_the_next_session(corrector: Corrector, tmp_path: Path) -> None:
    erase_first(corrector)
    erase_first(corrector)
    corrector.undo()
    labels = corrector.history.labels.copy()
    corrector.close()
    again = Corrector(made(), folder=tmp_path / "journals")
    assert len(again.kept.operations) == 1
    again.restore()
    assert np.array_equal(again.history.labels, labels)
    assert again.unsaved
    assert again.redo() is not None
    again.mark_saved()
    assert not again.unsaved
    again.close()


def test_of_a_journal_without_its_beginning_the_corrections_are_done_on_the_lines_at_hand(
    corrector: Corrector, tmp_path: Path
) -> None:
    for _ in range(3):
        erase_first(corrector)
    corrector.undo()
    grains = len(np.unique(corrector.history.labels))
    path = corrector.journal.path
    corrector.close()
    with sqlite3.connect(path) as base:
        base.execute("UPDATE events SET body = x'00' WHERE kind = 'start'")
    base.close()
    again = Corrector(made(), folder=tmp_path / "journals")
    again.restore()
    assert len(np.unique(again.history.labels)) == grains
    assert "the lines that they began from are lost" in " ".join(again.notes)
    assert again.redo() is not None
    again.close()
    third = Corrector(made(), folder=tmp_path / "journals")
    assert third.kept.start is not None
    assert third.kept.operations == again.operations
    third.close()


def test_a_damaged_journal_is_said_and_corrections_go_on(corrector: Corrector, tmp_path: Path) -> None:
    path = corrector.journal.path
    erase_first(corrector)
    corrector.close()
    path.write_bytes(path.read_bytes()[:5000])
    again = Corrector(made(), folder=tmp_path / "journals")
    (note,) = again.notes
    assert note.startswith("the journal was damaged; it lies in ")
    erase_first(again)
    assert again.journal.kept().operations == again.operations
    again.close()


def test_another_image_is_offered_nothing(corrector: Corrector, tmp_path: Path) -> None:
    erase_first(corrector)
    corrector.close()
    other = Corrector(made(seed=6), folder=tmp_path / "journals")
    assert other.kept is None
    other.close()


def test_when_the_disk_is_full_corrections_go_on_in_memory(corrector: Corrector) -> None:
    erase_first(corrector)
    pages = corrector.journal._base.execute("PRAGMA page_count").fetchone()[0]
    corrector.journal._base.execute(f"PRAGMA max_page_count={pages}")
    for _ in range(300):
        corrector.do(verbs.draw(corrector.history.labels, [(5, 5), (6, 6)], join_px=0))
    assert corrector.journal is None
    assert len(corrector.operations) == 301
    assert "only in memory" in corrector.notes[0]


def test_on_another_network_the_corrections_are_done_again(corrector: Corrector) -> None:
    erase_first(corrector)
    erase_first(corrector)
    corrector.undo()
    grains = len(np.unique(corrector.history.labels))
    corrector.rebase(made())
    assert len(np.unique(corrector.history.labels)) == grains
    assert len(corrector.history.undone) == 1
    assert corrector.journal.kept().operations == corrector.operations
    corrector.close()


def test_a_wire_keeps_off_lines_that_are_there(corrector: Corrector) -> None:
    path = corrector.wire((2, 2)).to((37, 57))
    assert path[0].tolist() == [2, 2]
    assert path[-1].tolist() == [37, 57]
    corrector.close()


def test_lines_of_labels_masks_and_images() -> None:
    def lines(pixels: np.ndarray, *, labels: bool) -> np.ndarray:
        return Shown("reference", labels, pixels).lines()

    grains = np.ones((6, 8), np.int32)
    grains[:, 4:] = 2
    assert np.argwhere(lines(grains, labels=True)).tolist() == [[row, 3] for row in range(6)]
    painted = np.zeros((6, 8), np.uint8)
    painted[2] = 1
    assert np.array_equal(lines(painted, labels=True), painted == 1)
    assert np.array_equal(lines(200 * painted, labels=False), painted == 1)
    assert np.array_equal(lines(255 - 200 * painted, labels=False), painted == 1), "dark on bright"
    colour = np.stack([painted * 255] * 3, axis=-1)
    assert np.array_equal(lines(colour, labels=False), painted == 1)


def test_the_figures_as_text_say_the_tolerance_in_both_units() -> None:
    mask = made().boundaries.mask
    found = Judge().compare(("truth", mask), ("boundaries", mask), tolerance_px=4, pixel_size=(0.5, 1.0))
    text = text_of(found)
    assert "boundaries against truth, tolerance 4 px = 2.00 nm to 4.00 nm" in text
    assert "found (Eq. 1): 1.000" in text
