"""The user's training set: what is added comes back, and what is damaged is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysed import made
from archived import rewritten
from temgrains.training.examples import Example, TrainingSet, example_of, training_folder


def lines(shape=(40, 60)):
    mask = np.zeros(shape, bool)
    mask[:, 30] = True
    return mask


def example(name="film", value=0.5, **changes):
    pixels = np.full((40, 60), value, np.float32)
    looked = np.zeros((40, 60), bool)
    looked[:, :45] = True
    return Example(name, pixels, lines(), looked, **{"scale": 0.5, "seconds": 7.0, **changes})


@pytest.fixture
def kept(tmp_path):
    return TrainingSet(tmp_path / "set")


def test_all_of_an_example_comes_back(kept):
    before = example(excluded=((1, 2, 3, 4),), about={"model": {"name": "default"}})
    assert kept.add(before) is False
    after = kept.load(before.digest)
    for part in ("pixels", "boundaries", "looked"):
        assert np.array_equal(getattr(after, part), getattr(before, part))
    for part in ("name", "scale", "excluded", "about", "seconds", "content"):
        assert getattr(after, part) == getattr(before, part)


def test_the_same_image_again_takes_the_place_of_the_first(kept):
    kept.add(example())
    better = replace(example(), looked=np.ones((40, 60), bool), name="again")
    assert kept.add(better) is True
    (only,), notes = kept.list()
    assert (only.name, only.looked, only.shape, notes) == ("again", 1.0, (40, 60), [])


def test_the_digest_of_the_content_changes_with_all_that_is_learnt_from(kept):
    one = example()
    others = [
        replace(one, looked=np.ones((40, 60), bool)),
        replace(one, boundaries=~lines()),
        replace(one, scale=0.6),
        example(value=0.6),
    ]
    assert len({one.content, *(other.content for other in others)}) == 5
    assert replace(one, name="other", seconds=9.0).content == one.content


def test_the_list_is_in_the_order_of_adding(kept):
    kept.add(example("second", 0.1, seconds=2.0))
    kept.add(example("first", 0.2, seconds=1.0))
    assert [summary.name for summary in kept.list()[0]] == ["first", "second"]


def test_examples_are_found_by_name_and_by_digest_and_removed(kept):
    kept.add(example("a", 0.1))
    kept.add(example("b", 0.2))
    assert kept.find("a").digest == example("a", 0.1).digest
    assert kept.find(example("b", 0.2).digest[:10]).name == "b"
    kept.remove(kept.find("a").digest)
    assert [summary.name for summary in kept.list()[0]] == ["b"]
    with pytest.raises(ValueError, match="holds no example 'a'; 'temgrains teach list' names them"):
        kept.find("a")
    kept.add(example("b", 0.3))
    with pytest.raises(ValueError, match="holds 2 examples 'b'"):
        kept.find("b")
    with pytest.raises(ValueError, match=r"holds .* examples ''"):
        kept.find("")


def test_an_empty_set_has_no_folder(kept):
    assert kept.list() == ([], [])
    assert not kept.folder.exists()
    with pytest.raises(ValueError, match="holds no example 0123"):
        kept.load("0123")


def test_the_users_set_lies_in_the_home(home, monkeypatch):
    assert TrainingSet().folder == training_folder() == home / "training"
    monkeypatch.delenv("TEMGRAINS_HOME")
    assert training_folder().parts[-2:] == (".temgrains", "training")


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(b"nothing"),
        lambda path: path.write_bytes(path.read_bytes()[:300]),
        lambda path: rewritten(path, lambda e: e.pop("looked.npy")),
        lambda path: rewritten(path, lambda e: e.update({"about.json": b"{"})),
        lambda path: rewritten(path, lambda e: e.update({"about.json": b'{"format": 9}'})),
        lambda path: rewritten(path, lambda e: e.update({"pixels.npy": e["looked.npy"]})),
        lambda path: rewritten(path, lambda e: e.update({"boundaries.npy": b""})),
        lambda path: rewritten(path, lambda e: e.update({"about.json": b"[]"})),
        lambda path: rewritten(path, lambda e: e.update({"about.json": b"[" * 10**5})),
        lambda path: path.rename(path.with_name("0123.example")),
    ],
)
def test_a_damaged_example_is_named_and_the_others_are_listed(kept, harm):
    kept.add(example("good", 0.1))
    kept.add(example("bad", 0.2))
    harm(kept.folder / f"{example('bad', 0.2).digest}.example")
    found, notes = kept.list()
    assert [summary.name for summary in found] == ["good"]
    assert len(notes) == 1
    assert "is no example that can be read" in notes[0]
    assert "\n" not in notes[0]


def test_a_later_format_and_foreign_pixels_are_said(kept):
    kept.add(example())
    path = kept.folder / f"{example().digest}.example"
    rewritten(path, lambda e: e.update({"about.json": b'{"format": 9}'}))
    with pytest.raises(ValueError, match="its format is 9, this version reads 1"):
        kept.load(example().digest)
    kept.add(example())
    path.rename(path.with_name("0123.example"))
    with pytest.raises(ValueError, match="its pixels are not those that its name tells of"):
        kept.load("0123")


def test_a_full_disk_leaves_the_old_example(kept, monkeypatch):
    kept.add(example())

    def full(*_given, **_named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="the file is as it was before"):
        kept.add(replace(example(), name="new"))
    monkeypatch.undo()
    assert kept.load(example().digest).name == "film"
    assert len(list(kept.folder.iterdir())) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"looked": np.zeros((40, 60), bool)}, "no part of film was looked at"),
        ({"looked": np.ones((40, 61), bool)}, "looked of film is bool of shape"),
        ({"boundaries": np.zeros((40, 60), np.uint8)}, "boundaries of film is uint8"),
        ({"pixels": np.full((40, 60), np.inf, np.float32)}, "pixels of film hold values that are no numbers"),
        ({"scale": 9.0}, "scale of film is 9.0; it must be from 0.1 to 4"),
        ({"scale": 0.2}, "film is 40 x 60 px; at its working scale of 0.2 both sides must be at least 16"),
    ],
)
def test_what_cannot_teach_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(example(), **change)


def test_an_analysis_becomes_an_example():
    analysis = made()
    found = example_of(analysis, "film")
    assert np.array_equal(found.boundaries, analysis.boundaries.mask)
    assert found.looked.all()
    assert found.scale == 1.0
    assert found.seconds > 0
    masked = np.zeros(analysis.micrograph.shape, bool)
    masked[:5, :5] = True
    excluded = replace(analysis, boundaries=replace(analysis.boundaries, excluded=masked))
    assert not example_of(excluded, "film").looked[:5, :5].any()
    with pytest.raises(ValueError, match=r"looked has shape \(2, 2\)"):
        example_of(analysis, "film", looked=np.ones((2, 2), bool))
