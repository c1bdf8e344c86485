"""From a file or an array to a `temgrains.records.Micrograph`, or to one sentence that says why not."""

from temgrains.micrograph.decoded import SeveralImages
from temgrains.micrograph.pixels import UnreadableImage, from_array
from temgrains.micrograph.reading import ENDINGS, read

__all__ = ["ENDINGS", "SeveralImages", "UnreadableImage", "from_array", "read"]
