"""The Synthesise dock in a real viewer: samples, sliders, recipes, data sets."""

from __future__ import annotations

import errno
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget
from typer.testing import CliRunner

from temgrains.cli import app
from temgrains.gui import synthesise_work
from temgrains.gui.dock import SynthesiseWidget, TemGrainsWidget
from temgrains.gui.synthesise_draft import MANY_GRAINS
from temgrains.synthesis import paper_recipe, read_recipe, real_recipe, synthesise, write_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SMALL = {"shape": (32, 48), "mean_diameter_px": (12.0, 14.0)}
LAYERS = ["sample", "sample truth", "sample grains"]


class Studio:
    """A viewer with the dock, driven by its widgets."""

    def __init__(self, viewer: Any, dock: Any, qtbot: Any) -> None:
        self.viewer, self.dock, self.qtbot = viewer, dock, qtbot
        self.panel, self.samples = dock.synthesise, dock.synthesise.samples
        self.samples.change(**SMALL)

    def settle(self) -> None:
        """Wait until nothing is being drawn or written."""
        self.qtbot.waitUntil(lambda: not (self.samples.drawing or self.samples.writing), timeout=60_000)

    def click(self, name: str) -> None:
        """Press a button, and wait for what it does."""
        assert self.panel.buttons[name].isEnabled(), name
        self.panel.buttons[name].click()
        self.settle()

    def row(self, name: str) -> Any:
        """Give the unfolded row of a concept."""
        row = next(row for row in self.panel.rows if type(row.slot.concept).__name__ == name)
        row.arrow.setChecked(True)
        return row

    def layer(self, name: str) -> np.ndarray:
        """Give what a layer shows."""
        return np.asarray(self.viewer.layers[name].data)

    def names(self) -> list[str]:
        """Name all layers from bottom to top."""
        return [layer.name for layer in self.viewer.layers]

    def is_sample(self, recipe: Any, seed: int = 0, index: int = 0) -> bool:
        """Say whether the layers show this sample."""
        drawn = synthesise(recipe, seed=seed, index=index)
        shown = [self.layer(name) for name in LAYERS]
        return all(np.array_equal(*pair) for pair in zip(shown, _parts(drawn), strict=True))


def _parts(drawn: Any) -> tuple[np.ndarray, ...]:
    return drawn.image, drawn.truth, drawn.labels


@pytest.fixture
def open_studio(make_napari_viewer: Any, qtbot: Any) -> Callable[..., Studio]:
    def make(dock: Any = SynthesiseWidget) -> Studio:
        viewer = make_napari_viewer()
        made = dock(viewer)
        viewer.window.add_dock_widget(made, name="Synthesise")
        return Studio(viewer, made, qtbot)

    return make


