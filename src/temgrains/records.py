"""The frozen records that travel between stages; each docstring is the contract of its arrays.

Arrays are (row, column); tensors inside networks are (B, C, H, W). No stage changes an array it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    GreyArray: TypeAlias = NDArray[np.float32]
    ByteArray: TypeAlias = NDArray[np.uint8]
    MaskArray: TypeAlias = NDArray[np.bool_]
    LabelArray: TypeAlias = NDArray[np.int32]

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called as ``progress(stage, done, total)``; may raise `Cancelled` to stop the work."""

PixelSize: TypeAlias = tuple[float, float]
"""Height and width of one pixel [nm]."""

Box: TypeAlias = tuple[int, int, int, int]
"""Top, left, bottom, right of a rectangle of pixels; the row at the bottom and the column at the right are
the first ones outside."""

StopReason: TypeAlias = Literal["converged", "fixed point", "cycle", "cap"]


class Cancelled(Exception):
    """Raised by a progress callable to stop long work; whoever started the work catches it."""


def silent(stage: str, done: int, total: int) -> None:
    """Ignore progress: the default where nobody watches."""


def mask_of(boxes: Iterable[Box], shape: tuple[int, int]) -> MaskArray | None:
    """Give a bool array that is True in the boxes, None where there is none."""
    import numpy as np  # noqa: PLC0415  (records are imported where nothing is computed)

    mask = np.zeros(shape, np.bool_)
    for top, left, bottom, right in boxes:
        mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    return mask if mask.any() else None


def boxes_of(mask: MaskArray | None) -> tuple[Box, ...]:
    """Give boxes that together cover what is True in a mask, none of them twice: the way back from `mask_of`.

    Parameters
    ----------
    mask
        Bool, shape (H, W), or None.
    """
    if mask is None or not mask.any():
        return ()
    import numpy as np  # noqa: PLC0415

    boxes: list[Box] = []
    begun: dict[tuple[int, int], int] = {}
    framed = np.pad(mask, 1).astype(np.int8)
    # Runs that go on alike in the next row make one box.
    for row in np.flatnonzero((framed[1:] != framed[:-1]).any(axis=1)).tolist():
        steps = np.diff(framed[row + 1])
        runs = set(zip(*(np.flatnonzero(steps == step).tolist() for step in (1, -1)), strict=True))
        boxes += [(begun.pop(run), run[0], row, run[1]) for run in sorted(begun.keys() - runs)]
        begun |= dict.fromkeys(runs - begun.keys(), row)
    return tuple(sorted(boxes))


