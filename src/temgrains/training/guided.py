"""States for the guided refiner: what it is to make of a state and the guess that it may look at beside it.

With the guess before it, the refiner cannot lose what the micrograph shows, and the truth could teach it at
every pass; but what is as likely true as not would then stay grey for ever. It is to decide. The truth
teaches the first passes. From then on the target is the network that closes what the state shows, segment by
segment (`temgrains.merging`), and that network stands still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch

from temgrains.merging import divide
from temgrains.training.states import FREE_PASSES, Pool, latent_structure, thickened

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

TAUGHT_PASSES = 2
"""Passes that the truth teaches a state that began as a guess or a damaged truth."""

_GUESS, _DRAWN, _PARTIAL, _NOISE = range(4)
_KINDS = (0.6, 0.1, 0.15, 0.15)
"""Shares: the guess; a damaged truth beside the guess; a damaged truth alone; noise alone."""


def decided(state: NDArray[np.uint8], *, thickness_px: float = 4.0) -> NDArray[np.uint8]:
    """Give the network (H, W; 0..255) that closes what a state shows, in lines of even thickness."""
    even = thickened(divide(state) == 0, thickness_px)
    grey: NDArray[np.uint8] = np.rint(255 * even).astype(np.uint8)
    return grey


class GuidedPool(Pool):
    """Inputs under refinement, one per training image, each with the target that its state should reach.

    A state starts as the guess, a damaged truth or noise, is replaced by what the refiner makes of it after
    each step, and starts anew after a random number of passes (8 in the mean, at most 24).
    """

    mean_passes: ClassVar[int] = 8
    most_passes: ClassVar[int] = 24

    def take(self, which: NDArray[np.intp]) -> tuple[Tensor, Tensor]:
        """Give inputs (B, 3, H, W; 0..255) and targets (B, 1, H, W; 0..1), float32."""
        targets = np.stack([self._target(int(i)) for i in which])
        seen = np.stack([self._seen(int(i)) for i in which])
        return torch.from_numpy(seen).float(), torch.from_numpy(targets[:, None]).float() / 255

    def _seen(self, i: int) -> NDArray[np.uint8]:
        state = self._states[i]
        if self._kinds[i] in {_PARTIAL, _NOISE}:
            return np.stack([state, np.zeros_like(state), np.zeros_like(state)])
        return np.stack([state, self._view(self._guesses, i), np.full_like(state, 255)])

    def _target(self, i: int) -> NDArray[np.uint8]:
        free = self._kinds[i] == _NOISE
        age, taught = self._ages[i], FREE_PASSES if free else TAUGHT_PASSES
        if age == taught:
            self._shown[i] = decided(self._states[i], thickness_px=self._thickness_px)
        if age >= taught:
            target: NDArray[np.uint8] = self._shown[i]
            return target
        if free:
            return latent_structure(self._states[i], thickness_px=self._thickness_px)
        truth: NDArray[np.uint8] = self._view(self._truths, i) * np.uint8(255)
        return truth

    def _restart(self, which: NDArray[np.intp]) -> None:
        self._ages[which] = 0
        self._kinds[which] = self._rng.choice(len(_KINDS), len(which), p=_KINDS)
        self._mirrored[which] = self._rng.choice([-1, 1], (len(which), 2))
        for i in which.tolist():
            self._states[i] = self._start(i)

    def _start(self, i: int) -> NDArray[np.uint8]:
        if self._kinds[i] == _NOISE:
            noise: NDArray[np.uint8] = self._rng.integers(0, 256, self._states[i].shape, np.uint8)
            return noise
        if self._kinds[i] == _GUESS:
            return self._view(self._guesses, i)
        return self._damaged(self._view(self._truths, i))
