"""Faults first: whatever goes wrong while writing, the old file stays and no rest is left."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from temgrains.files import atomic_path, remove_unfinished, temporary_in, unfinished, write_text


def test_new_file_appears_whole(tmp_path):
    with atomic_path(tmp_path / "a.csv") as temporary:
        temporary.write_bytes(b"all of it")
        assert not (tmp_path / "a.csv").exists()
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".csv"
    assert (tmp_path / "a.csv").read_bytes() == b"all of it"
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def test_string_path_is_taken(tmp_path):
    with atomic_path(str(tmp_path / "a b é 🔬.txt")) as temporary:
        temporary.write_text("x")
    assert (tmp_path / "a b é 🔬.txt").read_text() == "x"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])
def test_error_keeps_the_old_file_and_leaves_nothing(tmp_path, error):
    old = tmp_path / "a.csv"
    old.write_bytes(b"old")

    def write():
        with atomic_path(old) as temporary:
            temporary.write_bytes(b"half of the n")
            raise error

    with pytest.raises(error):
        write()
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_failing_system_call_keeps_the_old_file(tmp_path, monkeypatch, call):
    old = tmp_path / "a.csv"
    old.write_bytes(b"old")

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="Input/output error"), atomic_path(old) as temporary:
        temporary.write_bytes(b"new")
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]


def test_folder_that_cannot_be_flushed_is_no_error(tmp_path, monkeypatch):
    flush = os.fsync

    def refuse_folders(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        flush(handle)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    with atomic_path(tmp_path / "a") as temporary:
        temporary.write_bytes(b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


FULL_DISK = """
import resource, signal, sys
from temgrains.files import atomic_path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
try:
    with atomic_path(sys.argv[1]) as temporary:
        temporary.write_bytes(bytes(100_000))
except OSError as error:
    sys.exit(f"OSError {error.errno}")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE on Windows")
