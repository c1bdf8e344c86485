"""States for the refiner to learn from: damaged truths, pure noise, and what the refiner itself makes.

A refiner that only ever saw Net1's outputs has no reason to stand still at its own. It learns here from a
pool whose states are replaced by their successors after every step, so that every depth of the iteration is
trained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import ndimage as ndi

from temgrains.synthesis.power import cell_boundaries, power_diagram

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray
    from torch import Tensor

    NoisePair: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.bool_]]


def gaps(state: Tensor, generator: torch.Generator) -> Tensor:
    """Fade boundaries out inside random disks of radius 2 to 14 px; ``state`` is (B, 1, H, W) in 0..255."""
    batch, _, height, width = state.shape
    strength = torch.ones_like(state)
    rows, columns = _grid(height, width)
    density = torch.rand(batch, generator=generator) ** 2 * 40
    for b in range(batch):
        for _ in range(int(density[b])):
            row, column, radius, depth = torch.rand(4, generator=generator).tolist()
            inside = (rows - row * height) ** 2 + (columns - column * width) ** 2 < (2 + 12 * radius) ** 2
            strength[b, 0] = torch.where(inside, strength[b, 0] * (1 - depth), strength[b, 0])
    return state * strength


def stray_lines(state: Tensor, generator: torch.Generator) -> Tensor:
    """Add up to eight straight pieces of false boundary, 6 to 40 px long, of random grey."""
    batch, _, height, width = state.shape
    result = state.clone()
    rows, columns = _grid(height, width)
    for b in range(batch):
        for _ in range(int(torch.randint(0, 9, (1,), generator=generator))):
            row, column, angle, length, grey = torch.rand(5, generator=generator).tolist()
            turn = torch.tensor(angle * torch.pi)
            along = (rows - row * height) * torch.sin(turn) + (columns - column * width) * torch.cos(turn)
            across = (rows - row * height) * torch.cos(turn) - (columns - column * width) * torch.sin(turn)
            line = (along.abs() < 3 + 17 * length) & (across.abs() < 1.5)
            result[b, 0] = torch.where(line, result[b, 0].clamp_min(255 * grey), result[b, 0])
    return result


def noise(state: Tensor, generator: torch.Generator) -> Tensor:
    """Mix each state with uniform noise, from none of it to nothing else."""
    share = torch.rand(len(state), 1, 1, 1, generator=generator) ** 1.5
    return state * (1 - share) + share * 255 * torch.rand(state.shape, generator=generator)


def fade(state: Tensor, generator: torch.Generator) -> Tensor:
    """Blur slightly and scale the grey of each state by 0.3 to 1: an unsure guess."""
    blurred: Tensor = torch.nn.functional.avg_pool2d(state, 3, stride=1, padding=1)
    mix, gain = torch.rand(2, len(state), 1, 1, 1, generator=generator)
    faded: Tensor = (state * (1 - mix) + blurred * mix) * (0.3 + 0.7 * gain)
    return faded


DAMAGES = (gaps, stray_lines, fade, noise)
"""All the ways in which a state may be wrong, in the order in which `damage` applies them."""


def damage(truth: Tensor, generator: torch.Generator) -> Tensor:
    """Spoil true boundaries (B, 1, H, W; 0 or 1) in several ways at once; gives whole grey numbers 0..255."""
    state = truth.float() * 255
    for spoil in DAMAGES:
        chosen = torch.rand(len(state), 1, 1, 1, generator=generator) < 0.5
        state = torch.where(chosen, spoil(state, generator), state)
    return state.round().clamp(0, 255)


def noise_and_structure(
    shape: tuple[int, int], rng: np.random.Generator, *, spacing_px: float = 40.0, thickness_px: float = 4.0
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Draw uniform noise (uint8) and the microstructure (bool) that is latent in it.

    From pure noise every microstructure is as right as any other, so the mean of all is what least squares
    would learn: nothing. The target must follow from the noise: grains grow from the peaks of the noise, seen
    through a Gaussian that the first layer of Net2 can hold (4.5 px), no two of them within 0.7 spacings.
    """
    grey = rng.integers(0, 256, shape, dtype=np.uint8)
    smooth = ndi.gaussian_filter(grey.astype(np.float32), 4.5, mode="constant", cval=127.5)
    reach = 2 * round(0.7 * spacing_px) + 1
    disk = np.hypot(*np.mgrid[:reach, :reach] - reach // 2) <= reach // 2
    peaks = smooth == ndi.maximum_filter(smooth, footprint=disk, mode="nearest")
    centres = np.argwhere(peaks).astype(np.float64)
    radii = np.zeros(len(centres))
    owner = power_diagram(centres, radii, shape)
    return grey, cell_boundaries(owner, centres, radii, thickness_px=thickness_px)


class StatePool:
    """States under refinement, one per training image, each with the target it should reach.

    A state starts as Net1's guess, as a damaged truth or as pure noise, is replaced by what the refiner makes
    of it after each step, and starts anew after a random number of passes (12 in the mean, at most 40).
    """

    def __init__(
        self, guesses: NDArray[np.uint8], truths: NDArray[np.uint8], noises: list[NoisePair], *, seed: int
    ) -> None:
        """Take guesses (N, H, W; 0..255), truths (N, H, W; 0 or 1) and pairs of noise and its structure."""
        self._guesses, self._truths, self._noises = guesses, truths, noises
        self._rng = np.random.default_rng(seed)
        self._generator = torch.Generator().manual_seed(seed)
        self._states = np.empty_like(guesses)
        self._targets = np.empty_like(truths)
        self._ages = np.zeros(len(guesses), np.int64)
        self._restart(np.arange(len(guesses)))

    def take(self, which: NDArray[np.intp]) -> tuple[Tensor, Tensor]:
        """Give states (B, 1, H, W; 0..255) and targets (B, 1, H, W; 0..1), float32."""
        states, targets = self._states[which, None], self._targets[which, None]
        return torch.from_numpy(states).float(), torch.from_numpy(targets).float()

    def put_back(self, which: NDArray[np.intp], successors: Tensor) -> None:
        """Keep the refiner's successors (B, 1, H, W; 0..1) as the new states; restart some."""
        grey = (successors * 255).round().clamp(0, 255).to(torch.uint8)
        self._states[which] = grey[:, 0].cpu().numpy()
        self._ages[which] += 1
        tired = (self._rng.random(len(which)) < 1 / 12) | (self._ages[which] >= 40)
        self._restart(which[tired])

    def _restart(self, which: NDArray[np.intp]) -> None:
        self._ages[which] = 0
        kinds = self._rng.choice(3, len(which), p=(0.6, 0.22, 0.18))
        for i, kind in zip(which, kinds, strict=True):
            state, target = self._start(int(i), int(kind))
            rows, columns = self._rng.choice([-1, 1], 2)
            self._states[i], self._targets[i] = state[::rows, ::columns], target[::rows, ::columns]

    def _start(self, i: int, kind: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        if kind == 0:
            return self._guesses[i], self._truths[i]
        if kind == 1:
            spoilt = damage(torch.from_numpy(self._truths[i])[None, None], self._generator)
            return spoilt[0, 0].to(torch.uint8).numpy(), self._truths[i]
        grey, structure = self._noises[int(self._rng.integers(len(self._noises)))]
        return grey, structure.astype(np.uint8)


def _grid(height: int, width: int) -> tuple[Tensor, Tensor]:
    return torch.arange(height)[:, None].float(), torch.arange(width)[None, :].float()
