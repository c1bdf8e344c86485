"""Archives that nobody in their senses wrote: one sentence each, and nothing unpacked that need not be."""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile

import numpy as np
import pytest

from temgrains.archives import open_archive, write_archive
from temgrains.corrections.journal import digest_of


@pytest.fixture
def path(tmp_path):
    write_archive(tmp_path / "a.zip", "about.json", {"a": 1}, {"noise": np.random.default_rng(0).random(999)})
    return tmp_path / "a.zip"


def all_of(path):
    with open_archive(path) as file:
        return file.description("about.json"), file.array("noise")


def test_all_of_it_comes_back(path):
    about, noise = all_of(path)
    assert about == {"a": 1}
    assert np.array_equal(noise, np.random.default_rng(0).random(999))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.complex64])
def test_an_array_that_is_not_finite_is_refused(tmp_path, value, kind):
    write_archive(tmp_path / "a.zip", "about.json", {}, {"noise": np.array([[0, value]], kind)})
    with pytest.raises(ValueError, match="noise holds values that are no numbers"):
        all_of(tmp_path / "a.zip")


def test_an_example_to_learn_from_that_is_not_finite_is_refused(tmp_path):
    examples = pytest.importorskip("temgrains.training.examples")
    pixels, yes = np.full((40, 60), 0.5, np.float32), np.ones((40, 60), bool)
    pixels[3, 4] = np.nan
    write_archive(
        tmp_path / f"{digest_of(pixels)}.example",
        "about.json",
        {"format": 1, "name": "film", "scale": 1, "excluded": [], "about": {}, "seconds": 0},
        {"pixels": pixels, "boundaries": ~yes, "looked": yes},
    )
    kept = examples.TrainingSet(tmp_path)
    found, (note,) = kept.list()
    assert found == []
    assert "pixels holds values that are no numbers" in note
    with pytest.raises(ValueError, match="add its image again"):
        kept.load(digest_of(pixels))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_entries_packed_in_other_ways_are_read_or_refused_in_a_sentence(path, method):
    content = io.BytesIO()
    np.save(content, np.arange(5000))
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("about.json", "{}")
        file.writestr("noise.npy", content.getvalue())
    assert all_of(path)[1].size == 5000
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(100):
        harmed = bytearray(whole)
        for place in rng.integers(len(harmed), size=3):
            harmed[place] = rng.integers(256)
        path.write_bytes(harmed)
        with contextlib.suppress(ValueError):
            all_of(path)


def test_an_entry_that_unpacks_to_more_than_it_says_is_refused(path):
    """A bomb that tells a small size: no more than that is unpacked."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("about.json", "{}")
        file.writestr("noise.npy", bytes(10**7))
    content = path.read_bytes()
    assert content.count(struct.pack("<I", 10**7)) == 2
    path.write_bytes(content.replace(struct.pack("<I", 10**7), struct.pack("<I", 1000)))
    with pytest.raises(ValueError, match=r"noise\.npy cannot be unpacked"):
        all_of(path)


def test_an_encrypted_entry_is_refused(path):
    content = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = content.find(mark)
        while place >= 0:
            content[place + flags] |= 1
            place = content.find(mark, place + 1)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"about\.json cannot be unpacked .*encrypted"):
        all_of(path)


def test_names_that_lead_elsewhere_write_nothing(tmp_path, path):
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("../../escaped.npy", b"x")
        file.writestr("/escaped.npy", b"x")
    all_of(path)
    assert [file.name for file in tmp_path.rglob("*")] == ["a.zip"]


def test_overlapping_entries_are_refused_or_counted(path, monkeypatch):
    """One stretch of bytes that many entries share unpacks to the sum of all."""
    monkeypatch.setattr("temgrains.archives.LARGE", 10**6)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("noise.npy", bytes(10**6))
        (entry,) = file.infolist()
        file.filelist.extend([entry] * 500)
    with pytest.raises(ValueError, match="as no file of temgrains does"):
        all_of(path)
