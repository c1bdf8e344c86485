"""``temgrains train``: Net1 and Net2 from synthetic micrographs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from temgrains.cli._terminal import plainly, progress_bar
from temgrains.cli.synthesise import RecipeOption, recipe_of
from temgrains.training.settings import TrainSettings

_DEFAULTS = TrainSettings()


class Network(StrEnum):
    """Which of the two networks learns."""

    net1 = "net1"
    net2 = "net2"


class Pair(StrEnum):
    """Which two networks."""

    paper = "paper"
    default = "default"


class Precision(StrEnum):
    """Number format of the training."""

    auto = "auto"
    float32 = "32-true"
    bfloat16 = "bf16-mixed"


@plainly
def train(
    network: Annotated[Network, typer.Argument(metavar="net1|net2", help="Net2 learns after Net1.")],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the run, the same for both; a killed run goes on.")
    ],
    networks: Annotated[
        Pair, typer.Option(help="'paper', as in Fig. 5, or 'default': the pair for real micrographs.")
    ] = Pair.paper,
    recipe: RecipeOption = "paper",
    count: Annotated[
        int, typer.Option(metavar="N", help="Synthetic micrographs, split 85 / 7.5 / 7.5 %.")
    ] = _DEFAULTS.count,
    seed: Annotated[
        int, typer.Option(metavar="S", help="Seed of micrographs, split, first weights and order.")
    ] = _DEFAULTS.seed,
    epochs: Annotated[
        int, typer.Option(metavar="N", help="Passes over the training share.")
    ] = _DEFAULTS.epochs,
    batch: Annotated[int, typer.Option(metavar="N", help="Micrographs per step.")] = _DEFAULTS.batch,
    learning_rate: Annotated[
        float, typer.Option(metavar="X", help="Learning rate of Adam in the first epochs.")
    ] = _DEFAULTS.learning_rate,
    halve_every: Annotated[
        int, typer.Option(metavar="N", help="Epochs after which the learning rate is halved.")
    ] = _DEFAULTS.halve_every,
    own_states: Annotated[
        bool,
        typer.Option(
            help="Net2 learns from damaged truths, noise and its own states too, or as in the paper."
        ),
    ] = _DEFAULTS.own_states,
    start: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Model whose weights the run starts from, not random ones."),
    ] = None,
    fixed_norm: Annotated[
        bool,
        typer.Option(
            help="Net1's batch normalisation keeps the statistics of the model it starts from, or learns."
        ),
    ] = _DEFAULTS.fixed_norm,
    precision: Annotated[
        Precision, typer.Option(help="auto is bfloat16 where the processor computes in it.")
    ] = Precision.auto,
    devices: Annotated[
        str, typer.Option(metavar="N|auto", help="Devices of each machine.")
    ] = _DEFAULTS.devices,
    nodes: Annotated[int, typer.Option(metavar="N", help="Machines.")] = _DEFAULTS.nodes,
    workers: Annotated[
        int, typer.Option(metavar="W", help="Processes that draw the micrographs; they change no result.")
    ] = _DEFAULTS.workers,
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the model that net2 finishes.")] = "own",
) -> None:
    """Train a network on synthetic micrographs (needs the extra 'train').

    First net1, then net2 with the same --out: it learns from Net1's guesses and leaves DIR/NAME.safetensors.
    Checkpoints, losses.csv and losses.png of each network lie in DIR/net1 and DIR/net2.
    """
    settings = TrainSettings(
        networks=networks.value,
        count=count,
        seed=seed,
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
        halve_every=halve_every,
        own_states=own_states,
        start=start,
        fixed_norm=fixed_norm,
        precision=precision.value,
        devices=devices,
        nodes=nodes,
        workers=workers,
    )
    drawn = recipe_of(recipe)
    try:
        from temgrains.training import loop
    except ModuleNotFoundError as error:
        raise ImportError("training needs Lightning: pip install '.[train]'") from error
    with progress_bar() as progress:
        if network is Network.net1:
            made = loop.train_net1(out, drawn, settings, progress=progress)
        else:
            made = loop.train_net2(out, drawn, settings, name=name, progress=progress)
    typer.echo(f"{made}: trained")
