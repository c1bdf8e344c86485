"""The plot of changes and the small widgets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QIcon, QImage
from qtpy.QtWidgets import QLabel

from temgrains.gui import _widgets
from temgrains.gui._plot import FLOOR, ChangePlot


@pytest.fixture
def plot(qtbot: Any) -> ChangePlot:
    made = ChangePlot()
    qtbot.addWidget(made)
    made.resize(300, 96)
    return made


def pixels(widget: Any) -> np.ndarray:
    """Give what a widget looks like, RGB, shape (H, W, 3)."""
    shot = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    raw = np.frombuffer(shot.constBits().asarray(shot.sizeInBytes()), np.uint8).copy()
    return raw.reshape(shot.height(), shot.bytesPerLine())[:, : 3 * shot.width()].reshape(
        shot.height(), -1, 3
    )


def test_smaller_changes_lie_lower_and_decades_evenly(plot: ChangePlot) -> None:
    plot.show_course((0.1, 0.01, 0.001), 0.003, 1)
    heights = [plot.position(k, change).y() for k, change in enumerate((0.1, 0.01, 0.001), start=1)]
    assert heights[0] < heights[1] < heights[2]
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1])


def test_later_iterations_lie_further_right(plot: ChangePlot) -> None:
    plot.show_course(tuple([0.1] * 20), 0.003, 1)
    assert plot.position(1, 0.1).x() < plot.position(2, 0.1).x() < plot.position(20, 0.1).x() < 300


def test_a_change_of_zero_is_drawn_at_the_floor(plot: ChangePlot) -> None:
    plot.show_course((0.1, 0.0), 0.003, 2)
    assert plot.position(2, 0.0) == plot.position(2, FLOOR)
    assert plot.position(2, 0.0).y() <= 96
    plot.grab()


def test_without_a_threshold_none_is_drawn_and_the_axis_stays(plot: ChangePlot) -> None:
    plot.show_course((), 0.0, 0)
    lowest = plot.position(1, FLOOR).y()
    assert plot.position(1, 1e-3).y() < 96 < lowest, "the axis ends at 0.001"
    yellow = (pixels(plot).astype(int) @ [1, 1, -2] > 150).sum()
    plot.show_course((), 0.003, 0)
    assert yellow == 0 < (pixels(plot).astype(int) @ [1, 1, -2] > 150).sum()


def test_course_threshold_and_mark_are_painted(plot: ChangePlot) -> None:
    empty = pixels(plot)
    plot.show_course((0.2, 0.05, 0.01), 0.003, 2)
    drawn = pixels(plot)
    assert (drawn != empty).any()
    mark = plot.position(2, 0.05)
    red, green, blue = drawn[round(mark.y()), round(mark.x())].astype(int)
    assert red > 200
    assert red > green + 60
    assert red > blue + 60


def test_a_click_chooses_the_nearest_iteration(plot: ChangePlot, qtbot: Any) -> None:
    plot.show_course(tuple(0.1 / k for k in range(1, 13)), 0.003, 1)
    plot.show()
    for wanted in (1, 5, 12):
        with qtbot.waitSignal(plot.chosen) as heard:
            spot = plot.position(wanted, 0.1 / wanted).toPoint()
            qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=QPoint(spot.x() + 2, spot.y()))
        assert heard.args == [wanted]


def test_a_click_into_an_empty_plot_chooses_nothing(plot: ChangePlot, qtbot: Any) -> None:
    plot.show()
    with qtbot.assertNotEmitted(plot.chosen):
        qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=QPoint(100, 40))


def test_a_threshold_is_automatic_until_it_is_set(qtbot: Any) -> None:
    threshold = _widgets.Threshold("tip", 0.3, 0.05)
    qtbot.addWidget(threshold)
    assert threshold.value() is None
    assert not threshold.slider.isEnabled()
    with qtbot.waitSignal(threshold.changed):
        threshold.automatic.setChecked(False)
    assert threshold.value() == pytest.approx(0.05)
    threshold.set_value(0.1)
    assert threshold.value() == pytest.approx(0.1)
    threshold.set_value(None)
    assert threshold.value() is None


def test_a_fold_hides_its_content_until_it_is_opened(qtbot: Any) -> None:
    content = QLabel("inside")
    fold = _widgets.Fold("title", content)
    qtbot.addWidget(fold)
    fold.show()
    assert not content.isVisible()
    fold.unfold()
    assert content.isVisible()
    fold.unfold(False)
    assert not content.isVisible()


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("kind", ["reset", "back", "run", "pause", "step", "last"])
def test_symbols_have_the_themes_colour_and_are_fainter_when_off(kind: str) -> None:
    brightest = {}
    for theme in ("dark", "light"):
        symbol = _widgets.icon(kind, theme)
        normal, off = (symbol.pixmap(32, mode).toImage() for mode in (QIcon.Mode.Normal, QIcon.Mode.Disabled))
        places = [(x, y) for x in range(32) for y in range(32) if normal.pixelColor(x, y).alpha() == 255]
        assert len(places) > 50
        assert max(off.pixelColor(x, y).alpha() for x, y in places) < 120
        brightest[theme] = max(normal.pixelColor(x, y).lightness() for x, y in places)
    assert brightest["dark"] > 150 > brightest["light"]
