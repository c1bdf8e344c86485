"""Corrections in a real viewer: real mouse and key events, and what the user then sees."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from drawn import SHAPE, Stages, drawing, lattice
from PIL import Image
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QCloseEvent, QMouseEvent
from qtpy.QtWidgets import QApplication, QFileDialog

from archived import rewritten
from temgrains.corrections import verbs
from temgrains.gui.dock import TemGrainsWidget
from temgrains.gui.project_reader import get_reader as get_project_reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Window


@pytest.fixture(autouse=True)
def _drawn(stages: Stages) -> None:
    """Every test here uses the drawn stages."""


class Editor:
    """A window whose Correct tab is used with the mouse and the keyboard."""

    def __init__(self, window: Window) -> None:
        self.window, self.viewer, self.qtbot = window, window.viewer, window.qtbot
        self.panel = window.dock.correct
        self.link = self.panel.corrections
        self.canvas = self.viewer.window._qt_viewer.canvas

    @property
    def labels(self) -> np.ndarray:
        return self.link.corrector.history.labels

    @property
    def count(self) -> int:
        return len(np.unique(self.labels)) - 1

    def pos(self, row: float, column: float) -> QPoint:
        """Where a pixel of the image lies on the screen."""
        world = self.window.layer("film").data_to_world((row, column))
        camera = self.viewer.scene.camera
        height, width = self.viewer.canvas.size
        offset = (np.array(world) - camera.center[-2:]) * camera.zoom
        return QPoint(round(width / 2 + offset[1]), round(height / 2 + offset[0]))

    def click(self, row: float, column: float, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
        native = self.canvas.native
        self.qtbot.mouseMove(native, self.pos(row, column))
        self.qtbot.mouseClick(native, Qt.MouseButton.LeftButton, modifier, self.pos(row, column))

    def move_held(self, row: float, column: float) -> None:
        """Move with the left button and Shift held, which qtbot's moves do not."""
        self.qtbot.wait(15)  # vispy drops moves within 10 ms of the last one
        native, place = self.canvas.native, self.pos(row, column)
        left, shift = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
        where = QPointF(place), QPointF(native.mapToGlobal(place))
        move = QMouseEvent(QEvent.Type.MouseMove, *where, Qt.MouseButton.NoButton, left, shift)
        QApplication.sendEvent(native, move)

    def key(self, key: Any, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
        self.qtbot.keyClick(self.viewer.window._qt_viewer, key, modifier)

    def settle(self) -> None:
        self.window.until(lambda: self.link.settled and self.window.desk.settled)


@pytest.fixture
def editor(open_window: Callable[..., Window]) -> Editor:
    window = open_window(dock=TemGrainsWidget)
    window.viewer.show()
    window.dock.tabs.setCurrentWidget(window.dock.correct)
    window.desk.do("all")
    window.settle()
    window.qtbot.wait(50)
    return Editor(window)


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


def test_of_a_damaged_journal_the_rest_is_offered_with_a_word(
    editor: Editor, open_window: Callable[..., Window], messages: list[str]
) -> None:
    editor.key(Qt.Key.Key_X)
    editor.click(8, 15)
    editor.settle()
    path = editor.link.corrector.journal.path
    editor.viewer.window.remove_dock_widget("all")
    answer(editor, "Close without")
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
    editor.key(Qt.Key.Key_X)
    editor.click(8, 15)
    editor.settle()
    path = editor.link.corrector.journal.path
    editor.viewer.window.remove_dock_widget("all")
    answer(editor, "Close without")
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


def test_the_score_says_how_good_the_boundaries_were(editor: Editor, tmp_path: Any) -> None:
    panel = editor.panel.score
    editor.key(Qt.Key.Key_X)
    editor.click(24, 31)
    panel.compare.click()
    editor.window.until(lambda: panel.comparison is not None and not panel._work.busy)
    assert panel.comparison.score.eq1 == 1
    assert panel.comparison.score.precision < 1, "the erased boundary was false"
    assert "within 4 px = 2.00 nm" in panel.figures.text()
    assert (editor.window.layer("film score").data == 3).any()
    editor.qtbot.wait(50)
    assert editor.link.hand.tool == "erase", "the new layer does not put the tool down"
    panel._copy()
    for name in ("score.json", "score.csv", "score.png"):
        panel.save_to(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 200
    assert "contrast 0.1 to 1" in panel.figures.text()
    told = json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))["eq1_by"]
    assert sum(part["length_px"] for part in told["contrast"]) > 0
    assert [part["low"] for part in told["confidence"]] == [0, 0.3, 0.6, 0.9]
    assert "eq1 of confidence" in (tmp_path / "score.csv").read_text(encoding="utf-8")


