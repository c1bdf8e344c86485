"""All concepts by name and in working order, and what may be set on each, read from its fields."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

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
from temgrains.synthesis.fields import LIMITS
from temgrains.synthesis.geometry import Curved, Line, Stretched, TwinGrains
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
from temgrains.synthesis.vacuum import Vacuum

SHAPES: dict[str, tuple[type, ...]] = {"Shape of the grains": (Stretched, Curved, TwinGrains, Line)}
"""Shapes of grains by group, in the order in which a recipe applies them."""

STEPS: dict[str, tuple[type, ...]] = {
    "Contrast of grains and boundaries": (
        RandomGrey,
        BraggGrey,
        GrainShading,
        GrainMottle,
        TwinLamellae,
        BendContours,
        InclinedBoundaries,
        ThicknessFringes,
        Moire,
        BoundaryLines,
    ),
    "Defects": (Dislocations, Loops, Particles, Speckle),
    "Overlap, light and focus": (FlippedOverlay, DepthOverlay, Vacuum, Background, Blur),
    "Noise": (CorrelatedNoise, ShotNoise, SaltAndPepper, GaussianNoise, PoissonNoise, Median),
    "Grey scale and marks": (GreyScale, Scratches, JpegBlocks, ScaleBar),
}
"""Concepts and noises by group, in the order in which a recipe applies them: specimen, microscope, file."""


@dataclass(frozen=True, slots=True)
class Strength:
    """What may be set on a concept: one field of its class.

    ``low`` and ``high`` are the limits beyond which the class refuses a value. ``unit`` is "px", "grey" (of
    255), another word from the field's docstring, or empty. ``step`` is 1 for whole numbers, 2 for odd ones,
    0 for all others.
    """

    name: str
    about: str
    unit: str
    low: float
    high: float
    default: float
    step: int


def shapes_by_name() -> dict[str, type]:
    """Give the classes of all shapes by name."""
    return {kind.__name__: kind for kinds in SHAPES.values() for kind in kinds}


def steps_by_name() -> dict[str, type]:
    """Give the classes of all concepts and noises by name."""
    return {kind.__name__: kind for kinds in STEPS.values() for kind in kinds}


def strengths(kind: type) -> tuple[Strength, ...]:
    """Give what may be set on a concept, from the fields of its class and their docstrings.

    Parameters
    ----------
    kind
        The class, a dataclass whose settings are numbers.

    Notes
    -----
    Limits come from the name (…_share, …_grey, …_px) or from ``(low..high)`` in the docstring, units from the
    name or from ``[unit]``. Where neither says anything, as for a class whose source is not there, the limits
    are 0 and 1e6: the class itself refuses what is wrong.
    """
    docstrings = _documented(kind.__module__).get(kind.__name__, {})
    fields: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(kind)
    return tuple(_strength(field, docstrings.get(field.name, "")) for field in fields)


def _strength(field: dataclasses.Field[Any], about: str) -> Strength:
    suffix = field.name.rpartition("_")[2]
    limits = re.search(r"\(([\d.]+?)\.\.([\d.]+)\)", about)
    default: Any = field.default
    bracket = re.search(r"\[(.+?)\]", about)
    high = LIMITS.get(suffix, 1e6)
    return Strength(
        name=field.name,
        about=about,
        unit=suffix if suffix in {"px", "grey"} else bracket[1] if bracket else "",
        low=float(limits[1]) if limits else 0.0,
        high=float(limits[2]) if limits else high,
        default=default,
        step=0 if isinstance(default, float) else 2 if "odd" in about else 1,
    )


@lru_cache(maxsize=32)
def _documented(module: str) -> dict[str, dict[str, str]]:
    """Give the docstrings of the fields of all classes of a module: Python itself does not keep them."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError):
        return {}
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {node.name: _of_fields(node) for node in classes}


def _of_fields(node: ast.ClassDef) -> dict[str, str]:
    found = {}
    for field, after in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found[field.target.id] = " ".join(str(after.value.value).split())
    return found
