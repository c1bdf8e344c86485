"""The dock in a real viewer: what its buttons do, which layers appear, what follows what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from drawn import LAST, SHAPE, Stages, drawing, lattice
from qtpy.QtWidgets import QWidget

from temgrains.gui.dock import TemGrainsWidget
from temgrains.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Window

ALL_LAYERS = ["film", "film edges", "film guess", "film refinement", "film grains", "film boundaries"]


@pytest.fixture(autouse=True)
def _drawn(stages: Stages) -> None:
    """Every test here uses the drawn stages."""


def visible(window: Window) -> set[str]:
    return {layer.name for layer in window.viewer.layers if layer.visible}


def area(layer: Any) -> np.ndarray:
    """Give the outer corners of a layer's first and last pixel."""
    half = np.array(layer.scale[-2:]) / 2
    return layer.extent.world[:, -2:] + np.array([-half, half])


def highlighted(window: Window) -> set[str]:
    return {name for name, button in window.panel.buttons.items() if button.styleSheet()}


def test_the_buttons_lead_through_all_steps(window: Window) -> None:
    for name, shown in [
        ("edges", {"film edges"}),
        ("guess", {"film guess"}),
        ("step", {"film refinement"}),
        ("run", {"film refinement"}),
        ("grains", {"film grains", "film boundaries"}),
    ]:
        window.click(name)
        assert visible(window) == {"film"} | shown
        assert len(highlighted(window)) == 1
    assert window.names() == ALL_LAYERS
    assert highlighted(window) == {"save"}
    assert "24 grains" in window.panel.summary.text()


def test_run_all_makes_all_layers_in_their_order(window: Window) -> None:
    window.click("all")
    assert window.names() == ALL_LAYERS
    assert visible(window) == {"film", "film grains", "film boundaries"}


def test_every_layer_lies_on_the_image(window: Window) -> None:
    window.viewer.layers["film"].translate = (3, 4)
    window.click("all")
    film = window.layer("film")
    for name in ALL_LAYERS[1:]:
        layer = window.layer(name)
        assert np.allclose(layer.scale[-2:], (0.5, 0.5)), name
        assert np.allclose(layer.translate[-2:], (3, 4)), name
        assert layer.units[-2:] == film.units, name
        assert layer.axis_labels[-2:] == film.axis_labels, name
    stack = window.layer("film refinement")
    assert stack.axis_labels[0] == "iteration"
    assert "iteration" in window.viewer.dims.axis_labels


def test_at_another_working_scale_layers_cover_the_image(window: Window) -> None:
    window.panel.controls.scale.setValue(0.5)
    window.until(lambda: window.desk.session.settings.guess.scale == 0.5)
    window.click("all")
    film = window.layer("film")
    for name, shape in [("film edges", (32, 48)), ("film refinement", (32, 48)), ("film grains", SHAPE)]:
        layer = window.layer(name)
        assert layer.extent.data[1][-2:].astype(int).tolist() == [shape[0] - 1, shape[1] - 1], name
        assert np.allclose(area(layer), area(film)), name


def test_edges_show_one_detector_at_a_time(window: Window) -> None:
    window.click("edges")
    red = window.layer("film edges").data[..., 0]
    assert np.array_equal(red > 0, lattice())
    window.panel.detectors[0].click()
    window.panel.detectors[2].click()
    window.settle()
    data = window.layer("film edges").data
    assert data[..., 0].max() == 0
    assert data[..., 1].max() == 255
    assert data[..., 2].max() == 0


def test_the_refinement_is_one_read_only_stack(window: Window) -> None:
    window.click("run")
    layer = window.layer("film refinement")
    assert layer.data.shape == (LAST + 1, *SHAPE)
    assert not layer.editable
    assert np.array_equal(np.asarray(layer.data[LAST]) > 0, lattice())
    assert layer.colormap.map(1)[:3] == pytest.approx((1.0, 0.176, 0.176), abs=0.01), "boundary is red"
    assert layer.colormap.map(0)[3] == 0


def test_slider_and_cursor_follow_each_other(window: Window) -> None:
    window.click("run")
    assert window.viewer.dims.current_step[0] == LAST
    window.click("back")
    assert window.viewer.dims.current_step[0] == LAST - 1
    window.click("reset")
    assert window.viewer.dims.current_step[0] == 0
    window.click("last")
    assert window.viewer.dims.current_step[0] == LAST
    window.viewer.dims.set_current_step(0, 2)
    assert window.desk.session.cursor == 2
    assert window.panel.iteration.text() == f"iteration 2 of {LAST}"


