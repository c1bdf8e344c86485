"""Tessellations whose grain size is known: squares, hexagons, and the cells of random points."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from temgrains.boundaries import close
from temgrains.grains import label
from temgrains.records import Grains
from temgrains.settings import BoundarySettings
from temgrains.statistics.field import Field


def grains_of(labels):
    """Grains of labels without lines, numbered without gaps."""
    labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32) + 1
    return Grains(labels, np.zeros(labels.max(), bool))


def cells_of(points, shape, pixel=(1.0, 1.0)):
    """The cells of points; points and pixels in one unit."""
    rows, columns = np.indices(shape)
    centres = np.stack([(rows.ravel() + 0.5) * pixel[0], (columns.ravel() + 0.5) * pixel[1]], axis=-1)
    return grains_of(cKDTree(points).query(centres)[1].reshape(shape))


def random_cells(shape, side, seed, pixel=(1.0, 1.0)):
    """Cells of a Poisson process, whose mean area is side^2."""
    margin = 6 * side
    high, wide = shape[0] * pixel[0], shape[1] * pixel[1]
    rng = np.random.default_rng(seed)
    extent = np.array([high + 2 * margin, wide + 2 * margin])
    points = rng.random((rng.poisson(extent.prod() / side**2), 2)) * extent - margin
    return cells_of(points, shape, pixel)


def lattice(shape, side, *, hexagons, degrees=0.0, offset=(0.0, 0.0), pixel=(1.0, 1.0)):
    """Squares or regular hexagons of the area side^2, turned."""
    reach = int(np.hypot(shape[0] * pixel[0], shape[1] * pixel[1]) / side) + 4
    down, across = (axis.ravel().astype(float) for axis in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    if hexagons:
        across += 0.5 * (down % 2)
        pitch = side * np.sqrt(2 / np.sqrt(3))
        down, across = down * pitch * np.sqrt(3) / 2, across * pitch
    else:
        down, across = down * side, across * side
    angle = np.radians(degrees)
    rows = down * np.cos(angle) - across * np.sin(angle) + offset[0] + shape[0] * pixel[0] / 2
    columns = down * np.sin(angle) + across * np.cos(angle) + offset[1] + shape[1] * pixel[1] / 2
    return cells_of(np.stack([rows, columns], axis=-1), shape, pixel)


def with_lines(grains):
    """The same grains with lines one pixel wide between them."""
    labels = grains.labels
    lines = np.zeros(labels.shape, bool)
    lines[:-1] |= labels[:-1] != labels[1:]
    lines[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    return label(close(lines * np.uint8(255), settings=BoundarySettings(closing_radius_px=0)))


def turned_lattices(count, shape, side, *, hexagons):
    """Lattices at random places and in random directions."""
    rng = np.random.default_rng(3)
    for _ in range(count):
        degrees, offset = 180 * rng.random(), side * rng.random(2)
        yield lattice(shape, side, hexagons=hexagons, degrees=degrees, offset=offset)


def field(grains, pixel_size=(1.0, 1.0)):
    return Field.of(grains, pixel_size=pixel_size)
