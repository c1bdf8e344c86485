"""How large the grains are, what shape they have and where they lie."""

from temgrains.sizes.partition import partition
from temgrains.sizes.table import Prepared, boundary_length, check_pixel_size, measure, rows_of

__all__ = ["Prepared", "boundary_length", "check_pixel_size", "measure", "partition", "rows_of"]
