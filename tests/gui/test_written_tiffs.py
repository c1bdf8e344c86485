"""Written TIFFs: the pixel size in the tags that ImageJ and OME tools read, read back with tifffile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from drawn import drawing, lattice
from napari.layers import Image, Labels
from napari.plugins.io import save_layers
from npe2 import PluginManager

from temgrains import export
from temgrains.gui import writers
from temgrains.micrograph import read
from temgrains.records import Boundaries, Grains, Iterate
from temgrains.statistics.labels import read_labels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from temgrains.records import PixelSize

SQUARE, OBLONG = (0.72, 0.72), (0.5, 0.25)
LABELS = (np.arange(64 * 96).reshape(64, 96) // 200 + 1).astype(np.int32)


@pytest.fixture(autouse=True)
def _plugins() -> None:
    PluginManager.instance().discover()


def looks(size: PixelSize | None) -> dict[str, Any]:
    return {} if size is None else {"scale": size, "units": ("nm", "nm")}


def grains(labels: np.ndarray) -> Grains:
    return Grains(labels, np.zeros(labels.max(), bool))


EXPORTS: dict[str, Callable[[Path, PixelSize | None], None]] = {
    "labels": lambda path, size: export.write_labels(path, grains(LABELS), pixel_size=size),
    "many labels": lambda path, size: export.write_labels(
        path, grains(np.arange(300 * 300, dtype=np.int32).reshape(300, 300)), pixel_size=size
    ),
    "boundaries": lambda path, size: export.write_boundaries(
        path, Boundaries(lattice(), LABELS), pixel_size=size
    ),
    "iterates": lambda path, size: export.write_iterates(
        path, [Iterate(k, lattice() * np.uint8(255)) for k in range(3)], pixel_size=size
    ),
    **{
        f"image of {dtype}": lambda path, size, dtype=dtype: save(
            Image(drawing().astype(dtype), **looks(size)), path
        )
        for dtype in ("uint8", "uint16", "float32")
    },
    "labels layer": lambda path, size: save(Labels(LABELS, **looks(size)), path),
    "colours": lambda path, size: save(Image(np.stack([drawing()] * 3, -1), rgb=True, **looks(size)), path),
}


@pytest.mark.parametrize("name", ["film.tif", "film.ome.tif"])
def test_a_layer_of_grains_keeps_what_is_left_out(tmp_path: Path, name: str) -> None:
    labels = LABELS.copy()
    labels[40:60, 10:50] = 0
    labels[50, 20] = 7  # painted by the user
    about = {"temgrains": {"role": "grains", "image": "x", "excluded": [[40, 10, 60, 50]]}}
    layer = Labels(labels, **looks(SQUARE), metadata=about)
    save(layer, tmp_path / name)
    found = read_labels(tmp_path / name)
    expected = np.zeros(labels.shape, bool)
    expected[40:60, 10:50] = True
    expected[50, 20] = False
    assert found.grains.excluded is not None
    np.testing.assert_array_equal(found.grains.excluded, expected)
    assert save_layers(str(tmp_path / "film.csv"), [layer], plugin="temgrains")
    assert "by what is left out" in (tmp_path / "film.csv").read_text(encoding="utf-8")


def save(layer: Any, path: Path) -> None:
    assert save_layers(str(path), [layer], plugin="temgrains") == [str(path)]


@pytest.mark.parametrize("size", [SQUARE, OBLONG, (1500.0, 2000.0), (0.0123, 0.0123), None])
@pytest.mark.parametrize("what", EXPORTS)
def test_imagej_finds_the_pixel_size(what: str, size: PixelSize | None, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    EXPORTS[what](path, size)
    with tifffile.TiffFile(path) as tif:
        description, tags = tif.pages[0].description, tif.pages[0].tags
        assert description.startswith("ImageJ=")
        lines = dict(line.split("=", 1) for line in description.splitlines() if "=" in line)
        per_px = [tags.valueof(name) for name in ("YResolution", "XResolution")]
        unit = tags.valueof("ResolutionUnit")
    if size is None:
        assert "unit" not in lines
        assert per_px in ([(1, 1), (1, 1)], [None, None])
    else:
        # ImageJ takes the unit of its own description; an inch or cm beside it would confuse others.
        assert lines["unit"] == "nm"
        assert [down / up for up, down in per_px] == pytest.approx(size, rel=1e-6)
        assert unit == 1
    found = read(path) if what not in ("boundaries", "iterates") else None
    assert found is None or found.pixel_size == (size and pytest.approx(size, rel=1e-6))


OME: dict[str, Callable[[PixelSize | None], Any]] = {
    "image": lambda size: Image(drawing(), **looks(size)),
    "float image": lambda size: Image(drawing().astype(np.float32), **looks(size)),
    "colours": lambda size: Image(np.stack([drawing()] * 3, -1), rgb=True, **looks(size)),
    "labels": lambda size: Labels(LABELS, **looks(size)),
    "wide labels": lambda size: Labels(LABELS.astype(np.int64) + 70_000, **looks(size)),
    "boundaries": lambda size: Labels(
        lattice().astype(np.uint8), metadata={"temgrains": {"role": "boundaries"}}, **looks(size)
    ),
}


@pytest.mark.parametrize("size", [SQUARE, OBLONG, None])
@pytest.mark.parametrize("what", OME)
def test_ome_tools_find_the_pixel_size(what: str, size: PixelSize | None, tmp_path: Path) -> None:
    path, layer = tmp_path / "a.ome.tif", OME[what](size)
    save(layer, path)
    with tifffile.TiffFile(path) as tif:
        assert tif.is_ome
        pixels = re.search(r"<Pixels\b[^>]*>", tif.ome_metadata or "")
        written = tif.series[0].asarray()
    said = dict(re.findall(r'(\w+)="([^"]*)"', pixels[0] if pixels else ""))
    if size is None:
        assert not any(name.startswith("PhysicalSize") for name in said)
    else:
        assert [float(said[f"PhysicalSize{axis}"]) for axis in "YX"] == pytest.approx(size)
        assert [said[f"PhysicalSize{axis}Unit"] for axis in "YX"] == ["nm", "nm"]
    expected = layer.data * np.uint8(255) if what == "boundaries" else layer.data
    np.testing.assert_array_equal(written, expected)
    if what != "boundaries":
        found = read(path)
        assert found.pixel_size == (size and pytest.approx(size))
        assert found.calibration == ("OME metadata" if size else "unknown")


def test_stack_is_ome_too(tmp_path: Path) -> None:
    stack = np.stack([lattice() * np.uint8(k) for k in (1, 2, 3)])
    meta = {
        "metadata": {"temgrains": {"role": "refinement"}},
        "scale": (1, *OBLONG),
        "units": ("pixel", "nm", "nm"),
    }
    writers.write_labels(str(tmp_path / "a.ome.tif"), stack, meta)
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as tif:
        assert tif.series[0].axes == "TYX"
        assert 'PhysicalSizeY="0.5"' in tif.ome_metadata
        np.testing.assert_array_equal(tif.asarray(), (stack == 1) * np.uint8(255))


def test_negative_labels_stay(tmp_path: Path) -> None:
    labels = np.array([[-3, 5]] * 20)
    writers.write_labels(str(tmp_path / "a.ome.tif"), labels, {})
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.ome.tif"), labels)


def test_kinds_that_imagej_does_not_know_have_their_resolution_per_cm(tmp_path: Path) -> None:
    pixels = drawing().astype(np.int32)
    writers.write_image(str(tmp_path / "a.tif"), pixels, looks(OBLONG))
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        tags = tif.pages[0].tags
        assert tags.valueof("ResolutionUnit") == 3
        per_cm = [tags.valueof(name) for name in ("YResolution", "XResolution")]
        assert [1e7 * down / up for up, down in per_cm] == pytest.approx(OBLONG)
    assert read(tmp_path / "a.tif").pixel_size == pytest.approx(OBLONG)


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_beyond_4_gb_it_is_bigtiff(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writers, "IMAGEJ_BYTES", 1000)
    writers.write_image(str(tmp_path / name), drawing(), looks(OBLONG))
    with tifffile.TiffFile(tmp_path / name) as tif:
        assert tif.is_bigtiff
    assert read(tmp_path / name).pixel_size == pytest.approx(OBLONG)
