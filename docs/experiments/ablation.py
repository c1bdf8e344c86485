"""Train the guess without this and without that, at one small budget, and score what is left.

    python docs/experiments/ablation.py OUT [--shared SHARED] [--only CASE ...] [--count N] [--steps N]

Each case is a network trained from the same first weights, on as many synthetic micrographs (192 x 192 px)
and for as many steps as every other, once the named thing is taken away. It is scored on synthetic
micrographs of the whole recipe that no case learned from and, where SHARED (the folder of real data, which
is not part of the repository) is given, on the real ones. OUT keeps the pairs and a line of ablation.csv for
each case; cases that are there already are not trained again. The budget is a small part of the shipped
model's, so the rows compare with each other and with nothing else.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

import temgrains as tg
from temgrains import tiling
from temgrains.edges import find_edges
from temgrains.merging import divide
from temgrains.networks import GuessNet
from temgrains.score import Score, read_mask
from temgrains.synthesis import Recipe, paper_recipe, real_recipe
from temgrains.training.pairs import Pairs, cached_pairs

SHAPE = (192, 192)
CROP_PX = 160
BATCH = 8
TEST = 60
SEED = 11
SUPPORTS = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
FAMILIES = {
    "contrast within grains": {
        "GrainShading", "GrainMottle", "TwinLamellae", "BendContours", "ThicknessFringes", "Moire",
    },
    "inclined boundaries": {"InclinedBoundaries"},
    "boundary lines": {"BoundaryLines"},
    "defects": {"Dislocations", "Loops", "Particles", "Speckle"},
    "overlap in depth": {"DepthOverlay"},
    "light, blur and noise": {"Background", "Blur", "CorrelatedNoise", "ShotNoise", "GreyScale"},
    "marks": {"Scratches", "JpegBlocks", "ScaleBar"},
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What one network sees, learns from and consists of."""

    channels: str = "SLCG"
    """Of Sobel, LoG, Canny, grey, those that are not blanked."""
    without: str | None = None
    """Family of concepts that is left out of the recipe; ``shapes`` leaves cells convex."""
    paper: bool = False
    """Learns from the paper's recipe."""
    skips: bool = True
    widths: tuple[int, ...] = (32, 64, 128, 192)


CASES = {
    "whole": Case(),
    "grey only": Case(channels="G"),
    "edges only": Case(channels="SLC"),
    "Sobel only": Case(channels="S"),
    "LoG only": Case(channels="L"),
    "Canny only": Case(channels="C"),
    "no skip connections": Case(skips=False),
    "half as wide": Case(widths=(16, 32, 64, 96)),
    "half as wide again": Case(widths=(8, 16, 32, 48)),
    "paper's recipe": Case(paper=True),
    **{f"without {family}": Case(without=family) for family in ("curved shapes", *FAMILIES)},
}


class Ablated(nn.Module):
    """`GuessNet` with channels blanked, other widths, or without skip connections."""

    channels, halo, ceiling, channels_last = 4, GuessNet.halo, GuessNet.ceiling, True

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.network = GuessNet(case.widths)
        if not case.skips:
            for stage in self.network.network.decoder:
                stage.register_forward_pre_hook(_blank_skipped)
        self.register_buffer("seen", torch.tensor([float(c in case.channels) for c in "SLCG"])[:, None, None])

    def unclipped(self, image: Tensor) -> Tensor:
        """Give the logit of the likelihood."""
        return self.network.unclipped(image * self.seen)

    def forward(self, image: Tensor) -> Tensor:
        """Give the likelihood as grey 0..255."""
        return self.network(image * self.seen)