@pytest.fixture
def studio(open_studio: Callable[..., Studio]) -> Iterator[Studio]:
    made = open_studio()
    yield made
    made.settle()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Hold every drawing and writing until the event is set."""
    release = threading.Event()
    drawing, writing = synthesise_work.Drawing.run, synthesise_work.Writing.run

    def slowly(run: Any) -> Any:
        def held(work: Any, progress: Any) -> Iterator[Any]:
            while not release.wait(0.01):
                progress("images", 0, 3)
            yield from run(work, progress)

        return held

    monkeypatch.setattr(synthesise_work.Drawing, "run", slowly(drawing))
    monkeypatch.setattr(synthesise_work.Writing, "run", slowly(writing))
    return release


def answer(monkeypatch: pytest.MonkeyPatch, asked: str, given: Any) -> None:
    """Answer a file dialog."""
    monkeypatch.setattr(QFileDialog, asked, lambda *_: given)


# Samples


def test_nothing_is_drawn_before_it_is_asked_for(studio: Studio) -> None:
    assert studio.names() == []
    assert studio.panel.buttons["show"].styleSheet(), "the next button is highlighted"
    assert "Show sample" in studio.panel.about.text()
    assert not studio.panel.progress.isVisibleTo(studio.panel)


def test_a_sample_and_its_truth_appear_as_layers(studio: Studio) -> None:
    studio.click("show")
    assert studio.names() == LAYERS
    assert studio.is_sample(real_recipe(**SMALL))
    for layer in studio.viewer.layers:
        assert np.allclose(layer.scale, 0.72)
        assert [str(unit) for unit in layer.units] == ["nanometer", "nanometer"]
        assert layer.axis_labels == ("y", "x")
    assert [layer.visible for layer in studio.viewer.layers] == [True, False, False]
    assert studio.viewer.layers.selection.active.name == "sample"
    assert not studio.viewer.layers["sample truth"].editable
    assert " grains of " in studio.panel.about.text()
    assert not studio.panel.buttons["show"].styleSheet()


def test_next_previous_seed_and_number_walk_through_the_series(studio: Studio) -> None:
    recipe = real_recipe(**SMALL)
    assert not studio.panel.buttons["previous"].isEnabled()
    studio.click("next")
    assert studio.is_sample(recipe, index=1)
    studio.click("next")
    studio.click("previous")
    assert studio.panel.index.value() == 1
    studio.panel.index.setValue(4)
    studio.settle()
    assert studio.is_sample(recipe, index=4)
    studio.panel.seed.setValue(7)
    studio.settle()
    assert studio.is_sample(recipe, seed=7, index=4)
    assert studio.viewer.layers["sample"].metadata["temgrains"]["seed"] == 7


def test_truth_and_grains_are_shown_on_request(studio: Studio) -> None:
    studio.panel.views["truth"].click()
    studio.click("show")
    assert studio.viewer.layers["sample truth"].visible
    studio.panel.views["truth"].click()
    studio.panel.views["grains"].click()
    assert [layer.visible for layer in studio.viewer.layers] == [True, False, True]


def test_recipes_by_name(studio: Studio) -> None:
    studio.click("show")
    studio.panel.recipe.setCurrentText("paper")
    studio.panel.recipe.textActivated.emit("paper")
    studio.settle()
    assert studio.is_sample(paper_recipe())
    assert studio.panel.fields["width"].value() == 496
    assert not studio.row("Moire").switch.isChecked()
    assert studio.row("Median").switch.isChecked()


def test_fields_of_the_recipe(studio: Studio) -> None:
    studio.click("show")
    fields = studio.panel.fields
    for name, value in {"height": 40, "width": 56, "sigma": 0.2, "thickness": 3}.items():
        fields[name].setValue(value)
    fields["low"].setValue(20)
    assert fields["high"].value() == 20, "the range rises"
    fields["high"].setValue(10)
    assert fields["low"].value() == 10
    studio.settle()
    fields["fine_ratio"].setValue(0.4)
    fields["fine_share"].setValue(0.5)
    studio.settle()
    sizes: dict[str, Any] = {"fine_share": 0.5, "fine_ratio": 0.4}
    sizes |= {"shape": (40, 56), "mean_diameter_px": (10.0, 10.0), "sigma": 0.2, "thickness_px": 3.0}
    assert studio.is_sample(real_recipe(**sizes))


# Concepts


def test_a_concept_is_switched_off_and_on(studio: Studio) -> None:
    studio.click("show")
    whole = studio.layer("sample").copy()
    row = studio.row("GreyScale")
    row.switch.click()
    studio.settle()
    assert not np.array_equal(studio.layer("sample"), whole)
    assert "(3 of 4 on)" in studio.panel.folds["Grey scale and marks"].title()
    row.switch.click()
    studio.settle()
    assert np.array_equal(studio.layer("sample"), whole)


def test_sliders_and_fields_follow_each_other_and_the_sample_follows_them(studio: Studio) -> None:
    studio.click("show")
    field = studio.row("GrainShading").fields["slope_grey"]
    field.slider.setValue(80)
    assert field.box.value() == pytest.approx(0.8 * 255, abs=0.05)
    studio.settle()
    assert studio.is_sample(studio.samples.draft.recipe())
    field.box.setValue(51.0)
    assert field.slider.value() == 20
    studio.settle()
    steps = studio.samples.draft.recipe().steps
    assert next(s for s in steps if type(s).__name__ == "GrainShading").slope_grey == 51.0
    assert "slope_grey" in field.box.toolTip()
    assert "[[steps]]" in field.box.toolTip()


def test_moving_a_strength_switches_its_concept_on(studio: Studio) -> None:
    row = studio.row("SaltAndPepper")
    assert not row.switch.isChecked()
    row.fields["density"].slider.setValue(50)
    assert row.switch.isChecked()


def test_what_this_sample_does_not_show_is_said(studio: Studio) -> None:
    studio.click("show")
    row = studio.row("BendContours")
    absent = [k for k in range(8) if (studio.samples.go_to(index=k), row.absent.isVisibleTo(row))[1]]
    assert 0 < len(absent) < 8
    studio.settle()
    studio.samples.go_to(index=absent[0])
    row.fields["image_share"].box.setValue(1.0)
    assert not row.absent.isVisibleTo(row)


def test_what_a_concept_refuses_is_said_and_taken_back(studio: Studio) -> None:
    row = studio.row("RandomGrey")
    row.fields["high"].box.setValue(50)
    row.fields["low"].box.setValue(90)
    assert "low..high is 90..50; it must rise" in studio.panel.message.text()
    assert row.fields["low"].box.value() == 0


def test_every_concept_can_be_unfolded_and_fits_a_narrow_dock(studio: Studio) -> None:
    for fold in studio.panel.folds.values():
        fold.unfold()
    for row in studio.panel.rows:
        assert set(studio.row(type(row.slot.concept).__name__).fields) == {s.name for s in row.slot.strengths}
        assert row.switch.toolTip()
    assert studio.panel.minimumSizeHint().width() <= 362


# Threads


def test_the_last_wish_wins_and_none_but_it_waits(studio: Studio, slow: threading.Event) -> None:
    studio.panel.buttons["show"].click()
    for k in range(1, 30):
        studio.samples.go_to(index=k)
    drawn = []
    studio.samples._drawer.started.connect(lambda work: drawn.append(work.index))
    slow.set()
    studio.settle()
    assert studio.is_sample(real_recipe(**SMALL), index=29)
    assert drawn == [29], "what was wished in between is never drawn"


def test_the_window_stays_alive_while_a_sample_is_drawn(studio: Studio, slow: threading.Event) -> None:
    main = threading.get_ident()
    studio.panel.buttons["show"].click()
    start = time.monotonic()
    studio.qtbot.wait(100)
    assert studio.samples.drawing
    assert time.monotonic() - start < 5
    assert threading.get_ident() == main
    slow.set()
    studio.settle()
    assert studio.names() == LAYERS


def test_very_many_grains_are_drawn_only_on_request(studio: Studio) -> None:
    studio.click("show")
    before = studio.layer("sample").copy()
    studio.samples.change(shape=(4096, 4096), mean_diameter_px=(4.0, 4.0))
    assert studio.samples.draft.grains > MANY_GRAINS
    assert not studio.samples.drawing
    assert "Show sample draws it" in studio.panel.message.text()
    assert np.array_equal(studio.layer("sample"), before)


def test_errors_while_drawing_are_said(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, messages: list[str]
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(synthesise_work.Drawing, "run", fail)
    studio.click("show")
    assert messages[-1] == "Sample failed: not enough memory"
    assert studio.panel.buttons["show"].isEnabled()


# Layers


def test_layers_that_the_user_changed_are_left_alone(studio: Studio) -> None:
    studio.click("show")
    studio.viewer.layers["sample"].name = "mine"
    first = studio.layer("mine").copy()
    studio.click("next")
    assert sorted(studio.names()) == sorted(["mine", *LAYERS])
    assert np.array_equal(studio.layer("mine"), first)


def test_a_deleted_sample_comes_back_only_on_request(studio: Studio) -> None:
    studio.click("show")
    for name in LAYERS:
        studio.viewer.layers.remove(name)
    studio.row("GreyScale").switch.click()
    studio.settle()
    assert studio.names() == []
    assert studio.samples.note
    studio.click("show")
    assert studio.names() == LAYERS


def test_another_size_of_image_takes_the_same_layers(studio: Studio) -> None:
    studio.click("show")
    studio.panel.fields["width"].setValue(64)
    studio.settle()
    assert studio.layer("sample grains").shape == (32, 64)
    assert studio.names() == LAYERS


def test_a_sample_can_be_analysed_in_the_other_tab(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(TemGrainsWidget)
    studio.click("show")
    assert studio.dock.header.image.currentText() == "sample"
    assert studio.dock.desk.session.pixel_size == (0.72, 0.72)
    assert "Synthesise" in [studio.dock.tabs.tabText(k) for k in range(studio.dock.tabs.count())]


# Recipes as files


def test_a_recipe_is_saved_for_the_shell_and_opened_again(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "thin lines.toml"
    answer(monkeypatch, "getSaveFileName", (str(path), ""))
    studio.row("Moire").switch.click()
    studio.row("Blur").fields["focus_px"].box.setValue(0.5)
    studio.click("save")
    recipe = read_recipe(path)
    assert recipe == studio.samples.draft.recipe()
    assert recipe.name == "thin lines"
    assert studio.panel.recipe.currentText() == "thin lines.toml"
    done = CliRunner().invoke(app, ["synthesise", "--recipe", str(path), "--out", str(tmp_path / "made")])
    assert done.exit_code == 0, done.output

    studio.samples.choose("default")
    assert studio.row("Moire").switch.isChecked()
    answer(monkeypatch, "getOpenFileName", (str(path), ""))
    studio.click("open")
    assert not studio.row("Moire").switch.isChecked()
    assert studio.row("Blur").fields["focus_px"].box.value() == 0.5
    assert studio.samples.draft.recipe() == recipe


def test_a_name_without_ending_gets_one(studio: Studio, tmp_path: Path) -> None:
    studio.samples.save_recipe(tmp_path / "fine")
    assert read_recipe(tmp_path / "fine.toml").name == "fine"


def test_files_that_are_no_recipes_are_said(studio: Studio, tmp_path: Path, messages: list[str]) -> None:
    (tmp_path / "bad.toml").write_text("sigma = 7")
    studio.samples.open_recipe(tmp_path / "bad.toml")
    assert "Recipe failed: " in messages[-1]
    assert "sigma is 7.0" in studio.panel.message.text()
    studio.samples.open_recipe(tmp_path / "gone.toml")
    assert "gone.toml: No such file" in messages[-1]
    studio.samples.save_recipe(tmp_path / "gone" / "mine.json")
    assert "gone does not exist" in messages[-1]
    studio.samples.save_recipe(tmp_path / "mine.yaml")
    assert "its name must end in .toml or .json" in messages[-1]
    assert studio.samples.draft.recipe() == real_recipe(**SMALL)


def test_dialogs_that_are_closed_change_nothing(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    for asked in ("getOpenFileName", "getSaveFileName"):
        answer(monkeypatch, asked, ("", ""))
    answer(monkeypatch, "getExistingDirectory", "")
    for name in ("open", "save", "write"):
        studio.click(name)
    assert studio.samples.note == ""
    assert studio.samples.chosen == "default"


# Data sets


def test_a_data_set_has_the_bytes_of_the_shell(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.panel.seed.setValue(5)
    studio.settle()
    studio.panel.count.setValue(3)
    (tmp_path / "window").mkdir()
    answer(monkeypatch, "getExistingDirectory", str(tmp_path / "window"))
    studio.click("write")
    write_recipe(real_recipe(**SMALL), tmp_path / "default.toml")
    shell = ["--recipe", tmp_path / "default.toml", "--count", 3, "--seed", 5, "--out", tmp_path / "shell"]
    assert CliRunner().invoke(app, ["synthesise", *map(str, shell)]).exit_code == 0
    folders = [tmp_path / "window", tmp_path / "shell"]
    files = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert files[0] == files[1]
    assert len(files[0]) == 13
    assert f"3 micrographs of seed 5 written to {tmp_path / 'window'}" in studio.panel.message.text()


def test_a_series_that_is_there_is_replaced_only_if_the_user_says_so(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "synthesis-0.json").write_text("old")
    answer(monkeypatch, "getExistingDirectory", str(tmp_path))
    asked: list[str] = []
    for button in (QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes):
        monkeypatch.setattr(QMessageBox, "question", lambda *a, given=button: (asked.append(a[2]), given)[1])
        studio.panel.count.setValue(1)
        studio.click("write")
        assert ((tmp_path / "synthesis-0.json").read_text() == "old") == (len(asked) == 1)
    assert "holds a series of seed 0. Replace its images?" in asked[0]


def test_writing_can_be_cancelled_and_leaves_nothing(
    studio: Studio, slow: threading.Event, tmp_path: Path
) -> None:
    assert studio.samples.write(tmp_path / "new", 1000)
    assert not studio.samples.write(tmp_path / "other", 1), "one at a time"
    assert not studio.panel.buttons["write"].isEnabled()
    assert studio.panel.progress.isVisibleTo(studio.panel)
    slow.set()
    studio.qtbot.waitUntil(lambda: studio.panel.progress.value() > 1, timeout=60_000)
    assert studio.panel.progress.maximum() == 1000
    studio.click("cancel")
    assert "cancelled; nothing of it is left" in studio.panel.message.text()
    studio.qtbot.waitUntil(lambda: list(tmp_path.iterdir()) == [], timeout=60_000)
    assert not studio.panel.progress.isVisibleTo(studio.panel)


def test_a_full_disk_is_said_in_one_sentence(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, messages: list[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("temgrains.synthesis.data_set.tifffile.imwrite", full)
    studio.samples.write(tmp_path / "new", 2)
    studio.settle()
    assert "Data set failed: cannot write the data set to" in messages[-1]
    assert "No space left on device; free some space" in messages[-1]
    assert list(tmp_path.iterdir()) == []
    assert studio.panel.buttons["write"].isEnabled()


def test_closing_the_dock_stops_the_work(studio: Studio, slow: threading.Event, tmp_path: Path) -> None:
    studio.samples.write(tmp_path / "new", 1000)
    slow.set()
    studio.qtbot.waitUntil(lambda: studio.panel.progress.value() > 0, timeout=60_000)
    studio.viewer.window.remove_dock_widget("all")
    assert not studio.samples.writing
    studio.qtbot.waitUntil(lambda: list(tmp_path.iterdir()) == [], timeout=60_000)


def test_two_docks_show_one_draft(studio: Studio) -> None:
    other = SynthesiseWidget(studio.viewer)
    studio.viewer.window.add_dock_widget(other, name="again")
    studio.row("Moire").switch.click()
    rows: list[QWidget] = other.synthesise.rows
    assert [row.switch.isChecked() for row in rows] == [row.switch.isChecked() for row in studio.panel.rows]
    assert other.synthesise.samples is studio.samples
