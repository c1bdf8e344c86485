"""The command line: its help, what it writes, and how it fails."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
import torch
from matplotlib.figure import Figure
from PIL import Image
from typer.testing import CliRunner

import temgrains as tg
from temgrains import models
from temgrains.cli import app
from temgrains.cli._terminal import progress_bar
from temgrains.cli.imagine import _draw_strip
from temgrains.models import make_model
from temgrains.networks import PaperNet1, PaperNet2
from temgrains.records import Iterate
from temgrains.settings import RefineSettings, Settings, read_settings, write_toml
from temgrains.synthesis import paper_recipe, real_recipe, synthesise, write_recipe

DOCS = Path(__file__).resolve().parents[1] / "docs"
COMMANDS = (
    "run", "synthesise", "train", "teach add", "teach list", "teach remove", "teach tune",
    "models list", "models show", "models verify", "models import",
    "imagine", "score", "measure", "settings",
)  # fmt: skip
TYPER = tuple(int(part) for part in version("typer").split(".")[:2])
QUICK = ("--set", "refine.max_iterations=2")


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="temgrains")


def works(*arguments):
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    return result


def fails(*arguments):
    """The one sentence on stderr of a command that leaves with exit code 1."""
    result = invoke(*arguments)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    return lines[0]


def refused(*arguments):
    """What a wrongly used command says; exit code 2."""
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return " ".join(result.stderr.split())


@pytest.fixture
def model(home):
    """A model with random weights, installed under the name ``random``."""
    torch.manual_seed(0)
    models.save(make_model("random", PaperNet1(), PaperNet2(), criterion="paper"))
    return "random"


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "film.png"
    recipe = paper_recipe(shape=(96, 160), mean_diameter_px=(24.0, 24.0))
    Image.fromarray(synthesise(recipe, seed=1, index=0).image).save(path)
    return path


def test_version():
    assert works("--version").stdout == f"temgrains {tg.__version__}\n"


def test_without_a_command_there_is_help():
    assert "synthesise" in invoke().output


@pytest.mark.skipif(TYPER < (0, 29), reason="older versions of typer mark arguments in another way")
@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_in_the_documentation(command):
    shown = " ".join(works(*command.split(), "--help").output.split())
    written = " ".join((DOCS / "cli.md").read_text(encoding="utf-8").split())
    assert shown in written, f"docs/cli.md lacks the help of 'temgrains {command}'"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_explains_itself(command):
    options = works(*command.split(), "--help").stdout.partition("Options:")[2]
    for line in re.findall(r"^  (-.*)$", options, re.MULTILINE):
        assert re.search(r"\S {2,}\S", line) or re.search(rf"{re.escape(line)}\n {{8,}}\S", options), line


# run


def test_run_writes_all_files(image, model, tmp_path):
    result = works("run", image, "--out", tmp_path / "out", "--model", model, "--nm-per-px", 0.5, *QUICK)
    assert result.stdout.startswith(f"{image}: ")
    assert " grains, " in result.stdout
    kinds = ("overlay.png", "boundaries.tif", "labels.tif", "iterates.tif", "iterates.gif", "grains.csv")
    assert {"film.json", *(f"film.{kind}" for kind in kinds)} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }
    lines = tifffile.imread(tmp_path / "out" / "film.boundaries.tif")
    assert lines.shape == (96, 160)
    assert set(np.unique(lines)) <= {0, 255}
    assert "area_nm2" in pd.read_csv(tmp_path / "out" / "film.grains.csv").columns


def test_run_equals_the_same_from_python(image, model, tmp_path):
    works("run", image, "--out", tmp_path / "out", "--model", model, *QUICK)
    settings = Settings(refine=RefineSettings(max_iterations=2))
    analysis = tg.analyse(tg.read(image), model=model, settings=settings)
    assert np.array_equal(tifffile.imread(tmp_path / "out" / "film.labels.tif"), analysis.grains.labels)


def test_run_does_the_others_after_a_failure(image, model, tmp_path):
    bad = tmp_path / "bad.tif"
    bad.write_text("no image")
    result = invoke("run", bad, image, "--out", tmp_path / "out", "--model", model, *QUICK)
    assert result.exit_code == 1
    first, *_, last = result.stderr.strip().splitlines()
    assert first.startswith("Error: ")
    assert str(bad) in first
    assert last == "Error: 1 of 2 images failed"
    assert (tmp_path / "out" / "film.boundaries.tif").is_file()
    assert "Traceback" not in result.output


def test_run_takes_settings_from_a_file_and_changes_to_them(image, model, tmp_path):
    (tmp_path / "mine.toml").write_text("[refine]\nmax_iterations = 1\n[boundaries]\nthreshold = 0.4\n")
    works("run", image, "--out", tmp_path, "--model", model, "--settings", tmp_path / "mine.toml",
          "--set", "refine.max_iterations=0", "--set", "guess.device=cpu")  # fmt: skip
    made = json.loads((tmp_path / "film.json").read_text(encoding="utf-8"))
    assert '"max_iterations": 0' in json.dumps(made)
    assert '"threshold": 0.4' in json.dumps(made)
    assert '"device": "cpu"' in json.dumps(made)


def test_run_debug_shows_the_traceback(model, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "from temgrains.cli import main; main()", "run", "gone.tif", "--debug",
         "--out", str(tmp_path / "out"), "--model", model],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "Error: gone.tif" in done.stderr


def test_program_leaves_with_its_exit_codes(tmp_path):
    def leave(*arguments):
        return subprocess.run(
            [sys.executable, "-c", "from temgrains.cli import main; main()", *arguments],
            capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip

    assert leave("--version").returncode == 0
    wrong = leave("run", "a.tif")
    assert wrong.returncode == 2
    assert "--out" in wrong.stderr
    missing = leave("run", "a.tif", "--out", "out", "--model", "nonesuch")
    assert missing.returncode == 1
    assert missing.stderr.startswith("Error: there is no model 'nonesuch'")
    assert missing.stderr.count("\n") == 1
    assert missing.stdout == ""


def test_name_that_the_terminal_cannot_show_ends_nothing(image, model, tmp_path):
    strange, plain = image.with_name("晶粒.png"), image.with_name("plain.png")
    for name in (strange, plain):
        name.write_bytes(image.read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", "from temgrains.cli import main; main()", "run", strange, plain,
         "--out", tmp_path / "out", "--model", model, *QUICK],
        capture_output=True, check=False, env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )  # fmt: skip
    assert done.returncode == 0
    first, second = done.stdout.decode("cp1252").splitlines()
    assert "\\u6676\\u7c92.png: " in first
    assert "plain.png: " in second


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes without asking them")
def test_program_that_is_told_to_end_leaves_nothing_half_written(tmp_path):
    begun = subprocess.Popen(
        [sys.executable, "-c", "from temgrains.cli import main; main()", "synthesise",
         "--count", "100000", "--shape", "32x48", "--mean-diameter", "16", "--out", tmp_path / "out"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not any(tmp_path.iterdir()) and time.monotonic() < deadline and begun.poll() is None:
        time.sleep(0.05)
    assert any(tmp_path.iterdir())
    begun.terminate()
    said = begun.communicate(timeout=60)[1]
    assert begun.returncode == 143
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_threshold_is_automatic_again_by_word(tmp_path):
    (tmp_path / "mine.toml").write_text("[edges]\nsobel_threshold = 0.1\n")
    shown = works("settings", tmp_path / "mine.toml", "--set", "edges.sobel_threshold=auto").stdout
    assert "# sobel_threshold = automatic" in shown
    assert "edges.saturation is 'auto'" in fails("settings", "--set", "edges.saturation=auto")


def test_run_takes_the_micrographs_of_a_folder(image, model, tmp_path):
    (folder := tmp_path / "films").mkdir()
    image.rename(folder / "film.png")
    works("run", folder, "--out", folder, "--model", model, *QUICK)
    assert (folder / "film.json").exists()
    again = works("run", folder, "--out", tmp_path / "out", "--model", model, *QUICK)
    assert again.stdout.count("grains, ") == 1, "results are no micrographs"
    (tmp_path / "empty").mkdir()
    done = invoke("run", tmp_path / "empty", folder, "--out", tmp_path / "other", "--model", model, *QUICK)
    assert done.exit_code == 1
    assert "holds no micrograph" in done.stderr
    assert "1 of 2 images failed" in done.stderr
    assert (tmp_path / "other" / "film.json").exists(), "the others are done"
    said = fails("run", folder, "--out", folder / "film.png")
    assert "is a file; give a folder for the results" in said


def test_run_does_the_others_where_a_folder_cannot_be_opened(image, model, tmp_path, monkeypatch):
    (tmp_path / "shut").mkdir()
    listed = Path.iterdir

    def shut(folder):
        if folder.name == "shut":  # as a drive that went away, or one without rights
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", shut)
    done = invoke("run", tmp_path / "shut", image, "--out", tmp_path / "out", "--model", model)
    assert done.exit_code == 1
    assert f"Error: {tmp_path / 'shut'}: it cannot be opened as a folder (Permission denied)" in done.stderr
    assert "1 of 2 images failed" in done.stderr
    assert f"{image}: " in done.stdout


def test_missing_settings_file_is_one_sentence(image, tmp_path):
    said = fails("run", image, "--out", tmp_path, "--settings", tmp_path / "gone.toml")
    assert said == f"Error: {tmp_path / 'gone.toml'}: No such file or directory"


def test_settings_that_are_no_toml_are_one_sentence(image, tmp_path):
    (tmp_path / "bad.toml").write_text("[refine\n")
    assert "is not a TOML file" in fails("run", image, "--out", tmp_path, "--settings", tmp_path / "bad.toml")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("guess.scale=9", "guess.scale is 9; it must be a number from 0.1 to 4"),
        ("guess.size=1", "unknown 'size' in [guess] in --set; known: scale, members"),
        ("tiles.size=1", "unknown 'tiles' in --set; known: edges, guess, refine, boundaries"),
        ("guess.scale=big", "guess.scale is 'big'; it must be a number from 0.1 to 4"),
        ("edges.sobel_threshold=true", "edges.sobel_threshold is True; it must be a number from 0 to 1"),
        ("edges.canny_sigma_px=nan", "edges.canny_sigma_px is nan; it must be a number from 0.3 to 20 px"),
        ("guess.device=[1]", "guess.device is [1]; it must be auto, cpu or cuda"),
        ("refine.criterion=7", "refine.criterion is 7; it must be model, paper or reference"),
    ],
)
def test_wrong_setting_is_one_sentence(image, tmp_path, change, said):
    assert said in fails("run", image, "--out", tmp_path, "--set", change)


@pytest.mark.parametrize("change", ["scale=1", "guess.scale", "guess.=1", "="])
def test_setting_of_the_wrong_form_is_refused(image, tmp_path, change):
    assert "is not STAGE.KEY=VALUE" in refused("run", image, "--out", tmp_path, "--set", change)


@pytest.mark.parametrize("option", [("--page", "-1"), ("--nm-per-px", "wide"), ("--colour", "red")])
def test_wrong_option_is_refused(image, tmp_path, option):
    assert option[0] in refused("run", image, "--out", tmp_path, *option)


@pytest.mark.parametrize("wrong", ["-1", "0", "nan", "1e30", "1,000", "1.000,5"])
def test_bad_pixel_size_is_refused_under_the_name_of_its_option(image, tmp_path, wrong):
    said = refused("run", image, "--out", tmp_path, "--nm-per-px", wrong)
    assert f"'--nm-per-px': '{wrong}' is no size of a pixel; give a number from 0.0001 to" in said


def test_pixel_size_may_have_a_decimal_comma(image, model, tmp_path):
    works("run", image, "--out", tmp_path, "--model", model, "--nm-per-px", "0,725", *QUICK)
    assert json.loads((tmp_path / "film.json").read_text(encoding="utf-8"))["pixel_size_nm"] == [0.725, 0.725]


def test_out_that_is_a_file_is_one_sentence(image, model, tmp_path):
    (tmp_path / "taken").write_text("")
    said = fails("run", image, "--out", tmp_path / "taken", "--model", model)
    assert "taken is a file; give a folder for the results" in said


# synthesise


def test_synthesise_prints_requested_and_realised(tmp_path):
    result = works("synthesise", "--count", 2, "--seed", 7, "--out", tmp_path, "--shape", "64x96",
                   "--mean-diameter", "14:16", "--sigma", 0.4, "--thickness", 2)  # fmt: skip
    assert "2 images" in result.stdout
    assert "each image draws its mean from 14 to 16 for the circles" in result.stdout
    assert re.search(r"sigma of ln\(diameter\): requested 0.4, realised 0\.\d\d", result.stdout)
    assert np.asarray(Image.open(tmp_path / "7-00001.png")).shape == (64, 96)
    asked = json.loads((tmp_path / "synthesis-7.json").read_text(encoding="utf-8"))["requested"]
    assert (asked["sigma"], asked["thickness_px"], asked["mean_diameter_px"]) == (0.4, 2.0, [14.0, 16.0])


def test_synthesise_writes_what_was_drawn(tmp_path):
    works(
        "synthesise",
        "--count",
        2,
        "--seed",
        3,
        "--out",
        tmp_path,
        "--shape",
        "48x80",
        "--mean-diameter",
        "16",
    )
    recipe = paper_recipe(shape=(48, 80), mean_diameter_px=(16.0, 16.0))
    sample = synthesise(recipe, seed=3, index=1)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "3-00001.png")), sample.image)
    assert np.array_equal(
        np.asarray(Image.open(tmp_path / "3-00001.truth.png")), sample.truth * np.uint8(255)
    )
    assert np.array_equal(tifffile.imread(tmp_path / "3-00001.labels.tif"), sample.labels)
    assert json.loads((tmp_path / "3-00001.json").read_text(encoding="utf-8")) == sample.report
    series = json.loads((tmp_path / "synthesis-3.json").read_text(encoding="utf-8"))
    assert series["requested"] == recipe.describe()
    reports = [synthesise(recipe, seed=3, index=k).report for k in range(2)]
    assert series["realised"]["cells"] == sum(report["cells"] for report in reports)
    for key in ("circles_sigma", "whole_cells_sigma", "overlap_after", "gaps"):
        assert series["realised"][key] == pytest.approx(np.mean([report[key] for report in reports]))


def test_synthesise_gives_the_same_bytes_for_any_number_of_workers(tmp_path):
    for workers in (1, 2):
        works("synthesise", "--count", 3, "--out", tmp_path / str(workers), "--workers", workers,
              "--shape", "48x80", "--mean-diameter", "16")  # fmt: skip
    names = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert len(names) == 3 * 4 + 1
    assert names == sorted(path.name for path in (tmp_path / "2").iterdir())
    for name in names:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_synthesise_without_an_inner_grain_says_so(tmp_path):
    result = works("synthesise", "--out", tmp_path, "--shape", "16x16", "--mean-diameter", "100")
    assert "no grain is free of the border" in result.stdout


def test_synthesise_takes_one_mean_diameter(tmp_path):
    done = works("synthesise", "--out", tmp_path, "--shape", "48x48", "--mean-diameter", "15")
    assert done.stdout.startswith("1 image with ")
    assert "mean diameter [px]: requested 15 for the circles" in done.stdout
    asked = json.loads((tmp_path / "synthesis-0.json").read_text(encoding="utf-8"))["requested"]
    assert asked["mean_diameter_px"] == [15.0, 15.0]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--shape", "96"), "'96' is not HEIGHTxWIDTH in pixels, such as 96x496"),
        (("--shape", "axb"), "'axb' is not HEIGHTxWIDTH"),
        (("--mean-diameter", "small"), "'small' is not LOW:HIGH in pixels"),
        (("--recipe", "soup"), "there is no recipe 'soup'; known: paper"),
        (("--count", "0"), "--count"),
    ],
)
def test_synthesise_refuses_wrong_options(tmp_path, option, said):
    assert said in refused("synthesise", "--out", tmp_path, *option)


def test_synthesise_takes_a_recipe_from_a_file(tmp_path):
    recipe = real_recipe(name="mine", shape=(48, 64), mean_diameter_px=(16.0, 20.0))
    write_recipe(recipe, tmp_path / "mine.toml")
    works("synthesise", "--recipe", tmp_path / "mine.toml", "--out", tmp_path / "made", "--sigma", 0.3)
    made = np.asarray(Image.open(tmp_path / "made" / "0-00000.png"))
    assert np.array_equal(made, synthesise(dataclasses.replace(recipe, sigma=0.3), seed=0).image)


def test_a_recipe_file_that_is_missing_or_wrong_is_named(tmp_path):
    (tmp_path / "bad.toml").write_text("sigma = 7")
    assert "gone.json: No such file" in fails("synthesise", "--out", tmp_path, "--recipe", "gone.json")
    said = fails("train", "net1", "--out", tmp_path / "run", "--recipe", tmp_path / "bad.toml")
    assert "bad.toml: sigma is 7.0; it must be from 0 to 2" in said


def test_synthesise_says_what_a_recipe_cannot_be(tmp_path):
    assert "sigma is 5.0; it must be" in fails("synthesise", "--out", tmp_path, "--sigma", 5)


# train


def test_training_without_lightning_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning", None)
    for module in ("loop", "fit"):
        monkeypatch.delitem(sys.modules, f"temgrains.training.{module}", raising=False)
        monkeypatch.delattr(f"temgrains.training.{module}", raising=False)
    assert fails("train", "net1", "--out", tmp_path) == (
        "Error: training needs Lightning: pip install '.[train]'"
    )


def test_training_hands_its_options_on(tmp_path, monkeypatch):
    loop = pytest.importorskip("temgrains.training.loop", reason="lightning is not installed")
    heard = {}

    def train_net1(out, recipe, settings, *, progress):
        heard.update(out=out, recipe=recipe, settings=settings)
        return out / "net1" / "best.ckpt"

    monkeypatch.setattr(loop, "train_net1", train_net1)
    result = works("train", "net1", "--out", tmp_path, "--epochs", 3, "--count", 40, "--no-own-states",
                   "--precision", "32-true", "--learning-rate", 0.1, "--workers", 2)  # fmt: skip
    settings = heard["settings"]
    assert (settings.epochs, settings.count, settings.own_states) == (3, 40, False)
    assert (settings.precision, settings.learning_rate, settings.workers) == ("32-true", 0.1, 2)
    assert heard["recipe"].name == "paper"
    assert "best.ckpt: trained" in result.stdout


def test_net2_needs_net1(tmp_path):
    pytest.importorskip("lightning", reason="lightning is not installed")
    assert "holds no trained Net1" in fails("train", "net2", "--out", tmp_path)


def test_training_refuses_impossible_settings(tmp_path):
    assert "epochs is 0; it must be a whole number" in fails(
        "train", "net1", "--out", tmp_path, "--epochs", 0
    )
    assert "net3" in refused("train", "net3", "--out", tmp_path)


# models


def test_models_are_listed_shown_and_verified(model, home):
    assert model in works("models", "list").stdout.splitlines()
    card = json.loads(works("models", "show", model).stdout)
    assert card["name"] == model
    file = home / "models" / "random.safetensors"
    assert (
        works("models", "verify", file).stdout == f"{file}: sound; model random, SHA-256 {card['sha256']}\n"
    )


def test_damaged_model_is_one_sentence(model, home):
    file = home / "models" / "random.safetensors"
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)
    assert "do not match the card's SHA-256" in fails("models", "verify", file)


def test_files_that_are_none_are_named(tmp_path):
    assert f"{tmp_path}: it is a folder; give a .safetensors file in it" in fails(
        "models", "verify", tmp_path
    )
    said = fails("models", "import", tmp_path / "nope", tmp_path / "nope", "--name", "x")
    assert f"{tmp_path / 'nope'}: there is no such file; give the .mat file of a network" in said


def test_unknown_model_is_one_sentence():
    assert "there is no model 'nonesuch'" in fails("models", "show", "nonesuch")


def test_import_of_what_is_no_matlab_file_is_one_sentence(tmp_path):
    (tmp_path / "net.mat").write_text("no network")
    pytest.importorskip("matio", reason="mat-io is not installed")
    said = fails("models", "import", tmp_path / "net.mat", tmp_path / "net.mat", "--name", "x")
    assert "not a MATLAB series network" in said


def test_published_networks_are_imported(shared, home):
    pytest.importorskip("matio", reason="mat-io is not installed")
    folder = shared / "data" / "saleh2025"
    net1, net2 = (next(iter(sorted(folder.glob(f"*[nN]et{k}*.mat"))), None) for k in (1, 2))
    if net1 is None or net2 is None:
        pytest.skip("the published networks are not among the shared data")
    result = works("models", "import", net1, net2, "--name", "saleh2025")
    assert result.stdout.endswith("use it with --model saleh2025\n")
    assert "saleh2025" in works("models", "list").stdout.splitlines()


# imagine


def test_imagine_draws_a_strip(model, tmp_path):
    result = works("imagine", "--seed", 4, "--out", tmp_path, "--shape", "48x96", "--model", model,
                   "--set", "refine.max_iterations=8", "--set", "refine.threshold=0")  # fmt: skip
    assert result.stdout.startswith("seed 4: ")
    made = json.loads((tmp_path / "imagine-4.json").read_text(encoding="utf-8"))
    assert made["seed"] == 4
    assert made["grains"] == len(made["ecd_px"]) == len(pd.read_csv(tmp_path / "imagine-4.grains.csv"))
    assert np.asarray(Image.open(tmp_path / "imagine-4.boundaries.png")).shape == (48, 96)
    strip = np.asarray(Image.open(tmp_path / "imagine-4.strip.png").convert("L"))
    assert strip.shape[0] > 2 * 48
    assert strip.std() > 10


def test_strip_shows_evenly_spread_states_and_their_numbers(monkeypatch, tmp_path):
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, _path: figures.append(figure))
    _draw_strip([Iterate(k, np.full((16, 32), k, np.uint8)) for k in range(47)], tmp_path / "strip.png")
    assert [axes.get_ylabel() for axes in figures[0].axes] == ["0", "9", "18", "28", "37", "46"]
    assert [int(axes.images[0].get_array()[0, 0]) for axes in figures[0].axes] == [0, 9, 18, 28, 37, 46]


def test_imagine_refuses_a_wrong_shape(tmp_path):
    assert "'96' is not HEIGHTxWIDTH" in refused("imagine", "--out", tmp_path, "--shape", "96")
    assert "the noise is 8 x 96 px" in fails("imagine", "--out", tmp_path, "--shape", "8x96")


# score


@pytest.fixture
def maps(tmp_path):
    """A true map and a found one in which the second of two lines is missing."""
    truth = np.zeros((64, 96), np.uint8)
    truth[:, 32] = truth[:, 64] = 255
    found = truth.copy()
    found[:, 64] = 0
    for name, lines in (("truth", truth), ("found", found)):
        (tmp_path / name).mkdir()
        Image.fromarray(lines).save(tmp_path / name / "film.png")
        Image.fromarray(truth).save(tmp_path / name / "whole.png")
    return tmp_path / "truth", tmp_path / "found"


def test_score_of_two_files(maps):
    truth, found = maps
    head, row = works("score", truth / "film.png", found / "film.png").stdout.splitlines()
    assert head.split() == ["image", "eq1", "precision", "f1", "length", "are", "vi", "ecd", "closed"]
    assert row.split()[:5] == ["film", "0.500", "1.000", "0.667", "0.500"]


def test_score_of_two_folders_ends_in_the_mean(maps, tmp_path):
    result = works("score", *maps, "--json", tmp_path / "scores.json")
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()[1:]}
    assert list(rows) == ["film", "whole", "MEAN"]
    assert [rows[name][0] for name in rows] == ["0.500", "1.000", "0.750"]
    figures = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert figures["MEAN"]["eq1"] == 0.75
    assert set(figures["film"]) == {"eq1", "precision", "f1", "length", "are", "vi", "ecd", "closed"}


def test_score_hears_tolerance_and_margin(maps):
    truth, found = maps
    shifted = np.roll(np.asarray(Image.open(truth / "film.png")), 6, axis=1)
    Image.fromarray(shifted).save(found / "film.png")
    for tolerance, eq1 in ((5, "0.000"), (6, "1.000")):
        row = works(
            "score", truth / "film.png", found / "film.png", "--tolerance", tolerance
        ).stdout.splitlines()[1]
        assert row.split()[1] == eq1
    assert "margin_px is 40" in fails("score", truth / "film.png", found / "film.png", "--margin", 40)


def test_score_compares_results_with_synthetic_truth(maps, tmp_path):
    truth, _ = maps
    lines = np.asarray(Image.open(truth / "film.png"))
    for folder, name in (("made", "0-00000.truth.png"), ("made", "0-00000.png"),
                         ("out", "0-00000.boundaries.tif"), ("out", "0-00000.labels.tif")):  # fmt: skip
        (tmp_path / folder).mkdir(exist_ok=True)
        Image.fromarray(lines).save(tmp_path / folder / name)
    _, row = works("score", tmp_path / "made", tmp_path / "out").stdout.splitlines()
    assert row.split()[:2] == ["0-00000", "1.000"]


def test_score_that_is_undefined_is_null_in_json(tmp_path):
    full = np.full((64, 64), 255, np.uint8)
    lines = np.zeros((64, 64), np.uint8)
    lines[::3] = 255
    for name, pixels in (("truth", lines), ("found", full)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    works("score", tmp_path / "truth.png", tmp_path / "found.png", "--json", tmp_path / "s.json")
    text = (tmp_path / "s.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    assert None in json.loads(text)["truth"].values()


def test_score_names_what_is_missing(maps, tmp_path):
    truth, found = maps
    (found / "film.png").unlink()
    assert "holds no boundary map for film" in fails("score", truth, found)
    assert "must be two files or two folders" in fails("score", truth, truth / "film.png")
    (tmp_path / "empty").mkdir()
    assert "holds no PNG or TIFF image" in fails("score", tmp_path / "empty", found)


def test_score_of_two_maps_of_one_name_is_refused(maps):
    truth, found = maps
    Image.fromarray(np.zeros((64, 96), np.uint8)).save(truth / "film.tif")
    said = fails("score", truth, found)
    assert "holds two boundary maps of one name: film.png and film.tif" in said


def test_score_refuses_maps_of_labels(maps):
    truth, found = maps
    labels = np.cumsum(np.asarray(Image.open(truth / "film.png"))[:1] > 0, axis=1) + 1
    for kind, top in ((np.uint8, 1), (np.uint16, 200)):
        Image.fromarray(np.repeat(labels * top, 64, 0).astype(kind)).save(found / "film.png")
        assert "holds numbers of grains, not boundaries; give the map" in fails(
            "score", truth / "film.png", found / "film.png"
        )
    soft = np.repeat(np.linspace(0, 255, 96).astype(np.uint8)[None], 64, 0)
    Image.fromarray(soft).save(found / "film.png")
    works("score", truth / "film.png", found / "film.png")


def noted(truth, found):
    return works("score", truth, found).stderr


def test_score_says_what_is_hardly_a_map_of_boundaries(maps, tmp_path):
    truth = maps[0] / "film.png"
    lines = np.asarray(Image.open(truth))
    film = np.random.default_rng(0).integers(0, 256, lines.shape).astype(np.uint8)
    hostile = {
        "dark": (
            255 - lines,
            "98% of the pixels are boundary; is it a picture, or are its lines dark on bright",
        ),
        "all": (np.full_like(lines, 255), "100% of the pixels are boundary"),
        "film": (film, "of the pixels are boundary; is it a picture"),
        "overlay": (np.dstack([np.maximum(film, lines), film, film]), "of the pixels are boundary"),
        "none": (np.zeros_like(lines), "no pixel is above 127, so that it shows no boundary"),
        "numbers": (lines // 255 * 7 + 1, "no pixel is above 127"),
    }
    assert noted(truth, truth) == ""
    for name, (pixels, said) in hostile.items():
        path = tmp_path / f"{name}.png"
        Image.fromarray(pixels).save(path)
        assert noted(truth, path).startswith(f"{path}: note: ")
        assert said in noted(truth, path)
        assert noted(truth, path).count("\n") == 1
    assert "the truth holds no boundary" in fails("score", tmp_path / "none.png", truth)


def test_score_of_colours_is_that_of_their_brightest(maps, tmp_path):
    truth = maps[0] / "film.png"
    lines = np.asarray(Image.open(truth))
    Image.fromarray(np.dstack([lines, 0 * lines, lines // 2])).save(tmp_path / "red.png")
    assert works("score", truth, tmp_path / "red.png").stdout.splitlines()[1].split()[1:4] == ["1.000"] * 3


def test_score_of_different_shapes_names_the_image(maps):
    truth, found = maps
    Image.fromarray(np.zeros((32, 32), np.uint8)).save(found / "film.png")
    assert "film: found has shape (32, 32) but truth (64, 96)" in fails("score", truth, found)


# settings


def test_settings_are_printed_to_start_from(tmp_path):
    text = works("settings").stdout
    assert text.strip() == write_toml(Settings()).strip()
    (tmp_path / "mine.toml").write_text(text)
    assert read_settings(tmp_path / "mine.toml") == Settings()


def test_settings_file_is_completed(tmp_path):
    (tmp_path / "mine.toml").write_text("[guess]\nscale = 0.5\n")
    text = works("settings", tmp_path / "mine.toml", "--set", "refine.criterion=reference").stdout
    assert "scale = 0.5" in text
    assert 'criterion = "reference"' in text


# what all commands share


def test_unexpected_error_is_one_sentence_unless_debugged(monkeypatch):
    def broken():
        raise RuntimeError("the\ncard is odd")

    monkeypatch.setattr(models, "available", broken)
    assert fails("models", "list") == "Error: RuntimeError: the card is odd"
    result = invoke("models", "list", "--debug")
    assert isinstance(result.exception, RuntimeError)


def test_progress_is_shown_on_a_terminal_only(monkeypatch, capsys):
    with progress_bar() as progress:
        progress("refine", 3, 60)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress_bar() as progress:
        progress("refine", 3, 60)
    shown = capsys.readouterr().err
    assert "refine" in shown
    assert "3/60" in shown
