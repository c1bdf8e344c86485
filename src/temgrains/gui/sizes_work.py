"""What the panel "Grain sizes" computes in the worker thread. Knows no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from temgrains.gui._chores import Chore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from temgrains.records import Analysis, Grains, GreyArray, PixelSize, Progress
    from temgrains.reports import Context
    from temgrains.statistics.distribution import Lognormal
    from temgrains.statistics.labels import Labelled
    from temgrains.statistics.report import Choices, Measured, SizeStatistics


@dataclass(frozen=True, slots=True)
class Source:
    """The grains of a layer as they are now: an array of labels, or grains that are known to be in order."""

    name: str
    labels: NDArray[Any] = field(repr=False)
    grains: Grains | None = field(repr=False, default=None)
    excluded: NDArray[np.bool_] | None = field(repr=False, default=None)
    image: GreyArray | None = field(repr=False, default=None)
    confidence: NDArray[np.float64] | None = field(repr=False, default=None)
    pixel_size: PixelSize | None = None
    calibration: str = "unknown"


@dataclass(frozen=True, slots=True)
class Measuring:
    """Measure the grains of a layer: first each for itself, which shows at once, then by all methods.

    The statistics come without the goodness of fit, which takes longer.
    """

    source: Source
    title: str = "Grain sizes"

    def run(self, progress: Progress) -> Iterator[Measured]:
        """Give the grains, then the statistics."""
        from temgrains.statistics.labels import with_pieces  # noqa: PLC0415
        from temgrains.statistics.report import Choices, complete, each  # noqa: PLC0415

        progress("sizes", 0, 1)
        taken = self._taken()
        measured = each(taken, image=self.source.image)
        if self.source.confidence is not None:
            measured = replace(measured, table=measured.table.assign(confidence=self.source.confidence))
        yield measured
        if self.source.grains is None:
            measured = replace(measured, labelled=with_pieces(taken))
        yield complete(measured, choices=Choices(replicates=0))

    def _taken(self) -> Labelled:
        from temgrains.statistics.labels import Labelled, labelled  # noqa: PLC0415

        source = self.source
        if source.grains is not None:
            taken = Labelled.of(source.grains)
        else:
            taken = labelled(source.labels, excluded=source.excluded, pieces=False)
        return replace(
            taken, source=source.name, pixel_size=source.pixel_size, calibration=source.calibration
        )


@dataclass(frozen=True, slots=True)
class Fitting:
    """Tell how well the lognormal distribution fits."""

    diameters: NDArray[np.float64] = field(repr=False)
    weights: NDArray[np.float64] | None = field(repr=False)
    title: str = "Goodness of fit"

    def run(self, progress: Progress) -> Iterator[Lognormal]:
        """Give the fit with its p."""
        from temgrains.statistics.distribution import fit_lognormal  # noqa: PLC0415

        yield fit_lognormal(self.diameters, weights=self.weights, progress=progress)


@dataclass(frozen=True, slots=True)
class Viewing:
    """Let each view of the image that votes on the guess lead to grains by itself."""

    analysis: Analysis = field(repr=False)
    model: str
    title: str = "Views of the model"

    def run(self, progress: Progress) -> Iterator[tuple[float, ...]]:
        """Give the mean diameters."""
        from temgrains import models, pipeline  # noqa: PLC0415

        progress("members", 0, 1)
        told = str(self.analysis.provenance["model"]["name"])
        model = models.load(self.model)
        # A result that was opened knows its model by name only, and the header may show another one.
        yield pipeline.member_means(
            self.analysis, model=model if model.name == told else models.load(told), progress=progress
        )


@dataclass(frozen=True, slots=True)
class Telling:
    """What a file or a paragraph needs: grains, what the user stated of them, where they came from."""

    found: Measured = field(repr=False)
    choices: Choices
    context: Context = field(repr=False)

    def statistics(self) -> SizeStatistics:
        """Give all statistics, with the goodness of fit."""
        from temgrains.statistics.report import complete  # noqa: PLC0415

        return complete(self.found, choices=self.choices)


def writing(told: Telling, path: Path, then: Callable[[Path], None]) -> Chore:
    """Write statistics in the format that the file's name ends in."""

    def call() -> Path:
        from temgrains import reports  # noqa: PLC0415

        return reports.write(path, told.statistics(), reports.kind_of(path), context=told.context)

    return Chore("Save", call, then)


def wording(told: Telling, then: Callable[[str], None]) -> Chore:
    """Put the statistics into a paragraph on methods."""

    def call() -> str:
        from temgrains import reports  # noqa: PLC0415

        return reports.paragraph(told.statistics(), told.context)

    return Chore("Methods paragraph", call, then)
