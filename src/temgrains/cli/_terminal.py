"""What all commands share: errors as one sentence, a progress bar, the ``--debug`` option."""

import functools
import inspect
import logging
import math
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from temgrains.errors import sentence
from temgrains.records import Progress

SMALLEST_NM, LARGEST_NM = 1e-4, 1e6
"""Pixels that `temgrains.micrograph.read` takes; stated here because that is slow to import."""

_DEBUG = inspect.Parameter(
    "debug",
    inspect.Parameter.KEYWORD_ONLY,
    default=typer.Option(False, "--debug", help="Show the traceback of an error."),
    annotation=bool,
)


def plainly(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command say its errors in one sentence and leave with exit code 1; adds ``--debug``."""

    @functools.wraps(command)
    def wrapped(*arguments: Any, debug: bool, **options: Any) -> None:
        if debug:
            logging.basicConfig()
            logging.getLogger("temgrains").setLevel(logging.DEBUG)
        try:
            command(*arguments, **options)
        except (typer.Exit, typer.Abort):
            raise
        except (ValueError, OSError, ImportError, RuntimeError, MemoryError) as error:
            if debug:
                raise
            complain(error)
            raise typer.Exit(1) from error

    signature = inspect.signature(command)
    wrapped.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), _DEBUG]
    )
    wrapped.__annotations__ = {**command.__annotations__, "debug": bool}
    return wrapped


def complain(error: Exception | str) -> None:
    """Say on stderr what went wrong, in one line."""
    if isinstance(error, Exception):
        error = sentence(error)
    typer.echo(f"Error: {error}", err=True)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show the progress of the stages on stderr; nothing when that is no terminal."""
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description:<12}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
    )
    hidden = not sys.stderr.isatty()
    with progress.Progress(*columns, console=Console(stderr=True), disable=hidden, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield show


def shape_of(text: str) -> tuple[int, int]:
    """Read ``96x496`` as (rows, columns)."""
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.strip().isdecimal() for side in sides):
        raise typer.BadParameter(f"{text!r} is not HEIGHTxWIDTH in pixels, such as 96x496")
    return int(sides[0]), int(sides[1])


def nm_of(text: str) -> float:
    """Read the size of a pixel [nm], with a decimal point or comma."""
    try:
        value = math.nan if re.fullmatch(r"[1-9]\d*,\d{3}", text.strip()) else float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not SMALLEST_NM <= value <= LARGEST_NM:
        raise typer.BadParameter(
            f"{text!r} is no size of a pixel; give a number from {SMALLEST_NM:g} to {LARGEST_NM:,.0f} nm, "
            "such as 0.72"
        )
    return value


NmPerPx = Annotated[
    float | None,
    typer.Option(metavar="X", parser=nm_of, help="Size of a pixel [nm]; by default what the file says."),
]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Python's warnings off the terminal: what they say is reported with each result."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
