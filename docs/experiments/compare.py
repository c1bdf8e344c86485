"""Compare the shipped model with older ways, with fewer views, under noise, and say what its errors are.

    python docs/experiments/compare.py real SHARED      # baselines, views, published networks
    python docs/experiments/compare.py errors SHARED    # what the false and the missed lines are
    python docs/experiments/compare.py noise            # Gaussian noise of variance 0.001 to 0.2
    python docs/experiments/compare.py contrast         # strong and weak boundaries apart
    python docs/experiments/compare.py sizes            # views of one size and of several
    python docs/experiments/compare.py robust SHARED    # the same images resized, brighter, noisier, blurred

SHARED is the folder of real data (data/uo2, data/saleh2025), which is not part of the repository. Prints the
tables of docs/model.md.
"""

import argparse
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage
from skimage import feature, filters, morphology, segmentation
from skimage.transform import resize

import temgrains as tg
from temgrains import models
from temgrains.micrograph import from_array
from temgrains.records import Micrograph
from temgrains.refine import PoorGuessWarning
from temgrains.score import judge, read_mask
from temgrains.settings import GuessSettings, Settings
from temgrains.synthesis import Recipe, paper_recipe, real_recipe, synthesise
from temgrains.synthesis.noise import GaussianNoise

COLUMNS = ["eq1", "precision", "f1", "length", "vi", "ecd", "closed"]
VARIANCES = (0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
SEED, COUNT = 4711, 24
VIEWS = {
    "1 view": GuessSettings(members=1, zoom=1),
    "4 views of one size": GuessSettings(members=4, zoom=1),
    "8 views of one size": GuessSettings(members=8, zoom=1),
    "3 views of three sizes": GuessSettings(members=3, zoom=1.4),
    "8 views of three sizes": GuessSettings(members=8, zoom=1.4),
}
FILMS = {
    "20 to 64 px, as learnt": {},
    "64 to 110 px": {"mean_diameter_px": (64.0, 110.0)},
    "12 to 20 px": {"mean_diameter_px": (12.0, 20.0)},
    "of two sizes": {"mean_diameter_px": (48.0, 64.0), "fine_share": 0.35, "fine_ratio": 0.3},
}
"""What is drawn to see how a model bears sizes of grains that it did not learn."""


def real_images(shared: Path) -> Iterator[tuple[str, Micrograph, np.ndarray]]:
    """Give name, micrograph and drawn truth of each real image."""
    for path in sorted((shared / "data" / "uo2" / "images").glob("*.png")):
        yield path.stem, tg.read(path), read_mask(shared / "data" / "uo2" / "truth" / path.name)


def gradient_watershed(image: np.ndarray) -> np.ndarray:
    """Flood the gradient from its lows that are deeper than a tenth of its spread."""
    gradient = filters.sobel(filters.gaussian(image, 3))
    depth = 0.1 * np.percentile(gradient, 99)
    labels = segmentation.watershed(gradient, ndimage.label(morphology.h_minima(gradient, depth))[0])
    return segmentation.find_boundaries(labels, mode="inner")


def canny(image: np.ndarray) -> np.ndarray:
    """Give Canny's edges at a scale of 3 px."""
    return feature.canny(image, sigma=3)


def compare_real(shared: Path) -> pd.DataFrame:
    """Score the older ways, the published networks and other sets of views (4 px, margin 12 px)."""
    matlab = shared / "data" / "saleh2025"
    known = {
        "published networks": models.import_matlab(
            matlab / "net1.mat", matlab / "net2.mat", name="published"
        ),
        "paper": models.load("paper"),
    }
    default = models.load("default")
    ways = {
        "gradient watershed": lambda film: gradient_watershed(film.pixels),
        "Canny": lambda film: canny(film.pixels),
        **{
            name: lambda film, model=model: tg.analyse(film, model=model).boundaries.mask
            for name, model in known.items()
        },
        **{
            f"default, {name}": lambda film, chosen=chosen: (
                tg.analyse(film, model=default, settings=Settings(guess=chosen)).boundaries.mask
            )
            for name, chosen in VIEWS.items()
        },
    }
    rows = []
    for _, film, truth in real_images(shared):
        for name, way in ways.items():
            found = tg.score(truth, way(film), tolerance_px=4.0, margin_px=12)
            rows.append({"way": name, **{c: getattr(found, c) for c in COLUMNS}})
    return pd.DataFrame(rows).groupby("way", sort=False).mean()


def explain_errors(shared: Path) -> pd.DataFrame:
    """Split what is false and what is missed by what the image and the guess show there.

    The contrast of a line pixel is the steepest step of the smoothed image within 4 px, as a share of the
    median step along the lines that people and model agree on. A missed line was *seen* where the guess
    within 4 px reaches 0.2.
    """
    rows = []
    for name, film, truth in real_images(shared):
        analysis = tg.analyse(film, model="default")
        verdict = judge(truth, analysis.boundaries.mask, tolerance_px=4.0, margin_px=12)
        step = ndimage.maximum_filter(filters.sobel(filters.gaussian(film.pixels, 2)), 9)
        guessed = resize(analysis.iterates[0].state, truth.shape, order=1, preserve_range=True)
        seen = ndimage.maximum_filter(guessed, 9) >= 51
        usual = np.median(step[verdict.correct])
        faint = step < 0.5 * usual
        rows.append(
            {
                "image": name,
                "false, faint": np.sum(verdict.false & faint),
                "false, as strong as true lines": np.sum(verdict.false & ~faint),
                "missed, faint": np.sum(verdict.missed & faint),
                "missed, strong, guess saw it": np.sum(verdict.missed & ~faint & seen),
                "missed, strong, guess did not": np.sum(verdict.missed & ~faint & ~seen),
            }
        )
    table = pd.DataFrame(rows).set_index("image")
    table.loc["all"] = table.sum()
    return table.div(table.sum(axis=1), axis=0)


def under_noise() -> pd.DataFrame:
    """Score `paper` on its recipe, and `default` on its own, with Gaussian noise of other variances."""
    rows = []
    for name, recipe in (("paper", paper_recipe()), ("default", real_recipe(shape=(192, 256)))):
        model = models.load(name)
        for variance in VARIANCES:
            noise = GaussianNoise(variance=variance)
            known = any(isinstance(step, GaussianNoise) for step in recipe.steps)
            steps = [noise if isinstance(step, GaussianNoise) else step for step in recipe.steps]
            noisy = replace(recipe, steps=tuple(steps if known else [*steps, noise]))
            scores = [
                tg.score(sample.truth, analysis.boundaries.mask, tolerance_px=3.0, margin_px=0)
                for sample, analysis in analysed(noisy, model)
            ]
            means = {c: np.nanmean([getattr(s, c) for s in scores]) for c in ("eq1", "precision", "f1", "vi")}
            rows.append({"model": name, "variance": variance, **means})
    return pd.DataFrame(rows).set_index(["model", "variance"])


def by_contrast() -> pd.DataFrame:
    """Give the share found of boundaries whose grains differ little, somewhat and much in mean grey."""
    rows = []
    for name, recipe in (("paper", paper_recipe()), ("default", real_recipe(shape=(192, 256)))):
        for sample, analysis in analysed(recipe, models.load(name)):
            verdict = judge(sample.truth, analysis.boundaries.mask, tolerance_px=3.0, margin_px=0)
            which = sample.labels.ravel()
            grey = np.bincount(which, sample.image.ravel()) / np.maximum(np.bincount(which), 1)
            grey = grey[sample.labels]
            differ = np.ptp(np.stack([ndimage.maximum_filter(grey, 7), ndimage.minimum_filter(grey, 7)]), 0)
            for low, high in ((0, 10), (10, 30), (30, 256)):
                there = (differ >= low) & (differ < high)
                found, missed = np.sum(verdict.correct & there), np.sum(verdict.missed & there)
                rows.append(
                    {"model": name, "greys apart": f"{low} to {high}", "f": found, "n": found + missed}
                )
    table = pd.DataFrame(rows).groupby(["model", "greys apart"], sort=False).sum()
    return pd.DataFrame({"share of the length": table.n / table.groupby("model").n.transform("sum"),
                         "Eq. 1": table.f / table.n})  # fmt: skip


def by_size() -> pd.DataFrame:
    """Score views of one size and of several on grains of other sizes than those learnt from (3 px)."""
    rows = []
    model = models.load("default")
    for film, changes in FILMS.items():
        recipe = real_recipe(shape=(384, 384), **changes)
        for index in range(COUNT // 2):
            sample = synthesise(recipe, seed=SEED, index=index)
            for name in ("4 views of one size", "3 views of three sizes"):
                settings = Settings(guess=VIEWS[name])
                found = tg.analyse(from_array(sample.image), model=model, settings=settings).boundaries.mask
                verdict = tg.score(sample.truth, found, tolerance_px=3.0, margin_px=0)
                rows.append({"film": film, "views": name, **{c: getattr(verdict, c) for c in COLUMNS}})
    return pd.DataFrame(rows).groupby(["film", "views"], sort=False).mean()


def resized(factor: float) -> Callable[[np.ndarray], np.ndarray]:
    """Give what brings an image to another size."""
    return lambda x: resize(x, [round(n * factor) for n in x.shape], order=1, anti_aliasing=factor < 1)


def noisy(deviation: float) -> Callable[[np.ndarray], np.ndarray]:
    """Give what adds Gaussian noise [share of white]."""
    return lambda x: x + np.random.default_rng(SEED).normal(0, deviation, x.shape)


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda x: x,
    "x 0.5": resized(0.5),
    "x 2": resized(2),
    "x 4": resized(4),
    "gain 3, offset": lambda x: 3 * x + 40,
    "gain 0.3": lambda x: 0.3 * x,
    "gamma 0.6": lambda x: x**0.6,
    "gamma 1.6": lambda x: x**1.6,
    "noise 0.03": noisy(0.03),
    "noise 0.06": noisy(0.06),
    "blur 1 px": lambda x: filters.gaussian(x, 1),
}
ROBUST = ("uo2_05", "uo2_30")


def robust(shared: Path) -> pd.DataFrame:
    """Score the same real images changed in ways that change no grain (4 px, margin 12 px).

    Grains of resized images go back to the image's size before they are scored.
    """
    rows = []
    for name, film, truth in real_images(shared):
        if name not in ROBUST:
            continue
        row: dict[str, object] = {"image": name}
        for change, alter in CHANGES.items():
            labels = tg.analyse(from_array(alter(film.pixels)), model="default").grains.labels
            found = labels == 0
            if labels.shape != truth.shape:
                grains = ndimage.distance_transform_edt(found, return_distances=False, return_indices=True)
                whole = labels[tuple(grains)]
                back = resize(whole, truth.shape, order=0, preserve_range=True, anti_aliasing=False)
                found = segmentation.find_boundaries(back, mode="inner")
            row[change] = tg.score(truth, found, tolerance_px=4.0, margin_px=12).f1
        rows.append(row)
    return pd.DataFrame(rows).set_index("image")


def analysed(recipe: Recipe, model: models.Model) -> Iterator[tuple]:
    """Give fresh micrographs and their analyses at the scale they were drawn in."""
    settings = Settings(guess=GuessSettings(scale=1.0))
    for index in range(COUNT):
        sample = synthesise(recipe, seed=SEED, index=index)
        yield sample, tg.analyse(from_array(sample.image), model=model, settings=settings)


def main() -> None:
    """Print one of the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["real", "errors", "noise", "contrast", "sizes", "robust"])
    parser.add_argument("shared", type=Path, nargs="?")
    arguments = parser.parse_args()
    if arguments.what in {"real", "errors", "robust"} and arguments.shared is None:
        parser.error(f"{arguments.what} needs SHARED, the folder of real data")
    warnings.simplefilter("ignore", PoorGuessWarning)
    table = {
        "real": lambda: compare_real(arguments.shared),
        "errors": lambda: explain_errors(arguments.shared),
        "noise": under_noise,
        "contrast": by_contrast,
        "sizes": by_size,
        "robust": lambda: robust(arguments.shared),
    }[arguments.what]()
    print(table.round(3).to_string())


if __name__ == "__main__":
    main()
