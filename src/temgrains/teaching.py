"""Teach a model by corrected images: fine-tune, score before and after, say honestly what came of it."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.morphology import skeletonize

from temgrains import evaluation, models, pipeline
from temgrains.files import plain, write_text
from temgrains.records import Micrograph, Progress, silent
from temgrains.refine import PoorGuessWarning
from temgrains.score import judge
from temgrains.settings import GuessSettings, Settings
from temgrains.synthesis.recipe_files import RECIPES
from temgrains.training.settings import TuneSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from temgrains.records import MaskArray
    from temgrains.synthesis import Recipe
    from temgrains.training.examples import Example
    from temgrains.training.tiles import Seen

    Parts = tuple[MaskArray, MaskArray]

GAIN, LOSS = 0.005, 0.005
"""Less than this is no gain of F1 on held-out corrections, and no loss on synthetic micrographs."""

LEAST_LENGTH_PX = 100
"""Of less held-out boundary no score is worth anything [px]."""

TOLERANCE_PX = 3.0
"""Distance at the working scale up to which a boundary counts as found [px]."""

TEST_PX = 256
"""Least side of the synthetic micrographs that models are scored on [px]: smaller ones may show one grain."""

FIGURES = ("f1", "eq1", "precision")
HELD_OUT, SYNTHETIC = "held_out", "synthetic"

_TEST_SEEDS = (2025, 2026)
_KEPT = ("architecture", "inputs", "closing", "members", "zoom", "grains_px", "confidence")
_RUN = "run.json"
_DEFAULTS = TuneSettings()


@dataclass(frozen=True, slots=True)
class Taught:
    """A fine-tuned model, and its scores.

    ``scores`` holds "before" and "after" of "held_out" and "synthetic": F1, Eq. 1 and precision, 0..1.
    ``better`` is whether the model found more of the held-out corrections, and ``verdict`` says so in words.
    """

    model: models.Model
    scores: dict[str, dict[str, dict[str, float]]]
    better: bool
    verdict: str


def teach(
    examples: Sequence[Example],
    out: Path,
    *,
    base: str | Path | models.Model = models.DEFAULT,
    recipe: Recipe | None = None,
    settings: TuneSettings = _DEFAULTS,
    progress: Progress = silent,
) -> Taught:
    """Fine-tune a model on corrected images, and score it on corrections that it has not seen.

    Parameters
    ----------
    examples
        Images, their boundaries and what was looked at.
    out
        Folder of the run; the same call goes on with a run that was stopped.
    base
        Model to start from. Its first network learns on, its second one stays as it is.
    recipe
        Of the synthetic micrographs among the examples; by default the one that suits the model.
    settings
        Name of the new model, amount and schedule.
    progress
        Called as ``progress(stage, done, total)``; may raise `temgrains.records.Cancelled`.

    Raises
    ------
    ValueError
        If there is no example, too little of them to hold anything out, or the folder holds another run.
    ImportError
        If Lightning is not installed.
    """
    tune, tiles = _trainer()
    if not examples:
        raise ValueError("there is no example to learn from; add a corrected image first")
    model = pipeline.loaded(base)
    drawn = recipe or RECIPES["paper" if model.grains_px is None else "default"]()
    drawn = replace(drawn, shape=(settings.side_px, settings.side_px))
    _claim(out, model, examples, drawn, settings)
    parts = tiles.hold_out(examples, share=settings.held_out, seed=settings.seed)
    own = [_seen(*pair, model, drawn, progress) for pair in zip(examples, parts, strict=True)]
    _check(own)
    net1 = tune.tune_net1(model, own, recipe=drawn, out=out, settings=settings, progress=progress)
    tuned = models.make_model(settings.name, net1, model.net2, criterion=model.criterion, about=_kept(model))
    scores = _compared(model, tuned, list(zip(examples, parts, strict=True)), drawn, settings, progress)
    better, said = verdict(scores)
    card = _card(model, examples, parts, drawn, settings) | {"scores": scores, "verdict": said}
    made = models.make_model(settings.name, net1, model.net2, criterion=model.criterion, about=card)
    return Taught(made, scores, better, said)


def verdict(scores: dict[str, dict[str, dict[str, float]]]) -> tuple[bool, str]:
    """Say whether a model is better on held-out corrections, and whether it has forgotten anything."""
    gain, kept = (
        scores[part]["after"]["f1"] - scores[part]["before"]["f1"] for part in (HELD_OUT, SYNTHETIC)
    )
    known = scores[HELD_OUT]["before"]["true_length_px"]
    better = gain >= GAIN and known >= LEAST_LENGTH_PX
    if known < LEAST_LENGTH_PX:
        said = (
            f"Only {known:.0f} px of boundary are held out, too little to tell whether it is better. "
            "Correct more."
        )
    elif better:
        said = f"Better on the held-out corrections: F1 rose by {gain:.3f}."
    elif gain <= -GAIN:
        said = f"Worse on the held-out corrections: F1 fell by {-gain:.3f}. Keep the model it started from."
    else:
        said = (
            f"No better on the held-out corrections: F1 changed by {gain:+.3f}, less than {GAIN:g}. "
            "More corrections may help."
        )
    if kept <= -LOSS:
        said += f" It has forgotten something: F1 on synthetic micrographs fell by {-kept:.3f}."
    return better, said


def table(scores: dict[str, dict[str, dict[str, float]]]) -> list[tuple[str, ...]]:
    """Give the scores as rows of text: what was scored, then before and after of each figure."""
    heads = (
        "",
        *(f"{figure} {when}" for figure in ("F1", "Eq. 1", "precision") for when in ("before", "after")),
    )
    rows = [
        (what, *(f"{scores[part][when][f]:.3f}" for f in FIGURES for when in ("before", "after")))
        for part, what in ((HELD_OUT, "held-out corrections"), (SYNTHETIC, "synthetic"))
    ]
    return [heads, *rows]


def tidy(out: Path) -> None:
    """Delete what only going on with a run needs; the curves stay."""
    for path in (*out.glob("pairs-*.npz"), *out.glob("tune/*.ckpt")):
        path.unlink(missing_ok=True)


def run_folder(folder: Path, examples: Sequence[Example], base: models.Model, settings: TuneSettings) -> Path:
    """Give the folder in which a run of these examples lies, so that it goes on when they are the same."""
    told = json.dumps(
        [base.card["sha256"], [e.content for e in examples], asdict(replace(settings, name="own"))]
    )
    return folder / hashlib.sha256(told.encode()).hexdigest()[:16]


def held_score(
    example: Example, held: MaskArray, model: models.Model, *, progress: Progress = silent
) -> dict[str, float]:
    """Measure the true and the found boundary, and how much of each agrees, where corrections are held out.

    Returns
    -------
    lengths
        "true", "true_found", "found", "found_true" [px].
    """
    film = Micrograph(example.pixels, excluded=example.excluded)
    scale = _scale(example, model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoorGuessWarning)
        settings = Settings(guess=GuessSettings(scale=scale))
        analysis = pipeline.analyse(film, model=model, settings=settings, progress=progress)
    lines = analysis.boundaries.mask
    found = judge(example.boundaries, lines, tolerance_px=TOLERANCE_PX / scale, margin_px=0)
    drawn = skeletonize(lines) & held
    counts = {
        "true": (found.correct | found.missed) & held,
        "true_found": found.correct & held,
        "found": drawn,
        "found_true": drawn & ~found.false,
    }
    return {key: float(np.count_nonzero(mask)) for key, mask in counts.items()}


def _trainer() -> tuple[Any, Any]:
    try:
        from temgrains.training import tiles, tuning  # noqa: PLC0415  (Lightning is an extra)
    except ModuleNotFoundError as error:
        raise ImportError("fine-tuning needs Lightning: pip install '.[train]'") from error
    return tuning, tiles


def _scale(example: Example, model: models.Model) -> float:
    """Give the working scale of an example; a model that takes any grains sees images as they are."""
    return 1.0 if model.grains_px is None else example.scale


def _seen(example: Example, parts: Parts, model: models.Model, recipe: Recipe, progress: Progress) -> Seen:
    from temgrains.training.tiles import seen_of  # noqa: PLC0415

    film = Micrograph(example.pixels, excluded=example.excluded)
    settings = Settings(guess=GuessSettings(scale=_scale(example, model)))
    edges = pipeline.edges_of(film, settings=settings, progress=progress)
    if model.net1.channels == len(edges.maps):
        edges = replace(edges, grey=None)
    return seen_of(edges, example.boundaries, parts, thickness_px=recipe.thickness_px)


def _check(own: Sequence[Seen]) -> None:
    for kind in ("learnt", "held"):
        if not any(getattr(seen, kind).any() for seen in own):
            raise ValueError(
                "too little was looked at to learn from a part and to judge by another; mark more"
            )


def _claim(
    out: Path, model: models.Model, examples: Sequence[Example], recipe: Recipe, settings: TuneSettings
) -> None:
    """Note what the run in a folder is made of, and refuse to go on with another one; epochs may be added."""
    about = {
        "base": model.card["sha256"],
        "examples": [example.content for example in examples],
        "recipe": recipe.describe(),
        "settings": {k: v for k, v in asdict(settings).items() if k not in {"name", "epochs", "tested"}},
    }
    text = json.dumps(plain(about), indent=1, sort_keys=True)
    out.mkdir(parents=True, exist_ok=True)
    path = out / _RUN
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise ValueError(
            f"{out} holds a run of another model, other examples or settings; give another folder"
        )
    write_text(path, text)


def _compared(
    before: models.Model,
    after: models.Model,
    examples: list[tuple[Example, Parts]],
    recipe: Recipe,
    settings: TuneSettings,
    progress: Progress,
) -> dict[str, dict[str, dict[str, float]]]:
    held = [(example, parts[1]) for example, parts in examples if parts[1].any()]
    seed = next(seed for seed in _TEST_SEEDS if seed != settings.seed)
    large = replace(recipe, shape=(max(TEST_PX, recipe.shape[0]),) * 2)
    total = 2 * (len(held) + settings.tested)
    done = 0

    def step(stage: str, *_counts: int) -> None:
        nonlocal done
        done += stage in {"evaluation", "held out"}
        progress("scores", min(done, total), total)

    scores: dict[str, dict[str, dict[str, float]]] = {HELD_OUT: {}, SYNTHETIC: {}}
    for when, model in (("before", before), ("after", after)):
        sums = dict.fromkeys(("true", "true_found", "found", "found_true"), 0.0)
        for example, part in held:
            for key, length in held_score(example, part, model, progress=step).items():
                sums[key] += length
            step("held out")
        scores[HELD_OUT][when] = {**_figures(sums), "true_length_px": sums["true"]}
        rows = evaluation.evaluate(large, model=model, seed=seed, count=settings.tested, progress=step)
        scores[SYNTHETIC][when] = {figure: float(rows[figure].mean()) for figure in FIGURES}
    return scores


def _figures(sums: dict[str, float]) -> dict[str, float]:
    eq1 = sums["true_found"] / max(sums["true"], 1)
    precision = sums["found_true"] / max(sums["found"], 1)
    return {"f1": 2 * eq1 * precision / max(eq1 + precision, 1e-9), "eq1": eq1, "precision": precision}


def _kept(model: models.Model) -> dict[str, Any]:
    return {key: model.card[key] for key in _KEPT if key in model.card}


def _card(
    model: models.Model,
    examples: Sequence[Example],
    parts: Sequence[Parts],
    recipe: Recipe,
    settings: TuneSettings,
) -> dict[str, Any]:
    """Say what the new model was made of; images by their digests, for a name may tell too much."""
    learnt = [
        {
            "image": example.digest,
            "content": example.content,
            "scale": example.scale,
            "learnt_px": int(part[0].sum()),
            "held_out_px": int(part[1].sum()),
        }
        for example, part in zip(examples, parts, strict=True)
    ]
    training = {
        "start": {key: model.card.get(key) for key in ("name", "sha256", "training")},
        "learnt": "net1; net2 is that of the start",
        "examples": learnt,
        "recipe": recipe.describe(),
        **asdict(settings),
    }
    return {**_kept(model), "version": version("temgrains"), "training": plain(training)}
