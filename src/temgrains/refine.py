"""Net2, repeated: from the initial guess to a boundary network that no longer changes."""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING

import numpy as np

from temgrains import models, tiling
from temgrains.networks import SightedPair
from temgrains.records import BoundaryMap, Iterate, Pins, Progress, StopReason, silent
from temgrains.settings import RefineSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from temgrains.records import ByteArray, GreyArray
    from temgrains.sight import Sight

POOR_GUESS = 40
"""More passes than this mean a poor initial guess (the paper's experience on real micrographs)."""


class PoorGuessWarning(UserWarning):
    """The refinement needed so many passes that its result is more invention than evidence."""


def refine(  # noqa: PLR0913  (all but the start have defaults)
    start: BoundaryMap | Iterate | Sequence[Iterate],
    *,
    model: str | Path | models.Model = models.DEFAULT,
    settings: RefineSettings = RefineSettings(),  # noqa: B008  (frozen)
    sights: Sequence[Sight] = (),
    device: str = "auto",
    precision: tiling.Precision = "auto",
    pins: Pins | None = None,
    progress: Progress = silent,
) -> Iterator[Iterate]:
    """Give the states that repeated passes of Net2 make of ``start``, one by one, until they settle.

    Parameters
    ----------
    start
        The initial guess, or any iterate of an earlier run, to go on from. Of several iterates in their order
        it goes on from the last, as if the run had never paused: it knows a state that comes back, and the
        state that the "reference" criterion measures by.
    model
        A loaded model, a model's name or the path of its file.
    settings
        Criterion, threshold and cap; the cap counts from the guess.
    sights
        Views of the micrograph, for a refiner that looks at it; a pass is then the mean of its answers to
        all of them. Without, and where there is no guess, such a refiner goes by the state and the guess.
    device
        "auto", "cpu" or "cuda".
    precision
        Number format, as of the guess; only networks that are known to bear it compute in bfloat16.
    pins
        Where there is boundary and where there is none, as a hand has corrected it: imposed on the guess and
        the state that the run starts from, and again after every pass. None for nothing.
    progress
        Called as ``progress("refine", passes, cap)``; passes counts from the guess.

    Yields
    ------
    Iterate
        The last one has ``stopped`` set: "converged" (the criterion is met), "fixed point" (nothing
        changed), "cycle" (a state came back) or "cap".

    Warns
    -----
    PoorGuessWarning
        After more than 40 passes.

    Notes
    -----
    Two criteria are in use, both ``change <= threshold``. "paper": change = sum |new - old| / (N 255) for N
    pixels. "reference" (the authors' published code, whose unsigned subtraction sets decreases to 0):
    change = sum max(new - old, 0) / (N m), with m the maximum of the state that the run started from.
    """
    net2 = (loaded := model if isinstance(model, models.Model) else models.load(model)).net2
    criterion = loaded.criterion if settings.criterion == "model" else settings.criterion
    known = _known(start)
    index, old = known[-1].index, _pinned(known[-1].state, pins)
    evidence = _pinned(known[0].state, pins) if settings.guided and known[0].index == 0 else None
    maximum = 255 if criterion == "paper" else max(int(known[0].state.max(initial=0)), 1)
    seen = {_digest(iterate.state) for iterate in known}
    network = _Refiner(net2, evidence, sights, device=device, precision=precision)
    stopped: StopReason | None = "cap" if index >= settings.max_iterations else None
    while stopped is None:
        progress("refine", index, settings.max_iterations)
        new = _pinned(network.next_state(old, progress), pins)
        index += 1
        change = measure_change(old, new, one_sided=criterion == "reference", maximum=maximum)
        stopped = _why_stop(old, new, change, seen, settings) or (
            "cap" if index >= settings.max_iterations else None
        )
        if index == POOR_GUESS + 1:
            warnings.warn(
                f"more than {POOR_GUESS} iterations: the initial guess is poor; check scale and contrast",
                PoorGuessWarning,
                stacklevel=2,
            )
        seen.add(_digest(new))
        yield Iterate(index, new, change, stopped)
        old = new


def measure_change(
    old: NDArray[np.uint8], new: NDArray[np.uint8], *, one_sided: bool = False, maximum: int = 255
) -> float:
    """Give the sum of grey differences over pixels times ``maximum``; ``one_sided`` counts increases."""
    difference = new.astype(np.int16) - old.astype(np.int16)
    total = int(np.maximum(difference, 0).sum()) if one_sided else int(np.abs(difference).sum())
    return total / (old.size * maximum)


