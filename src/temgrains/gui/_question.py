"""The question which of two pixel sizes is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QMessageBox

from temgrains.micrograph.calibration import off, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget

    from temgrains.records import PixelSize


def ask_size(
    parent: QWidget,
    new: tuple[PixelSize, str],
    told: tuple[PixelSize, str],
    then: Callable[[bool], None],
) -> QMessageBox:
    """Ask, without stopping the window, whether a new pixel size goes before the one that was told.

    Parameters
    ----------
    parent
        Over which the question appears.
    new, told
        Each a size [nm] and where it comes from.
    then
        Called with whether the new one is to be used; not at all if the question is put away.
    """
    share = off(new[0], told[0]) or 0.0
    box = QMessageBox(QMessageBox.Icon.Question, "Which pixel size?", "", parent=parent)
    box.setText(f"{shown(new[0])} ({new[1]}) is {share:.0%} off {shown(told[0])} ({told[1]}).")
    box.setInformativeText("All sizes of grains follow the one you choose.")
    keep = box.addButton(f"Keep {shown(told[0])}", QMessageBox.ButtonRole.RejectRole)
    use = box.addButton(f"Use {shown(new[0])}", QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(keep)

    def answered(_code: int) -> None:
        clicked = box.clickedButton()
        box.deleteLater()
        if clicked in (keep, use):
            then(clicked is use)

    box.finished.connect(answered)
    box.open()
    return box
