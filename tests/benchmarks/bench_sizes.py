"""All measures of each grain against scikit-image's, in turns in one process.

    python tests/benchmarks/bench_sizes.py

Prints the least processor time of each and the ratio; ends with 1 if the ratio is below its target. Both run
in one thread, so other programs on the machine change little.
scikit-image measures the same: area, diameter, perimeter (Crofton), largest caliper diameter, axes,
orientation, solidity, centroid, mean grey; not the smallest caliper diameter, nor the neighbours.
"""

from __future__ import annotations

import math
import sys
import time

import numpy as np
from bench_boundaries import structure
from skimage.measure import regionprops_table

from temgrains.boundaries import close
from temgrains.grains import label
from temgrains.sizes import measure, partition

ROUNDS = 2
TARGET = 50
"""Least ratio of plain to ours at 1024 x 1024."""

PROPERTIES = (
    "label",
    "area",
    "equivalent_diameter_area",
    "perimeter_crofton",
    "feret_diameter_max",
    "axis_major_length",
    "axis_minor_length",
    "orientation",
    "solidity",
    "centroid",
    "mean_intensity",
)


def seconds(function) -> float:
    """Processor time of one call [s]."""
    start = time.process_time()
    function()
    return time.process_time() - start


def main() -> int:
    state = structure(1024, 2900)
    grains = label(close(state))
    cells, image = partition(grains.labels), (state / 255).astype(np.float32)
    measure(grains, image=image)
    plain, ours = math.inf, math.inf
    for _ in range(ROUNDS):
        plain = min(plain, seconds(lambda: regionprops_table(cells, image, properties=PROPERTIES)))
        ours = min(ours, seconds(lambda: measure(grains, image=image)))
    ratio = plain / ours
    print(f"1024 x 1024, {grains.count} grains, least of {ROUNDS} rounds in turns, processor time")
    print(f"scikit-image {plain:.2f} s, temgrains {ours * 1e3:.0f} ms: {ratio:.0f} times, at least {TARGET}")
    return int(ratio < TARGET)


if __name__ == "__main__":
    sys.exit(main())
