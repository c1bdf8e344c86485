"""An analysis with corrections by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from temgrains.corrections import corrected
from temgrains.corrections.history import REPLAY_SLACK_PX
from temgrains.grains import label
from temgrains.pipeline import provenance
from temgrains.pipeline.confidence import rated_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from temgrains.corrections import Operation
    from temgrains.records import Analysis, Boundaries


def with_corrections(
    analysis: Analysis, operations: Sequence[Operation], *, slack_px: float = REPLAY_SLACK_PX
) -> Analysis:
    """Replay corrections on an analysis: its lines, grains and sizes are those of the corrected network.

    Parameters
    ----------
    analysis
        What `analyse` gave; without corrections, or the same ones would be applied twice.
    operations
        The corrections, in their order.
    slack_px
        How far beside a line an erasing stroke may run [px]; 0 on the network for which they were made.
    """
    boundaries = corrected(analysis.boundaries, operations, slack_px=slack_px)
    return with_boundaries(analysis, boundaries, operations)


def with_boundaries(analysis: Analysis, boundaries: Boundaries, operations: Sequence[Operation]) -> Analysis:
    """Give the analysis other lines, the corrections that made them, and the grains and sizes that follow."""
    grains = label(boundaries)
    card = analysis.provenance.get("model", {})
    return replace(
        analysis,
        boundaries=boundaries,
        grains=grains,
        sizes=rated_sizes(boundaries, grains, analysis.micrograph, analysis.guess.grey, card),
        provenance={
            **analysis.provenance,
            "corrections": provenance.corrections(operations, analysis.micrograph.pixel_size),
        },
    )
