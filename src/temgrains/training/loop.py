"""Train Net1 and Net2 with Lightning; everything a run makes lies in one folder, from which it goes on."""

from __future__ import annotations

import csv
import logging
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, WeightAveraging
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch.utils.data import DataLoader, Dataset

from temgrains.files import atomic_path
from temgrains.models import load, make_model, save
from temgrains.networks import PaperNet1, PaperNet2
from temgrains.records import Progress, silent
from temgrains.training.pairs import Pairs, cached_pairs, split
from temgrains.training.states import StatePool
from temgrains.training.tasks import GuessTask, PaperRefineTask, RefineTask

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

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
        Called as ``progress("pairs", made, count)`` and ``progress("net1", epoch, epochs)``.
    """
    pairs, (train, validation, _) = _pairs(out, recipe, settings, progress)
    torch.manual_seed(settings.seed)
    task = GuessTask(_first_weights(PaperNet1(), "net1", settings), settings)
    loaders = [
        _loader(_EdgePairs(pairs, which), settings, shuffle=which is train) for which in (train, validation)
    ]
    return _fit("net1", task, loaders, out, settings, progress)


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
    net1 = _load_network(PaperNet1(), checkpoint)
    pairs, (train, validation, _) = _pairs(out, recipe, settings, progress)
    guesses = {id(which): _guesses(net1, pairs, which, progress) for which in (train, validation)}
    truths = {id(which): pairs.truths(which)[:, 0] for which in (train, validation)}
    torch.manual_seed(settings.seed)
    network = _first_weights(PaperNet2(float(guesses[id(train)].mean())), "net2", settings)
    held_out = _StatePairs(guesses[id(validation)], truths[id(validation)])
    if settings.own_states:
        pool = StatePool(
            guesses[id(train)], truths[id(train)], seed=settings.seed, thickness_px=recipe.thickness_px
        )
        task: RefineTask | PaperRefineTask = RefineTask(network, settings, pool)
        taught: Dataset[Any] = _Indices(len(train))
    else:
        task = PaperRefineTask(network, settings)
        taught = _StatePairs(guesses[id(train)], truths[id(train)])
    loaders = [_loader(taught, settings, shuffle=True), _loader(held_out, settings, shuffle=False)]
    best = _fit("net2", task, loaders, out, settings, progress)
    about = {"training": {"recipe": recipe.describe(), **_described(settings), **_losses(out)}}
    model = make_model(name, net1, _load_network(network, best), criterion="paper", about=_about(about))
    return save(model, out / f"{name}.safetensors")


def _about(training: dict[str, Any]) -> dict[str, Any]:
    return {
        "architecture": "Fig. 5 of arXiv:2504.14782",
        "inputs": ["sobel", "log", "canny"],
        "version": version("temgrains"),
        **training,
    }


def _pairs(
    out: Path, recipe: Recipe, settings: TrainSettings, progress: Progress
) -> tuple[Pairs, tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]]:
    out.mkdir(parents=True, exist_ok=True)
    pairs = cached_pairs(
        out, recipe, seed=settings.seed, count=settings.count, workers=settings.workers, progress=progress
    )
    return pairs, split(len(pairs), seed=settings.seed)


def _fit(
    part: str,
    task: lightning.LightningModule,
    loaders: list[DataLoader[Any]],
    out: Path,
    settings: TrainSettings,
    progress: Progress,
) -> Path:
    folder = out / part
    folder.mkdir(parents=True, exist_ok=True)
    best = ModelCheckpoint(folder, "best", monitor="validation", enable_version_counter=False, save_last=True)
    trainer = lightning.Trainer(
        accelerator="auto",
        devices=settings.devices if settings.devices == "auto" else int(settings.devices),
        num_nodes=settings.nodes,
        precision=_precision(settings.precision),
        max_epochs=settings.epochs,
        callbacks=[
            WeightAveraging(avg_fn=_average),
            best,
            _Curves(folder, part, settings.epochs, progress),
        ],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        plugins=[_WholeCheckpoints()],
    )
    last = folder / "last.ckpt"
    # What Lightning says about devices and its own services is no news to whoever trains a network here.
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        # One process feeds the network well: unpacking a pair takes a hundredth of learning from it.
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        warnings.filterwarnings("ignore", ".*exists and is not empty.*")
        trainer.fit(task, *loaders, ckpt_path=str(last) if last.exists() else None, weights_only=False)
    return folder / "best.ckpt"


def _average(kept: Tensor, current: Tensor, updates: Tensor | int) -> Tensor:
    """Follow the weights at the pace of the last 1000 steps, of fewer at first.

    The steps scatter the weights; repeated passes of Net2 add up what little their scatter shifts a line.
    """
    share = max(1e-3, 9 / (10 + int(updates)))
    return kept + (current - kept) * share if kept.is_floating_point() else current


class _WholeCheckpoints(TorchCheckpointIO):
    """Checkpoints are replaced whole, so that a kill while one is written leaves the one before."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write beside the old checkpoint, then take its place."""
        with atomic_path(Path(path)) as temporary:
            super().save_checkpoint(checkpoint, temporary, storage_options)


