"""Polygons of drawn grains, read back as other programs read them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from matplotlib.path import Path as Outline

from temgrains.reports import write
from temgrains.reports.outlines import rings
from temgrains.statistics.labels import labelled
from temgrains.statistics.report import Choices, describe
from tessellations import random_cells

QUICK = Choices(replicates=0)


def found_in(labels, **about):
    return describe(labelled(np.asarray(labels), **about), choices=QUICK)


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def area(ring):
    x, y = np.asarray(ring[:-1]).T
    return (np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def test_two_halves_share_their_side():
    labels = np.ones((10, 20), np.int32)
    labels[:, 8:] = 2
    (left,), (right,) = rings(labels)
    assert {(0, 8), (10, 8)} <= {tuple(p) for p in left.tolist()} & {tuple(p) for p in right.tolist()}
    assert abs(area(left)) == pytest.approx(80, abs=1)
    assert abs(area(right)) == pytest.approx(120, abs=1)


def test_polygons_cover_what_pixels_cover():
    cells = random_cells((90, 110), 14, 2).labels
    outlines = rings(cells)
    assert len(outlines) == cells.max()
    assert sum(abs(area(ring)) for parts in outlines for ring in parts) == pytest.approx(90 * 110, rel=0.002)
    for grain, parts in enumerate(outlines, start=1):
        assert all((ring[0] == ring[-1]).all() for ring in parts)
        rows, columns = np.nonzero(cells == grain)
        inside = Outline(parts[0]).contains_points(np.stack([rows, columns], axis=-1) + 0.5, radius=0)
        if len(rows) > 60:
            assert inside.mean() > 0.9
            assert abs(area(parts[0])) == pytest.approx(len(rows), rel=0.1)


def test_a_grain_within_another_makes_a_hole(tmp_path):
    labels = np.ones((20, 20), np.int32)
    labels[6:14, 6:14] = 2
    write(tmp_path / "a.geojson", found_in(labels), "geojson")
    outer, inner = read(tmp_path / "a.geojson")["features"]
    assert outer["geometry"]["type"] == "Polygon"
    shell, hole = outer["geometry"]["coordinates"]
    assert area(shell) == pytest.approx(400, abs=2)
    assert area(hole) == pytest.approx(-64, abs=2.5), "holes run the other way"
    assert area(inner["geometry"]["coordinates"][0]) == pytest.approx(64, abs=2.5)


def test_parts_that_do_not_touch_make_a_multipolygon(tmp_path):
    labels = np.full((12, 30), 2, np.int32)
    labels[3:9, 3:9] = labels[3:9, 20:26] = 1
    write(tmp_path / "a.geojson", found_in(labels, source="film"), "geojson")
    content = read(tmp_path / "a.geojson")
    first = content["features"][0]
    assert first["geometry"]["type"] == "MultiPolygon"
    assert len(first["geometry"]["coordinates"]) == 2
    assert first["properties"]["area_px2"] == 72
    assert content["temgrains"]["source"] == "film"


def test_coco_instances_have_boxes_and_areas_in_pixels(tmp_path):
    labels = np.zeros((20, 30), np.int32)
    labels[:, :10], labels[:, 10:] = 5, 9
    write(tmp_path / "a.json", found_in(labels, source="film.tif", pixel_size=(2.0, 2.0)), "coco")
    content = read(tmp_path / "a.json")
    assert content["images"] == [{"id": 1, "file_name": "film.tif", "height": 20, "width": 30}]
    first, second = content["annotations"]
    assert (first["grain"], second["grain"]) == (5, 9)
    assert first["bbox"] == pytest.approx([0, 0, 10, 20])
    assert second["bbox"] == pytest.approx([10, 0, 20, 20])
    assert first["area"] == 200
    corners = np.reshape(first["segmentation"][0], (-1, 2))
    assert corners.min(axis=0).tolist() == [0, 0]
    assert corners.max(axis=0).tolist() == [10, 20]


def test_no_grain_has_no_polygon(tmp_path):
    found = found_in(np.zeros((9, 9), int))
    write(tmp_path / "a.geojson", found, "geojson")
    assert read(tmp_path / "a.geojson")["features"] == []
    write(tmp_path / "a.json", found, "coco")
    assert read(tmp_path / "a.json")["annotations"] == []
