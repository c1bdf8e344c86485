"""Work beside the analysis: models, files, saving. Knows no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from temgrains.records import Analysis, Micrograph, Progress


@dataclass(frozen=True, slots=True)
class Chore:
    """One piece of work: ``then`` gets in the window's thread what ``call`` gave in the worker's."""

    title: str
    call: Callable[[], Any]
    then: Callable[[Any], None]

    def run(self, progress: Progress) -> Iterator[Any]:
        """Give the one result."""
        from temgrains.micrograph.watching import watched  # noqa: PLC0415

        progress("chore", 0, 1)
        with watched(lambda _waited: progress("chore", 0, 1)):
            result = self.call()
        yield result


def listing_models(then: Callable[[list[str]], None]) -> Chore:
    """Name the installed models; the first call also loads torch, so that the first step need not."""

    def call() -> list[str]:
        from temgrains import models, pipeline  # noqa: F401, PLC0415

        return models.available()

    return Chore("Models", call, then)


def reading_card(model: str, then: Callable[[dict[str, Any]], None]) -> Chore:
    """Load and check a model, by name or path of its file, and give its card."""

    def call() -> dict[str, Any]:
        from temgrains import models  # noqa: PLC0415

        return models.load(model).card

    return Chore("Model", call, then)


def reading_scale(path: str, then: Callable[[Any], None], *, page: int | None = None) -> Chore:
    """Read the pixel size [nm] that a file names for one of its images, and where in the file it stands."""

    def call() -> Any:
        from temgrains.micrograph import read  # noqa: PLC0415

        micrograph = read(path, page=page)
        return micrograph.pixel_size, micrograph.calibration

    return Chore("Pixel size", call, then)


def finding_bar(load: Callable[[], Micrograph], then: Callable[[Any], None]) -> Chore:
    """Find the scale bar of an image."""

    def call() -> Any:
        from temgrains.micrograph import find_scale_bar  # noqa: PLC0415

        return find_scale_bar(load().pixels)

    return Chore("Scale bar", call, then)


def reloading(path: Path, load: Callable[[], Micrograph], then: Callable[[Any], None]) -> Chore:
    """Read a result that was saved."""

    def call() -> Analysis:
        from temgrains import pipeline  # noqa: PLC0415

        return pipeline.reload(path, load())

    return Chore("Reload", call, then)


def writing(analysis: Analysis, folder: Path, stem: str, tell: Callable[[str], None]) -> Chore:
    """Write all files of an analysis, and tell where they lie."""

    def call() -> list[Path]:
        from temgrains import pipeline  # noqa: PLC0415

        return pipeline.save(analysis, folder, stem)

    return Chore("Save", call, lambda paths: tell(f"{len(paths)} files saved in {folder}"))
