"""Grey state to grain sizes against the plain scikit-image chain, in turns in one process.

    python tests/benchmarks/bench_boundaries.py

Prints the least time of each step and the ratios; ends with 1 if a ratio is below its target, or if the two
disagree about which grains there are.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from scipy import ndimage
from skimage.measure import label as label_regions
from skimage.measure import regionprops_table
from skimage.morphology import closing, disk
from skimage.segmentation import watershed

from temgrains.boundaries import close
from temgrains.flooding import grow
from temgrains.grains import label
from temgrains.settings import BoundarySettings
from temgrains.sizes import measure

ROUNDS = 5
TARGETS = {"watershed": 8, "closed network": 3, "grain sizes": 8}
"""Least ratio of plain to ours at 1024 x 1024."""


def structure(side: int, count: int) -> np.ndarray:
    """A grey state as the refinement leaves it: soft bands a few pixels wide between Voronoi cells, noise."""
    rng = np.random.default_rng(7)
    seeds = np.ones((side, side), bool)
    seeds[tuple(rng.integers(0, side, (2, count)))] = False
    rows, columns = ndimage.distance_transform_edt(seeds, return_distances=False, return_indices=True)
    cells = rows * side + columns
    lines = (cells != np.roll(cells, 1, 0)) | (cells != np.roll(cells, 1, 1))
    soft = 700 * ndimage.gaussian_filter(lines.astype(float), 1.5) + rng.normal(0, 10, lines.shape)
    return soft.clip(0, 255).astype(np.uint8)


def plain_seeds(state: np.ndarray) -> np.ndarray:
    closed = closing(state > 51, disk(2), mode="ignore")
    regions = label_regions(~closed, connectivity=1)
    large = np.bincount(regions.ravel()) >= 20
    large[0] = False
    return np.where(large, np.cumsum(large), 0).astype(np.int32)[regions]


def plain_network(state: np.ndarray) -> np.ndarray:
    return watershed(np.maximum(state, 51), plain_seeds(state), watershed_line=True)


def plain_sizes(labels: np.ndarray) -> dict[str, np.ndarray]:
    return regionprops_table(labels, properties=("label", "area", "equivalent_diameter_area", "centroid"))


def race(plain, ours) -> tuple[float, float]:
    """Least times [s] of two functions that take turns, so that both see the same disturbances."""
    times = ([], [])
    for _ in range(ROUNDS):
        for function, kept in zip((plain, ours), times, strict=True):
            start = time.perf_counter()
            function()
            kept.append(time.perf_counter() - start)
    return min(times[0]), min(times[1])


def main() -> int:
    state = structure(1024, 2500)
    settings = BoundarySettings()
    found = close(state, settings=settings)
    grains = label(found)
    measure(grains)
    seeds, level = plain_seeds(state), np.maximum(state, np.uint8(51))
    times = {
        "watershed": race(lambda: watershed(level, seeds, watershed_line=True), lambda: grow(seeds, level)),
        "closed network": race(lambda: plain_network(state), lambda: close(state, settings=settings)),
        "grain sizes": race(lambda: plain_sizes(found.labels), lambda: measure(grains)),
    }
    print(f"1024 x 1024, {grains.count} grains, least of {ROUNDS} rounds in turns")
    print(f"{'':16s}{'scikit-image':>14s}{'temgrains':>12s}{'ratio':>8s}{'target':>8s}")
    low = False
    for name, (plain, ours) in times.items():
        print(f"{name:16s}{plain * 1e3:11.1f} ms{ours * 1e3:9.1f} ms{plain / ours:8.1f}{TARGETS[name]:8.1f}")
        low |= plain / ours < TARGETS[name]
    other = plain_network(state)
    both = (other > 0) & (found.labels > 0)
    pairs = np.unique(np.stack([other[both], found.labels[both]]), axis=1, return_counts=True)[1]
    alike = np.sort(pairs)[-grains.count :].sum() / both.sum()
    print(f"grains: {other.max()} and {grains.count}; pixels in the same grain: {alike:.4%}")
    return int(low or other.max() != grains.count or alike < 0.99)


if __name__ == "__main__":
    sys.exit(main())
