"""Teaching a model: what its card says, and that no gain is claimed where there is none."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("lightning")

import torch
from skimage.morphology import skeletonize

from temgrains import models, teaching
from temgrains.gui._card import card_text
from temgrains.synthesis import paper_recipe, synthesise
from temgrains.training.examples import Example
from temgrains.training.settings import TuneSettings

SETTINGS = TuneSettings(
    name="mine", epochs=1, steps=2, batch=2, side_px=64, synthetic=18, tested=1, precision="32-true"
)
RECIPE = paper_recipe(mean_diameter_px=(24.0, 28.0))

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore:.*LeafSpec.*", "ignore:.*litlogger.*"
)


def example(index=0, **changes):
    sample = synthesise(replace(RECIPE, shape=(96, 160)), seed=5, index=index)
    pixels = sample.image.astype(np.float32) / np.float32(255)
    one = Example(f"film {index}", pixels, skeletonize(sample.truth), np.ones((96, 160), bool))
    return replace(one, **changes)


def teach(examples, out, **changes):
    settings = replace(SETTINGS, **changes)
    return teaching.teach(examples, out, base="paper", recipe=RECIPE, settings=settings)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return folder, teach([example()], folder)


def test_the_new_model_is_a_model_with_its_card(run, tmp_path):
    _, taught = run
    found = models.verify(models.save(taught.model, tmp_path / "mine.safetensors"))
    card, base = found.card, models.load("paper")
    assert (found.name, card["networks"], found.criterion) == ("mine", base.card["networks"], base.criterion)
    told = card["training"]
    assert told["start"]["sha256"] == base.card["sha256"]
    assert told["start"]["name"] == "paper"
    assert (told["seed"], told["epochs"], told["held_out"]) == (1, 1, 0.2)
    assert told["recipe"]["shape"] == [64, 64]
    (only,) = told["examples"]
    assert (only["image"], only["content"]) == (example().digest, example().content)
    assert only["learnt_px"] + only["held_out_px"] == 96 * 160
    assert "film" not in str(card)
    assert card["scores"] == taught.scores
    assert card["verdict"] == taught.verdict
    assert card["sha256"] != base.card["sha256"]
    assert all(
        torch.equal(a, b) for a, b in zip(found.net2.parameters(), base.net2.parameters(), strict=True)
    )
    assert "held out after f1" in card_text(card)


def test_both_models_are_scored_on_held_out_corrections_and_on_synthetic_micrographs(run):
    scores = run[1].scores
    for part in ("held_out", "synthetic"):
        for when in ("before", "after"):
            assert all(0 <= scores[part][when][figure] <= 1 for figure in teaching.FIGURES)
    assert scores["held_out"]["before"]["true_length_px"] == scores["held_out"]["after"]["true_length_px"] > 0
    rows = teaching.table(scores)
    assert [row[0] for row in rows] == ["", "held-out corrections", "synthetic"]
    assert rows[0][1:3] == ("F1 before", "F1 after")
    assert rows[1][1] == f"{scores['held_out']['before']['f1']:.3f}"


def test_another_run_does_not_go_on_in_the_same_folder(run):
    for examples, changes in (([example(1)], {}), ([example()], {"seed": 2})):
        with pytest.raises(ValueError, match="holds a run of another model, other examples or settings"):
            teach(examples, run[0], **changes)


def test_a_tidied_run_keeps_its_curves(run):
    folder, _ = run
    assert list(folder.glob("tune/*.ckpt"))
    assert list(folder.glob("pairs-*.npz"))
    teaching.tidy(folder)
    assert not [*folder.glob("tune/*.ckpt"), *folder.glob("pairs-*.npz")]
    assert (folder / "tune" / "losses.csv").exists()


def test_a_score_counts_only_where_corrections_are_held_out():
    one, model = example(), models.load("paper")
    right = np.zeros((96, 160), bool)
    right[:, 80:] = True
    whole, half = (teaching.held_score(one, part, model) for part in (np.ones_like(right), right))
    assert half["true"] == np.count_nonzero(one.boundaries & right)
    assert all(half[key] < whole[key] for key in whole)
    # What is true elsewhere does not matter.
    other = replace(one, boundaries=one.boundaries & right)
    assert teaching.held_score(other, right, model)["true"] == half["true"]


@pytest.mark.parametrize(
    ("held", "synthetic", "better", "said"),
    [
        (0.02, 0.0, True, "Better on the held-out corrections: F1 rose by 0.020."),
        (0.004, 0.0, False, "No better on the held-out corrections: F1 changed by +0.004"),
        (0.0, 0.0, False, "No better"),
        (-0.01, 0.0, False, "Worse on the held-out corrections: F1 fell by 0.010. Keep the model"),
        (0.02, -0.03, True, "It has forgotten something: F1 on synthetic micrographs fell by 0.030."),
    ],
)
def test_no_gain_is_claimed_where_there_is_none(held, synthetic, better, said):
    gains = {"held_out": held, "synthetic": synthetic}
    scores = {part: {"before": {"f1": 0.8}, "after": {"f1": 0.8 + gain}} for part, gain in gains.items()}
    scores["held_out"]["before"]["true_length_px"] = 400.0
    found, sentence = teaching.verdict(scores)
    assert found is better
    assert said in sentence


def test_of_too_little_boundary_nothing_is_claimed():
    scores = {part: {"before": {"f1": 0.0}, "after": {"f1": 1.0}} for part in ("held_out", "synthetic")}
    scores["held_out"]["before"]["true_length_px"] = 99.0
    assert teaching.verdict(scores) == (
        False,
        "Only 99 px of boundary are held out, too little to tell whether it is better. Correct more.",
    )


def test_without_examples_or_with_too_little_nothing_begins(tmp_path):
    with pytest.raises(ValueError, match="there is no example to learn from; add a corrected image first"):
        teach([], tmp_path)
    dot = np.zeros((96, 160), bool)
    dot[5, 5] = True
    with pytest.raises(ValueError, match="too little was looked at"):
        teach([example(looked=dot)], tmp_path)


def test_without_lightning_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning", None)
    for module in ("tuning", "fit"):
        monkeypatch.delitem(sys.modules, f"temgrains.training.{module}", raising=False)
    monkeypatch.delattr("temgrains.training.tuning", raising=False)
    with pytest.raises(ImportError, match=r"fine-tuning needs Lightning: pip install '\.\[train\]'"):
        teach([example()], tmp_path)


def test_the_folder_of_a_run_is_that_of_the_same_examples_model_and_settings(tmp_path):
    base, other = models.load("paper"), models.load("default")

    def folder(index=0, model=base, **changes):
        return teaching.run_folder(tmp_path, [example(index)], model, replace(SETTINGS, **changes))

    assert folder() == folder(name="other")
    assert len({folder(), folder(1), folder(model=other), folder(seed=2)}) == 4
