"""Draw the strip of Fig. 4a: how repeated passes of Net2 turn pure noise into a closed microstructure.

python docs/examples/from_noise.py OUT.png [SEED]
"""

import sys
import warnings

from matplotlib.figure import Figure

from temgrains.pipeline import imagine
from temgrains.refine import PoorGuessWarning

SHOWN = (0, 1, 2, 4, 8, 16)
"""Passes in the strip; the last one is added."""


def strip(seed: int) -> Figure:
    """Show some of the states, one below the other, and the closed boundaries of the last."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoorGuessWarning)  # noise is the poorest of guesses
        made = imagine(seed=seed)
    last = made.iterates[-1]
    chosen = [iterate for iterate in made.iterates if iterate.index in SHOWN and iterate is not last] + [last]
    pictures = [(f"after {iterate.index} passes", iterate.state) for iterate in chosen]
    pictures[0] = ("uniform noise", chosen[0].state)
    pictures.append((f"closed boundaries: {made.grains.count} grains", made.boundaries.mask))
    figure = Figure(figsize=(6, 1.45 * len(pictures)), layout="constrained")
    for axes, (title, picture) in zip(figure.subplots(len(pictures)), pictures, strict=True):
        axes.imshow(picture, cmap="gray")
        axes.set_title(title, fontsize=9, loc="left")
        axes.set_axis_off()
    return figure


if __name__ == "__main__":
    strip(int(sys.argv[2]) if len(sys.argv) > 2 else 0).savefig(sys.argv[1], dpi=110)