def test_the_score_against_a_drawn_reference_follows_the_corrections(editor: Editor) -> None:
    panel = editor.panel.score
    truth = lattice().astype(np.uint8)
    truth[9:14, 15] = 0
    editor.viewer.add_labels(truth, name="truth", scale=(0.5, 0.5), units=("nm", "nm"))
    panel.reference.setCurrentIndex(panel.reference.findText("truth"))
    panel.tolerance.setValue(0)
    panel.compare.click()
    editor.window.until(lambda: panel.comparison is not None)
    before = panel.comparison.score.precision
    editor.panel.tools["erase"].click()
    editor.click(8, 15)
    editor.window.until(lambda: panel.comparison.score.precision != before)
    assert panel.comparison.reference == "truth"


def test_a_reference_of_another_size_is_refused(editor: Editor, tmp_path: Any, messages: list[str]) -> None:
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "small.png")
    editor.panel.score.open_reference(str(tmp_path / "small.png"))
    assert "must be of the same image" in messages[-1]
    editor.panel.score.open_reference(str(tmp_path / "none.png"))
    assert "none.png" in messages[-1]


def test_an_unknown_ending_is_refused(editor: Editor, tmp_path: Any, messages: list[str]) -> None:
    editor.panel.score.compare.click()
    editor.window.until(lambda: editor.panel.score.comparison is not None)
    editor.panel.score.save_to(tmp_path / "score.doc")
    assert "no known ending" in messages[-1]


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
        assert (editor.window.layer("film corrections").data == 3).any(), "what goes is shown on the way"
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


@pytest.mark.parametrize("kind", ["nothing", "everything", "nan", "stack"])
def test_a_reference_that_is_none_is_told_where_the_figures_stand(
    editor: Editor, kind: str, messages: list[str]
) -> None:
    data = np.full(SHAPE, {"nan": np.nan, "everything": 255.0}.get(kind, 0.0), np.float32)
    looks = {"scale": (0.5, 0.5), "units": ("nm", "nm")}
    if kind == "stack":
        looks = {"scale": (1, 0.5, 0.5), "units": ("pixel", "nm", "nm")}
    editor.viewer.add_image(np.stack([data] * 3) if kind == "stack" else data, name="odd", **looks)
    panel = editor.panel.score
    place = panel.reference.findText("odd")
    assert (place < 0) == (kind == "stack")
    if place >= 0:
        panel.reference.setCurrentIndex(place)
        panel.compare.click()
        editor.window.until(lambda: "odd is no reference" in panel.figures.text())
        assert "holds no boundary" in panel.figures.text()
        assert panel.comparison is None
        assert not messages


def test_numbers_of_grains_and_dark_lines_are_references_too(editor: Editor, tmp_path: Any) -> None:
    panel = editor.panel.score
    labels = editor.window.desk.session.analysis.grains.labels
    Image.fromarray(labels.astype(np.uint8)).save(tmp_path / "numbers.png")
    Image.fromarray(np.where(labels == 0, 0, 255).astype(np.uint8)).save(tmp_path / "dark.png")
    panel.compare.click()
    for name in ("numbers", "dark"):
        panel.open_reference(str(tmp_path / f"{name}.png"))
        panel._later()
        editor.window.until(
            lambda name=name: (
                panel.comparison is not None and panel.comparison.reference == f"{name} reference"
            )
        )
        assert panel.comparison.score.f1 == 1


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
