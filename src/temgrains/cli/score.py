"""``temgrains score``: found boundaries against true ones."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from temgrains.cli._maps import maps_in, stem_of
from temgrains.cli._terminal import plainly

if TYPE_CHECKING:
    from temgrains.score import Score

COLUMNS = ("eq1", "precision", "f1", "length", "are", "vi", "ecd", "closed")

# Where a folder holds such files, as `run` and `synthesise` make them, only they are boundary maps.
_MARKS = (".boundaries", ".truth")
_MOST_BOUNDARY = 0.4
"""Lines drawn by hand, as thick as they are, cover less of an image."""


@plainly
def score(
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="True boundaries: an image or a folder.")],
    found: Annotated[Path, typer.Argument(metavar="FOUND", help="Found boundaries: an image or a folder.")],
    tolerance: Annotated[
        float, typer.Option(metavar="PX", min=0, help="Distance at which a line counts as found [px].")
    ] = 4.0,
    margin: Annotated[
        int, typer.Option(metavar="PX", min=0, help="Width left out along the image border [px].")
    ] = 12,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures to this file as well.")
    ] = None,
) -> None:
    """Compare found boundaries with true ones, both thinned to one pixel.

    Images are PNG or TIFF, boundary = above 127. Of folders, the images of the same name are compared (of
    STEM.boundaries.tif and STEM.truth.png the name is STEM); one that is missing from FOUND is an error.
    Tolerance and margin suit lines drawn by hand; 'evaluate', whose truth is exact, takes 3 px and no margin.

    \b
    eq1        share of the true length found within the tolerance (Eq. 1 of the paper), 0..1
    precision  share of the found length that lies within the tolerance of a true line, 0..1
    f1         harmonic mean of the two, 0..1
    length     found length / true length; 1 is right, 3 is over-segmentation
    are        adapted Rand error of the grains; 0 is right
    vi         variation of information of the grains [bits]; 0 is right
    ecd        mean equivalent circle diameter, found / true; 1 is right
    closed     share of the found length that separates two grains; 1 means no loose ends
    """  # noqa: D301  (the control character keeps the table's lines apart)
    from temgrains.score import read_mask
    from temgrains.score import score as compare

    rows = {}
    for name, true_path, found_path in _pairs(truth, found):
        masks = read_mask(true_path), read_mask(found_path)
        try:
            rows[name] = _figures(compare(*masks, tolerance_px=tolerance, margin_px=margin))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        for path, mask in zip((true_path, found_path), masks, strict=True):
            _say_doubt(path, float(mask.mean()))
    if len(rows) > 1:
        rows["MEAN"] = {c: _mean([row[c] for row in rows.values()]) for c in COLUMNS}
    typer.echo(_table(rows))
    if json_file is not None:
        _write_json(json_file, rows)


def _say_doubt(path: Path, share: float) -> None:
    """Note on stderr what is hardly a map of boundaries: figures do not show it."""
    if share == 0:
        typer.echo(f"{path}: note: no pixel is above 127, so that it shows no boundary", err=True)
    elif share > _MOST_BOUNDARY:
        doubt = f"{share:.0%} of the pixels are boundary; is it a picture, or are its lines dark on bright?"
        typer.echo(f"{path}: note: {doubt}", err=True)


def _pairs(truth: Path, found: Path) -> list[tuple[str, Path, Path]]:
    if truth.is_dir() != found.is_dir():
        raise ValueError(f"{truth} and {found} must be two files or two folders")
    if not truth.is_dir():
        return [(stem_of(truth, _MARKS), truth, found)]
    true_maps, found_maps = (maps_in(folder, _MARKS, "boundary") for folder in (truth, found))
    missing = [name for name in true_maps if name not in found_maps]
    if missing:
        raise ValueError(f"{found} holds no boundary map for {', '.join(missing[:5])}")
    return [(name, path, found_maps[name]) for name, path in true_maps.items()]


def _figures(result: "Score") -> dict[str, float]:
    return {column: float(getattr(result, column)) for column in COLUMNS}


def _mean(values: list[float]) -> float:
    """Average what is defined; an image without grains has no size ratio."""
    defined = [value for value in values if math.isfinite(value)]
    return sum(defined) / len(defined) if defined else math.nan


def _table(rows: dict[str, dict[str, float]]) -> str:
    width = max(24, *(len(name) for name in rows))
    lines = [f"{'image':{width}s}" + "".join(f"{column:>10s}" for column in COLUMNS)]
    lines += [
        f"{name:{width}s}" + "".join(f"{row[column]:10.3f}" for column in COLUMNS)
        for name, row in rows.items()
    ]
    return "\n".join(lines)


def _write_json(path: Path, rows: dict[str, dict[str, float]]) -> None:
    from temgrains.files import write_text

    plain = {
        name: {column: value if math.isfinite(value) else None for column, value in row.items()}
        for name, row in rows.items()
    }
    write_text(path, json.dumps(plain, indent=1) + "\n")
