"""A recipe that is being changed: which concepts are on, and how strong they are. Knows no Qt."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from temgrains.synthesis.catalogue import SHAPES, STEPS, Strength, strengths
from temgrains.synthesis.fields import Sometimes
from temgrains.synthesis.generate import shown

if TYPE_CHECKING:
    from temgrains.synthesis import Recipe

IMAGES = Strength("image_share", "Share of the images that show it.", "", 0.0, 1.0, 1.0, 0)
"""What may be set on every concept."""

MANY_GRAINS = 20_000
"""A sample of more is drawn only when it is asked for."""


@dataclass(slots=True)
class Slot:
    """The place of one concept in a recipe.

    ``concept`` is the dataclass that draws it, ``share`` the share of images that show it. A ``kept`` slot
    was in the recipe that was opened: switched off it keeps its place there with a share of nought, so that
    all others draw what they drew before; ``wrapped`` says that it had a share. Other slots are in the recipe
    only while they are on.
    """

    concept: Any
    share: float
    on: bool
    kept: bool = False
    wrapped: bool = False

    @property
    def strengths(self) -> tuple[Strength, ...]:
        """What may be set, the share of images first."""
        own = strengths(type(self.concept))
        return own if _has_share(self.concept) else (IMAGES, *own)

    def value(self, name: str) -> float:
        """Give the value of a setting."""
        own = name != "image_share" or _has_share(self.concept)
        return float(getattr(self.concept, name) if own else self.share)

    def change(self, name: str, value: float) -> None:
        """Set a setting.

        Raises
        ------
        ValueError
            If the concept refuses the value; it stays as it was then.
        """
        if name == "image_share" and not _has_share(self.concept):
            self.share = value
        else:
            whole = isinstance(getattr(self.concept, name), int)
            self.concept = dataclasses.replace(self.concept, **{name: int(value) if whole else value})

    def steps(self) -> tuple[Any, ...]:
        """Give what stands in the recipe: one step, or none."""
        if not self.on and not self.kept:
            return ()
        if _has_share(self.concept):
            return (self.concept if self.on else dataclasses.replace(self.concept, image_share=0.0),)
        if self.on and not self.wrapped and self.share == 1:
            return (self.concept,)
        return (Sometimes(concept=self.concept, image_share=self.share if self.on else 0.0),)


class Draft:
    """A recipe with a slot for every concept there is, in working order."""

    def __init__(self, recipe: Recipe) -> None:
        self._opened = self._plain = recipe
        self.shapes = _slots(recipe.shapes, SHAPES)
        self.steps = _slots(recipe.steps, STEPS)

    @property
    def plain(self) -> Recipe:
        """The recipe as far as it is no matter of concepts: shape, sizes, thickness."""
        return self._plain

    @property
    def grains(self) -> float:
        """About how many grains an image has when they are as small as the recipe lets them be."""
        plain = self._plain
        per_area = 1 - plain.fine_share + plain.fine_share / plain.fine_ratio**2
        return plain.shape[0] * plain.shape[1] / plain.mean_diameter_px[0] ** 2 * per_area

    def change(self, **settings: Any) -> None:
        """Set what is no matter of concepts.

        Raises
        ------
        ValueError
            If the recipe refuses a value; all stays as it was then.
        """
        self._plain = dataclasses.replace(self._plain, **settings)

    def rename(self, name: str) -> None:
        """Give the recipe, as it is now, a name of its own."""
        self._opened = self._plain = dataclasses.replace(self.recipe(), name=name)

    def recipe(self) -> Recipe:
        """Give the recipe as it is now; with other concepts than were opened its name says so."""
        shapes, steps = (
            tuple(step for slot in slots for step in slot.steps()) for slots in (self.shapes, self.steps)
        )
        same = (shapes, steps) == (self._opened.shapes, self._opened.steps)
        name = self._opened.name if same else f"{self._opened.name[:55]}-changed"
        return dataclasses.replace(self._plain, name=name, shapes=shapes, steps=steps)

    def groups(self) -> dict[str, list[Slot]]:
        """Give all slots by the group of their concept."""
        return {
            title: [slot for slot in slots if isinstance(slot.concept, kinds)]
            for slots, groups in ((self.shapes, SHAPES), (self.steps, STEPS))
            for title, kinds in groups.items()
        }

    def missing(self, *, seed: int, index: int) -> list[Slot]:
        """Give the slots that are on, but that this image happens not to show."""
        found = []
        both = shown(self.recipe(), seed=seed, index=index)
        for slots, seen in zip((self.shapes, self.steps), both, strict=True):
            there = [slot for slot in slots if slot.steps()]
            found += [slot for slot, is_seen in zip(there, seen, strict=True) if slot.on and not is_seen]
        return found


def _slots(used: tuple[Any, ...], groups: dict[str, tuple[type, ...]]) -> list[Slot]:
    """Give a slot for each concept in use, and between them one for each that is not."""
    kinds = [kind for group in groups.values() for kind in group]
    slots = [_slot(step) for step in used]
    for kind in kinds:
        if any(isinstance(slot.concept, kind) for slot in slots):
            continue
        earlier = kinds[: kinds.index(kind)]
        places = [k for k, slot in enumerate(slots) if type(slot.concept) in earlier]
        slots.insert(max(places, default=-1) + 1, Slot(kind(), 1.0, False))
    return slots


def _slot(step: Any) -> Slot:
    """Give the slot of a step in use; one that no image shows is off, at its usual share."""
    if isinstance(step, Sometimes):
        on = step.image_share > 0
        return Slot(step.concept, step.image_share if on else 1.0, on, kept=True, wrapped=True)
    if _has_share(step) and step.image_share == 0:
        return Slot(dataclasses.replace(step, image_share=type(step)().image_share), 1.0, False, kept=True)
    return Slot(step, 1.0, True, kept=True)


def _has_share(concept: Any) -> bool:
    """Whether a concept has an image share among its own settings."""
    return any(field.name == "image_share" for field in dataclasses.fields(concept))
