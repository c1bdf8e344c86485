"""Reader, writers and samples through npe2, as napari uses them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from drawn import drawing, lattice
from napari.components import ViewerModel
from napari.layers import Image, Labels
from napari.plugins.io import save_layers
from npe2 import PluginManager
from PIL import Image as Picture

from temgrains.gui import readers, samples, writers
from temgrains.gui._chores import reading_scale
from temgrains.micrograph import ENDINGS, SeveralImages, UnreadableImage, read
from temgrains.pipeline.project import ENDING
from temgrains.records import Micrograph

if TYPE_CHECKING:
    from conftest import Window
    from temgrains.records import PixelSize

NM = {"scale": (0.5, 0.25), "units": ("nm", "nm")}


@pytest.fixture(autouse=True)
def _plugins() -> None:
    """Let npe2 find what is installed, as napari does at its start."""
    PluginManager.instance().discover()


@pytest.fixture
def calibrated(tmp_path: Path) -> Path:
    path = tmp_path / "film_03.tif"
    tifffile.imwrite(
        path, drawing(), imagej=True, resolution=(4.0, 2.0), resolutionunit="NONE", metadata={"unit": "nm"}
    )
    return path


def opened(path: Path) -> Any:
    viewer = ViewerModel()
    (layer,) = viewer.open(path, plugin="temgrains")
    return layer


def test_a_calibrated_tiff_keeps_its_pixel_size(calibrated: Path) -> None:
    layer = opened(calibrated)
    assert np.allclose(layer.scale, (0.5, 0.25))
    assert [str(unit) for unit in layer.units] == ["nanometer", "nanometer"]
    assert layer.axis_labels == ("y", "x")
    assert layer.name == "film_03"
    assert "ImageJ" in layer.metadata["temgrains"]["calibration"]
    assert layer.source.path == str(calibrated)


def test_a_png_without_scale_is_in_pixels(tmp_path: Path) -> None:
    Picture.fromarray(drawing()).save(tmp_path / "plain.png")
    layer = opened(tmp_path / "plain.png")
    assert np.allclose(layer.scale, 1)
    assert str(layer.units[0]) == "pixel"


def test_a_file_that_is_no_image_gives_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "page.tif"
    path.write_text("<html>not found</html>")
    with pytest.raises(UnreadableImage, match=r"page\.tif") as caught:
        ViewerModel().open(path, plugin="temgrains")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["a.csv", "a", ["a.tif", "b.tif"], "a.tif.txt"])
def test_other_files_and_stacks_are_left_to_others(path: Any) -> None:
    assert readers.get_reader(path) is None


@pytest.mark.parametrize("name", ["a.tif", "A.TIFF", "b.png", "c.jpg", "c.JPEG", "d.dm4", "e.EMD", "f_1.ser"])
def test_the_manifest_names_what_the_reader_takes(name: str) -> None:
    found = list(PluginManager.instance().iter_compatible_readers(name.lower()))
    assert any(reader.command == "temgrains.read" for reader in found)
    assert readers.get_reader(name) is readers.open_image


def test_the_manifest_names_all_endings_that_are_read() -> None:
    images, projects = PluginManager.instance().get_manifest("temgrains").contributions.readers
    assert sorted(images.filename_patterns) == sorted(f"*{ending}" for ending in ENDINGS)
    assert projects.filename_patterns == [f"*{ENDING}"]


def test_images_of_several_detectors_become_a_layer_each(tmp_path: Path, monkeypatch: Any) -> None:
    def several(path: str, *, page: int | None) -> Micrograph:
        if page is None:
            raise SeveralImages(path, (0, 5), ("HAADF", ""))
        return Micrograph(
            drawing() / np.float32(255), (2.0, 2.0), str(path), "EMD metadata", page=page, pages=8
        )

    monkeypatch.setattr(readers, "read", several)
    layers = readers.read_image(str(tmp_path / "scan.emd"))
    assert [looks["name"] for _, looks, _ in layers] == ["scan HAADF", "scan 5"]
    assert [looks["metadata"]["temgrains"]["page"] for _, looks, _ in layers] == [0, 5]
    assert [looks["metadata"]["temgrains"]["pages"] for _, looks, _ in layers] == [[0, 5], [5, 8]]
    assert [looks["scale"] for _, looks, _ in layers] == [(2.0, 2.0), (2.0, 2.0)]


def size_in(path: Path) -> tuple[float, float]:
    """Give the pixel size [nm] that a TIFF names as ImageJ does."""
    with tifffile.TiffFile(path) as tif:
        assert (tif.imagej_metadata or {}).get("unit") == "nm"
        tags = tif.pages[0].tags
        down, across = (tags[name].value for name in ("YResolution", "XResolution"))
    return down[1] / down[0], across[1] / across[0]


def saved(layer: Any, path: Path) -> PixelSize | None:
    """Save through napari and read back what pixel size the file names."""
    save(layer, path)
    return read(path).pixel_size


def save(layer: Any, path: Path) -> None:
    assert save_layers(str(path), [layer], plugin="temgrains") == [str(path)]


def test_labels_are_saved_with_their_pixel_size(tmp_path: Path) -> None:
    labels = np.arange(64 * 96).reshape(64, 96) // 200
    path = tmp_path / "labels.tif"
    assert saved(Labels(labels, **NM), path) == pytest.approx((0.5, 0.25))
    assert np.array_equal(tifffile.imread(path), labels)


def test_our_boundaries_and_iterates_are_saved_as_black_and_white(tmp_path: Path) -> None:
    mask = lattice().astype(np.uint8)
    ours = {"metadata": {"temgrains": {"role": "boundaries"}}, **NM}
    save(Labels(mask, **ours), tmp_path / "b.tif")
    assert size_in(tmp_path / "b.tif") == pytest.approx((0.5, 0.25))
    assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), mask * 255)
    stack = np.stack([mask, 2 * mask, 0 * mask])
    writers.write_labels(
        str(tmp_path / "i.tif"),
        stack,
        {
            "metadata": {"temgrains": {"role": "refinement"}},
            "scale": (1, 0.5, 0.25),
            "units": ("pixel", "nm", "nm"),
        },
    )
    assert np.array_equal(tifffile.imread(tmp_path / "i.tif")[0], mask * 255)
    assert size_in(tmp_path / "i.tif") == pytest.approx((0.5, 0.25))


def test_labels_beyond_two_dimensions_or_32_bits_are_saved_whole(tmp_path: Path) -> None:
    large = np.full((20, 30), 2**40, np.int64)
    for name, labels in (("wide", large), ("deep", np.ones((3, 20, 30), np.int32))):
        path = tmp_path / f"{name}.tif"
        writers.write_labels(str(path), labels, {})
        assert np.array_equal(tifffile.imread(path), labels)


@pytest.mark.parametrize("pixels", [drawing(), drawing().astype(np.float32), np.stack([drawing()] * 3, -1)])
def test_an_image_is_saved_with_its_pixel_size(tmp_path: Path, pixels: np.ndarray) -> None:
    path = tmp_path / "image.tif"
    assert saved(Image(pixels, rgb=pixels.ndim == 3, **NM), path) == pytest.approx((0.5, 0.25))
    assert np.array_equal(tifffile.imread(path), pixels)


def test_the_finest_level_of_a_pyramid_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "pyramid.tif"
    saved(Image([drawing(), drawing()[::2, ::2]], multiscale=True, **NM), path)
    assert tifffile.imread(path).shape == drawing().shape


def test_without_units_of_length_no_pixel_size_is_written(tmp_path: Path) -> None:
    assert saved(Image(drawing(), scale=(2, 2)), tmp_path / "a.tif") is None
    writers.write_image(str(tmp_path / "b.tif"), drawing(), {})
    assert read(tmp_path / "b.tif").pixel_size is None


def test_a_labels_layer_becomes_a_table_of_grains(tmp_path: Path) -> None:
    labels = np.ones((20, 40), int)
    labels[:, 19:21] = 0
    labels[:, 21:] = 2
    path = tmp_path / "grains.csv"
    save_layers(str(path), [Labels(labels, scale=(2, 2), units=("nm", "nm"))], plugin="temgrains")
    table = pd.read_csv(path)
    assert table["grain"].tolist() == [1, 2]
    assert table["on_border"].all()
    assert table["area_nm2"].sum() == pytest.approx(20 * 40 * 4)


def test_a_table_of_a_stack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="split the stack"):
        writers.write_table(str(tmp_path / "a.csv"), np.ones((2, 20, 20), int), {})


@pytest.mark.parametrize(
    ("draw", "shape"), [(samples.line, (96, 496)), (samples.film, (512, 512)), (samples.fine, (512, 512))]
)
def test_samples_are_the_same_each_time_and_bring_their_truth(draw: Any, shape: tuple[int, int]) -> None:
    (image, looks, kind), (truth, hidden, truth_kind) = draw()
    assert (kind, truth_kind) == ("image", "labels")
    assert image.shape == truth.shape == shape
    assert np.array_equal(draw()[0][0], image)
    assert set(np.unique(truth)) == {0, 1}
    assert 0.02 < truth.mean() < 0.4
    assert not hidden["visible"]
    assert looks["units"] == hidden["units"] == ("nm", "nm")


def test_the_sample_of_the_menu_opens_beside_its_truth() -> None:
    viewer = ViewerModel()
    viewer.open_sample("temgrains", "line")
    assert [(layer.name, layer.visible) for layer in viewer.layers] == [("line", True), ("line truth", False)]


def test_the_shipped_sample_is_calibrated() -> None:
    layer = opened(Path(__file__).parents[2] / "sample_data" / "polycrystal.png")
    assert np.allclose(layer.scale, samples.PIXEL_NM)
    assert layer.data.shape == (512, 512)


def test_a_file_is_opened_from_the_dock(window: Window, calibrated: Path) -> None:
    window.header.open_image(str(calibrated))
    assert window.header.image.currentText() == "film_03"
    assert window.desk.session.pixel_size == pytest.approx((0.5, 0.25))
    assert "ImageJ" in window.header.calibration.text()


def test_the_pixel_size_is_read_from_the_file_of_a_layer_that_lost_it(
    window: Window, calibrated: Path
) -> None:
    (layer,) = window.viewer.open(calibrated, plugin="napari")
    window.desk.choose(layer.unique_id)
    assert window.desk.session.pixel_size is None
    assert not window.header.from_file.isHidden()
    window.header.from_file.click()
    window.settle()
    assert window.desk.session.pixel_size == pytest.approx((0.5, 0.25))
    assert np.allclose(layer.scale, (0.5, 0.25))


def test_the_pixel_size_is_read_of_the_image_that_the_layer_shows(tmp_path: Path) -> None:
    described = "ImageJ=1.54f\nunit={}\n"
    with tifffile.TiffWriter(tmp_path / "two.tif") as writer:
        writer.write(drawing(), description=described.format("nm"), resolution=(4.0, 2.0))
        writer.write(drawing(), resolution=(8.0, 8.0))
    sizes: list[Any] = []
    for page in (None, 1):
        chore = reading_scale(str(tmp_path / "two.tif"), sizes.append, page=page)
        chore.then(chore.call())
    assert [size for size, _ in sizes] == [pytest.approx((0.5, 0.25)), pytest.approx((0.125, 0.125))]


def test_a_file_without_pixel_size_says_so(window: Window, tmp_path: Path, messages: list[str]) -> None:
    Picture.fromarray(drawing()).save(tmp_path / "plain.png")
    (layer,) = window.viewer.open(tmp_path / "plain.png", plugin="napari")
    window.desk.choose(layer.unique_id)
    window.header.from_file.click()
    window.settle()
    assert "names no pixel size" in messages[-1]
