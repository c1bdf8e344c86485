"""Settings: what they take, what they refuse, and that they survive a file."""

from __future__ import annotations

import numpy as np
import pytest

from temgrains.settings import (
    AUTOMATIC,
    BoundarySettings,
    EdgeSettings,
    GuessSettings,
    RefineSettings,
    Settings,
    read_settings,
    settings_from_dict,
    write_toml,
)


@pytest.mark.parametrize(
    ("stage", "key", "value", "said"),
    [
        ("edges", "saturation", "0.1", r"edges.saturation is '0.1'; it must be a number from 0 to 0.49"),
        ("edges", "saturation", False, "edges.saturation is False; it must be a number from 0 to 0.49"),
        ("edges", "log_sigma_px", None, "edges.log_sigma_px is None; it must be a number from 0.3 to 20 px"),
        ("edges", "canny_threshold", [1], r"edges.canny_threshold is \[1\]; it must be a number from 0 to 1"),
        ("edges", "median_px", 7.0, "edges.median_px is 7.0; it must be a whole number from 1 to 31"),
        ("guess", "scale", float("nan"), "guess.scale is nan; it must be a number from 0.1 to 4"),
        ("guess", "device", {}, "guess.device is {}; it must be auto, cpu or cuda"),
        ("refine", "criterion", True, "refine.criterion is True; it must be model, paper or reference"),
        ("refine", "threshold", None, "refine.threshold is None; it must be a number from 0 to 1"),
        ("boundaries", "threshold", 1.5, "boundaries.threshold is 1.5; it must be a number from 0 to 1"),
        ("boundaries", "min_grain_px", True, "boundaries.min_grain_px is True; it must be a whole number"),
    ],
)
def test_wrong_kind_or_size_is_named(stage, key, value, said):
    with pytest.raises(ValueError, match=said):
        settings_from_dict({stage: {key: value}})


def test_what_is_automatic_stands_as_a_comment(tmp_path):
    text = write_toml(Settings())
    for name in AUTOMATIC:
        assert f"# {name.partition('.')[2]} = automatic" in text
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    assert read_settings(tmp_path / "mine.toml") == Settings()


def test_numbers_of_numpy_survive_a_file(tmp_path):
    settings = Settings(
        edges=EdgeSettings(saturation=np.float64(0.02), median_px=np.int64(5), sobel_threshold=np.float64(0)),
        guess=GuessSettings(scale=np.float32(0.5)),
        refine=RefineSettings(max_iterations=np.uint8(7)),
        boundaries=BoundarySettings(threshold=np.float64(0.25)),
    )
    (tmp_path / "mine.toml").write_text(write_toml(settings), encoding="utf-8")
    assert read_settings(tmp_path / "mine.toml") == settings
