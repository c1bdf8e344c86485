"""Microscopes' files that are cut short, damaged or hostile: an image or one sentence, and soon."""

from __future__ import annotations

import io
import struct
import time

import numpy as np
import pytest
from test_damage import damaged, read_or_sentence

from composed import SHAPE, dm, emi, grey, mrc, ncem, ser, velox
from temgrains.micrograph import UnreadableImage, apart, instrument, read, watching
from temgrains.records import Cancelled, Micrograph

pytest.importorskip("rsciio", reason="RosettaSciIO comes with the extra formats")
h5py = pytest.importorskip("h5py", reason="h5py comes with the extra formats")
pytestmark = pytest.mark.timeout(300)

CUT = r"cut short|damaged"


def write(path, content):
    path.write_bytes(content)
    return path


@pytest.fixture(params=["a.dm3", "a.dm4", "a.mrc", "a_1.ser", "a.emi", "ncem.emd", "velox.emd"])
def sound(request, tmp_path):
    """A small sound file, with what belongs to it beside it."""
    path = tmp_path / request.param
    if path.name == "ncem.emd":
        ncem(path, grey())
    elif path.name == "velox.emd":
        velox(path, {"HAADF": grey()})
    elif path.name == "a.emi":
        write(tmp_path / "a_1.ser", ser(grey()))
        write(path, emi("TEM Imaging"))
    else:
        contents = {
            "a.dm3": dm(grey()),
            "a.dm4": dm(grey(), version=4),
            "a.mrc": mrc(grey()),
            "a_1.ser": ser(grey()),
        }
        write(path, contents[path.name])
    assert read(path).shape == SHAPE
    return path


def test_file_cut_short_is_refused(sound):
    content = sound.read_bytes()
    end = len(content)
    # Eight bytes follow the tags of DM, and nothing but a tag the last image of SER.
    whole = end - (18 if sound.suffix in {".dm3", ".dm4", ".ser"} else 1)
    if sound.suffix == ".emi":
        whole = content.rindex(b"</ObjectInfo>") + 12
    parts = 3 if sound.suffix == ".emd" else 12
    for length in sorted({0, 1, 4, 8, 40, *(whole * k // parts for k in range(1, parts)), whole}):
        write(sound, content[:length])
        with pytest.raises(UnreadableImage, match=sound.name):
            read(sound)


def test_damaged_file_gives_an_image_or_a_sentence(sound, rng):
    content = sound.read_bytes()
    slowest = 0.0
    # A first reading of HDF5 starts a process of its own.
    for copy in damaged(content, rng, 5 if sound.suffix == ".emd" else 60):
        write(sound, copy)
        start = time.perf_counter()
        found = read_or_sentence(sound)
        if isinstance(found, Micrograph):
            assert np.isfinite(found.pixels).all()
            assert found.pixels.size <= 2 * len(content)
        else:
            assert "\n" not in found
            assert len(found) < 400 + len(str(sound))
        slowest = max(slowest, time.perf_counter() - start)
    assert slowest < 20


# ---- MRC


@pytest.mark.parametrize(
    "words", [{"word1": 21}, {"word2": 13}, {"word3": 2}, {"word1": 2**31 - 1}, {"word24": 8}]
)
def test_mrc_that_claims_more_than_it_has_is_refused(words, tmp_path):
    with pytest.raises(UnreadableImage, match="not all of its pixels are there"):
        read(write(tmp_path / "a.mrc", mrc(grey(), **words)))


@pytest.mark.parametrize(
    "words", [{"word1": 0}, {"word2": -5}, {"word4": 3}, {"word4": 16}, {"word24": -1}, {"word3": -(2**31)}]
)
def test_mrc_header_that_cannot_be_is_refused(words, tmp_path):
    with pytest.raises(UnreadableImage, match=r"it is no MRC file or damaged \(.* px, mode"):
        read(write(tmp_path / "a.mrc", mrc(grey(), **words)))


# ---- SER and EMI


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"valid": 2**32 - 1}, CUT),
        ({"valid": 0}, "it holds no image: the acquisition was stopped before the first"),
        ({"dimensions": 2**32 - 1}, r"its header is damaged \(data 0x4122, 4294967295 dimensions\)"),
        ({"dimensions": 4}, CUT),
        ({"kind": 7}, r"its header is damaged \(data 0x7, 1 dimensions\)"),
    ],
)
def test_ser_header_that_cannot_be_is_refused(header, said, tmp_path):
    with pytest.raises(UnreadableImage, match=said):
        read(write(tmp_path / "a.ser", ser(grey(), **header)))


