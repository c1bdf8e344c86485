"""Files of other kinds by name, and known causes of damage in words."""

from __future__ import annotations

import io
import json
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image
from tifffile import TiffFileError

from temgrains.micrograph import UnreadableImage, read
from temgrains.micrograph.strangers import cause, stranger

GREY = (np.arange(64 * 64).reshape(64, 64) * 7919 % 251).astype(np.uint8)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"PK\3\4\x14\0", "it is a ZIP archive (or an Office document); unpack it"),
        (b"%PDF-1.7", "it is a PDF; export the image as TIFF"),
        (b"BM\x36\0\0\0\0\0\0\0\x36", "it is a BMP image"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "it is a WebP image"),
        (b"\0\0\0\x18ftypheic", "it is a HEIC or AVIF photograph"),
        (b"\x1f\x8b\x08", "it is compressed by gzip; unpack it first"),
        (b"Salted__1234", "it is encrypted; decrypt it first"),
        (b"ZISRAWFILE", "it is a CZI file of Zeiss"),
        (b"SIMPLE  =                    T", "it is a FITS file"),
        (b"\x93NUMPY\1\0", "it is an array of NumPy; load it in Python"),
        (b"\0" * 256, "it begins with nothing but zeros, as when copying it failed"),
    ],
)
@pytest.mark.parametrize("name", ["a.tif", "a.dm3", "a.mrc"])
def test_files_of_other_kinds_are_named(start, said, name, tmp_path):
    (tmp_path / name).write_bytes(start)
    with pytest.raises(UnreadableImage) as caught:
        read(tmp_path / name)
    assert caught.value.reason.startswith(said)


@pytest.mark.parametrize("start", [b"BM is no picture", b"RIFF\0\0\0\0WAVE", b"\0\0\1\0", b"plain text"])
def test_what_only_begins_alike_is_not_named(start):
    assert not stranger(start)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_pictures_cut_short_are_called_so(kind, tmp_path):
    whole = io.BytesIO()
    Image.fromarray(GREY).save(whole, kind)
    path = tmp_path / "a.png"
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    with pytest.raises(UnreadableImage, match="it is cut short: not all of it is there; copy it again"):
        read(path)


def test_a_tiff_without_pages_is_called_so(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"II*\0" + b"\0" * 60)
    with pytest.raises(UnreadableImage, match="it holds no page: its directory is missing or cut off"):
        read(tmp_path / "a.tif")


def test_damaged_compressed_pixels_are_called_so(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY, compression="zlib")
    with tifffile.TiffFile(path) as tif:
        at = tif.pages[0].dataoffsets[0]
    content = bytearray(path.read_bytes())
    content[at : at + 40] = b"\xff" * 40
    path.write_bytes(content)
    with pytest.raises(UnreadableImage, match="its compressed pixels are damaged"):
        read(path)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("Unable to open file (truncated file: eof = 3)"), "it is cut short"),
        (EOFError(), "it is cut short"),
        (zlib.error("Error -3 while decompressing data"), "its compressed pixels are damaged"),
        (OSError("Can't read data (can't open directory: plugin)"), "its pixels are packed by a filter"),
        (OSError("required filter 'lz4' is not registered"), "its pixels are packed by a filter"),
        (TiffFileError("corrupted IFD structure"), "the directory of this TIFF is damaged"),
        (OSError("Unable to open object"), "its HDF5 structure is damaged"),
        (struct.error("unpack requires 4 bytes"), "it is damaged: it ends within a number"),
        (RuntimeError("Object visitation failed (bad object header)"), "its HDF5 structure is damaged"),
        (KeyError("Unable to synchronously open object (addr overflow)"), "its HDF5 structure is damaged"),
        (RuntimeError("Can't iterate over symbol table"), "its HDF5 structure is damaged"),
        (json.JSONDecodeError("Extra data", "{}{}", 2), "what it says about its images is damaged"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), "what it says about its images is damaged"),
        (MemoryError(), "there is not enough memory for it"),
        (IndexError("list index out of range"), ""),
        (RuntimeError("generator raised StopIteration"), ""),
    ],
)
def test_known_causes_are_said_in_words(error, said):
    assert cause(error).startswith(said)
    assert bool(cause(error)) == bool(said)
