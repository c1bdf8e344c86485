"""From a file or an array to a `temgrains.records.Micrograph`, or to one sentence that says why not."""

from temgrains.micrograph.decoded import SeveralImages
from temgrains.micrograph.folder import images_in
from temgrains.micrograph.paging import check_pages, choose_pages, count_pages
from temgrains.micrograph.pixels import UnreadableImage, from_array
from temgrains.micrograph.reading import ENDINGS, read
from temgrains.micrograph.scale_bar import ScaleBar, find_scale_bar, with_scale_bar

__all__ = [
    "ENDINGS",
    "ScaleBar",
    "SeveralImages",
    "UnreadableImage",
    "check_pages",
    "choose_pages",
    "count_pages",
    "find_scale_bar",
    "from_array",
    "images_in",
    "read",
    "with_scale_bar",
]
