"""Every file is read back with a program that would read it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image, ImageSequence

from analysed import made
from temgrains import export
from temgrains.boundaries import close
from temgrains.records import (
    Boundaries,
    Cancelled,
    Grains,
    Iterate,
    Micrograph,
)
from temgrains.sizes import measure
from temgrains.sizes.table import EMPTY

ENDINGS = [
    "overlay.png",
    "boundaries.tif",
    "labels.tif",
    "iterates.tif",
    "iterates.gif",
    "grains.csv",
    "json",
]


@pytest.fixture
def analysis():
    return made()


def calibration(path):
    """Pixel height and width and their unit, by the tags that ImageJ reads."""
    with tifffile.TiffFile(path) as file:
        tags = file.pages[0].tags
        height, width = (tags[name].value[1] / tags[name].value[0] for name in ("YResolution", "XResolution"))
        assert file.is_imagej
        return pytest.approx((height, width), rel=1e-6), file.imagej_metadata.get("unit")


def test_all_files_are_written_and_nothing_else(analysis, tmp_path):
    paths = export.write(analysis, tmp_path, "film 03.a")
    assert [path.name for path in paths] == [f"film 03.a.{ending}" for ending in ENDINGS]
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_same_analysis_same_bytes(analysis, tmp_path):
    first, second = (export.write(analysis, tmp_path, stem) for stem in ("a", "b"))
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_files_of_an_earlier_run_are_replaced(tmp_path):
    export.write(made(seed=1), tmp_path, "a")
    export.write(made(seed=2), tmp_path, "a")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.labels.tif"), made(seed=2).grains.labels)


def test_progress_is_told_and_can_stop(analysis, tmp_path):
    told = []
    export.write(analysis, tmp_path, "a", progress=lambda *step: told.append(step))
    assert told == [("export", done, 7) for done in range(8)]

    def stop(stage, done, total):
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        export.write(analysis, tmp_path, "b", progress=stop)
    assert sorted(path.name for path in tmp_path.glob("b*")) == ["b.boundaries.tif", "b.overlay.png"]


def test_overlay_is_the_micrograph_with_red_lines(analysis, tmp_path):
    export.write_overlay(tmp_path / "o.png", analysis.micrograph, analysis.boundaries)
    with Image.open(tmp_path / "o.png") as image:
        assert image.mode == "RGB"
        pixels = np.asarray(image)
    mask = analysis.boundaries.mask
    assert pixels.shape == (*mask.shape, 3)
    np.testing.assert_array_equal((pixels == (255, 0, 0)).all(axis=-1), mask)
    grey = pixels[~mask]
    assert (grey == grey[:, :1]).all()
    # The order of the greys is that of the micrograph.
    order = np.argsort(analysis.micrograph.pixels[~mask])
    assert (np.diff(grey[order, 0].astype(int)) >= 0).all()
    assert (grey.min(), grey.max()) == (0, 255)


def test_lines_of_a_large_overlay_are_wide_enough_to_be_seen(tmp_path):
    mask = np.zeros((20, 3000), bool)
    mask[:, 1500] = True
    export.write_overlay(
        tmp_path / "o.png",
        Micrograph(np.zeros(mask.shape, np.float32)),
        Boundaries(mask, (~mask).astype(np.int32)),
    )
    with Image.open(tmp_path / "o.png") as image:
        red = (np.asarray(image) == (255, 0, 0)).all(axis=-1)
    np.testing.assert_array_equal(np.flatnonzero(red[10]), np.arange(1498, 1503))


@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0])
def test_overlay_of_a_flat_micrograph(analysis, tmp_path, grey):
    flat = Micrograph(np.full(analysis.micrograph.shape, grey, np.float32))
    export.write_overlay(tmp_path / "o.png", flat, analysis.boundaries)
    with Image.open(tmp_path / "o.png") as image:
        assert (np.asarray(image)[~analysis.boundaries.mask] == int(255 * grey)).all()


def test_one_hot_pixel_does_not_darken_the_overlay(tmp_path):
    pixels = np.random.default_rng(0).random((80, 80), np.float32) * 0.01
    pixels[40, 40] = 1
    export.write_overlay(tmp_path / "o.png", Micrograph(pixels), close(np.zeros((80, 80), np.uint8)))
    with Image.open(tmp_path / "o.png") as image:
        assert np.asarray(image).mean() > 100


def test_overlay_of_another_image_is_refused(analysis, tmp_path):
    with pytest.raises(ValueError, match=r"boundaries have shape \(40, 60\), the micrograph \(40, 61\)"):
        export.write_overlay(
            tmp_path / "o.png", Micrograph(np.zeros((40, 61), np.float32)), analysis.boundaries
        )


@pytest.mark.parametrize("pixel_size", [(0.72, 0.72), (2.0, 0.5), (0.0123, 0.0457), (1234.5, 999.0)])
def test_boundaries_and_labels_keep_the_pixel_size(tmp_path, pixel_size):
    analysis = made(pixel_size=pixel_size)
    export.write(analysis, tmp_path, "a")
    for name in ("boundaries", "labels", "iterates"):
        assert calibration(tmp_path / f"a.{name}.tif") == (pixel_size, "nm")


def test_unknown_pixel_size_claims_no_unit(tmp_path):
    export.write(made(pixel_size=None), tmp_path, "a")
    for name in ("boundaries", "labels", "iterates"):
        assert calibration(tmp_path / f"a.{name}.tif") == ((1, 1), None)


def test_boundaries_are_0_and_255(analysis, tmp_path):
    export.write_boundaries(tmp_path / "b.tif", analysis.boundaries)
    pixels = tifffile.imread(tmp_path / "b.tif")
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, analysis.boundaries.mask * 255)


@pytest.mark.parametrize(("highest", "kind"), [(1, np.uint16), (65535, np.uint16), (65536, np.uint32)])
def test_labels_never_wrap(tmp_path, highest, kind):
    labels = np.array([[0, 1], [highest - 1, highest]], np.int32)
    grains = Grains(labels, np.ones(highest, bool))
    export.write_labels(tmp_path / "l.tif", grains, pixel_size=(2.0, 0.5))
    pixels = tifffile.imread(tmp_path / "l.tif")
    assert pixels.dtype == kind
    np.testing.assert_array_equal(pixels, labels)
    assert calibration(tmp_path / "l.tif") == ((2.0, 0.5), "nm")


def test_iterates_are_a_named_stack_of_frames(analysis, tmp_path):
    export.write_iterates(tmp_path / "i.tif", analysis.iterates, pixel_size=(0.72, 0.72))
    with tifffile.TiffFile(tmp_path / "i.tif") as file:
        assert file.series[0].axes == "TYX"
        assert file.imagej_metadata["frames"] == 3
        assert file.imagej_metadata["Labels"] == ["guess", "iteration 1", "iteration 2"]
        pixels = file.asarray()
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, [iterate.state for iterate in analysis.iterates])


def test_guess_alone_is_a_stack_of_one(tmp_path):
    analysis = made(passes=1)
    export.write(analysis, tmp_path, "a")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.iterates.tif"), analysis.iterates[0].state)
    with Image.open(tmp_path / "a.iterates.gif") as image:
        assert image.n_frames == 1


@pytest.mark.parametrize("pixel_size", [None, (2.0, 0.5)])
def test_beyond_what_imagej_holds_it_is_bigtiff(analysis, tmp_path, monkeypatch, pixel_size):
    monkeypatch.setattr(export, "_IMAGEJ_BYTES", 100)
    export.write_iterates(tmp_path / "i.tif", analysis.iterates, pixel_size=pixel_size)
    export.write_boundaries(tmp_path / "b.tif", analysis.boundaries, pixel_size=pixel_size)
    with tifffile.TiffFile(tmp_path / "i.tif") as file:
        assert file.is_bigtiff
        assert file.series[0].axes == "TYX"
        np.testing.assert_array_equal(file.asarray(), [iterate.state for iterate in analysis.iterates])
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif") > 0, analysis.boundaries.mask)
    for name in ("i.tif", "b.tif"):
        assert calibration(tmp_path / name) == ((pixel_size or (1, 1)), pixel_size and "nm")


def test_iterates_at_a_working_scale_keep_the_size_of_the_field(tmp_path):
    analysis = made((40, 60), pixel_size=(0.5, 1.0))
    halved = tuple(replace(i, state=i.state[::2, ::3]) for i in analysis.iterates)
    export.write(replace(analysis, iterates=halved), tmp_path, "a")
    assert calibration(tmp_path / "a.iterates.tif") == ((1.0, 3.0), "nm")
    assert calibration(tmp_path / "a.boundaries.tif") == ((0.5, 1.0), "nm")
    with Image.open(tmp_path / "a.iterates.gif") as image:
        assert image.size == (60, 40)


def test_animation_shows_the_state_in_red_and_holds_the_last(analysis, tmp_path):
    export.write_gif(tmp_path / "i.gif", analysis.micrograph, analysis.iterates)
    with Image.open(tmp_path / "i.gif") as image:
        assert image.info["loop"] == 0
        frames = [np.asarray(frame.convert("RGB")).astype(int) for frame in ImageSequence.Iterator(image)]
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
    assert len(frames) == 3
    assert durations == [150, 150, 2500]
    for frame, iterate in zip(frames, analysis.iterates, strict=True):
        redness = frame[..., 0] - frame[..., 1]
        assert (redness[iterate.state == 0] == 0).all()
        assert (redness[iterate.state >= 32] > 20).all()
    assert frames[2][analysis.boundaries.mask][:, 1].mean() < frames[0][analysis.boundaries.mask][:, 1].mean()


@pytest.mark.parametrize(
    ("shape", "size"), [((40, 1500), (1024, 27)), ((1500, 40), (27, 1024)), ((1, 3000), (1024, 1))]
)
def test_animation_of_a_large_image_is_reduced(tmp_path, shape, size):
    state = np.zeros(shape, np.uint8)
    export.write_gif(tmp_path / "i.gif", Micrograph(np.zeros(shape, np.float32)), [Iterate(0, state)])
    with Image.open(tmp_path / "i.gif") as image:
        assert image.size == size


def test_no_iterate_is_refused(analysis, tmp_path):
    with pytest.raises(ValueError, match="there is no iterate to write; give at least the guess"):
        export.write_iterates(tmp_path / "i.tif", [])
    with pytest.raises(ValueError, match="there is no iterate to show; give at least the guess"):
        export.write_gif(tmp_path / "i.gif", analysis.micrograph, [])


def test_table_is_read_back(analysis, tmp_path):
    export.write_grains(tmp_path / "g.csv", analysis.sizes)
    table = pd.read_csv(tmp_path / "g.csv", encoding="utf-8")
    table["remark"] = table["remark"].fillna("")
    analysis.sizes.table["remark"] = analysis.sizes.table["remark"].astype(str)
    pd.testing.assert_frame_equal(table, analysis.sizes.table, rtol=1e-9)
    header = (tmp_path / "g.csv").read_bytes().splitlines()[0].decode("ascii")
    assert header == ",".join(analysis.sizes.table.columns)
    assert header.startswith("grain,area_px2,ecd_px,")
    assert header.endswith(
        ",area_nm2,ecd_nm,perimeter_nm,feret_max_nm,feret_min_nm,major_axis_nm,minor_axis_nm,row_nm,column_nm,remark"
    )


def test_undefined_sizes_are_empty_and_no_grain_is_a_header(tmp_path):
    export.write_grains(tmp_path / "g.csv", measure(Grains(np.array([[1, 1]], np.int32), np.zeros(2, bool))))
    assert (tmp_path / "g.csv").read_text().splitlines()[2] == f"2,0,0,,,,,,,,,,,,0,False,{EMPTY}"
    export.write_grains(tmp_path / "g.csv", measure(Grains(np.zeros((3, 3), np.int32), np.zeros(0, bool))))
    header = (tmp_path / "g.csv").read_text()
    assert header.startswith("grain,area_px2,ecd_px,")
    assert header.endswith(",neighbours,on_border,remark\n")


def test_provenance_is_strict_json(analysis, tmp_path):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    export.write_json(tmp_path / "a.json", analysis)
    content = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert content["source"] == "Körner_µ.tif"
    assert content["change"] == [0.1, None, None]
    assert content["shape"] == [40, 60]
    assert content["seconds"] == {"guess": 0.5}
    assert content["model"]["name"] == str(Path("models") / "paper")
    assert content["counts"] == {
        "grains": analysis.grains.count,
        "grains_on_border": int(analysis.grains.on_border.sum()),
        "boundary_length_px": analysis.sizes.boundary_length_px,
        "boundary_length_nm": analysis.sizes.boundary_length_nm,
        "boundary_length_is": "from pixel to pixel along the lines; straightened lines are shorter",
        "pruned_px": analysis.boundaries.pruned_px,
        "completed_px": analysis.boundaries.completed_px,
        "iterations": 2,
    }
