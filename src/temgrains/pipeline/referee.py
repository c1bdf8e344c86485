"""The score of boundaries that change a little at a time: only what a change reaches is found again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.morphology import skeletonize

from temgrains.score import Score, Verdict, check_pair, disagreement, f1_of, mean_diameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from temgrains.records import LabelArray, MaskArray

    Window = tuple[slice, slice]

REACH_PX = 50.0
"""Longest tolerance; distances are known up to it [px]."""

_THIN_PX = 12
"""How far a change of lines can change how they are thinned [px]: half of the thickest line."""

_GROW_PX = 6
"""How far a pixel of a thickened line is from the nearest grain, at most, but where whole areas are lines."""

_DENSE = 3 * 10**6
"""Most pairs of grains that are counted in one table of all pairs."""


class Referee:
    """Scores found boundaries against a reference, again and again, as `temgrains.score.score` does.

    Both sides are bool, shape (H, W). What has changed since the last time is looked up, and distances and
    grains are found again there. ``margin_px`` is the width left out along the border.
    """

    def __init__(self, margin_px: int = 12) -> None:
        self.margin_px = margin_px
        self._truth = _Side(margin_px)
        self._found = _Side(margin_px)

    def take(self, truth: MaskArray, found: MaskArray) -> bool:
        """Take both sides as they are now; say whether the truth was another one before.

        Raises
        ------
        ValueError
            As `temgrains.score.score` does.
        """
        check_pair(truth, found, 0.0, self.margin_px)
        other = self._truth.take(truth)
        self._found.take(found)
        if not len(self._truth.places):
            raise ValueError(
                f"the truth holds no boundary inside the margin of {self.margin_px} px; give another truth "
                "or margin"
            )
        return other

    def score(self, tolerance_px: float) -> Score:
        """Give all figures."""
        truth, found = self._truth, self._found
        eq1 = _share(truth.distances_to(found), tolerance_px)
        precision = _share(found.distances_to(truth), tolerance_px)
        true_grains, found_grains = truth.grains(), found.grains()
        are, vi = disagreement(true_grains, found_grains, dense=_DENSE)
        return Score(
            eq1=eq1,
            precision=precision,
            f1=f1_of(eq1, precision),
            length=len(found.places) / len(truth.places),
            are=are,
            vi=vi,
            ecd=mean_diameter(found_grains) / mean_diameter(true_grains),
            closed=found.closed(),
            tolerance_px=float(tolerance_px),
            margin_px=int(self.margin_px),
        )

    def curve(self, tolerances_px: Sequence[float] = range(11)) -> NDArray[np.float64]:
        """Give Eq. 1 and precision against the tolerance, as `temgrains.score.curve` does."""
        to_found = self._truth.distances_to(self._found)
        to_truth = self._found.distances_to(self._truth)
        nothing = float("nan")
        return np.array(
            [[t, _share(to_found, t, nothing), _share(to_truth, t, nothing)] for t in tolerances_px]
        )

    def verdict(self, tolerance_px: float) -> Verdict:
        """Tell which boundaries were missed, found and invented, as `temgrains.score.judge` does."""
        missed, correct, false = (np.zeros(self._truth.mask.shape, bool) for _ in range(3))
        near = self._truth.distances_to(self._found) <= tolerance_px
        places = self._truth.places + self.margin_px
        correct[tuple(places[near].T)] = True
        missed[tuple(places[~near].T)] = True
        alone = self._found.distances_to(self._truth) > tolerance_px
        false[tuple((self._found.places + self.margin_px)[alone].T)] = True
        return Verdict(missed, correct, false)


@dataclass(slots=True)
class _Known:
    """What is known of a set of lines: the lines thinned, distances up to the reach, the nearest grain."""

    mask: MaskArray
    thin: MaskArray
    distance: NDArray[np.float32]
    nearest: NDArray[np.int32]


class _Side:
    """One set of lines, thinned, with the margin cut off; places and grains count from inside the margin."""

    def __init__(self, margin_px: int) -> None:
        self._margin = margin_px
        self._known: _Known | None = None
        self._grains: LabelArray | None = None
        self.places = np.zeros((0, 2), np.intp)

    @property
    def mask(self) -> MaskArray:
        """The lines as they were taken."""
        return self._of().mask

    def take(self, mask: MaskArray) -> bool:
        """Take the lines as they are now; say whether they are others than before."""
        before = self._known
        if before is None or before.mask.shape != mask.shape:
            inner = tuple(n - 2 * self._margin for n in mask.shape)
            self._known = _Known(
                np.array(mask, bool),
                np.zeros(mask.shape, bool),
                np.zeros(inner, np.float32),
                _themselves(inner),
            )
            self._renew((slice(0, mask.shape[0]), slice(0, mask.shape[1])))
            return True
        window = _box(before.mask != mask)
        if window is None:
            return False
        before.mask[window] = mask[window]
        self._renew(window)
        return True

    def distances_to(self, other: _Side) -> NDArray[np.float32]:
        """Give how far each of these lines' pixels is from the other lines, inf beyond the reach [px]."""
        distances: NDArray[np.float32] = other._of().distance[tuple(self.places.T)]
        return distances

    def grains(self) -> LabelArray:
        """Give the regions between the thickened lines, grown over these."""
        if self._grains is None:
            known = self._of()
            solid = ndimage.binary_dilation(self._inner(known.thin), np.ones((3, 3), bool))
            regions, count = ndimage.label(~solid)
            grown = regions.reshape(-1)[known.nearest] if count else np.zeros_like(regions)
            self._grains = grown.astype(np.int32)
        return self._grains

    def closed(self) -> float:
        """Give the share of the lines' pixels with two different grains among themselves and around."""
        if not len(self.places):
            return 0.0
        padded = np.pad(self.grains(), 1, mode="edge")
        rows, columns = self.places.T
        around = np.stack([padded[rows + dy, columns + dx] for dy in range(3) for dx in range(3)])
        return float((around.max(axis=0) != around.min(axis=0)).mean())

    def _of(self) -> _Known:
        if self._known is None:
            raise RuntimeError("no lines were taken yet")
        return self._known

    def _inner(self, whole: MaskArray) -> MaskArray:
        m = self._margin
        return whole[m : whole.shape[0] - m, m : whole.shape[1] - m]

    def _renew(self, window: Window) -> None:
        """Find again what a change in a window reaches."""
        known = self._of()
        self._grains = None
        part, inside = _around(window, known.mask.shape, _THIN_PX, _THIN_PX)
        if ndimage.minimum_filter(known.mask[part], 2 * _THIN_PX - 1).any():  # lines that thick reach further
            window = slice(0, known.mask.shape[0]), slice(0, known.mask.shape[1])
            part, inside = _around(window, known.mask.shape, _THIN_PX, _THIN_PX)
        known.thin[_around(window, known.mask.shape, 0, _THIN_PX)[0]] = skeletonize(known.mask[part])[inside]
        lines = self._inner(known.thin)
        rows, columns = (slice(s.start - self._margin, s.stop - self._margin) for s in window)
        moved = rows, columns
        reach = int(REACH_PX) + 1
        part, inside = _around(moved, lines.shape, reach, _THIN_PX + reach)
        target = _around(moved, lines.shape, 0, _THIN_PX + reach)[0]
        known.distance[target] = _distance(lines[part])[inside]
        part, inside = _around(moved, lines.shape, 4 * _GROW_PX, _THIN_PX + _GROW_PX)
        target = _around(moved, lines.shape, 0, _THIN_PX + _GROW_PX)[0]
        known.nearest[target] = _nearest(lines, part)[inside]
        self.places = np.argwhere(lines)


