"""The networks at work against their plain selves, and a whole analysis against one plain pass of Net1.

    python tests/benchmarks/bench_networks.py [--side 1024]

Plain is what is simplest in PyTorch: the whole image in one piece, channels first, normalisations as they
were trained. Prints processor seconds in one thread, taken in turns in one process, and the ratios of each
turn (medians); ends with 1 if a ratio is below its target. The greatest ratio that is possible at all is
that of an engine that computes as fast as the machine multiplies matrices.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
import warnings

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import temgrains as tg
from temgrains import models, networks
from temgrains.edges import find_edges
from temgrains.inference import Engine, computes_in_bfloat16
from temgrains.micrograph import from_array
from temgrains.refine import PoorGuessWarning
from temgrains.settings import GuessSettings, Settings
from temgrains.synthesis import paper_recipe, synthesise

ROUNDS = 5
TARGETS = {
    ("GuessNet", "float32"): 1.5,
    ("GuessNet", "bfloat16"): 3.0,
    ("SightedNet", "float32"): 1.3,
    ("SightedNet", "bfloat16"): 2.5,
    ("GuidedNet", "float32"): 1.6,
    ("PaperNet1", "float32"): 2.5,
    ("PaperNet1", "bfloat16"): 4.5,
    ("PaperNet2", "float32"): 0.1,
}
"""Least ratio of plain to ours at 1024 x 1024, on processors with and without matrix units for bfloat16; what
was wished for is in docs/performance.md. `PaperNet2` is asked for float32 and sums in float64."""

WHOLE_S = 30.0
"""Most processor seconds of a whole analysis of 1024 x 1024 pixels: what two cores give in 15 s."""

MATRIX = 1536


def plain(network: nn.Module) -> nn.Module:
    """Give the network without the layout in memory that the default ones impose on themselves."""
    network = copy.deepcopy(network)
    for part in network.modules():
        if isinstance(part, networks._SkipNetwork):
            part.forward = _channels_first.__get__(part)
    return network


def _channels_first(self, image):
    features, kept = nn.functional.pixel_unshuffle(image, 2), []
    for stage in self.encoder:
        features = stage(features if not kept else nn.functional.max_pool2d(features, 2))
        kept.append(features)
    kept.pop()
    for up, stage in zip(self.up, self.decoder, strict=True):
        features = stage(torch.cat([up(features), kept.pop()], 1))
    return nn.functional.pixel_shuffle(networks.apply_head(self.head, features), 2)


def seconds(call) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def cases(network: nn.Module, seen: np.ndarray) -> dict:
    """Give what takes turns: plain, ours in each precision, and a product of matrices."""
    simple, image = plain(network), torch.from_numpy(seen)[None].float()
    matrix = torch.randn(MATRIX, MATRIX)
    calls = {"plain": lambda: simple(image), "matrix": lambda: [matrix @ matrix for _ in range(4)]}
    precisions = [torch.float32]
    if computes_in_bfloat16() and getattr(network, "channels_last"):  # noqa: B009
        precisions.append(torch.bfloat16)
    for precision in precisions:
        engine = Engine(network, precision=precision)
        calls[str(precision).removeprefix("torch.")] = _alternating(engine, seen)
    return calls


def _alternating(engine: Engine, seen: np.ndarray):
    """Run over an image that each time differs from the last everywhere: nothing can be kept."""
    images = [seen, 255 - seen]

    def run():
        images.reverse()
        engine(images[0])

    return run


def race(network: nn.Module, seen: np.ndarray) -> bool:
    """Print the times and ratios of a network; say whether one is below its target."""
    name, low = type(network).__name__, False
    calls = cases(network, seen)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.from_numpy(seen)[None].float())
    work = counter.get_total_flops() / 1e9
    with torch.inference_mode():
        for call in calls.values():
            call()
        times = {k: [] for k in calls}
        for _ in range(ROUNDS):
            for k, call in calls.items():
                times[k].append(seconds(call))
    taken = {k: np.array(v) for k, v in times.items()}
    speed = 8 * MATRIX**3 / 1e9 / taken.pop("matrix")
    possible = float(np.median(taken["plain"] * speed / work))
    for k, spent in taken.items():
        ratio = float(np.median(taken["plain"] / spent))
        share = float(np.median(work / spent / speed))
        target = TARGETS.get((name, k))
        verdict = "" if target is None else f"{target:8.2f}"
        print(
            f"{name:11s}{k:10s}{np.median(spent):8.3f} s{ratio:7.2f} x{work / np.median(spent):8.0f} GFLOP/s"
            f"{share:7.0%} of a product, {possible:.2f} x possible in float32{verdict}"
        )
        low |= target is not None and ratio < target
    return low


def whole(image: np.ndarray, edges: np.ndarray) -> bool:
    """Print what a whole analysis takes, in plain passes of Net1; say whether it is too much."""
    low = False
    for name in ("default", "paper"):
        model = models.load(name)
        simple = plain(model.net1)
        seen = torch.from_numpy(edges[: model.net1.channels])[None].float()
        for precision in ("auto", "float32") if getattr(model.net1, "coarse", False) else ("auto",):
            settings = Settings(guess=GuessSettings(precision=precision, scale=1))
            with torch.inference_mode():
                once = seconds(lambda simple=simple, seen=seen: simple(seen))
            spent, analysis = np.inf, None
            for _ in range(2):  # the first one may compile
                start = time.process_time()
                analysis = tg.analyse(from_array(image), model=model, settings=settings)
                spent = min(spent, time.process_time() - start)
            last = analysis.iterates[-1]
            print(
                f"whole analysis, {name}, {precision}: {spent:.1f} s of processor time, {spent / once:.1f} "
                f"plain passes of Net1; {last.stopped} after {last.index}, {analysis.grains.count} grains"
            )
            low |= spent > WHOLE_S
    return low


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=1024)
    side = parser.parse_args().side
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", PoorGuessWarning)
    recipe = paper_recipe(shape=(side, side), mean_diameter_px=(40.0, 44.0))
    image = synthesise(recipe, seed=1).image
    found = find_edges(from_array(image))
    edges = np.concatenate([found.maps, found.grey[None]])
    low = False
    for name in ("default", "paper"):
        model = models.load(name)
        low |= race(model.net1, np.ascontiguousarray(edges[: model.net1.channels]))
        pair = isinstance(model.net2, networks.SightedPair)
        for net2 in (model.net2.sighted, model.net2.guided) if pair else (model.net2,):
            low |= race(net2, np.stack([found.grey] * net2.channels))
    low |= whole(image, edges)
    return int(low)


if __name__ == "__main__":
    sys.exit(main())
