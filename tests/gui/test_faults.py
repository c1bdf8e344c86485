"""Layers that vanish, windows that close, workers that fail: no crash, no stale result, buttons alive."""

from __future__ import annotations

import itertools
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from drawn import LAST, Stages, drawing
from napari.components import ViewerModel
from napari.layers import Image
from qtpy.QtCore import QTimer

from temgrains.gui._watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Window


@pytest.fixture(autouse=True)
def _drawn(stages: Stages) -> None:
    """Every test here uses the drawn stages."""


@pytest.fixture
def slow(stages: Stages) -> Stages:
    """Stages that take long enough to interfere with."""
    stages.delay_s = 0.3
    return stages


def begin(window: Window, stages: Stages, button: str, stage: str) -> None:
    """Press a button and wait until its work is in a stage."""
    window.click(button, settle=False)
    window.until(lambda: stage in stages.calls)


def alive(window: Window) -> None:
    """Check that the window still does what it is asked."""
    window.settle()
    window.click("all")
    assert window.desk.session.current
    assert "24 grains" in window.panel.summary.text()


def test_the_image_renamed_during_a_run(window: Window, slow: Stages) -> None:
    begin(window, slow, "run", "refine")
    window.layer("film").name = "renamed"
    window.settle()
    assert window.desk.session.cursor == LAST
    assert window.header.image.currentText() == "renamed"
    assert window.desk.session.stem == "renamed"


def test_the_image_removed_during_a_run(window: Window, slow: Stages, messages: list[str]) -> None:
    begin(window, slow, "run", "guess")
    window.viewer.layers.remove("film")
    window.settle()
    assert "film was removed, so its run was stopped" in messages
    assert window.desk.session is None
    time.sleep(0.7)
    window.qtbot.wait(100)
    assert "film refinement" not in window.names(), "a result for an image that is gone"
    window.viewer.add_image(drawing(), name="film")
    alive(window)


def test_all_layers_removed_during_a_run(window: Window, slow: Stages) -> None:
    begin(window, slow, "run", "refine")
    window.viewer.layers.clear()
    window.settle()
    assert window.names() == []
    window.viewer.add_image(drawing(), name="film")
    slow.delay_s = 0
    alive(window)


def test_the_images_pixels_replaced_during_a_run(window: Window, slow: Stages) -> None:
    begin(window, slow, "run", "refine")
    window.layer("film").data = 255 - drawing()
    window.settle()
    assert window.names() == ["film"], "results of the old pixels"
    assert window.desk.session.edges is None
    assert "new pixels" in window.panel.message.text()
    slow.delay_s = 0
    alive(window)


def test_an_image_replaced_in_the_list_is_noticed(qapp: Any) -> None:
    # Without a window: napari's own leaks when a layer is assigned.
    viewer, told = ViewerModel(), []
    first = viewer.add_image(drawing(), name="film")
    watch = Watch(viewer, None)
    watch.choose(first.unique_id)
    watch.removed.connect(told.append)
    watch.listed.connect(lambda: told.append(watch.images()))
    viewer.layers[0] = second = Image(drawing(), name="film")
    assert first in told
    assert watch.image is None
    assert told[-1] == [second]


def test_another_image_is_seen_without_the_results_and_news_of_the_first(window: Window) -> None:
    window.click("all")
    first = window.layer("film")
    window.desk.note = "7 files saved"
    second = window.viewer.add_image(drawing((48, 48)), name="second")
    shown = [layer.name for layer in window.viewer.layers if layer.visible]
    window.desk.choose(second.unique_id)
    assert window.desk.note == ""
    assert [layer.name for layer in window.viewer.layers if layer.visible] == ["film", "second"]
    window.desk.choose(first.unique_id)
    assert [layer.name for layer in window.viewer.layers if layer.visible] == shown


def test_junk_under_our_key_in_metadata_is_passed_over(window: Window) -> None:
    window.click("all")
    window.layer("film").metadata = {"temgrains": "junk"}
    window.viewer.add_labels(np.ones((4, 4), int), name="other", metadata={"temgrains": ["junk"]})
    window.viewer.layers.remove("other")
    window.click("all")
    assert window.desk.session.calibration == "layer"


def test_pixels_that_cannot_be_computed_are_one_sentence(open_window: Callable[..., Window]) -> None:
    class Lazy:
        shape, ndim, dtype, broken = (64, 96), 2, np.dtype(np.uint8), False

        def __getitem__(self, key: Any) -> Any:
            return drawing()[key]

        def __array__(self, *_given: Any, **_kind: Any) -> Any:
            if self.broken:
                raise KeyError("chunk 7")
            return drawing()

    lazy = Lazy()
    window = open_window(data=lazy)
    lazy.broken = True
    window.click("edges")
    assert "the pixels of film cannot be read (KeyError: 'chunk 7'); open it again" in window.desk.note
    lazy.broken = False


