"""What a report needs to know beside the grains: the picture, and how the boundaries were found."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from temgrains.corrections.ledger import in_words

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from temgrains.statistics.labels import Labelled

_ROUNDED = 1e-9
"""By how much a tag, which holds a ratio of whole numbers, may differ from the size it was made of."""


_KINDS = {"model": dict, "settings": dict, "warnings": list}
"""Entries of a provenance that are more than text, and what they must be."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where grains came from.

    ``picture`` is the micrograph with its boundaries, uint8, shape (H, W, 3), or None. ``provenance`` is what
    the analysis says of itself (`temgrains.records.Analysis`), empty where the grains are only a map.
    ``corrections`` counts those by hand; None takes what the provenance tells of them.
    """

    picture: NDArray[np.uint8] | None = field(default=None, repr=False)
    provenance: dict[str, Any] = field(default_factory=dict, repr=False)
    corrections: int | None = None

    @property
    def by_hand(self) -> int | None:
        """Number of corrections by hand, None where nobody knows."""
        if self.corrections is not None:
            return self.corrections
        told = self.provenance.get("corrections")
        return len(told["list"]) if isinstance(told, dict) and isinstance(told.get("list"), list) else None

    @property
    def by_hand_in_words(self) -> str:
        """Lengths drawn and erased and the time, after a colon; nothing where nobody knows."""
        told = self.provenance.get("corrections")
        if not self.by_hand or not isinstance(told, dict) or "added_px" not in told:
            return ""
        try:
            return f": {in_words(told)}"
        except (TypeError, ValueError):  # the file was damaged, or written by hand
            return ""

    @property
    def version(self) -> str:
        """The version of this package."""
        return version("temgrains")

    def calibrated(self, labels: Labelled) -> Labelled:
        """Give labels the calibration that their result states, which knows more of it than a tag does.

        Labels of another pixel size stay as they are: the user has typed it, or the result is another one.
        """
        told, source = self.provenance.get("pixel_size_nm"), self.provenance.get("calibration")
        if not (isinstance(told, list) and len(told) == 2 and isinstance(source, str)):
            return labels
        if (
            labels.pixel_size is None
            or labels.calibration == "typed"
            or not np.allclose(np.asarray(told, float), labels.pixel_size, rtol=_ROUNDED, atol=0)
        ):
            return labels
        return replace(labels, pixel_size=(float(told[0]), float(told[1])), calibration=source)

    @classmethod
    def beside(cls, labels: Path, stem: str) -> Context:
        """Take what `temgrains run` left beside a map of labels; what is missing or damaged is left out."""
        picture, provenance = None, cls().provenance
        overlay, about = labels.with_name(f"{stem}.overlay.png"), labels.with_name(f"{stem}.json")
        # Edited or damaged files fail in a dozen ways, and a report without them is better than none.
        with contextlib.suppress(Exception), Image.open(overlay) as image:
            picture = np.asarray(image.convert("RGB"))
        with contextlib.suppress(Exception):
            told = dict(json.loads(about.read_text(encoding="utf-8")))
            provenance = {name: it for name, it in told.items() if isinstance(it, _KINDS.get(name, object))}
        return cls(picture, provenance)
