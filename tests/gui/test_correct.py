"""Corrections in a real viewer: real mouse and key events, and what the user then sees."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from drawn import SHAPE, Stages, drawing, lattice
from napari.layers import Labels
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QApplication, QFileDialog

from archived import rewritten
from temgrains.corrections import verbs
from temgrains.gui.correct_layers import striped
from temgrains.gui.dock import TemGrainsWidget
from temgrains.gui.project_reader import get_reader as get_project_reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from editing import Editor

    from conftest import Window


@pytest.fixture(autouse=True)
def _drawn(stages: Stages) -> None:
    """Every test here uses the drawn stages."""


def test_a_click_erases_a_boundary_and_everything_follows(editor: Editor) -> None:
    assert editor.count == 24
    editor.key(Qt.Key.Key_X)
    assert editor.link.hand.tool == "erase"
    editor.click(8, 15)
    assert editor.count == 23
    grains, lines = editor.window.layer("film grains"), editor.window.layer("film boundaries")
    assert grains.data[8, 8] == grains.data[8, 24], "the layer follows at once"
    assert lines.data[8, 15] == 0
    assert editor.window.layer("film corrections").data[8, 15] == 2
    editor.settle()
    analysis = editor.window.desk.session.analysis
    assert analysis.grains.count == 23
    assert len(analysis.sizes.table) == 23
    assert analysis.provenance["corrections"]["by_verb"] == {"erase": 1}
    assert "1 correction:" in editor.panel.ledger.text()
    assert editor.window.names().count("film grains") == 1


TOOL_KEYS = {
    "draw": Qt.Key.Key_D,
    "erase": Qt.Key.Key_X,
    "split": Qt.Key.Key_S,
    "merge": Qt.Key.Key_J,
    "move": Qt.Key.Key_M,
    "straighten": Qt.Key.Key_L,
    "close": Qt.Key.Key_G,
}


@pytest.mark.parametrize("kind", ["film", "film grains", "film boundaries", "own labels", "own points"])
def test_the_keys_act_in_whatever_layer_is_selected(editor: Editor, kind: str) -> None:
    own = {"own labels": editor.viewer.add_labels, "own points": editor.viewer.add_points}
    if kind in own:
        data = np.zeros(SHAPE, np.uint8) if "labels" in kind else np.zeros((1, 2))
        own[kind](data, name=kind, scale=(0.5, 0.5), units=("nm", "nm"))
    layer = editor.window.layer(kind)
    for tool, key in TOOL_KEYS.items():
        editor.viewer.layers.selection.active = layer
        editor.window.until(lambda: editor.link.hand.tool == "")
        before = getattr(layer, "selected_label", None), str(layer.mode)
        editor.key(key)
        assert editor.link.hand.tool == tool
        assert (getattr(layer, "selected_label", None), str(layer.mode)) == before
    for key, place in ((Qt.Key.Key_N, "Segment 1 of"), (Qt.Key.Key_P, "Segment ")):
        editor.viewer.layers.selection.active = layer
        editor.key(key)
        assert place in editor.panel.message.text()
        assert str(layer.mode) == "pan_zoom"


def test_napari_has_its_keys_while_the_panel_is_hidden_and_while_one_paints(editor: Editor) -> None:
    layer = Labels(np.zeros(SHAPE, np.uint8), name="mine", scale=(0.5, 0.5), units=("nm", "nm"))
    layer.selected_label = 3
    heard: list[object] = []
    layer.bind_key("D", heard.append)
    editor.viewer.layers.append(layer)
    editor.viewer.layers.selection.active = editor.window.layer("film")
    editor.viewer.layers.selection.active = layer
    editor.key(Qt.Key.Key_2)
    assert layer.mode == "paint", "the numbers are napari's in a layer of the user's"
    editor.key(Qt.Key.Key_M)
    assert layer.selected_label == 1, "who paints keeps napari's keys"
    assert editor.link.hand.tool == ""
    layer.mode = "pan_zoom"
    editor.key(Qt.Key.Key_X)
    assert editor.link.hand.tool == "erase"
    editor.viewer.layers.selection.active = layer
    editor.window.until(lambda: editor.link.hand.tool == "")
    editor.window.dock.tabs.setCurrentWidget(editor.window.dock.sizes)
    editor.key(Qt.Key.Key_X)
    assert layer.selected_label == 0, "napari swapped it with the background"
    editor.key(Qt.Key.Key_D)
    assert heard == [layer], "what the user bound comes back too"
    assert editor.link.hand.tool == ""
    editor.window.dock.tabs.setCurrentWidget(editor.panel)
    editor.key(Qt.Key.Key_X)
    assert editor.link.hand.tool == "erase"
    assert layer.selected_label == 0


def test_undo_and_redo_keys_take_whole_operations_back(editor: Editor) -> None:
    start = editor.labels.copy()
    editor.key(Qt.Key.Key_X)
    editor.click(8, 15)
    editor.click(24, 31)
    assert editor.count == 22
    editor.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert editor.count == 23
    editor.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert np.array_equal(editor.labels, start)
    assert np.array_equal(editor.window.layer("film boundaries").data == 1, start == 0)
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    editor.key(Qt.Key.Key_Z, both)
    editor.key(Qt.Key.Key_Z, both)
    assert editor.count == 22


def test_drawing_from_line_to_line_with_two_clicks(editor: Editor) -> None:
    editor.key(Qt.Key.Key_D)
    editor.click(8, 16)
    editor.qtbot.mouseMove(editor.canvas.native, editor.pos(8, 22))
    assert (editor.window.layer("film corrections").data == 3).any(), "the line is shown before it is drawn"
    editor.click(8, 30)
    assert editor.count == 25
    assert (editor.window.layer("film corrections").data != 3).all()


def test_a_double_click_ends_a_line_and_escape_forgets_it(editor: Editor) -> None:
    editor.key(Qt.Key.Key_D)
    editor.click(8, 24)
    editor.key(Qt.Key.Key_Escape)
    assert not editor.link.hand.begun
    editor.click(8, 16)
    editor.click(8, 24, Qt.KeyboardModifier.AltModifier)
    editor.key(Qt.Key.Key_Return)
    assert editor.count == 24
    assert "closes nothing yet" in editor.panel.message.text()
    assert len(editor.link.corrector.operations) == 1


def test_splitting_joining_and_refusals(editor: Editor) -> None:
    editor.key(Qt.Key.Key_S)
    editor.click(6, 20)
    editor.click(6, 26)
    assert editor.count == 25
    editor.key(Qt.Key.Key_J)
    editor.click(3, 22)
    editor.click(12, 22)
    assert editor.count == 24
    editor.click(3, 22)
    editor.click(3, 23)
    assert "both clicks are in one grain" in editor.panel.message.text()


def marked(editor: Editor, mark: int) -> np.ndarray:
    """Where the layer of corrections shows a mark."""
    return editor.window.layer("film corrections").data == mark


def test_what_a_second_click_would_do_is_shown_before_it(editor: Editor) -> None:
    native = editor.canvas.native
    editor.key(Qt.Key.Key_S)
    editor.click(8, 21)
    editor.qtbot.mouseMove(native, editor.pos(8, 25))
    editor.window.until(lambda: marked(editor, 3).any())
    assert marked(editor, 3)[8, 17:30].all(), "all of the cut, from boundary to boundary"
    editor.key(Qt.Key.Key_J)
    editor.click(8, 21)
    editor.qtbot.mouseMove(native, editor.pos(8, 38))
    editor.window.until(lambda: marked(editor, 2).any())
    assert marked(editor, 2)[3:12, 31].all(), "the boundary that would go"
    editor.key(Qt.Key.Key_Escape)
    assert not marked(editor, 2).any()
    editor.key(Qt.Key.Key_M)
    editor.click(15, 31)
    editor.qtbot.mouseMove(native, editor.pos(18, 33))
    editor.window.until(lambda: marked(editor, 3).any())
    assert marked(editor, 2).any(), "what the junction leaves, and where its boundaries would run"
    editor.key(Qt.Key.Key_Escape)
    assert editor.count == 24
    assert not editor.window.layer("film corrections").data.any()


def test_what_is_drawn_lies_above_what_is_erased(editor: Editor) -> None:
    editor.key(Qt.Key.Key_X)
    editor.click(8, 31)
    editor.key(Qt.Key.Key_D)
    editor.click(8, 16, Qt.KeyboardModifier.AltModifier)
    editor.click(8, 46, Qt.KeyboardModifier.AltModifier)
    assert marked(editor, 1)[8, 20:42].all()
    assert marked(editor, 1)[7:10, 31].all()
    assert marked(editor, 2)[3:6, 31].all()


def test_proposals_that_run_together_are_all_seen(editor: Editor) -> None:
    shared = np.stack([np.full(30, 4), np.arange(30)], axis=1)
    aside = np.stack([np.arange(5, 9), np.full(4, 29)], axis=1)
    parts = dict(striped([shared, np.concatenate([shared, aside]), shared[:3]]))
    assert sum(len(part) for part in parts.values()) == 34
    assert len(parts[0]) > 8
    assert len(parts[1]) > 12
    editor.key(Qt.Key.Key_G)
    editor.click(24, 24)
    offered = len(editor.link.hand._offered)
    assert offered > 1
    assert all(marked(editor, 5 + k).any() for k in range(offered))
    assert f"{offered} proposed: 1 yellow, 2 orange" in editor.panel.message.text()


def test_a_segment_that_would_be_too_small_is_brought_closer(editor: Editor) -> None:
    camera = editor.viewer.scene.camera
    camera.zoom = 1
    editor.key(Qt.Key.Key_N)
    _, path, _, _ = editor.link.corrector.next_uncertain(0)
    assert camera.zoom * len(path) * 0.5 >= 40
    close_by = camera.zoom = 3 * camera.zoom
    editor.key(Qt.Key.Key_N)
    assert camera.zoom == close_by, "who is closer stays there"


def test_what_was_counted_holds_until_the_next_correction(editor: Editor) -> None:
    assert "not counted yet" in editor.panel.doubt.text()
    editor.panel.buttons["doubt"].click()
    editor.window.until(lambda: "% of the length" in editor.panel.doubt.text())
    editor.key(Qt.Key.Key_X)
    assert "% of the length" in editor.panel.doubt.text()
    editor.click(8, 15)
    assert "not counted yet" in editor.panel.doubt.text()


def test_a_gap_is_closed_by_one_of_the_proposals(editor: Editor) -> None:
    editor.key(Qt.Key.Key_G)
    editor.click(24, 24)
    assert "proposed" in editor.panel.message.text()
    editor.key(Qt.Key.Key_1)
    assert editor.count == 25


def test_the_least_certain_segment_is_shown_accepted_and_erased(editor: Editor) -> None:
    editor.key(Qt.Key.Key_N)
    assert "Segment 1 of" in editor.panel.message.text()
    editor.key(Qt.Key.Key_Return)
    assert editor.link.corrector.operations[-1].verb == "accept"
    before = editor.count
    editor.key(Qt.Key.Key_Backspace)
    assert editor.count == before - 1
    editor.panel.buttons["doubt"].click()
    assert "% of the length" in editor.panel.doubt.text()


def test_a_drag_pans_and_corrects_nothing(editor: Editor) -> None:
    editor.key(Qt.Key.Key_X)
    native, left = editor.canvas.native, Qt.MouseButton.LeftButton
    editor.qtbot.mousePress(native, left, pos=editor.pos(8, 15))
    for step in range(1, 6):
        editor.qtbot.mouseMove(native, editor.pos(8, 15) + QPoint(8 * step, 0))
    editor.qtbot.mouseRelease(native, left, pos=editor.pos(8, 15))
    assert editor.count == 24


def test_turning_to_another_layer_puts_the_tool_down(editor: Editor) -> None:
    editor.key(Qt.Key.Key_X)
    editor.viewer.layers.selection.active = editor.window.layer("film grains")
    editor.window.until(lambda: editor.link.hand.tool == "")
    editor.click(8, 15)
    assert editor.count == 24
    assert not any(tool.isChecked() for tool in editor.panel.tools.values())


def test_corrections_survive_the_deletion_of_their_layer(editor: Editor) -> None:
    editor.key(Qt.Key.Key_X)
    editor.click(8, 15)
    editor.viewer.layers.remove("film corrections")
    editor.window.until(lambda: editor.link.hand.tool == "")
    editor.panel.tools["erase"].click()
    assert editor.window.layer("film corrections").data[8, 15] == 2
    editor.click(24, 31)
    assert editor.count == 22


def test_find_grains_again_keeps_the_corrections(editor: Editor) -> None:
    editor.key(Qt.Key.Key_X)
    editor.click(8, 15)
    editor.settle()
    editor.window.desk.do("grains")
    editor.settle()
    editor.settle()
    assert editor.window.desk.session.analysis.grains.count == 23
    editor.panel.buttons["undo"].click()
    editor.settle()
    assert editor.window.desk.session.analysis.grains.count == 24


def test_refining_again_passes_the_corrections_on(editor: Editor, stages: Stages) -> None:
    editor.key(Qt.Key.Key_X)
    editor.click(8, 15)
    editor.settle()
    editor.window.desk.show_iterate(3)
    editor.panel.buttons["again"].click()
    editor.settle()
    pins = editor.window.desk.session.pins
    assert pins.grain[8, 15]
    assert not pins.boundary.any()
    assert editor.window.desk.session.at_end
    assert editor.window.desk.session.analysis.grains.count == 23, "and they are done on the new network"


def test_in_3d_it_says_what_to_do(editor: Editor) -> None:
    editor.key(Qt.Key.Key_X)
    editor.viewer.dims.ndisplay = 3
    editor.click(8, 15)
    assert "flat view" in editor.panel.message.text()
    assert editor.count == 24


def test_an_image_of_another_size_starts_anew(editor: Editor) -> None:
    editor.key(Qt.Key.Key_X)
    editor.click(8, 15)
    editor.window.layer("film").data = drawing((48, 80))
    editor.settle()
    assert editor.link.corrector is None
    assert editor.link.hand.tool == ""
    editor.window.desk.do("all")
    editor.settle()
    assert editor.link.corrector.operations == ()


def test_a_dock_that_is_closed_while_drawing_leaves_no_callbacks(editor: Editor) -> None:
    editor.key(Qt.Key.Key_D)
    editor.click(8, 16)
    editor.viewer.window.remove_dock_widget("all")
    editor.window.until(lambda: not editor.viewer.keymap)
    assert editor.viewer.mouse_move_callbacks == []


def test_what_was_kept_is_offered_and_restored(editor: Editor, open_window: Callable[..., Window]) -> None:
    editor.key(Qt.Key.Key_X)
    editor.click(8, 15)
    editor.settle()
    editor.viewer.window.remove_dock_widget("all")
    answer(editor, "Close without")
    window = open_window(dock=TemGrainsWidget)
    window.desk.do("all")
    window.settle()
    panel = window.dock.correct
    assert "Corrections of this image were kept: 1, of" in panel.kept.text()
    panel.buttons["restore"].click()
    window.until(lambda: panel.corrections.settled and window.desk.settled)
    assert window.desk.session.analysis.grains.count == 23
    assert panel._kept_row.isHidden()


def journal_of_one_correction(editor: Editor) -> Path:
    """Erase a line, close the window without saving, and give the journal that is left."""
    editor.key(Qt.Key.Key_X)
    editor.click(8, 15)
    editor.settle()
    path = editor.link.corrector.journal.path
    editor.viewer.window.remove_dock_widget("all")
    answer(editor, "Close without")
    return path


def test_of_a_damaged_journal_the_rest_is_offered_with_a_word(
    editor: Editor, open_window: Callable[..., Window], messages: list[str]
) -> None:
    path = journal_of_one_correction(editor)
    with sqlite3.connect(path) as base:
        base.execute("UPDATE events SET body = x'00' WHERE kind = 'start'")
    base.close()
    window = open_window(dock=TemGrainsWidget)
    window.desk.do("all")
    window.settle()
    window.dock.correct.buttons["restore"].click()
    window.until(lambda: window.dock.correct.corrections.settled and window.desk.settled)
    assert window.desk.session.analysis.grains.count == 23
    assert any("the lines that they began from are lost" in message for message in messages)


def test_a_journal_that_is_none_is_said_before_the_first_correction(
    editor: Editor, open_window: Callable[..., Window], messages: list[str]
) -> None:
    path = journal_of_one_correction(editor)
    path.write_bytes(path.read_bytes()[:5000])
    window = open_window(dock=TemGrainsWidget)
    window.desk.do("all")
    window.settle()
    assert sum("the journal was damaged; it lies in" in message for message in messages) == 1
    link = window.dock.correct.corrections
    link.do(verbs.erase(link.corrector.history.labels, (8, 15)))
    assert len(link.corrector.journal.kept().operations) == 1


def test_two_windows_on_one_image_keep_apart(
    editor: Editor, open_window: Callable[..., Window], messages: list[str]
) -> None:
    editor.key(Qt.Key.Key_X)
    editor.click(8, 15)
    other = open_window(dock=TemGrainsWidget)
    other.desk.do("all")
    other.settle()
    second = other.dock.correct.corrections
    assert second.corrector.kept is None
    second.do(editor.link.corrector.operations[0])
    assert any("another window corrects this image" in message for message in messages)
    assert len(editor.link.corrector.operations) == 1


def test_without_a_writable_folder_it_works_and_says_so(
    open_window: Callable[..., Window], home: Any, messages: list[str]
) -> None:
    (home / "corrections").write_text("a file where the folder should be")
    window = open_window(dock=TemGrainsWidget)
    window.desk.do("all")
    window.settle()
    link = window.dock.correct.corrections
    link.take("erase")
    link.do(verbs.erase(link.corrector.history.labels, (8, 15)))
    assert len(np.unique(link.corrector.history.labels)) == 24
    assert any("only in memory" in message for message in messages)
    assert "only in memory" in window.dock.correct.ledger.text()


def test_the_drawn_network_is_what_these_tests_think() -> None:
    assert lattice(SHAPE)[8, 15]


def test_the_panel_fits_a_narrow_dock(editor: Editor) -> None:
    assert editor.panel.minimumSizeHint().width() <= 380


def test_a_project_is_saved_and_opened_in_another_window(
    editor: Editor, open_window: Callable[..., Window], tmp_path: Any
) -> None:
    editor.key(Qt.Key.Key_X)
    editor.click(24, 31)
    editor.click(40, 47)
    editor.panel.buttons["undo"].click()
    editor.settle()
    editor.panel.projects.save(tmp_path / "film.temgrains")
    editor.window.until(lambda: not editor.panel.projects.work.busy)
    assert not editor.link.corrector.unsaved
    window = open_window(image=False, dock=TemGrainsWidget)
    panel = window.dock.correct
    panel.projects.open(tmp_path / "film.temgrains")
    window.until(lambda: not panel.projects.work.busy and panel.corrections.settled and window.desk.settled)
    assert window.desk.session.analysis.grains.count == 23
    assert window.desk.session.pixel_size == (0.5, 0.5)
    assert len(panel.corrections.corrector.history.undone) == 1
    assert "film boundaries" in window.names()


def test_a_project_that_cannot_be_written_stays_unsaved(
    editor: Editor, tmp_path: Any, messages: list[str]
) -> None:
    editor.key(Qt.Key.Key_X)
    editor.click(24, 31)
    editor.panel.projects.save(tmp_path / "missing" / "film.temgrains")
    editor.window.until(lambda: not editor.panel.projects.work.busy)
    assert "does not exist" in messages[-1]
    assert editor.link.corrector.unsaved
    assert len(editor.link.corrector.operations) == 1


def erase_one(editor: Editor) -> None:
    """Make one correction."""
    editor.key(Qt.Key.Key_X)
    editor.click(24, 31)
    editor.settle()


def answer(editor: Editor, text: str) -> None:
    """Press a button of the question about unsaved corrections."""
    box = editor.link.closing.question
    next(button for button in box.buttons() if text in button.text()).click()


def test_closing_with_unsaved_corrections_asks(editor: Editor) -> None:
    window = editor.viewer.window._qt_window
    erase_one(editor)
    window.close()
    assert window.isVisible()
    assert "film" in editor.link.closing.question.text()
    assert "journal keeps them" in editor.link.closing.question.informativeText()
    question = editor.link.closing.question
    window.close()
    assert editor.link.closing.question is question, "it is asked once"
    answer(editor, "Cancel")
    assert window.isVisible()
    assert editor.link.corrector.unsaved


def test_closing_goes_on_once_the_project_is_saved(
    editor: Editor, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "film.temgrains"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    closed: list[bool] = []
    monkeypatch.setattr(editor.link.closing, "_close", lambda: closed.append(True))
    erase_one(editor)
    QApplication.sendEvent(editor.viewer.window._qt_window, QCloseEvent())
    answer(editor, "Save project")
    editor.window.until(lambda: bool(closed))
    assert path.exists()
    assert not editor.link.corrector.unsaved
    assert closed == [True]


def test_closing_without_saving_leaves_them_in_the_journal(
    editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(editor.link.closing, "_close", lambda: closed.append(True))
    erase_one(editor)
    QApplication.sendEvent(editor.viewer.window._qt_window, QCloseEvent())
    answer(editor, "Close without")
    assert closed == [True]
    assert len(editor.link.corrector.journal.kept().operations) == 1
    assert not editor.link.corrector.journal.kept().saved


def test_a_window_without_corrections_closes_unasked(editor: Editor) -> None:
    event = QCloseEvent()
    assert not editor.link.closing.eventFilter(editor.viewer.window._qt_window, event)
    erase_one(editor)
    editor.link.undo()
    editor.link.corrector.mark_saved()
    assert not editor.link.closing.eventFilter(editor.viewer.window._qt_window, event)


def test_a_dock_with_unsaved_corrections_comes_back(editor: Editor) -> None:
    erase_one(editor)
    count = editor.count
    editor.viewer.window.remove_dock_widget(editor.window.dock)
    answer(editor, "Cancel")
    assert editor.window.dock.parent() is not None
    assert editor.count == count
    editor.link.undo()
    assert editor.count == count + 1


def test_a_dock_closed_without_saving_is_gone(editor: Editor) -> None:
    erase_one(editor)
    editor.viewer.window.remove_dock_widget(editor.window.dock)
    assert editor.link.corrector is not None
    answer(editor, "Close without")
    assert editor.link.corrector is None


def test_a_project_opens_from_the_file_menu_and_the_dock_goes_on(
    editor: Editor, open_window: Callable[..., Window], tmp_path: Any
) -> None:
    erase_one(editor)
    path = tmp_path / "film.temgrains"
    assert editor.panel.projects.save(path)
    editor.window.until(lambda: path.exists() and not editor.panel.projects.work.busy)
    other = open_window(image=False, dock=TemGrainsWidget)
    for data, looks, kind in get_project_reader(str(path))(str(path)):
        getattr(other.viewer, f"add_{kind}")(data, **looks)
    link = other.dock.correct.corrections
    other.until(lambda: link.corrector is not None and link.settled and other.desk.settled)
    assert len(link.corrector.operations) == 1
    assert not link.corrector.unsaved
    assert np.array_equal(link.corrector.history.labels, editor.labels)
    assert other.names().count("film grains") == 1
    link.undo()
    assert not link.corrector.operations


@pytest.mark.parametrize(
    "told", [{}, {"warnings": 7, "model": "lost", "settings": [], "excluded_share": None}]
)
def test_a_project_that_does_not_tell_how_it_was_made_is_opened_and_gone_on_with(
    editor: Editor,
    open_window: Callable[..., Window],
    tmp_path: Any,
    messages: list[str],
    told: dict[str, Any],
) -> None:
    erase_one(editor)
    path = tmp_path / "film.temgrains"
    assert editor.panel.projects.save(path)
    editor.window.until(lambda: path.exists() and not editor.panel.projects.work.busy)

    def harm(entries: dict[str, bytes]) -> None:
        text = json.loads(entries["project.json"]) | {"provenance": told}
        entries["project.json"] = json.dumps(text).encode()

    rewritten(path, harm)
    window = open_window(image=False, dock=TemGrainsWidget)
    panel = window.dock.correct
    panel.projects.open(path)
    window.until(lambda: not panel.projects.work.busy and panel.corrections.settled and window.desk.settled)
    said = "film.temgrains: it does not tell which model found its boundaries"
    assert sum(said in message for message in messages) == 1
    assert np.array_equal(panel.corrections.corrector.history.labels, editor.labels)
    window.desk.calibrate((2.0, 2.0), "typed")
    window.desk.do("grains")
    window.until(lambda: window.desk.settled)
    assert window.desk.session.analysis.sizes.pixel_size == (2.0, 2.0)
    assert not any("Error" in message for message in messages)


def test_a_project_that_is_damaged_is_one_sentence(
    open_window: Callable[..., Window], tmp_path: Any, messages: list[str]
) -> None:
    path = tmp_path / "film.temgrains"
    path.write_bytes(b"PK\3\4 and no more")
    window = open_window(image=False, dock=TemGrainsWidget)
    panel = window.dock.correct
    panel.projects.open(path)
    window.until(lambda: not panel.projects.work.busy)
    (said,) = messages
    assert said.startswith(
        f"Open project failed: {path} cannot be read as a project: it is of another kind, or"
    )


def test_only_projects_are_read_as_projects(tmp_path: Any) -> None:
    assert get_project_reader(str(tmp_path / "film.tif")) is None
    assert get_project_reader([str(tmp_path / "film.temgrains")]) is None
    (tmp_path / "film.temgrains").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="cannot be read as a project"):
        get_project_reader(str(tmp_path / "film.temgrains"))(str(tmp_path / "film.temgrains"))


def test_the_tool_layer_renamed_and_hidden_while_drawing(editor: Editor) -> None:
    editor.key(Qt.Key.Key_X)
    layer = editor.viewer.layers.selection.active
    layer.name = "mine"
    layer.visible = False
    count = editor.count
    editor.click(24, 31)
    editor.settle()
    assert editor.count == count - 1
    assert (layer.data == 2).any(), "it is found by its id, whatever it is called"


def test_the_tool_layer_removed_between_two_clicks(editor: Editor) -> None:
    editor.key(Qt.Key.Key_S)
    editor.click(24, 20)
    editor.viewer.layers.remove(editor.viewer.layers.selection.active)
    editor.qtbot.wait(50)
    assert editor.link.hand.tool == ""
    count = editor.count
    editor.click(26, 28)
    assert editor.count == count
    assert not editor.link.corrector.operations


def test_the_dock_closed_in_mid_drag(editor: Editor) -> None:
    native, left = editor.canvas.native, Qt.MouseButton.LeftButton
    editor.key(Qt.Key.Key_D)
    editor.qtbot.mousePress(native, left, Qt.KeyboardModifier.ShiftModifier, editor.pos(20, 18))
    editor.qtbot.mouseMove(native, editor.pos(22, 24))
    editor.viewer.window.remove_dock_widget(editor.window.dock)
    editor.qtbot.mouseMove(native, editor.pos(24, 28))
    editor.qtbot.mouseRelease(native, left, Qt.KeyboardModifier.ShiftModifier, editor.pos(24, 28))
    assert editor.link.hand.tool == ""
    assert editor.link.corrector is None


def test_the_image_replaced_in_mid_edit(editor: Editor) -> None:
    erase_one(editor)
    editor.key(Qt.Key.Key_S)
    editor.click(24, 20)
    editor.window.layer("film").data = np.flipud(drawing())
    editor.settle()
    assert editor.link.hand.tool == ""
    assert editor.link.corrector is None, "the corrections were of other pixels"
    editor.window.desk.do("all")
    editor.settle()
    assert not editor.link.corrector.operations


def test_two_images_in_turns_keep_their_layers_and_sizes_apart(editor: Editor) -> None:
    window, desk = editor.window, editor.window.desk
    first = desk.watch.image
    erase_one(editor)
    looks = {"scale": (0.5, 0.5), "units": ("nm", "nm")}
    second = editor.viewer.add_image(np.flipud(drawing()), name="other", **looks)
    desk.choose(second.unique_id)
    desk.do("all")
    editor.settle()
    link = editor.link
    link.take("erase")
    link.do(verbs.erase(link.corrector.history.labels, (8, 15)))
    desk.choose(first.unique_id)  # before the other image is measured
    link.take("erase")
    link.do(verbs.erase(link.corrector.history.labels, (8, 47)))
    editor.settle()
    assert window.layer("film boundaries").data[8, 47] == 0
    assert window.layer("other boundaries").data[8, 47] == 1
    assert desk.session.analysis.grains.count == 22
    assert desk.bench_of(second).session.analysis.grains.count == 23


def test_grains_keep_their_numbers_until_the_user_turns_away(editor: Editor) -> None:
    editor.key(Qt.Key.Key_X)
    editor.click(24, 31)
    editor.settle()
    layer = editor.window.layer("film grains")
    shown = np.unique(layer.data[layer.data > 0])
    assert shown.max() == 24
    assert len(shown) == 23
    assert sorted(layer.features["index"]) == list(shown), "the table knows them by the same numbers"
    areas = layer.features.set_index("index")["area_px2"]
    for number in shown:
        assert areas[number] >= np.count_nonzero(layer.data == number)
    editor.viewer.layers.selection.active = layer
    editor.window.until(lambda: editor.window.layer("film grains").data.max() == 23)
    editor.settle()
    assert np.array_equal(
        editor.window.layer("film grains").data, editor.window.desk.session.analysis.grains.labels
    )


@pytest.mark.parametrize("columns", [(30, 36, 44, 50, 56), ()], ids=["slow", "quick"])
def test_a_drag_across_several_boundaries_erases_all_of_them(
    editor: Editor, columns: tuple[int, ...]
) -> None:
    native, left, shift = editor.canvas.native, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
    centre = editor.viewer.scene.camera.center
    editor.key(Qt.Key.Key_X)
    editor.qtbot.mousePress(native, left, shift, editor.pos(24, 24))
    for column in columns:  # a quick hand gives none that vispy lets through
        editor.move_held(24, column)
        assert (editor.window.layer("film corrections").data == 3).any(), "the way is shown"
    if columns:
        assert marked(editor, 2)[20:23, 31].all(), "and what goes with it"
    editor.qtbot.mouseRelease(native, left, shift, editor.pos(24, 56))
    assert editor.count == 22
    assert len(editor.link.corrector.operations) == 1
    assert editor.viewer.scene.camera.center == centre, "the view stays"
    assert "Click on a false boundary" in editor.panel.message.text(), "the tool is still in hand"
    editor.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert editor.count == 24


def test_the_viewer_closed_in_mid_drag(editor: Editor, open_window: Callable[..., Window]) -> None:
    native, left, shift = editor.canvas.native, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
    erase_one(editor)
    editor.key(Qt.Key.Key_D)
    editor.qtbot.mousePress(native, left, shift, editor.pos(20, 18))
    editor.move_held(22, 24)
    assert (editor.window.layer("film corrections").data == 3).any()
    hand = editor.link.hand
    editor.viewer.close()
    editor.qtbot.wait(50)
    assert not hand.tool
    assert not hand.begun
    window = open_window(dock=TemGrainsWidget)
    window.desk.do("all")
    window.settle()
    kept = window.dock.correct.corrections.corrector.kept
    assert [operation.verb for operation in kept.operations] == ["erase"]


def test_another_place_is_offered_where_a_project_cannot_be_written(
    editor: Editor, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, free = tmp_path / "missing" / "film.temgrains", tmp_path / "film.temgrains"
    places = iter([(str(full), ""), (str(free), "")])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: next(places))
    erase_one(editor)
    projects = editor.panel.projects
    editor.panel.buttons["save"].click()
    editor.window.until(lambda: projects.offer is not None)
    assert "film.temgrains" in projects.offer.text()
    assert editor.link.corrector.unsaved
    next(button for button in projects.offer.buttons() if "elsewhere" in button.text()).click()
    editor.window.until(lambda: free.exists() and not projects.work.busy)
    assert not editor.link.corrector.unsaved
