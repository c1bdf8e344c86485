"""``temgrains run``: boundaries, grains and their sizes of any number of images."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from temgrains.cli._terminal import NmPerPx, complain, plainly, progress_bar, quiet
from temgrains.errors import sentence
from temgrains.settings import AUTOMATIC, STAGES, Settings, read_settings, settings_from_dict

ModelOption = Annotated[
    str,
    typer.Option(metavar="NAME|FILE", help="Model by name ('temgrains models list') or .safetensors file."),
]
SettingsOption = Annotated[
    Path | None,
    typer.Option(
        "--settings", metavar="FILE.toml", help="Settings of all stages; 'temgrains settings' prints a start."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="STAGE.KEY=VALUE",
        help="Change one setting, such as guess.scale=0.5 or boundaries.threshold=0.3; after --settings.",
    ),
]


@plainly
def run(
    images: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGE", help="Micrographs (TIFF, PNG, DM4, EMD...), projects, or folders."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results; made if missing.")],
    model: ModelOption = "default",
    nm_per_px: NmPerPx = None,
    scale_bar: Annotated[
        str | None,
        typer.Option(
            metavar="LENGTH",
            help="What the burnt-in scale bar stands for, such as '200 nm'; it gives the size of a pixel "
            "unless --nm-per-px does, and is left out of the analysis.",
        ),
    ] = None,
    settings: SettingsOption = None,
    set_: SetOption = None,
    page: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Page of a file with several, counted from 0.")
    ] = None,
    pages: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Analyse several pages of each file: all, or such as 1-5,8 or 3-, counted from 1 as in the "
            "names of their results.",
        ),
    ] = None,
) -> None:
    """Find the boundaries and grains of micrographs and write pictures, maps and tables.

    For each IMAGE there appear in DIR, named after it: .overlay.png (boundaries red on the image),
    .boundaries.tif (one pixel wide, 0 or 255), .labels.tif (grains numbered from 1), .iterates.tif and
    .iterates.gif (the refinement, step by step), .grains.csv (sizes in px, and in nm where the scale is
    known) and .json (settings, model card, version, why the refinement stopped, seconds per stage). Of a
    folder the micrographs in it are taken, without such pictures and maps. With --pages each page of a file
    with several has results of its own, named STEM_page_3 and so on. Of a project (.temgrains) the
    corrections are done again, on the grains that they were made on; --model and settings do not touch it.

    An image that fails is reported and the others are done; the exit code is then 1.
    """
    chosen = settings_of(settings, set_)
    from temgrains import batch

    if out.is_file():
        raise ValueError(f"{out} is a file; give a folder for the results")
    films, refused = _films(images)
    failed = done = len(refused)
    for said in refused:
        complain(said)
    with quiet(), progress_bar() as progress:
        reading: batch.Reading = {"pixel_size": nm_per_px, "page": page, "scale_bar": scale_bar}
        outcomes = batch.each(
            films, out=out, model=model, settings=chosen, progress=progress, pages=pages, **reading
        )
        for outcome in outcomes:
            done += 1
            if outcome.error is not None:
                failed += 1
                complain(outcome.error)
                continue
            for warning in outcome.warnings:
                typer.echo(f"{outcome.name}: note: {warning}", err=True)
            typer.echo(f"{outcome.name}: {outcome.report}")
    if failed:
        complain(f"{failed} of {done} images failed")
        raise typer.Exit(1)


def _films(paths: list[Path]) -> tuple[list[Path], list[str]]:
    """Put the micrographs of a folder in its place; say which folders hold none or cannot be opened."""
    from temgrains.micrograph import UnreadableImage, images_in

    films, refused = [], []
    for path in paths:
        try:
            found = images_in(path) if path.is_dir() else [path]
        except UnreadableImage as error:
            refused.append(sentence(error))
            continue
        films += found
        if not found:
            refused.append(f"{path} holds no micrograph; give one of TIFF, PNG or DM4 files")
    return films, refused


def settings_of(path: Path | None, changes: list[str] | None) -> Settings:
    """Read the settings file, if any, and apply single changes to it."""
    return changed(read_settings(path) if path else Settings(), changes)


def changed(settings: Settings, changes: list[str] | None) -> Settings:
    """Apply single changes of the form ``stage.key=value``."""
    sections = settings.to_dict()
    for change in changes or ():
        stage, key, value = _parse(change)
        sections.setdefault(stage, {})[key] = value
    return settings_from_dict(sections, where="--set")


def _parse(change: str) -> tuple[str, str, Any]:
    """Split ``stage.key=value``; the value is TOML, and what is not (auto, model) is text."""
    name, equals, text = change.partition("=")
    stage, dot, key = name.strip().partition(".")
    if not (equals and dot and key):
        raise typer.BadParameter(f"{change!r} is not STAGE.KEY=VALUE; stages: {', '.join(STAGES)}")
    try:
        return stage, key, tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        word = text.strip()
        return stage, key, None if word == "auto" and f"{stage}.{key}" in AUTOMATIC else word
