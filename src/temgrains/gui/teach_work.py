"""What the Teach dock does in threads of its own: keep examples, fine-tune. Knows no Qt."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from temgrains.gui._chores import Chore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from temgrains.corrections import Operation
    from temgrains.records import Analysis, Boundaries, MaskArray, Progress
    from temgrains.training.examples import Summary
    from temgrains.training.settings import TuneSettings

    Listed = tuple[list[Summary], list[str]]

RUNS = "runs"
"""Folder of the fine-tunings within that of the training set."""


def can_tune() -> bool:
    """Whether Lightning is installed."""
    return find_spec("lightning") is not None


@dataclass(frozen=True, slots=True)
class Corrected:
    """What an example is made of: an analysis, its corrected boundaries and how, what was looked at."""

    name: str
    analysis: Analysis
    boundaries: Boundaries
    operations: tuple[Operation, ...]
    looked: MaskArray | None = field(repr=False)


def listing_examples(then: Callable[[Listed], None]) -> Chore:
    """List the training set."""

    def call() -> Listed:
        from temgrains.training.examples import TrainingSet  # noqa: PLC0415

        return TrainingSet().list()

    return Chore("Training set", call, then)


def adding(corrected: Corrected, then: Callable[[tuple[bool, Listed]], None]) -> Chore:
    """Keep an example, say whether it took the place of another, and list the set."""

    def call() -> tuple[bool, Listed]:
        from temgrains.corrections import ledger  # noqa: PLC0415
        from temgrains.training.examples import TrainingSet, example_of  # noqa: PLC0415

        counted = ledger(corrected.operations, corrected.analysis.micrograph.pixel_size)
        known = {**corrected.analysis.provenance, "corrections": asdict(counted)}
        analysis = replace(corrected.analysis, boundaries=corrected.boundaries, provenance=known)
        kept = TrainingSet()
        replaced = kept.add(example_of(analysis, corrected.name, looked=corrected.looked))
        return replaced, kept.list()

    return Chore("Add to my training set", call, then)


def removing(digest: str, then: Callable[[Listed], None]) -> Chore:
    """Remove an example, and list the set."""

    def call() -> Listed:
        from temgrains.training.examples import TrainingSet  # noqa: PLC0415

        kept = TrainingSet()
        kept.remove(digest)
        return kept.list()

    return Chore("Remove from my training set", call, then)


@dataclass(frozen=True, slots=True)
class Tuned:
    """A new model: its name, the table of its scores, and what they say."""

    name: str
    table: list[tuple[str, ...]]
    better: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class Tuning:
    """Fine-tune a model on the training set, and install the new one.

    A run that was stopped lies in a folder of its own and goes on if model, examples and settings are the
    same. ``began`` gets the folder, so that its curves can be looked at.
    """

    title: ClassVar[str] = "Fine-tuning"
    base: str
    settings: TuneSettings
    began: Callable[[Path], None] = field(repr=False)

    def run(self, progress: Progress) -> Iterator[Tuned]:
        """Give the new model's name and scores."""
        import torch  # noqa: PLC0415  (takes seconds)

        from temgrains import models, teaching  # noqa: PLC0415
        from temgrains.training.examples import TrainingSet  # noqa: PLC0415

        torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))  # one is for the window
        progress("examples", 0, 1)
        kept = TrainingSet()
        examples = [kept.load(one.digest) for one in kept.list()[0]]
        base = models.load(self.base)
        out = teaching.run_folder(kept.folder / RUNS, examples, base, self.settings)
        self.began(out)
        taught = teaching.teach(examples, out, base=base, settings=self.settings, progress=progress)
        models.save(taught.model)
        teaching.tidy(out)
        table: Any = teaching.table(taught.scores)
        yield Tuned(self.settings.name, table, taught.better, taught.verdict)
