"""``temgrains settings``: a settings file to start from."""

from pathlib import Path
from typing import Annotated

import typer

from temgrains.cli._terminal import plainly
from temgrains.cli.run import SetOption, settings_of
from temgrains.settings import write_toml


@plainly
def settings(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE.toml", help="Settings file to check and complete.")
    ] = None,
    set_: SetOption = None,
) -> None:
    """Print all settings as TOML, for 'temgrains run --settings'.

    Without FILE the defaults; with it, that file with the defaults it leaves out filled in.
    """
    typer.echo(write_toml(settings_of(file, set_)))
