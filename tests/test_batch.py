"""Many images: what fails is reported and costs the others nothing."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from temgrains import batch, export, models
from temgrains.batch import unique_stems
from temgrains.networks import PaperNet1, PaperNet2
from temgrains.records import Cancelled
from temgrains.settings import GuessSettings, RefineSettings, Settings
from temgrains.synthesis import paper_recipe, synthesise

SMALL = paper_recipe(shape=(48, 80), mean_diameter_px=(16.0, 20.0))
FEW = Settings(refine=RefineSettings(max_iterations=2))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return models.make_model("random", PaperNet1(), PaperNet2(), criterion="paper")


@pytest.fixture
def images(tmp_path):
    """Three small micrographs."""
    folder = tmp_path / "in"
    folder.mkdir()
    paths = [folder / f"{letter}.png" for letter in "abc"]
    for k, path in enumerate(paths):
        Image.fromarray(synthesise(SMALL, seed=1, index=k).image).save(path)
    return paths


def test_every_image_gets_its_files(images, tmp_path, model):
    outcomes = batch.run(images, out=tmp_path / "out", model=model, settings=FEW)
    assert [outcome.path for outcome in outcomes] == images
    for outcome in outcomes:
        assert outcome.error is None
        assert outcome.files
        assert all(path.is_file() and path.parent == tmp_path / "out" for path in outcome.files)
        assert all(path.name.startswith(f"{outcome.path.stem}.") for path in outcome.files)
        assert "grains, " in outcome.report
    written = {path for outcome in outcomes for path in outcome.files}
    assert set((tmp_path / "out").iterdir()) == written


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_work_on_another_device_than_asked_for_is_said(images, tmp_path, model):
    settings = Settings(refine=RefineSettings(max_iterations=1), guess=GuessSettings(device="cuda"))
    done = batch.run(images[:1], out=tmp_path / "out", model=model, settings=settings)
    said = "no CUDA device was found; going on with the CPU"
    assert done[0].warnings.count(said) == 1
    assert said in json.loads((tmp_path / "out" / "a.json").read_text(encoding="utf-8"))["warnings"]


def test_names_too_long_for_what_follows_are_cut():
    stems = unique_stems([Path("µ" * 127 + ".tif"), Path("µ" * 126 + "a.tif"), Path("con.tif")])
    assert [len(stem.encode()) for stem in stems] == [200, 202, 4]
    assert stems[1].endswith("-2")
    assert stems[2] == "_con"


def test_bad_image_among_good_ones_costs_only_itself(images, tmp_path, model):
    images[1].write_bytes(b"<html>not found</html>")
    missing = tmp_path / "in" / "missing.tif"
    outcomes = batch.run([*images, missing], out=tmp_path / "out", model=model, settings=FEW)
    assert [outcome.error is None for outcome in outcomes] == [True, False, True, False]
    for outcome in (outcomes[1], outcomes[3]):
        assert outcome.files == ()
        assert str(outcome.path) in outcome.error
        assert "\n" not in outcome.error
    assert not list((tmp_path / "out").glob("b.*"))


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (
            RuntimeError("DefaultCPUAllocator: not enough memory:\nyou tried to allocate"),
            "RuntimeError: Default",
        ),
        (MemoryError(), "not enough memory"),
        (KeyError("ecd_px"), "KeyError: 'ecd_px'"),
    ],
)
def test_any_failure_while_writing_is_one_sentence(images, tmp_path, model, monkeypatch, failure, said):
    write = export.write

    def broken(analysis, folder, stem, **how):
        if stem == "a":
            raise failure
        return write(analysis, folder, stem, **how)

    monkeypatch.setattr(export, "write", broken)
    outcomes = batch.run(images, out=tmp_path / "out", model=model, settings=FEW)
    assert [outcome.error is None for outcome in outcomes] == [False, True, True]
    assert outcomes[0].error.startswith(f"{images[0]}: {said}")
    assert "\n" not in outcomes[0].error


def during(image, then):
    """A progress that does something once when that image is begun."""

    def progress(stage, done, _total):
        if (stage, done) == ("images", image):
            then()

    return progress


def test_an_image_that_vanishes_before_it_is_read_costs_only_itself(images, tmp_path, model):
    outcomes = batch.run(
        images, out=tmp_path / "out", model=model, settings=FEW, progress=during(1, images[1].unlink)
    )
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    assert outcomes[1].error.startswith(f"{images[1]}: ")
    assert "\n" not in outcomes[1].error


def test_pages_that_vanish_before_they_are_read_cost_only_themselves(images, tmp_path, model):
    pages = np.stack([np.asarray(Image.open(path)) for path in images[:2]])
    tifffile.imwrite(tmp_path / "stack.tif", pages, photometric="minisblack", metadata=None)
    outcomes = batch.run(
        [tmp_path / "stack.tif", images[2]],
        out=tmp_path / "out",
        model=model,
        settings=FEW,
        pages="all",
        progress=during(1, (tmp_path / "stack.tif").unlink),
    )
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    assert outcomes[1].error.startswith(f"page 2 of {tmp_path / 'stack.tif'}: ")


def test_an_image_that_is_cut_off_meanwhile_is_refused(images, tmp_path, model):
    whole = images[1].read_bytes()
    outcomes = batch.run(
        images,
        out=tmp_path / "out",
        model=model,
        settings=FEW,
        progress=during(1, lambda: images[1].write_bytes(whole[: len(whole) // 2])),
    )
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    assert outcomes[1].files == ()


def test_a_folder_for_results_that_vanishes_is_named_for_each_image(images, tmp_path, model):
    out = tmp_path / "out"
    outcomes = batch.run(
        images, out=out, model=model, settings=FEW, progress=during(1, lambda: shutil.rmtree(out))
    )
    assert [outcome.error is None for outcome in outcomes] == [True, False, False]
    said = f"{images[1]}: cannot write to {out}: the folder does not exist; create it first"
    assert outcomes[1].error == said


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights on Windows")
def test_link_to_itself_costs_only_itself(images, tmp_path, model):
    loop = tmp_path / "in" / "loop.tif"
    loop.symlink_to(loop)
    outcomes = batch.run([loop, images[0]], out=tmp_path / "out", model=model, settings=FEW)
    assert [outcome.error is None for outcome in outcomes] == [False, True]
    assert outcomes[0].error.startswith(f"{loop}: it cannot be opened")


def test_cancelling_ends_the_run(images, tmp_path, model):
    def stop(stage, done, _total):
        if (stage, done) == ("images", 1):
            raise Cancelled

    with pytest.raises(Cancelled):
        batch.run(images, out=tmp_path / "out", model=model, settings=FEW, progress=stop)
    assert {path.name.partition(".")[0] for path in (tmp_path / "out").iterdir()} == {"a"}


def test_cancelling_within_an_image_is_no_failure_of_it(images, tmp_path, model):
    def stop(stage, _done, _total):
        if stage == "guess":
            raise Cancelled

    with pytest.raises(Cancelled):
        batch.run(images, out=tmp_path / "out", model=model, settings=FEW, progress=stop)
    assert not list((tmp_path / "out").iterdir())


def test_progress_counts_the_images(images, tmp_path, model):
    heard = []
    batch.run(images, out=tmp_path, model=model, settings=FEW, progress=lambda *report: heard.append(report))
    assert [report for report in heard if report[0] == "images"] == [("images", k, 3) for k in range(4)]


def test_outcomes_come_one_by_one(images, tmp_path, model):
    outcomes = batch.each(images, out=tmp_path / "out", model=model, settings=FEW)
    assert next(outcomes).path == images[0]
    assert not list((tmp_path / "out").glob("b.*"))


def test_unknown_model_stops_before_any_image(images, tmp_path):
    with pytest.raises(models.ModelError, match="there is no model 'nonesuch'"):
        batch.run(images, out=tmp_path / "out", model="nonesuch")
    assert not (tmp_path / "out").exists()


def test_folder_that_is_a_file_stops_before_any_image(images, tmp_path, model):
    (tmp_path / "out").write_text("taken")
    with pytest.raises(FileExistsError):
        batch.run(images, out=tmp_path / "out", model=model)


def test_pixel_size_and_page_reach_the_reader(tmp_path, model):
    pages = np.stack([np.zeros((48, 80), np.uint8), synthesise(SMALL, seed=1, index=0).image])
    tifffile.imwrite(tmp_path / "stack.tif", pages, photometric="minisblack", metadata=None)
    (outcome,) = batch.run(
        [tmp_path / "stack.tif"], out=tmp_path / "out", model=model, settings=FEW, pixel_size=0.7, page=1
    )
    assert outcome.error is None
    made = json.loads((tmp_path / "out" / "stack.json").read_text(encoding="utf-8"))
    assert "0.7" in json.dumps(made)
    assert not any("no contrast" in warning for warning in outcome.warnings)


def test_no_result_replaces_an_image_that_is_yet_to_be_read(images, tmp_path, model):
    folder = images[0].parent
    other = folder / "a.overlay.png"
    images[1].rename(other)
    before = other.read_bytes()
    outcomes = batch.run([images[0], other], out=folder, model=model, settings=FEW)
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert other.read_bytes() == before
    assert (folder / "a-2.overlay.png").exists()


def test_an_image_without_contrast_is_told_once(tmp_path, model):
    Image.fromarray(np.full((48, 80), 90, np.uint8)).save(tmp_path / "flat.png")
    (outcome,) = batch.run([tmp_path / "flat.png"], out=tmp_path / "out", model=model, settings=FEW)
    assert sum("no contrast" in warning for warning in outcome.warnings) == 1


@pytest.mark.parametrize(
    ("names", "stems"),
    [
        (["a.tif", "b.tif"], ["a", "b"]),
        (["a.tif", "a.png"], ["a", "a-2"]),
        (["x/a.tif", "y/a.tif", "z/a.tif"], ["a", "a-2", "a-3"]),
        (["a.tif", "A.png"], ["a", "A-2"]),
        (["a.tif", "a.png", "a-2.tif"], ["a", "a-3", "a-2"]),
        (["a-2.tif", "a.png", "a.tif"], ["a-2", "a", "a-3"]),
        (["CON.tif", "nul.v2.png", "console.tif", "LPT1.tif"], ["_CON", "_nul.v2", "console", "_LPT1"]),
        (["con.tif", "_con.tif"], ["_con", "_con-2"]),
        (["film 1.ome.tif", "Zinnöxid β.tif", "-x.tif"], ["film 1.ome", "Zinnöxid β", "-x"]),
        ([], []),
    ],
)
def test_names_of_results_never_meet(names, stems):
    found = unique_stems([Path(name) for name in names])
    assert found == stems
    assert len({stem.casefold() for stem in found}) == len(names)


def test_two_images_of_one_name_both_get_results(tmp_path, model):
    image = Image.fromarray(synthesise(SMALL, seed=1, index=0).image)
    for name in ("a.png", "a.tif"):
        image.save(tmp_path / name)
    one, two = batch.run(
        [tmp_path / "a.png", tmp_path / "a.tif"], out=tmp_path / "out", model=model, settings=FEW
    )
    assert not set(one.files) & set(two.files)
    assert all(path.name.startswith("a-2.") for path in two.files)
