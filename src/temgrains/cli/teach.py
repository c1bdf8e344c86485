"""``temgrains teach``: the user's training set, and models that learn from it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from temgrains.cli._terminal import plainly, progress_bar
from temgrains.cli.synthesise import recipe_of
from temgrains.training.settings import TuneSettings

if TYPE_CHECKING:
    from temgrains.records import MaskArray
    from temgrains.training.examples import Example, TrainingSet

app = typer.Typer(
    name="teach",
    help="Keep corrected images as a training set, and fine-tune a model on them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_DEFAULTS = TuneSettings()

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--set", metavar="DIR", help="Folder of the training set; by default $TEMGRAINS_HOME/training."
    ),
]


@app.command()
@plainly
def add(
    image: Annotated[
        Path,
        typer.Argument(metavar="IMAGE", help="A micrograph, or a project (.temgrains) with corrections."),
    ],
    truth: Annotated[
        Path | None,
        typer.Argument(metavar="TRUTH", help="Its true boundaries, as for 'score'; not for a project."),
    ] = None,
    looked: Annotated[
        Path | None,
        typer.Option(metavar="MASK", help="Image of what was looked at (above 127); by default all of it."),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(metavar="X", help="Working scale; by default what the default model would choose."),
    ] = None,
    folder: FolderOption = None,
) -> None:
    """Add a corrected image to the training set; the same image again takes the place of the first.

    What was not looked at teaches nothing: neither that there are boundaries nor that there are none.
    """
    from temgrains.training.examples import TrainingSet

    kept = TrainingSet(folder)
    example = _of_project(image, truth, looked, scale) if image.suffix == ".temgrains" else None
    example = example or _of_truth(image, truth, looked, scale)
    replaced = kept.add(example)
    how = "took the place of the one that was there" if replaced else "added"
    typer.echo(f"{example.name}: {how}; {_share(float(example.looked.mean()))} of it looked at")


@app.command("list")
@plainly
def list_examples(folder: FolderOption = None) -> None:
    """List the training set: name, size, share that was looked at, digest."""
    from temgrains.cli._terminal import complain
    from temgrains.training.examples import TrainingSet

    found, notes = TrainingSet(folder).list()
    for one in found:
        size = f"{one.shape[0]} x {one.shape[1]} px"
        typer.echo(f"{one.name:<24} {size:>16} {_share(one.looked):>6} looked at   {one.digest[:8]}")
    for note in notes:
        complain(note)
    if not found:
        typer.echo("the training set is empty")


@app.command()
@plainly
def remove(
    which: Annotated[str, typer.Argument(metavar="NAME|DIGEST", help="As 'teach list' gives them.")],
    folder: FolderOption = None,
) -> None:
    """Remove an image from the training set."""
    from temgrains.training.examples import TrainingSet

    kept = TrainingSet(folder)
    found = kept.find(which)
    kept.remove(found.digest)
    typer.echo(f"{found.name}: removed")


@app.command()
@plainly
def tune(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the run; a stopped run goes on.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the new model.")] = _DEFAULTS.name,
    model: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="Model to start from; it stays as it is.")
    ] = "default",
    folder: FolderOption = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Recipe of the synthetic share; by default the one that suits the model.",
        ),
    ] = None,
    epochs: Annotated[
        int, typer.Option(metavar="N", help="How often the error is looked at.")
    ] = _DEFAULTS.epochs,
    steps: Annotated[int, typer.Option(metavar="N", help="Steps per epoch.")] = _DEFAULTS.steps,
    batch: Annotated[int, typer.Option(metavar="N", help="Tiles per step.")] = _DEFAULTS.batch,
    own_share: Annotated[
        float,
        typer.Option(
            metavar="X",
            help="Share of a step's tiles that show the training set, 0.05 to 1; the others are synthetic.",
        ),
    ] = _DEFAULTS.own_share,
    held_out: Annotated[
        float, typer.Option(metavar="X", help="Share of the corrections that only judges, 0.05 to 0.5.")
    ] = _DEFAULTS.held_out,
    learning_rate: Annotated[
        float, typer.Option(metavar="X", help="Learning rate of Adam in the first epochs.")
    ] = _DEFAULTS.learning_rate,
    side: Annotated[int, typer.Option(metavar="PX", help="Side of the tiles.")] = _DEFAULTS.side_px,
    synthetic: Annotated[
        int, typer.Option(metavar="N", help="Synthetic micrographs, so that nothing is forgotten.")
    ] = _DEFAULTS.synthetic,
    tested: Annotated[
        int, typer.Option(metavar="N", help="Fresh synthetic micrographs to score both models on.")
    ] = _DEFAULTS.tested,
    seed: Annotated[
        int, typer.Option(metavar="S", help="Seed of all that is drawn by lot.")
    ] = _DEFAULTS.seed,
) -> None:
    """Fine-tune a model on the training set, and compare both (needs the extra 'train').

    Leaves DIR/NAME.safetensors, with a card that says what it was made of, and the curves in DIR/tune. The
    table scores both models on corrections that were held out and on fresh synthetic micrographs (3 px).
    """
    settings = TuneSettings(
        name=name,
        seed=seed,
        epochs=epochs,
        steps=steps,
        batch=batch,
        own_share=own_share,
        held_out=held_out,
        side_px=side,
        synthetic=synthetic,
        tested=tested,
        learning_rate=learning_rate,
    )
    drawn = None if recipe is None else recipe_of(recipe)
    from temgrains import models, teaching
    from temgrains.training.examples import TrainingSet

    examples = _examples(TrainingSet(folder))
    with progress_bar() as progress:
        taught = teaching.teach(examples, out, base=model, recipe=drawn, settings=settings, progress=progress)
    path = models.save(taught.model, out / f"{name}.safetensors")
    for what, *figures in teaching.table(taught.scores):
        typer.echo(f"{what:<22}" + "".join(f"{figure:>18}" for figure in figures))
    typer.echo(taught.verdict)
    typer.echo(f"{path}: fine-tuned; use it with --model {path}")


def _examples(kept: "TrainingSet") -> "list[Example]":
    """Load all examples that can be read, and complain of the others."""
    from temgrains.cli._terminal import complain

    found, notes = kept.list()
    for note in notes:
        complain(note)
    return [kept.load(one.digest) for one in found]


def _of_project(path: Path, truth: Path | None, looked: Path | None, scale: float | None) -> "Example":
    if truth is not None or scale is not None:
        raise ValueError(
            f"{path} is a project: its boundaries and scale are in it; leave out TRUTH and --scale"
        )
    from temgrains.pipeline.project import open_project
    from temgrains.training.examples import example_of

    return example_of(open_project(path).corrected(), path.stem, looked=_mask(looked))


def _of_truth(path: Path, truth: Path | None, looked: Path | None, scale: float | None) -> "Example":
    if truth is None:
        raise ValueError(f"{path} needs its TRUTH; only a project (.temgrains) has its boundaries in it")
    import time

    import numpy as np
    from skimage.morphology import skeletonize

    from temgrains import models
    from temgrains.micrograph import read
    from temgrains.pipeline.scale import working_scale
    from temgrains.score import read_mask
    from temgrains.settings import Settings
    from temgrains.training.examples import Example

    film = read(path)
    mask = _mask(looked)
    if scale is None:
        scale = working_scale(film, models.load(models.DEFAULT), Settings())
    return Example(
        name=path.stem,
        pixels=film.pixels,
        boundaries=skeletonize(read_mask(truth)),
        looked=np.ones(film.shape, np.bool_) if mask is None else mask,
        scale=scale,
        about={"pixel_size_nm": film.pixel_size},
        seconds=time.time(),
    )


def _mask(path: Path | None) -> "MaskArray | None":
    from temgrains.score import read_mask

    return None if path is None else read_mask(path)


def _share(share: float) -> str:
    return f"{100 * share:.0f} %"
