"""``temgrains evaluate``: how good a model is on micrographs whose boundaries are known."""

import json
from pathlib import Path
from typing import Annotated

import typer

from temgrains.cli._terminal import plainly, progress_bar
from temgrains.cli.synthesise import RecipeOption, recipe_of


@plainly
def evaluate(
    model: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="Model by name or .safetensors file.")
    ] = "paper",
    recipe: RecipeOption = "paper",
    count: Annotated[int, typer.Option(metavar="N", min=1, help="Synthetic micrographs.")] = 200,
    seed: Annotated[
        int, typer.Option(metavar="S", min=0, help="Seed of the micrographs; not the one trained on.")
    ] = 2025,
    tolerance: Annotated[
        float, typer.Option(metavar="PX", min=0, help="Distance up to which a boundary counts as found [px].")
    ] = 3.0,
    noises: Annotated[
        int, typer.Option(metavar="N", min=1, help="Microstructures made from pure noise, seeds 0 to N - 1.")
    ] = 100,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for micrographs.csv and noise.csv.")
    ] = None,
) -> None:
    """Score a model on fresh synthetic micrographs and from pure noise.

    Prints means as JSON: Eq. 1, precision, F1 and more of the closed boundaries of the initial guess
    (guess_...) and after the refinement, without margin; the share that converged within 46 iterations; and
    what the refinement makes of pure noise, with the share of closed microstructures whose grain sizes lie
    within those of the micrographs. With --out, a row per micrograph and per noise too. 'score', made for
    lines drawn by hand, takes 4 px and a margin of 12 px: do not compare its figures with these.
    """
    from temgrains import evaluation, models
    from temgrains.files import csv_text, write_text

    networks = models.load(model)
    drawn = recipe_of(recipe)
    with progress_bar() as progress:
        micrographs = evaluation.evaluate(
            drawn, model=networks, seed=seed, count=count, tolerance_px=tolerance, progress=progress
        )
        noise = evaluation.evaluate_from_noise(model=networks, seeds=range(noises), progress=progress)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_text(out / "micrographs.csv", csv_text(micrographs))
        write_text(out / "noise.csv", csv_text(noise))
    made = evaluation.are_microstructures(noise, micrographs)
    summary = {
        "micrographs": evaluation.summarise(micrographs),
        "noise": {**evaluation.summarise(noise), "microstructures": float(made.mean())},
    }
    typer.echo(
        json.dumps({"model": networks.name, "seed": seed, "tolerance_px": tolerance, **summary}, indent=1)
    )
