"""Recipes: what is drawn, as values."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from temgrains.synthesis.concepts import FlippedOverlay, RandomGrey
from temgrains.synthesis.defects import Dislocations, Loops, Particles, Speckle
from temgrains.synthesis.diffraction import (
    BendContours,
    BoundaryLines,
    BraggGrey,
    DepthOverlay,
    GrainMottle,
    GrainShading,
    InclinedBoundaries,
    Moire,
    ThicknessFringes,
    TwinLamellae,
)
from temgrains.synthesis.fields import Sometimes
from temgrains.synthesis.geometry import Curved, Line, Stretched
from temgrains.synthesis.instrument import (
    Background,
    Blur,
    CorrelatedNoise,
    GreyScale,
    JpegBlocks,
    ScaleBar,
    Scratches,
    ShotNoise,
)
from temgrains.synthesis.noise import GaussianNoise, Median, PoissonNoise, SaltAndPepper
from temgrains.synthesis.packing import SIGMA_MAX, PackingSettings
from temgrains.synthesis.power import LIMIT_PX, require_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from temgrains.records import GreyArray, LabelArray

Step: TypeAlias = "Callable[[GreyArray, LabelArray, np.random.Generator], GreyArray]"
"""A concept or a noise: ``(image, labels, rng) -> image``."""


Shape: TypeAlias = "Callable[[LabelArray, np.random.Generator], LabelArray]"
"""A shape of grains: ``(labels, rng) -> labels``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How synthetic micrographs are drawn: grains by Monte Carlo, then concepts and noise step by step."""

    name: str = "paper"
    """Name, for the reports."""
    shape: tuple[int, int] = (96, 496)
    """Height and width of the images [px]."""
    mean_diameter_px: tuple[float, float] = (40.0, 64.0)
    """Range of the mean of the circles' diameters [px]; each image draws its own, log-uniformly."""
    sigma: float = 0.45
    """Standard deviation of ln(diameter) of the circles (0..2). The cells' differs: see the report."""
    fine_share: float = 0.0
    """Share of the area that a second, finer kind of grains fills (0..0.95): a bimodal film."""
    fine_ratio: float = 0.3
    """Mean diameter of the finer grains, as a share of that of the others (0.05..1)."""
    thickness_px: float = 4.0
    """Thickness of the boundaries in the truth [px], at least 1."""
    packing: PackingSettings = field(default_factory=PackingSettings)
    """How the circles are pushed apart."""
    shapes: tuple[Shape, ...] = ()
    """What bends or cuts the cells, any callable ``(labels, rng) -> labels``; none leaves them convex."""
    steps: tuple[Step, ...] = ()
    """Concepts and noises in the order they are applied; any callable ``(image, labels, rng) -> image``."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        require_shape(self.shape)
        low, high = self.mean_diameter_px
        if not 2 <= low <= high <= LIMIT_PX:
            raise ValueError(
                f"mean_diameter_px is {self.mean_diameter_px!r}; it must rise and lie within 2..{LIMIT_PX} px"
            )
        if not 0 <= self.sigma <= SIGMA_MAX:
            raise ValueError(f"sigma is {self.sigma!r}; it must be from 0 to {SIGMA_MAX:g}")
        self._require_fine()
        if not (math.isfinite(self.thickness_px) and 1 <= self.thickness_px <= LIMIT_PX):
            raise ValueError(f"thickness_px is {self.thickness_px!r}; it must be from 1 to {LIMIT_PX} px")
        for step in self.steps:
            if not callable(step):
                raise ValueError(f"step {step!r} cannot be called; it must be (image, labels, rng) -> image")
        for shape in self.shapes:
            if not callable(shape):
                raise ValueError(f"shape {shape!r} cannot be called; it must be (labels, rng) -> labels")

    def _require_fine(self) -> None:
        if not 0 <= self.fine_share <= 0.95:
            raise ValueError(f"fine_share is {self.fine_share!r}; it must be from 0 to 0.95")
        if not 0.05 <= self.fine_ratio <= 1:
            raise ValueError(f"fine_ratio is {self.fine_ratio!r}; it must be from 0.05 to 1")
        finest = self.fine_ratio * self.mean_diameter_px[0]
        if self.fine_share and finest < 2:
            raise ValueError(
                f"the finer grains are down to {finest:g} px wide; they must be at least 2 px: raise "
                "fine_ratio or mean_diameter_px"
            )

    def with_step(self, step: Step, *, at: int | None = None) -> Recipe:
        """Give a recipe with one more step: before the step numbered ``at``, or last."""
        place = len(self.steps) if at is None else at
        return dataclasses.replace(self, steps=(*self.steps[:place], step, *self.steps[place:]))

    def describe(self) -> dict[str, Any]:
        """Give the recipe as plain JSON: every setting, and each shape's and step's name and settings.

        ``shapes``, ``fine_share`` and ``fine_ratio`` are left out where they have their defaults.
        """
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "shapes"}
        # Settings that came later are named only where they change something: old recipes keep their digest.
        plain = {k: v for k, v in plain.items() if k not in _LATER or v != _LATER[k]}
        shapes = [_describe_step(shape) for shape in self.shapes]
        return (
            plain
            | ({"shapes": shapes} if shapes else {})
            | {
                "shape": list(self.shape),
                "mean_diameter_px": list(self.mean_diameter_px),
                "packing": dataclasses.asdict(self.packing),
                "steps": [_describe_step(step) for step in self.steps],
            }
        )


def paper_recipe(**changes: Any) -> Recipe:
    """Give the paper's recipe (arXiv:2504.14782), with changes to any field of `Recipe`.

    Convex grains, each a random grey; a copy flipped both ways times 0.1; salt and pepper 5 %, Gaussian noise
    of variance 0.01, Poisson noise, and a 5 × 5 median.
    """
    steps = (RandomGrey(), FlippedOverlay(), SaltAndPepper(), GaussianNoise(), PoissonNoise(), Median())
    return Recipe(**({"name": "paper", "steps": steps} | changes))


def real_recipe(**changes: Any) -> Recipe:
    """Give the recipe of real bright-field micrographs, with changes to any field of `Recipe`.

    Curved and stretched grains of 20 to 64 px, to which the working scale brings all others, and lines of
    them; the contrast of diffraction, within grains and along their boundaries; defects; uneven light, blur,
    noise, grey scale, JPEG and marks of the instrument. Each image draws anew which concepts it shows, and
    the strength of each, down to none.
    """
    shapes = (_some(Stretched(aspect=2.0), 0.3), Curved(), Line())
    contrast = (
        BraggGrey(spread_grey=30.0),
        GrainShading(slope_grey=35.0),
        _some(GrainMottle(contrast_share=0.65), 0.75),
        _some(TwinLamellae(), 0.3),
        _some(BendContours(), 0.6),
        _some(InclinedBoundaries(), 0.8),
        _some(ThicknessFringes(contrast_grey=60.0, period_px=14.0, grain_share=0.6), 0.6),
        _some(Moire(), 0.2),
        _some(BoundaryLines(), 0.85),
    )
    defects = (
        _some(Dislocations(), 0.4),
        _some(Loops(), 0.3),
        _some(Particles(), 0.3),
        _some(Speckle(), 0.6),
    )
    light = (
        _some(DepthOverlay(weight_share=0.5), 0.7),
        _some(Background(), 0.7),
        Blur(focus_px=2.0, drift_px=2.5),
        CorrelatedNoise(),
        ShotNoise(least_dose=25.0),
        _some(GaussianNoise(), 0.25),
        GreyScale(),
    )
    marks = (_some(Scratches(), 0.2), _some(JpegBlocks(), 0.3), ScaleBar(image_share=0.15))
    usual = {
        "name": "default",
        "shape": (256, 256),
        "mean_diameter_px": (20.0, 64.0),
        "shapes": shapes,
        "steps": contrast + defects + light + marks,
    }
    return Recipe(**(usual | changes))


def _some(concept: Any, image_share: float) -> Sometimes:
    return Sometimes(concept=concept, image_share=image_share)


_LATER = {f.name: f.default for f in dataclasses.fields(Recipe) if f.name in {"fine_share", "fine_ratio"}}


def _describe_step(step: Any) -> dict[str, Any]:
    if isinstance(step, Sometimes):
        return {"image_share": step.image_share, **_describe_step(step.concept)}
    if dataclasses.is_dataclass(step) and not isinstance(step, type):
        return {"step": type(step).__name__, **dataclasses.asdict(step)}
    return {"step": getattr(step, "__qualname__", None) or repr(step)}
