"""The score of boundaries in a real viewer: its figures, its curve, and its picture over the image."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from drawn import SHAPE, lattice
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor

from temgrains.gui.correct_score import (
    COLOURS,
    CORRECT,
    CURVES,
    FALSE,
    MISSED,
    Judge,
    percent,
    picture_of,
    save,
)
from temgrains.gui.correct_score_plot import CurvePlot
from temgrains.score import Verdict

if TYPE_CHECKING:
    from editing import Editor


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


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.0, "0%"), (0.001, "<1%"), (0.005, "<1%"), (0.01, "1%"), (0.4, "40%"), (0.996, ">99%"), (1.0, "100%")],
)
def test_a_small_share_is_not_said_to_be_none(share: float, said: str) -> None:
    assert percent(share) == said


def test_mistakes_are_wider_than_what_is_correct_and_cover_none_of_it() -> None:
    none = np.zeros((12, 14), bool)
    missed, correct, false = none.copy(), none.copy(), none.copy()
    missed[5, 2:6], correct[5, 6:10], false[7, 2:6], false[0, 13] = True, True, True, True
    picture = picture_of(Verdict(missed=missed, correct=correct, false=false))
    assert (picture[4:7, 2:6] == MISSED).all()
    assert (picture[5, 6:10] == CORRECT).all()
    assert (picture == CORRECT).sum() == 4, "what is correct stays one pixel wide"
    assert (picture[7:9, 2:6] == FALSE).all()
    assert picture[0, 12] == FALSE


def test_the_red_boundaries_hide_while_the_score_is_seen(editor: Editor) -> None:
    panel, lines = editor.panel.score, editor.window.layer("film boundaries")
    truth = lattice().astype(np.uint8)
    truth[:, 31] = 0
    truth[24, 34:44] = 1
    editor.viewer.add_labels(truth, name="truth", scale=(0.5, 0.5), units=("nm", "nm"))
    panel.reference.setCurrentIndex(panel.reference.findText("truth"))
    panel.compare.click()
    editor.window.until(lambda: "film score" in editor.window.names())
    score = editor.window.layer("film score")
    assert not lines.visible
    seen = {tuple(np.round(255 * score.colormap.map(mark))) for mark in np.unique(score.data) if mark}
    assert seen == {(255, 159, 28, 255), (255, 255, 255, 255), (53, 183, 255, 255)}
    score.visible = False
    assert lines.visible
    score.visible = True
    assert not lines.visible
    lines.visible = True  # the user wants both
    score.visible = False
    assert lines.visible
    score.visible = True
    editor.viewer.layers.remove(score)
    assert lines.visible
    lines.visible = False
    panel.compare.click()
    editor.window.until(lambda: "film score" in editor.window.names())
    editor.viewer.layers.remove("film score")
    assert not lines.visible, "who had hidden them finds them hidden"


def test_nothing_is_cut_off_at_the_first_comparison(editor: Editor) -> None:
    panel = editor.panel.score
    fold = panel.parentWidget()
    fold.unfold()
    panel.compare.click()
    editor.window.until(lambda: panel.comparison is not None and panel.curve.isVisible())
    editor.window.until(lambda: panel.figures.height() >= panel.figures.heightForWidth(panel.figures.width()))
    for part in (panel.figures, panel.legend, panel.curve, panel.save):
        low = part.mapTo(panel, part.rect().bottomRight())
        assert panel.rect().contains(low), "it lies within the panel, which the dock scrolls"


def test_what_is_shown_before_it_is_drawn_lies_above_the_score(editor: Editor) -> None:
    editor.key(Qt.Key.Key_X)
    editor.panel.score.compare.click()
    editor.window.until(lambda: "film score" in editor.window.names())
    names = editor.window.names()
    assert names.index("film score") < names.index("film corrections")
    assert names.index("film score") > names.index("film boundaries")


def test_each_image_has_its_own_picture_of_the_score(editor: Editor) -> None:
    panel, desk = editor.panel.score, editor.window.desk
    panel.compare.click()
    editor.window.until(lambda: "film score" in editor.window.names())
    first = editor.window.layer("film score")
    kept = first.data.copy()
    looks = {"scale": (0.5, 0.5), "units": ("nm", "nm"), "translate": (100, 0)}
    other = editor.viewer.add_image(np.flipud(editor.window.layer("film").data), name="other", **looks)
    desk.choose(other.unique_id)
    desk.do("all")
    editor.settle()
    panel.compare.click()
    editor.window.until(lambda: "other score" in editor.window.names())
    assert np.array_equal(first.data, kept)
    assert not first.visible
    assert tuple(editor.window.layer("other score").translate) == (100, 0)


def judged(**looks: Any) -> Any:
    """Compare a lattice with itself, one column off."""
    lines = lattice((128, 128))
    options = {"tolerance_px": 2.0, "pixel_size": (0.5, 0.5), **looks}
    return Judge().compare(("truth", lines), ("found", np.roll(lines, 3, axis=1)), **options)


def test_the_curves_differ_in_colour_and_look_and_nothing_covers_them(qtbot: Any) -> None:
    plot = CurvePlot()
    qtbot.addWidget(plot)
    plot.resize(360, 150)
    comparison = judged()
    rows = np.array([[t, 0.9, 0.4] for t in range(11)])
    plot.show_curve(replace(comparison, curve=rows))
    image = plot.grab().toImage()
    for column, (_, colour, _) in enumerate(CURVES, start=1):
        at = [plot.position(x / 10, rows[0, column]).toPoint() for x in range(5, 95)]
        near = [image.pixelColor(p.x(), p.y()) for p in at]
        wanted = QColor(colour)
        alike = [abs(c.hue() - wanted.hue()) < 12 and c.saturation() > 100 for c in near]
        assert np.mean(alike) > 0.4, colour
    assert len({colour for _, colour, _ in CURVES}) == 2
    frame = [plot.position(0, 0), plot.position(10, 1)]
    assert frame[1].y() >= 16, "the legend has its place above the frame"


def test_the_panel_shows_nanometres_below_the_pixels_where_they_are_known(qtbot: Any) -> None:
    plots = []
    for size in ((0.5, 0.5), None, (0.5, 0.8)):
        plot = CurvePlot()
        qtbot.addWidget(plot)
        plot.resize(360, 150)
        plot.show_curve(judged(pixel_size=size))
        image = plot.grab().toImage().convertToFormat(plot.grab().toImage().Format.Format_Grayscale8)
        below = image.copy(0, 150 - 16, 360, 16)
        ground = below.pixelColor(359, 15).value()
        pixels = [below.pixelColor(x, y).value() for x in range(360) for y in range(16)]
        plots.append(sum(abs(value - ground) > 60 for value in pixels))
    assert plots[0] > 30
    assert plots[1:] == [0, 0], "unknown, or not the same in both directions"


@pytest.mark.parametrize("size", [(0.5, 0.5), None])
def test_the_saved_figure_has_both_axes_and_a_legend_outside(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, size: Any
) -> None:
    figures: list[Figure] = []
    saved = Figure.savefig

    def keeping(figure: Figure, *given: Any, **options: Any) -> None:
        figures.append(figure)
        saved(figure, *given, **options)

    monkeypatch.setattr(Figure, "savefig", keeping)
    save(judged(pixel_size=size), tmp_path / "score.png")
    figure = figures[0]
    axes = figure.axes[0]
    assert [line.get_color() for line in axes.lines[:2]] == [COLOURS[MISSED], COLOURS[FALSE]]
    above = [child for child in axes.child_axes if "nm" in child.get_xlabel()]
    assert len(above) == (size is not None)
    FigureCanvasAgg(figure).draw()
    assert not figure.legends[0].get_window_extent().overlaps(axes.get_window_extent())
    if above:
        assert above[0].get_xlim() == pytest.approx(np.multiply(axes.get_xlim(), 0.5))
