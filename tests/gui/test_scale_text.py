"""Pixel sizes as typed and shown."""

from __future__ import annotations

import pytest

from temgrains.gui import _scale


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0.72", (0.72, 0.72)),
        (" 0,72 nm ", (0.72, 0.72)),
        ("0.72 x 0.80", (0.72, 0.80)),
        ("1.2 × 1.5 µm", (1200, 1500)),  # noqa: RUF001
        ("2um", (2000, 2000)),
        ("5 Å", (0.5, 0.5)),
        ("1e2pm", (0.1, 0.1)),
        ("", None),
        ("  ", None),
    ],
)
def test_sizes_are_read(text: str, size: tuple[float, float] | None) -> None:
    assert _scale.parse(text) == (None if size is None else pytest.approx(size))


@pytest.mark.parametrize(
    "text", ["0", "-1", "nan", "inf", "abc", "1 x", "1 inch", "1e30", "1e-9", "1 2", "..", "1 x 0"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no pixel size; type it as 0\.72"):
        _scale.parse(text)


@pytest.mark.parametrize("size", [(0.72, 0.72), (0.72, 0.8), (1234.5, 1234.5), None])
def test_what_is_shown_is_read_back(size: tuple[float, float] | None) -> None:
    assert _scale.parse(_scale.shown(size)) == (None if size is None else pytest.approx(size))
