"""The real stages in a real window: models by name and by file, and the demonstration."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from drawn import drawing
from PIL import Image
from qtpy.QtWidgets import QFileDialog, QMessageBox

from temgrains import models
from temgrains.gui import demo
from temgrains.pipeline import analyse

if TYPE_CHECKING:
    from pathlib import Path

    from drawn import Stages

    from conftest import Window


def test_the_window_finds_what_the_shell_finds(window: Window, untrained: str) -> None:
    window.desk.choose_model(untrained)
    window.click("all")
    found = window.desk.session.analysis
    whole = analyse(found.micrograph, model=untrained)
    assert np.array_equal(found.grains.labels, whole.grains.labels)
    assert found.provenance["change"] == whole.provenance["change"]
    assert found.sizes.table.equals(whole.sizes.table)


def test_installed_models_are_offered(untrained: str, window: Window) -> None:
    names = [window.header.model.itemText(k) for k in range(window.header.model.count())]
    assert untrained in names
    window.header.model.setCurrentIndex(names.index(untrained))
    window.header.model.activated.emit(names.index(untrained))
    assert window.desk.session.model == untrained


def test_a_model_is_taken_from_a_file(window: Window, untrained: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    shutil.copy(models.model_folder() / f"{untrained}.safetensors", path)
    assert window.desk.open_model(str(path))
    window.settle()
    assert window.desk.session.model == str(path)
    assert window.header.model.currentText() == "mine"
    window.click("guess")
    assert window.desk.session.guess is not None


def test_a_damaged_model_file_is_refused_and_the_old_model_stays(
    window: Window, tmp_path: Path, messages: list[str]
) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"nothing")
    window.desk.open_model(str(path))
    window.settle()
    assert "broken.safetensors" in messages[-1]
    assert window.desk.session.model == "default"


def test_a_model_that_is_missing_says_which_are_there(
    window: Window, untrained: str, messages: list[str]
) -> None:
    window.desk.choose_model("lost")
    window.click("guess")
    assert "no model 'lost'" in messages[-1]
    assert untrained in messages[-1]


def test_the_card_is_shown(window: Window, untrained: str) -> None:
    window.desk.choose_model(untrained)
    window.header.card.click()
    window.settle()
    (box,) = window.header.findChildren(QMessageBox)
    assert "untrained" in box.text()
    assert "PaperNet1" not in box.text()
    assert "PaperNet1" in box.detailedText()
    assert "sha256" in box.detailedText()
    box.close()


@pytest.fixture
def paper(home: Path, untrained: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an untrained model stand in where the package ships none."""
    if "paper" not in models.available():
        folder = models.model_folder()
        (folder / f"{untrained}.safetensors").rename(folder / "paper.safetensors")


@pytest.fixture
def viewer_of_the_demo(make_napari_viewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the demonstration use a viewer that the tests clear away."""
    monkeypatch.setattr("napari.Viewer", lambda title, show: make_napari_viewer(title=title, show=show))


@pytest.mark.usefixtures("paper", "viewer_of_the_demo")
def test_the_demonstration_leaves_pictures_and_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.main(["--out", str(tmp_path / "demo")]) == 0
    names = {path.name for path in (tmp_path / "demo").iterdir()}
    pictures = sorted(name for name in names if name[0].isdigit())
    assert [name[2:-4] for name in pictures] == ["opened", "edges", "guess", "step", "converged", "grains"]
    assert {"polycrystal.overlay.png", "polycrystal.grains.csv", "polycrystal.json"} <= names
    for name in pictures:
        picture = np.asarray(Image.open(tmp_path / "demo" / name))
        assert picture.shape[1] == 1150
        assert picture.std() > 20, f"{name} is blank"
    said = capsys.readouterr().out
    assert "0.72 nm per pixel" in said
    assert "grains" in said


@pytest.mark.usefixtures("viewer_of_the_demo")
def test_the_demonstration_says_what_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_settings: object) -> None:
        raise ValueError("no edges today")

    monkeypatch.setattr("temgrains.pipeline.edges_of", fail)
    assert demo.main(["--out", str(tmp_path), "--pictures"]) == 1
    assert "stopped: Edges failed: no edges today" in capsys.readouterr().out


@pytest.mark.usefixtures("viewer_of_the_demo")
def test_the_demonstration_notices_a_button_that_is_off_and_a_step_that_hangs(
    stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = demo.Demo(show=False)
    with pytest.raises(demo.DemoFailed, match=r"'?Save…'? cannot be pressed: Start with Find edges"):
        session.click("save")
    monkeypatch.setattr(demo, "TOO_LONG_S", 0)
    stages.delay_s = 0.5
    with pytest.raises(demo.DemoFailed, match="a step took longer than 0 s"):
        session.click("edges")


def test_the_demonstration_can_be_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    monkeypatch.setattr(demo, "show", lambda: called.append("show"))
    assert demo.main(["--show"]) == 0
    assert called == ["show"]


def test_dialogs_pass_on_what_was_chosen(
    window: Window, untrained: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = {"file": "", "folder": ""}
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (chosen["file"], ""))
    monkeypatch.setattr(
        QFileDialog, "getOpenFileNames", lambda *_: ([chosen["file"]] if chosen["file"] else [], "")
    )
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: chosen["folder"])
    before = window.names()
    window.header.open.click()
    window.header.load_model.click()
    assert window.names() == before, "a dialog that was closed changes nothing"

    chosen["file"] = str(tmp_path / "other.png")
    Image.fromarray(drawing()).save(chosen["file"])
    window.header.open.click()
    window.settle()
    assert window.header.image.currentText() == "other"

    chosen["file"] = str(models.model_folder() / f"{untrained}.safetensors")
    window.header.load_model.click()
    window.settle()
    assert window.desk.session.model == chosen["file"]

    window.click("all")
    window.panel.buttons["save"].click()
    assert window.desk.note == ""
    chosen["folder"] = str(tmp_path)
    window.click("save")
    assert (tmp_path / "other.json").exists()


def test_a_folder_that_cannot_be_written_gives_one_sentence(
    window: Window, untrained: str, tmp_path: Path, messages: list[str]
) -> None:
    window.desk.choose_model(untrained)
    window.click("all")
    window.panel.save_to(tmp_path / "missing")
    window.settle()
    assert "Save failed: " in messages[-1]
    assert "missing" in messages[-1]
    assert window.panel.buttons["save"].isEnabled()
