"""The Teach tab in a real viewer: what is kept, where was looked, a small real fine-tuning."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from drawn import SHAPE, Stages

from temgrains import models
from temgrains.gui import teach, teach_work
from temgrains.gui.dock import TeachWidget, TemGrainsWidget
from temgrains.gui.teach_plot import LossPlot
from temgrains.training.examples import TrainingSet
from temgrains.training.settings import TuneSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Window

SMALL = TuneSettings(
    name="mine", epochs=2, steps=2, batch=2, side_px=64, synthetic=18, tested=1, precision="32-true"
)

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore:.*LeafSpec.*", "ignore:.*litlogger.*"
)


@pytest.fixture(autouse=True)
def _drawn(stages: Stages) -> None:
    """Every test here uses the drawn stages."""


class School:
    """A window whose Teach tab is used."""

    def __init__(self, window: Window) -> None:
        self.window, self.viewer = window, window.viewer
        self.panel = window.dock.teach
        self.teaching = self.panel.teaching
        self.settle()

    def settle(self) -> None:
        self.window.until(lambda: self.teaching.settled and self.window.desk.settled)

    def click(self, name: str) -> None:
        assert self.panel.buttons[name].isEnabled(), name
        self.panel.buttons[name].click()
        self.settle()

    def example(self) -> Any:
        (only,), _ = TrainingSet().list()
        return TrainingSet().load(only.digest)


@pytest.fixture
def school(open_window: Callable[..., Window]) -> School:
    window = open_window(dock=TemGrainsWidget)
    window.viewer.show()
    window.desk.do("all")
    window.settle()
    window.dock.tabs.setCurrentWidget(window.dock.teach)
    return School(window)


def test_without_grains_nothing_can_be_added_and_the_panel_says_what_to_do(open_window: Any) -> None:
    school = School(open_window(dock=TemGrainsWidget))
    assert school.panel.message.text() == teach.START
    assert not any(school.panel.buttons[name].isEnabled() for name in ("add", "remove", "tune", "cancel"))
    assert not school.teaching.add(None)


def test_the_corrected_image_is_added_and_again_takes_its_place(school: School) -> None:
    assert school.panel.buttons["add"].styleSheet()
    link = school.window.dock.correct.corrections
    before = link.corrector.history.labels.copy()
    link.take("erase")
    from temgrains.corrections import verbs  # noqa: PLC0415

    link.do(verbs.erase(before, (8, 15), reach_px=3))
    school.click("add")
    found = school.example()
    assert np.array_equal(found.boundaries, link.corrector.history.boundaries().mask)
    assert found.boundaries.sum() < (before == 0).sum()
    assert found.looked.all()
    assert found.about["corrections"]["operations"] == 1
    assert school.panel.table.item(0, 0).text() == "film"
    assert school.panel.table.item(0, 1).text() == "100 %"
    assert school.panel.count.text().startswith("1 image, 0.01 Mpx")
    school.window.until(lambda: link.settled)
    link.undo()
    school.click("add")
    assert "film was there already; its corrections are now these." in school.panel.message.text()
    assert np.array_equal(school.example().boundaries, before == 0)


def test_what_was_looked_at_is_drawn_on_the_image(school: School) -> None:
    school.click("draw")
    layer = school.viewer.layers["film looked at"]
    assert layer.mode == "add_rectangle"
    assert school.panel.looked.currentText() == "film looked at"
    school.click("add")
    assert "nothing of the image is marked in film looked at" in school.panel.message.text()
    assert TrainingSet().list() == ([], [])
    layer.add_rectangles(np.array([[0, 0], [0, 48], [32, 48], [32, 0]]))
    school.click("add")
    looked = school.example().looked
    assert looked[:31, :47].all()
    assert not looked[34:].any()
    assert not looked[:, 50:].any()
    assert school.panel.table.item(0, 1).text() in {"25 %", "26 %"}


def test_labels_of_the_users_own_say_it_too_and_ours_do_not(school: School) -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[:, :24] = 3
    school.viewer.add_labels(mask, name="seen", scale=(0.5, 0.5))
    names = [school.panel.looked.itemText(k) for k in range(school.panel.looked.count())]
    assert names == [teach.WHOLE, "seen"]
    school.panel.looked.setCurrentIndex(1)
    school.click("add")
    assert np.array_equal(school.example().looked, mask > 0)


def test_a_layer_that_lies_elsewhere_or_is_gone_is_refused(school: School) -> None:
    layer = school.viewer.add_shapes([np.array([[0, 0], [9, 9]])], scale=(3, 3), name="far")
    assert not school.teaching.add(layer.unique_id)
    assert "far does not lie on the image" in school.panel.message.text()
    school.viewer.layers.remove(layer)
    assert not school.teaching.add(layer.unique_id)
    assert "that layer is gone" in school.panel.message.text()
    assert school.panel.looked.count() == 1


def test_examples_are_removed_and_damaged_ones_named(school: School, home: Any) -> None:
    school.click("add")
    school.panel._remove()
    assert school.panel.message.text() == "Choose an image in the table first."
    school.panel.table.selectRow(0)
    school.click("remove")
    assert TrainingSet().list() == ([], [])
    assert school.panel.count.text() == "no image yet"
    (home / "training" / "00.example").write_bytes(b"nothing")
    school.teaching.refresh()
    school.settle()
    assert "00.example is no example that can be read" in school.panel.message.text()


def test_a_folder_that_cannot_be_written_is_said(school: School, home: Any, messages: list[str]) -> None:
    (home / "training").write_bytes(b"a file where the folder should be")
    school.click("add")
    assert any("Add to my training set failed" in message for message in messages)


def test_without_lightning_images_are_added_all_the_same(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teach, "can_tune", lambda: False)
    school.click("add")
    assert school.panel.message.text().endswith(teach.NO_LIGHTNING)
    assert not school.panel.buttons["tune"].isEnabled()
    assert len(TrainingSet().list()[0]) == 1


def test_a_name_that_cannot_be_or_is_taken_is_refused(school: School) -> None:
    school.click("add")
    for name, said in (("a b", "name is 'a b'"), ("paper", "There is a model 'paper' already")):
        school.panel.name.setText(name)
        school.click("tune")
        assert said in school.panel.message.text()
    assert not school.teaching.tuning


def test_a_model_is_fine_tuned_shown_and_offered(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lightning")
    school.click("add")
    monkeypatch.setattr(teach, "TuneSettings", lambda **_changes: SMALL)
    school.panel.base.setCurrentIndex(school.panel.base.findData("paper"))
    told = []
    school.teaching.progressed.connect(lambda *step: told.append(step))
    school.panel.buttons["tune"].click()
    assert school.panel.buttons["cancel"].isEnabled()
    assert not school.panel.buttons["tune"].isEnabled()
    assert school.window.panel.buttons["all"].isEnabled()
    school.settle()
    assert models.load("mine").card["training"]["start"]["name"] == "paper"
    header = school.window.header.model
    assert "mine" in [header.itemText(k) for k in range(header.count())]
    assert school.panel.base.findData("mine") >= 0
    assert len(school.panel.plot.lines["validation"]) == 2
    assert "held-out" in school.panel.scores.text()
    assert "is in the list of models" in school.panel.message.text()
    assert {"tune", "scores"} & {stage for stage, *_ in told}
    # The checkpoints of a finished run are gone, its curves are not.
    (run,) = (TrainingSet().folder / teach_work.RUNS).iterdir()
    assert (run / "tune" / "losses.csv").exists()
    assert not list(run.glob("tune/*.ckpt"))


def test_a_cancelled_fine_tuning_goes_on(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lightning")
    from temgrains import teaching  # noqa: PLC0415

    school.click("add")
    held, release = threading.Event(), threading.Event()
    score = teaching.held_score

    def slow(*given: Any, **named: Any) -> Any:
        held.set()
        while not release.wait(0.01):
            named["progress"]("scores", 0, 1)
        return score(*given, **named)

    monkeypatch.setattr(teaching, "held_score", slow)
    school.teaching.tune("paper", SMALL)
    school.window.until(held.is_set)
    school.panel.buttons["cancel"].click()
    school.settle()
    assert "cancelled; Fine-tune goes on" in school.panel.message.text()
    assert len(school.panel.plot.lines["train"]) == 2
    release.set()
    curve = school.teaching.curves
    school.teaching.tune("paper", SMALL)
    school.settle()
    assert models.load("mine").name == "mine"
    assert school.teaching.curves == curve


def test_a_failure_is_said_and_the_panel_is_free_again(
    school: School, monkeypatch: pytest.MonkeyPatch, messages: list[str]
) -> None:
    def fails(_work: Any, _progress: Any) -> Iterator[Any]:
        raise OSError(28, "No space left on device", "DIR")
        yield

    school.click("add")
    monkeypatch.setattr(teach_work.Tuning, "run", fails)
    school.teaching.tune("paper", SMALL)
    school.settle()
    assert "Fine-tuning failed: DIR: No space left on device" in school.panel.message.text()
    assert school.panel.buttons["tune"].isEnabled()


def test_closing_the_dock_stops_the_fine_tuning(open_window: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = threading.Event()

    def endless(_work: Any, progress: Any) -> Iterator[Any]:
        try:
            for _ in range(3000):
                time.sleep(0.01)
                progress("tune", 0, 1)
        finally:
            stopped.set()
        yield

    monkeypatch.setattr(teach_work.Tuning, "run", endless)
    window = open_window(dock=TemGrainsWidget)
    window.dock.teach.teaching.tune("paper", SMALL)
    window.qtbot.wait(100)
    window.viewer.window.remove_dock_widget("all")
    window.until(stopped.is_set)
    assert not window.dock.teach.teaching.tuning


def test_the_dock_of_its_own_shows_the_same_set(make_napari_viewer: Any, qtbot: Any) -> None:
    viewer = make_napari_viewer()
    docks = [TeachWidget(viewer), TemGrainsWidget(viewer)]
    for dock in docks:
        viewer.window.add_dock_widget(dock)
    assert docks[0].teach.teaching is docks[1].teach.teaching
    qtbot.waitUntil(lambda: docks[0].teach.teaching.settled, timeout=60_000)


def test_the_plot_lies_within_its_frame(qtbot: Any) -> None:
    plot = LossPlot()
    qtbot.addWidget(plot)
    plot.resize(360, 120)
    rows = [{"train": "0.3", "validation": "0.4", "synthetic": "0.2"}, {"train": "0.2", "validation": "0.3"}]
    plot.show_curves(rows, 10)
    assert plot.lines == {"train": [0.3, 0.2], "validation": [0.4, 0.3], "synthetic": [0.2]}
    for line in plot.lines.values():
        for k, error in enumerate(line):
            point = plot.position(k, error)
            assert 0 <= point.x() <= 360
            assert 0 <= point.y() <= 120
    assert plot.position(0, 0.4).y() < plot.position(0, 0.2).y()
    plot.grab()
