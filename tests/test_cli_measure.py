"""``temgrains measure``: what it writes, reads and refuses."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image
from scipy import ndimage
from typer.testing import CliRunner

from temgrains import export, reports
from temgrains.cli import app
from temgrains.grains import label
from temgrains.micrograph import UnreadableImage
from temgrains.records import Boundaries, Grains
from temgrains.sizes import measure
from temgrains.sizes.partition import partition
from temgrains.sizes.table import CUT, CUT_OR_EXCLUDED
from temgrains.statistics.astm import EXTRAPOLATED
from temgrains.statistics.labels import Labelled, labelled, read_boundaries, read_labels
from temgrains.statistics.pooling import pool
from temgrains.statistics.report import describe
from temgrains.synthesis import paper_recipe, synthesise
from tessellations import random_cells, with_lines


def invoke(*arguments):
    return CliRunner().invoke(app, ["measure", *map(str, arguments)], prog_name="temgrains")


def saved(path, seed=1, pixel_size=(2.0, 2.0)):
    grains = with_lines(random_cells((120, 140), 14, seed))
    export.write_labels(path, grains, pixel_size=pixel_size)
    return grains


def strict(path):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_a_map_is_measured_with_the_scale_of_its_file(tmp_path):
    grains = saved(tmp_path / "film.labels.tif")
    done = invoke(tmp_path / "film.labels.tif", "--out", tmp_path / "new" / "out")
    assert done.exit_code == 0, done.output
    assert "whole; root of mean area" in done.stdout
    assert "extrapolated" in done.stdout
    names = {path.name for path in (tmp_path / "new" / "out").iterdir()}
    assert names == {"film.sizes.csv", "film.sizes.json", "methods.csv", "pooled.json"}
    table = pd.read_csv(tmp_path / "new" / "out" / "film.sizes.csv", keep_default_na=False, na_values=[""])
    expected = measure(grains, pixel_size=(2.0, 2.0)).table
    expected_length = measure(grains, pixel_size=(2.0, 2.0)).boundary_length_nm
    np.testing.assert_allclose(table["ecd_nm"], expected["ecd_nm"], rtol=1e-9)
    assert (table["remark"] == CUT).tolist() == grains.on_border.tolist()
    content = strict(tmp_path / "new" / "out" / "film.sizes.json")
    assert content["grains"] == grains.count
    assert content["pixel_size_nm"] == [2, 2]
    assert content["share_of_image_in_grains"] == 1
    found = {entry["method"]: entry for entry in content["methods"]}
    assert len(found) == 11
    assert found["planimetric, Saltykov rectangle"]["size"] == pytest.approx(28, rel=0.15)
    assert content["distribution"]["lognormal"]["count"] == content["grains_whole"]
    assert 0 < content["distribution"]["lognormal"]["p"] <= 1
    assert content["network"]["triple_points"] > 100
    assert "straightened" in content["network"]["length_is"]
    assert content["network"]["length_nm"] < expected_length
    summary = content["distribution"]["summary"]
    assert summary["percentiles_are"] == [10, 50, 90]
    assert summary["percentiles"] == sorted(summary["percentiles"])


def test_what_run_knew_of_the_scale_is_told_with_the_sizes(tmp_path):
    saved(tmp_path / "film.labels.tif", pixel_size=(0.7243, 0.7243))
    (tmp_path / "film.json").write_text('{"pixel_size_nm": [0.7243, 0.7243], "calibration": "scale bar"}')
    assert invoke(tmp_path / "film.labels.tif", "--out", tmp_path).exit_code == 0
    content = strict(tmp_path / "film.sizes.json")
    assert (content["pixel_size_nm"], content["calibration"]) == ([0.7243, 0.7243], "scale bar")


def test_a_folder_is_pooled(tmp_path):
    for seed in range(3):
        saved(tmp_path / f"{seed}.labels.tif", seed)
    Image.new("L", (9, 9)).save(tmp_path / "overlay.png")
    done = invoke(tmp_path, "--out", tmp_path / "out", "--nm-per-px", "0.5")
    assert done.exit_code == 0, done.output
    rows = pd.read_csv(tmp_path / "out" / "methods.csv")
    assert rows.groupby("image").size().tolist() == [11, 11, 11]
    lines = rows[rows["method"] == "intercepts, lines (Heyn)"]
    entry = strict(tmp_path / "out" / "pooled.json")["methods"][1]
    assert entry["fields"] == 3
    assert entry["mean"] == pytest.approx(lines["size"].mean())
    half = 4.302653 * lines["size"].std() / math.sqrt(3)
    assert entry["half_width_95"] == pytest.approx(half, rel=1e-6)
    assert entry["g_low"] < entry["g"] < entry["g_high"]
    assert entry["notes"] == [EXTRAPOLATED, "5 fields or more are asked for"]
    pooled = strict(tmp_path / "out" / "pooled.json")["distribution"]
    fields = [strict(tmp_path / "out" / f"{k}.sizes.json")["distribution"] for k in range(3)]
    means = [one["summary"]["mean"] for one in fields]
    assert pooled["mean_ecd_of_each"] == means
    assert pooled["mean"] == pytest.approx(np.mean(means))
    assert pooled["half_width_95"] == pytest.approx(4.302653 * np.std(means, ddof=1) / math.sqrt(3), rel=1e-6)
    assert pooled["all_grains"]["summary"]["count"] == sum(one["summary"]["count"] for one in fields)
    assert min(means) < pooled["all_grains"]["summary"]["mean"] < max(means)
    assert 0 < pooled["all_grains"]["lognormal"]["p"] <= 1


def test_a_folder_has_a_report_of_all_its_images(tmp_path):
    for seed in range(2):
        saved(tmp_path / f"{seed}.labels.tif", seed)
    done = invoke(tmp_path, "--out", tmp_path / "out", "--nm-per-px", "0.5", "--formats", "html")
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "out").glob("*.html")} == {
        "0.report.html",
        "1.report.html",
        "pooled.html",
    }
    mean = strict(tmp_path / "out" / "pooled.json")["distribution"]["mean"]
    text = (tmp_path / "out" / "pooled.html").read_text(encoding="utf-8")
    assert f"averaged over the images, was {mean:#.4g} nm" in text


def test_the_same_again_is_the_same_bytes(tmp_path):
    saved(tmp_path / "film.tif")
    for out in ("a", "b"):
        assert invoke(tmp_path / "film.tif", "--out", tmp_path / out, "--seed", 3).exit_code == 0
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_map_that_fails_does_not_stop_the_others(tmp_path):
    saved(tmp_path / "good.labels.tif")
    (tmp_path / "bad.labels.tif").write_bytes(b"II*\0broken")
    done = invoke(tmp_path, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "bad.labels.tif" in done.stderr
    assert "1 of 2 maps failed" in done.stderr
    assert "Traceback" not in done.output
    assert (tmp_path / "out" / "good.sizes.json").exists()


def with_a_scale_bar(seed=1):
    """Grains with a corner left out, as an analysis leaves them beside a scale bar."""
    grains = with_lines(random_cells((120, 140), 14, seed))
    excluded = np.zeros(grains.labels.shape, bool)
    excluded[95:115, 4:50] = True
    labels = np.where(excluded, 0, grains.labels)
    _, dense = np.unique(labels, return_inverse=True)
    dense = dense.reshape(labels.shape).astype(np.int32)
    return label(Boundaries((dense == 0) & ~excluded, dense, excluded=excluded))


@pytest.mark.parametrize("bits", [16, 32])
def test_a_map_knows_what_of_its_image_was_left_out(tmp_path, bits, monkeypatch):
    if bits == 32:
        monkeypatch.setattr(export, "_IMAGEJ_BYTES", 0)
    grains = with_a_scale_bar()
    export.write_labels(tmp_path / "film.labels.tif", grains, pixel_size=(2.0, 2.0))
    done = invoke(tmp_path / "film.labels.tif", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert "note: 5.48 % of the image is left out; grains that it cuts count as cut" in done.stderr
    assert "thick lines" not in done.stderr
    table = pd.read_csv(tmp_path / "film.sizes.csv", keep_default_na=False, na_values=[""])
    expected = measure(grains, pixel_size=(2.0, 2.0)).table
    assert table["remark"].fillna("").tolist() == expected["remark"].tolist()
    assert (table["remark"] == CUT_OR_EXCLUDED).tolist() == grains.on_border.tolist()
    content = strict(tmp_path / "film.sizes.json")
    known = describe(Labelled.of(grains, pixel_size=(2.0, 2.0))).content
    for name in ("methods", "distribution", "network", "share_of_image_in_grains"):
        assert content[name] == known[name], name
    assert content["share_of_image_excluded"] == pytest.approx(20 * 46 / (120 * 140))
    assert content["share_of_image_in_grains"] == pytest.approx(1 - 20 * 46 / (120 * 140))


@pytest.mark.parametrize("excluded", ["0,0,20,20", "118,0,500,2", "200,200,210,210"])
def test_a_description_that_does_not_fit_the_map_is_not_believed(tmp_path, excluded):
    labels = np.ones((120, 140), np.uint16)
    labels[118:, :2] = 0
    tifffile.imwrite(tmp_path / "a.tif", labels, description=f"excluded={excluded}", metadata=None)
    found = read_labels(tmp_path / "a.tif")
    assert found.grains.excluded is None
    assert "what its description says is left out does not fit its labels and was not used" in found.notes


def test_without_a_scale_sizes_are_in_px_and_g_is_undefined(tmp_path):
    saved(tmp_path / "film.tif", pixel_size=None)
    done = invoke(tmp_path / "film.tif", "--out", tmp_path)
    assert " px; " in done.stdout
    assert "G is undefined: the size of a pixel is not known" in done.stdout
    content = strict(tmp_path / "film.sizes.json")
    assert all(entry["g"] is None for entry in content["methods"])
    assert "largest" not in content["distribution"]


def test_hidden_files_of_a_folder_are_no_maps(tmp_path):
    saved(tmp_path / "a.tif")
    for name in ("._a.tif", ".temgrains-0011223344556677-1-89abcdef.png", ".temgrains-0011-1-89ab.temgrains"):
        (tmp_path / name).write_bytes(b"begun")
    done = invoke(tmp_path, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert strict(tmp_path / "out" / "pooled.json")["images"] == ["a"]
    (tmp_path / "a.tif").unlink()
    done = invoke(tmp_path, "--out", tmp_path / "out")
    assert "holds no PNG or TIFF image" in " ".join(done.stderr.split())


def test_images_with_and_without_scale_are_not_pooled(tmp_path):
    saved(tmp_path / "a.tif")
    saved(tmp_path / "b.tif", pixel_size=None)
    done = invoke(tmp_path, "--out", tmp_path / "out")
    assert done.exit_code == 1
    said = " ".join(done.stderr.split())
    assert "1 of 2 images (b) have no pixel size, so that their sizes cannot be pooled" in said
    assert (tmp_path / "out" / "methods.csv").is_file()
    assert not (tmp_path / "out" / "pooled.json").exists()


@pytest.mark.parametrize(
    "labels",
    [np.zeros((9, 9)), np.ones((9, 9)), np.arange(12).reshape(3, 4)],
    ids=["no grain", "one grain", "all at the border"],
)
def test_little_to_measure_is_defined(labels, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", labels.astype(np.uint16))
    done = invoke(tmp_path / "a.tif", "--out", tmp_path, "--nm-per-px", 1)
    assert done.exit_code == 0, done.output
    assert strict(tmp_path / "a.sizes.json")["grains"] == len(np.unique(labels[labels > 0]))


def test_numbers_of_the_file_are_kept(tmp_path):
    labels = np.array([[7, 7, 0, 900000], [7, 7, 0, 900000]], np.uint32)
    tifffile.imwrite(tmp_path / "a.tif", labels)
    found = read_labels(tmp_path / "a.tif", pixel_size=2)
    assert found.numbers.tolist() == [7, 900000]
    assert found.grains.labels.tolist() == [[1, 1, 0, 2]] * 2
    assert found.pixel_size == (2, 2)
    assert found.calibration == "typed"
    assert invoke(tmp_path / "a.tif", "--out", tmp_path).exit_code == 0
    assert pd.read_csv(tmp_path / "a.sizes.csv")["grain"].tolist() == [7, 900000]


def test_png_without_boundaries_is_read(tmp_path):
    Image.fromarray(np.array([[1, 2], [3, 4]], np.uint8)).save(tmp_path / "a.png")
    assert read_labels(tmp_path / "a.png").grains.labels.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.zeros((4, 4, 3), np.uint8), "labels are one grey image"),
        (np.full((4, 4), 0.5, np.float32), "its pixels are not whole numbers; give a map of labels"),
        (np.full((4, 4), -3, np.int16), "it holds the label -3; labels are 0 or above"),
        (np.eye(4, dtype=np.uint8) * 255, "it holds only 0 and 255: a map of boundaries"),
    ],
)
def test_what_are_no_labels_is_refused(pixels, reason, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb" if pixels.ndim == 3 else "minisblack")
    with pytest.raises(UnreadableImage, match=reason):
        read_labels(tmp_path / "a.tif")


def lines_of(seed=0, shape=(90, 110), cells=12):
    """A closed map of lines one pixel wide, and its regions."""
    labels = random_cells(shape, cells, seed).labels
    lines = np.zeros(shape, bool)
    lines[:-1] |= labels[:-1] != labels[1:]
    lines[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    return lines, ndimage.label(~lines)[0]


def written_in_every_way(folder):
    lines, _ = lines_of()
    grey = lines.astype(np.uint8)
    Image.fromarray(lines).save(folder / "bit.png")
    Image.fromarray(~lines).save(folder / "dark.png")
    Image.fromarray(np.repeat(255 * grey[..., None], 3, axis=-1)).save(folder / "colour.png")
    Image.fromarray(lines).save(folder / "fax.tif", compression="group4")
    tifffile.imwrite(folder / "bit.tif", lines)
    tifffile.imwrite(folder / "small.tif", 1 - grey)
    tifffile.imwrite(folder / "film.boundaries.tif", 255 * grey)
    return sorted(folder.iterdir())


def test_maps_of_boundaries_are_measured_where_they_are_called_so(tmp_path):
    _, regions = lines_of()
    for path in written_in_every_way(tmp_path):
        found = read_boundaries(path, pixel_size=0.5)
        assert np.array_equal(found.grains.labels, regions), path
        assert found.map_of == "boundaries, whose 4-connected regions are the grains"
        assert found.notes == ()
        if path.name != "colour.png":
            with pytest.raises(UnreadableImage, match=r"a map of boundaries; give .* with --boundaries$"):
                read_labels(path)


def test_a_map_of_boundaries_gives_the_sizes_of_its_labels(tmp_path):
    lines, regions = lines_of()
    (tmp_path / "film.json").write_text(json.dumps({"pixel_size_nm": [0.5, 0.5], "calibration": "DM4"}))
    size = {"resolution": (2e7, 2e7), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "film.boundaries.tif", 255 * lines.astype(np.uint8), **size)
    tifffile.imwrite(tmp_path / "film.labels.tif", regions.astype(np.uint16), **size)
    for name, options in (("labels", ()), ("boundaries", ("--boundaries",))):
        done = invoke(tmp_path, "--out", tmp_path / name, "--formats", "json,csv,html", *options)
        assert done.exit_code == 0, done.output
        assert f"film.{name}.tif: " in done.stdout
    a, b = (strict(tmp_path / name / "film.sizes.json") for name in ("labels", "boundaries"))
    assert (a.pop("map_of"), b.pop("map_of")) == (
        "grains",
        "boundaries, whose 4-connected regions are the grains",
    )
    assert a.pop("source") != b.pop("source")
    assert a == b
    assert b["calibration"] == "DM4"
    report = (tmp_path / "boundaries" / "film.report.html").read_text(encoding="utf-8")
    assert "boundaries, whose 4-connected regions are the grains" in report


def test_the_paragraph_says_that_boundaries_were_measured(tmp_path):
    path = written_in_every_way(tmp_path)[0]
    text = reports.paragraph(describe(read_boundaries(path)), reports.Context())
    assert "on a map of boundaries, whose 4-connected regions are the grains, with temgrains" in text


def test_open_lines_are_said(tmp_path):
    lines, _ = lines_of()
    lines[::9] = False
    Image.fromarray(lines).save(tmp_path / "a.png")
    done = invoke(tmp_path / "a.png", "--out", tmp_path / "out", "--boundaries")
    assert done.exit_code == 0
    assert re.search(r"note: \d+ % of the length of its lines separates nothing", done.stderr)


def test_open_lines_that_close_one_loop_are_measured(tmp_path):
    lines = np.zeros((60, 60), np.uint8)
    lines[20:41, [20, 40]] = lines[[20, 40], 20:41] = 1
    lines[:, 5] = 1
    lines[30, 5] = 0
    Image.fromarray(lines).save(tmp_path / "a.png")
    found = read_boundaries(tmp_path / "a.png")
    assert found.grains.count == 2
    lines[20, 25] = 0
    Image.fromarray(lines).save(tmp_path / "a.png")
    found = read_boundaries(tmp_path / "a.png")
    assert found.grains.count == 1
    assert found.notes == (
        "100 % of the length of its lines separates nothing: grains that an open line does not part count as "
        "one; close the lines first",
    )


@pytest.mark.parametrize("width", [3, 5, 7])
def test_thick_lines_are_thinned_to_their_middle(width, tmp_path):
    lines, regions = lines_of(shape=(400, 500), cells=60)
    thick = ndimage.binary_dilation(lines, np.ones((width, width), bool))
    Image.fromarray(thick).save(tmp_path / "a.png")
    found = read_boundaries(tmp_path / "a.png", pixel_size=1.0)
    assert re.fullmatch(r"its lines, about \d px wide, were thinned to their middle", found.notes[0])
    assert partition(found.grains.labels).all()
    # A line that runs through the middle of the thick one is at most half its width from where it was.
    far = ndimage.distance_transform_edt(~lines) > width / 2 + 1
    assert not (far & (found.grains.labels == 0)).any()
    thin, thicker = (describe(one).methods[1] for one in (labelled(regions, pixel_size=(1, 1)), found))
    assert thin.method == thicker.method
    assert thicker.size == pytest.approx(thin.size, rel=0.1)


def test_pores_between_thick_lines_stay_pores(tmp_path):
    lines = np.zeros((120, 120), bool)
    for place in (20, 60, 100):
        lines[place - 1 : place + 2] = lines[:, place - 1 : place + 2] = True
    rows, columns = np.indices(lines.shape)
    pore = np.hypot(rows - 60, columns - 60) < 15
    Image.fromarray(lines | pore).save(tmp_path / "a.png")
    found = read_boundaries(tmp_path / "a.png")
    assert found.notes[0] == "its lines, about 3 px wide, were thinned to their middle"
    labels = found.grains.labels
    assert not labels[np.hypot(rows - 60, columns - 60) < 13].any()
    assert found.grains.count == 16
    assert labels[5, 19] == labels[5, 5]
    assert labels[5, 20] == 0
    assert labels[5, 21] == labels[5, 30]


@pytest.mark.parametrize(
    ("line", "ground"),
    [
        ((255, 0, 0), (255, 255, 255)),
        ((255, 0, 0), (0, 255, 255)),
        ((0, 0, 0, 255), (0, 0, 0, 0)),
        ((255, 255, 255, 255), (0, 0, 0, 0)),
    ],
)
def test_coloured_lines_are_told_from_the_ground(line, ground, tmp_path):
    lines, regions = lines_of()
    Image.fromarray(np.where(lines[..., None], line, ground).astype(np.uint8)).save(tmp_path / "a.png")
    assert np.array_equal(read_boundaries(tmp_path / "a.png").grains.labels, regions)


def test_lines_that_are_no_number_are_lines(tmp_path):
    lines, regions = lines_of()
    tifffile.imwrite(tmp_path / "a.tif", np.where(lines, np.nan, 1).astype(np.float32))
    assert np.array_equal(read_boundaries(tmp_path / "a.tif").grains.labels, regions)


def test_what_a_map_of_boundaries_leaves_out_is_no_grain(tmp_path):
    lines, _ = lines_of()
    lines[:20, :30] = False
    description = "temgrains excluded=0,0,20,30"
    tifffile.imwrite(tmp_path / "a.tif", 255 * lines.astype(np.uint8), description=description)
    found = read_boundaries(tmp_path / "a.tif")
    assert not found.grains.labels[:20, :30].any()
    assert found.grains.excluded[:20, :30].all()
    assert found.grains.excluded.sum() == 600


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.zeros((4, 4), np.uint8), "it holds one value, where a map of boundaries has two"),
        (
            np.arange(16, dtype=np.uint8).reshape(4, 4),
            "it holds 16 values, where a map of boundaries has two",
        ),
        (
            np.array([[[255, 0, 0], [0, 0, 255], [255, 255, 255]]], np.uint8),
            "it holds more than two colours, where a map of boundaries has two",
        ),
    ],
)
def test_what_is_no_map_of_boundaries_is_refused(pixels, reason, tmp_path):
    Image.fromarray(pixels).save(tmp_path / "a.png")
    with pytest.raises(UnreadableImage, match=reason):
        read_boundaries(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.temgrains")
    done = invoke(tmp_path / "a.temgrains", "--out", tmp_path / "out", "--boundaries")
    assert "is a project, which knows its grains; --boundaries is for maps" in " ".join(done.stderr.split())


def test_labels_that_no_table_holds_are_refused():
    with pytest.raises(ValueError, match=r"it holds the label 9.22337e\+18; labels are at most 9.22337e\+18"):
        labelled(np.full((3, 3), 2**63, np.uint64))
    assert labelled(np.full((3, 3), 2**63 - 1, np.uint64)).numbers.tolist() == [2**63 - 1]


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    saved(tmp_path / "film.tif")
    (tmp_path / "out").write_text("mine")
    done = invoke(tmp_path / "film.tif", "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "is a file; give a folder for the results" in " ".join(done.stderr.split())
    assert (tmp_path / "out").read_text() == "mine"


def test_complex_numbers_are_no_labels():
    with pytest.raises(ValueError, match="its pixels are complex128, no whole numbers"):
        labelled(np.ones((3, 3), complex))


def test_a_stack_is_no_map_of_labels(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((3, 8, 8), np.uint16), photometric="minisblack")
    with pytest.raises(UnreadableImage, match="it has several pages; labels are one image"):
        read_labels(tmp_path / "a.tif")


def test_a_number_in_pieces_is_said(tmp_path):
    labels = np.array([[5, 0, 5, 5], [0, 0, 0, 0], [7, 0, 8, 9], [0, 7, 0, 0]], np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", labels)
    done = invoke(tmp_path / "a.tif", "--out", tmp_path)
    assert "number 5 stands for several separate pieces, counted as one grain" in done.stderr
    assert strict(tmp_path / "a.sizes.json")["notes"] == list(read_labels(tmp_path / "a.tif").notes)
    assert labelled(labels[2:]).notes == (), "corners that touch hold a grain together"


def test_many_numbers_in_pieces_are_counted():
    labels = np.zeros((3, 14), int)
    labels[0, ::2] = labels[2, ::2] = range(1, 8)
    assert labelled(labels).notes[0].startswith("7 numbers (1, 2, 3, 4, 5, ...) each stand for several")


def greys(kind, highest):
    """A film in grey: synthetic, or smooth as a picture without noise."""
    if kind == "film":
        image = synthesise(paper_recipe(shape=(96, 128), mean_diameter_px=(20.0, 21.0)), seed=4).image
        return image.astype(np.uint16) * (highest // 255)
    rows, columns = np.indices((96, 128))
    if kind == "noise":
        return np.random.default_rng(0).integers(0, highest, (96, 128))
    return (highest * (2 + np.sin(rows / 9) + np.cos(columns / 7 + rows / 40)) / 4).astype(np.uint16)


@pytest.mark.parametrize("kind", ["film", "noise", "smooth"])
@pytest.mark.parametrize(("highest", "dtype"), [(255, np.uint8), (4095, np.uint16), (65535, np.uint16)])
def test_a_grey_picture_is_no_map_of_labels(tmp_path, kind, highest, dtype):
    tifffile.imwrite(tmp_path / "a.tif", greys(kind, highest).astype(dtype))
    with pytest.raises(UnreadableImage, match=r"it is a picture and no map of labels: most of its \d+ areas"):
        read_labels(tmp_path / "a.tif")


def test_of_a_folder_of_pictures_and_labels_the_labels_are_measured(tmp_path):
    saved(tmp_path / "grains.tif")
    Image.fromarray(greys("film", 255).astype(np.uint8)).save(tmp_path / "film.png")
    lines = np.zeros((96, 128), bool)
    lines[::12], lines[:, ::12] = True, True
    Image.fromarray(lines).save(tmp_path / "lines.png")
    Image.fromarray(lines.astype(np.uint8)).save(tmp_path / "ones.png")
    done = invoke(tmp_path, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "film.png: it is a picture and no map of labels" in done.stderr
    assert "lines.png: it is black and white" in done.stderr
    assert "ones.png: it holds only 0 and 1, as lines and what they enclose" in done.stderr
    assert "3 of 4 maps failed" in done.stderr
    assert (tmp_path / "out" / "grains.sizes.json").exists()


@pytest.mark.parametrize("folder", ["images", "truth"])
def test_real_micrographs_and_their_lines_are_no_maps_of_labels(shared, folder):
    for path in (shared / "uo2" / folder).glob("*.png"):
        with pytest.raises(UnreadableImage, match=r"it is a picture and no map|a map of boundaries"):
            read_labels(path)


def test_small_grains_and_few_areas_stay_labels(tmp_path):
    grains = with_lines(random_cells((120, 140), 5, 1))
    export.write_labels(tmp_path / "small.tif", grains)
    assert read_labels(tmp_path / "small.tif").grains.count == grains.count
    colours = np.where(grains.labels > 0, 1 + grains.labels % 4, 0).astype(np.uint8)
    tifffile.imwrite(tmp_path / "colours.tif", colours)
    assert "4 numbers (1, 2, 3, 4) each stand for several" in read_labels(tmp_path / "colours.tif").notes[-1]


def test_a_typed_size_that_is_off_the_file_is_said(tmp_path):
    saved(tmp_path / "film.tif")
    done = invoke(tmp_path / "film.tif", "--out", tmp_path, "--nm-per-px", "2.5")
    assert "note: the typed pixel size of 2.5 nm is 25% off the 2 nm of the ImageJ tag" in done.stderr
    assert "25%" not in invoke(tmp_path / "film.tif", "--out", tmp_path, "--nm-per-px", "2.01").stderr


def test_a_size_of_few_grains_is_said(tmp_path):
    export.write_labels(tmp_path / "film.tif", random_cells((60, 60), 14, 1))
    assert "E112 asks for 50 per field" in invoke(tmp_path / "film.tif", "--out", tmp_path).stderr


def test_whatever_one_map_provokes_does_not_stop_the_others(tmp_path, monkeypatch):
    for name in ("bad", "good"):
        saved(tmp_path / f"{name}.labels.tif")
    write = reports.write

    def break_down(path, *arguments, **options):
        if path.name.startswith("bad"):
            raise KeyError("centroid")
        write(path, *arguments, **options)

    monkeypatch.setattr(reports, "write", break_down)
    done = invoke(tmp_path, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert f"Error: {tmp_path / 'bad.labels.tif'}: KeyError: 'centroid'" in done.stderr
    assert "1 of 2 maps failed" in done.stderr


def test_what_is_no_image_is_refused(tmp_path):
    (tmp_path / "a.tif").write_text("hello")
    with pytest.raises(UnreadableImage, match=r"a\.tif"):
        read_labels(tmp_path / "a.tif")
    with pytest.raises(UnreadableImage, match="it cannot be opened"):
        read_labels(tmp_path / "gone.tif")
    done = invoke(tmp_path / "out", "--out", tmp_path)
    assert done.exit_code == 1
    assert "Traceback" not in done.output


@pytest.mark.parametrize("wrong", ["0", "nan", "-1", "1e30"])
def test_a_wrong_pixel_size_is_refused(wrong, tmp_path):
    saved(tmp_path / "film.tif")
    done = invoke(tmp_path / "film.tif", "--out", tmp_path, "--nm-per-px", wrong)
    assert done.exit_code == 2
    assert f"'{wrong}' is no size of a pixel" in " ".join(done.stderr.split())


def test_folders_without_maps_and_with_two_of_a_name_are_refused(tmp_path):
    assert "holds no PNG or TIFF image" in invoke(tmp_path, "--out", tmp_path / "o").stderr
    saved(tmp_path / "a.tif")
    saved(tmp_path / "a.png.tif")
    (tmp_path / "a.tiff").write_bytes((tmp_path / "a.tif").read_bytes())
    assert "two label maps of one name: a.tif and a.tiff" in invoke(tmp_path, "--out", tmp_path / "o").stderr


def test_pooling_says_where_more_fields_are_needed(tmp_path):
    results = []
    for k, side in enumerate((1, 3)):
        path = tmp_path / f"{k}.tif"
        export.write_labels(path, random_cells((90, 90), 10, k), pixel_size=(side, side))
        results.append(describe(read_labels(path)).methods)
    assert "the relative accuracy is above 10 %: measure more fields" in pool(results)[0]["notes"]


def test_text_that_a_spreadsheet_would_run_is_escaped(tmp_path):
    export.write_labels(tmp_path / "=1+1.tif", Grains(np.ones((5, 5), np.int32), np.ones(1, bool)))
    assert invoke(tmp_path / "=1+1.tif", "--out", tmp_path).exit_code == 0
    assert (tmp_path / "methods.csv").read_text().splitlines()[1].startswith("'=1+1,")


def test_formats_are_chosen_and_take_what_run_left(tmp_path):
    saved(tmp_path / "film.labels.tif")
    (tmp_path / "film.json").write_text('{"version": "9.9", "iterations": 7, "model": {"name": "mine"}}')
    done = invoke(tmp_path, "--out", tmp_path / "out", "--formats", "geojson, html")
    assert done.exit_code == 0, done.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"film.geojson", "film.report.html", "methods.csv", "pooled.json"}
    text = (tmp_path / "out" / "film.report.html").read_text(encoding="utf-8")
    assert "temgrains 9.9 (model mine)" in text
    wrong = invoke(tmp_path, "--out", tmp_path / "no", "--formats", "csv,docx")
    assert wrong.exit_code == 1
    assert "there is no format 'docx'" in wrong.stderr
    assert not (tmp_path / "no").exists(), "nothing is begun"


def test_the_error_of_the_calibration_is_kept_apart(tmp_path):
    saved(tmp_path / "film.tif")
    assert invoke(tmp_path / "film.tif", "--out", tmp_path, "--calibration-error", "5").exit_code == 0
    found = strict(tmp_path / "film.sizes.json")["uncertainty"]
    assert found["calibration"]["size_percent"] == pytest.approx(5)
    assert found["calibration"]["g"] == pytest.approx(0.141, abs=1e-3)
    assert "not known" in found["between_fields"]["note"]
    for wrong in ("-1", "100", "nan"):
        done = invoke(tmp_path / "film.tif", "--out", tmp_path, "--calibration-error", wrong)
        assert done.exit_code == 1
        told = " ".join(done.stderr.split())
        assert f"--calibration-error is {wrong}; give in percent" in told
        assert "Traceback" not in done.output


def test_tiles_are_named_as_such(tmp_path):
    for seed in range(2):
        saved(tmp_path / f"{seed}.tif", seed)
    assert invoke(tmp_path, "--out", tmp_path / "out", "--tiles").exit_code == 0
    entry = strict(tmp_path / "out" / "pooled.json")["methods"][0]
    assert entry["fields_are"] == "tiles of one image"
    assert "too narrow for the specimen" in entry["notes"][-1]
    assert invoke(tmp_path, "--out", tmp_path / "out").exit_code == 0
    assert strict(tmp_path / "out" / "pooled.json")["methods"][0]["fields_are"] == "images"


def test_a_film_is_not_unfolded_a_section_is(tmp_path):
    saved(tmp_path / "film.tif")
    refused = invoke(tmp_path / "film.tif", "--out", tmp_path, "--unfold")
    assert refused.exit_code == 1
    assert "the specimen is a columnar film" in refused.stderr
    assert (
        invoke(tmp_path / "film.tif", "--out", tmp_path, "--unfold", "--specimen", "section").exit_code == 0
    )
    found = strict(tmp_path / "film.sizes.json")["distribution"]
    assert found["specimen"] == "section"
    assert sum(found["unfolded"]["shares"]) == pytest.approx(1)


def test_a_million_grains_are_measured(tmp_path):
    numbers = np.arange(1, 1_000_001, dtype=np.uint32).reshape(1000, 1000)
    tifffile.imwrite(tmp_path / "a.tif", numbers)
    found = read_labels(tmp_path / "a.tif", pixel_size=1)
    assert found.grains.count == 1_000_000
    done = invoke(tmp_path / "a.tif", "--out", tmp_path / "out", "--nm-per-px", 1, "--formats", "json")
    assert done.exit_code == 0, done.output
    content = strict(tmp_path / "out" / "a.sizes.json")
    assert content["grains_whole"] == 998**2
    # Squares of one pixel: areas give their side, grid lines cross each once.
    assert content["methods"][0]["size"] == pytest.approx(1, rel=0.002)