def _precision(wanted: str) -> Any:
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    return "bf16-mixed" if torch.ops.mkldnn._is_mkldnn_bf16_supported() else "32-true"


def _first_weights(network: Any, part: str, settings: TrainSettings) -> Any:
    """Take the weights of the model to start from, or random ones scaled to grey levels."""
    if settings.start is not None:
        network.load_state_dict(getattr(load(settings.start), part).state_dict())
        return network
    with torch.no_grad():  # PyTorch's start expects inputs and outputs near 1
        first = next(m for m in network.modules() if isinstance(m, torch.nn.Conv2d))
        first.weight /= 128
        network.head.weight *= network.ceiling
        network.head.bias.fill_(0.1 * network.ceiling)
    return network


def _load_network(network: Any, checkpoint: Path) -> Any:
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
    network.load_state_dict(
        {k.removeprefix("network."): v for k, v in state.items() if k.startswith("network.")}
    )
    return network.eval()


def _guesses(net1: PaperNet1, pairs: Pairs, which: NDArray[np.intp], progress: Progress) -> NDArray[np.uint8]:
    result = []
    with torch.inference_mode():
        for start in range(0, len(which), 32):
            edges = torch.from_numpy(pairs.edge_maps(which[start : start + 32])).float()
            grey = net1(edges.contiguous(memory_format=torch.channels_last))[:, 0]
            result.append(grey.round().to(torch.uint8).numpy())
            progress("guesses", min(start + 32, len(which)), len(which))
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


class _EdgePairs(Dataset[tuple["NDArray[np.uint8]", "NDArray[np.uint8]"]]):
    def __init__(self, pairs: Pairs, which: NDArray[np.intp]) -> None:
        self._pairs, self._which = pairs, which

    def __len__(self) -> int:
        return len(self._which)

    def __getitem__(self, k: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        one = self._which[k : k + 1]
        return self._pairs.edge_maps(one)[0], self._pairs.truths(one)[0]


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


class _Curves(Callback):
    """Keep the losses of every epoch as CSV and as a picture, and report progress."""

    def __init__(self, folder: Path, part: str, epochs: int, progress: Progress) -> None:
        self._folder, self._part, self._epochs, self._progress = folder, part, epochs, progress

    def on_train_epoch_end(self, trainer: lightning.Trainer, _task: lightning.LightningModule) -> None:
        """Write what is known after this epoch."""
        if not trainer.is_global_zero:
            return
        row = {"epoch": trainer.current_epoch, "rate": trainer.optimizers[0].param_groups[0]["lr"]}
        row |= {name: float(value) for name, value in trainer.callback_metrics.items()}
        rows = [r for r in _read_rows(self._folder / "losses.csv") if int(r["epoch"]) < row["epoch"]] + [row]
        names = list(dict.fromkeys(name for r in rows for name in r))
        with (
            atomic_path(self._folder / "losses.csv") as path,
            path.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        _draw_curves(self._folder / "losses.png", rows, self._part)
        self._progress(self._part, trainer.current_epoch + 1, self._epochs)


def _read_rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _draw_curves(path: Path, rows: list[dict[str, Any]], title: str) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415  (slow to import, and only needed here)

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name in ("train", "validation"):
        axes.semilogy([int(r["epoch"]) for r in rows], [float(r[name]) for r in rows], label=name)
    axes.set(xlabel="epoch", ylabel="mean squared error (share of 255²)", title=title)
    axes.legend()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=100)
