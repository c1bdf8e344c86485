"""The page of a file or stack: shown with how many there are, chosen in the dock, and told in the result."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from drawn import SHAPE, Stages, drawing
from npe2 import PluginManager

from temgrains.gui import readers
from temgrains.micrograph import SeveralImages
from temgrains.records import Micrograph

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Window

PAGES = np.stack([np.roll(drawing(), 16 * k, axis=1) for k in range(3)])


@pytest.fixture(autouse=True)
def _drawn(stages: Stages) -> None:
    """Every test here uses the drawn stages."""
    PluginManager.instance().discover()


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    """A file of three pages without a scale."""
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, PAGES, photometric="minisblack")
    return path


@pytest.fixture
def window(open_window: Callable[..., Window], movie: Path) -> Window:
    """A viewer that looks at the first page."""
    made = open_window(image=False)
    made.header.open_image(str(movie))
    made.settle()
    return made


def go_to(window: Window, page: int) -> None:
    window.header.page.page.setValue(page)
    assert window.header.page.open.isEnabled()
    window.header.page.open.click()
    window.settle()


def row_of(window: Window) -> tuple[int, str]:
    row = window.header.page
    return row.page.value(), row.total.text()


def test_a_file_of_one_image_shows_no_pages(open_window: Callable[..., Window], tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "one.tif", drawing())
    window = open_window(image=False)
    assert window.header.page.isHidden()
    window.header.open_image(str(tmp_path / "one.tif"))
    assert window.header.page.isHidden()


def test_the_page_of_how_many_is_shown_and_can_be_changed(window: Window) -> None:
    row = window.header.page
    assert not row.isHidden()
    assert row_of(window) == (1, "of 3")
    assert "--page 0" in row.page.toolTip()
    assert not row.open.isEnabled()
    go_to(window, 3)
    assert window.names() == ["movie page 3"], "the one before is gone, for there is nothing to lose"
    assert window.desk.session.name == "movie page 3"
    shown = (PAGES[2] - 20.0) / np.ptp(PAGES[2])
    np.testing.assert_allclose(window.layer("movie page 3").data, shown, atol=1e-6)
    assert row_of(window) == (3, "of 3")
    assert "page 3 of 3 was read" in window.panel.message.text()
    go_to(window, 1)
    assert window.names() == ["movie"]


def test_the_page_stands_in_the_result(window: Window, tmp_path: Path) -> None:
    go_to(window, 2)
    window.click("all")
    (tmp_path / "out").mkdir()
    window.panel.save_to(tmp_path / "out")
    window.settle()
    said = json.loads((tmp_path / "out" / "movie_page_2.json").read_text())
    assert (said["page"], said["pages"], said["source"]) == (1, 3, str(tmp_path / "movie.tif"))
    assert "page 2 of 3 was read" in said["notes"]


def test_settings_model_and_a_typed_scale_go_on_to_the_next_page(window: Window, untrained: str) -> None:
    window.desk.calibrate((0.7, 0.7), "typed")
    window.desk.choose_model(untrained)
    settings = window.desk.session.settings
    go_to(window, 2)
    session = window.desk.session
    assert (session.pixel_size, session.calibration) == ((0.7, 0.7), "typed")
    assert (session.model, session.settings) == (untrained, settings)
    assert np.allclose(window.layer("movie page 2").scale, 0.7)


def test_what_is_left_out_is_left_out_of_the_next_page_too(window: Window) -> None:
    image = window.layer("movie")
    told = {**image.metadata["temgrains"], "excluded": [[0, 0, 8, 8]], "left_out": "a bar"}
    image.metadata = {"temgrains": told}
    go_to(window, 2)
    assert window.layer("movie page 2").metadata["temgrains"]["excluded"] == [[0, 0, 8, 8]]


def test_a_result_that_is_not_saved_stays_and_is_come_back_to(window: Window) -> None:
    window.click("all")
    go_to(window, 2)
    assert window.panel.message.text().startswith("movie stays, hidden")
    assert not window.layer("movie").visible
    assert not window.layer("movie grains").visible
    go_to(window, 1)
    assert window.desk.session.name == "movie"
    assert window.desk.session.analysis is not None
    assert window.layer("movie").visible


def test_a_result_of_another_page_is_not_taken(window: Window, movie: Path, messages: list[str]) -> None:
    window.click("all")
    window.panel.save_to(movie.parent)
    window.settle()
    go_to(window, 2)
    window.header.queue.reload.click()
    window.settle()
    assert "it is of page 1 of the file, this is page 2; choose that page" in messages[-1]
    assert window.desk.session.analysis is None


def test_the_result_of_a_batch_of_pages_is_recognised(window: Window, movie: Path) -> None:
    window.click("all")
    window.panel.save_to(movie.parent)
    window.settle()
    for path in movie.parent.glob("movie.*"):
        if path != movie:
            path.rename(path.with_name(path.name.replace("movie.", "movie_page_1.")))
    go_to(window, 2)
    assert window.desk.files.found is None
    go_to(window, 1)
    assert window.desk.files.found == movie.with_name("movie_page_1.json")
    window.header.queue.reload.click()
    window.settle()
    assert window.desk.session.analysis is not None


def test_the_next_file_of_a_queue_opens_at_the_same_page(
    open_window: Callable[..., Window], tmp_path: Path
) -> None:
    for name, count in (("a", 3), ("b", 3), ("c", 2)):
        tifffile.imwrite(tmp_path / f"{name}.tif", PAGES[:count], photometric="minisblack")
    window = open_window(image=False)
    window.header.open_folder(str(tmp_path))
    window.settle()
    go_to(window, 2)
    assert window.header.queue.place.text() == "1 / 3"
    window.header.queue.on.click()
    window.settle()
    assert (window.names(), row_of(window)) == (["b page 2"], (2, "of 3"))
    assert window.header.queue.place.text() == "2 / 3"
    window.header.queue.on.click()
    window.settle()
    assert (window.names(), row_of(window)) == (["c"], (1, "of 2")), "another number of pages"


def test_a_page_that_cannot_be_read_is_said(window: Window, movie: Path, messages: list[str]) -> None:
    movie.write_text("<html>")
    go_to(window, 2)
    assert "it is a web page" in messages[-1]
    assert window.names() == ["movie"]
    assert window.desk.session is not None


def test_of_two_signals_each_leads_to_its_own_pages(
    open_window: Callable[..., Window], tmp_path: Path, monkeypatch: Any
) -> None:
    def read(path: str, *, page: int | None = None) -> Micrograph:
        if page is None:
            raise SeveralImages(path, (0, 1), ("HAADF", "BF"))
        grey = drawing() / np.float32(255)
        return Micrograph(
            grey, (2.0, 2.0), str(path), "EMD", page=page, pages=4, signal=("HAADF", "BF")[page > 0]
        )

    monkeypatch.setattr(readers, "read", read)
    path = tmp_path / "scan.emd"
    path.touch()
    window = open_window(image=False)
    window.header.open_image(str(path))
    window.settle()
    assert window.names() == ["scan HAADF", "scan BF"]
    assert window.header.page.isHidden(), "one image of HAADF; the other signal is a layer to choose"
    window.desk.choose(window.layer("scan BF").unique_id)
    assert row_of(window) == (1, "of 3   BF")
    assert "--page 1" in window.header.page.page.toolTip()
    go_to(window, 3)
    assert window.names() == ["scan HAADF", "scan BF page 3"]
    assert window.layer("scan BF page 3").metadata["temgrains"]["page"] == 3
    go_to(window, 1)
    assert window.names() == ["scan HAADF", "scan BF"]


def test_of_a_stack_the_slice_on_show_is_offered(open_window: Callable[..., Window]) -> None:
    place = {"scale": (1, 0.5, 0.5), "units": ("pixel", "nm", "nm"), "translate": (0, 3.0, 4.0)}
    window = open_window(data=PAGES, **place)
    row = window.header.page
    assert "stack of 3 x 64 x 96" in window.panel.message.text()
    assert "choose its page above" in window.panel.message.text()
    window.viewer.dims.set_point(0, 2)
    assert row_of(window) == (3, "of 3")
    row.open.click()
    window.settle()
    assert window.names() == ["film", "film page 3"]
    image = window.layer("film page 3")
    np.testing.assert_array_equal(image.data, PAGES[2])
    assert (image.data.shape, tuple(image.scale), tuple(image.translate)) == (SHAPE, (0.5, 0.5), (3.0, 4.0))
    assert window.desk.session.pixel_size == (0.5, 0.5)
    assert not window.layer("film").visible
    go_to(window, 1)
    assert window.names() == ["film", "film page 1"]
    window.click("all")
    made = window.desk.session.analysis.provenance
    assert (made["page"], made["pages"]) == (0, 3)
    window.viewer.layers.remove("film")
    window.settle()
    assert row.isHidden(), "the other pages are gone"


def test_stacks_of_more_axes_and_colours_are_counted_through(open_window: Callable[..., Window]) -> None:
    data = np.zeros((2, 3, *SHAPE, 3), np.uint8)
    data[1, 2] = drawing()[..., None]
    window = open_window(data=data, rgb=True, scale=(1, 1, 0.5, 0.5), units=("pixel", "pixel", "nm", "nm"))
    assert row_of(window)[1] == "of 6"
    go_to(window, 6)
    np.testing.assert_array_equal(window.layer("film page 6").data, data[1, 2])


def test_the_row_is_narrow(window: Window) -> None:
    window.header.page.total.setText("of 1000   a detector with a name longer than the dock is wide")
    assert window.header.minimumSizeHint().width() <= 355


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")  # napari's own
def test_an_empty_stack_has_no_pages(open_window: Callable[..., Window]) -> None:
    window = open_window(data=np.zeros((0, *SHAPE), np.uint8), scale=(1, 1, 1), units=("nm", "nm", "nm"))
    assert window.header.page.isHidden()
    assert not window.panel.buttons["edges"].isEnabled()


def test_an_image_that_goes_while_its_next_page_is_read_leaves_nothing(window: Window) -> None:
    window.header.page.page.setValue(2)
    window.header.page.open.click()
    window.viewer.layers.clear()
    window.settle()
    assert window.names() == []
    assert window.header.page.isHidden()


def test_pressing_twice_opens_one_layer(window: Window) -> None:
    window.click("all")
    window.header.page.page.setValue(2)
    for _ in range(3):
        window.header.page.open.click()
    window.settle()
    assert window.names().count("movie page 2") == 1
