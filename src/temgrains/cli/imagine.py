"""``temgrains imagine``: a microstructure from pure noise."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from temgrains.cli._terminal import plainly, progress_bar, quiet, shape_of
from temgrains.cli.run import ModelOption, SetOption, changed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from temgrains.pipeline import Imagined
    from temgrains.records import Iterate

PICTURES = 6
"""States shown in the strip, as in Fig. 4a."""


@plainly
def imagine(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results; made if missing.")],
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="Seed of the noise.")] = 0,
    shape: Annotated[
        str, typer.Option(metavar="HxW", help="Height and width of the microstructure [px].")
    ] = "96x496",
    model: ModelOption = "paper",
    set_: SetOption = None,
) -> None:
    """Make a microstructure from pure noise by refinement alone, as the paper's figure 4a.

    In DIR there appear imagine-S.strip.png (six states, evenly spread over the iterations, with their
    numbers), imagine-S.boundaries.png (one pixel wide, 0 or 255), imagine-S.grains.csv (sizes in px) and
    imagine-S.json (seed, settings, model card, why it stopped, sizes of the grains).
    """
    from temgrains import pipeline

    sides, settings = shape_of(shape), changed(pipeline.NOISE_SETTINGS, set_)
    with quiet(), progress_bar() as progress:
        made = pipeline.imagine(seed=seed, shape=sides, model=model, settings=settings, progress=progress)
    out.mkdir(parents=True, exist_ok=True)
    _write(made, out, f"imagine-{seed}")
    ending = f"{made.provenance['stopped'] or 'left'} after {made.provenance['iterations']} iterations"
    for warning in made.provenance["warnings"]:
        typer.echo(f"seed {seed}: note: {warning}", err=True)
    typer.echo(f"seed {seed}: {made.grains.count} grains, {ending}")


def _write(made: "Imagined", folder: Path, stem: str) -> None:
    import numpy as np
    from PIL import Image

    from temgrains.files import saving

    with saving(folder / f"{stem}.strip.png") as path:
        _draw_strip(made.iterates, path)
    with saving(folder / f"{stem}.boundaries.png") as path:
        Image.fromarray(made.boundaries.mask.astype(np.uint8) * np.uint8(255)).save(path)
    with saving(folder / f"{stem}.grains.csv") as path:
        made.sizes.table.to_csv(path, index=False)
    sizes = made.sizes.table["ecd_px"].round(3).tolist()
    content = {**made.provenance, "grains": made.grains.count, "ecd_px": sizes}
    with saving(folder / f"{stem}.json") as path:
        path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _draw_strip(iterates: "Sequence[Iterate]", path: Path) -> None:
    """Stack evenly spread states, first and last among them, with their numbers at the left."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    numbers = np.unique(np.linspace(0, len(iterates) - 1, PICTURES).round().astype(int))
    height, width = iterates[0].state.shape
    inches = (0.6 + width / 100, len(numbers) * (height / 100 + 0.05))
    figure = Figure(figsize=inches, dpi=200, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, number in zip(figure.subplots(len(numbers), 1, squeeze=False)[:, 0], numbers, strict=True):
        axes.imshow(iterates[number].state, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set_ylabel(str(iterates[number].index), rotation=0, ha="right", va="center")
        axes.set(xticks=[], yticks=[])
    figure.savefig(path)
