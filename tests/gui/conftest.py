"""What the GUI tests share: a small micrograph, networks of known behaviour, a viewer with a dock."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from drawn import Stages, drawing
from editing import Editor
from napari.utils.notifications import notification_manager

from temgrains import models, pipeline
from temgrains.gui.dock import ExtractWidget, TemGrainsWidget
from temgrains.networks import PaperNet1, PaperNet2

os.environ.setdefault("NAPARI_CONFIG", str(Path(tempfile.mkdtemp()) / "napari.yaml"))

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from temgrains.records import Analysis


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.gui)


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Stages:
    """Replace edges, guess and refinement by drawn ones; what follows is the real thing."""
    drawn = Stages()
    for name in ("edges_of", "guess_of", "iterates_of"):
        monkeypatch.setattr(pipeline, name, getattr(drawn, name))
    conclude = pipeline.conclude

    def concluding(refined: Any, *, model: str, settings: Any, progress: Any) -> Analysis:
        drawn.work("boundaries", progress)
        return conclude(refined, model=network(), settings=settings, progress=progress)

    monkeypatch.setattr(pipeline, "conclude", concluding)
    return drawn


def network() -> models.Model:
    """Make an untrained model, the same each time."""
    torch.manual_seed(0)
    return models.make_model("untrained", PaperNet1(), PaperNet2(), criterion="paper")


@pytest.fixture
def untrained(home: Path) -> str:
    """Install an untrained model in the test's home, and give its name."""
    models.save(network())
    return "untrained"


class Window:
    """A viewer with a dock, driven by its buttons."""

    def __init__(self, viewer: Any, dock: Any, qtbot: Any) -> None:
        self.viewer, self.dock, self.qtbot = viewer, dock, qtbot
        self.desk, self.panel, self.header = dock.desk, dock.extract, dock.header

    def click(self, name: str, *, settle: bool = True) -> None:
        """Press one of the panel's buttons."""
        assert self.panel.buttons[name].isEnabled(), f"{name} cannot be pressed"
        self.panel.buttons[name].click()
        if settle:
            self.settle()

    def until(self, so: Callable[[], bool]) -> None:
        """Wait until something is so; long, for the machine may be busy with other things."""
        self.qtbot.waitUntil(so, timeout=60_000)

    def settle(self) -> None:
        """Wait until nothing is at work or still to be drawn."""
        self.until(lambda: self.desk.settled)

    def layer(self, name: str) -> Any:
        """Give a layer by name."""
        return self.viewer.layers[name]

    def names(self) -> list[str]:
        """Name all layers from bottom to top."""
        return [layer.name for layer in self.viewer.layers]


@pytest.fixture
def open_window(make_napari_viewer: Any, qtbot: Any) -> Callable[..., Window]:
    """Open viewers with the dock, each with an image unless it is to be empty."""

    def make(*, image: bool = True, dock: Any = ExtractWidget, **looks: Any) -> Window:
        viewer = make_napari_viewer()
        if image:
            looks = {"name": "film", "scale": (0.5, 0.5), "units": ("nm", "nm"), **looks}
            viewer.add_image(looks.pop("data", drawing()), **looks)
        made = dock(viewer)
        viewer.window.add_dock_widget(made, name="TEM Grains")
        window = Window(viewer, made, qtbot)
        window.settle()
        return window

    return make


@pytest.fixture
def window(open_window: Callable[..., Window]) -> Window:
    """Give a viewer with one image and the dock."""
    return open_window()


@pytest.fixture
def messages() -> Iterator[list[str]]:
    """Collect what napari tells the user."""
    heard: list[str] = []

    def hear(notification: Any) -> None:
        heard.append(notification.message)

    notification_manager.notification_ready.connect(hear)
    yield heard
    notification_manager.notification_ready.disconnect(hear)


@pytest.fixture
def editor(stages: Stages, open_window: Callable[..., Window]) -> Editor:
    """Give a window with drawn grains whose Correct tab is in front."""
    window = open_window(dock=TemGrainsWidget)
    window.viewer.show()
    window.dock.tabs.setCurrentWidget(window.dock.correct)
    window.desk.do("all")
    window.settle()
    window.qtbot.wait(50)
    return Editor(window)
