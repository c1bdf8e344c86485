"""A model's card in words."""

from __future__ import annotations

from typing import Any

_INPUTS = {"sobel": "Sobel", "log": "LoG", "canny": "Canny", "grey": "the grey image itself"}


def card_text(card: dict[str, Any]) -> str:
    """Say what a model looks at, which grains suit it, what it learnt from and how it scores."""
    training = card.get("training")
    told = training if isinstance(training, dict) else {}
    recipe = told.get("recipe")
    lines = [f"<b>{card['name']}</b>"]
    if inputs := card.get("inputs"):
        lines.append(f"looks at edges: {', '.join(_INPUTS.get(str(name), str(name)) for name in inputs)}")
    if (suits := card.get("grains_px")) is not None:
        lines.append(
            f"knows grains of {suits[0]:g} to {suits[1]:g} px; other images are resampled to suit it"
        )
    if isinstance(recipe, dict) and recipe.get("name"):
        lines.append(f"trained on synthetic micrographs of the recipe '{recipe['name']}'{_count(told)}")
    elif source := card.get("source"):
        lines.append(str(source))
    if scores := _flat(card.get("scores")):
        lines += ["", "<b>Scores</b>", *(f"{name}: {value}" for name, value in scores)]
    return "<br>".join(lines)


def _count(training: dict[str, Any]) -> str:
    count = training.get("count")
    return f", {count:,} of them" if isinstance(count, int) else ""


def _flat(scores: Any, before: str = "") -> list[tuple[str, str]]:
    """List nested figures under names that read as words."""
    if isinstance(scores, dict):
        return [
            pair
            for key, value in scores.items()
            for pair in _flat(value, f"{before} {key}".replace("_", " "))
        ]
    if isinstance(scores, bool) or not isinstance(scores, int | float):
        return []
    return [(before.strip(), f"{scores:.3g}")]
