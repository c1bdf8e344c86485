"""What is minimised: one Lightning module per network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightning
import numpy as np
import torch

from temgrains.networks import GuessNet
from temgrains.training import quick

if TYPE_CHECKING:
    from torch import Tensor

    from temgrains.networks import PaperNet2
    from temgrains.training.guided import GuidedPool
    from temgrains.training.settings import TrainSettings
    from temgrains.training.states import StatePool

VALIDATION_PASSES = 8
"""The refiner is judged after this many passes, so that the one kept is good at iterating."""


BOUNDARY_WEIGHT = 2.0
"""How many invented boundary pixels weigh as much as a missed one while the truth teaches Net2; at 1, it
would leave out whatever is less likely than not."""


def clipped_error(unclipped: Tensor, target: Tensor, ceiling: float, weight: Tensor | float = 1.0) -> Tensor:
    """Give the mean squared error, as a share of the ceiling squared, of a network ending in a clipped ReLU.

    Beyond 0 and the ceiling the clipped ReLU is flat: a pixel that has strayed there on the wrong side would
    never come back. The error is therefore taken before clipping, and is 0 where clipping makes it right.
    ``weight`` is that of boundary pixels against the others.
    """
    error = _squares(unclipped, target, ceiling)
    return (error * (1 + (weight - 1) * target / ceiling)).mean()


def _squares(unclipped: Tensor, target: Tensor, ceiling: float) -> Tensor:
    right = ((target >= ceiling) & (unclipped > ceiling)) | ((target <= 0) & (unclipped < 0))
    return ((unclipped - target) / ceiling).masked_fill(right, 0.0).square()


class _Task(lightning.LightningModule):
    def __init__(self, network: torch.nn.Module, settings: TrainSettings) -> None:
        super().__init__()
        self.network: Any = network
        self._settings = settings

    def configure_optimizers(self) -> dict[str, Any]:
        """Adam, whose learning rate is halved every few epochs (section D of the paper)."""
        adam = torch.optim.Adam(self.network.parameters(), lr=self._settings.learning_rate)
        halving = torch.optim.lr_scheduler.StepLR(adam, self._settings.halve_every, gamma=0.5)
        return {"optimizer": adam, "lr_scheduler": halving}


class GuessTask(_Task):
    """Net1: batches are (edge maps uint8 (B, 3, H, W), truth uint8 (B, 1, H, W))."""

    def training_step(self, batch: list[Tensor], _number: int) -> Tensor:
        """Give the error on randomly flipped pairs."""
        edges, truth = _flipped(batch)
        edges = _channels_last(edges)
        fixed = self._settings.fixed_norm
        output = quick.net1_unclipped(self.network, edges) if fixed else self.network.unclipped(edges)
        error = clipped_error(output, truth.float() * 255, 255)
        self.log("train", error, on_step=False, on_epoch=True, sync_dist=True)
        return error

    def validation_step(self, batch: list[Tensor], _number: int) -> None:
        """Log the error of the clipped output."""
        edges, truth = batch
        error = (self.network(_channels_last(edges)) / 255 - truth).square().mean()
        self.log("validation", error, sync_dist=True)


class LikelihoodTask(_Task):
    """The default Net1: batches are (edges and grey uint8 (B, 4, H, W), truth uint8 (B, 1, H, W))."""

    def training_step(self, batch: list[Tensor], _number: int) -> Tensor:
        """Give the cross entropy on randomly flipped and, where square, transposed pairs."""
        image, truth = _turned(batch)
        error = _cross_entropy(self.network.unclipped(_channels_last(image)), truth)
        self.log("train", error, on_step=False, on_epoch=True, sync_dist=True)
        return error

    def validation_step(self, batch: list[Tensor], _number: int) -> None:
        """Log the cross entropy."""
        image, truth = batch
        error = _cross_entropy(self.network.unclipped(_channels_last(image)), truth)
        self.log("validation", error, sync_dist=True)


class TuneTask(_Task):
    """Net1 of a model, learning on: batches are (input, truth 0..255, known 0 or 1), uint8.

    The batch normalisation keeps its statistics, so that a tile's answer does not depend on its neighbours in
    the batch, and what the model knows is not washed away by a few images.
    """

    def __init__(self, network: torch.nn.Module, settings: TrainSettings) -> None:
        super().__init__(network.eval(), settings)

    def training_step(self, batch: list[Tensor], _number: int) -> Tensor:
        """Give the error where the truth is known."""
        error = known_error(self.network, *batch)
        self.log("train", error, on_step=False, on_epoch=True)
        return error

    def validation_step(self, batch: list[Tensor], _number: int, dataloader_idx: int = 0) -> None:
        """Log the error on what is held out of the corrections, and on synthetic micrographs."""
        name, known = ("validation", "synthetic")[dataloader_idx], int(batch[2].sum())
        error = known_error(self.network, *batch)
        self.log(name, error, batch_size=known, add_dataloader_idx=False, on_epoch=True)


def known_error(network: Any, image: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Give the mean error over the pixels that are known; the others weigh nothing.

    Parameters
    ----------
    network
        A Net1: one that gives a likelihood is judged by cross entropy, the paper's by clipped squares.
    image, truth, known
        uint8: input (B, C, H, W; 0..255), boundaries (B, 1, H, W; 0..255), where they are known (0 or 1).
    """
    raw = network.unclipped(_channels_last(image)).float()
    if isinstance(network, GuessNet):
        share = truth.float() / 255
        error = torch.nn.functional.binary_cross_entropy_with_logits(raw, share, reduction="none")
    else:
        error = _squares(raw, truth.float(), 255)
    return (error * known).sum() / known.sum().clamp_min(1)


