"""What the headers of SER, EMI, MRC and EMD files claim, held against the file's size before it is read."""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from temgrains.micrograph.pixels import check_extent, check_packing, refuse

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

SER_START = b"II\x97\x01"
EMI_START = b"JK\0\2\0"
HDF5_START = b"\x89HDF\r\n\x1a\n"
_SER_SPECTRUM, _SER_IMAGE = 0x4120, 0x4122
_SER_BYTES = {1: 1, 2: 2, 3: 4, 4: 1, 5: 2, 6: 4, 7: 4, 8: 8, 9: 8, 10: 16}
_MRC_BYTES = {0: 1, 1: 2, 2: 4, 4: 8, 6: 2, 12: 2}
_IMOD = 1146047817
"""Marks headers of IMOD, whose flags say whether bytes have a sign."""
_RATIO_MAX = 1100
"""How many times smaller than its pixels a file can be: gzip reaches 1032."""


def _cut(path: Path) -> NoReturn:
    refuse(path, "it is cut short or damaged: not all of its pixels are there; copy it again from its source")


def check_ser(path: Path) -> None:
    """Refuse a SER file that is no series of images, or whose images are not all there."""
    size = path.stat().st_size
    with path.open("rb") as file:
        version, kind, valid, table, dimensions = _ser_header(path, file)
        if kind == _SER_SPECTRUM:
            refuse(path, "it holds spectra, not images; give the file of the image")
        if kind != _SER_IMAGE or not 1 <= dimensions <= 4:
            refuse(path, f"its header is damaged (data {kind:#x}, {dimensions} dimensions); copy it again")
        if valid == 0:
            refuse(path, "it holds no image: the acquisition was stopped before the first; give another file")
        _skip_dimensions(path, file, dimensions, size)
        wide = 4 if version <= 528 else 8
        if table + valid * wide > size:
            _cut(path)
        file.seek(table)
        offsets = struct.unpack(f"<{valid}{'IQ'[wide // 8]}", file.read(valid * wide))
        shapes = {_ser_element(path, file, offset, size) for offset in offsets}
    if len(shapes) > 1:
        refuse(path, f"its images differ in size {sorted(shapes)}; save one of them")
    ((height, width, each),) = shapes
    check_extent(path, height, width, valid * each)


def _ser_header(path: Path, file: BinaryIO) -> tuple[int, int, int, int, int]:
    """Give version, kind of data, number of images, place of their offsets, and dimensions of the series."""
    start = file.read(34)
    if len(start) < 34:
        _cut(path)
    version, kind, _, _, valid = struct.unpack_from("<HIIII", start, 4)
    layout = "<II" if version <= 528 else "<QI"
    table, dimensions = struct.unpack_from(layout, start, 22)
    file.seek(22 + struct.calcsize(layout))
    return version, kind, valid, table, dimensions


def _skip_dimensions(path: Path, file: BinaryIO, count: int, size: int) -> None:
    for _ in range(count):
        file.seek(24, 1)
        for _ in ("description", "unit"):
            length = file.read(4)
            if len(length) < 4 or file.tell() + struct.unpack("<I", length)[0] > size:
                _cut(path)
            file.seek(struct.unpack("<I", length)[0], 1)


def _ser_element(path: Path, file: BinaryIO, offset: int, size: int) -> tuple[int, int, int]:
    """Give height, width and bytes of one image of a series."""
    file.seek(min(offset, size))
    start = file.read(50)
    if len(start) < 50:
        _cut(path)
    kind, width, height = struct.unpack_from("<HII", start, 40)
    if kind not in _SER_BYTES:
        refuse(path, f"its pixels are of the unknown kind {kind}; it may be damaged; copy it again")
    needed = width * height * _SER_BYTES[kind]
    if offset + 50 + needed > size:
        _cut(path)
    return height, width, needed


def check_emi(path: Path) -> list[Path]:
    """Give the SER files that belong to an EMI file, each of them checked."""
    content = path.read_bytes()
    pieces = content.count(b"<ObjectInfo>")
    if pieces != content.count(b"</ObjectInfo>") or pieces > 100:
        refuse(path, "it is cut short or damaged: its descriptions do not end; copy it again from its source")
    name = re.compile(re.escape(path.stem) + r"_[0-9]\.ser")
    series = sorted(other for other in path.parent.iterdir() if name.fullmatch(other.name))
    if not series:
        refuse(path, f"its pixels are in {path.stem}_1.ser, which is not beside it; copy both")
    for other in series:
        check_ser(other)
    return series


@dataclass(frozen=True, slots=True)
class MrcHeader:
    """What of an MRC header decides how the rest is read."""

    endianness: str
    signed_bytes: bool
    sampled: bool
    """Whether it gives the number of pixels that its cell has, without which there is no scale."""


def check_mrc(path: Path) -> MrcHeader:
    """Refuse an MRC file whose images are not all there."""
    with path.open("rb") as file:
        start = file.read(1024)
    if len(start) < 1024:
        _cut(path)
    stamped = start[212] in (0x11, 0x44)
    endianness = ">" if (start[212] == 0x11 if stamped else start[:2] == b"\0\0") else "<"
    width, height, depth, mode = struct.unpack_from(f"{endianness}4i", start)
    (extended,) = struct.unpack_from(f"{endianness}i", start, 92)
    if mode not in _MRC_BYTES or min(width, height, depth) < 1 or extended < 0:
        refuse(
            path,
            f"it is no MRC file or damaged ({depth} x {height} x {width} px, mode {mode}); save it as TIFF",
        )
    if 1024 + extended + width * height * depth * _MRC_BYTES[mode] > path.stat().st_size:
        _cut(path)
    columns, rows = struct.unpack_from(f"{endianness}2i", start, 28)
    (lowest,) = struct.unpack_from(f"{endianness}f", start, 76)
    stamp, flags = struct.unpack_from(f"{endianness}2i", start, 152)
    signed = mode == 0 and (bool(flags & 1) if stamp == _IMOD else -128 <= lowest < 0)
    return MrcHeader(endianness, signed, columns > 0 and rows > 0)


def check_hdf5(path: Path) -> None:
    """Refuse an HDF5 file whose data sets claim more than it can hold, or whose images are not all there."""
    import h5py  # noqa: PLC0415

    limit = _RATIO_MAX * path.stat().st_size

    def check(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset) or item.shape is None:
            return
        if item.is_virtual or item.external:
            refuse(path, f"its data set {name} lies in other files; copy it into one")
        if math.prod(item.shape) * item.dtype.itemsize > limit:
            shape = " x ".join(map(str, item.shape))
            refuse(path, f"its data set {name} claims {shape} values, more than the file can hold")
        if name.startswith("Data/Image/") or "emd_group_type" in item.parent.attrs:
            if not _complete(item):
                _cut(path)
            if item.chunks is not None:
                check_packing(path, item.size * item.dtype.itemsize, item.id.get_storage_size())

    with h5py.File(path, "r") as file:
        file.visititems(check)


def _complete(item: Any) -> bool:
    """Whether all pixels of a data set were ever written; the others would be read as zeros."""
    if not item.size or item.dtype.kind not in "iufcV":
        return True
    if item.chunks is None:
        return bool(item.id.get_storage_size() >= item.size * item.dtype.itemsize)
    chunks = math.prod(math.ceil(side / chunk) for side, chunk in zip(item.shape, item.chunks, strict=True))
    return bool(item.id.get_num_chunks() == chunks)
