"""Whatever goes wrong while results are written, the old files stay and one sentence says why."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysed import made
from temgrains import export


@pytest.fixture
def analysis():
    return made()


@pytest.mark.parametrize("stem", ["", ".", "a/b", "../a"])
def test_stem_with_a_folder_is_refused(analysis, tmp_path, stem):
    with pytest.raises(
        ValueError, match=r"stem is .*; it must be the start of a file name, without a folder"
    ):
        export.write(analysis, tmp_path, stem)


def test_missing_folder_is_refused(analysis, tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"cannot write to .*nowhere: the folder does not exist; create it"
    ):
        export.write(analysis, tmp_path / "nowhere", "a")


def test_file_in_place_of_the_folder_is_refused(analysis, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match=r"cannot write to .*file: Not a directory; choose another folder"):
        export.write(analysis, tmp_path / "file", "a")


def test_folder_without_permission_is_refused(analysis, tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(export.tempfile, "TemporaryFile", refuse)
    with pytest.raises(
        PermissionError, match=r"cannot write to .*: Permission denied; choose another folder"
    ):
        export.write(analysis, tmp_path, "a")
    assert not list(tmp_path.iterdir())


def writers(analysis):
    return {
        "a.png": lambda path: export.write_overlay(path, analysis.micrograph, analysis.boundaries),
        "b.tif": lambda path: export.write_boundaries(path, analysis.boundaries),
        "l.tif": lambda path: export.write_labels(path, analysis.grains),
        "i.tif": lambda path: export.write_iterates(path, analysis.iterates),
        "i.gif": lambda path: export.write_gif(path, analysis.micrograph, analysis.iterates),
        "g.csv": lambda path: export.write_grains(path, analysis.sizes),
        "a.json": lambda path: export.write_json(path, analysis),
    }


@pytest.mark.parametrize("name", writers(None))
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_fault_while_writing_keeps_the_old_file(analysis, tmp_path, monkeypatch, name, call):
    path = tmp_path / name
    path.write_bytes(b"old")

    def fail(*args):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(
        OSError, match=rf"cannot write .*{name}: Input/output error; the file is as it was before"
    ):
        writers(analysis)[name](path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", writers(None))
def test_folder_in_place_of_the_file_is_named(analysis, tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(IsADirectoryError, match=rf"cannot write .*{name}: it is a folder"):
        writers(analysis)[name](tmp_path / name)


FULL_DISK = """
import resource, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from test_export_faults import made, writers
folder = Path(sys.argv[2])
analysis = made((300, 400))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
for name, write in writers(analysis).items():
    try:
        write(folder / name)
        print(name, "was written")
    except OSError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE on Windows")
def test_full_disk_keeps_the_old_files(tmp_path):
    names = list(writers(None))
    for name in names:
        (tmp_path / name).write_bytes(b"old")
    ran = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(Path(__file__).parent), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    told = ran.stdout.splitlines()
    assert len(told) == len(names)
    for name, sentence in zip(names, told, strict=True):
        assert sentence.startswith(f"cannot write {tmp_path / name}: "), sentence
        assert sentence.endswith("; the file is as it was before")
        assert (tmp_path / name).read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