class RefineTask(_Task):
    """Net2 on a pool of states: training batches are indices into it, validation ones (guess, truth)."""

    def __init__(self, network: PaperNet2, settings: TrainSettings, pool: StatePool) -> None:
        super().__init__(network, settings)
        self._pool = pool

    def training_step(self, batch: Tensor, _number: int) -> Tensor:
        """Give the error of one pass on states of all kinds and ages."""
        which = batch.cpu().numpy().astype(np.intp)
        states, target = (part.to(self.device) for part in self._pool.take(which))
        successor = quick.net2_unclipped(self.network, states)
        weight = torch.where(self._pool.taught(which), BOUNDARY_WEIGHT, 1.0).to(self.device)
        self._pool.put_back(which, successor.detach().clamp(0, 1))
        error = clipped_error(successor, target, 1, weight)
        self.log("train", error, on_step=False, on_epoch=True, sync_dist=True)
        return error

    def validation_step(self, batch: list[Tensor], _number: int) -> None:
        """Log the error after several passes and the mean absolute change of the last one."""
        state, truth = batch[0].float(), batch[1]
        for _ in range(VALIDATION_PASSES):
            before, state = state, (self.network(_channels_last(state)) * 255).round()
        self.log("validation", clipped_error(state, truth * 255.0, 255, BOUNDARY_WEIGHT), sync_dist=True)
        self.log("change", (state - before).abs().mean() / 255, sync_dist=True)


class GuidedTask(_Task):
    """The default Net2 on a pool: training batches are indices into it, validation ones (guess, truth)."""

    def __init__(self, network: torch.nn.Module, settings: TrainSettings, pool: GuidedPool) -> None:
        super().__init__(network, settings)
        self._pool = pool

    def training_step(self, batch: Tensor, _number: int) -> Tensor:
        """Give the cross entropy of one pass on states of all kinds and ages."""
        which = batch.cpu().numpy().astype(np.intp)
        seen, target = (part.to(self.device) for part in self._pool.take(which))
        logit = self.network.unclipped(_channels_last(seen))
        self._pool.put_back(which, logit.detach().float().sigmoid())
        error = _cross_entropy(logit, target)
        self.log("train", error, on_step=False, on_epoch=True, sync_dist=True)
        return error

    def validation_step(self, batch: list[Tensor], _number: int) -> None:
        """Log the error of the state after several passes and the mean absolute change of the last one."""
        guess, truth = batch[0].float(), batch[1]
        state, known = guess, torch.full_like(guess, 255)
        for _ in range(VALIDATION_PASSES):
            seen = torch.cat([state, guess, known], 1)
            before, state = state, (self.network(_channels_last(seen)) * 255).round()
        self.log("validation", (state / 255 - truth).square().mean(), sync_dist=True)
        self.log("change", (state - before).abs().mean() / 255, sync_dist=True)


class PaperRefineTask(_Task):
    """Net2 as in the paper: one pass on Net1's output; batches are (guess, truth)."""

    def training_step(self, batch: list[Tensor], _number: int) -> Tensor:
        """Give the error of one pass on the guess."""
        error = clipped_error(self.network.unclipped(_channels_last(batch[0])), batch[1].float(), 1)
        self.log("train", error, on_step=False, on_epoch=True, sync_dist=True)
        return error

    def validation_step(self, batch: list[Tensor], _number: int) -> None:
        """Log the error of one pass."""
        error = (self.network(_channels_last(batch[0])) - batch[1]).square().mean()
        self.log("validation", error, sync_dist=True)


def _flipped(batch: list[Tensor]) -> list[Tensor]:
    axes = [axis for axis in (-2, -1) if torch.rand(()) < 0.5]
    return [part.flip(axes) if axes else part for part in batch]


def _turned(batch: list[Tensor]) -> list[Tensor]:
    """Flip, and transpose what is square: eight views of one micrograph."""
    square = batch[0].shape[-1] == batch[0].shape[-2]
    turn = square and bool(torch.rand(()) < 0.5)
    return [part.transpose(-1, -2) if turn else part for part in _flipped(batch)]


def _cross_entropy(logit: Tensor, truth: Tensor) -> Tensor:
    error: Tensor = torch.nn.functional.binary_cross_entropy_with_logits(logit.float(), truth.float())
    return error


def _channels_last(image: Tensor) -> Tensor:
    """Lay the channels last: convolutions are then several times quicker on most processors."""
    return image.float().contiguous(memory_format=torch.channels_last)