def test_layers_reordered_during_a_run(window: Window, slow: Stages) -> None:
    begin(window, slow, "run", "refine")
    window.viewer.layers.move(0, len(window.viewer.layers))
    window.settle()
    assert window.desk.session.cursor == LAST


def test_a_result_layer_removed_during_a_run_stops_it(
    window: Window, slow: Stages, messages: list[str]
) -> None:
    window.click("guess")
    window.click("step")
    slow.calls.clear()
    begin(window, slow, "run", "refine")
    window.viewer.layers.remove("film refinement")
    window.settle()
    assert slow.calls.count("refine") < LAST
    assert any("film refinement was removed, so the work was stopped" in message for message in messages)
    slow.delay_s = 0
    window.click("run")
    assert "film refinement" in window.names()
    assert window.desk.session.at_end


def test_a_removed_result_layer_comes_back_when_asked_for(window: Window) -> None:
    window.click("all")
    window.viewer.layers.remove("film edges")
    window.viewer.layers.remove("film grains")
    window.click("edges")
    window.click("grains")
    assert {"film edges", "film grains"} <= set(window.names())


def test_a_renamed_result_layer_is_the_users(window: Window) -> None:
    window.click("all")
    kept = window.layer("film grains")
    kept.name = "my grains"
    before = kept.data.copy()
    window.click("back")
    window.click("grains")
    assert np.array_equal(window.layer("my grains").data, before)
    assert not np.array_equal(window.layer("film grains").data, before)


def test_an_edited_result_layer_is_the_users(window: Window) -> None:
    window.click("all")
    kept = window.layer("film grains")
    kept.data_setitem((np.array([5]), np.array([5])), 99)
    window.click("back")
    window.click("grains")
    assert kept in window.viewer.layers
    assert kept.data[5, 5] == 99
    assert len([name for name in window.names() if name.startswith("film grains")]) == 2


def test_undo_of_old_strokes_does_not_reach_new_grains(window: Window) -> None:
    window.click("all")
    layer = window.layer("film grains")
    layer.data_setitem((np.array([5]), np.array([5])), 99)
    layer.undo()
    window.click("back")
    window.click("grains")
    assert window.layer("film grains") is layer
    before = layer.data.copy()
    layer.undo()
    layer.redo()
    assert np.array_equal(layer.data, before)


def test_the_viewer_closed_during_a_run(open_window: Callable[..., Window], slow: Stages, qtbot: Any) -> None:
    window = open_window()
    begin(window, slow, "run", "refine")
    window.viewer.close()
    window.until(lambda: slow.active == 0)
    assert slow.calls.count("refine") < LAST


def test_the_dock_closed_during_a_run(window: Window, slow: Stages) -> None:
    begin(window, slow, "run", "refine")
    window.viewer.window.remove_dock_widget("all")
    window.until(lambda: slow.active == 0)
    names = window.names()
    window.qtbot.wait(400)
    assert window.names() == names
    assert not window.viewer.keymap


def test_two_viewers_work_side_by_side(open_window: Callable[..., Window], stages: Stages) -> None:
    first, second = open_window(), open_window()
    assert first.desk is not second.desk
    stages.delay_s = 0.05
    first.click("all", settle=False)
    second.click("all", settle=False)
    first.settle()
    second.settle()
    assert first.names() == second.names()
    assert first.desk.session.current
    assert second.desk.session.current


def test_a_button_pressed_twice_works_once(window: Window, slow: Stages) -> None:
    begin(window, slow, "edges", "edges")
    window.panel.buttons["edges"].click()
    window.desk.do("edges")
    window.desk.do("guess")
    window.settle()
    assert slow.calls == ["edges"]


def test_settings_changed_during_a_run_count_afterwards(window: Window, slow: Stages) -> None:
    window.click("edges")
    slow.calls.clear()
    begin(window, slow, "guess", "guess")
    sobel = window.panel.controls._fields["edges"]["sobel_threshold"]
    sobel.automatic.setChecked(False)
    window.until(lambda: "edges" in slow.calls)
    window.settle()
    assert window.layer("film edges").data.max() == 128
    assert window.desk.session.guess is None, "a guess made of the old edges"
    assert "film guess" not in window.names()


