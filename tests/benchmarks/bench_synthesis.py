"""Speed of the generator as ratios to plain SciPy and scikit-image; ends with an error below a target.

Both sides take turns in one process, and a ratio is the median over the pairs. Both run on one thread, and
their processor time is taken, which a busy machine changes less than the time on the wall.
Run: ``python tests/benchmarks/bench_synthesis.py``.
"""

from __future__ import annotations

import argparse
import math
import sys
import time

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.segmentation import find_boundaries
from skimage.util import random_noise

from temgrains.median import median_filter
from temgrains.synthesis import paper_recipe, synthesise
from temgrains.synthesis.packing import pack
from temgrains.synthesis.power import power_diagram

SHAPE = (96, 496)
RECIPE = paper_recipe()


# --- the plain chain --------------------------------------------------------------------------------------


def plain_pack(radii, shape, rng, steps=200):
    """Push overlapping circles apart; a k-d tree finds the pairs anew in each step."""
    centres = rng.random((len(radii), 2)) * shape
    for step in range(steps):
        pairs = cKDTree(centres).query_pairs(2 * radii.max(), output_type="ndarray")
        i, j = pairs.T
        towards = centres[j] - centres[i]
        apart = np.linalg.norm(towards, axis=1) + 1e-12
        depth = np.maximum(radii[i] + radii[j] - apart, 0)
        move = (0.4 * depth / (radii[i] + radii[j]) / apart)[:, None] * towards
        np.subtract.at(centres, i, move * radii[j, None])
        np.add.at(centres, j, move * radii[i, None])
        strength = 0.1 * max(0, 1 - step / (0.75 * steps))
        centres += strength * radii[:, None] * rng.uniform(-1, 1, centres.shape)
        centres += 0.4 * np.maximum(0.5 * radii[:, None] - centres, 0)
        centres -= 0.4 * np.maximum(centres + 0.5 * radii[:, None] - shape, 0)
        centres = np.clip(centres, 0, np.array(shape) - 1e-9)
    return centres


def plain_diagram(centres, radii, shape):
    """Nearest neighbour in three dimensions: a circle is lifted the higher the smaller it is."""
    lift = np.sqrt(radii.max() ** 2 - radii**2)
    pixels = np.indices(shape).reshape(2, -1).T
    _, owner = cKDTree(np.column_stack([centres, lift])).query(
        np.column_stack([pixels, np.zeros(len(pixels))])
    )
    return owner.reshape(shape)


def plain_noise(image, rng):
    noisy = random_noise(image, mode="s&p", amount=0.05, rng=rng)
    noisy = random_noise(noisy, mode="gaussian", var=0.01, rng=rng)
    noisy = np.clip(rng.poisson(noisy * 255) / 255, 0, 1)
    return ndimage.median_filter((noisy * 255).astype(np.float32), size=5, mode="nearest")


def plain_synthesise(seed, index):
    rng = np.random.default_rng([seed, index])
    mean = np.exp(rng.uniform(*np.log(RECIPE.mean_diameter_px)))
    drawn = mean * np.exp(-(0.45**2) / 2 + 0.45 * rng.standard_normal(20000))
    radii = drawn[: np.searchsorted(np.cumsum(math.pi / 4 * drawn**2), math.prod(SHAPE)) + 1] / 2
    owner = plain_diagram(plain_pack(radii, SHAPE, rng), radii, SHAPE)
    truth = ndimage.distance_transform_edt(~find_boundaries(owner, mode="thick")) <= 1
    greys = rng.integers(0, 256, len(radii))[owner] / 255
    image = np.clip(greys + 0.1 * greys[::-1, ::-1], 0, 1)
    return np.rint(plain_noise(image, rng)).astype(np.uint8), truth, owner


# --- pairs ------------------------------------------------------------------------------------------------


def cases(rng):
    """Name, ours, plain, and the least ratio; None where no target is set."""
    radii = circles(150, SHAPE, rng)
    centres = pack(radii, SHAPE, rng=rng).centres
    large = (1024, 1024)
    many = circles(1250, large, rng)
    spread = pack(many, large, rng=rng).centres
    image = rng.integers(0, 256, SHAPE).astype(np.uint8)
    counter = iter(range(10**9))
    return [
        (
            "whole generator, the paper's recipe",
            lambda: synthesise(RECIPE, seed=1, index=next(counter)),
            lambda: plain_synthesise(1, next(counter)),
            15,
        ),
        (
            "power diagram, 96 x 496, 150 grains, against a k-d tree",
            lambda: power_diagram(centres, radii, SHAPE),
            lambda: plain_diagram(centres, radii, SHAPE),
            50,
        ),
        (
            "power diagram, 1024 x 1024, 1250 grains, against a k-d tree",
            lambda: power_diagram(spread, many, large),
            lambda: plain_diagram(spread, many, large),
            None,
        ),
        (
            "packing, 96 x 496, 150 circles, against a k-d tree",
            lambda: pack(radii, SHAPE, rng=rng),
            lambda: plain_pack(radii, SHAPE, rng),
            None,
        ),
        (
            "5 x 5 median, 96 x 496, 8 bit, against SciPy",
            lambda: median_filter(image, 5),
            lambda: ndimage.median_filter(image, size=5, mode="nearest"),
            None,
        ),
        (
            "7 x 7 median, 96 x 496, 8 bit, against SciPy",
            lambda: median_filter(image, 7),
            lambda: ndimage.median_filter(image, size=7, mode="nearest"),
            None,
        ),
    ]


def circles(count, shape, rng):
    radii = np.exp(0.45 * rng.standard_normal(count))
    return radii * math.sqrt(math.prod(shape) / (math.pi * (radii**2).sum()))


def seconds(call, repeats):
    start = time.process_time()
    for _ in range(repeats):
        call()
    return (time.process_time() - start) / repeats


def measured(ours, plain, pairs):
    """Milliseconds of both (medians) and the median of the pairs' ratios; a turn is 0.1 s or one call."""
    ours()
    plain()
    repeats = [max(1, math.ceil(0.1 / seconds(call, 3))) for call in (ours, plain)]
    times = np.array([(seconds(ours, repeats[0]), seconds(plain, repeats[1])) for _ in range(pairs)])
    return *np.median(times, axis=0) * 1e3, float(np.median(times[:, 1] / times[:, 0]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=15, help="pairs per case")
    pairs = parser.parse_args().pairs
    missed = 0
    for name, ours, plain, target in cases(np.random.default_rng(1)):
        fast, slow, ratio = measured(ours, plain, pairs if target else max(1, pairs // 3))
        verdict = "" if target is None else f"target {target}x: {'met' if ratio >= target else 'MISSED'}"
        print(f"{name:60s} {fast:9.3f} ms  {slow:9.2f} ms  {ratio:7.1f}x  {verdict}")
        missed += target is not None and ratio < target
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
