"""The order of the stages, with networks whose answers are known beforehand."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

import temgrains as tg
from temgrains import pipeline
from temgrains.corrections import Operation, Stroke
from temgrains.micrograph import from_array
from temgrains.models import make_model
from temgrains.pipeline.scale import resampled
from temgrains.records import BoundaryMap, Cancelled
from temgrains.settings import (
    BoundarySettings,
    EdgeSettings,
    GuessSettings,
    RefineSettings,
    Settings,
    settings_from_dict,
)

PITCH = 32
ROWS, COLUMNS = 3, 4


class _Union(torch.nn.Module):
    """A Net1 that takes every edge for a boundary."""

    channels, ceiling, halo, channels_last = 3, 255.0, 0, False

    def forward(self, edges):
        return edges.amax(1, keepdim=True)


class _Next(torch.nn.Module):
    """A Net2 that applies a function to the grey of each pixel."""

    channels, ceiling, halo, channels_last = 1, 1.0, 0, False

    def __init__(self, change):
        super().__init__()
        self._change = change

    def forward(self, state):
        return self._change(state) / 255


CHANGES = {
    "keep": lambda grey: grey,
    "halve": lambda grey: grey / 2,
    "invert": lambda grey: 255 - grey,
    "count up": lambda grey: (grey + 1) % 256,
}


def drawn_model(change):
    """A model whose Net2 does to each grey value what the word says."""
    return make_model(change, _Union(), _Next(CHANGES[change]), criterion="paper", about={"change": change})


@pytest.fixture(scope="module")
def keep():
    return drawn_model("keep")


@pytest.fixture(scope="module")
def chequers():
    """Black and white squares, 3 x 4 of them."""
    grey = np.indices((ROWS, COLUMNS)).sum(axis=0) % 2 * 255
    return from_array(np.kron(grey, np.ones((PITCH, PITCH))).astype(np.uint8), pixel_size=(0.5, 0.5))


@pytest.fixture(scope="module")
def analysis(chequers, keep):
    return pipeline.analyse(chequers, model=keep)


def test_squares_are_the_grains(analysis):
    assert analysis.grains.count == ROWS * COLUMNS
    middles = analysis.grains.labels[PITCH // 2 :: PITCH, PITCH // 2 :: PITCH]
    assert len(np.unique(middles)) == ROWS * COLUMNS
    assert 0 not in middles


def test_stages_hand_on_their_records(analysis, keep):
    assert np.array_equal(analysis.guess.grey, analysis.edges.maps.max(axis=0))
    assert analysis.iterates[0].state is analysis.guess.grey
    assert [iterate.index for iterate in analysis.iterates] == [0, 1]
    again = list(tg.refine(analysis.guess, model=keep))
    assert np.array_equal(again[-1].state, analysis.iterates[-1].state)
    assert analysis.sizes.pixel_size == (0.5, 0.5)


def test_provenance_is_plain_json_and_repeats_the_run(analysis, keep):
    made = json.loads(json.dumps(analysis.provenance, allow_nan=False))
    assert made == analysis.provenance
    assert made["version"] == tg.__version__
    assert settings_from_dict(made["settings"]) == Settings()
    assert made["model"] == keep.card
    assert made["source"] == analysis.micrograph.source
    assert made["pixel_size_nm"] == [0.5, 0.5]
    assert made["calibration"] == analysis.micrograph.calibration
    assert made["shape"] == made["working_shape"] == [ROWS * PITCH, COLUMNS * PITCH]
    assert (made["stopped"], made["converged"], made["iterations"]) == ("fixed point", True, 1)
    assert made["change"] == [0.0]
    assert made["warnings"] == []
    assert list(made["seconds"]) == ["edges", "guess", "refine", "boundaries", "grains", "sizes"]


def test_change_per_iteration_is_recorded(chequers):
    made = pipeline.analyse(chequers, model=drawn_model("halve"))
    share = (made.guess.grey > 0).mean()
    # Half even: 255 -> 128 -> 64 -> 32 -> 16 ...
    steps = share * np.array([127, 64, 32, 16]) / 255
    assert made.provenance["change"][:4] == pytest.approx(steps)
    assert made.provenance["stopped"] == "converged"
    assert made.provenance["change"][-1] <= 0.003 < made.provenance["change"][-2]


def test_cycle_is_no_convergence(chequers):
    made = pipeline.analyse(chequers, model=drawn_model("invert")).provenance
    assert (made["stopped"], made["converged"], made["iterations"]) == ("cycle", False, 2)
    assert made["warnings"] == ["the refinement ended in a cycle after 2 iterations, without converging"]


def test_many_iterations_mean_a_poor_guess(chequers):
    with pytest.warns(UserWarning, match="more than 40 iterations"):
        made = pipeline.analyse(chequers, model=drawn_model("count up")).provenance
    assert (made["stopped"], made["converged"], made["iterations"]) == ("cap", False, 60)
    assert made["warnings"][:2] == [
        "the refinement took 60 iterations, more than 40: the initial guess is poor",
        "the refinement was cut off after 60 iterations, before it had converged",
    ]


def test_no_refinement_is_possible(chequers, keep):
    settings = Settings(refine=RefineSettings(max_iterations=0))
    made = pipeline.analyse(chequers, model=keep, settings=settings)
    assert len(made.iterates) == 1
    assert (made.provenance["stopped"], made.provenance["change"]) == (None, [])
    assert made.grains.count == ROWS * COLUMNS


def test_flat_image_has_one_grain_and_says_so(keep):
    flat = from_array(np.full((48, 64), 7, np.uint8))
    made = pipeline.analyse(flat, model=keep)
    assert made.grains.count == 1
    assert made.provenance["warnings"] == [
        "the image has no contrast: all its pixels are alike",
        "no boundary was found",
        "the pixel size is not known: sizes are in pixels only; state it to have them in nm",
    ]


def test_unknown_scale_is_said_until_it_is_known(chequers, keep):
    made = pipeline.analyse(dataclasses.replace(chequers, pixel_size=None), model=keep)
    assert [said for said in made.provenance["warnings"] if "pixel size is not known" in said]
    known = pipeline.with_pixel_size(made, (0.5, 0.5))
    assert known.provenance["warnings"] == []
    assert pipeline.with_pixel_size(known, None).provenance["warnings"] == made.provenance["warnings"]


def test_lengths_corrected_by_hand_follow_the_scale(chequers, keep):
    made = pipeline.analyse(dataclasses.replace(chequers, pixel_size=None), model=keep)
    line = Operation("draw", (Stroke(((4, 4), (4, 14))),))
    corrected = pipeline.with_corrections(made, [line])
    assert corrected.provenance["corrections"]["added_px"] == 10
    assert corrected.provenance["corrections"]["added_nm"] is None
    known = pipeline.with_pixel_size(corrected, (0.5, 0.5)).provenance["corrections"]
    assert known["added_nm"] == 5
    assert known["list"] == corrected.provenance["corrections"]["list"]
    assert "corrections" not in pipeline.with_pixel_size(made, (0.5, 0.5)).provenance


@pytest.mark.parametrize("wrong", ["film.tif", np.zeros((32, 32))])
def test_what_is_no_micrograph_is_refused_with_what_to_do(wrong, keep):
    with pytest.raises(TypeError, match=r"micrograph is of type (str|ndarray); read a file with temgrains"):
        pipeline.analyse(wrong, model=keep)


@pytest.mark.parametrize("wrong", [{}, None])
def test_what_are_no_settings_is_refused(chequers, keep, wrong):
    with pytest.raises(TypeError, match=r"settings is of type \w+; give temgrains.Settings\(\)"):
        pipeline.analyse(chequers, model=keep, settings=wrong)


def test_what_is_no_model_is_refused(chequers):
    with pytest.raises(TypeError, match="model is of type NoneType; give its name, the path of its file"):
        pipeline.analyse(chequers, model=None)


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_results_have_the_shape_of_the_image_at_any_working_scale(chequers, keep, scale):
    made = pipeline.analyse(chequers, model=keep, settings=Settings(guess=GuessSettings(scale=scale)))
    working = (round(chequers.shape[0] * scale), round(chequers.shape[1] * scale))
    assert made.edges.maps.shape[1:] == made.iterates[-1].state.shape == working
    assert tuple(made.provenance["working_shape"]) == working
    assert made.boundaries.mask.shape == made.grains.labels.shape == chequers.shape
    assert made.grains.count == ROWS * COLUMNS
    centres = made.sizes.table[["row_px", "column_px"]].to_numpy()
    expected = [(PITCH * (r + 0.5), PITCH * (c + 0.5)) for r in range(ROWS) for c in range(COLUMNS)]
    distance = np.linalg.norm(centres[:, None] - np.array(expected)[None], axis=-1)
    assert distance.min(axis=0).max() < 3
    assert made.sizes.table["area_px2"].sum() == pytest.approx(chequers.pixels.size, rel=0.02)


def test_sides_that_do_not_divide_come_back_whole(keep, rng):
    image = from_array(rng.random((95, 131)).astype(np.float32))
    made = pipeline.analyse(image, model=keep, settings=Settings(guess=GuessSettings(scale=0.37)))
    assert made.guess.grey.shape == (35, 48)
    assert made.boundaries.mask.shape == (95, 131)


def test_working_scale_that_leaves_too_little_is_refused(keep):
    image = from_array(np.eye(64, dtype=np.uint8))
    with pytest.raises(ValueError, match=r"at guess.scale 0.2 the image is 13 x 13 px; .* at least 16 px"):
        pipeline.analyse(image, model=keep, settings=Settings(guess=GuessSettings(scale=0.2)))


def test_resampling_keeps_the_field_of_view(chequers):
    half = resampled(chequers, 0.5)
    assert half.pixel_size == (1.0, 1.0)
    assert half.pixels.dtype == np.float32
    blocks = chequers.pixels[PITCH // 2 :: PITCH, PITCH // 2 :: PITCH]
    assert np.allclose(half.pixels[PITCH // 4 :: PITCH // 2, PITCH // 4 :: PITCH // 2], blocks, atol=1e-6)


def test_the_micrograph_is_not_changed(chequers, keep):
    before = chequers.pixels.copy()
    pipeline.analyse(chequers, model=keep, settings=Settings(guess=GuessSettings(scale=0.5)))
    assert np.array_equal(chequers.pixels, before)


STALE = {
    "edges": Settings(edges=EdgeSettings(median_px=5)),
    "guess": Settings(guess=GuessSettings(tile_px=512)),
    "refine": Settings(refine=RefineSettings(criterion="reference")),
    "boundaries": Settings(boundaries=BoundarySettings(min_grain_px=30)),
}


@pytest.mark.parametrize("stage", STALE)
def test_update_reruns_from_the_first_stale_stage(analysis, keep, stage):
    made = pipeline.update(analysis, model=keep, settings=STALE[stage])
    kept = list(STALE)[: list(STALE).index(stage)]
    assert (made.edges is analysis.edges) == ("edges" in kept)
    assert (made.guess is analysis.guess) == ("guess" in kept)
    assert (made.iterates is analysis.iterates) == ("refine" in kept)
    assert made.boundaries is not analysis.boundaries
    assert made.provenance["settings"] == STALE[stage].to_dict()


@pytest.mark.parametrize("stage", STALE)
def test_update_equals_a_fresh_analysis(analysis, keep, stage):
    made = pipeline.update(analysis, model=keep, settings=STALE[stage])
    fresh = pipeline.analyse(analysis.micrograph, model=keep, settings=STALE[stage])
    assert np.array_equal(made.edges.maps, fresh.edges.maps)
    assert np.array_equal(made.guess.grey, fresh.guess.grey)
    assert np.array_equal(made.iterates[-1].state, fresh.iterates[-1].state)
    assert np.array_equal(made.grains.labels, fresh.grains.labels)
    assert made.sizes.table.equals(fresh.sizes.table)
    assert made.provenance.keys() == fresh.provenance.keys()
    assert all(made.provenance[k] == v for k, v in fresh.provenance.items() if k != "seconds")


def test_update_without_a_change_gives_the_same_object(analysis, keep):
    assert pipeline.update(analysis, model=keep, settings=Settings()) is analysis


def test_another_model_keeps_the_edges_only(analysis):
    halve = drawn_model("halve")
    made = pipeline.update(analysis, model=halve, settings=Settings())
    assert made.edges is analysis.edges
    assert made.guess is not analysis.guess
    assert made.provenance["model"] == halve.card


def test_another_model_and_other_edges_keep_nothing(analysis):
    assert pipeline.stale_stage(analysis, model=drawn_model("halve"), settings=STALE["edges"]) == "edges"
    assert pipeline.stale_stage(analysis, model=drawn_model("halve"), settings=STALE["boundaries"]) == "guess"


def test_another_working_scale_makes_the_edges_stale(analysis, keep):
    settings = Settings(guess=GuessSettings(scale=0.5))
    assert pipeline.stale_stage(analysis, model=keep, settings=settings) == "edges"
    assert pipeline.update(analysis, model=keep, settings=settings).edges.maps.shape == (3, 48, 64)


def test_time_of_kept_stages_stays(analysis, keep):
    made = pipeline.update(analysis, model=keep, settings=STALE["boundaries"])
    for stage in ("edges", "guess", "refine"):
        assert made.provenance["seconds"][stage] == analysis.provenance["seconds"][stage]


def test_refinement_left_in_the_middle_can_be_concluded(analysis):
    model = drawn_model("halve")
    steps = pipeline.iterates_of(analysis.guess, model=model)
    iterates = (pipeline.first_iterate(analysis.guess), next(steps))
    refined = dataclasses.replace(pipeline.refined_of(analysis), iterates=iterates)
    made = pipeline.conclude(refined, model=model)
    assert (made.provenance["stopped"], made.provenance["iterations"]) == (None, 1)
    assert made.provenance["converged"] is False
    assert np.array_equal(made.grains.labels, analysis.grains.labels)


def test_refinement_goes_on_from_any_iterate(analysis):
    model = drawn_model("halve")
    whole = list(pipeline.iterates_of(analysis.guess, model=model))
    rest = list(pipeline.iterates_of(whole[1], model=model))
    assert [r.index for r in rest] == [w.index for w in whole[2:]]
    assert all(np.array_equal(r.state, w.state) for r, w in zip(rest, whole[2:], strict=True))


def test_scale_touches_the_sizes_only(analysis):
    made = pipeline.with_pixel_size(analysis, (2.0, 2.0), calibration="scale bar")
    assert made.boundaries is analysis.boundaries
    assert made.micrograph.pixels is analysis.micrograph.pixels
    assert np.allclose(made.sizes.table["area_nm2"], 4 * analysis.sizes.table["area_px2"])
    assert (made.provenance["pixel_size_nm"], made.provenance["calibration"]) == ([2.0, 2.0], "scale bar")
    assert pipeline.with_pixel_size(analysis, None).provenance["pixel_size_nm"] is None


def test_progress_names_the_stages_in_their_order(chequers, keep):
    heard = []
    pipeline.analyse(chequers, model=keep, progress=lambda *report: heard.append(report))
    stages = list(dict.fromkeys(stage for stage, _, _ in heard))
    assert [stage for stage in stages if stage in {"edges", "guess", "refine", "boundaries"}] == [
        "edges",
        "guess",
        "refine",
        "boundaries",
    ]
    assert all(0 <= done <= total for _, done, total in heard)


@pytest.mark.parametrize("where", ["edges", "guess", "refine", "boundaries"])
def test_every_stage_can_be_cancelled(chequers, keep, where):
    def stop(stage, _done, _total):
        if stage == where:
            raise Cancelled

    with pytest.raises(Cancelled):
        pipeline.analyse(chequers, model=keep, progress=stop)


def test_imagination_starts_from_the_noise_of_its_seed(keep):
    made = pipeline.imagine(seed=5, shape=(48, 64), model=keep)
    noise = np.random.default_rng(5).integers(0, 256, (48, 64), np.uint8)
    assert np.array_equal(made.iterates[0].state, noise)
    assert made.boundaries.mask.shape == (48, 64)
    assert made.provenance["seed"] == 5
    assert made.provenance["settings"]["refine"]["max_iterations"] == 150
    assert json.dumps(made.provenance, allow_nan=False)


def test_imagination_repeats_and_differs_with_the_seed(keep):
    one, same, other = (pipeline.imagine(seed=s, shape=(48, 64), model=keep) for s in (1, 1, 2))
    assert np.array_equal(one.grains.labels, same.grains.labels)
    assert not np.array_equal(one.iterates[0].state, other.iterates[0].state)


def test_imagination_from_a_negative_seed_is_refused(keep):
    with pytest.raises(ValueError, match="seed is -1; it must be 0 or more"):
        pipeline.imagine(seed=-1, model=keep)


def test_imagination_beyond_the_memory_is_refused_before_it_is_taken(keep):
    with pytest.raises(ValueError, match="noise: it claims 100000 x 100000 px, above the limit"):
        pipeline.imagine(seed=0, shape=(100_000, 100_000), model=keep)


def test_imagination_in_a_strip_too_thin_is_refused(keep):
    with pytest.raises(ValueError, match="the noise is 8 x 64 px; both sides must be at least 16 px"):
        pipeline.imagine(seed=0, shape=(8, 64), model=keep)


def test_guess_step_takes_what_the_edge_step_gives(chequers, keep):
    edges = pipeline.edges_of(chequers)
    start = pipeline.guess_of(edges, model=keep)
    assert isinstance(start, BoundaryMap)
    assert np.array_equal(start.grey, edges.maps.max(axis=0))
