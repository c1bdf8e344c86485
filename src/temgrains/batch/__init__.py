"""Many images: analysed (`run`, `each`) or drawn (`synthesise_series`)."""

from temgrains.batch.errors import sentence
from temgrains.batch.images import Outcome, Reading, each, run, unique_stems
from temgrains.batch.series import synthesise_series

__all__ = ["Outcome", "Reading", "each", "run", "sentence", "synthesise_series", "unique_stems"]
