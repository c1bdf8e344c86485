"""Train guesses of several widths, and a refiner that sees the micrograph, on one stream of micrographs.

    python docs/experiments/scale.py OUT [--minutes M] [--workers W] [--network NAME=WIDTHS ...]
                                         [--refiner NAME] [--start MODEL] [--recipe RECIPE]

All networks learn from the same fresh micrographs in the same order, so that they compare by their size
alone. The learning rate falls with the share of the minutes that has passed. OUT gets NAME.safetensors for
each network, the mean of its weights over the last steps, "sighted" for the refiner, which refines the guess
named; and curves.csv, at its end the cross entropies on micrographs that none has learnt from. What is as
wide as a network of MODEL begins with its weights. Runs on a GPU where there is one; drawing the micrographs
then takes all processors that `--workers` allows.
"""

import argparse
import copy
import csv
import math
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from temgrains import models
from temgrains.networks import GuessNet, SightedNet, SightedPair
from temgrains.synthesis import Recipe
from temgrains.synthesis.recipe_files import RECIPES
from temgrains.training.pairs import make_pairs
from temgrains.training.stream import Stream, StreamSettings

HELD_OUT = 256
SEED = 2026
PASSES = (1, 2, 4)
SIGHTED = "sighted"
REPORT = 500
"""Steps between two rows of the curves."""


def turned(batch: list[Tensor]) -> list[Tensor]:
    """Give one of eight views."""
    view = int(torch.randint(8, ()))
    parts = [torch.rot90(part, view % 4, (-2, -1)) for part in batch]
    return [part.flip(-1) if view >= 4 else part for part in parts]


def cross_entropy(logit: Tensor, truth: Tensor) -> Tensor:
    """Give the mean over the pixels."""
    return nn.functional.binary_cross_entropy_with_logits(logit.float(), truth)


def channels_last(image: Tensor) -> Tensor:
    """Lay the channels last."""
    return image.contiguous(memory_format=torch.channels_last)


def follow(kept: nn.Module, network: nn.Module, share: float) -> None:
    """Move the mean of the weights towards those of this step."""
    with torch.no_grad():
        ours, theirs = kept.state_dict(), network.state_dict()
        real = [name for name in ours if ours[name].is_floating_point()]
        torch._foreach_lerp_([ours[n] for n in real], [theirs[n] for n in real], share)


