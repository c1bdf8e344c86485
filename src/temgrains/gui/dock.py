"""The docks: a header above tabs, in a scroll area, so that it fits a small screen."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QTabWidget, QVBoxLayout, QWidget

from temgrains.gui._desks import desk_of
from temgrains.gui._header import Header
from temgrains.gui.correct import CorrectPanel
from temgrains.gui.correct_link import corrections_of
from temgrains.gui.extract import ExtractPanel
from temgrains.gui.sizes import SizesPanel
from temgrains.gui.synthesise import SynthesisePanel
from temgrains.gui.teach import TeachPanel

if TYPE_CHECKING:
    from napari.components import ViewerModel


class _Dock(QScrollArea):
    """A dock: header and panel; everything they know is on the viewer's desk."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self.desk = desk_of(napari_viewer)
        self.header = Header(self.desk)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(6, 6, 6, 4)
        layout.addWidget(self.header)
        layout.addWidget(self._body())
        self.setWidget(content)
        self._fit()
        self.destroyed.connect(partial(self.desk.detach, id(self)))

    def sizeHint(self) -> QSize:
        """Ask for what is needed, and never for more than a small screen has."""
        wanted = self.widget().sizeHint()
        return QSize(max(wanted.width() + 18, 380), min(wanted.height() + 8, 590))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Notice when the content needs another width; Qt watches it for its height only."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self._fit()
        return bool(super().eventFilter(watched, event))

    def _fit(self) -> None:
        """Be as wide as the content needs: what is cut off at the right cannot be scrolled to."""
        self.setMinimumWidth(self.widget().minimumSizeHint().width() + 18)

    def event(self, event: QEvent | None) -> bool:
        """Notice when the dock comes into a window, and when it is closed: napari takes its parent away."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self.desk.attach(id(self))
            elif not corrections_of(self.desk).closing.hold(self):
                self.desk.detach(id(self))
        return bool(super().event(event))

    def _body(self) -> QWidget:
        raise NotImplementedError


class ExtractWidget(_Dock):
    """The dock "Extract boundaries"."""

    def _body(self) -> QWidget:
        self.extract = ExtractPanel(self.desk)
        return self.extract


class CorrectWidget(_Dock):
    """The dock "Correct boundaries"."""

    def _body(self) -> QWidget:
        self.correct = CorrectPanel(self.desk)
        return self.correct


class GrainSizesWidget(_Dock):
    """The dock "Grain sizes"."""

    def _body(self) -> QWidget:
        self.sizes = SizesPanel(self.desk)
        return self.sizes


class SynthesiseWidget(_Dock):
    """The dock "Synthesise": it needs no image."""

    def _body(self) -> QWidget:
        self.header.setVisible(False)
        self.synthesise = SynthesisePanel(self.desk)
        return self.synthesise


class TeachWidget(_Dock):
    """The dock "Teach"."""

    def _body(self) -> QWidget:
        self.teach = TeachPanel(self.desk)
        return self.teach


class TemGrainsWidget(_Dock):
    """The dock "TEM Grains": one tab per task, in working order, for one image at a time."""

    def _body(self) -> QWidget:
        self.extract, self.sizes = ExtractPanel(self.desk), SizesPanel(self.desk)
        self.tabs = QTabWidget()
        self.synthesise = SynthesisePanel(self.desk)
        self.tabs.addTab(self.extract, "Extract")
        self.correct = CorrectPanel(self.desk)
        self.tabs.addTab(self.correct, "Correct")
        self.tabs.addTab(self.sizes, "Sizes")
        self.tabs.addTab(self.synthesise, "Synthesise")
        self.teach = TeachPanel(self.desk)
        self.tabs.addTab(self.teach, "Teach")
        return self.tabs
