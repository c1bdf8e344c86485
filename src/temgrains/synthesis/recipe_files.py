"""Recipes as files: TOML or JSON with what `Recipe.describe` gives."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temgrains.files import saving
from temgrains.synthesis.catalogue import shapes_by_name, steps_by_name
from temgrains.synthesis.fields import Sometimes
from temgrains.synthesis.packing import PackingSettings
from temgrains.synthesis.recipe import Recipe, paper_recipe, real_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

RECIPES: dict[str, Callable[..., Recipe]] = {"paper": paper_recipe, "default": real_recipe}
"""The recipes that have a name."""

ENDINGS = (".toml", ".json")
"""Endings of recipe files."""

_MOST_BYTES = 2**20
_NAME = re.compile(r"[\w.+-][\w.+ -]{0,63}")


def recipe_from_dict(values: dict[str, Any], *, where: str = "recipe") -> Recipe:
    """Build a recipe from plain values, as `Recipe.describe` gives them.

    Parameters
    ----------
    values
        Settings by name; ``base`` names the recipe ("paper" or "default") from which those that are missing
        come, else they keep the defaults of `Recipe`. A list of steps or shapes replaces the base's.
    where
        What the values are called in messages.

    Raises
    ------
    ValueError
        For an unknown name, or a value of the wrong kind or outside its range; the sentence names it.
    """
    values = dict(values)
    base = values.pop("base", None)
    _refuse_unknown(values, ["base", *(field.name for field in dataclasses.fields(Recipe))], where)
    if base is not None and base not in tuple(RECIPES):
        raise ValueError(f"base is {base!r} in {where}; it must be one of {', '.join(RECIPES)}")
    changes = {name: _READ[name](value, f"{name} in {where}") for name, value in values.items()}
    try:
        return RECIPES[base](**changes) if base is not None else Recipe(**changes)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe from a TOML or JSON file, or from the ``synthesis-SEED.json`` of a data set.

    Raises
    ------
    ValueError
        If the file is neither TOML nor JSON, or as `recipe_from_dict`.
    OSError
        If the file cannot be opened.
    """
    path = Path(path)
    kind = _kind_of(path)
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise ValueError(f"{path} has {size} bytes; a recipe has at most {_MOST_BYTES}: choose another file")
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text) if kind == "TOML" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a {kind} file: {error}") from error
    if isinstance(values, dict) and isinstance(values.get("requested"), dict):
        values = values["requested"]
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds no recipe but {type(values).__name__}; give a table of settings")
    return recipe_from_dict(values, where=str(path))


def write_recipe(recipe: Recipe, path: str | Path) -> None:
    """Write a recipe to a TOML or JSON file, which `read_recipe` reads back as the same recipe.

    Raises
    ------
    ValueError
        If the file has another ending, or the recipe holds steps of one's own, which no file can hold.
    OSError
        If the file cannot be written.
    """
    path = Path(path)
    kind = _kind_of(path)
    described = recipe.describe()
    if recipe_from_dict(described, where=f"recipe {recipe.name}") != recipe:
        raise ValueError(
            f"recipe {recipe.name} holds steps that a file cannot; use the concepts of temgrains, and "
            "Sometimes only around those that have no image_share of their own"
        )
    text = _toml(described) if kind == "TOML" else json.dumps(described, indent=1, allow_nan=False) + "\n"
    with saving(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _kind_of(path: Path) -> str:
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"{path} is no recipe file; its name must end in {' or '.join(ENDINGS)}")
    return path.suffix[1:].upper()


def _toml(described: dict[str, Any]) -> str:
    """Give plain values as TOML: single ones first, then tables, then lists of tables."""
    tables = ("packing", "shapes", "steps")
    plain = {name: value for name, value in described.items() if name not in tables}
    parts = [_lines(plain), f"[packing]\n{_lines(described['packing'])}"]
    for name in ("shapes", "steps"):  # as they are applied
        parts += [f"[[{name}]]\n{_lines(table)}" for table in described.get(name, ())]
    return "\n".join(parts)


