"""Files that change or vanish while they are read, stacks that are not all described, names that are odd."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest
import tifffile

from temgrains.micrograph import UnreadableImage, read

IMAGE = (np.arange(16 * 24) * 7919 % 251).reshape(16, 24).astype(np.uint8)


@pytest.fixture
def path(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", IMAGE)
    return tmp_path / "a.tif"


def during(monkeypatch, *actions):
    """Do something at each decoding, before it."""
    original, left = tifffile.TiffPage.asarray, list(actions)

    def asarray(self, **options):
        if left:
            left.pop(0)()
        return original(self, **options)

    monkeypatch.setattr(tifffile.TiffPage, "asarray", asarray)
    return left


def fail(number):
    raise OSError(number, os.strerror(number))


def test_file_that_is_replaced_while_it_is_read_is_read_again(path, tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "new.tif", IMAGE[::-1])
    during(monkeypatch, lambda: (tmp_path / "new.tif").replace(path))
    np.testing.assert_array_equal(np.rint(read(path).pixels * 250), IMAGE[::-1])


def test_file_that_grows_all_the_time_is_refused(path, monkeypatch):
    def grow():
        with path.open("ab") as file:
            file.write(b"more")

    during(monkeypatch, grow, grow)
    with pytest.raises(UnreadableImage, match=r"a\.tif: it changes while it is read; wait until"):
        read(path)


def test_file_that_vanishes_is_refused(path, monkeypatch):
    during(monkeypatch, path.unlink)
    with pytest.raises(UnreadableImage, match="there is no such file"):
        read(path)


def test_file_that_was_half_written_is_read_again(path, monkeypatch):
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    original, left = tifffile.TiffFile.__init__, [True]

    def opening(self, *arguments, **options):
        original(self, *arguments, **options)
        if left:
            left.pop()
            path.write_bytes(whole)

    monkeypatch.setattr(tifffile.TiffFile, "__init__", opening)
    assert read(path).shape == IMAGE.shape


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
def test_drive_that_fails_once_is_tried_again(number, path, monkeypatch):
    left = during(monkeypatch, lambda: fail(number))
    assert read(path).shape == IMAGE.shape
    assert not left


def test_drive_that_fails_twice_is_said(path, monkeypatch):
    during(monkeypatch, lambda: fail(errno.EIO), lambda: fail(errno.EIO))
    with pytest.raises(UnreadableImage, match=r"it cannot be read .*; check the drive"):
        read(path)


def test_stack_of_imagej_above_4_gb_is_not_taken_for_one_image(tmp_path):
    # Its other images lie behind the first and have no pages of their own.
    stack = np.stack([IMAGE, IMAGE[::-1], IMAGE // 2])
    description = "ImageJ=1.54f\nimages=3\nslices=3\nunit=nm\n"
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack[0], description=description, metadata=None, resolution=(2, 2))
    with path.open("ab") as file:
        file.write(stack[1:].tobytes())
    found = read(path)
    assert (found.notes, found.page) == (("page 1 of 3 was read",), 0)
    with pytest.raises(UnreadableImage, match="only the first of its 3 images is described"):
        read(path, page=1)


def test_stack_of_imagej_with_pages_is_chosen_from(tmp_path):
    stack = np.stack([IMAGE, IMAGE[::-1], IMAGE // 2])
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    found = read(tmp_path / "a.tif", page=1)
    np.testing.assert_array_equal(np.rint(found.pixels * 250), IMAGE[::-1])
    assert found.page == 1


def test_ome_stack_is_chosen_from(tmp_path):
    stack = np.stack([IMAGE, IMAGE[::-1]])
    tifffile.imwrite(
        tmp_path / "a.ome.tif", stack, ome=True, metadata={"axes": "ZYX", "PhysicalSizeX": 0.002}
    )
    found = read(tmp_path / "a.ome.tif", page=1)
    np.testing.assert_array_equal(np.rint(found.pixels * 250), IMAGE[::-1])
    assert (found.page, found.notes) == (1, ("page 2 of 2 was read",))


def test_of_a_pyramid_the_finest_level_is_read(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(IMAGE, subifds=1)
        writer.write(IMAGE[::2, ::2], subfiletype=1)
    found = read(tmp_path / "a.tif")
    assert (found.shape, found.page, found.notes) == (IMAGE.shape, 0, ())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_name_with_a_new_line(tmp_path):
    path = tmp_path / "a\nb.tif"
    tifffile.imwrite(path, IMAGE)
    assert read(path).shape == IMAGE.shape
    path.write_bytes(b"II*\0")
    with pytest.raises(UnreadableImage) as caught:
        read(path)
    assert "\n" not in caught.value.reason
