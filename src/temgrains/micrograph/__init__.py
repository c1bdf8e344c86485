"""From a file or an array to a `temgrains.records.Micrograph`, or to one sentence that says why not."""

from temgrains.micrograph.pixels import UnreadableImage, from_array
from temgrains.micrograph.reading import read

__all__ = ["UnreadableImage", "from_array", "read"]
