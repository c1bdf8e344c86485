"""The command line: ``temgrains run``, ``synthesise``, ``train``, ``models``, ``imagine``, ``score``...

Each command is a module of its own that loads what it needs when it is called, so that ``--help`` answers at
once.
"""

import contextlib
import io
import multiprocessing
import os
import signal
import sys
from typing import Annotated

import typer

from temgrains.cli import evaluate, imagine, measure, models, run, score, settings, synthesise, teach, train
from temgrains.files import remove_unfinished

app = typer.Typer(
    name="temgrains",
    help="Find grain boundaries and measure grains in TEM micrographs of polycrystals.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    # The same text in every terminal, so that the documentation can hold it.
    context_settings={"terminal_width": 100, "help_option_names": ["-h", "--help"]},
)
app.command()(run.run)
app.command()(synthesise.synthesise)
app.command()(train.train)
app.add_typer(teach.app)
app.add_typer(models.app)
app.command()(imagine.imagine)
app.command()(score.score)
app.command()(measure.measure)
app.command()(evaluate.evaluate)
app.command()(settings.settings)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"temgrains {version('temgrains')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and leave.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Find grain boundaries and measure grains in TEM micrographs of polycrystals."""


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # The name of a file that the terminal cannot show must not end the work on the others.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _leave)
    app()


def _leave(number: int, _frame: object) -> None:
    """Remove what is half written, end the other processes, and leave.

    Raising `SystemExit` instead would not do: within a callback of a C library, such as numba's compiler, it
    is lost or brings the program down.
    """
    for process in multiprocessing.active_children():
        process.terminate()
    remove_unfinished()
    with contextlib.suppress(RuntimeError, ValueError, OSError):  # the stream may be in the midst of a write
        sys.stdout.flush()
    os._exit(128 + number)
