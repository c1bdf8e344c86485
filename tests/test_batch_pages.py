"""Several images of one file in a batch: each with results of its own, pooled by ``measure``."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import tifffile
import torch
from typer.testing import CliRunner

from temgrains import batch, models
from temgrains.cli import app
from temgrains.networks import PaperNet1, PaperNet2
from temgrains.settings import RefineSettings, Settings
from temgrains.synthesis import paper_recipe, synthesise

SMALL = paper_recipe(shape=(48, 80), mean_diameter_px=(16.0, 20.0))
FEW = Settings(refine=RefineSettings(max_iterations=2))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return models.make_model("random", PaperNet1(), PaperNet2(), criterion="paper")


@pytest.fixture
def stack(tmp_path):
    """A file of eleven pages, the third of which holds two grey values."""
    pages = [synthesise(SMALL, seed=1, index=k % 3).image for k in range(11)]
    pages[2] = np.where(pages[2] > 120, 255, 0).astype(np.uint8)
    path = tmp_path / "stack.tif"
    tifffile.imwrite(
        path, np.stack(pages), imagej=True, resolution=(2.0, 2.0), metadata={"unit": "nm", "axes": "TYX"}
    )
    return path


def run(path, tmp_path, model, **options):
    return batch.run([path], out=tmp_path / "out", model=model, settings=FEW, **options)


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="temgrains")


def test_each_page_has_results_of_its_own(stack, tmp_path, model):
    outcomes = run(stack, tmp_path, model, pages="1-3,10-")
    assert [outcome.page for outcome in outcomes] == [0, 1, 2, 9, 10]
    assert [outcome.error is None for outcome in outcomes] == [True, True, False, True, True]
    assert outcomes[2].error.startswith(f"page 3 of {stack}: only two grey values")
    assert outcomes[3].name == f"page 10 of {stack}"
    made = sorted((tmp_path / "out").glob("*.json"))
    assert [path.stem for path in made] == [f"stack_page_{k}" for k in (1, 10, 11, 2)]
    for path in made:
        said = json.loads(path.read_text(encoding="utf-8"))
        assert said["page"] + 1 == int(path.stem.rpartition("_")[2])
        assert (said["pages"], said["source"], said["pixel_size_nm"]) == (11, str(stack), [0.5, 0.5])


def test_a_page_in_a_batch_gives_what_it_gives_alone(stack, tmp_path, model):
    run(stack, tmp_path, model, pages="2")
    alone = batch.run([stack], out=tmp_path / "alone", model=model, settings=FEW, page=1)
    assert alone[0].page is None, "no page of several was chosen by name"
    one, other = (tmp_path / "out" / "stack_page_2.labels.tif", tmp_path / "alone" / "stack.labels.tif")
    np.testing.assert_array_equal(tifffile.imread(one), tifffile.imread(other))


def test_pages_that_are_not_there_cost_the_others_nothing(stack, tmp_path, model):
    found, missing = run(stack, tmp_path, model, pages="11-12")
    assert found.error is None
    assert missing.error == f"{stack}: it holds 11 images, there is no page 12"


def test_a_file_of_one_image_keeps_its_name(tmp_path, model):
    path = tmp_path / "one.tif"
    tifffile.imwrite(path, synthesise(SMALL, seed=1, index=0).image)
    (outcome,) = run(path, tmp_path, model, pages="all")
    assert (outcome.page, outcome.name) == (None, str(path))
    assert (tmp_path / "out" / "one.json").is_file()
    found, missing = run(path, tmp_path, model, pages="1-2")
    assert found.error is None
    assert missing.error == f"{path}: it holds 1 image, there is no page 2"


def test_a_file_that_cannot_be_opened_is_one_failure(stack, tmp_path, model):
    bad = tmp_path / "bad.tif"
    bad.write_text("<html>")
    outcomes = batch.run([bad, stack], out=tmp_path / "out", model=model, settings=FEW, pages="2")
    assert "it is a web page" in outcomes[0].error
    assert outcomes[1].error is None


def test_wrong_pages_stop_before_any_image(stack, tmp_path, model):
    with pytest.raises(ValueError, match="'0' chooses no pages"):
        run(stack, tmp_path, model, pages="0")
    with pytest.raises(ValueError, match="both page and pages are given"):
        run(stack, tmp_path, model, pages="1", page=1)
    assert not (tmp_path / "out").exists()


def test_from_the_shell_and_pooled(stack, tmp_path, home):
    torch.manual_seed(0)
    models.save(models.make_model("random", PaperNet1(), PaperNet2(), criterion="paper"))
    said = invoke(
        *("run", stack, "--pages", "1-2,9-10", "--out", tmp_path / "out", "--model", "random"),
        *("--set", "refine.max_iterations=2"),
    )
    assert said.exit_code == 0, said.output
    lines = said.stdout.strip().splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"page {k} of {stack}" for k in (1, 2, 9, 10)]
    measured = invoke("measure", tmp_path / "out", "--out", tmp_path / "sizes")
    assert measured.exit_code == 0, measured.output
    names = [f"stack_page_{k}" for k in (1, 2, 9, 10)]
    pooled = json.loads((tmp_path / "sizes" / "pooled.json").read_text(encoding="utf-8"))
    assert pooled["images"] == names
    with (tmp_path / "sizes" / "methods.csv").open(encoding="utf-8", newline="") as file:
        assert list(dict.fromkeys(row["image"] for row in csv.DictReader(file))) == names
    wrong = invoke("run", stack, "--pages", "2-1", "--out", tmp_path / "no")
    assert wrong.exit_code == 1
    assert wrong.stderr.startswith("Error: '2-1' chooses no pages")
