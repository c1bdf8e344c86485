"""Compare grain sizes of found and of hand-drawn boundaries, image by image.

    python docs/examples/uo2_sizes.py SHARED [--model NAME] [IMAGE ...]

SHARED is the folder of real data (data/uo2), which is not part of the repository. Prints a table for
docs/statistics.md. The size of a pixel is not known, so sizes are in px; differences of G do not depend on
it.
The truths have a frame along the image border, so a margin is left out of both.
"""

import argparse
import math
import warnings
from pathlib import Path

import numpy as np

import temgrains as tg
from temgrains import models
from temgrains.boundaries import close
from temgrains.refine import PoorGuessWarning
from temgrains.score import read_mask
from temgrains.statistics.labels import labelled
from temgrains.statistics.report import Choices, SizeStatistics, describe

MARGIN_PX = 12


def sizes(mask: np.ndarray) -> SizeStatistics:
    """Measure what boundaries enclose, without the margin."""
    inner = np.ascontiguousarray(mask[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX])
    return describe(labelled(close(inner * np.uint8(255)).labels), choices=Choices(replicates=0))


def row(name: str, found: SizeStatistics, true: SizeStatistics) -> str:
    """Put the figures of one image into a row."""
    (side, chord), (true_side, true_chord) = ([m.size for m in s.methods[:2]] for s in (found, true))
    means = [s.content["distribution"]["summary"]["mean"] for s in (found, true)]
    offsets = [-2 * math.log2(a / b) for a, b in ((side, true_side), (chord, true_chord))]
    cells = [
        name,
        f"{found.content['grains']}, {true.content['grains']}",
        f"{means[0]:.1f}, {means[1]:.1f} ({100 * (means[0] / means[1] - 1):+.1f} %)",
        f"{side:.1f}, {true_side:.1f}",
        f"{offsets[0]:+.2f}",
        f"{chord:.1f}, {true_chord:.1f}",
        f"{offsets[1]:+.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print a row per image."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shared", type=Path)
    parser.add_argument("images", nargs="*")
    parser.add_argument("--model", default=models.DEFAULT)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", PoorGuessWarning)
    folder = arguments.shared / "data" / "uo2"
    print("| image | grains | mean ECD [px] | root of mean area [px] | dG | mean intercept [px] | dG |")
    print("|---|---|---|---|---|---|---|")
    for path in sorted((folder / "images").glob("*.png")):
        if arguments.images and path.stem not in arguments.images:
            continue
        analysis = tg.analyse(tg.read(path), model=arguments.model)
        found, true = sizes(analysis.boundaries.mask), sizes(read_mask(folder / "truth" / path.name))
        print(row(path.stem, found, true), flush=True)


if __name__ == "__main__":
    main()
