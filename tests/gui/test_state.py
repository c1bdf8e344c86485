"""What the panel shows, without a window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn import LAST, Stages, drawing

from temgrains.gui._job import Course
from temgrains.gui._session import Session
from temgrains.gui._state import EMPTY, NO_BOUNDARY, length_text, metric, panel_state, progress_text
from temgrains.records import Iterate, Micrograph, silent
from temgrains.settings import RefineSettings, Settings


@pytest.fixture
def session(stages: Stages) -> Session:
    pixels = drawing().astype(np.float32) / 255
    return Session("film", lambda: Micrograph(pixels, notes=("3 pixels mended",)), pixel_size=(0.5, 0.5))


def do(session: Session, name: str) -> None:
    job = getattr(session, name)()
    for found in job.run(silent):
        session.accept(job, found)


def test_without_an_image_it_says_what_to_do() -> None:
    state = panel_state(None)
    assert state.message == EMPTY
    assert state.next == "open"
    assert not state.enabled


def test_an_image_that_is_refused_says_why() -> None:
    assert panel_state(None, refusal="film is a stack").message == "film is a stack"


def test_the_next_button_leads_through_the_steps(session: Session) -> None:
    for step, following in [
        ("find_edges", "guess"),
        ("initial_guess", "run"),
        ("step", "run"),
        ("run", "grains"),
        ("find_grains", "save"),
    ]:
        do(session, step)
        state = panel_state(session)
        assert state.next == following
        assert following in state.enabled
        assert state.message


def test_what_cannot_be_done_cannot_be_pressed(session: Session) -> None:
    assert panel_state(session).enabled == {"edges", "guess", "step", "run", "all"}
    do(session, "run")
    assert panel_state(session).enabled == {"edges", "guess", "all", "back", "reset", "grains"}
    session.reset()
    assert panel_state(session).enabled == {"edges", "guess", "all", "step", "run", "last", "grains"}


def test_during_work_only_pause_and_cancel(session: Session) -> None:
    assert panel_state(session, busy=True).enabled == {"cancel"}
    state = panel_state(session, busy=True, running=True)
    assert state.enabled == {"run", "cancel"}
    assert state.running
    assert state.next == ""


def test_the_iteration_and_why_it_stopped(session: Session) -> None:
    assert panel_state(session).iteration == ""
    do(session, "initial_guess")
    assert panel_state(session).iteration == "initial guess"
    do(session, "step")
    assert panel_state(session).iteration == "iteration 1"
    do(session, "run")
    assert panel_state(session).iteration == f"iteration {LAST} · converged"
    session.show(2)
    assert panel_state(session).iteration == f"iteration 2 of {LAST}"


@pytest.mark.parametrize(
    ("reason", "word"), [("fixed point", "nothing changes"), ("cycle", "repeat"), ("cap", "limit")]
)
def test_every_reason_to_stop_has_words(session: Session, reason: str, word: str) -> None:
    do(session, "step")
    session.iterates[-1] = replace(session.iterates[-1], stopped=reason)  # type: ignore[arg-type]
    assert word in panel_state(session).iteration


def test_the_plot_gets_all_changes_and_the_threshold(session: Session) -> None:
    session.change(replace(Settings(), refine=RefineSettings(threshold=0.02)))
    do(session, "run")
    state = panel_state(session)
    assert state.changes == pytest.approx([0.1 / k for k in range(1, LAST + 1)])
    assert state.threshold == 0.02
    assert state.cursor == LAST


def test_many_iterations_mean_a_poor_guess(session: Session) -> None:
    do(session, "run")
    session.iterates = [Iterate(k, session.iterates[0].state, 0.1) for k in range(42)]
    assert "guess is poor" in panel_state(session).message


def test_notes_on_the_image_are_shown_and_news_come_first(session: Session) -> None:
    do(session, "find_edges")
    assert panel_state(session).message == "3 pixels mended"
    assert panel_state(session, note="Step cancelled").message == "Step cancelled"


def test_summary_has_counts_and_units(session: Session) -> None:
    do(session, "run_all")
    text = panel_state(session).summary
    assert text.startswith("24 grains (16 at the border) · boundary ")
    assert " px = " in text
    assert session.analysis is not None
    table = session.analysis.sizes.table
    whole = table.loc[~table["on_border"], "ecd_nm"]
    assert f"mean diameter of the 8 whole grains {metric(whole.mean())}" in text
    session.calibrate(None, "unknown")
    do(session, "find_grains")
    text = panel_state(session).summary
    assert "px (no pixel size)" in text
    assert text.endswith("px")


def test_where_no_grain_is_whole_there_is_no_mean(session: Session) -> None:
    do(session, "run_all")
    assert session.analysis is not None
    table = session.analysis.sizes.table.assign(on_border=True)
    session.analysis = replace(session.analysis, sizes=replace(session.analysis.sizes, table=table))
    assert "no mean diameter, for no grain is whole" in panel_state(session).summary


def test_without_a_boundary_it_says_so_and_leads_not_on(session: Session) -> None:
    do(session, "run_all")
    assert session.analysis is not None
    one = replace(session.analysis.grains, on_border=np.array([True]))
    session.analysis = replace(session.analysis, grains=one)
    state = panel_state(session)
    assert state.summary == NO_BOUNDARY
    assert state.next == ""
    assert "contrast" in state.message


def test_at_the_limit_it_says_how_to_go_on(session: Session) -> None:
    do(session, "step")
    session.iterates[-1] = replace(session.iterates[-1], stopped="cap")
    assert "raise When to stop > At most" in panel_state(session).message


def test_a_single_tile_does_not_hide_the_iteration() -> None:
    heard: list[tuple[str, int, int]] = []
    course = Course(progress=lambda *told: heard.append(told))
    for told in (("refine", 4, 60), ("pass", 0, 1), ("pass", 1, 1), ("refine", 5, 60), ("pass", 2, 8)):
        course.report(*told)
    assert heard == [("refine", 4, 60)] * 3 + [("refine", 5, 60), ("pass", 2, 8)]


def test_a_summary_that_is_not_of_what_is_shown_says_so(session: Session) -> None:
    do(session, "run_all")
    session.back()
    assert f"of iteration {LAST}" in panel_state(session).summary


def test_no_grain_at_all_is_no_mean(session: Session) -> None:
    do(session, "run_all")
    assert session.analysis is not None
    sizes = replace(session.analysis.sizes, table=session.analysis.sizes.table.iloc[:0])
    session.analysis = replace(session.analysis, sizes=sizes)
    assert "diameter" not in panel_state(session).summary


@pytest.mark.parametrize(
    ("nm", "text"),
    [(0.5, "0.50 nm"), (23.4, "23.4 nm"), (999, "999 nm"), (3120, "3.12 µm"), (31_200_000, "31.2 mm")],
)
def test_lengths_get_the_unit_that_fits(nm: float, text: str) -> None:
    assert metric(nm) == text
    assert length_text(100, nm) == f"100 px = {text}"


@pytest.mark.parametrize(
    ("stage", "text"),
    [
        ("guess", "Net1: tile 3 of 5"),
        ("refine", "Net2: iteration 3, at most 5"),
        ("boundaries", "Closing boundaries"),
        ("another", "another"),
    ],
)
def test_progress_says_what_is_done(stage: str, text: str) -> None:
    assert progress_text(stage, 2, 5) == text
