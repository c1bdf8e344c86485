"""Draw what recipes have only on request: twins as grains, vacuum beside a line, grains of two sizes.

python docs/examples/optional_pictures.py OUT_FOLDER
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure

from temgrains.synthesis import Recipe, synthesise
from temgrains.synthesis.diffraction import BoundaryLines, BraggGrey, GrainShading
from temgrains.synthesis.geometry import Curved, Line, TwinGrains
from temgrains.synthesis.instrument import Blur, ShotNoise
from temgrains.synthesis.vacuum import Vacuum

CONTRAST = (BraggGrey(dark_share=0.5), GrainShading(), BoundaryLines())
LIGHT = (Blur(focus_px=1.0, drift_px=0.0), ShotNoise(least_dose=150.0))
STEPS = CONTRAST + LIGHT
SIZES = {"shape": (192, 256), "mean_diameter_px": (50.0, 50.0)}

RECIPES = {
    "TwinGrains": Recipe(shapes=(Curved(), TwinGrains(grain_share=1.0)), steps=STEPS, **SIZES),
    "Line and Vacuum": Recipe(
        shapes=(Curved(), Line(image_share=1.0)), steps=(*CONTRAST, Vacuum(), *LIGHT), **SIZES
    ),
    "fine_share=0.5": Recipe(fine_share=0.5, steps=STEPS, **SIZES),
}
SAMPLES = {"TwinGrains": 3, "Line and Vacuum": 0, "fine_share=0.5": 3}


def main() -> Figure:
    """Show each with its truth below."""
    figure = Figure(figsize=(11, 5.9), layout="constrained")
    axes = figure.subplots(2, len(RECIPES))
    for column, (name, recipe) in enumerate(RECIPES.items()):
        drawn = synthesise(recipe, seed=2, index=SAMPLES[name])
        axes[0, column].imshow(drawn.image, cmap="gray", vmin=0, vmax=255)
        axes[0, column].set_title(f"{name}: {drawn.report['cells']} grains", fontsize=9)
        axes[1, column].imshow(drawn.truth, cmap="gray_r")
    for panel in axes.ravel():
        panel.set_axis_off()
    return figure


if __name__ == "__main__":
    main().savefig(Path(sys.argv[1]) / "optional.png", dpi=75)
