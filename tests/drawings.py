"""Microstructures drawn by hand or made from a few points, for tests whose answer is known."""

from __future__ import annotations

import textwrap

import numpy as np
from scipy import ndimage


def draw(text):
    """A drawing as a bool array: '#' is True, '.' is False; indentation and empty lines at the ends go."""
    lines = textwrap.dedent(text).strip().splitlines()
    return np.array([[_BOOL[letter] for letter in line] for line in lines])


_BOOL = {"#": True, ".": False}


def show(mask):
    """The drawing of a bool array, so that a failing test can be looked at."""
    return "\n".join("".join("#" if pixel else "." for pixel in row) for row in np.asarray(mask))


def grid(shape, pitch, *, offset=0):
    """A square lattice of one-pixel lines, ``pitch`` apart, the first at ``offset``."""
    mask = np.zeros(shape, bool)
    mask[offset::pitch] = True
    mask[:, offset::pitch] = True
    return mask


def cells(shape, count, rng):
    """Voronoi cells of random points: int32 (H, W), 1..count where a cell owns a pixel."""
    points = rng.random((count, 2)) * shape
    rows, columns = np.indices(shape)
    distance = (rows[..., None] - points[:, 0]) ** 2 + (columns[..., None] - points[:, 1]) ** 2
    return distance.argmin(axis=-1).astype(np.int32) + 1


def network(shape, count, rng):
    """The boundaries between random Voronoi cells, one to two pixels wide: bool (H, W)."""
    labels = cells(shape, count, rng)
    mask = np.zeros(shape, bool)
    mask[:-1] |= labels[:-1] != labels[1:]
    mask[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    return mask


def rough_state(shape, sigma, rng):
    """Smoothed noise over the full range of grey: structures of every width, gaps, plateaus, specks."""
    noise = ndimage.gaussian_filter(rng.random(shape), sigma)
    return (255 * (noise - noise.min()) / max(np.ptp(noise), 1e-9)).astype(np.uint8)