@dataclass(frozen=True, slots=True)
class Instrument:
    """How a micrograph was taken, as far as its file says so: for the reader of a result, used by nothing.

    ``microscope`` is its name, ``voltage_kv`` the accelerating voltage [kV], ``magnification`` that of the
    instrument's own display, ``date`` in ISO 8601 where the file's notation leaves no doubt, else as it
    stands there. What is not known is "" or None.
    """

    microscope: str = ""
    voltage_kv: float | None = None
    magnification: float | None = None
    date: str = ""

    def __str__(self) -> str:
        parts = [
            self.microscope,
            "" if self.voltage_kv is None else f"{self.voltage_kv:g} kV",
            "" if self.magnification is None else f"× {self.magnification:,.0f}",  # noqa: RUF001
            self.date,
        ]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Micrograph:
    """A grey image and its scale.

    ``pixels`` is float32, shape (H, W), finite, in [0, 1] (the image's own range, stretched linearly).
    ``pixel_size`` is the (row, column) size of a pixel [nm], or None when unknown: every size downstream is
    then in pixels. ``calibration`` says where it came from ("ImageJ tag", "typed", "unknown", ...).
    ``notes`` are sentences for the user about what was done on the way in (page chosen, pixels mended, ...).
    ``excluded`` are parts that show no specimen, such as a scale bar with its label: no grain reaches in.
    ``page`` is which of a file's images this is, counted from 0, of ``pages`` that can be read; ``signal`` is
    what the file calls it ("HAADF", ...). ``instrument`` is how it was taken.
    """

    pixels: GreyArray = field(repr=False)
    pixel_size: PixelSize | None = None
    source: str = "array"
    calibration: str = "unknown"
    notes: tuple[str, ...] = ()
    excluded: tuple[Box, ...] = ()
    page: int = 0
    instrument: Instrument = field(default_factory=Instrument)
    pages: int = 1
    signal: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width [px]."""
        return self.pixels.shape

    @property
    def excluded_mask(self) -> MaskArray | None:
        """Bool, shape (H, W): True where no specimen is shown; None where it is everywhere."""
        return mask_of(self.excluded, self.shape)


@dataclass(frozen=True, slots=True)
class EdgeMaps:
    """What the first network looks at.

    ``maps`` is uint8, shape (3, H, W), 0 or 255: Sobel, LoG and Canny edges. ``grey`` is uint8, shape (H, W):
    the micrograph they were found in, its contrast stretched over 0..255, not yet filtered; None where the
    edges came without it.
    """

    maps: ByteArray = field(repr=False)
    grey: ByteArray | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class BoundaryMap:
    """How surely each pixel is boundary: ``grey`` is uint8, shape (H, W), 0 (grain) .. 255 (boundary)."""

    grey: ByteArray = field(repr=False)


@dataclass(frozen=True, slots=True)
class Iterate:
    """One state of the refinement.

    ``state`` is uint8, shape (H, W), 0..255, grey: it is never thresholded between iterations. ``index``
    counts passes (0 is the guess). ``change`` is the sum of grey differences to the state before, divided by
    pixels times the criterion's maximum (see `RefineSettings`); NaN for the guess. ``stopped`` says why this
    is the last iterate, and is None while the refinement goes on.
    """

    index: int
    state: ByteArray = field(repr=False)
    change: float = float("nan")
    stopped: StopReason | None = None


@dataclass(frozen=True, slots=True)
class Pins:
    """What is known of a state beforehand: bool, both of the state's shape (H, W).

    ``boundary`` is where there is boundary, ``grain`` where there is none; where both are True there is
    boundary.
    """

    boundary: MaskArray = field(repr=False)
    grain: MaskArray = field(repr=False)


@dataclass(frozen=True, slots=True)
class Boundaries:
    """The closed boundary network.

    ``mask`` is bool, shape (H, W), one pixel wide, every line separating two different grains.
    ``labels`` is int32, shape (H, W): the grains the lines enclose, 4-connected, numbered from 1 without
    gaps, 0 on the lines. ``pruned_px`` is the length of the loose ends that were removed, ``completed_px``
    the length that closing added where the map had no boundary [px]. ``excluded`` is bool, shape (H, W), True
    where no specimen is shown, or None: there are neither lines nor grains, and lines end at it as they end
    at the image border.
    """

    mask: MaskArray = field(repr=False)
    labels: LabelArray = field(repr=False)
    pruned_px: int = 0
    completed_px: int = 0
    excluded: MaskArray | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Grains:
    """The grains of one micrograph.

    ``labels`` is int32, shape (H, W): 0 = boundary, 1..N = grains. ``on_border`` is bool, shape (N,): grain
    k + 1 touches the image border or an excluded part, so that its size is a lower bound. ``excluded`` is
    bool, shape (H, W), or None: where it is True, 0 is no boundary but nothing.
    """

    labels: LabelArray = field(repr=False)
    on_border: MaskArray = field(repr=False)
    excluded: MaskArray | None = field(default=None, repr=False)

    @property
    def count(self) -> int:
        """Number of grains."""
        return len(self.on_border)


@dataclass(frozen=True, slots=True)
class GrainSizes:
    """One row per grain, with the unit in each column's name, and the pixel size [nm] they were made with.

    ``boundary_length_px`` and ``boundary_length_nm`` are the length of all lines between the grains.
    """

    table: pd.DataFrame = field(repr=False)
    pixel_size: PixelSize | None
    boundary_length_px: float
    boundary_length_nm: float | None


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything one run found, and what it takes to repeat it.

    ``iterates[0]`` is the guess. ``provenance`` is plain JSON: package version, settings, model card, why the
    refinement stopped, seconds per stage, where the scale came from.
    """

    micrograph: Micrograph
    edges: EdgeMaps
    guess: BoundaryMap
    iterates: tuple[Iterate, ...] = field(repr=False)
    boundaries: Boundaries
    grains: Grains
    sizes: GrainSizes
    provenance: dict[str, Any] = field(repr=False)
