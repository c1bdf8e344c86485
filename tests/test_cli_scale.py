"""The scale on the command line: typed, in the file, on the scale bar, and what is said when they differ."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
import torch
from typer.testing import CliRunner

from temgrains import models
from temgrains.cli import app
from temgrains.models import make_model
from temgrains.networks import PaperNet1, PaperNet2

SHAPE = (96, 160)
BOX = (70, 90, 94, 156)


@pytest.fixture
def model(home):
    """A model with random weights, installed under the name ``random``."""
    torch.manual_seed(0)
    models.save(make_model("random", PaperNet1(), PaperNet2(), criterion="paper"))
    return "random"


@pytest.fixture
def burnt(tmp_path, rng):
    """Grains with a bar of 50 px in a black box; the file says 0.5 nm per pixel."""
    rows, columns = np.indices(SHAPE)
    film = 60 + (rows // 24 * 37 + columns // 32 * 53) % 120 + rng.normal(0, 4, SHAPE)
    pixels = np.clip(film, 20, 235).astype(np.uint8)
    pixels[BOX[0] : BOX[2], BOX[1] : BOX[3]] = 0
    pixels[80:84, 98:148] = 255
    tifffile.imwrite(tmp_path / "film.tif", pixels, imagej=True, resolution=(2, 2), metadata={"unit": "nm"})
    return tmp_path / "film.tif"


def run(image, model, *options):
    out = image.parent / "out"
    settings = ("--set", "refine.max_iterations=2")
    arguments = ("run", image, "--out", out, "--model", model, *settings, *options)
    done = CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="temgrains")
    result = json.loads((out / "film.json").read_text()) if (out / "film.json").exists() else {}
    return done, result, out


def test_scale_bar_gives_the_scale_and_is_left_out(burnt, model):
    done, result, out = run(burnt, model, "--scale-bar", "25 nm")
    assert done.exit_code == 0, done.output
    assert (result["pixel_size_nm"], result["calibration"]) == ([0.5, 0.5], "scale bar")
    assert result["excluded"] == [list(BOX)]
    assert result["excluded_share"] == pytest.approx(24 * 66 / (96 * 160))
    assert "10.3% of the image left out" in done.stdout
    assert "note: the scale bar of 50 px stands for 25 nm" in done.stderr
    for name in ("labels", "boundaries"):
        pixels = tifffile.imread(out / f"film.{name}.tif")
        assert not pixels[BOX[0] : BOX[2], BOX[1] : BOX[3]].any()
    assert np.count_nonzero(tifffile.imread(out / "film.labels.tif")) > 0.5 * 96 * 160


def test_scale_bar_that_contradicts_the_file_is_said(burnt, model):
    done, result, _ = run(burnt, model, "--scale-bar", "50 nm")
    assert result["pixel_size_nm"] == [1, 1]
    assert (
        "note: the scale bar's pixel of 1 nm is 100% off the 0.5 nm of the ImageJ tag; check it"
        in done.stderr
    )


def test_typed_scale_goes_before_the_bar(burnt, model):
    done, result, _ = run(burnt, model, "--scale-bar", "50 nm", "--nm-per-px", "0.5")
    assert (result["pixel_size_nm"], result["calibration"]) == ([0.5, 0.5], "typed")
    assert result["excluded"] == [list(BOX)]
    assert "is 100% off the 0.5 nm typed; check it" in done.stderr


@pytest.mark.parametrize(("typed", "said"), [("0.509", False), ("0.511", True), ("0.489", True)])
def test_typed_scale_more_than_2_percent_off_the_file_is_said(typed, said, burnt, model):
    done, result, _ = run(burnt, model, "--nm-per-px", typed)
    assert result["pixel_size_nm"] == [float(typed)] * 2
    note = f"note: the typed pixel size of {typed} nm is 2% off the 0.5 nm of the ImageJ tag; check it"
    assert (note in done.stderr) == said


@pytest.mark.parametrize(
    ("length", "sentence"), [("long", "'long' is no length; type it as 200 nm"), ("1 mm", None)]
)
def test_length_that_is_none_or_is_not_there_fails(length, sentence, burnt, model):
    if sentence is None:
        tifffile.imwrite(burnt, tifffile.imread(burnt)[:60])
        sentence = f"{burnt}: no scale bar was found in it; give the pixel size instead"
    done, _, _ = run(burnt, model, "--scale-bar", length)
    assert done.exit_code == 1
    assert sentence in done.stderr
