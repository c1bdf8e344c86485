"""Correct a third of a real micrograph by its truth, fine-tune, score its rest, another one, synthetic ones.

    python docs/experiments/taught_real.py FOLDER LEARNT OTHER OUT [setting=value ...]

FOLDER holds ``images`` and ``truth`` (drawn boundaries, 255) under the same names, for example those of
https://github.com/psu-rdmap/unet-compare. The model saw the truth of real images: it stays in OUT and is none
to ship. Lines within 12 px of the image border are neither learnt nor judged, for hands draw a frame there.
A run that was stopped goes on.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from skimage.morphology import skeletonize

import temgrains as tg
from temgrains import evaluation, models, teaching
from temgrains.refine import PoorGuessWarning
from temgrains.score import judge, read_mask
from temgrains.synthesis.recipe_files import RECIPES
from temgrains.training.examples import Example
from temgrains.training.settings import TuneSettings

TOLERANCE_PX, MARGIN_PX, SYNTHETIC, SEED = 4.0, 12, 40, 2027


def drawn(folder, name):
    """An image, its drawn boundaries, and where they count."""
    truth = skeletonize(read_mask(folder / "truth" / f"{name}.png"))
    inner = np.zeros_like(truth)
    inner[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX] = True
    return tg.read(folder / "images" / f"{name}.png"), truth, inner


def analysed(film, model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoorGuessWarning)
        return tg.analyse(film, model=model)


def figures(truth, found, part):
    """F1, Eq. 1 and precision in a part of the image."""
    lines = judge(truth, found, tolerance_px=TOLERANCE_PX, margin_px=MARGIN_PX)
    eq1 = (lines.correct & part).sum() / ((lines.correct | lines.missed) & part).sum()
    thin = skeletonize(found) & part
    precision = 1 - (thin & lines.false).sum() / thin.sum()
    return {"f1": 2 * eq1 * precision / (eq1 + precision), "eq1": eq1, "precision": precision}


def synthetic(model):
    recipe = RECIPES["default"]()
    rows = evaluation.evaluate(recipe, model=model, seed=SEED, count=SYNTHETIC)
    return {key: float(rows[key].mean()) for key in ("f1", "eq1", "precision")}


def main(folder, learnt, other, out, **chosen):
    film, truth, inner = drawn(folder, learnt)
    third = inner.copy()
    third[:, film.shape[1] // 3 :] = False
    before = models.load("default")
    analysis = analysed(film, before)
    scale = analysis.guess.grey.shape[0] / film.shape[0]
    example = Example(learnt, film.pixels, truth, third, scale)
    settings = replace(TuneSettings(name="taught"), **chosen)
    start = time.process_time()
    taught = teaching.teach([example], out, settings=settings)
    spent = time.process_time() - start
    models.save(taught.model, out / "taught.safetensors")
    told = {"settings": chosen, "cpu_minutes": spent / 60, "scale": scale, "verdict": taught.verdict}
    for where, name in (("rest of it", learnt), ("another one", other)):
        film, truth, inner = drawn(folder, name)
        part = inner & ~third if name == learnt else inner
        told[where] = {
            when: figures(truth, analysed(film, model).boundaries.mask, part)
            for when, model in (("before", before), ("after", taught.model))
        }
    told["synthetic"] = {"before": synthetic(before), "after": synthetic(taught.model)}
    for part in ("rest of it", "another one", "synthetic"):
        told[part]["gain"] = told[part]["after"]["f1"] - told[part]["before"]["f1"]
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    pairs = dict(word.split("=") for word in sys.argv[5:])
    main(
        Path(sys.argv[1]),
        *sys.argv[2:4],
        Path(sys.argv[4]),
        **{key: float(value) if "." in value or "e" in value else int(value) for key, value in pairs.items()},
    )
