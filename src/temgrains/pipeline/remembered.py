"""What an analysis that is read from a file tells of itself, with what is missing or wrong put right."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, get_args

from temgrains.pipeline import provenance
from temgrains.records import StopReason
from temgrains.settings import Settings, settings_from_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from temgrains.records import Iterate, Micrograph

UNKNOWN = "unknown"
"""Name of a model that a file does not name."""


def remembered(
    told: dict[str, Any], micrograph: Micrograph, iterates: Sequence[Iterate]
) -> tuple[dict[str, Any], list[str]]:
    """Give the provenance of an analysis with all entries that others rely on, each of the right kind.

    Parameters
    ----------
    told
        What the file holds, of whatever kind.
    micrograph, iterates
        What else the file holds: image and course are told by these where the provenance does not.

    Returns
    -------
    provenance, notes
        What was told, mended, and a sentence for each entry that was there and could not be used, or is lost.
    """
    notes: list[str] = []
    known = {**provenance.origin(micrograph), **provenance.course(iterates)}
    whole = dict(told)
    for name, right in _RIGHT.items():
        if name not in told or not right(told[name]):
            if name in told:
                notes.append(
                    f"its entry {name} is {told[name]!r:.40}; what the file shows was put in its place"
                )
            whole[name] = known.get(name, [] if name == "warnings" else {})
    whole["model"], of_model = _model(told.get("model"))
    whole["settings"], of_settings = _settings(told.get("settings"))
    rest = {name: entry for name, entry in known.items() if name not in whole}
    return {**whole, **rest}, [*notes, *of_model, *of_settings]


def _model(card: Any) -> tuple[dict[str, Any], list[str]]:
    """Give the card of the model, without the calibration of confidence if that is none."""
    found = dict(card) if isinstance(card, dict) else {}
    notes = []
    if not isinstance(found.get("name"), str):
        found["name"] = UNKNOWN
        notes.append("it does not tell which model found its boundaries")
    scale = found.get("confidence", [0.0, 1.0])
    if not (isinstance(scale, list) and len(scale) == 2 and all(map(_is_number, scale))):
        del found["confidence"]
        notes.append(f"the scale of its confidence is {scale!r:.40}; the mean of the guess counts instead")
    return found, notes


def _settings(told: Any) -> tuple[dict[str, Any], list[str]]:
    """Give settings that can be used."""
    if not isinstance(told, dict):
        return Settings().to_dict(), ["it does not tell its settings; the usual ones stand in"]
    try:
        settings_from_dict(told, where="its settings")
    except (ArithmeticError, TypeError, ValueError) as error:
        return Settings().to_dict(), [f"its settings cannot be used ({error}); the usual ones stand in"]
    return told, []


def _is_number(value: Any) -> bool:
    # Not turned into a float, which fails for whole numbers of hundreds of digits.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_list_of(right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, (list, tuple)) and all(map(right, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_RIGHT: dict[str, Callable[[Any], bool]] = {
    "stopped": lambda value: value is None or value in get_args(StopReason),
    "iterations": _is_count,
    "excluded": lambda value: isinstance(value, list),
    "excluded_share": lambda value: _is_number(value) and 0 <= value <= 1,
    "notes": _is_list_of(_is_text),
    "warnings": _is_list_of(_is_text),
    "seconds": lambda value: isinstance(value, dict) and all(map(_is_number, value.values())),
}
"""What is read by others than people, and what it must be."""