@pytest.mark.parametrize(
    "error",
    [
        ValueError("film is too small; take a larger image"),
        RuntimeError("CUDA out of memory"),
        MemoryError(),
        KeyError("lost"),
        RecursionError("deep"),
        OSError(28, "No space left on device"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_stage_that_fails_is_reported_and_the_window_lives(
    window: Window, stages: Stages, messages: list[str], error: Exception
) -> None:
    stages.error = error
    window.click("guess")
    assert "failed: " in messages[-1]
    assert "\n" not in messages[-1]
    assert window.panel.message.text() == messages[-1]
    assert window.panel.buttons["edges"].isEnabled()
    stages.error = None
    alive(window)


def test_a_numpy_warning_in_the_worker_does_no_harm(
    window: Window, stages: Stages, monkeypatch: pytest.MonkeyPatch, messages: list[str]
) -> None:
    work = stages.work

    def warning(*arguments: Any) -> None:
        warnings.warn("overflow encountered in multiply", RuntimeWarning, stacklevel=1)
        work(*arguments)

    monkeypatch.setattr(stages, "work", warning)
    window.click("all")
    assert window.desk.session.current
    window.until(lambda: any("overflow" in message for message in messages))
    assert sum("overflow" in message for message in messages) == 1, "once each"


def test_cancel_keeps_what_was_found(window: Window, slow: Stages) -> None:
    begin(window, slow, "run", "refine")
    window.click("cancel")
    assert slow.calls.count("refine") < LAST
    assert "cancelled" in window.panel.message.text()
    assert window.desk.session.guess is not None
    slow.delay_s = 0
    alive(window)


def test_cancel_does_not_wait_for_a_deaf_stage(window: Window, stages: Stages) -> None:
    """A long computation that does not report progress cannot be stopped; the window goes on without it."""
    stages.deaf = True
    begin(window, stages, "edges", "edges")
    window.click("cancel")
    assert stages.active == 1, "the stage is still in its computation"
    stages.deaf = False
    window.click("edges", settle=False)
    window.qtbot.wait(300)
    assert stages.calls == ["edges"], "the second waits for the first to end"
    stages.release.set()
    window.settle()
    assert stages.calls == ["edges", "edges"]
    assert window.desk.session.edges is not None


def test_pause_and_go_on(window: Window, slow: Stages) -> None:
    begin(window, slow, "run", "refine")
    assert window.panel.buttons["run"].text() == "Pause"
    window.click("run")
    paused = window.desk.session.cursor
    assert 0 < paused < LAST
    assert window.panel.buttons["run"].text() == "Run"
    slow.delay_s = 0
    window.click("run")
    assert window.desk.session.at_end
    assert slow.calls.count("refine") == LAST


def test_a_stack_is_refused_in_one_sentence(open_window: Callable[..., Window]) -> None:
    window = open_window(data=np.zeros((5, 64, 96)), scale=(1, 1, 1), units=("nm", "nm", "nm"))
    assert "choose its page above" in window.panel.message.text()
    assert not window.panel.buttons["edges"].isEnabled()


def test_an_image_that_is_turned_is_refused_until_it_is_upright(window: Window) -> None:
    window.click("edges")
    window.layer("film").rotate = 20
    assert "turned or sheared" in window.panel.message.text()
    assert not window.panel.buttons["guess"].isEnabled()
    window.layer("film").rotate = 0
    assert window.panel.buttons["guess"].isEnabled()
    assert window.desk.session.edges is not None


def test_rgb_and_multiscale_images_work(open_window: Callable[..., Window]) -> None:
    rgb = open_window(data=np.stack([drawing()] * 3, axis=-1), rgb=True)
    rgb.click("all")
    assert rgb.layer("film grains").data.shape == (64, 96)
    pyramid = open_window(data=[drawing(), drawing()[::2, ::2]], multiscale=True)
    pyramid.click("all")
    assert pyramid.layer("film grains").data.shape == (64, 96)


def test_an_image_the_reader_refuses_gives_one_sentence(
    open_window: Callable[..., Window], messages: list[str]
) -> None:
    window = open_window(data=np.full((64, 96), np.nan))
    window.click("edges")
    assert "Edges failed: " in messages[-1]


def test_the_window_lives_while_the_worker_computes(window: Window, stages: Stages, qtbot: Any) -> None:
    """A worker that never lets go of the interpreter by itself must not stop the window's timers."""

    lively = threading.Event()
    done: list[bool] = []

    def compute(*_arguments: Any) -> None:
        given_up = time.monotonic() + 60
        while not lively.is_set() and time.monotonic() < given_up:
            sum(k * k for k in range(1000))
        done.append(lively.is_set())

    ticks = itertools.count(1)
    timer = QTimer()
    timer.setInterval(10)
    timer.timeout.connect(lambda: next(ticks) >= 20 and lively.set())
    stages.work = compute  # type: ignore[method-assign]
    timer.start()
    window.click("edges")
    timer.stop()
    assert done
    assert all(done), "the timer of the window did not come round while the worker computed"
