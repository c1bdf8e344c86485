"""``temgrains measure``: grain sizes from maps of labels."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from temgrains.cli._maps import maps_in, stem_of
from temgrains.cli._terminal import complain, plainly

if TYPE_CHECKING:
    import pandas as pd

    from temgrains.statistics.field import GrainSize

# Where a folder holds such files, as `run` makes them, only they are labels.
_MARKS = (".labels",)


@plainly
def measure(
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS|FOLDER", help="Map of labels, or a folder of such maps.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results; made if missing.")],
    nm_per_px: Annotated[
        float | None,
        typer.Option(metavar="X", help="Size of a pixel [nm]; by default what the file says."),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="S", min=0, help="Seed of the bootstrap of the goodness of fit.")
    ] = 0,
) -> None:
    """Measure grain sizes by the standards' methods, each with its formula and its counts.

    LABELS is a TIFF or PNG whose pixels are the numbers of grains, 0 on boundaries, as STEM.labels.tif of
    'temgrains run'. For each there appear in DIR STEM.sizes.csv (a row per grain) and STEM.sizes.json (grain
    size by method, distribution, network of boundaries). methods.csv has a row per image and method,
    pooled.json the mean of all images with its interval: they count as fields of one specimen.

    A map that fails is reported and the others are done; the exit code is then 1.
    """
    maps = _maps(labels)
    out.mkdir(parents=True, exist_ok=True)
    results: dict[str, list[GrainSize]] = {}
    for stem, path in maps.items():
        try:
            results[stem] = _measured(stem, path, out, nm_per_px=nm_per_px, seed=seed)
        except ValueError as error:
            complain(error)
    if results:
        _write_pooled(out, results)
    if failed := len(maps) - len(results):
        complain(f"{failed} of {len(maps)} maps failed")
        raise typer.Exit(1)


def _measured(stem: str, path: Path, out: Path, *, nm_per_px: float | None, seed: int) -> "list[GrainSize]":
    """Write the results of one map, and say what it shows."""
    from temgrains.statistics.labels import read_labels
    from temgrains.statistics.report import Choices, describe

    labelled = read_labels(path, pixel_size=nm_per_px)
    found = describe(labelled, choices=Choices(seed=seed))
    _write_csv(out / f"{stem}.sizes.csv", found.table)
    _write_json(out / f"{stem}.sizes.json", found.content)
    typer.echo(f"{path}: {_line(found.content)}")
    return found.methods


def _write_pooled(out: Path, results: "dict[str, list[GrainSize]]") -> None:
    from temgrains.statistics.report import pool

    _write_csv(out / "methods.csv", _rows(results))
    _write_json(out / "pooled.json", {"images": list(results), "methods": pool(list(results.values()))})


def _maps(path: Path) -> dict[str, Path]:
    """Name the maps; of two that would write the same files the second is refused."""
    return maps_in(path, _MARKS, "label") if path.is_dir() else {stem_of(path, _MARKS): path}


def _line(content: dict[str, Any]) -> str:
    """Say the two sizes that most people want, nm first."""
    planimetric, intercepts = content["methods"][:2]
    text = f"{content['grains']} grains, {content['grains_whole']} whole"
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


def _write_csv(path: Path, table: "pd.DataFrame") -> None:
    from temgrains.files import csv_text, write_text

    write_text(path, csv_text(table))


def _write_json(path: Path, content: dict[str, Any]) -> None:
    from temgrains.files import write_text

    write_text(path, json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n")