def _share(distances: NDArray[np.float32], tolerance_px: float, nothing: float = 0.0) -> float:
    return float((distances <= tolerance_px).mean()) if distances.size else nothing


def _box(changed: MaskArray) -> Window | None:
    """Give the box around what has changed, None for nothing."""
    rows = np.flatnonzero(changed.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(changed[rows[0] : rows[-1] + 1].any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _around(window: Window, shape: tuple[int, ...], more: int, reach: int) -> tuple[Window, Window]:
    """Give a window wider by what a change reaches and more, and the part of it without the more."""
    inner = [
        slice(max(s.start - reach, 0), min(max(s.stop + reach, 0), n))
        for s, n in zip(window, shape, strict=True)
    ]
    inner = [slice(min(s.start, s.stop), s.stop) for s in inner]
    outer = [slice(max(s.start - more, 0), min(s.stop + more, n)) for s, n in zip(inner, shape, strict=True)]
    inside = [slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True)]
    return (outer[0], outer[1]), (inside[0], inside[1])


def _distance(lines: MaskArray) -> NDArray[np.float32]:
    if not lines.any():
        return np.full(lines.shape, np.inf, np.float32)
    away = ndimage.distance_transform_edt(~lines)
    return np.where(away <= REACH_PX, away, np.inf).astype(np.float32)


def _themselves(shape: tuple[int, ...]) -> NDArray[np.int32]:
    return np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape)


def _nearest(lines: MaskArray, part: Window) -> NDArray[np.int32]:
    """Give for each pixel of a part the flat index of the nearest pixel that lies in a grain."""
    wider, inside = _around(part, lines.shape, 1, 0)
    solid = ndimage.binary_dilation(lines[wider], np.ones((3, 3), bool))
    if solid.all():
        rows, columns = np.indices(solid.shape)
    else:
        rows, columns = ndimage.distance_transform_edt(solid, return_distances=False, return_indices=True)
    flat = (rows + wider[0].start) * lines.shape[1] + columns + wider[1].start
    found: NDArray[np.int32] = flat[inside].astype(np.int32)
    return found
