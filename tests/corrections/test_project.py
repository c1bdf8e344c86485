"""Projects: what is written is read back, and of a damaged one what can be read."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from analysed import made
from archived import rewritten
from temgrains import pipeline
from temgrains.corrections import trace, verbs
from temgrains.micrograph import from_array
from temgrains.pipeline.project import Project, open_project, save_project, started_from
from temgrains.settings import BoundarySettings, Settings, settings_from_dict
from temgrains.synthesis import paper_recipe, synthesise


def project():
    analysis = made()
    provenance = {
        **analysis.provenance,
        "shape": [40, 60],
        "model": {"name": "drawn"},
        "settings": Settings().to_dict(),
        "warnings": ["a doubt"],
        "seconds": {"guess": 0.5},
        "stopped": "converged",
        "iterations": 2,
        "excluded": [],
        "excluded_share": 0.0,
        "notes": [],
    }
    analysis = replace(analysis, provenance=provenance)
    graph = trace(analysis.boundaries.labels)
    erase, accept = (
        verbs.at_time(verb(analysis.boundaries.labels, graph.centre(k), reach_px=3), 5.0)
        for k, verb in ((0, verbs.erase), (1, verbs.accept))
    )
    return Project(analysis, (erase,), (accept,))


@pytest.fixture
def path(tmp_path):
    save_project(tmp_path / "film.temgrains", project())
    return tmp_path / "film.temgrains"


def test_all_of_it_is_read_back(path):
    before, after = project(), open_project(path)
    assert (after.operations, after.undone, after.notes) == (before.operations, before.undone, ())
    one, other = before.analysis, after.analysis
    assert np.array_equal(one.micrograph.pixels, other.micrograph.pixels)
    assert one.micrograph.pixel_size == other.micrograph.pixel_size
    assert np.array_equal(one.boundaries.labels, other.boundaries.labels)
    assert np.array_equal(one.boundaries.mask, other.boundaries.mask)
    assert [i.index for i in other.iterates] == [0, 1, 2]
    assert all(np.array_equal(a.state, b.state) for a, b in zip(one.iterates, other.iterates, strict=True))
    assert other.provenance["version"] == one.provenance["version"]
    assert len(other.sizes.table) == len(one.sizes.table)


def test_the_corrections_are_replayed(path):
    found = open_project(path)
    better = found.corrected()
    assert better.grains.count == found.analysis.grains.count - 1
    assert better.provenance["corrections"]["by_verb"] == {"erase": 1}


def test_lost_iterations_edges_and_corrections_are_named(path):
    def harm(entries):
        entries["state_1.npy"] = b"nothing"
        del entries["edges.npy"]
        text = json.loads(entries["project.json"])
        text["operations"].append({"verb": "draw"})
        entries["project.json"] = json.dumps(text).encode()

    found = open_project(rewritten(path, harm))
    assert len(found.analysis.iterates) == 1
    assert len(found.operations) == 1
    notes = " ".join(found.notes)
    assert "iterations from 1 on are lost" in notes
    assert "the edges are lost" in notes
    assert "one correction is lost" in notes


def test_without_any_iterate_the_lines_stand_in(path):
    found = open_project(rewritten(path, lambda entries: entries.pop("state_0.npy")))
    assert np.array_equal(found.analysis.guess.grey > 0, found.analysis.boundaries.mask)


def as_npy(array):
    made = io.BytesIO()
    np.save(made, array)
    return made.getvalue()


def test_lines_and_grains_that_contradict_each_other_are_refused(path):
    mask = open_project(path).analysis.boundaries.mask
    changed = rewritten(path, lambda entries: entries.update({"mask.npy": as_npy(~mask)}))
    with pytest.raises(ValueError, match="its grains lie on its lines"):
        open_project(changed)
    rewritten(path, lambda entries: entries.update({"mask.npy": as_npy(np.zeros_like(mask))}))
    with pytest.raises(ValueError, match="the lines between them are lost"):
        open_project(path)


@pytest.mark.parametrize("far", [1e9, -1e300, 10**400])
def test_a_correction_from_far_outside_costs_itself_alone(path, far):
    def harm(entries):
        text = json.loads(entries["project.json"])
        stroke = {"points": [[1, 1], [far, 2]], "width_px": 3, "erase": False}
        text["operations"].append({"verb": "draw", "strokes": [stroke]})
        entries["project.json"] = json.dumps(text).encode()

    found = open_project(rewritten(path, harm))
    assert len(found.operations) == 1
    assert "one correction is lost" in " ".join(found.notes)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda entries: entries.pop("pixels.npy"), "pixels"),
        (lambda entries: entries.pop("project.json"), r"project\.json"),
        (lambda entries: entries.update({"project.json": b"{"}), "cannot be read as a project"),
        (lambda entries: entries.update({"project.json": b'{"format": 9}'}), "so update temgrains"),
        (lambda entries: entries.update({"labels.npy": entries["edges.npy"]}), "does not fit the image"),
    ],
)
def test_without_image_grains_or_description_it_is_refused(path, harm, message):
    with pytest.raises(ValueError, match=message):
        open_project(rewritten(path, harm))


def test_a_file_that_is_no_project_is_refused(tmp_path):
    (tmp_path / "film.temgrains").write_bytes(b"no zip at all")
    with pytest.raises(ValueError, match="cannot be read as a project"):
        open_project(tmp_path / "film.temgrains")
    with pytest.raises(FileNotFoundError):
        open_project(tmp_path / "none.temgrains")


def test_a_file_that_unpacks_to_too_much_is_refused(path, monkeypatch):
    monkeypatch.setattr("temgrains.archives.BYTES_MAX", 1000)
    with pytest.raises(ValueError, match="it unpacks to"):
        open_project(path)


def test_a_failed_save_leaves_the_old_file(path, monkeypatch):
    before = path.read_bytes()

    def full(*_given, **_named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space left"):
        save_project(path, project())
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_an_analysis_can_be_given_the_lines_it_started_from():
    analysis = made()
    assert started_from(analysis, analysis.boundaries) is analysis
    other = made(seed=9).boundaries
    changed = started_from(analysis, other)
    assert changed.grains.count == int(other.labels.max())


def test_what_the_networks_saw_and_what_was_left_out_come_back(tmp_path):
    film = from_array(synthesise(paper_recipe(shape=(96, 160)), seed=6).image)
    sure = pipeline.analyse(film, model="paper").sizes.table["confidence"].median()
    unsure = Settings(boundaries=BoundarySettings(least_confidence=float(sure)))
    analysis = pipeline.analyse(film, model="paper", settings=unsure)
    assert analysis.boundaries.excluded.any()
    save_project(tmp_path / "film.temgrains", Project(analysis))
    found = open_project(tmp_path / "film.temgrains").analysis
    assert np.array_equal(found.edges.grey, analysis.edges.grey)
    assert np.array_equal(found.boundaries.excluded, analysis.boundaries.excluded)
    assert np.array_equal(found.boundaries.mask, analysis.boundaries.mask)
    assert list(found.sizes.table) == list(analysis.sizes.table)


def described(**changed):
    """A change of `rewritten`: other words in the description."""

    def change(entries):
        entries["project.json"] = json.dumps(json.loads(entries["project.json"]) | changed)

    return change


def stored(name, array):
    """A change of `rewritten`: another array."""

    def change(entries):
        content = io.BytesIO()
        np.save(content, array)
        entries[f"{name}.npy"] = content.getvalue()

    return change


def without(name):
    """A change of `rewritten`: a description that lacks an entry."""

    def change(entries):
        text = json.loads(entries["project.json"])
        del text[name]
        entries["project.json"] = json.dumps(text)

    return change


NO_SIZES = ([], [float("nan"), 1], [1e-300, 1e-300], [1e300, 1], "12", ["0.5", "0.5"], {"a": 1}, [True, 1])


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        *((described(pixel_size_nm=size), "pixel_size is") for size in NO_SIZES),
        (described(lengths=[]), "description is not what temgrains writes"),
        (described(provenance=[]), "its provenance is no table but"),
        (described(lengths=[10**400, float("inf")]), "description is not what temgrains writes"),
        (without("lengths"), "its description lacks 'lengths'"),
        (lambda entries: entries.update({"project.json": "[" * 10**5}), "is no JSON"),
        (lambda entries: entries.update({"project.json": "{'a': 1}"}), "is no JSON"),
        (lambda entries: entries.update({"project.json": "[]"}), r"project\.json is no table but \[\]"),
        (lambda entries: entries.update({"project.json": "null"}), r"project\.json is no table but None"),
        (lambda entries: entries.update({"project.json": b"\xff\xfe{"}), "is no JSON"),
        (stored("labels", np.full((40, 60), 2**31 - 1, np.int32)), "grains are numbered"),
        (stored("labels", np.full((40, 60), -1, np.int32)), "grains are numbered"),
        (stored("pixels", np.full((40, 60), np.nan, np.float32)), "pixels holds values that are no numbers"),
        (stored("pixels", np.full((40, 60), 1e30, np.float32)), "its grey values are from 1e"),
        (stored("pixels", np.zeros((0, 0), np.float32)), r"its image has no pixels: its shape is \(0, 0\)"),
        (stored("pixels", np.zeros((40, 60, 3), np.float32)), r"shape \(40, 60, 3\)"),
        (lambda entries: entries.update({"pixels.npy": b""}), "pixels is damaged"),
        (
            lambda entries: entries.update(
                {"pixels.npy": entries["pixels.npy"].replace(b"(40,", b"(4" + b"0" * 12 + b",", 1)}
            ),
            "pixels is damaged",
        ),
    ],
)
def test_a_hostile_file_is_refused_in_a_sentence(path, harm, message):
    rewritten(path, harm)
    with pytest.raises(ValueError, match=message):
        open_project(path)


@pytest.mark.parametrize(
    "harm",
    [
        stored("state_0", np.zeros((0, 60), np.uint8)),
        stored("state_0", np.zeros((40, 60, 3), np.uint8)),
        stored("state_0", np.zeros((40, 60), np.uint16)),
        described(iterates=[{"index": 0, "change": None, "stopped": "hunger"}]),
        described(iterates=[{"index": 0, "change": "much", "stopped": None}]),
        described(iterates=[{"index": 0, "stopped": None}]),
        described(iterates=[7]),
    ],
)
def test_a_first_state_that_is_none_costs_the_iterations_alone(path, harm):
    rewritten(path, harm)
    found = open_project(path)
    assert "the iterations from 0 on are lost" in found.notes[0]
    assert np.array_equal(found.analysis.guess.grey > 0, found.analysis.boundaries.mask)
    assert len(found.operations) == 1


def provenance_of(path):
    with zipfile.ZipFile(path) as file:
        return json.loads(file.read("project.json"))["provenance"]


RELIED_ON = (
    *("model", "settings", "warnings", "seconds"),
    *("stopped", "iterations", "excluded", "excluded_share", "notes"),
)


@pytest.mark.parametrize("name", RELIED_ON)
@pytest.mark.parametrize("wrong", ["text", 7.5, [{}], {"name": []}, True, [10**400]])
def test_an_entry_of_the_provenance_that_is_wrong_is_said_and_put_right(path, name, wrong):
    before = open_project(path).analysis
    rewritten(path, described(provenance={**provenance_of(path), name: wrong}))
    found = open_project(path)
    assert all(isinstance(note, str) and "\n" not in note for note in found.notes)
    relied_on(found, before)
    if (name, wrong) not in [("excluded", [{}]), ("excluded", [10**400])]:
        assert len(found.notes) == 1


@pytest.mark.parametrize("name", RELIED_ON)
def test_an_entry_of_the_provenance_that_is_missing_is_made_of_the_rest(path, name):
    before, told = open_project(path).analysis, provenance_of(path)
    del told[name]
    rewritten(path, described(provenance=told))
    found = open_project(path)
    relied_on(found, before)
    assert len(found.notes) == (name in {"model", "settings"})


def relied_on(found, before):
    """Fail unless a project can be corrected, given another scale, analysed on and written."""
    better = pipeline.with_pixel_size(found.corrected(), (2.0, 2.0))
    assert better.grains.count == before.grains.count - 1
    made = better.provenance
    assert set(RELIED_ON) <= set(made)
    assert 0 <= made["excluded_share"] <= 1
    assert isinstance(made["model"]["name"], str)
    settings_from_dict(made["settings"])
    assert pipeline.refined_of(found.analysis).seconds in ({}, {"guess": 0.5})


def test_nothing_of_the_provenance_is_needed_to_open_a_project(path):
    rewritten(path, described(provenance={}))
    found = open_project(path)
    assert found.analysis.provenance["iterations"] == 2
    assert found.analysis.provenance["pixel_size_nm"] == [0.72, 0.72]
    assert found.notes == (
        "it does not tell which model found its boundaries",
        "it does not tell its settings; the usual ones stand in",
    )


@pytest.mark.parametrize("scale", [[1], ["a", "b"], 3, [float("inf"), 1]])
def test_a_scale_of_confidence_that_is_none_is_left_out(path, scale):
    rewritten(
        path, described(provenance={**provenance_of(path), "model": {"name": "a", "confidence": scale}})
    )
    found = open_project(path)
    assert found.notes[0].startswith("the scale of its confidence is ")
    assert found.corrected().sizes.table["confidence"].notna().any()


def test_many_lost_corrections_are_one_sentence(path):
    rewritten(path, described(operations=[{"verb": "draw"}] * 1000))
    (note,) = open_project(path).notes
    assert note.startswith("1000 corrections are lost: this is no operation")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.25, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_off_is_refused(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match="it is of another kind, or its end is missing"):
        open_project(path)


def test_a_bomb_is_refused_before_it_is_unpacked(path, monkeypatch):
    monkeypatch.setattr("temgrains.archives.LARGE", 10**6)
    monkeypatch.setattr(zipfile.ZipFile, "read", pytest.fail)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.npy", bytes(3 * 10**7))
    with pytest.raises(ValueError, match=r"bytes would unpack to 30,.* as no file of temgrains does"):
        open_project(path)


def test_what_this_computer_cannot_hold_is_refused(path, monkeypatch):
    monkeypatch.setattr("temgrains.archives.memory_bytes", lambda: 10**4)
    with pytest.raises(ValueError, match="more than half of this computer's"):
        open_project(path)
    monkeypatch.setattr("temgrains.archives.memory_bytes", lambda: None)
    assert open_project(path).operations


def test_a_description_of_endless_length_is_refused(path, monkeypatch):
    monkeypatch.setattr("temgrains.archives.DESCRIPTION_MAX", 100)
    with pytest.raises(ValueError, match=r"project\.json unpacks to [\d,]+ bytes; at most 100 are read"):
        open_project(path)


def test_flipped_bytes_end_in_a_sentence_or_in_what_can_be_read(path):
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        content = bytearray(whole)
        for place in rng.integers(len(content), size=1):
            content[place] = rng.integers(256)
        path.write_bytes(content)
        try:
            open_project(path)
        except ValueError:
            refused += 1
    assert 0 < refused < 200


KILLED = """
import sys
from pathlib import Path
from temgrains.pipeline.project import Project, open_project, save_project
path = Path(sys.argv[1])
project = open_project(path)
while True:
    save_project(path, Project(project.analysis, project.operations * 50))
    print("saved", flush=True)
    save_project(path, project)
    print("saved", flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system")
@pytest.mark.parametrize("saves", [1, 2, 3, 5, 8])
def test_a_save_that_is_killed_leaves_the_one_before_or_the_new_one(path, saves):
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    for _ in range(saves):
        assert child.stdout.readline() == "saved\n"
    child.kill()
    child.wait()
    child.stdout.close()
    found = open_project(path)
    assert len(found.operations) in {1, 50}
    assert found.notes == ()
