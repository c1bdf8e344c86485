"""Train Net1 and Net2 with Lightning; everything a run makes lies in one folder, from which it goes on."""

from __future__ import annotations

import copy
import csv
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from temgrains.models import load, make_model, save
from temgrains.networks import ARCHITECTURES, GuessNet, GuidedNet, PaperNet2, SightedPair
from temgrains.records import Progress, silent
from temgrains.training.fit import fit
from temgrains.training.guided import GuidedPool
from temgrains.training.pairs import Pairs, cached_pairs, split
from temgrains.training.states import StatePool
from temgrains.training.tasks import GuessTask, GuidedTask, LikelihoodTask, PaperRefineTask, RefineTask

if TYPE_CHECKING:
    from pathlib import Path

    from lightning import LightningModule
    from numpy.typing import NDArray
    from torch import nn

    from temgrains.synthesis import Recipe
    from temgrains.training.settings import TrainSettings


def train_net1(out: Path, recipe: Recipe, settings: TrainSettings, *, progress: Progress = silent) -> Path:
    """Train Net1 and give the path of its best checkpoint.

    Parameters
    ----------
    out
        Folder of the run. Micrographs and checkpoints found there are used: a killed run goes on.
    recipe
        What the micrographs look like.
    settings
        Amount, schedule and hardware.
    progress
        Called as ``progress("pairs", made, count)`` and ``progress("net1", step, steps)``.
    """
    pairs, (train, validation, _) = _pairs(out, recipe, settings, progress)
    torch.manual_seed(settings.seed)
    network = _first_weights(_net1(settings), "net1", settings)
    task = (LikelihoodTask if settings.networks == "default" else GuessTask)(network, settings)
    loaders = [
        _loader(_InputPairs(pairs, which), settings, shuffle=which is train) for which in (train, validation)
    ]
    return fit("net1", task, loaders, out, settings, progress)


def train_net2(
    out: Path, recipe: Recipe, settings: TrainSettings, *, name: str = "own", progress: Progress = silent
) -> Path:
    """Train Net2 on the outputs of the Net1 in the same folder, and give the path of the finished model file.

    Raises
    ------
    ValueError
        If the folder holds no trained Net1.
    """
    checkpoint = out / "net1" / "best.ckpt"
    if not checkpoint.exists():
        raise ValueError(f"{out} holds no trained Net1; run 'temgrains train net1 --out {out}' first")
    net1 = load_network(_net1(settings), checkpoint)
    pairs, (train, validation, _) = _pairs(out, recipe, settings, progress)
    guesses = {id(which): _guesses(net1, pairs, which, progress) for which in (train, validation)}
    truths = {id(which): pairs.truths(which)[:, 0] for which in (train, validation)}
    torch.manual_seed(settings.seed)
    network = _first_weights(_net2(settings, float(guesses[id(train)].mean())), "net2", settings)
    task, taught = _net2_task(network, settings, guesses[id(train)], truths[id(train)], recipe.thickness_px)
    held_out = _StatePairs(guesses[id(validation)], truths[id(validation)])
    loaders = [_loader(taught, settings, shuffle=True), _loader(held_out, settings, shuffle=False)]
    best = fit("net2", task, loaders, out, settings, progress)
    about = {"training": {"recipe": recipe.describe(), **_described(settings), **_losses(out)}}
    model = make_model(
        name,
        net1,
        load_network(network, best),
        criterion="paper",
        about=_about(about, default=settings.networks == "default"),
    )
    return save(model, out / f"{name}.safetensors")


def _net1(settings: TrainSettings) -> nn.Module:
    """Give Net1 as wide as that of the model to start from."""
    network = ARCHITECTURES[settings.net1]()
    start = None if settings.start is None else load(settings.start).net1
    return (
        GuessNet(start.widths) if isinstance(start, GuessNet) and isinstance(network, GuessNet) else network
    )


def _net2(settings: TrainSettings, state_mean: float) -> nn.Module:
    return GuidedNet() if settings.networks == "default" else PaperNet2(state_mean)


def _net2_task(
    network: Any,
    settings: TrainSettings,
    guesses: NDArray[np.uint8],
    truths: NDArray[np.uint8],
    thickness_px: float,
) -> tuple[LightningModule, Dataset[Any]]:
    """Give what Net2 minimises, and the data to feed it with."""
    pool: dict[str, Any] = {"seed": settings.seed, "thickness_px": thickness_px}
    if settings.networks == "default":
        return GuidedTask(network, settings, GuidedPool(guesses, truths, **pool)), _Indices(len(guesses))
    if settings.own_states:
        return RefineTask(network, settings, StatePool(guesses, truths, **pool)), _Indices(len(guesses))
    return PaperRefineTask(network, settings), _StatePairs(guesses, truths)


