"""The row that tells which page of how many is looked at, and leads to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSpinBox, QWidget

from temgrains.gui import _widgets

if TYPE_CHECKING:
    from temgrains.gui._desk import Desk


class PageRow(QWidget):
    """Hidden while the chosen image is the only one of its file."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._known: object = None
        self.page = QSpinBox()
        self.total = QLabel()
        self.open = _widgets.button("Open", "Look at this page; what is not saved of the one before stays")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        # A long name of a signal is cut, so that the dock stays narrow; the tooltip has it.
        self.total.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.total.setMinimumWidth(60)
        for part in (_widgets.label("Page"), self.page, self.total, self.open):
            layout.addWidget(part)
        layout.setStretch(2, 1)
        self.page.setMinimum(1)
        self.page.valueChanged.connect(self._show_open)
        self.page.lineEdit().returnPressed.connect(self._open)
        self.open.clicked.connect(self._open)
        desk.changed.connect(self.show_page)
        desk.watch.slid.connect(self.show_page)
        desk.watch.listed.connect(self.show_page)
        self.show_page()

    def show_page(self) -> None:
        """Show which page is looked at, of a stack the one on show; a number being chosen is left alone."""
        span, image = self._desk.files.pages.span, self._desk.watch.image
        self.setVisible(span is not None)
        if span is None or image is None:
            self._known = None
            return
        known = (image.unique_id, span)
        if known != self._known:
            self._known = known
            self.page.blockSignals(True)
            self.page.setMaximum(span.count)
            self.page.setValue(span.index + 1)
            self.page.blockSignals(False)
            self.total.setText(f"of {span.count}" + (f"   {span.signal}" if span.signal else ""))
        self.page.setToolTip(
            f"Which of the {span.count} images is analysed; this is --page {span.first + span.index}"
        )
        self.total.setToolTip(self.total.text())
        self._show_open()

    def _show_open(self) -> None:
        span = self._desk.files.pages.span
        other = span is not None and (span.is_stack or self.page.value() != span.index + 1)
        self.page.setEnabled(not self._desk.busy)
        self.open.setEnabled(other and not self._desk.busy)
        _widgets.highlight(self.open, on=other)

    def _open(self, _checked: bool = False) -> None:
        if self.open.isEnabled() and not self._desk.files.pages.open(self.page.value() - 1):
            self._desk.note = "Something else is being read: press Open again when it is done"
            self._desk.changed.emit()
