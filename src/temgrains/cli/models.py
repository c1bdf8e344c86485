"""``temgrains models``: what networks there are, what they know, and the import of the published ones."""

import json
from pathlib import Path
from typing import Annotated

import typer

from temgrains.cli._terminal import plainly

app = typer.Typer(
    name="models", help="List, show, verify and import models.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
@plainly
def list_models() -> None:
    """List the models that can be named.

    The shipped ones come first, then those in $TEMGRAINS_HOME/models.
    """
    from temgrains import models

    for name in models.available():
        typer.echo(name)


@app.command()
@plainly
def show(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Model by name or .safetensors file.")],
) -> None:
    """Print a model's card as JSON: networks, training, scores, digest."""
    from temgrains import models

    typer.echo(json.dumps(models.load(name).card, indent=1))


@app.command()
@plainly
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .safetensors model file.")],
) -> None:
    """Check a model file: header, card, shapes, finite values, SHA-256 and self-test."""
    from temgrains import models

    model = models.verify(file)
    typer.echo(f"{file}: sound; model {model.name}, SHA-256 {model.card['sha256']}")


@app.command("import")
@plainly
def import_networks(
    net1: Annotated[Path, typer.Argument(metavar="NET1.mat", help="Net1: from edge maps to the guess.")],
    net2: Annotated[Path, typer.Argument(metavar="NET2.mat", help="Net2: from state to state.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="Name for the imported model.")],
) -> None:
    """Import the authors' published MATLAB networks as a model (needs the extra 'matlab')."""
    from temgrains import models

    path = models.save(models.import_matlab(net1, net2, name=name))
    typer.echo(f"{path}: imported; use it with --model {name}")
