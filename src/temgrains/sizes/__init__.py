"""How large the grains are, what shape they have and where they lie."""

from temgrains.sizes.partition import partition
from temgrains.sizes.table import boundary_length, measure

__all__ = ["boundary_length", "measure", "partition"]