def element(content):
    """Where the one image of a SER file begins."""
    return struct.unpack_from("<I", content, struct.unpack_from("<I", content, 22)[0])[0]


@pytest.mark.parametrize(
    ("at", "value", "said"),
    [(42, 2**31, CUT), (46, 13, CUT), (40, 99, "its pixels are of the unknown kind"), (42, 0, "it is empty")],
)
def test_ser_image_that_cannot_be_is_refused(at, value, said, tmp_path):
    content = bytearray(ser(grey()))
    struct.pack_into("<H" if at == 40 else "<I", content, element(content) + at, value)
    with pytest.raises(UnreadableImage, match=said):
        read(write(tmp_path / "a.ser", content))


def test_ser_images_of_different_size_are_refused(tmp_path):
    content = bytearray(ser(grey((2, *SHAPE))))
    struct.pack_into("<I", content, element(content) + 46, SHAPE[0] - 1)
    with pytest.raises(UnreadableImage, match="its images differ in size"):
        read(write(tmp_path / "a.ser", content))


def test_emi_file_of_endless_descriptions_is_refused(tmp_path):
    write(tmp_path / "a_1.ser", ser(grey()))
    path = write(tmp_path / "a.emi", emi("TEM") + b"<ObjectInfo>" * 10**5)
    with pytest.raises(UnreadableImage, match="its descriptions do not end"):
        read(path)


def test_emi_file_with_a_damaged_ser_file_is_refused(tmp_path):
    write(tmp_path / "a_1.ser", ser(grey())[:-40])
    with pytest.raises(UnreadableImage, match=r"a_1\.ser: it is cut short"):
        read(write(tmp_path / "a.emi", emi("TEM")))


def test_ser_file_that_the_reader_leaves_out_is_missed(tmp_path):
    write(tmp_path / "a[1]_1.ser", ser(grey()))
    with pytest.raises(UnreadableImage, match="only 0 of its 1 SER files can be read; open one of them"):
        read(write(tmp_path / "a[1].emi", emi("TEM")))
    assert read(tmp_path / "a[1]_1.ser").shape == SHAPE


# ---- DM3 and DM4

LONG = {3: ">i", 4: ">q"}


def layout(version, *numbers):
    return b"%%%%" + b"".join(struct.pack(LONG[version], number) for number in numbers)


PIXELS = (3, 20, 4, 240)
"""The layout of the pixels: an array of 240 numbers of two bytes."""


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((3, 20, 4, -240), "a value has the unknown layout"),
        ((3, 20, 4, 2**31 - 1), "it ends within a value"),
        ((3, 20, 99, 240), "a value has the unknown layout"),
        ((0, 20, 4, 240), "a layout claims 0 numbers"),
        ((2**30, 20, 4, 240), "a layout claims 1073741824 numbers"),
    ],
)
def test_dm_pixels_that_cannot_be_are_refused(numbers, said, version, tmp_path):
    content = dm(grey(), version=version)
    assert content.count(layout(version, *PIXELS)) == 1
    path = write(tmp_path / "a.dm3", content.replace(layout(version, *PIXELS), layout(version, *numbers)))
    with pytest.raises(UnreadableImage, match=said):
        read(path)


def tree(*tags, version=3, claimed=None):
    """A DM3 file of these tags."""
    count = struct.pack(LONG[version], len(tags) if claimed is None else claimed)
    return struct.pack(">iii", 3, 0, 1) + b"\1\0" + count + b"".join(tags)


def value(numbers, content=b""):
    return struct.pack(">BH", 21, 1) + b"x" + layout(3, *numbers) + content


