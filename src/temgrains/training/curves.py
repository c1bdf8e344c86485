"""The losses of a training so far, from the file that it leaves; free of torch, so that a window can look."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def read_curves(folder: Path) -> list[dict[str, Any]]:
    """Read the losses of every epoch so far, empty before the first."""
    path = folder / "losses.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