def test_full_disk_keeps_the_old_file(tmp_path):
    old = tmp_path / "labels.tif"
    old.write_bytes(b"old")
    ran = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(old)], capture_output=True, text=True, check=False
    )
    assert f"OSError {errno.EFBIG}" in ran.stderr
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_mode_is_kept(tmp_path, mode):
    old = tmp_path / "a"
    old.write_bytes(b"old")
    old.chmod(mode)
    with atomic_path(old) as temporary:
        assert stat.S_IMODE(temporary.stat().st_mode) & ~(mode | stat.S_IWUSR) == 0
        temporary.write_bytes(b"new")
    assert stat.S_IMODE(old.stat().st_mode) == mode
    assert old.read_bytes() == b"new"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_new_file_has_the_usual_mode(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    with atomic_path(tmp_path / "ours") as temporary:
        temporary.write_bytes(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_mode_that_cannot_be_set_is_no_error(tmp_path, monkeypatch):
    old = tmp_path / "a"
    old.write_bytes(b"old")

    def refuse(*_, **__):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", refuse)
    with atomic_path(old) as temporary:
        temporary.write_bytes(b"new")
    assert old.read_bytes() == b"new"


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights on Windows")
def test_link_is_followed(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    with atomic_path(tmp_path / "link") as temporary:
        temporary.write_bytes(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_missing_folder_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"folder .*none does not exist; create it"):
        atomic_path(tmp_path / "none" / "a.csv").__enter__()


def test_folder_in_place_of_the_file_says_so(tmp_path):
    with pytest.raises(IsADirectoryError, match="it is a folder; give a file name"):
        atomic_path(tmp_path).__enter__()


def test_read_only_folder_says_so(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError, match=r"Permission denied in .*; choose another folder"):
        atomic_path(tmp_path / "a.csv").__enter__()


def test_file_held_by_another_program_says_so(tmp_path, monkeypatch):
    old = tmp_path / "a.csv"
    old.write_bytes(b"old")

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Access is denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError, match="close the program that has it open"), atomic_path(old):
        pass
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]


def test_two_writers_do_not_meet(tmp_path):
    with atomic_path(tmp_path / "a") as one, atomic_path(tmp_path / "a") as two:
        assert one != two
        one.write_bytes(b"one")
        two.write_bytes(b"two")
    assert (tmp_path / "a").read_bytes() == b"one"


def test_a_name_that_is_no_utf_8_is_written_as_json_escapes_it(tmp_path):
    name = os.fsdecode(b"fi\xfclm.tif") if os.name == "posix" else "fi\udcfclm.tif"
    write_text(tmp_path / "a.json", json.dumps({"source": name, "unit": "µm"}, ensure_ascii=False))
    assert (tmp_path / "a.json").read_bytes() == b'{"source": "fi\\udcfclm.tif", "unit": "\xc2\xb5m"}'
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["source"] == name


def test_what_is_half_written_is_removed_without_leaving_its_block(tmp_path):
    (folder := tmp_path / "folder").mkdir()
    (folder / "image.png").write_bytes(b"half")
    with unfinished(folder), atomic_path(tmp_path / "table.csv") as temporary:
        temporary.write_text("half")
        remove_unfinished()
        assert list(tmp_path.iterdir()) == []
        temporary.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
    remove_unfinished()
    assert (tmp_path / "table.csv").read_text() == "whole"


HALF = """
import os, signal, sys
from temgrains.files import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_bytes(b"half")
    print("half", flush=True)
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""
SAVE = """
import sys
import time
from temgrains.files import write_text
write_text(sys.argv[1], "whole")
"""


def half_written(path, ending):
    """A process that is in the midst of a save, or was killed there, and its temporary file."""
    before = set(path.parent.iterdir())
    child = subprocess.Popen(
        [sys.executable, "-c", HALF, str(path), ending],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "half\n"
    if ending == "killed":
        child.wait()
    (temporary,) = set(path.parent.iterdir()) - before
    return child, temporary


def save(path):
    subprocess.run([sys.executable, "-c", SAVE, str(path)], check=True)


def age(path, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))


killable = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system")


@killable
def test_what_a_killed_save_left_goes_with_the_next_one(tmp_path):
    path = tmp_path / "film.temgrains"
    child, left = half_written(path, "killed")
    child.communicate()
    assert left.name.startswith(".temgrains-")
    assert left.suffix == ".temgrains"
    save(path)
    assert left.exists(), "it may be of a process elsewhere, as long as it is fresh"
    age(left, 4000)
    save(tmp_path / "other.temgrains")
    assert left.exists(), "it is none of that file's"
    save(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["film.temgrains", "other.temgrains"]


@killable
def test_what_a_living_process_writes_stays(tmp_path):
    path = tmp_path / "a.csv"
    child, temporary = half_written(path, "slow")
    age(temporary, 4000)
    save(path)
    assert temporary.read_bytes() == b"half"
    child.communicate("")
    assert child.returncode == 0
    assert path.read_bytes() == b"half"
    assert list(tmp_path.iterdir()) == [path]


@killable
def test_a_folder_that_was_left_goes_too_and_other_names_stay(tmp_path):
    path = tmp_path / "made"
    child, left = half_written(path, "killed")
    child.communicate()
    left.unlink()
    left.mkdir()
    (left / "image.png").write_bytes(b"half")
    strangers = [
        tmp_path / ".temgrains-0123456789abcdef.csv",
        left.with_name(left.name.replace(".temgrains-", ".temgrains-0")),
        tmp_path / "notes.txt",
    ]
    for stranger in strangers:
        stranger.write_bytes(b"of someone else")
    for file in (left, *strangers):
        age(file, 4000)
    assert temporary_in(tmp_path, "made").parent == tmp_path
    assert sorted(tmp_path.iterdir()) == sorted(strangers)


def test_a_folder_that_is_not_there_is_no_error_of_looking_for_rests(tmp_path):
    assert temporary_in(tmp_path / "no", "a.csv").suffix == ".csv"
