"""The figures of an evaluation are those of its runs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from temgrains import evaluation, models, pipeline
from temgrains.networks import PaperNet1, PaperNet2
from temgrains.records import Boundaries, Micrograph
from temgrains.score import score
from temgrains.synthesis import paper_recipe, synthesise

RECIPE = dataclasses.replace(paper_recipe(), shape=(48, 96), mean_diameter_px=(20.0, 24.0))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    return models.make_model("raw", PaperNet1(), PaperNet2(20.0), criterion="paper")


def test_a_row_holds_its_micrograph_s_scores(model):
    table = evaluation.evaluate(RECIPE, model=model, seed=8, count=2)
    assert list(table["index"]) == [0, 1]
    sample = synthesise(RECIPE, seed=8, index=1)
    found = pipeline.analyse(Micrograph(sample.image.astype(np.float32) / np.float32(255)), model=model)
    wanted = score(sample.truth, found.boundaries.mask, tolerance_px=3, margin_px=0)
    assert table.loc[1, "eq1"] == wanted.eq1
    assert table.loc[1, "precision"] == wanted.precision
    assert table.loc[1, "iterations"] == found.iterates[-1].index
    assert table.loc[1, "true_mean_ecd_px"] == sample.report["cells_mean_ecd_px"]


def test_noise_rows_hold_their_microstructure(model):
    table = evaluation.evaluate_from_noise(model=model, seeds=range(4, 6), shape=(48, 96))
    made = pipeline.imagine(seed=5, shape=(48, 96), model=model)
    assert list(table["seed"]) == [4, 5]
    assert table.loc[1, "grains"] == made.grains.count
    assert table.loc[1, "mean_ecd_px"] == made.sizes.table["ecd_px"].mean()


def test_microstructures_settle_are_closed_and_as_large_as_those_learnt():
    micrographs = pd.DataFrame({"true_mean_ecd_px": [30.0, 50.0], "true_sigma": [0.2, 0.5]})
    noise = pd.DataFrame(
        {
            "stopped": ["converged", "cap", "fixed point", "converged", "converged", "converged"],
            "closed": [1.0, 1.0, 0.95, 0.9, 1.0, 1.0],
            "mean_ecd_px": [40.0, 40.0, 31.0, 40.0, 51.0, 40.0],
            "sigma": [0.3, 0.3, 0.4, 0.3, 0.3, 0.1],
        }
    )
    made = evaluation.are_microstructures(noise, micrographs)
    assert list(made) == [True, False, True, False, False, False]


def test_closed_share():
    mask = np.zeros((4, 9), bool)
    mask[:, 4] = True
    labels = np.ones((4, 9), np.int32)
    assert evaluation.closed_share(Boundaries(mask, labels, pruned_px=1)) == pytest.approx(4 / 5)
    assert evaluation.closed_share(Boundaries(~mask & mask, labels, pruned_px=0)) == 0


def test_only_settled_runs_within_46_passes_count_as_converged():
    table = pd.DataFrame(
        {"index": range(5), "iterations": [7, 46, 47, 60, 9], "f1": [0.5, 1, 1, 1, 1],
         "stopped": ["converged", "fixed point", "converged", "cap", "cycle"]}
    )  # fmt: skip
    summary = evaluation.summarise(table)
    assert (summary["count"], summary["converged"], summary["f1"]) == (5, 0.4, 0.9)
    assert "index" not in summary


def test_segments_are_rated_and_the_curve_is_found_again():
    rng = np.random.default_rng(0)
    support = rng.uniform(0.02, 0.98, 4000)
    true = rng.random(4000) < evaluation.calibrated(support, -0.5, 2.0)
    known = pd.DataFrame({"support": support, "true": true})
    offset, slope = evaluation.fit_confidence(known)
    assert (offset, slope) == pytest.approx((-0.5, 2.0), abs=0.2)
    sure = known.assign(confidence=evaluation.calibrated(support, offset, slope))
    assert evaluation.calibration_error(sure) < 0.03
    assert evaluation.calibration_error(known.assign(confidence=support)) > 0.08


def test_segments_of_fresh_micrographs_are_compared_with_their_truth():
    recipe = paper_recipe(shape=(96, 160), mean_diameter_px=(40.0, 44.0))
    found = evaluation.evaluate_confidence(recipe, model="paper", seed=9, count=2)
    assert found["support"].between(0, 1).all()
    assert found["true"].mean() > 0.7
    assert found.loc[found["true"], "support"].mean() > 0.8
