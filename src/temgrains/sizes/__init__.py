"""How large the grains are, what shape they have and where they lie."""

from temgrains.sizes.partition import partition
from temgrains.sizes.table import areas, boundary_length, check_pixel_size, marked, measure

__all__ = ["areas", "boundary_length", "check_pixel_size", "marked", "measure", "partition"]