def _known(start: BoundaryMap | Iterate | Sequence[Iterate]) -> Sequence[Iterate]:
    if isinstance(start, BoundaryMap):
        return [Iterate(0, start.grey)]
    known = [start] if isinstance(start, Iterate) else start
    if not known:
        raise ValueError("there is no iterate to go on from; start from the initial guess")
    return known


def _pinned(state: NDArray[np.uint8], pins: Pins | None) -> NDArray[np.uint8]:
    if pins is None:
        return state
    if pins.boundary.shape != state.shape or pins.grain.shape != state.shape:
        raise ValueError(
            f"pins have the shapes {pins.boundary.shape} and {pins.grain.shape} but the state {state.shape}; "
            "make them for the shape of the state"
        )
    imposed: NDArray[np.uint8] = np.where(
        pins.boundary, np.uint8(255), np.where(pins.grain, np.uint8(0), state)
    )
    return imposed


_WEIGHT = 0.7
"""Of each of two opinions that are pooled: at 0.5 they would be one said twice, at 1 independent."""


class _Refiner:
    """Net2 at work: on the state, the guess if it is guided, and the views of the micrograph if it sees."""

    def __init__(
        self,
        net2: nn.Module,
        evidence: ByteArray | None,
        sights: Sequence[Sight],
        *,
        device: str,
        precision: tiling.Precision,
    ) -> None:
        self._evidence = evidence
        self._guess = (
            np.zeros((0, 0), np.float32)
            if evidence is None
            else _log_odds(evidence.astype(np.float32) / np.float32(255))
        )
        self._sights: list[tuple[Sight, ByteArray]] = []
        if isinstance(net2, SightedPair) and evidence is not None:
            # Bringing the guess to the size of a view takes longer than all else but the network.
            self._sights = [(sight, sight.see(evidence)) for sight in sights]
        if isinstance(net2, SightedPair):
            net2 = net2.sighted if self._sights else net2.guided
        self._channels = int(getattr(net2, "channels"))  # noqa: B009
        self._networks = [
            tiling.Repeated(net2, device=device, precision=precision if self._sights else "float32")
            for _ in range(max(len(self._sights), 1))
        ]

    def next_state(self, state: ByteArray, progress: Progress) -> ByteArray:
        """Give what one pass makes of a state."""
        if self._sights:
            grey = self._seen_from_all_sides(state, progress)
        else:
            grey = self._networks[0](self._input(state), stage="pass", progress=progress)
        rounded: ByteArray = np.rint(grey * np.float32(255)).astype(np.uint8)
        return rounded

    def _seen_from_all_sides(self, state: ByteArray, progress: Progress) -> GreyArray:
        total = np.zeros(state.shape, np.float32)
        count = len(self._sights)
        for number, ((sight, evidence), network) in enumerate(zip(self._sights, self._networks, strict=True)):

            def report(stage: str, done: int, tiles: int, number: int = number) -> None:
                progress(stage, number * tiles + done, count * tiles)

            image = sight.beside(sight.see(state), evidence)
            total += sight.back(network(image, stage="pass", progress=report), state.shape)
        return _agreed(total / np.float32(count), self._guess)

    def _input(self, state: ByteArray) -> ByteArray:
        """Give the input (C, H, W): the state; for guided networks also guess, and if there is one."""
        if self._channels == 1:
            return state[None]
        known = np.full_like(state, 0 if self._evidence is None else 255)
        return np.stack([state, known if self._evidence is None else self._evidence, known])


def _log_odds(share: GreyArray) -> GreyArray:
    # No opinion is surer than a grey level can say.
    known = np.clip(share, 1 / 255, 254 / 255).astype(np.float32)
    odds: GreyArray = np.log(known / (1 - known))
    return odds


def _agreed(answer: GreyArray, guess: GreyArray) -> GreyArray:
    """Pool what the refiner holds (0..1) with the guess (log odds): both are opinions on one micrograph."""
    odds = np.float32(_WEIGHT) * (_log_odds(answer) + guess)
    agreed: GreyArray = np.float32(1) / (np.float32(1) + np.exp(-odds))
    return agreed


def _why_stop(
    old: NDArray[np.uint8], new: NDArray[np.uint8], change: float, seen: set[bytes], settings: RefineSettings
) -> StopReason | None:
    if np.array_equal(old, new):
        return "fixed point"
    if change <= settings.threshold:
        return "converged"
    return "cycle" if _digest(new) in seen else None


def _digest(state: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(state.tobytes()).digest()