NESTED = struct.pack(">BH", 20, 0) + b"\1\0" + struct.pack(">i", 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (tree(claimed=2**31 - 1), "a group claims 2147483647 tags"),
        (tree(claimed=-1), "a group claims -1 tags"),
        (tree(NESTED * 200, claimed=1), "its tags are nested more than 50 deep"),
        (tree(struct.pack(">BH", 7, 0) + bytes(20)), "a tag is of the unknown kind 7"),
        (tree(struct.pack(">BH", 21, 0) + bytes(20)), "a value does not begin as it must"),
        (tree(value((5, 20, 15, 0, 0, 2**31 - 1), bytes(40))), "claims 2147483647 values of no size"),
        (tree(value((4, 15, 0, 1, 0), bytes(40))), "a structure has unknown fields"),
        (tree(value((20_000, *[15] * 20_000))), "a value is a structure of 20000 numbers"),
        (tree(value((3, 20, 8, 2**23 + 1), bytes(2**23 + 1))), "that is no image claims 8388609 values"),
        (tree(value((1, 18), bytes(8))), "a value has the unknown layout"),
        (tree(value((1, 5), b"")), "it ends within a value"),
        (tree(struct.pack(">BH", 21, 300) + bytes(20)), "it ends within a tag"),
    ],
)  # fmt: skip
def test_dm_tags_that_cannot_be_are_refused(content, said, tmp_path):
    start = time.perf_counter()
    with pytest.raises(UnreadableImage, match=said):
        read(write(tmp_path / "a.dm3", content))
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("size", [1, 11, 13, 40])
def test_dm_image_of_another_size_than_its_pixels_is_refused(size, tmp_path):
    content = dm(grey()) + bytes(10**5)
    height = layout(3, 1, 5) + struct.pack("<I", SHAPE[0])
    assert content.count(height) == 1
    path = write(tmp_path / "a.dm3", content.replace(height, layout(3, 1, 5) + struct.pack("<I", size)))
    with pytest.raises(UnreadableImage, match=f"it is damaged: {size} x 20 px do not fit 480 bytes"):
        read(path)


# ---- EMD


def test_emd_bomb_is_refused_before_it_is_decoded(tmp_path):
    ncem(tmp_path / "a.emd", grey())
    with h5py.File(tmp_path / "a.emd", "a") as file:
        del file["data/film/data"]
        file.create_dataset("data/film/data", (40_000, 40_000), "u2", chunks=(1000, 1000), compression="gzip")
    with pytest.raises(UnreadableImage, match="claims 40000 x 40000 values, more than the file can hold"):
        read(tmp_path / "a.emd")


def test_emd_bomb_that_its_file_may_hold_is_refused_before_it_is_decoded(tmp_path):
    """Chunks that became 800 times larger by unpacking, as gzip can make them."""
    ncem(tmp_path / "a.emd", grey())
    with h5py.File(tmp_path / "a.emd", "a") as file:
        del file["data/film/data"]
        options = {"chunks": (1000, 13_000), "compression": "gzip", "compression_opts": 9}
        made = file.create_dataset("data/film/data", (13_000, 13_000), "u2", **options)
        for top in range(0, 13_000, 1000):
            made[top : top + 1000] = 0
    with pytest.raises(UnreadableImage, match=r"bytes would unpack to 0\.3 GiB, as no micrograph does"):
        read(tmp_path / "a.emd")


@pytest.mark.parametrize("chunks", [None, (5, 6)])
def test_emd_pixels_that_were_never_written_are_not_made_up(chunks, tmp_path):
    ncem(tmp_path / "a.emd", grey())
    with h5py.File(tmp_path / "a.emd", "a") as file:
        del file["data/film/data"]
        made = file.create_dataset("data/film/data", SHAPE[::-1], "u2", chunks=chunks)
        if chunks:
            made[:5] = 7
    with pytest.raises(UnreadableImage, match="not all of its pixels are there"):
        read(tmp_path / "a.emd")


def test_emd_pixels_in_other_files_are_refused(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(480))
    ncem(tmp_path / "a.emd", grey())
    with h5py.File(tmp_path / "a.emd", "a") as file:
        del file["data/film/data"]
        outside = [(str(tmp_path / "secret"), 0, 480)]
        file.create_dataset("data/film/data", SHAPE[::-1], "u2", external=outside)
    with pytest.raises(UnreadableImage, match="its data set data/film/data lies in other files"):
        read(tmp_path / "a.emd")


def test_emd_file_is_closed_after_reading(tmp_path):
    velox(tmp_path / "a.emd", {"HAADF": grey()})
    assert read(tmp_path / "a.emd").shape == SHAPE
    with h5py.File(tmp_path / "a.emd", "w") as file:
        assert not file.keys()


def test_file_that_crashes_its_library_is_refused_and_we_live_on(tmp_path, monkeypatch):
    velox(tmp_path / "a.emd", {"HAADF": grey()})
    crash = "import faulthandler; faulthandler._sigsegv()"
    monkeypatch.setattr(apart, "_FIRST_READING", crash)
    for _ in range(2):
        with pytest.raises(UnreadableImage, match="it is damaged: reading it crashes the HDF5 library"):
            read(tmp_path / "a.emd")


