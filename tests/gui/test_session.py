"""The session: order of the stages, cursor, what a change makes stale. No window, no Qt."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from drawn import LAST, SHAPE, Stages, drawing

from temgrains import models, pipeline
from temgrains.gui._session import Session
from temgrains.networks import GuessNet, SightedPair
from temgrains.records import Cancelled, Iterate, Micrograph, silent
from temgrains.settings import BoundarySettings, EdgeSettings, GuessSettings, RefineSettings, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from temgrains.gui._job import Found, Job
    from temgrains.records import Progress


def micrograph() -> Micrograph:
    return Micrograph(drawing().astype(np.float32) / 255)


@pytest.fixture
def session(stages: Stages) -> Session:
    return Session("film", micrograph, pixel_size=(0.5, 0.5), calibration="layer")


def finish(session: Session, job: Job | None, progress: Progress = silent) -> list[Found]:
    assert job is not None
    found = []
    for result in job.run(progress):
        assert session.accept(job, result)
        found.append(result)
    return found


def with_edges(**changes: Any) -> Settings:
    return replace(Settings(), edges=EdgeSettings(**changes))


def test_session_and_jobs_need_no_qt() -> None:
    code = (
        "import sys; from temgrains.gui import _session, _job, _state, _chores, _stack, _colours, _scale\n"
        "sys.exit(any(name.split('.')[0] in {'qtpy', 'PyQt6', 'napari', 'torch'} for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_steps_give_their_results_in_order(session: Session) -> None:
    assert [f.stage for f in finish(session, session.find_edges())] == ["micrograph", "edges"]
    assert [f.stage for f in finish(session, session.initial_guess())] == ["guess"]
    assert [i.index for i in session.iterates] == [0]
    assert [f.stage for f in finish(session, session.step())] == ["refine"]
    assert [f.stage for f in finish(session, session.find_grains())] == ["boundaries"]
    assert session.current


def test_run_all_does_what_is_missing_once(session: Session, stages: Stages) -> None:
    finish(session, session.initial_guess())
    finish(session, session.run_all())
    assert stages.calls == ["edges", "guess", *["refine"] * LAST, "boundaries"]
    assert session.at_end
    assert session.current
    assert session.analysis is not None
    assert session.analysis.grains.count == 4 * 6


def test_a_job_that_finds_everything_there_gives_nothing(session: Session) -> None:
    finish(session, session.find_edges())
    assert finish(session, session.find_edges()) == []


def test_the_micrograph_takes_the_sessions_scale(session: Session) -> None:
    finish(session, session.find_edges())
    assert session.micrograph is not None
    assert session.micrograph.pixel_size == (0.5, 0.5)
    assert session.micrograph.calibration == "layer"


def test_back_and_reset_move_the_cursor_and_drop_nothing(session: Session) -> None:
    finish(session, session.run())
    session.back()
    assert (session.cursor, len(session.iterates)) == (LAST - 1, LAST + 1)
    session.reset()
    session.back()
    assert (session.cursor, len(session.iterates)) == (0, LAST + 1)
    session.to_last()
    assert session.at_end
    session.show(99)
    assert session.cursor == LAST


def test_step_over_known_iterates_needs_no_work(session: Session, stages: Stages) -> None:
    finish(session, session.run())
    session.show(2)
    assert session.step() is None
    assert session.cursor == 3
    assert stages.calls.count("refine") == LAST


def test_run_shows_known_iterates_again_and_then_goes_on(session: Session, stages: Stages) -> None:
    for _ in range(3):
        finish(session, session.step())
    session.reset()
    job = session.run()
    assert job is not None
    job = replace(job, pace_s=0.0)
    shown = []
    for found in job.run(silent):
        session.accept(job, found)
        shown.append(session.cursor)
    assert shown == [1, 2, 3, 4, 5, 6]
    assert stages.calls.count("refine") == LAST


def test_at_the_end_there_is_no_step_and_no_run(session: Session) -> None:
    finish(session, session.run())
    assert session.step() is None
    assert session.run() is None


def test_a_cap_of_zero_ends_at_the_guess(session: Session) -> None:
    session.change(replace(Settings(), refine=RefineSettings(max_iterations=0)))
    finish(session, session.initial_guess())
    assert session.at_end


def test_single_steps_continue_one_refinement(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    starts = []
    drawn = pipeline.iterates_of
    monkeypatch.setattr(pipeline, "iterates_of", lambda start, **k: starts.append(start) or drawn(start, **k))
    for _ in range(3):
        finish(session, session.step())
    assert len(starts) == 1, "each step began a refinement of its own, which forgets the states before"


def test_one_job_searches_the_edges_of_each_size_once(tmp_path: Path) -> None:
    torch.manual_seed(2)
    about = {"members": 3, "zoom": 1.5}
    pair = GuessNet((8, 8, 8, 8)), SightedPair()
    model = models.make_model("seeing", *pair, criterion="paper", about=about)
    few = Settings(guess=GuessSettings(scale=1), refine=RefineSettings(max_iterations=2))
    searches = []

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "edges" and done == total:
            searches.append(done)

    session = Session("film", micrograph, pixel_size=(0.5, 0.5), calibration="layer")
    session.model, session.settings = str(models.save(model, tmp_path / "seeing.safetensors")), few
    finish(session, session.run_all(), progress)
    assert len(searches) == 3, "as it is, reduced, enlarged"
    whole = pipeline.analyse(micrograph(), model=model, settings=few)
    assert np.array_equal([i.state for i in session.iterates], [i.state for i in whole.iterates])


def test_after_a_cancelled_pass_the_refinement_goes_on_from_the_last_iterate(session: Session) -> None:
    finish(session, session.step())
    calls = []

    def progress(stage: str, done: int, total: int) -> None:
        calls.append(stage)
        if stage == "refine":
            raise Cancelled

    with pytest.raises(Cancelled):
        finish(session, session.step(), progress)
    finish(session, session.run())
    assert [i.index for i in session.iterates] == list(range(LAST + 1))


@pytest.mark.parametrize(
    ("settings", "stage", "kept"),
    [
        (with_edges(sobel_threshold=0.1), "edges", set()),
        (replace(Settings(), guess=GuessSettings(tile_px=512)), "guess", {"edges"}),
        (replace(Settings(), guess=GuessSettings(scale=0.5)), "edges", set()),
        (replace(Settings(), refine=RefineSettings(threshold=0.1)), "refine", {"edges", "guess"}),
        (
            replace(Settings(), boundaries=BoundarySettings(min_grain_px=9)),
            "boundaries",
            {"edges", "guess", "iterates"},
        ),
    ],
)
def test_a_setting_drops_its_stage_and_the_later_ones(
    session: Session, settings: Settings, stage: str, kept: set[str]
) -> None:
    finish(session, session.run_all())
    assert session.change(settings) == stage
    left = {name for name in ("edges", "guess") if getattr(session, name) is not None}
    left |= {"iterates"} if len(session.iterates) > 1 else set()
    assert left == kept
    assert not session.current
    assert session.micrograph is not None


def test_unchanged_settings_drop_nothing(session: Session) -> None:
    finish(session, session.run_all())
    assert session.change(Settings()) is None
    assert session.current


def test_grains_of_another_iterate_or_setting_are_not_current(session: Session) -> None:
    finish(session, session.run_all())
    session.back()
    assert not session.current
    session.to_last()
    assert session.current
    session.change(replace(Settings(), boundaries=BoundarySettings(threshold=0.5)))
    assert session.analysis is not None, "shown until the new ones are there"
    assert not session.current


def test_grains_are_made_of_the_shown_iterate(session: Session) -> None:
    finish(session, session.run_all())
    session.show(2)
    finish(session, session.find_grains())
    assert session.analysis is not None
    assert session.analysis.iterates[-1].index == 2
    assert session.analysis.provenance["iterations"] == 2
    assert session.analysis.grains.count < 4 * 6


def test_another_model_keeps_the_edges_at_a_scale_of_the_users(session: Session) -> None:
    finish(session, session.run_all())
    session.choose_model("other")
    assert session.edges is None  # the automatic scale suits the model
    session.change(replace(Settings(), guess=GuessSettings(scale=1.0)))
    finish(session, session.run_all())
    session.choose_model("yet another")
    assert session.edges is not None
    assert session.guess is None


def test_another_scale_measures_again_and_nothing_else(session: Session, stages: Stages) -> None:
    finish(session, session.run_all())
    before = stages.calls[:]
    session.calibrate((1.0, 1.0), "typed")
    assert not session.current
    finish(session, session.find_grains())
    assert stages.calls == before
    assert session.analysis is not None
    assert session.analysis.sizes.pixel_size == (1.0, 1.0)
    assert session.analysis.provenance["calibration"] == "typed"


def test_another_scale_and_another_setting_draw_the_lines_again(session: Session, stages: Stages) -> None:
    finish(session, session.run_all())
    session.calibrate((1.0, 1.0), "typed")
    session.change(replace(Settings(), boundaries=BoundarySettings(min_grain_px=300)))
    finish(session, session.find_grains())
    assert stages.calls.count("boundaries") == 2
    assert session.analysis is not None
    assert session.analysis.grains.count < 24


def test_stale_results_are_dropped(session: Session) -> None:
    job = session.initial_guess()
    results = list(job.run(silent))
    session.change(with_edges(canny_threshold=0.5))
    assert [session.accept(job, found) for found in results] == [True, False, False]
    assert session.edges is None
    assert session.guess is None


def test_other_pixels_start_the_analysis_again(session: Session) -> None:
    job = session.run_all()
    results = list(job.run(silent))
    session.replace_image(micrograph)
    assert not any(session.accept(job, found) for found in results)
    assert session.micrograph is None


def test_a_result_of_a_setting_that_does_not_matter_to_it_is_taken(session: Session) -> None:
    job = session.run()
    assert job is not None
    results = list(job.run(silent))
    session.change(replace(Settings(), boundaries=BoundarySettings(threshold=0.5)))
    assert all(session.accept(job, found) for found in results)


def test_settings_are_frozen_when_the_job_is_made(session: Session) -> None:
    job = session.find_edges()
    session.change(with_edges(sobel_threshold=0.1))
    found = [f for f in job.run(silent) if f.stage == "edges"]
    assert found[0].value.maps.max() == 255  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("film 1.5kx", "film_1.5kx"),
        ("film 1.5kx.tif", "film_1.5kx"),
        ("film_03", "film_03"),
        ("a b/c.tif", "c"),
        ("film: 3*", "film_3"),
        ("..", "image"),
        ("ÜO₂ 1", "ÜO₂_1"),
        ("CON", "_CON"),
        ("x" * 300, "x" * 200),
    ],
)
def test_names_become_file_names(session: Session, name: str, stem: str) -> None:
    session.name = name
    assert session.stem == stem


def test_first_iterate_is_the_guess(session: Session) -> None:
    finish(session, session.initial_guess())
    assert session.guess is not None
    assert np.array_equal(session.iterates[0].state, session.guess.grey)
    assert session.iterates[0].index == 0
    assert session.shown == session.iterates[0]
    assert isinstance(session.shown, Iterate)
    assert session.guess.grey.shape == SHAPE


def test_the_model_named_by_default_is_the_packages(session: Session) -> None:
    assert session.model == models.DEFAULT


def test_the_session_finds_what_one_run_finds(untrained: str) -> None:
    """The same settings and model give the same through single steps as through `analyse`."""
    session = Session("film", micrograph, model=untrained)
    finish(session, session.initial_guess())
    while (job := session.step()) is not None:
        finish(session, job)
    finish(session, session.find_grains())
    whole = pipeline.analyse(micrograph(), model=untrained)
    assert session.analysis is not None
    assert [i.stopped for i in session.analysis.iterates] == [i.stopped for i in whole.iterates]
    assert all(
        np.array_equal(a.state, b.state)
        for a, b in zip(session.analysis.iterates, whole.iterates, strict=True)
    )
    assert np.array_equal(session.analysis.grains.labels, whole.grains.labels)
    same = ("model", "settings", "stopped", "iterations", "change", "warnings", "version")
    assert all(session.analysis.provenance[key] == whole.provenance[key] for key in same)