def spoilt(guess: Tensor, truth: Tensor) -> Tensor:
    """Give states (0..1) to start from: two in three the guess, the others with lines missing and too many.

    In patches of some 32 px lines fade, and in others those of another micrograph are added.
    """
    batch, _, height, width = guess.shape
    coarse = torch.rand(batch, 2, 1, height // 32, width // 32, device=guess.device)
    fading, strange = (
        nn.functional.interpolate(coarse[:, k], scale_factor=32.0, mode="bilinear") for k in (0, 1)
    )
    state = torch.where(fading > 0.6, guess * 0.2, guess)
    state = torch.where(strange > 0.7, torch.maximum(state, truth.roll(1, 0)), state)
    return torch.where(torch.rand(batch, 1, 1, 1, device=guess.device) < 2 / 3, guess, state)


def seen(state: Tensor, guess: Tensor, image: Tensor) -> Tensor:
    """Give what a refiner looks at, of state and guess (0..1) and edge maps and grey (0..255)."""
    return channels_last(torch.cat([255 * state, 255 * guess, image], 1))


class School:
    """The networks under training, and the mean of their weights."""

    def __init__(self, chosen: argparse.Namespace, device: torch.device) -> None:
        named = (text.split("=") for text in chosen.network)
        self.networks: dict[str, nn.Module] = {
            name: GuessNet([int(width) for width in widths.split(",")]) for name, widths in named
        }
        self.refined = chosen.refiner
        if self.refined:
            self.networks[SIGHTED] = SightedNet()
        if chosen.start:
            self._begin(models.load(chosen.start))
        for network in self.networks.values():
            network.to(device, memory_format=torch.channels_last)
        self.kept = {name: copy.deepcopy(network).eval() for name, network in self.networks.items()}
        self._adams = {n: torch.optim.Adam(w.parameters(), lr=chosen.rate) for n, w in self.networks.items()}
        self._run = {
            n: torch.compile(w.unclipped) if chosen.compile else w.unclipped for n, w in self.networks.items()
        }

    def _begin(self, model: models.Model) -> None:
        """Take the weights of a model where it has networks of that size."""
        known = [model.net1, model.net2.sighted if isinstance(model.net2, SightedPair) else model.net2]
        for network in self.networks.values():
            for other in known:
                if type(other) is type(network) and other.widths == network.widths:
                    network.load_state_dict(other.state_dict())

    def learn(self, image: Tensor, truth: Tensor, *, rate: float, share: float) -> dict[str, Tensor]:
        """Take one step with each network, and give their errors."""
        errors = {}
        for name, network in self.networks.items():
            adam = self._adams[name]
            adam.param_groups[0]["lr"] = rate
            adam.zero_grad(set_to_none=True)
            errors[name] = self._taught(name, image, truth)
            adam.step()
            follow(self.kept[name], network, share)
        return errors

    def _taught(self, name: str, image: Tensor, truth: Tensor) -> Tensor:
        if name != SIGHTED:
            error = cross_entropy(self._run[name](image), truth)
            error.backward()
            return error.detach()
        guess = self.guess(image)
        state = spoilt(guess, truth)
        for _ in range(1 + int(torch.randint(3, ()))):
            logit = self._run[name](seen(state, guess, image))
            error = cross_entropy(logit, truth)
            error.backward()
            state = logit.detach().float().sigmoid()
        return error.detach()

    @torch.no_grad()
    def guess(self, image: Tensor) -> Tensor:
        """Give the guess that is refined."""
        return self.kept[self.refined].unclipped(image).float().sigmoid()

    @torch.no_grad()
    def judged(self, image: Tensor, truth: Tensor) -> dict[str, float]:
        """Give the cross entropies of the mean weights, of the refiner after several passes."""
        found = {
            name: float(cross_entropy(network.unclipped(image), truth))
            for name, network in self.kept.items()
            if name != SIGHTED
        }
        if not self.refined:
            return found
        guess = state = self.guess(image)
        for number in range(1, max(PASSES) + 1):
            logit = self.kept[SIGHTED].unclipped(seen(state, guess, image))
            state = logit.float().sigmoid()
            if number in PASSES:
                found[f"{SIGHTED}_{number}"] = float(cross_entropy(logit, truth))
        return found


def train(
    school: School, recipe: Recipe, chosen: argparse.Namespace, device: torch.device
) -> list[dict[str, float]]:
    """Learn until the minutes are over, and give the curves."""
    stream = Stream(
        recipe,
        StreamSettings(
            seed=chosen.seed,
            steps=10**6,
            batch=chosen.batch,
            views=chosen.views,
            kept=chosen.kept,
            grey=True,
            workers=chosen.workers,
        ),
    )
    begun = start = time.monotonic()
    rows: list[dict[str, float]] = []
    sums: dict[str, Tensor] = {}
    for step in range(len(stream)):
        batch = [torch.from_numpy(part).to(device, non_blocking=True) for part in stream[step]]
        if step == 0:
            start = time.monotonic()
        share = (time.monotonic() - start) / (60 * chosen.minutes - (start - begun))
        if share >= 1:
            break
        rate = chosen.rate * min(1.0, (step + 1) / 200) * (1 + math.cos(math.pi * share)) / 2
        image, truth = turned(batch)
        with torch.autocast(device.type, torch.bfloat16):
            errors = school.learn(
                channels_last(image.float()), truth.float(), rate=rate, share=max(1 / (step + 1), 2e-3)
            )
        sums = {name: error + sums.get(name, 0) for name, error in errors.items()}
        if (step + 1) % REPORT == 0:
            row = {"step": step + 1, "seconds": time.monotonic() - start, "rate": rate}
            rows.append(row | {name: float(total) / REPORT for name, total in sums.items()})
            print({name: round(value, 4) for name, value in rows[-1].items()}, flush=True)
            sums = {}
    stream.close()
    return rows


def main() -> None:
    """Train, and write what was learnt."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--workers", type=int, default=12)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--views", type=int, default=8)
    parser.add_argument("--kept", type=int, default=4096)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--refiner", help="name of the network whose guess it refines")
    parser.add_argument("--network", nargs="*", default=["whole=32,64,128,192"])
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--start", help="name or file of a model whose weights to begin with")
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="default")
    parser.add_argument("--seed", type=int, default=SEED)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(chosen.seed)
    recipe = RECIPES[chosen.recipe]()
    school = School(chosen, device)
    rows = train(school, recipe, chosen, device)
    for name, network in school.kept.items():
        weights = {k: v.float().cpu().contiguous() for k, v in network.state_dict().items()}
        save_file(weights, chosen.out / f"{name}.safetensors")
    held = make_pairs(recipe, seed=SEED + 1, count=HELD_OUT, grey=True, workers=chosen.workers)
    found: list[dict[str, float]] = []
    with torch.autocast(device.type, torch.bfloat16):
        for first in range(0, HELD_OUT, 32):
            which = torch.arange(first, first + 32).numpy()
            image = channels_last(torch.from_numpy(held.inputs(which)).to(device).float())
            found.append(school.judged(image, torch.from_numpy(held.truths(which)).to(device).float()))
    rows.append({f"{name}, held out": sum(f[name] for f in found) / len(found) for name in found[0]})
    print(rows[-1])
    names = list(dict.fromkeys(name for row in rows for name in row))
    with (chosen.out / "curves.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