def _lines(values: dict[str, Any]) -> str:
    names = sorted(values, key=lambda name: name != "step")  # what it is, then how it is set
    return "".join(f"{name} = {json.dumps(values[name], ensure_ascii=False)}\n" for name in names)


def _read_name(value: object, where: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(f"{where} is {value!r}; it must be 1 to 64 letters, digits, spaces, dots or dashes")
    return value


def _read_shape(value: object, where: str) -> tuple[int, ...]:
    return tuple(_number(0, side, where) for side in _pair(value, where))


def _read_range(value: object, where: str) -> tuple[float, ...]:
    return tuple(_number(0.0, end, where) for end in _pair(value, where))


def _read_float(value: object, where: str) -> float:
    number: float = _number(0.0, value, where)
    return number


def _read_packing(value: object, where: str) -> PackingSettings:
    packing: PackingSettings = _made(PackingSettings, value, where)
    return packing


def _read_shapes(value: object, where: str) -> tuple[Any, ...]:
    return _concepts(value, shapes_by_name(), where)


def _read_steps(value: object, where: str) -> tuple[Any, ...]:
    return _concepts(value, steps_by_name(), where)


_READ: dict[str, Callable[[object, str], Any]] = {
    "name": _read_name,
    "shape": _read_shape,
    "mean_diameter_px": _read_range,
    "sigma": _read_float,
    "fine_share": _read_float,
    "fine_ratio": _read_float,
    "thickness_px": _read_float,
    "packing": _read_packing,
    "shapes": _read_shapes,
    "steps": _read_steps,
}


def _pair(value: object, where: str) -> list[Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{where} is {value!r}; it must be a list of two numbers")
    return value


def _concepts(value: object, known: dict[str, type], where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{where} is {value!r}; it must be a list of tables")
    return tuple(_concept(table, known, f"number {k} of {where}") for k, table in enumerate(value, 1))


def _concept(table: object, known: dict[str, type], where: str) -> Any:
    """Make a concept, or one that only some images show."""
    if not isinstance(table, dict) or table.get("step") not in tuple(known):
        name = table.get("step") if isinstance(table, dict) else table
        raise ValueError(f"{name!r} is no step ({where}); known: {', '.join(known)}")
    kind = known[table["step"]]
    own = {key: value for key, value in table.items() if key != "step"}
    if "image_share" not in own or "image_share" in {field.name for field in dataclasses.fields(kind)}:
        return _made(kind, own, where)
    share = _number(0.0, own.pop("image_share"), f"image_share, {where},")
    return _made(Sometimes, {"concept": _made(kind, own, where), "image_share": share}, where)


def _made(kind: type, values: object, where: str) -> Any:
    """Make a dataclass of numbers."""
    if not isinstance(values, dict):
        raise ValueError(f"{where} is {values!r}; it must be a table of settings")
    fields = {field.name: field.default for field in dataclasses.fields(kind)}
    _refuse_unknown(values, fields, where)
    given = {name: _number(fields[name], value, f"{name}, {where},") for name, value in values.items()}
    try:
        return kind(**given)
    except ValueError as error:
        raise ValueError(f"{error} ({where})") from error


def _number(default: Any, value: Any, where: str) -> Any:
    """Give a number of the default's kind; 25 and 25.0 are one recipe."""
    if not isinstance(default, int | float):
        return value
    whole = isinstance(default, int)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise ValueError(f"{where} is {value!r}; it must be {'a whole number' if whole else 'a number'}")
    try:
        return value if whole else float(value)
    except OverflowError as error:
        raise ValueError(f"{where} has too many digits; give a number that is not so large") from error


def _refuse_unknown(given: dict[str, Any], known: Collection[str], where: str) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        names = ", ".join(map(repr, unknown))
        raise ValueError(f"unknown {names} in {where}; known: {', '.join(known) or 'none'}")
