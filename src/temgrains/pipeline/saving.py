"""An analysis as files, with what its grain sizes show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temgrains import export
from temgrains.records import Progress, silent
from temgrains.statistics.report import of_analysis

if TYPE_CHECKING:
    from pathlib import Path

    from temgrains.records import Analysis


def save(analysis: Analysis, folder: str | Path, stem: str, *, progress: Progress = silent) -> list[Path]:
    """Write an analysis as `temgrains.export.write` does, with the statistics of its grains in the JSON.

    The statistics are those that ``temgrains measure`` gives for the map of labels.

    Raises
    ------
    ValueError
        If the stem is empty or names another folder.
    OSError
        If a file cannot be written. A file that was there stays as it was; files written before remain.
    """
    export.check_folder(folder)
    found = of_analysis(analysis)
    return export.write(analysis, folder, stem, statistics=found.content, progress=progress)
