"""Draw each concept of the default recipe alone, at its strongest of several draws, and whole micrographs.

python docs/examples/concept_pictures.py OUT_FOLDER
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from temgrains.synthesis import Recipe, real_recipe, synthesise
from temgrains.synthesis.diffraction import BraggGrey

SHAPE = (160, 160)
DRAWS = 12


def name(step) -> str:
    """Give the name of a concept in words."""
    return type(getattr(step, "concept", step)).__name__


def alone() -> Figure:
    """Show each concept on the same grains; of several draws the one that changes most."""
    recipe = real_recipe()
    figure = Figure(figsize=(11, 11.6), layout="constrained")
    count = len(recipe.shapes) + len(recipe.steps)
    panels = iter(figure.subplots(-(-count // 6), 6).ravel())
    plain = Recipe(shape=SHAPE, mean_diameter_px=(55.0, 55.0))
    labels = synthesise(plain, seed=3).labels
    base = BraggGrey(dark_share=0.5)(np.zeros(SHAPE), labels, np.random.default_rng(5))
    greys = np.full(labels.max() + 2, 60.0)  # the last one is the matrix beside a line
    greys[labels] = base
    for shape in (dataclasses.replace(shape, **always(shape)) for shape in recipe.shapes):
        show(next(panels), greys[strongest(lambda rng, do=shape: do(labels, rng), labels)], name(shape))
    for step in (dataclasses.replace(step, **always(step)) for step in recipe.steps):
        show(next(panels), strongest(lambda rng, do=step: do(base, labels, rng), base), name(step))
    for axes in figure.axes:
        axes.set_axis_off()
    return figure


def strongest(draw, before):
    """Give that of several draws which changes most."""
    made = [draw(np.random.default_rng(seed)) for seed in range(DRAWS)]
    return max(made, key=lambda after: float(np.abs(after - before).mean()))


def always(step) -> dict[str, float]:
    """Give the settings with which a concept that few images have is in all of them."""
    return {"image_share": 1.0} if hasattr(step, "image_share") else {}


def together() -> Figure:
    """Show micrographs of the whole recipe."""
    figure = Figure(figsize=(11, 5.6), layout="constrained")
    for index, axes in enumerate(figure.subplots(2, 4).ravel()):
        sample = synthesise(real_recipe(), seed=1, index=index)
        show(axes, sample.image, f"{sample.report['cells']} grains")
        axes.set_axis_off()
    return figure


def show(axes, image, title: str) -> None:
    """Draw one image."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=255)
    axes.set_title(title, fontsize=9)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    alone().savefig(folder / "concepts.png", dpi=75)
    together().savefig(folder / "default_recipe.png", dpi=75)
