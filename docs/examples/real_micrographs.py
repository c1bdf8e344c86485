"""Score models on real micrographs with hand-drawn truth, and draw what they found.

    python docs/examples/real_micrographs.py SHARED [MODEL ...] [--pictures DIR]

SHARED is the folder of real data (data/uo2, data/saleh2025), which is not part of the repository. Prints the
tables of docs/results.md. `saleh2025` among the models imports the authors' published networks on the fly.
"""

import argparse
import warnings
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from skimage.transform import resize

import temgrains as tg
from temgrains import models, pipeline
from temgrains.export import overlay, write_overlay
from temgrains.micrograph import from_array
from temgrains.records import Analysis
from temgrains.refine import PoorGuessWarning
from temgrains.score import read_mask

COLUMNS = ["eq1", "precision", "f1", "length", "are", "vi", "ecd", "closed"]
TOLERANCE_PX, MARGIN_PX = 4.0, 12


def load(name: str, shared: Path) -> models.Model:
    """Give a model by name; the published one is made from its MATLAB files."""
    if name != "saleh2025":
        return models.load(name)
    folder = shared / "data" / "saleh2025"
    return models.import_matlab(folder / "net1.mat", folder / "net2.mat", name=name)


def score_uo2(model: models.Model, shared: Path, pictures: Path | None) -> pd.DataFrame:
    """Score guess and refined boundaries of each image, as the referee does (4 px, margin 12 px)."""
    rows = []
    for path in sorted((shared / "data" / "uo2" / "images").glob("*.png")):
        truth = read_mask(shared / "data" / "uo2" / "truth" / path.name)
        analysis = tg.analyse(tg.read(path), model=model)
        for stage, mask in (
            ("guess", pipeline.closed_guess(analysis, model=model).mask),
            ("refined", analysis.boundaries.mask),
        ):
            found = tg.score(truth, mask, tolerance_px=TOLERANCE_PX, margin_px=MARGIN_PX)
            rows.append({"image": path.stem, "stage": stage, **{c: getattr(found, c) for c in COLUMNS}})
        rows[-1] |= {"iterations": analysis.iterates[-1].index, "stopped": analysis.iterates[-1].stopped}
        if pictures:
            _picture(analysis, pictures / f"{path.stem}.{model.name}.png")
    return pd.DataFrame(rows)


def course_of_fig_2(model: models.Model, shared: Path, pictures: Path | None) -> None:
    """Print the refinement of the authors' example: as it is, and resized as the reference does."""
    micrograph = tg.read(shared / "data" / "saleh2025" / "TEM.png")
    resized = from_array(resize(micrograph.pixels, (96, 496), order=3, anti_aliasing=True), source="resized")
    for name, image in (("TEM.png", micrograph), ("TEM.png at 96 x 496", resized)):
        analysis = tg.analyse(image, model=model)
        last = analysis.iterates[-1]
        print(f"{name}, {model.name}: {last.stopped} after {last.index}, {analysis.grains.count} grains")
        print("   ", ", ".join(f"{i.change:.4f}" for i in analysis.iterates[1:]))
        if pictures:
            _picture(analysis, pictures / f"{name.replace(' ', '_')}.{model.name}.png")


def side_by_side(known: list[models.Model], shared: Path, path: Path) -> None:
    """Draw what each model finds on the authors' example, one above the other."""
    micrograph = tg.read(shared / "data" / "saleh2025" / "TEM.png")
    figure = Figure(figsize=(12, 2.1 * len(known)), layout="constrained")
    for axes, model in zip(figure.subplots(len(known), 1, squeeze=False)[:, 0], known, strict=True):
        axes.imshow(overlay(micrograph, tg.analyse(micrograph, model=model).boundaries))
        axes.set(title=model.name, xticks=[], yticks=[])
    figure.savefig(path, dpi=120)


def _picture(analysis: Analysis, path: Path) -> None:
    write_overlay(path, analysis.micrograph, analysis.boundaries)


def main() -> None:
    """Run all models over all micrographs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shared", type=Path)
    parser.add_argument("models", nargs="*", default=["paper", "saleh2025"])
    parser.add_argument("--pictures", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", PoorGuessWarning)
    if arguments.pictures:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
    known = [load(name, arguments.shared) for name in arguments.models]
    if arguments.pictures:
        side_by_side(known, arguments.shared, arguments.pictures / "TEM.side_by_side.png")
    for name, model in zip(arguments.models, known, strict=True):
        course_of_fig_2(model, arguments.shared, arguments.pictures)
        table = score_uo2(model, arguments.shared, arguments.pictures)
        print(f"\n{name}, {TOLERANCE_PX:g} px, margin {MARGIN_PX} px")
        print(table.round(3).to_string(index=False))
        print(table.groupby("stage")[COLUMNS].mean().round(3).to_string(), "\n")


if __name__ == "__main__":
    main()
