"""Correct a third of one micrograph, fine-tune, and score the rest of it and another one.

    python docs/experiments/taught.py OUT

The micrographs are synthetic and of a recipe that the default model was not made for: every grain is full of
dislocations, many are twinned, and no line marks a boundary. A run that was stopped goes on.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from skimage.morphology import skeletonize

from temgrains import models, teaching
from temgrains.synthesis import real_recipe, synthesise
from temgrains.training.examples import Example
from temgrains.training.settings import TuneSettings

SEED, SIDE_PX = 77, 512


def strange_recipe():
    """Much that looks like a boundary and is none, and boundaries that look like nothing."""
    recipe = real_recipe(shape=(SIDE_PX, SIDE_PX), mean_diameter_px=(38.0, 42.0))
    strong = {
        "Dislocations": {"density": 20.0, "contrast_grey": 90.0},
        "TwinLamellae": {"contrast_grey": 60.0, "grain_share": 0.6},
    }
    left_out = {"BoundaryLines", "ScaleBar", "JpegBlocks", "Scratches", "DepthOverlay", "Line", "Stretched"}
    steps = []
    for step in recipe.steps:
        concept = getattr(step, "concept", step)
        name = type(concept).__name__
        if name in strong:
            steps.append(replace(concept, **strong[name]))
        elif name not in left_out:
            steps.append(step)
    shapes = [
        shape for shape in recipe.shapes if type(getattr(shape, "concept", shape)).__name__ not in left_out
    ]
    return replace(recipe, name="strange", shapes=tuple(shapes), steps=tuple(steps))


def example(index, looked):
    """One of the micrographs, whose truth stands in for a hand."""
    sample = synthesise(strange_recipe(), seed=SEED, index=index)
    pixels = sample.image.astype(np.float32) / np.float32(255)
    return Example(f"film {index}", pixels, skeletonize(sample.truth), looked)


def figures(lengths):
    eq1, precision = lengths["true_found"] / lengths["true"], lengths["found_true"] / lengths["found"]
    return {"f1": 2 * eq1 * precision / (eq1 + precision), "eq1": eq1, "precision": precision}


def main(out):
    everywhere = np.ones((SIDE_PX, SIDE_PX), bool)
    third = np.zeros_like(everywhere)
    third[:, : SIDE_PX // 3] = True
    taught = teaching.teach([example(0, third)], out, settings=TuneSettings(name="taught"))
    models.save(taught.model, out / "taught.safetensors")
    found = {"verdict": taught.verdict, "scores": taught.scores}
    for where, index, part in (("rest of it", 0, ~third), ("another one", 1, everywhere)):
        found[where] = {
            when: figures(teaching.held_score(example(index, everywhere), part, model))
            for when, model in (("before", models.load("default")), ("after", taught.model))
        }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
