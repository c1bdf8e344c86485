"""Which images of a file a user means."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import tifffile
from PIL import Image

from temgrains.micrograph import UnreadableImage, check_pages, choose_pages, count_pages, read
from temgrains.micrograph.decoded import NoSuchPage


@pytest.mark.parametrize(
    ("pages", "chosen", "missing"),
    [
        ("all", [0, 1, 2, 3, 4], 0),
        (" All ", [0, 1, 2, 3, 4], 0),
        ("1", [0], 0),
        ("2-4", [1, 2, 3], 0),
        ("4-", [3, 4], 0),
        ("5, 1-2 ,2", [0, 1, 4], 0),
        ("4-7", [3, 4], 6),
        ("9,7", [], 7),
        ("6-", [], 6),
        ("1-999999999999", [0, 1, 2, 3, 4], 6),
    ],
)
def test_pages_count_from_1(pages, chosen, missing):
    assert choose_pages(pages, 5) == (chosen, missing)


@pytest.mark.parametrize("pages", ["", "0", "0-3", "3-1", "-3", "1;2", "1,,2", "every", "1.5", "1-2-3", "²"])
def test_what_chooses_no_pages_is_refused(pages):
    with pytest.raises(ValueError, match="chooses no pages; type all, or numbers from 1"):
        check_pages(pages)


def test_pages_are_counted(tmp_path, rng):
    stack = rng.integers(0, 255, (7, 20, 30), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    assert count_pages(tmp_path / "stack.tif") == 7
    Image.fromarray(stack[0]).save(tmp_path / "one.png")
    assert count_pages(tmp_path / "one.png") == 1


def test_counting_needs_no_page_that_can_be_read(tmp_path, rng):
    with tifffile.TiffWriter(tmp_path / "odd.tif") as tif:
        tif.write(rng.integers(0, 255, (20, 30), dtype=np.uint8) > 99, photometric="minisblack")
        tif.write(rng.integers(0, 255, (20, 30), dtype=np.uint8), photometric="minisblack")
    assert count_pages(tmp_path / "odd.tif") == 2
    with pytest.raises(UnreadableImage, match="black and white"):
        read(tmp_path / "odd.tif")


def test_a_page_that_is_not_there_is_told_with_the_number_of_pages(tmp_path, rng):
    path = tmp_path / "two.tif"
    tifffile.imwrite(path, rng.integers(0, 255, (2, 20, 30), dtype=np.uint8), photometric="minisblack")
    with pytest.raises(NoSuchPage, match="it has no page 2; choose from 0 to 1") as caught:
        read(path, page=2)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.count, again.reason, again.path) == (2, caught.value.reason, str(path))


def test_a_file_that_cannot_be_read_has_no_pages_to_count(tmp_path):
    (tmp_path / "page.tif").write_text("<html>")
    with pytest.raises(UnreadableImage, match="web page"):
        count_pages(tmp_path / "page.tif")