def test_with_a_time_series_beside_it_the_slider_still_fits(window: Window) -> None:
    window.viewer.add_image(np.zeros((3, 5, *SHAPE)), name="series")
    window.click("run")
    axis = window.viewer.dims.ndim - 3
    assert window.viewer.dims.point[axis] == LAST
    window.click("back")
    assert window.viewer.dims.point[axis] == LAST - 1


def test_changes_are_coloured_on_request(window: Window) -> None:
    window.click("run")
    assert np.asarray(window.layer("film refinement").data).max() == 1
    window.panel.changes.click()
    window.settle()
    layer = window.layer("film refinement")
    assert (np.asarray(layer.data[LAST]) == 2).any(), "a line appeared"
    assert layer.colormap.map(2)[1] > 0.7, "green"
    assert layer.colormap.map(3)[2] > 0.9, "blue"


def test_running_again_replaces_the_content(window: Window) -> None:
    window.click("all")
    before = {layer.name: layer.unique_id for layer in window.viewer.layers}
    window.click("back")
    window.click("grains")
    window.click("edges")
    window.click("all")
    assert {layer.name: layer.unique_id for layer in window.viewer.layers} == before
    assert "24 grains" in window.panel.summary.text()


def test_boundary_slider_redraws_lines_only(window: Window, stages: Stages) -> None:
    window.click("all")
    stages.calls.clear()
    grains = window.layer("film grains")
    controls = window.panel.controls
    controls._fields["boundaries"]["min_grain_px"].setValue(400)
    window.until(lambda: "boundaries" in stages.calls)
    window.settle()
    assert stages.calls == ["boundaries"]
    assert window.layer("film grains") is grains
    assert "24 grains" not in window.panel.summary.text()
    assert window.desk.session.current


def test_boundary_threshold_moves_what_the_iterates_show(window: Window) -> None:
    window.click("run")
    window.panel.controls._fields["boundaries"]["threshold"].setValue(1.0)
    window.until(lambda: window.desk.session.settings.boundaries.threshold == 1.0)
    window.settle()
    assert np.asarray(window.layer("film refinement").data).max() == 0


def test_edge_slider_finds_edges_again_and_drops_the_rest(window: Window, stages: Stages) -> None:
    window.click("all")
    stages.calls.clear()
    sobel = window.panel.controls._fields["edges"]["sobel_threshold"]
    sobel.automatic.setChecked(False)
    sobel.slider.setValue(0.1)
    window.until(lambda: "edges" in stages.calls)
    window.settle()
    assert stages.calls == ["edges"]
    assert window.names() == ["film", "film edges"]
    assert window.layer("film edges").data.max() == 128
    assert visible(window) == {"film", "film edges"}


def test_refine_setting_runs_again_what_had_run(window: Window, stages: Stages) -> None:
    window.click("all")
    stages.calls.clear()
    window.panel.controls._fields["refine"]["threshold"].setValue(0.01)
    window.until(lambda: "refine" in stages.calls)
    window.settle()
    assert stages.calls == ["refine"] * LAST
    assert window.names() == ALL_LAYERS[:4]


def test_quick_changes_of_a_slider_cost_one_run(window: Window, stages: Stages) -> None:
    window.click("edges")
    stages.calls.clear()
    saturation = window.panel.controls._fields["edges"]["saturation"]
    for value in (0.02, 0.03, 0.04, 0.05):
        saturation.setValue(value)
    window.until(lambda: "edges" in stages.calls)
    window.settle()
    assert stages.calls == ["edges"]
    assert window.desk.session.settings.edges.saturation == pytest.approx(0.05)


def test_a_typed_pixel_size_calibrates_image_layers_and_sizes(window: Window, stages: Stages) -> None:
    window.click("all")
    stages.calls.clear()
    window.header.pixel.setText("2 x 3")
    window.header.pixel.editingFinished.emit()
    window.settle()
    for layer in window.viewer.layers:
        assert np.allclose(layer.scale[-2:], (2, 3)), layer.name
    assert stages.calls == [], "only sizes are measured again"
    assert window.desk.session.analysis.sizes.pixel_size == (2, 3)
    assert "typed" in window.header.calibration.text()


def test_an_unknown_pixel_size_is_shown_and_can_be_typed(open_window: Callable[..., Window]) -> None:
    window = open_window(scale=(1, 1), units=("pixel", "pixel"))
    assert window.header.pixel.text() == ""
    assert "unknown" in window.header.calibration.text()
    window.header.pixel.setText("0.72")
    window.header.pixel.editingFinished.emit()
    assert window.desk.session.pixel_size == pytest.approx((0.72, 0.72))
    assert str(window.layer("film").units[0]) == "nanometer"


def test_a_wrong_pixel_size_is_refused_and_the_old_one_stays(window: Window, messages: list[str]) -> None:
    window.header.pixel.setText("many")
    window.header.pixel.editingFinished.emit()
    assert "is no pixel size" in messages[-1]
    assert window.header.pixel.text() == "0.5"


