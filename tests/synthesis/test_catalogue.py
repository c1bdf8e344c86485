"""The catalogue holds every concept, and says of each setting what its class takes."""

from __future__ import annotations

import dataclasses
import inspect
import math

import pytest

from temgrains.synthesis import (
    concepts,
    defects,
    diffraction,
    geometry,
    instrument,
    noise,
    paper_recipe,
    real_recipe,
    vacuum,
)
from temgrains.synthesis.catalogue import shapes_by_name, steps_by_name, strengths
from temgrains.synthesis.fields import Limited, Sometimes

ALL = shapes_by_name() | steps_by_name()
SETTINGS = [
    pytest.param(kind, s, id=f"{kind.__name__}.{s.name}") for kind in ALL.values() for s in strengths(kind)
]


def test_it_holds_every_concept_of_the_package():
    modules = (concepts, defects, diffraction, geometry, instrument, noise, vacuum)
    found = {
        name: kind
        for module in modules
        for name, kind in inspect.getmembers(module, dataclasses.is_dataclass)
        if kind is not Limited
    }
    assert found == ALL


@pytest.mark.parametrize("recipe", [paper_recipe(), real_recipe()], ids=lambda recipe: recipe.name)
def test_its_order_is_that_of_the_recipes(recipe):
    for listed, used in ((shapes_by_name(), recipe.shapes), (steps_by_name(), recipe.steps)):
        kinds = [step.concept if isinstance(step, Sometimes) else step for step in used]
        places = [list(listed).index(type(kind).__name__) for kind in kinds]
        assert places == sorted(places)


@pytest.mark.parametrize(("kind", "strength"), SETTINGS)
def test_the_limits_are_those_of_the_class(kind, strength):
    other = {"low": {"high": 255}, "high": {"low": 0}}.get(strength.name, {})
    whole = int if strength.step else float
    for value in (strength.low, strength.default, strength.high):
        assert dataclasses.asdict(kind(**{strength.name: whole(value)}, **other))[strength.name] == value
    beyond = 1 if strength.step else 1e-6
    for value in (strength.low - beyond, strength.high + max(beyond, strength.high * 1e-6)):
        with pytest.raises(ValueError, match=r"; it must"):
            kind(**{strength.name: whole(math.floor(value) if value < 0 else value)}, **other)


@pytest.mark.parametrize(("kind", "strength"), SETTINGS)
def test_every_setting_has_a_sentence(kind, strength):
    assert strength.about.endswith(".")
    assert kind.__doc__.strip()


def test_units_come_from_the_name_or_the_sentence():
    units = {(kind.__name__, s.name): s.unit for kind in ALL.values() for s in strengths(kind)}
    assert units["Curved", "bend_px"] == "px"
    assert units["Moire", "contrast_grey"] == "grey"
    assert units["Loops", "density"] == "per 10 000 px²"
    assert units["Moire", "grain_share"] == ""
    assert [s.step for s in strengths(noise.Median)] == [2]
    assert [s.step for s in strengths(noise.SaltAndPepper)] == [0]


def test_a_class_without_source_has_wide_limits():
    made = dataclasses.make_dataclass("Made", [("much", float, dataclasses.field(default=2.0))])
    made.__module__ = "nowhere"
    (strength,) = strengths(made)
    assert (strength.about, strength.low, strength.high, strength.default) == ("", 0.0, 1e6, 2.0)
