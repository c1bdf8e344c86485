"""The card of a model in words."""

from __future__ import annotations

import pytest

from temgrains import models
from temgrains.gui._card import card_text


def test_a_card_says_what_a_user_asks() -> None:
    text = card_text(
        {
            "name": "mine",
            "networks": {"net1": "GuessNet"},
            "inputs": ["sobel", "canny", "grey"],
            "grains_px": [22.0, 60.0],
            "training": {"recipe": {"name": "default"}, "count": 9000},
            "scores": {"real": {"f1": 0.8123, "eq_1": 0.7}, "converged": True},
        }
    )
    assert text.split("<br>") == [
        "<b>mine</b>",
        "looks at edges: Sobel, Canny, the grey image itself",
        "knows grains of 22 to 60 px; other images are resampled to suit it",
        "trained on synthetic micrographs of the recipe 'default', 9,000 of them",
        "",
        "<b>Scores</b>",
        "real f1: 0.812",
        "real eq 1: 0.7",
    ]


def test_an_imported_card_names_its_source() -> None:
    assert card_text({"name": "old", "source": "imported from a.mat"}) == "<b>old</b><br>imported from a.mat"


@pytest.mark.parametrize("name", models.available())
def test_shipped_cards_hold_no_names_of_classes(name: str) -> None:
    text = card_text(models.load(name).card)
    assert "trained on synthetic micrographs" in text
    assert "Net" not in text
