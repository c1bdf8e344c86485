"""Drive Lightning: hardware, checkpoints, the mean of the weights, curves."""

from __future__ import annotations

import csv
import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, WeightAveraging
from lightning.pytorch.plugins.io import TorchCheckpointIO

from temgrains.files import atomic_path
from temgrains.training.curves import read_curves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor
    from torch.utils.data import DataLoader

    from temgrains.records import Progress
    from temgrains.training.settings import TrainSettings


def fit(
    part: str,
    task: lightning.LightningModule,
    loaders: Sequence[DataLoader[Any] | list[DataLoader[Any]]],
    out: Path,
    settings: TrainSettings,
    progress: Progress,
) -> Path:
    """Train one network, from its last checkpoint if there is one, and give the path of its best."""
    # What Lightning says about devices and its own services is no news to whoever trains a network here.
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    folder = out / part
    folder.mkdir(parents=True, exist_ok=True)
    best = ModelCheckpoint(folder, "best", monitor="validation", enable_version_counter=False)
    # Of its own: Lightning's save_last leaves out the epochs that were not the best.
    latest = ModelCheckpoint(folder, "last", monitor=None, enable_version_counter=False)
    trainer = lightning.Trainer(
        accelerator="auto",
        devices=settings.devices if settings.devices == "auto" else int(settings.devices),
        num_nodes=settings.nodes,
        precision=_precision(settings.precision),
        max_epochs=settings.epochs,
        callbacks=[
            WeightAveraging(avg_fn=_average),
            best,
            latest,
            _Curves(folder, part),
            _Steps(part, settings.epochs, progress),
        ],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        plugins=[_WholeCheckpoints()],
    )
    last = folder / "last.ckpt"
    with warnings.catch_warnings():
        # One process feeds the network well: unpacking a pair takes a hundredth of learning from it.
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        warnings.filterwarnings("ignore", ".*exists and is not empty.*")
        # One library's use of another, which nobody who trains a network can change.
        warnings.filterwarnings("ignore", ".*LeafSpec.*")
        # Fine-tuning keeps the statistics of the batch normalisation on purpose.
        warnings.filterwarnings("ignore", ".*in eval mode at the start of training.*")
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


class _Steps(Callback):
    """Report progress after every step; whoever is told may raise `Cancelled`."""

    def __init__(self, part: str, epochs: int, progress: Progress) -> None:
        self._part, self._epochs, self._progress = part, epochs, progress

    def on_train_batch_end(self, trainer: lightning.Trainer, *_step: Any) -> None:
        """Tell of the steps done so far, and of all."""
        self._progress(self._part, trainer.global_step, self._epochs * int(trainer.num_training_batches))


class _Curves(Callback):
    """Keep the losses of every epoch as CSV and as a picture."""

    def __init__(self, folder: Path, part: str) -> None:
        self._folder, self._part = folder, part

    def on_train_epoch_end(self, trainer: lightning.Trainer, _task: lightning.LightningModule) -> None:
        """Write what is known after this epoch."""
        if not trainer.is_global_zero:
            return
        row = {"epoch": trainer.current_epoch, "rate": trainer.optimizers[0].param_groups[0]["lr"]}
        row |= {name: float(value) for name, value in trainer.callback_metrics.items()}
        rows = [r for r in read_curves(self._folder) if int(r["epoch"]) < row["epoch"]] + [row]
        names = list(dict.fromkeys(name for r in rows for name in r))
        with (
            atomic_path(self._folder / "losses.csv") as path,
            path.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        _draw_curves(self._folder / "losses.png", rows, self._part)


def _draw_curves(path: Path, rows: list[dict[str, Any]], title: str) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415  (slow to import, and only needed here)

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name in ("train", "validation", "synthetic"):
        if name not in rows[0]:
            continue
        axes.semilogy([int(r["epoch"]) for r in rows], [float(r[name]) for r in rows], label=name)
    axes.set(xlabel="epoch", ylabel="error (of least squares: share of 255²)", title=title)
    axes.legend()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=100)
