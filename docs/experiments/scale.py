"""Train guesses of several widths, and a refiner that sees the micrograph, on one stream of fresh micrographs.

    python docs/experiments/scale.py OUT [--minutes M] [--workers W] [--network NAME=WIDTHS ...] [--refiner NAME]

All networks learn from the same micrographs in the same order, so that they compare by their size alone. The
learning rate falls with the share of the minutes that has passed. OUT gets NAME.safetensors for each network
(the mean of the weights over the last steps) and curves.csv: cross entropies on held-out micrographs.
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

from temgrains.networks import GuessNet, _SkipNetwork, flattened
from temgrains.synthesis import real_recipe
from temgrains.training.pairs import make_pairs
from temgrains.training.stream import Stream, StreamSettings

HELD_OUT = 256
SEED = 2026
PASSES = (1, 2, 4)


class SightedNet(nn.Module):
    """A state, the guess, and all that the guess sees, to the next state: eight channels."""

    widths = (32, 64, 96, 128)

    def __init__(self) -> None:
        super().__init__()
        self.network = _SkipNetwork(8, self.widths)

    def unclipped(self, seen: Tensor, look: Tensor) -> Tensor:
        """Give the logit; ``seen`` is state, guess and what is known (B, 3, H, W; 0..1)."""
        return self.network(torch.cat([seen, look], 1))


def sized(widths: tuple[int, ...]) -> GuessNet:
    """Give a `GuessNet` of other widths."""
    return type("Sized", (GuessNet,), {"widths": widths})()


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


def look_of(image: Tensor) -> Tensor:
    """Give what the layers of a guess see."""
    return GuessNet.look(image, flattened(image[:, 3:] / 255))


def spoilt(guess: Tensor, truth: Tensor) -> Tensor:
    """Give states to start from: two in three the guess, the others with lines missing and lines too many."""
    batch = len(guess)
    coarse = torch.rand(batch, 2, 1, guess.shape[-2] // 32, guess.shape[-1] // 32, device=guess.device)
    patches = [nn.functional.interpolate(coarse[:, k], scale_factor=32.0, mode="bilinear") for k in (0, 1)]
    rolled = truth.roll(1, 0)
    state = torch.where(patches[0] > 0.6, guess * 0.2, guess)
    state = torch.where(patches[1] > 0.7, torch.maximum(state, rolled), state)
    return torch.where(torch.rand(batch, 1, 1, 1, device=guess.device) < 2 / 3, guess, state)


def main() -> None:
    """Train, and write what was learnt."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--workers", type=int, default=12)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--views", type=int, default=6)
    parser.add_argument("--kept", type=int, default=4096)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--refiner", help="name of the network whose guess it refines")
    parser.add_argument("--network", nargs="*", default=["whole=32,64,128,192"])
    parser.add_argument("--compile", action="store_true")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(SEED)
    begun = time.monotonic()
    recipe = real_recipe()
    settings = StreamSettings(
        seed=SEED, steps=10**6, batch=chosen.batch, views=chosen.views, kept=chosen.kept, grey=True,
        workers=chosen.workers,
    )  # fmt: skip
    stream = Stream(recipe, settings)
    networks: dict[str, nn.Module] = {}
    for text in chosen.network:
        name, widths = text.split("=")
        networks[name] = sized(tuple(map(int, widths.split(","))))
    refiner = SightedNet() if chosen.refiner else None
    if refiner is not None:
        networks["sighted"] = refiner
    for network in networks.values():
        network.to(device, memory_format=torch.channels_last)
    kept = {name: copy.deepcopy(network).eval() for name, network in networks.items()}
    adams = {n: torch.optim.Adam(w.parameters(), lr=chosen.rate) for n, w in networks.items()}
    run = {n: torch.compile(w.unclipped) if chosen.compile else w.unclipped for n, w in networks.items()}
    held = None
    rows: list[dict[str, float]] = []
    print(f"first batch asked for after {time.monotonic() - begun:.0f} s", flush=True)
    step, sums, last = 0, dict.fromkeys(networks, 0.0), time.monotonic()
    while True:
        image8, truth8 = stream[step]
        if step == 0:
            start = time.monotonic()
            print(f"learning from {start - begun:.0f} s on", flush=True)
        gone = (time.monotonic() - begun) / (60 * chosen.minutes)
        share = (time.monotonic() - start) / max(60 * chosen.minutes - (start - begun), 1)
        if gone >= 1:
            break
        rate = chosen.rate * min(1.0, (step + 1) / 200) * 0.5 * (1 + math.cos(math.pi * min(share, 1)))
        image, truth = (torch.from_numpy(part).to(device, non_blocking=True) for part in (image8, truth8))
        image, truth = turned([image, truth])
        image, truth = channels_last(image.float()), truth.float()
        with torch.autocast(device.type, torch.bfloat16):
            look = channels_last(look_of(image))
            for name, network in networks.items():
                adams[name].param_groups[0]["lr"] = rate
                adams[name].zero_grad(set_to_none=True)
                if name != "sighted":
                    error = cross_entropy(run[name](image), truth)
                    error.backward()
                else:
                    with torch.no_grad():
                        guess = kept[chosen.refiner].unclipped(image).float().sigmoid()
                    state, known = spoilt(guess, truth), torch.ones_like(guess)
                    for _ in range(1 + int(torch.randint(3, ()))):
                        error = cross_entropy(
                            logit := run[name](torch.cat([state, guess, known], 1), look), truth
                        )
                        error.backward()
                        state = logit.detach().float().sigmoid()
                adams[name].step()
                follow(kept[name], network, max(1 / (step + 1), 2e-3))
                sums[name] += error.detach()
        step += 1
        if step % 500 == 0 or (step == 50):
            row = {
                "step": step,
                "seconds": time.monotonic() - start,
                "micrographs": stream._drawn,
                "rate": rate,
            }
            row |= {f"{n}_train": float(s) / (500 if step % 500 == 0 else 50) for n, s in sums.items()}
            sums = dict.fromkeys(networks, 0.0)
            print({k: round(v, 4) for k, v in row.items()}, flush=True)
            rows.append(row)
    seconds = time.monotonic() - start
    print(f"{step} steps in {seconds:.0f} s, {stream._drawn} micrographs", flush=True)
    stream.close()
    for name, network in kept.items():
        weights = {k: v.detach().float().cpu().contiguous() for k, v in network.state_dict().items()
                   if v.is_floating_point()}  # fmt: skip
        save_file(weights, chosen.out / f"{name}.safetensors")
    held = make_pairs(recipe, seed=SEED + 1, count=HELD_OUT, grey=True, workers=chosen.workers)
    totals: dict[str, float] = {}
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16):
        for first in range(0, HELD_OUT, 32):
            which = torch.arange(first, first + 32).numpy()
            image = channels_last(torch.from_numpy(held.inputs(which)).to(device).float())
            truth = torch.from_numpy(held.truths(which)).to(device).float()
            for name, network in kept.items():
                if name != "sighted":
                    totals[name] = totals.get(name, 0.0) + float(
                        cross_entropy(network.unclipped(image), truth)
                    )
                    continue
                look = look_of(image)
                guess = kept[chosen.refiner].unclipped(image).float().sigmoid()
                state, known = guess, torch.ones_like(guess)
                for number in range(1, max(PASSES) + 1):
                    logit = network.unclipped(torch.cat([state, guess, known], 1), look)
                    state = logit.float().sigmoid()
                    if number in PASSES:
                        key = f"sighted_{number}"
                        totals[key] = totals.get(key, 0.0) + float(cross_entropy(logit, truth))
    final = {f"{name}_held_out": total / (HELD_OUT // 32) for name, total in totals.items()}
    print(final, flush=True)
    rows.append({"step": step, "seconds": seconds, "micrographs": stream._drawn, **final})
    names = list(dict.fromkeys(name for row in rows for name in row))
    with (chosen.out / "curves.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
