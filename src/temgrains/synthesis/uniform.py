"""Uniform random numbers inside compiled kernels, where they need no array."""

from __future__ import annotations

import numpy as np

from temgrains._compiled import compiled


def first_state(rng: np.random.Generator) -> np.uint64:
    """Draw the state with which a kernel starts."""
    return rng.integers(0, 2**64, dtype=np.uint64)


@compiled
def uniform(state: np.uint64) -> tuple[np.uint64, float]:
    """Advance splitmix64 (Steele et al., doi:10.1145/2660193.2660195) by one and give a number in [0, 1)."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return state, (z >> np.uint64(11)) * (1.0 / 9007199254740992.0)
