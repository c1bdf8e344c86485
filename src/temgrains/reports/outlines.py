"""Grains as polygons that share their sides: GeoJSON, as QuPath reads it, and COCO."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.path import Path as Outline

from temgrains.files import plain, write_text
from temgrains.statistics.tracing import trace

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from temgrains.records import LabelArray
    from temgrains.statistics.report import SizeStatistics

    Ring = NDArray[np.float64]


TOLERANCE_PX = 0.4
"""Less than for counts of crossings: convex grains lose area by it."""

_OUTSIDE = (1, 2, 3, 4)
_GROUND = 5


def rings(cells: LabelArray, *, tolerance: float = TOLERANCE_PX) -> list[list[Ring]]:
    """Give the closed outlines of each grain 1..N, the outer one first.

    Parameters
    ----------
    cells
        int32, shape (H, W), numbered from 1 without gaps; 0 is ground.
    tolerance
        How far a side may leave the middles of the sides of pixels [px].

    Returns
    -------
    rings
        Per grain its rings, shape (K, 2), (row, column) from the image's upper left corner; the last point is
        the first. Neighbours have the same points along their common side.
    """
    # Ground and each side of the outside become grains of their own: all outlines are boundaries then, and
    # the corners of the image are junctions, which stay where they are.
    framed = np.pad(cells + _GROUND, 1)
    framed[0], framed[-1], framed[1:-1, 0], framed[1:-1, -1] = _OUTSIDE
    traced = trace(framed, tolerance)
    chains: dict[int, list[Ring]] = defaultdict(list)
    for (one, other), first, last in zip(traced.grains, traced.offsets[:-1], traced.offsets[1:], strict=True):
        chain = traced.points[first:last] - 1
        chains[int(one)].append(chain)
        chains[int(other)].append(chain)
    count = int(cells.max(initial=0))
    return [_by_size(_closed(chains[grain + _GROUND])) for grain in range(1, count + 1)]


def write_geojson(path: str | Path, found: SizeStatistics) -> None:
    """Write the grains as GeoJSON polygons, in pixels from the upper left corner, y downwards.

    Each has its row of the table as properties. Parts of one grain that do not touch make a MultiPolygon.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    features = [
        {"type": "Feature", "id": row["grain"], "geometry": _geometry(parts), "properties": row}
        for row, parts in zip(_there(found), rings(found.counted.cells), strict=True)
    ]
    content = {
        "type": "FeatureCollection",
        "temgrains": {
            "coordinates": "x, y in pixels from the upper left corner of the image, y downwards",
            "pixel_size_nm": found.content["pixel_size_nm"],
            "source": found.content["source"],
        },
        "features": features,
    }
    write_text(path, json.dumps(content, allow_nan=False, ensure_ascii=False) + "\n")


def write_coco(path: str | Path, found: SizeStatistics, *, image: str = "") -> None:
    """Write the grains as instances of the COCO format, in pixels; holes are not kept, as COCO has none.

    Parameters
    ----------
    path, found
        The file, and the grains.
    image
        File name of the micrograph, by default that of the grains.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    height, width = found.counted.cells.shape
    annotations = [
        {
            "id": k,
            "image_id": 1,
            "category_id": 1,
            "iscrowd": 0,
            "area": float(row["area_px2"]),
            "bbox": _box(parts),
            "segmentation": [_xy(ring[:-1]).ravel().tolist() for ring in _outer(parts)],
            "grain": int(row["grain"]),
            "on_border": bool(row["on_border"]),
        }
        for k, (row, parts) in enumerate(zip(_there(found), rings(found.counted.cells), strict=True), start=1)
    ]
    content = {
        "info": {"description": "grains found with temgrains"},
        "licenses": [],
        "images": [
            {"id": 1, "file_name": image or found.content["source"], "height": height, "width": width}
        ],
        "categories": [{"id": 1, "name": "grain", "supercategory": "microstructure"}],
        "annotations": annotations,
    }
    write_text(path, json.dumps(plain(content), allow_nan=False, ensure_ascii=False) + "\n")


def _there(found: SizeStatistics) -> list[dict[str, Any]]:
    """Give the rows of grains with pixels, which are those that cells have, as plain JSON."""
    there = found.table[found.table["area_px2"] > 0]
    rows: list[dict[str, Any]] = plain(there.to_dict("records"))
    return rows


def _closed(chains: list[Ring]) -> list[Ring]:
    """Join the boundaries of one grain, which end at junctions, to closed outlines."""
    found = [chain for chain in chains if np.array_equal(chain[0], chain[-1])]
    left = {k: chain for k, chain in enumerate(chains) if not np.array_equal(chain[0], chain[-1])}
    at: dict[tuple[float, float], list[int]] = defaultdict(list)
    for k, chain in left.items():
        at[_point(chain[0])].append(k)
        at[_point(chain[-1])].append(k)
    while left:
        _, ring = left.popitem()
        while not np.array_equal(ring[0], ring[-1]):
            end = _point(ring[-1])
            k = next(k for k in at[end] if k in left)
            chain = left.pop(k)
            ring = np.concatenate([ring, (chain if _point(chain[0]) == end else chain[::-1])[1:]])
        found.append(ring)
    return found


def _point(place: NDArray[np.float64]) -> tuple[float, float]:
    return float(place[0]), float(place[1])


def _by_size(found: list[Ring]) -> list[Ring]:
    return sorted(found, key=lambda ring: -abs(_area(ring)))


def _area(ring: Ring) -> float:
    """Give the signed area."""
    row, column = ring[:-1].T
    return float(np.dot(row, np.roll(column, -1)) - np.dot(column, np.roll(row, -1))) / 2


def _outer(parts: list[Ring]) -> list[Ring]:
    """Give the rings that are no holes: those within an even number of others."""
    return [ring for k, ring in enumerate(parts) if _depth(ring, parts[:k]) % 2 == 0]


def _depth(ring: Ring, larger: list[Ring]) -> int:
    middle = (ring[0] + ring[1]) / 2
    return sum(bool(Outline(other).contains_point(middle)) for other in larger)


def _geometry(parts: list[Ring]) -> dict[str, Any]:
    polygons: list[list[Any]] = []
    for outer in _outer(parts):
        holes = [ring for ring in parts if _is_hole_of(ring, outer, parts)]
        # Outer rings run counter-clockwise where y points up (RFC 7946), holes the other way.
        polygons.append([_turned(outer, 1), *(_turned(hole, -1) for hole in holes)])
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _is_hole_of(ring: Ring, outer: Ring, parts: list[Ring]) -> bool:
    if ring is outer or abs(_area(ring)) > abs(_area(outer)):
        return False
    larger = [part for part in parts if part is not ring and abs(_area(part)) > abs(_area(ring))]
    return _depth(ring, larger) % 2 == 1 and _depth(ring, [outer]) == 1


def _turned(ring: Ring, sign: int) -> list[list[float]]:
    points = _xy(ring)
    x, y = points[:-1].T
    turned = math.copysign(1, float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))
    coordinates: list[list[float]] = (points if turned == sign else points[::-1]).tolist()
    return coordinates


def _xy(ring: Ring) -> NDArray[np.float64]:
    return np.round(ring[:, ::-1], 3)


def _box(parts: list[Ring]) -> list[float]:
    points = np.concatenate(parts)
    (top, left), (bottom, right) = points.min(axis=0), points.max(axis=0)
    return [float(left), float(top), float(right - left), float(bottom - top)]