def test_first_reading_that_does_not_end_is_given_up(tmp_path, monkeypatch):
    velox(tmp_path / "a.emd", {"HAADF": grey()})
    monkeypatch.setattr(apart, "_FIRST_READING", "import time; time.sleep(100)")
    monkeypatch.setattr(apart, "SECONDS_MAX", 0.2)
    for _ in range(2):
        with pytest.raises(UnreadableImage, match=r"reading it takes more than 0\.2 s.*; copy it to a disk"):
            read(tmp_path / "a.emd")


def test_what_the_first_reading_refuses_is_not_read_again(tmp_path, monkeypatch):
    path = tmp_path / "a.emd"
    with h5py.File(path, "w") as file:
        file["x"] = 1
    monkeypatch.setattr(instrument, "_emd_signals", lambda _path: pytest.fail("it was read here"))
    with pytest.raises(UnreadableImage, match="it is an HDF5 file but no EMD file"):
        read(path)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UnreadableImage("a", "it is a µ"), "it is a µ"),
        (RuntimeError("Object visitation failed (bad)"), "its HDF5 structure is damaged (object vis"),
        (OSError(5, "Input/output error"), ""),
    ],
)
def test_the_first_reading_gives_its_reason(error, reason, monkeypatch):
    def fail(_path):
        print("noise")
        raise error

    monkeypatch.setattr(instrument, "touch_emd", fail)
    monkeypatch.setattr(apart.sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    answer = apart.sys.stdout
    with pytest.raises(SystemExit) as end:
        apart.read_first("a.emd")
    assert end.value.code == 1
    assert answer.buffer.getvalue().decode().startswith(reason)
    assert bool(answer.buffer.getvalue()) == bool(reason)


def test_first_reading_can_be_given_up(tmp_path, monkeypatch):
    velox(tmp_path / "a.emd", {"HAADF": grey()})
    monkeypatch.setattr(apart, "_FIRST_READING", "import time; time.sleep(100)")
    readers, begin = [], apart.subprocess.Popen
    monkeypatch.setattr(
        apart.subprocess, "Popen", lambda *a, **o: (readers.append(begin(*a, **o)), readers[-1])[1]
    )

    def look(waited):
        if waited > 0.1:
            raise Cancelled

    with pytest.raises(Cancelled), watching.watched(look):
        read(tmp_path / "a.emd")
    # By the thread that was left to itself, which looks around as often.
    assert [reader.wait(10) is None for reader in readers] == [False], "it was ended"


def test_what_is_wrong_with_an_hdf5_file_is_said(tmp_path):
    path = tmp_path / "a.emd"
    velox(path, {"HAADF": grey()})
    content = path.read_bytes()
    for copy, said in [
        (content[: len(content) // 2], "it is cut short: not all of it is there"),
        (content[:40], "its HDF5 structure is damaged"),
    ]:
        with pytest.raises(UnreadableImage, match=said):
            read(write(path, copy))


def test_a_sound_file_is_tried_once(tmp_path, monkeypatch):
    velox(tmp_path / "a.emd", {"HAADF": grey()})
    started = []
    begin = apart.subprocess.Popen
    monkeypatch.setattr(apart.subprocess, "Popen", lambda *a, **o: (started.append(a), begin(*a, **o))[1])
    for _ in range(3):
        assert read(tmp_path / "a.emd").shape == SHAPE
    assert len(started) == 1
    velox(tmp_path / "a.emd", {"HAADF": grey((14, 20))})
    assert read(tmp_path / "a.emd").shape == (14, 20)
    assert len(started) == 2


def test_without_an_interpreter_the_file_is_read_all_the_same(tmp_path, monkeypatch):
    velox(tmp_path / "a.emd", {"HAADF": grey()})
    monkeypatch.setattr(apart.sys, "executable", "")
    assert read(tmp_path / "a.emd").shape == SHAPE


def test_image_above_the_memory_is_refused_before_it_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr("temgrains.micrograph.pixels.memory_bytes", lambda: 1000)
    for path in (write(tmp_path / "a.dm3", dm(grey())), write(tmp_path / "a.ser", ser(grey()))):
        with pytest.raises(UnreadableImage, match="more than half of this computer's"):
            read(path)