_USE: dict[str, dict[str, Any]] = {
    "paper": {},
    "default": {"closing": "support", "members": 4, "zoom": 1.4, "grains_px": [28.0, 85.0]},
}
"""What the cards of both kinds ask of the stages around the networks (`temgrains.models.Model`)."""


def _about(training: dict[str, Any], *, default: bool) -> dict[str, Any]:
    return {
        "architecture": "encoder-decoders with skip connections" if default else "Fig. 5 of arXiv:2504.14782",
        "inputs": ["sobel", "log", "canny", *(["grey"] if default else [])],
        "version": version("temgrains"),
        **_USE["default" if default else "paper"],
        **training,
    }


def _pairs(
    out: Path, recipe: Recipe, settings: TrainSettings, progress: Progress
) -> tuple[Pairs, tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]]:
    out.mkdir(parents=True, exist_ok=True)
    pairs = cached_pairs(
        out,
        recipe,
        seed=settings.seed,
        count=settings.count,
        grey=settings.networks == "default",
        workers=settings.workers,
        progress=progress,
    )
    return pairs, split(len(pairs), seed=settings.seed)


def _first_weights(network: Any, part: str, settings: TrainSettings) -> Any:
    """Take the weights of the model to start from, or random ones; the paper's scaled to grey levels."""
    if settings.start is not None:
        known: Any = getattr(load(settings.start), part)
        if isinstance(known, SightedPair) and isinstance(network, GuidedNet):
            known = known.guided
        if type(known) is not type(network):
            raise ValueError(
                f"{part} of {settings.start} is a {type(known).__name__}, but a {type(network).__name__} "
                "is to learn; start from a model of the same networks (--networks)"
            )
        return copy.deepcopy(known).train()
    if settings.networks == "default":
        return network
    with torch.no_grad():  # PyTorch's start expects inputs and outputs near 1
        first = next(m for m in network.modules() if isinstance(m, torch.nn.Conv2d))
        first.weight /= 128
        network.head.weight *= network.ceiling
        network.head.bias.fill_(0.1 * network.ceiling)
    return network


def load_network(network: Any, checkpoint: Path) -> Any:
    """Fill a network with the weights of a checkpoint, in evaluation mode."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
    network.load_state_dict(
        {k.removeprefix("network."): v for k, v in state.items() if k.startswith("network.")}
    )
    return network.eval()


def _guesses(net1: nn.Module, pairs: Pairs, which: NDArray[np.intp], progress: Progress) -> NDArray[np.uint8]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net1.to(device)
    result = []
    with torch.inference_mode():
        for start in range(0, len(which), 32):
            edges = torch.from_numpy(pairs.inputs(which[start : start + 32])).to(device).float()
            grey = net1(edges.contiguous(memory_format=torch.channels_last))[:, 0]
            result.append(grey.round().to(torch.uint8).cpu().numpy())
            progress("guesses", min(start + 32, len(which)), len(which))
    net1.cpu()
    return np.concatenate(result)


def _described(settings: TrainSettings) -> dict[str, Any]:
    """Give the settings as plain values; a model to start from by its own training, not by its path."""
    plain = {name: getattr(settings, name) for name in settings.__dataclass_fields__}
    start = None if settings.start is None else load(settings.start).card
    return plain | {"start": start and {key: start.get(key) for key in ("name", "sha256", "training")}}


def _losses(out: Path) -> dict[str, Any]:
    best = {}
    for part in ("net1", "net2"):
        path = out / part / "losses.csv"
        if path.exists():
            with path.open(encoding="utf-8") as file:
                best[f"{part}_validation"] = min(float(row["validation"]) for row in csv.DictReader(file))
    return best


def _loader(data: Dataset[Any], settings: TrainSettings, *, shuffle: bool) -> DataLoader[Any]:
    batch = min(settings.batch, len(data))  # type: ignore[arg-type]
    return DataLoader(data, batch_size=batch, shuffle=shuffle, drop_last=shuffle)


class _InputPairs(Dataset[tuple["NDArray[np.uint8]", "NDArray[np.uint8]"]]):
    def __init__(self, pairs: Pairs, which: NDArray[np.intp]) -> None:
        self._pairs, self._which = pairs, which

    def __len__(self) -> int:
        return len(self._which)

    def __getitem__(self, k: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        one = self._which[k : k + 1]
        return self._pairs.inputs(one)[0], self._pairs.truths(one)[0]


class _StatePairs(Dataset[tuple["NDArray[np.uint8]", "NDArray[np.uint8]"]]):
    def __init__(self, states: NDArray[np.uint8], truths: NDArray[np.uint8]) -> None:
        self._states, self._truths = states, truths

    def __len__(self) -> int:
        return len(self._states)

    def __getitem__(self, k: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        return self._states[k, None], self._truths[k, None]


class _Indices(Dataset[int]):
    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, k: int) -> int:
        return k
