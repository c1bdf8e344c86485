"""Every error becomes one line that names its file once."""

from __future__ import annotations

from pathlib import Path

import pytest

from temgrains.errors import sentence
from temgrains.micrograph import UnreadableImage


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("sigma is 3;\n  it must be less"), "in/a.tif: sigma is 3; it must be less"),
        (ValueError("in/a.tif is empty"), "in/a.tif is empty"),
        (
            FileNotFoundError(2, "No such file or directory", "in/a.tif"),
            "in/a.tif: No such file or directory",
        ),
        (PermissionError(13, "Permission denied", "out/a.json"), "in/a.tif: out/a.json: Permission denied"),
        (OSError("disk gone"), "in/a.tif: disk gone"),
        (ImportError("install it"), "in/a.tif: install it"),
        (MemoryError("3 TiB"), "in/a.tif: not enough memory (3 TiB)"),
        (ZeroDivisionError("division by zero"), "in/a.tif: ZeroDivisionError: division by zero"),
    ],
)
def test_error_becomes_one_sentence(error, said):
    assert sentence(error, Path("in/a.tif")) == said


def test_unreadable_image_names_its_file_once():
    error = UnreadableImage(Path("in/a.tif"), "it is empty")
    assert sentence(error, Path("in/a.tif")).count("in/a.tif") == 1


def test_without_a_file_the_error_speaks_for_itself():
    assert sentence(ValueError("sigma is 3")) == "sigma is 3"
    assert sentence(FileNotFoundError(2, "No such file or directory")) == "No such file or directory"