def test_scaling_the_image_layer_scales_everything(window: Window) -> None:
    window.click("all")
    window.layer("film").scale = (1.0, 1.0)
    window.settle()
    assert all(np.allclose(layer.scale[-2:], 1.0) for layer in window.viewer.layers)
    assert window.desk.session.pixel_size == (1.0, 1.0)
    assert window.desk.session.analysis is not None
    assert window.desk.session.analysis.sizes.pixel_size == (1.0, 1.0)


def test_an_empty_viewer_says_what_to_do(open_window: Callable[..., Window]) -> None:
    window = open_window(image=False)
    assert "Open Sample" in window.panel.message.text()
    assert not any(button.isEnabled() for button in window.panel.buttons.values())
    window.viewer.add_image(drawing(), name="later")
    assert window.header.image.currentText() == "later"
    assert window.panel.buttons["edges"].isEnabled()


def test_two_images_keep_their_own_analysis(window: Window) -> None:
    window.click("all")
    window.viewer.add_image(drawing((48, 80)), name="other")
    assert window.header.image.count() == 2, "our own images are not offered"
    window.header.image.setCurrentIndex(window.header.image.findText("other"))
    window.header.image.activated.emit(window.header.image.currentIndex())
    assert window.header.size.text() == "48 × 80 px"  # noqa: RUF001
    assert window.panel.summary.text() == ""
    window.click("edges")
    assert "other edges" in window.names()
    window.header.image.setCurrentIndex(window.header.image.findText("film"))
    window.header.image.activated.emit(window.header.image.currentIndex())
    assert "24 grains" in window.panel.summary.text()


def test_save_writes_all_files(window: Window, tmp_path: Path, messages: list[str]) -> None:
    window.click("all")
    window.panel.save_to(tmp_path)
    window.settle()
    assert {path.name for path in tmp_path.iterdir()} >= {
        "film.overlay.png",
        "film.boundaries.tif",
        "film.labels.tif",
        "film.grains.csv",
        "film.json",
    }
    assert str(tmp_path) in window.panel.message.text()


def test_keys_work_while_the_dock_is_there(window: Window) -> None:
    window.click("guess")
    keys = {str(binding): action for binding, action in window.viewer.keymap.items()}
    assert {".", ",", "R"} <= set(keys)
    keys["."](window.viewer)
    window.settle()
    assert window.desk.session.cursor == 1
    keys[","](window.viewer)
    window.settle()
    assert window.desk.session.cursor == 0
    keys["R"](window.viewer)
    window.settle()
    assert window.desk.session.at_end


def test_keys_are_free_again_when_the_dock_is_closed(window: Window) -> None:
    window.viewer.window.remove_dock_widget("all")
    window.until(lambda: not window.viewer.keymap)


def test_a_click_in_the_plot_goes_to_that_iteration(window: Window) -> None:
    window.click("run")
    window.panel.plot.chosen.emit(3)
    window.settle()
    assert window.desk.session.cursor == 3


def test_two_docks_show_one_analysis(window: Window) -> None:
    _, second = window.viewer.window.add_plugin_dock_widget("temgrains", "TEM Grains")
    assert isinstance(second, TemGrainsWidget)
    assert second.desk is window.desk
    assert second.tabs.tabText(0) == "Extract"
    window.click("all")
    assert second.extract.summary.text() == window.panel.summary.text()
    assert window.names() == ALL_LAYERS, "one set of layers"


def test_the_dock_fits_a_small_screen(window: Window) -> None:
    window.click("all")
    assert window.dock.minimumSizeHint().height() < 600
    assert window.dock.sizeHint().height() <= 600
    assert window.dock.sizeHint().width() < 480


def test_every_control_says_its_toml_name(window: Window) -> None:
    for stage, fields in window.panel.controls._fields.items():
        for name, field in fields.items():
            tips = [part.toolTip() for part in (field, *field.findChildren(QWidget))]
            assert any(f"[{stage}] {name}" in tip for tip in tips), (stage, name)
    for name, button in window.panel.buttons.items():
        assert button.toolTip(), name


def test_a_value_that_cannot_be_is_refused_and_the_old_one_stays(window: Window, messages: list[str]) -> None:
    median = window.panel.controls._fields["edges"]["median_px"]
    median.setValue(8)
    window.until(lambda: bool(messages))
    assert "edges.median_px is 8; it must be odd" in messages[-1]
    assert median.value() == 7
    assert window.desk.session.settings == Settings()


def test_controls_give_back_the_settings_they_show(window: Window) -> None:
    controls = window.panel.controls
    settings = Settings()
    controls.show_settings(settings)
    assert controls.settings(settings) == settings, "rounding in a field is no change"
