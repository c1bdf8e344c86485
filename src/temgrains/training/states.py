"""States for the refiner to learn from: damaged truths, pure noise, and what the refiner itself makes.

A refiner that only ever saw Net1's outputs has no reason to stand still at its own. It learns here from a
pool whose states are replaced by their successors after every step, so that every depth of the iteration is
trained. The truth teaches the first pass only: what a later state has lost cannot be seen in it any more, and
to be asked for it all the same teaches the refiner to fade. From then on the target is the closed network
that the state showed after this pass, so that lines are taught neither to fade nor to wander.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from scipy import ndimage as ndi
from skimage.segmentation import watershed

from temgrains.boundaries import close
from temgrains.synthesis.fields import boundary_distance

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray
    from torch import Tensor

TAUGHT_PASSES = 1
"""From this pass on the target of a guess or a damaged truth is what the state showed at this pass."""

FREE_PASSES = 12
"""The same for what began as noise, which takes longer to show anything."""

_GUESS, _DAMAGED, _NOISE = range(3)
_PULL = 0.015
"""Rise of the ground with the distance to a grain's centre, per px and as a share of full grey."""


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


def latent_structure(
    state: NDArray[np.uint8], *, spacing_px: float = 50.0, thickness_px: float = 4.0
) -> NDArray[np.uint8]:
    """Give the closed network (H, W; 0 or 255) nearest to a state (H, W; 0..255) without a micrograph.

    From pure noise every microstructure is as right as any other, and the mean of all, which least squares
    would learn, is none. The target must follow from what the network sees. Grains grow from the places with
    the least boundary around them (Gaussian of 0.2 spacings), and meet on the ridges of the state; where it
    has no ridge, half-way.
    """
    grey = state.astype(np.float32) / np.float32(255)
    around = ndi.gaussian_filter(grey, 0.2 * spacing_px, mode="nearest")
    reach = 2 * round(0.35 * spacing_px) + 1
    emptiest = around == ndi.minimum_filter(around, reach, mode="nearest")
    markers, _ = ndi.label(emptiest, np.ones((3, 3)))
    ridges = ndi.gaussian_filter(grey, 2.5, mode="nearest")
    ridges += np.float32(_PULL) * ndi.distance_transform_edt(markers == 0).astype(np.float32)
    grains = watershed(ridges, markers)
    network = boundary_distance(grains) <= (thickness_px - 1) / 2
    return network * np.uint8(255)


def closed_structure(state: NDArray[np.uint8], *, thickness_px: float = 4.0) -> NDArray[np.uint8]:
    """Give the closed network (H, W; 0..255) that a state shows (H, W; 0..255), of even lines.

    Where a line is an even number of pixels thick, `close` takes the pixel below or to the right of its
    middle. The mean of the lines of the state and of the state turned by 180 degrees favours no side.
    """
    network = _even_lines(state, thickness_px) + _even_lines(state[::-1, ::-1], thickness_px)[::-1, ::-1]
    grey: NDArray[np.uint8] = np.rint(127.5 * network).astype(np.uint8)
    return grey


def _even_lines(state: NDArray[np.uint8], thickness_px: float) -> NDArray[np.float64]:
    return thickened(close(np.ascontiguousarray(state)).mask, thickness_px)


def thickened(lines: NDArray[np.bool_], thickness_px: float) -> NDArray[np.float64]:
    """Draw lines one pixel wide (H, W) in an even thickness (H, W; 0..1)."""
    if not lines.any():
        return np.zeros(lines.shape)
    even: NDArray[np.float64] = np.clip(thickness_px / 2 + 0.5 - ndi.distance_transform_edt(~lines), 0, 1)
    return even


