"""The dock "Grain sizes": what it measures, what follows what, what its filters leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from drawn import Stages, drawing, lattice
from qtpy.QtCore import Qt

from temgrains.gui.dock import GrainSizesWidget, TemGrainsWidget
from temgrains.gui.sizes_plot import KINDS, density, round_values, ticks
from temgrains.sizes import measure
from temgrains.statistics.distribution import fit_lognormal
from tessellations import random_cells, with_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Window


class Opened:
    """A shown viewer with grains and the dock."""

    def __init__(self, viewer: Any, dock: Any, qtbot: Any) -> None:
        self.viewer, self.dock, self.panel, self.qtbot = viewer, dock, dock.sizes, qtbot

    def settle(self) -> None:
        self.qtbot.waitUntil(lambda: not self.panel.busy and self.dock.desk.settled, timeout=60_000)

    @property
    def table(self) -> Any:
        return self.panel.grains.table

    def column(self, k: int) -> list[str]:
        model = self.table.grains
        return [model.data(model.index(row, k)) for row in range(model.rowCount())]

    def names(self) -> set[str]:
        return {layer.name for layer in self.viewer.layers}


@pytest.fixture(scope="module")
def cells() -> Any:
    return with_lines(random_cells((120, 140), 16, 4))


@pytest.fixture
def opened(make_napari_viewer: Any, qtbot: Any, cells: Any) -> Opened:
    viewer = make_napari_viewer()
    place = {"scale": (0.5, 0.5), "units": ("nm", "nm")}
    viewer.add_image(cells.labels % 7 / 7, name="film", **place)
    viewer.add_labels(cells.labels.copy(), name="film grains", **place)
    dock = GrainSizesWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Grain sizes")
    made = Opened(viewer, dock, qtbot)
    made.panel.begin()  # as when it comes into view
    qtbot.waitUntil(lambda: made.panel.found is not None, timeout=60_000)
    made.settle()
    return made


def test_it_shows_the_same_numbers_as_the_core(opened: Opened, cells: Any) -> None:
    expected = measure(cells, pixel_size=(0.5, 0.5)).table
    found = opened.panel.found.table
    assert (found["ecd_nm"].to_numpy() == expected["ecd_nm"].to_numpy()).all()
    whole = int((~cells.on_border).sum())
    assert opened.table.grains.rowCount() == whole
    assert opened.panel.bar.left.text() == (
        f"{whole} of {cells.count} grains; left out: {cells.count - whole} cut by the border"
    )
    assert "mean ECD" in opened.panel.distribution.text.text()
    assert "p = " in opened.panel.distribution.text.text()
    assert opened.panel.methods.table.rowCount() == 11


def test_rows_are_sorted_by_value(opened: Opened) -> None:
    opened.table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    falling = [float(text) for text in opened.column(1)]
    assert falling == sorted(falling, reverse=True)
    opened.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    numbers = [int(text) for text in opened.column(0)]
    assert numbers == sorted(numbers)


def test_a_row_centres_and_outlines_its_grain(opened: Opened, cells: Any) -> None:
    opened.table.selectRow(3)
    grain = opened.table.grains.grain(3)
    outline = opened.viewer.layers["film chosen grain"]
    rows, columns = np.nonzero(cells.labels == grain)
    corners = np.concatenate(outline.data)
    np.testing.assert_allclose(corners.min(axis=0), (rows.min() - 0.5, columns.min() - 0.5))
    np.testing.assert_allclose(corners.max(axis=0), (rows.max() + 0.5, columns.max() + 0.5))
    middle = [(rows.min() + rows.max()) / 4, (columns.min() + columns.max()) / 4]
    np.testing.assert_allclose(opened.viewer.scene.camera.center[-2:], middle)
    np.testing.assert_allclose(outline.scale, (0.5, 0.5))
    assert opened.viewer.layers.selection.active.name == "film grains", "the user's layer stays active"


def test_a_click_on_a_grain_chooses_its_row(opened: Opened, cells: Any) -> None:
    grain = int(np.flatnonzero(~cells.on_border)[5]) + 1
    row, column = np.argwhere(cells.labels == grain)[3]
    opened.panel.link.click((row * 0.5, column * 0.5))
    assert opened.table.grains.grain(opened.table.currentIndex().row()) == grain
    assert "film chosen grain" in opened.names()
    cut = int(np.flatnonzero(cells.on_border)[0]) + 1
    opened.panel.link.click(np.argwhere(cells.labels == cut)[0] * 0.5)
    assert opened.panel.message.text() == f"grain {cut} is left out by the filters"
    opened.panel.link.click((-99, -99))


def test_filters_say_what_they_leave(opened: Opened, cells: Any) -> None:
    panel = opened.panel
    panel.bar.whole.setChecked(False)
    assert panel.bar.left.text() == f"{cells.count} of {cells.count} grains"
    areas = panel.found.table["area_nm2"].to_numpy()
    panel.bar.smallest.setValue(60)
    assert panel.bar.left.text() == (
        f"{int((areas >= 60).sum())} of {cells.count} grains; left out: {int((areas < 60).sum())} too small"
    )
    assert opened.table.grains.rowCount() == (areas >= 60).sum()
    panel.bar.smallest.setValue(1e9)
    assert panel.bar.left.text().startswith(f"0 of {cells.count} grains")
    assert "No grain is left" in panel.distribution.text.text()


def test_a_stroke_changes_the_table(opened: Opened, cells: Any) -> None:
    layer = opened.viewer.layers["film grains"]
    grain = int(np.flatnonzero(~cells.on_border)[0]) + 1
    place = np.nonzero(cells.labels == grain)
    layer.data_setitem(place, 0)
    count = opened.table.grains.rowCount()
    opened.qtbot.waitUntil(lambda: opened.table.grains.rowCount() < count, timeout=10_000)
    opened.settle()
    # What is left of the grain belongs to none, and cuts its neighbours, here as in all reports.
    assert "beside ground of no grain" in opened.panel.bar.left.text()
    assert opened.table.grains.rowCount() == opened.panel.found.content["grains_whole"]


def test_numbers_of_several_pieces_are_told_of(opened: Opened) -> None:
    layer = opened.viewer.layers["film grains"]
    labels = layer.data.copy()
    labels[labels == labels.max()] = 1
    layer.data = labels
    opened.qtbot.waitUntil(lambda: "separate pieces" in opened.panel.message.text(), timeout=10_000)
    opened.settle()


def test_another_scale_measures_again(opened: Opened) -> None:
    before = opened.panel.found.table["area_nm2"].to_numpy()
    layer = opened.viewer.layers["film grains"]
    layer.scale = (1.0, 1.0)
    opened.qtbot.waitUntil(lambda: opened.panel.found.table["area_nm2"].iat[0] != before[0], timeout=10_000)
    np.testing.assert_allclose(opened.panel.found.table["area_nm2"], 4 * before)
    opened.settle()
    layer.units = ("pixel", "pixel")
    opened.qtbot.waitUntil(lambda: "area_nm2" not in opened.panel.found.table, timeout=10_000)
    opened.settle()
    assert "G is undefined" in opened.panel.methods.detail.text()
    assert opened.panel.bar.smallest.suffix() == " px²"
    opened.settle()


def test_grains_are_coloured_by_a_measure_with_a_colour_bar(opened: Opened, cells: Any) -> None:
    page = opened.panel.grains
    page.colour.setCurrentIndex(page.colour.findText("ECD [nm]"))
    page.coloured.emit("ecd_nm")
    layer = opened.viewer.layers["film ECD [nm]"]
    assert layer.colorbar.visible
    shown = np.isfinite(layer.data)
    assert (shown == np.isin(cells.labels, np.flatnonzero(~cells.on_border) + 1)).all()
    grain = int(np.flatnonzero(~cells.on_border)[2])
    ecd = opened.panel.found.table["ecd_nm"].iat[grain]
    assert layer.data[cells.labels == grain + 1] == pytest.approx(ecd)
    page.colour.setCurrentIndex(0)
    page.coloured.emit("")
    assert "film ECD [nm]" not in opened.names()


def test_test_lines_are_drawn_where_the_methods_count(opened: Opened) -> None:
    page = opened.panel.methods
    page.draw.setCurrentText("three circles (Abrams)")
    page.lines.emit("")
    layer = opened.viewer.layers["film test lines"]
    widths = [np.ptp(circle[:, 0]) for circle in layer.data]
    assert widths == pytest.approx([119 / 3, 119 * 2 / 3, 119])
    assert layer.data[0].mean(axis=0) == pytest.approx((59.5, 69.5))
    page.draw.setCurrentText("lines (Heyn)")
    page.lines.emit("")
    ends = np.concatenate(layer.data)
    assert 20 <= len(layer.data) <= 24
    assert (ends >= -0.5 - 1e-6).all()
    assert (ends <= np.array([119.5, 139.5]) + 1e-6).all()
    page.draw.setCurrentText("none")
    page.lines.emit("")
    assert "film test lines" not in opened.names()


def test_a_method_shows_formula_counts_and_limits(opened: Opened) -> None:
    page = opened.panel.methods
    page.table.setCurrentCell(4, 0)
    text = page.detail.text()
    assert "Jeffries" in text
    assert "N = N_inside + N_cut / 2" in text
    assert "one grain too many on average" in text
    assert "A = " in text
    assert " nm²" in text
    assert "chord / side is <b>0.7" in page.why.text()


def test_two_kinds_of_grain_show_by_g(opened: Opened) -> None:
    shares = opened.panel.found.content["distribution"]["area_share_by_g"]
    page = opened.panel.distribution
    assert {str(g): share for g, share in opened.panel.shown.shares.items()} == shares
    assert "largest of all grains" in page.text.text()
    assert "none stands apart (E930)" in page.text.text()
    for kind in KINDS:
        page.kind.setCurrentText(kind)
        assert not page.plot.grab().isNull()
    opened.viewer.layers["film grains"].units = ("pixel", "pixel")
    opened.qtbot.waitUntil(lambda: opened.panel.shown.shares is None, timeout=10_000)
    opened.settle()
    assert "largest of all grains" not in page.text.text()
    page.plot.show_kind("area by ASTM G")
    assert not page.plot.grab().isNull()


def test_a_grain_that_stands_apart_is_told_of(opened: Opened) -> None:
    labels = np.arange(1, 1001).reshape(25, 40).repeat(6, 0).repeat(6, 1)
    labels[60:81, 60:81] = 1001
    opened.viewer.layers["film grains"].data = labels
    opened.qtbot.waitUntil(lambda: len(opened.panel.found.table) > 900, timeout=10_000)
    opened.settle()
    assert "1 stands apart (E930), with 1.2 % of the area" in opened.panel.distribution.text.text()


def test_a_film_is_not_unfolded(opened: Opened) -> None:
    page, panel = opened.panel.distribution, opened.panel
    assert "columnar film" in page.banner.text()
    assert not page.unfold.isEnabled()
    assert not page.unfold.isChecked()
    page.specimen.setCurrentIndex(1)
    assert "circles are smaller" in page.banner.text()
    assert panel.shown.unfolded is None, "off by default"
    page.unfold.setChecked(True)
    assert panel.shown.unfolded.mean > panel.shown.summary.mean / 2
    assert "mean diameter of the spheres" in page.text.text()
    assert not page.plot.grab().isNull()
    panel.bar.smallest.setValue(1e9)
    assert panel.shown.unfolded is None, "nothing is left"
    panel.bar.smallest.setValue(0)
    page.specimen.setCurrentIndex(0)
    assert panel.shown.unfolded is None
    assert panel.choices.unfold is False
    assert "spheres" not in page.text.text()


def test_what_makes_a_size_unsure_is_kept_apart(opened: Opened) -> None:
    page, panel = opened.panel.doubt, opened.panel
    text = page.table.text()
    for said in ("grains of this image, 95 %", "one image: not known", "not stated", "not measured"):
        assert said in text
    summary = panel.shown.summary
    half = 100 * (summary.mean_high - summary.mean) / summary.mean
    assert f"± {half:.2g} %" in text or f"± {half:.0f} %" in text
    page.error.setValue(5)
    assert "± 5 %" in page.table.text()
    assert "± 0.14" in page.table.text()
    assert panel.choices.calibration_error == pytest.approx(0.05)
    assert not page.measure.isEnabled(), "no model found these grains"
    panel.views.measure()
    assert "Only for grains that a model found here" in page.note.text()
    panel.bar.smallest.setValue(1e9)
    assert "±" in page.table.text(), "the calibration does not depend on grains"


def test_layers_go_and_come_with_the_panel(opened: Opened) -> None:
    opened.table.selectRow(0)
    assert "film chosen grain" in opened.names()
    opened.panel.end()
    opened.qtbot.waitUntil(lambda: "film chosen grain" not in opened.names(), timeout=10_000)
    assert not [call for call in opened.viewer.mouse_drag_callbacks if call == opened.panel.link._on_press]
    opened.panel.begin()
    opened.settle()
    opened.viewer.layers.remove("film grains")
    opened.qtbot.waitUntil(lambda: opened.panel.found is None, timeout=10_000)
    assert "No grains yet" in opened.panel.message.text()


def test_labels_that_cannot_be_measured_say_why(opened: Opened) -> None:
    opened.viewer.layers["film grains"].data = np.full((30, 30), -2)
    opened.qtbot.waitUntil(
        lambda: "label -2; labels are 0 or above" in opened.panel.message.text(), timeout=10_000
    )
    opened.settle()


def test_it_follows_the_analysis_and_fills_the_features(
    open_window: Callable[..., Window], stages: Stages
) -> None:
    window = open_window(dock=TemGrainsWidget)
    window.click("all")
    layer = window.layer("film grains")
    assert layer.features["index"].tolist() == list(range(1, 25))
    area = layer.features["area_nm2"].to_numpy()
    panel = window.dock.sizes
    panel.link.choose(str(layer.unique_id))
    source = panel.link.source()
    assert source.grains is window.desk.session.analysis.grains
    assert source.pixel_size == (0.5, 0.5)
    assert len(source.confidence) == 24
    panel.begin()
    window.until(lambda: panel.found is not None and not panel.busy)
    assert (panel.found.table["confidence"] == source.confidence).all()
    panel.end()
    window.layer("film").scale = (1.0, 1.0)
    window.settle()
    np.testing.assert_allclose(window.layer("film grains").features["area_nm2"], 4 * area)
    assert drawing().shape == lattice().shape


def test_the_table_of_napari_shows_the_sizes_of_a_grain(window: Window, stages: Stages) -> None:
    window.click("all")
    status = window.layer("film grains").get_status((4, 4), world=True)
    assert "ecd_nm" in str(status)


def test_a_small_screen_holds_it(opened: Opened) -> None:
    assert opened.dock.sizeHint().height() <= 600
    assert opened.dock.minimumWidth() < 480


class Press:
    """What napari tells of the mouse."""

    def __init__(self, position: Any) -> None:
        self.type, self.button, self.pos, self.position = "mouse_press", 1, (10, 10), position


def test_a_press_is_a_click_unless_it_drags_or_draws(opened: Opened, cells: Any) -> None:
    grain = int(np.flatnonzero(~cells.on_border)[5]) + 1
    place = np.argwhere(cells.labels == grain)[3] * 0.5
    heard: list[int] = []
    opened.panel.link.clicked.connect(heard.append)

    def press(*moves: tuple[int, int]) -> None:
        event = Press(place)
        steps = opened.panel.link._on_press(opened.viewer, event)
        next(steps, None)
        for event.pos in moves:
            event.type = "mouse_move"
            next(steps, None)
        event.type = "mouse_release"
        next(steps, None)

    press()
    press((11, 12))
    assert heard == [grain, grain]
    press((40, 10))
    opened.viewer.layers["film grains"].mode = "paint"
    press()
    assert heard == [grain, grain]


def test_what_is_found_is_saved_and_copied(opened: Opened, tmp_path: Any) -> None:
    opened.panel.save_to(tmp_path / "film.sizes.csv")
    opened.settle()
    opened.qtbot.waitUntil(lambda: "saved" in opened.panel.message.text(), timeout=10_000)
    rows = (tmp_path / "film.sizes.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + len(opened.panel.found.table), "the filters leave out rows on the screen only"
    opened.panel.copy_text()
    opened.settle()
    opened.qtbot.waitUntil(lambda: "clipboard" in opened.panel.message.text(), timeout=10_000)


def test_round_values_of_axes() -> None:
    assert ticks(37.0) == [0, 10, 20, 30]
    assert ticks(0.9) == [0, 0.25, 0.5, 0.75]
    assert ticks(0.0) == [0]
    assert round_values(4.0, 60.0) == [5, 10, 20, 30, 50]


def test_the_fitted_density_by_area_lies_at_larger_grains() -> None:
    fit = fit_lognormal(np.exp(np.random.default_rng(1).normal(3, 0.4, 500)), replicates=0)
    x = np.linspace(0.5, 300, 6000)
    by_number, by_area = (density(fit, x, by_area=by_area) for by_area in (False, True))
    assert np.trapezoid(by_number, x) == pytest.approx(1, abs=1e-3)
    assert np.trapezoid(by_area, x) == pytest.approx(1, abs=1e-3)
    weighted = by_number * x**2 / np.trapezoid(by_number * x**2, x)
    np.testing.assert_allclose(by_area, weighted, atol=1e-4)


def test_the_dock_is_as_wide_as_its_content_needs(opened: Opened) -> None:
    dock = opened.dock
    opened.panel.bar.left.setWordWrap(False)
    opened.panel.bar.left.setText(
        "50 of 81 grains; left out: 25 cut by the border, 6 beside ground of no grain"
    )
    opened.qtbot.waitUntil(lambda: dock.viewport().width() >= dock.widget().minimumSizeHint().width())
    assert dock.minimumWidth() > dock.widget().minimumSizeHint().width()


def test_a_layer_of_another_result_keeps_what_is_left_out(opened: Opened) -> None:
    labels = opened.viewer.layers["film grains"].data.copy()
    labels[100:115, 20:60] = 0
    about = {"temgrains": {"role": "grains", "image": "another", "excluded": [[100, 20, 115, 60]]}}
    opened.viewer.add_labels(labels, name="old grains", metadata=about)
    opened.panel.choice.setCurrentText("old grains")
    opened.panel.choice.activated.emit(opened.panel.choice.currentIndex())
    opened.qtbot.waitUntil(lambda: "is left out" in opened.panel.message.text(), timeout=60_000)
    assert "thick lines" not in opened.panel.message.text()
    opened.settle()


def test_the_last_dock_may_end_after_the_timers(opened: Opened) -> None:
    sip = pytest.importorskip("qtpy.sip")
    desk = opened.dock.desk
    sip.delete(desk._drawing)
    desk.detach(id(opened.dock))
