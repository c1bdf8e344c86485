"""Files of other kinds, and what decoders say of damaged ones: by name, with what to do."""

from __future__ import annotations

import re
import struct
import zlib
from json import JSONDecodeError

from tifffile import TiffFileError

_COPY = "copy it again from its source"
_EXPORT = "export the image as TIFF"
_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"PK\3\4", "it is a ZIP archive (or an Office document); unpack it and give the image"),
    (b"PK\5\6", "it is an empty ZIP archive; copy it again from its source"),
    (b"7z\xbc\xaf", "it is a 7z archive; unpack it and give the image"),
    (b"Rar!", "it is a RAR archive; unpack it and give the image"),
    (b"\x1f\x8b", "it is compressed by gzip; unpack it first"),
    (b"BZh", "it is compressed by bzip2; unpack it first"),
    (b"\xfd7zXZ", "it is compressed by xz; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "it is compressed by zstd; unpack it first"),
    (b"%PDF", f"it is a PDF; {_EXPORT} from the program that made it"),
    (b"GIF8", "it is a GIF; save it as PNG or TIFF"),
    (b"8BPS", "it is a Photoshop file; save it as TIFF"),
    (b"\0\0\0\x0cjP  ", "it is a JPEG 2000 image; save it as PNG or TIFF"),
    (b"\xff\x4f\xff\x51", "it is a JPEG 2000 image; save it as PNG or TIFF"),
    (b"ZISRAWFILE", f"it is a CZI file of Zeiss; {_EXPORT}"),
    (b"\xd0\xcf\x11\xe0", f"it is an OLE container, such as a protected Office document or ZVI; {_EXPORT}"),
    (b"SIMPLE  =", f"it is a FITS file; {_EXPORT}"),
    (b"CDF\1", f"it is a NetCDF file; {_EXPORT}"),
    (b"CDF\2", f"it is a NetCDF file; {_EXPORT}"),
    (
        b"\x93NUMPY",
        "it is an array of NumPy; load it in Python and give it to from_array",
    ),
    (b"MATLAB ", f"it is a MATLAB file; {_EXPORT}"),
    (b"Salted__", "it is encrypted; decrypt it first"),
    (b"-----BEGIN PGP", "it is encrypted; decrypt it first"),
    (b"version https://git-lfs", "it stands for a file that Git LFS has not fetched; run git lfs pull"),
)
"""How files of other kinds begin, and what to do with them."""
_HDF5 = re.compile(r"^'?(unable to|can't|error iterating)|failed \(")
"""How HDF5 begins or ends what it says."""


def stranger(start: bytes) -> str:
    """Name the kind of a file that is not read, by its first bytes; "" for an unknown one."""
    if start.lstrip()[:5].lower() in (b"<!doc", b"<html"):
        return "it is a web page, not an image; download the image itself"
    if not start.strip(b"\0"):
        return f"it begins with nothing but zeros, as when copying it failed; {_COPY}"
    if start[:2] == b"BM" and start[6:10] == b"\0\0\0\0":
        return "it is a BMP image; save it as PNG or TIFF"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "it is a WebP image; save it as PNG or TIFF"
    if start[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif"):
        return "it is a HEIC or AVIF photograph; save it as PNG or TIFF"
    return next((said for begins, said in _STARTS if start.startswith(begins)), "")


def why(error: Exception) -> str:
    """Say in one sentence why a decoder failed, and what to do."""
    return cause(error) or (
        f"it is damaged or in a variant that is not read ({_brief(error)}); save it as plain TIFF"
    )


def cause(error: Exception) -> str:
    """Say in words why a decoder failed, "" if what it says leaves that open."""
    said = " ".join(str(error).lower().split())
    lacks_filter = "filter" in said and ("not available" in said or "not registered" in said)
    in_hdf5 = isinstance(error, OSError | RuntimeError | KeyError) and _HDF5.search(said) is not None
    known = (
        (isinstance(error, MemoryError), "there is not enough memory for it; close other programs"),
        (
            "truncated" in said or "unexpected end of" in said or isinstance(error, EOFError),
            f"it is cut short: not all of it is there; {_COPY}",
        ),
        (
            "decompress" in said or "broken png" in said or isinstance(error, zlib.error),
            f"its compressed pixels are damaged ({said[:80]}); {_COPY}",
        ),
        (
            lacks_filter or "plugin" in said,
            f"its pixels are packed by a filter of HDF5 that is not installed; {_EXPORT}",
        ),
        (isinstance(error, TiffFileError), f"the directory of this TIFF is damaged ({said[:80]}); {_COPY}"),
        (in_hdf5, f"its HDF5 structure is damaged ({said[:100]}); {_COPY}"),
        (
            isinstance(error, UnicodeDecodeError | JSONDecodeError),
            f"what it says about its images is damaged ({_brief(error)[:100]}); {_COPY}",
        ),
        (isinstance(error, struct.error), f"it is damaged: it ends within a number; {_COPY}"),
    )
    return next((sentence for is_so, sentence in known if is_so), "")


def _brief(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    said = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return said if len(said) <= 160 else said[:159] + "…"
