"""``temgrains synthesise``: micrographs with known boundaries."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from temgrains.cli._terminal import plainly, progress_bar, shape_of

if TYPE_CHECKING:
    from temgrains.synthesis import Recipe

RecipeOption = Annotated[
    str,
    typer.Option(metavar="NAME|FILE", help="'paper', 'default' (as real micrographs), or a recipe file."),
]


@plainly
def synthesise(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the images; made if missing.")],
    count: Annotated[int, typer.Option(metavar="N", min=1, help="Number of images.")] = 1,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="Seed of the series.")] = 0,
    workers: Annotated[
        int, typer.Option(metavar="W", min=1, help="Processes; image k is the same for any number.")
    ] = 1,
    recipe: RecipeOption = "paper",
    shape: Annotated[
        str | None, typer.Option(metavar="HxW", help="Height and width of the images [px].")
    ] = None,
    mean_diameter: Annotated[
        str | None,
        typer.Option(
            metavar="LOW:HIGH", help="Range of the mean circle diameter [px]; each image draws its own."
        ),
    ] = None,
    sigma: Annotated[
        float | None, typer.Option(metavar="X", help="Standard deviation of ln(diameter) of the circles.")
    ] = None,
    thickness: Annotated[
        float | None, typer.Option(metavar="PX", help="Thickness of the boundaries in the truth [px].")
    ] = None,
) -> None:
    """Draw synthetic micrographs with their true boundaries.

    For each image there appear in DIR: STEM.png (the micrograph), STEM.truth.png (boundaries, 0 or 255),
    STEM.labels.tif (grains numbered from 1) and STEM.json (what was asked for, drawn and realised); and
    synthesis-S.json, which sums up the series. They appear when all are complete; a run that is stopped
    leaves none. Grains that no border cuts vary less than the circles they grew from, so the spread that was
    asked for and the spread that came out are both printed.
    """
    changes = {
        "shape": shape_of(shape) if shape else None,
        "mean_diameter_px": _range_of(mean_diameter) if mean_diameter else None,
        "sigma": sigma,
        "thickness_px": thickness,
    }
    drawn = recipe_of(recipe, **{key: value for key, value in changes.items() if value is not None})
    from temgrains.synthesis import write_data_set

    with progress_bar() as progress:
        series = write_data_set(drawn, out, seed=seed, count=count, workers=workers, progress=progress)
    typer.echo(_summary(series))


def recipe_of(name: str, **changes: Any) -> "Recipe":
    """Give the recipe of a name or of a file, with changes to its fields."""
    import dataclasses

    from temgrains.synthesis.recipe_files import ENDINGS, RECIPES, read_recipe

    if name in RECIPES:
        return RECIPES[name](**changes)
    if not name.lower().endswith(ENDINGS):
        raise typer.BadParameter(
            f"there is no recipe {name!r}; known: {', '.join(RECIPES)}, and files that end in "
            f"{' or '.join(ENDINGS)}"
        )
    return dataclasses.replace(read_recipe(name), **changes)


def _summary(series: dict[str, Any]) -> str:
    """Put what was asked for beside what came out."""
    asked, realised = series["requested"], series["realised"]
    low, high = asked["mean_diameter_px"]
    inner = realised["whole_cells_sigma"]
    spread = "no grain is free of the border" if inner is None else f"{inner:.2f} for the inner grains"
    wanted = f"requested {low:g}" if low == high else f"each image draws its mean from {low:g} to {high:g}"
    images = "1 image" if series["count"] == 1 else f"{series['count']} images"
    return "\n".join(
        [
            f"{images} with {realised['cells']} grains, seed {series['seed']}",
            f"mean diameter [px]: {wanted} for the circles, realised "
            f"{realised['cells_mean_ecd_px']:.1f} for the grains",
            f"sigma of ln(diameter): requested {asked['sigma']:g}, realised "
            f"{realised['circles_sigma']:.2f} for the circles; {spread}",
            f"overlap of the circles after packing: {100 * realised['overlap_after']:.1f} % of their radii",
        ]
    )


def _range_of(text: str) -> tuple[float, float]:
    low, _, high = text.partition(":")
    try:
        return float(low), float(high or low)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not LOW:HIGH in pixels, such as 24:64") from error