def _blank_skipped(_stage: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
    """Blank the second half of the features, which came past the narrow middle."""
    own, skipped = inputs[0].chunk(2, 1)
    return (torch.cat([own, torch.zeros_like(skipped)], 1),)


def recipe_of(case: Case) -> Recipe:
    """Give what the case learns from."""
    if case.paper:
        return paper_recipe(shape=SHAPE, mean_diameter_px=(20.0, 64.0))
    recipe = real_recipe(shape=SHAPE)
    if case.without == "curved shapes":
        return replace(recipe, shapes=())
    left_out = FAMILIES.get(case.without or "", set())
    return replace(recipe, steps=tuple(s for s in recipe.steps if _named(s) not in left_out))


def _named(step: object) -> str:
    return type(getattr(step, "concept", step)).__name__


def train(case: Case, pairs: Pairs, steps: int) -> Ablated:
    """Train from the same first weights, crops in the same order."""
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    network = Ablated(case).train()
    adam = torch.optim.Adam(network.parameters(), lr=2e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(adam, 2e-3, total_steps=steps)
    for _ in range(steps):
        which = rng.integers(len(pairs), size=BATCH)
        top, left = rng.integers(0, SHAPE[0] - CROP_PX + 1, 2)
        window = np.s_[..., top : top + CROP_PX, left : left + CROP_PX]
        axes = [(), (-1,), (-2,), (-1, -2)][rng.integers(4)]
        turn = rng.integers(2)
        image, truth = (
            np.flip(np.swapaxes(x[window], -1, -2) if turn else x[window], axes).copy()
            for x in (pairs.inputs(which), pairs.truths(which))
        )
        with torch.autocast("cpu", torch.bfloat16):
            logit = network.unclipped(torch.from_numpy(image).float())
        error = nn.functional.binary_cross_entropy_with_logits(logit.float(), torch.from_numpy(truth).float())
        adam.zero_grad()
        error.backward()
        adam.step()
        rate.step()
    return network.eval()


def guess(network: Ablated, image: np.ndarray) -> np.ndarray:
    """Give the guess uint8 (H, W) of edges and grey (4, H, W)."""
    with torch.autocast("cpu", torch.bfloat16):
        return np.rint(tiling.apply(network, image, tile_px=512)).astype(np.uint8)


def real_images(shared: Path | None) -> list[tuple[np.ndarray, np.ndarray]]:
    """Give edges and grey, and the drawn truth, of the real micrographs."""
    found = []
    for path in sorted((shared / "data" / "uo2" / "images").glob("*.png")) if shared else []:
        edges = find_edges(tg.read(path))
        truth = read_mask(shared / "data" / "uo2" / "truth" / path.name)
        found.append((np.concatenate([edges.maps, edges.grey[None]]), truth))
    return found


def means(scores: list[Score]) -> tuple[float, ...]:
    """Give the means of Eq. 1, precision, F1, length ratio and VI."""
    return tuple(np.mean([(s.eq1, s.precision, s.f1, s.length, s.vi) for s in scores], axis=0).round(4))


def row_of(network: Ablated, test: Pairs, real: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Score at the support that is best on the synthetic micrographs."""
    numbers = np.arange(len(test))
    drawn = [
        (guess(network, image), truth[0] > 0)
        for image, truth in zip(test.inputs(numbers), test.truths(numbers), strict=True)
    ]
    by_support = {
        support: means(
            [tg.score(truth, divide(g, support=support) == 0, tolerance_px=3) for g, truth in drawn]
        )
        for support in SUPPORTS
    }
    support, synthetic = max(by_support.items(), key=lambda item: item[1][2])
    row = {"support": support, "synthetic_f1": synthetic[2], "synthetic_vi": synthetic[4]}
    if real:
        found = means(
            [
                tg.score(truth, divide(guess(network, x), support=support) == 0, tolerance_px=4, margin_px=12)
                for x, truth in real
            ]
        )
        names = ("real_eq1", "real_precision", "real_f1", "real_length", "real_vi")
        row |= dict(zip(names, found, strict=True))
    return row


def main() -> None:
    """Train and score the cases that are not there yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--shared", type=Path)
    parser.add_argument("--only", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument("--count", type=int, default=700)
    parser.add_argument("--steps", type=int, default=350)
    arguments = parser.parse_args()
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    table = out / "ablation.csv"
    done = set(pd.read_csv(table)["case"]) if table.exists() else set()
    test = cached_pairs(out, real_recipe(shape=SHAPE), seed=SEED + 1, count=TEST, grey=True)
    real = real_images(arguments.shared)
    for name in arguments.only:
        if name in done:
            continue
        case = CASES[name]
        pairs = cached_pairs(out, recipe_of(case), seed=SEED, count=arguments.count, grey=True)
        network = train(case, pairs, arguments.steps)
        row = pd.DataFrame([{"case": name, **row_of(network, test, real)}])
        row.to_csv(table, mode="a", header=not table.exists(), index=False)
        print(row.to_string(index=False, header=False), flush=True)


if __name__ == "__main__":
    main()
