"""A concept of your own: contrast that fades across the micrograph, as where a foil grows thicker.

A step is any callable ``(image, labels, rng) -> image``: the image so far (float32, 0..255), the grain of
each pixel (int32, 1..N) and a random generator of the step's own. Nothing in the package has to be changed.
"""

from dataclasses import dataclass

import numpy as np

from temgrains.synthesis import paper_recipe, synthesise


@dataclass(frozen=True)
class ThicknessGradient:
    """Darken the image in a random direction; ``loss`` is the share of brightness lost at its thick end."""

    loss: float = 0.6

    def __call__(self, image, _labels, rng):
        rows, columns = np.indices(image.shape, dtype=np.float32)
        angle = rng.uniform(0, 2 * np.pi)
        depth = rows * np.sin(angle) + columns * np.cos(angle)
        depth = (depth - depth.min()) / max(np.ptp(depth), 1)
        return image * (1 - self.loss * depth)


# Third, after the greys and the overlay and before the noise: the electrons are counted behind the foil.
recipe = paper_recipe(name="wedge").with_step(ThicknessGradient(), at=2)
sample = synthesise(recipe, seed=7)

# The grains stay those of the paper's recipe with the same seed; only the image differs.
plain = synthesise(paper_recipe(), seed=7)
assert (sample.truth == plain.truth).all()
print("steps:", [step["step"] for step in recipe.describe()["steps"]])
print(f"mean grey {sample.image.mean():.0f} instead of {plain.image.mean():.0f}")
