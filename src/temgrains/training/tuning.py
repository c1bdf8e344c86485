"""Fine-tune the first network of a model on the user's examples, with synthetic micrographs among them."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from torch.utils.data import DataLoader

from temgrains.networks import GuessNet
from temgrains.training.curves import read_curves
from temgrains.training.fit import fit
from temgrains.training.loop import load_network
from temgrains.training.pairs import cached_pairs
from temgrains.training.tasks import TuneTask
from temgrains.training.tiles import DrawnTiles, HeldTiles, InOrder, TuneTiles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import nn

    from temgrains.models import Model
    from temgrains.records import Progress
    from temgrains.synthesis import Recipe
    from temgrains.training.settings import TuneSettings
    from temgrains.training.tiles import Seen

PART = "tune"
"""Folder of checkpoints and curves within that of the run, and stage of the progress."""


def tune_net1(
    base: Model,
    own: Sequence[Seen],
    *,
    recipe: Recipe,
    out: Path,
    settings: TuneSettings,
    progress: Progress,
) -> nn.Module:
    """Give Net1 of a model after it has learnt on; the model itself stays as it is.

    Parameters
    ----------
    base
        The model to start from.
    own
        The user's examples, of which something is held out.
    recipe
        What the synthetic micrographs look like; they are drawn as large as the tiles.
    out
        Folder of the run; one that was stopped goes on after its last epoch.
    settings
        Amount and schedule.
    progress
        Called as ``progress("pairs", made, count)`` and ``progress("tune", step, steps)``.
    """
    held = math.ceil(settings.synthetic / 10)
    synthetic = cached_pairs(
        out,
        recipe,
        seed=settings.seed,
        count=settings.synthetic + held,
        grey=isinstance(base.net1, GuessNet),
        progress=progress,
    )
    learnt, judged = np.split(np.arange(settings.synthetic + held), [settings.synthetic])
    tiles = TuneTiles(own, synthetic, learnt, settings)
    train: DataLoader[Any] = DataLoader(
        tiles, batch_size=settings.batch, sampler=InOrder(settings.steps * settings.batch)
    )
    judges: list[DataLoader[Any]] = [
        DataLoader(held_out, batch_size=settings.batch)
        for held_out in (HeldTiles(own, settings), DrawnTiles(synthetic, judged))
    ]
    network = copy.deepcopy(base.net1)
    task = TuneTask(network, settings.training())
    fit(PART, task, [train, judges], out, settings.training(), progress)
    # The last and not the best: to choose by what is held out would flatter its score.
    return load_network(copy.deepcopy(base.net1), out / PART / "last.ckpt")  # type: ignore[no-any-return]


def curves_of(out: Path) -> list[dict[str, Any]]:
    """Read the errors of every epoch of a run so far: "train", "validation" (held out), "synthetic"."""
    return read_curves(out / PART)
