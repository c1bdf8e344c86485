"""``temgrains measure``: grain sizes from maps of labels."""

import logging
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from temgrains.cli._maps import IMAGES, maps_in, stem_of
from temgrains.cli._terminal import NmPerPx, complain, plainly
from temgrains.errors import sentence

if TYPE_CHECKING:
    import pandas as pd

    from temgrains.reports import Context
    from temgrains.statistics.field import GrainSize
    from temgrains.statistics.pooling import OneField
    from temgrains.statistics.report import Choices, SizeStatistics

_log = logging.getLogger(__name__)

# Where a folder holds such files, as `run` makes them, only they are labels.
_MARKS = (".labels",)
_LINE_MARKS = (".boundaries", ".truth")


class Specimen(StrEnum):
    """What the image shows of the specimen."""

    film = "film"
    section = "section"


@plainly
def measure(
    labels: Annotated[
        Path,
        typer.Argument(metavar="LABELS|PROJECT|FOLDER", help="Map of labels, project, or a folder of such."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results; made if missing.")],
    nm_per_px: NmPerPx = None,
    calibration_error: Annotated[
        float | None,
        typer.Option(metavar="PERCENT", help="By how much the size of a pixel may be off [%]."),
    ] = None,
    formats: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help="Which files per map, with commas: csv, json, xlsx, geojson, coco, png, svg, html, pdf.",
        ),
    ] = "csv,json",
    boundaries: Annotated[
        bool,
        typer.Option(
            "--boundaries",
            help="The maps are of boundaries: two values, and closed lines around the grains.",
        ),
    ] = False,
    tiles: Annotated[
        bool, typer.Option("--tiles", help="The maps are tiles of one image: no independent fields.")
    ] = False,
    members: Annotated[
        bool,
        typer.Option(
            "--members", help="Measure how far the views of a project's model differ; runs its first network."
        ),
    ] = False,
    specimen: Annotated[
        Specimen, typer.Option(help="A film of columnar grains, or a section through small grains.")
    ] = Specimen.film,
    unfold: Annotated[
        bool,
        typer.Option("--unfold", help="Estimate the spheres behind the circles of a section (Saltykov)."),
    ] = False,
    seed: Annotated[
        int, typer.Option(metavar="S", min=0, help="Seed of the bootstrap of the goodness of fit.")
    ] = 0,
) -> None:
    """Measure grain sizes by the standards' methods, each with its formula and its counts.

    LABELS is a TIFF or PNG whose pixels are the numbers of grains, 0 on boundaries, as STEM.labels.tif of
    'temgrains run'; with --boundaries a map of closed lines, whose regions are the grains. PROJECT is a
    STEM.temgrains that the window saved, measured with its corrections. Of a folder its maps are measured, or
    its projects where it holds no image.

    For each there appear in DIR STEM.sizes.csv (a row per grain) and STEM.sizes.json (grain size by method,
    distribution, network of boundaries), or what --formats asks for: STEM.sizes.xlsx, .geojson and .coco.json
    (polygons), .figure.png and .svg, .report.html and .pdf. methods.csv has a row per image and method,
    pooled.json the mean of all images with its interval, and the distribution of all their grains: they count
    as fields of one specimen. Of several images, html and pdf give pooled.html and pooled.pdf as well.

    A map that fails is reported and the others are done; the exit code is then 1.
    """
    from temgrains import reports
    from temgrains.statistics.report import Choices

    kinds = reports.check(name.strip() for name in formats.split(","))
    error = None if calibration_error is None else calibration_error / 100
    if error is not None and not 0 <= error < 1:
        raise ValueError(
            f"--calibration-error is {calibration_error:g}; give in percent by how much the size of a pixel "
            "may be off, from 0 to below 100, such as 2"
        )
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out} is a file; give a folder for the results")
    choices = Choices(seed=seed, calibration_error=error, specimen=specimen.value, unfold=unfold)
    maps = _maps(labels, _LINE_MARKS if boundaries else _MARKS)
    out.mkdir(parents=True, exist_ok=True)
    results: dict[str, OneField] = {}
    for stem, path in maps.items():
        try:
            found, context = _found(stem, path, nm_per_px, choices, members=members, boundaries=boundaries)
            results[stem] = _written(stem, path, out, kinds, found, context)
        except Exception as failure:  # whatever one map provokes must not cost the others
            _log.debug("%s failed", path, exc_info=True)
            complain(sentence(failure, path))
    if results:
        _write_pooled(out, results, kinds, tiles=tiles, seed=seed)
    if failed := len(maps) - len(results):
        complain(f"{failed} of {len(maps)} maps failed")
        raise typer.Exit(1)


def _found(
    stem: str,
    path: Path,
    nm_per_px: "float | None",
    choices: "Choices",
    *,
    members: bool,
    boundaries: bool,
) -> "tuple[SizeStatistics, Context]":
    """Measure a map or a project."""
    from temgrains import reports
    from temgrains.pipeline.project import ENDING
    from temgrains.statistics.labels import read_boundaries, read_labels
    from temgrains.statistics.report import describe

    if path.suffix.lower() == ENDING:
        if boundaries:
            raise ValueError(f"{path} is a project, which knows its grains; --boundaries is for maps")
        return _found_in_project(path, nm_per_px, choices, members=members)
    if members:
        raise ValueError(f"{path} is a map of labels; --members needs a project, which knows its model")
    context = reports.Context.beside(path, stem)
    read = read_boundaries if boundaries else read_labels
    labels = context.calibrated(read(path, pixel_size=nm_per_px))
    return describe(labels, choices=choices), context