class Pool:
    """One state under refinement per training image, each with the target it should reach.

    After each step a state is replaced by what the refiner made of it, and starts anew after a random number
    of passes, `mean_passes` in the mean and at most `most_passes`.
    """

    mean_passes: ClassVar[int] = 12
    most_passes: ClassVar[int] = 40

    def __init__(
        self, guesses: NDArray[np.uint8], truths: NDArray[np.uint8], *, seed: int, thickness_px: float = 4.0
    ) -> None:
        """Take guesses (N, H, W; 0..255), truths (N, H, W; 0 or 1) and the thickness of the true lines."""
        self._guesses, self._truths, self._thickness_px = guesses, truths, thickness_px
        self._rng = np.random.default_rng(seed)
        self._generator = torch.Generator().manual_seed(seed)
        self._states = np.empty_like(guesses)
        self._shown = np.empty_like(guesses)
        self._mirrored = np.ones((len(guesses), 2), np.int64)
        self._kinds = np.zeros(len(guesses), np.int64)
        self._ages = np.zeros(len(guesses), np.int64)
        self._restart(np.arange(len(guesses)))

    def put_back(self, which: NDArray[np.intp], successors: Tensor) -> None:
        """Keep the refiner's successors (B, 1, H, W; 0..1) as the new states; restart some."""
        grey = (successors * 255).round().clamp(0, 255).to(torch.uint8)
        self._states[which] = grey[:, 0].cpu().numpy()
        self._ages[which] += 1
        tired = self._rng.random(len(which)) < 1 / self.mean_passes
        self._restart(which[tired | (self._ages[which] >= self.most_passes)])

    def __deepcopy__(self, _memo: object) -> Self:
        """Give the pool itself: whoever copies a task to average its weights needs no second one."""
        return self

    def _restart(self, which: NDArray[np.intp]) -> None:
        raise NotImplementedError

    def _view(self, images: NDArray[np.uint8], i: int) -> NDArray[np.uint8]:
        """Give an image as its state sees it, mirrored or not."""
        rows, columns = self._mirrored[i]
        view: NDArray[np.uint8] = images[i, ::rows, ::columns]
        return view

    def _damaged(self, truth: NDArray[np.uint8]) -> NDArray[np.uint8]:
        spoilt = damage(torch.from_numpy(np.ascontiguousarray(truth))[None, None], self._generator)
        state: NDArray[np.uint8] = spoilt[0, 0].to(torch.uint8).numpy()
        return state


class StatePool(Pool):
    """States under refinement, one per training image, each with the target it should reach.

    A state starts as Net1's guess, as a damaged truth or as pure noise, is replaced by what the refiner makes
    of it after each step, and starts anew after a random number of passes (12 in the mean, at most 40). Its
    target is the truth for the first `TAUGHT_PASSES`, and from then on the closed network that it showed at
    this point. What began as noise has no truth, but at each of its `FREE_PASSES` the structure latent in it.
    """

    def take(self, which: NDArray[np.intp]) -> tuple[Tensor, Tensor]:
        """Give states (B, 1, H, W; 0..255) and targets (B, 1, H, W; 0..1), float32."""
        targets = np.stack([self._target(int(i)) for i in which])
        states = torch.from_numpy(self._states[which, None]).float()
        return states, torch.from_numpy(targets[:, None]).float() / 255

    def taught(self, which: NDArray[np.intp]) -> Tensor:
        """Say whose target is the truth: bool (B, 1, 1, 1)."""
        young = (self._ages[which] < TAUGHT_PASSES) & ~(self._kinds[which] == _NOISE)
        return torch.from_numpy(young)[:, None, None, None]

    def _target(self, i: int) -> NDArray[np.uint8]:
        age, own = self._ages[i], FREE_PASSES if self._kinds[i] == _NOISE else TAUGHT_PASSES
        if age == own:
            self._shown[i] = closed_structure(self._states[i], thickness_px=self._thickness_px)
        if age >= own:
            shown: NDArray[np.uint8] = self._shown[i]
            return shown
        if self._kinds[i] == _NOISE:
            return latent_structure(self._states[i], thickness_px=self._thickness_px)
        truth: NDArray[np.uint8] = self._view(self._truths, i) * np.uint8(255)
        return truth

    def _restart(self, which: NDArray[np.intp]) -> None:
        self._ages[which] = 0
        kinds = self._rng.choice(3, len(which), p=(0.6, 0.2, 0.2))
        self._kinds[which] = kinds
        for i, kind in zip(which, kinds, strict=True):
            if kind == _NOISE:
                self._states[i] = self._rng.integers(0, 256, self._states[i].shape, np.uint8)
                continue
            self._mirrored[i] = rows, columns = self._rng.choice([-1, 1], 2)
            self._states[i] = self._start(int(i), int(kind))[::rows, ::columns]

    def _start(self, i: int, kind: int) -> NDArray[np.uint8]:
        if kind == _GUESS:
            guess: NDArray[np.uint8] = self._guesses[i]
            return guess
        return self._damaged(self._truths[i])


def _grid(height: int, width: int) -> tuple[Tensor, Tensor]:
    return torch.arange(height)[:, None].float(), torch.arange(width)[None, :].float()
