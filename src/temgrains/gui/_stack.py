"""The iterates as one array of classes that is computed where it is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from temgrains.records import ByteArray

BOUNDARY, APPEARED, VANISHED = 1, 2, 3
"""Classes of a pixel: boundary; boundary that was none before; the reverse. 0 is none of these."""


@dataclass(frozen=True, slots=True)
class IterateStack:
    """Iterates as uint8 classes, shape (iteration, H, W), for a layer to slice.

    Nothing is computed before a slice is asked for, so that another threshold or one more iterate costs one
    slice, and no second copy of the states is kept.

    Parameters
    ----------
    states
        The grey states, uint8, each (H, W).
    level
        Grey level above which a pixel is boundary (0..255).
    with_changes
        Whether what appeared and vanished since the iterate before has classes of its own.
    """

    states: tuple[ByteArray, ...] = field(repr=False)
    level: float
    with_changes: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """Iterations, height, width."""
        return (len(self.states), *self.states[0].shape)

    @property
    def ndim(self) -> int:
        """Always 3."""
        return 3

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Always uint8."""
        return np.dtype(np.uint8)

    @property
    def size(self) -> int:
        """Number of pixels of all iterates."""
        return len(self.states) * self.states[0].size

    def __len__(self) -> int:
        return len(self.states)

    def __getitem__(self, key: Any) -> Any:
        first, *rest = key if isinstance(key, tuple) else (key,)
        if first is Ellipsis or first is None or np.ndim(first) > 0:
            return np.asarray(self)[key]
        if isinstance(first, slice):
            indices = range(*first.indices(len(self)))
            chosen = [self._classes(k) for k in indices]
            stack = np.stack(chosen) if chosen else np.empty((0, *self.shape[1:]), np.uint8)
            return stack[(slice(None), *rest)]
        return self._classes(range(len(self))[int(first)])[tuple(rest)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.stack([self._classes(k) for k in range(len(self))]).astype(dtype or np.uint8, copy=False)

    def _classes(self, index: int) -> ByteArray:
        now = self.states[index] > self.level
        classes = now.view(np.uint8)
        if self.with_changes and index > 0:
            before = self.states[index - 1] > self.level
            classes = np.where(now & ~before, np.uint8(APPEARED), classes)
            classes[before & ~now] = VANISHED
        return classes