def _found_in_project(
    path: Path, nm_per_px: "float | None", choices: "Choices", *, members: bool
) -> "tuple[SizeStatistics, Context]":
    from temgrains import pipeline
    from temgrains.export import overlay
    from temgrains.micrograph.calibration import checked_size
    from temgrains.pipeline.project import open_project
    from temgrains.reports import Context
    from temgrains.statistics.report import of_analysis

    project = open_project(path)
    for note in project.notes:
        typer.echo(f"{path}: note: {note}", err=True)
    analysis, before = project.corrected(), project.analysis
    if nm_per_px is not None:
        size = checked_size(nm_per_px)
        analysis, before = (pipeline.with_pixel_size(one, size) for one in (analysis, before))
    if members:
        means = pipeline.member_means(before, model=before.provenance["model"]["name"])
        choices = replace(choices, member_means=means)
    picture = overlay(analysis.micrograph, analysis.boundaries)
    context = Context(picture, analysis.provenance, len(project.operations))
    return of_analysis(analysis, choices=choices), context


def _written(
    stem: str,
    path: Path,
    out: Path,
    kinds: tuple[str, ...],
    found: "SizeStatistics",
    context: "Context",
) -> "OneField":
    """Write the results of one map, and say what it shows."""
    from temgrains import reports
    from temgrains.statistics.pooling import OneField

    for kind in kinds:
        reports.write(out / f"{stem}{reports.FORMATS[kind]}", found, kind, context=context)
    few = [note for note in found.content["methods"][0]["notes"] if "asks for" in note]
    for note in (*found.content["notes"], *few):
        typer.echo(f"{path}: note: {note}", err=True)
    typer.echo(f"{path}: {_line(found.content)}")
    return OneField.of(found)


def _write_pooled(
    out: Path, results: "dict[str, OneField]", kinds: tuple[str, ...], *, tiles: bool, seed: int
) -> None:
    import json

    from temgrains import reports
    from temgrains.files import csv_text, write_text
    from temgrains.statistics.pooling import pool, pool_diameters

    methods = {stem: one.methods for stem, one in results.items()}
    write_text(out / "methods.csv", csv_text(_rows(methods)))
    bare = [stem for stem, one in results.items() if one.unit == "px"]
    if 0 < len(bare) < len(results):
        named = ", ".join(bare[:5]) + (", ..." if len(bare) > 5 else "")
        raise ValueError(
            f"{len(bare)} of {len(results)} images ({named}) have no pixel size, so that their sizes cannot "
            "be pooled with the others'; give it with --nm-per-px, or measure them into a folder of their own"
        )
    content = {
        "images": list(results),
        "methods": pool(list(methods.values()), tiles=tiles),
        "distribution": pool_diameters(list(results.values()), tiles=tiles, rng=seed),
    }
    write_text(out / "pooled.json", json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n")
    for kind in kinds if len(results) > 1 else ():
        if kind in reports.OF_POOLED:
            reports.write_pooled(out / f"pooled.{kind}", content, kind)


def _maps(path: Path, marks: tuple[str, ...]) -> dict[str, Path]:
    """Name the maps; of two that would write the same files the second is refused."""
    from temgrains.pipeline.project import ENDING

    if not path.is_dir():
        return {stem_of(path, marks): path}
    there = [found for found in path.iterdir() if not found.name.startswith(".")]
    projects = sorted(found for found in there if found.suffix.lower() == ENDING)
    if projects and not any(found.suffix.lower() in IMAGES for found in there):
        return {found.stem: found for found in projects}
    return maps_in(path, marks, "label" if marks == _MARKS else "boundary")


def _line(content: dict[str, Any]) -> str:
    """Say the two sizes that most people want, nm first."""
    planimetric, intercepts = content["methods"][:2]
    text = (
        f"{content['grains']} grain{'' if content['grains'] == 1 else 's'}, {content['grains_whole']} whole"
    )
    for name, found in (("root of mean area", planimetric), ("mean intercept", intercepts)):
        if found["size"] is not None:
            text += f"; {name} {found['size']:.4g} {found['unit']}"
            text += f" (G {found['g']:.2f})" if found["g"] is not None else ""
    notes = [note for note in planimetric["notes"] if note.startswith("G ") or "undefined" in note]
    return "; ".join([text, *notes])


def _rows(results: "dict[str, list[GrainSize]]") -> "pd.DataFrame":
    import pandas as pd

    rows = [
        {
            "image": stem,
            "method": found.method,
            "size": found.size,
            "unit": found.unit,
            "size_is": found.size_is,
            "astm_g": found.g,
            "formula": found.formula,
            "inputs": "; ".join(f"{name} = {value:.6g}" for name, value in found.inputs.items()),
            "notes": "; ".join(found.notes),
        }
        for stem, methods in results.items()
        for found in methods
    ]
    return pd.DataFrame(rows)
