"""Small files in the formats of microscopes, composed byte by byte from what their specifications say."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (12, 20)


def grey(shape: tuple[int, ...] = SHAPE, dtype: Any = np.uint16) -> np.ndarray:
    """Values that no other order of pixels, frames or bytes passes for."""
    last = 127 if np.dtype(dtype).itemsize == 1 else 32_749
    return (np.arange(np.prod(shape)) * 7919 % last).reshape(shape).astype(dtype)


# ---- MRC


def mrc(
    image: np.ndarray, *, cell: tuple[float, float] = (40.0, 24.0), order: str = "<", **words: int
) -> bytes:
    """Compose an MRC file; ``cell`` is its width and height [Å], ``words`` change words of the header."""
    stack = image if image.ndim == 3 else image[None]
    depth, height, width = stack.shape
    modes = {"i1": 0, "u1": 0, "i2": 1, "f4": 2, "c8": 4, "u2": 6}
    header = bytearray(1024)
    mode = modes[stack.dtype.str[1:]]
    struct.pack_into(f"{order}10i", header, 0, width, height, depth, mode, 0, 0, 0, width, height, depth)
    struct.pack_into(f"{order}6f", header, 40, *cell, float(depth), 90, 90, 90)
    if mode != 4:
        struct.pack_into(f"{order}3f", header, 76, stack.min(), stack.max(), stack.mean())
    header[208:212] = b"MAP "
    header[212:214] = b"DD" if order == "<" else b"\x11\x11"
    for name, value in words.items():
        struct.pack_into(f"{order}i", header, 4 * (int(name.removeprefix("word")) - 1), value)
    return bytes(header) + stack.astype(stack.dtype.newbyteorder(order)).tobytes()


# ---- SER and EMI


def ser(image: np.ndarray, *, metres: tuple[float, float] = (2e-9, 2e-9), **header: int) -> bytes:
    """Compose a SER file of images, whose rows run upwards; ``metres`` is the height and width of a pixel."""
    stack = image if image.ndim == 3 else image[None]
    kinds = {"u1": 1, "u2": 2, "u4": 3, "i1": 4, "i2": 5, "i4": 6, "f4": 7, "f8": 8}
    said = {"version": 528, "kind": 0x4122, "valid": len(stack), "dimensions": 1} | header
    # The size of the series, where it starts and its step, then the lengths of its name and unit: none.
    dimension = struct.pack("<IddIII", len(stack), 0.0, 1.0, 0, 0, 0)
    wide = "I" if said["version"] <= 528 else "Q"
    begin = 26 + struct.calcsize("<" + wide) + len(dimension)
    start = struct.pack(
        "<HHHIIII", 0x4949, 0x0197, said["version"], said["kind"], 0x4152, len(stack), said["valid"]
    )
    start += struct.pack(f"<{wide}I", begin, said["dimensions"]) + dimension
    elements = [
        struct.pack(
            "<ddIddIHII", 0, metres[1], 0, 0, metres[0], 0, kinds[frame.dtype.str[1:]], *frame.shape[::-1]
        )
        + frame[::-1].tobytes()
        for frame in stack
    ]
    tag = struct.pack("<HHI", 0x4152, 0, 0)
    first = begin + 2 * len(stack) * struct.calcsize("<" + wide)
    places = [first + k * (len(elements[0]) + len(tag)) for k in range(len(stack))]
    table = struct.pack(f"<{2 * len(stack)}{wide}", *places, *(place + len(elements[0]) for place in places))
    return start + table + b"".join(element + tag for element in elements)


def emi(mode: str, count: int = 1, **more: tuple[str, str]) -> bytes:
    """Compose an EMI file that describes ``count`` SER files taken in a mode of the microscope.

    ``more`` are values with their units, whose names have an underscore for a blank.
    """
    said = "".join(
        f"<Data><Label>{name.replace('_', ' ')}</Label><Value>{value}</Value><Unit>{unit}</Unit></Data>"
        for name, (value, unit) in {"Mode": (mode, ""), **more}.items()
    )
    description = (
        f"<ObjectInfo><ExperimentalDescription><Root>{said}</Root></ExperimentalDescription>"
        "<AcquireInfo><CameraNamePath>CCD</CameraNamePath></AcquireInfo>"
        "<AcquireDate>Mon Jan 05 10:00:00 2015</AcquireDate></ObjectInfo>"
    )
    return b"JK\0\2\0\0\0\0" + bytes(300) + description.encode() * count


# ---- DM3 and DM4

_KINDS = {"i2": (1, 2), "f4": (2, 6), "c8": (3, 6), "u1": (6, 8), "i4": (7, 3), "u2": (10, 4), "u4": (11, 5)}
"""DigitalMicrograph's codes of an image's pixels, and of the numbers of a tag."""


class _Writer:
    def __init__(self, version: int) -> None:
        self.version = version
        self.long = ">q" if version == 4 else ">i"

    def number(self, value: int) -> bytes:
        return struct.pack(self.long, value)

    def group(self, tags: dict[str, Any], *, root: bool = False) -> bytes:
        written = b"".join(self.tag(name, value) for name, value in tags.items())
        size = self.number(len(written)) if self.version == 4 and not root else b""
        return size + b"\1\0" + self.number(len(tags)) + written

    def tag(self, name: str, value: Any) -> bytes:
        # Lists have no names in the file.
        bare = b"" if name.startswith("TagGroup") or name.isdigit() else name.encode()
        kind = 20 if isinstance(value, dict) else 21
        body = self.group(value) if isinstance(value, dict) else self.value(value)
        return struct.pack(">BH", kind, len(bare)) + bare + body

    def value(self, value: Any) -> bytes:
        if isinstance(value, str):
            layout, packed = [20, 4, len(value)], value.encode("utf-16-le")
        elif isinstance(value, float):
            layout, packed = [6], struct.pack("<f", value)
        elif isinstance(value, int):
            layout, packed = [5], struct.pack("<I", value)
        elif value.dtype.kind == "c":
            layout, packed = [20, 15, 0, 2, 0, 6, 0, 6, value.size], value.tobytes()
        else:
            layout, packed = [20, _KINDS[value.dtype.str[1:]][1], value.size], value.tobytes()
        body = b"%%%%" + self.number(len(layout)) + b"".join(map(self.number, layout)) + packed
        return (self.number(len(body)) if self.version == 4 else b"") + body


def dm_image(
    image: np.ndarray, name: str, pixel: tuple[tuple[float, str], ...], kind: int | None
) -> dict[str, Any]:
    sizes = image.shape[::-1]
    axes = pixel[::-1] + ((1.0, ""),) * (image.ndim - len(pixel))
    scales = {
        f"TagGroup{k}": {"Origin": 0.0, "Scale": size, "Units": unit} for k, (size, unit) in enumerate(axes)
    }
    data = {
        "Calibrations": {"Brightness": {"Origin": 0.0, "Scale": 1.0, "Units": ""}, "Dimension": scales},
        "Data": image.ravel(),
        "DataType": _KINDS[image.dtype.str[1:]][0] if kind is None else kind,
        "Dimensions": {str(k): size for k, size in enumerate(sizes)},
        "PixelDepth": image.dtype.itemsize,
    }
    return {"ImageData": data, "ImageTags": {"Comment": "drawn"}, "Name": name}


def dm(
    *images: np.ndarray,
    version: int = 3,
    pixel: tuple[tuple[float, str], ...] = ((2.0, "nm"), (2.0, "nm")),
    kind: int | None = None,
    tags: dict[str, Any] | None = None,
) -> bytes:
    """Compose a DM3 or DM4 file; ``pixel`` is a pixel's height and width, each with its unit."""
    pictures: dict[str, Any] = {
        f"TagGroup{k}": dm_image(image, f"image {k}", pixel[-image.ndim :], kind)
        for k, image in enumerate(images)
    }
    for picture in pictures.values():
        picture["ImageTags"] |= tags or {}
    body = _Writer(version).group({"ImageList": pictures}, root=True)
    length = struct.pack(">q" if version == 4 else ">i", len(body))
    return struct.pack(">i", version) + length + struct.pack(">i", 1) + body + bytes(8)


# ---- EMD


def ncem(
    path: Path, image: np.ndarray, *, units: tuple[str, ...] = ("[n_m]", "[n_m]"), step: float = 2.0
) -> None:
    """Write an EMD file by the specification of NCEM: the first dimension is x."""
    import h5py  # noqa: PLC0415

    with h5py.File(path, "w") as file:
        file.attrs["version_major"], file.attrs["version_minor"] = 0, 2
        group = file.create_group("data/film")
        group.attrs["emd_group_type"] = 1
        group["data"] = image.T
        for k, size in enumerate(image.T.shape, start=1):
            group[f"dim{k}"] = np.arange(size) * step
            group[f"dim{k}"].attrs["name"] = f"axis {k}"
            group[f"dim{k}"].attrs["units"] = units[k - 1] if k <= len(units) else "[]"


def velox(
    path: Path,
    images: dict[str, np.ndarray],
    *,
    unit: str = "m",
    metres: float = 2e-9,
    **more: dict[str, Any],
) -> None:
    """Write an EMD file as Velox does: images (y, x, frame), and what is known of them as JSON in bytes.

    ``more`` are groups of what is known.
    """
    import h5py  # noqa: PLC0415

    def said(value: Any) -> np.ndarray:
        content = np.zeros((2000, 1), np.uint8)
        text = np.frombuffer(json.dumps(value).encode(), np.uint8)
        content[: len(text), 0] = text
        return content

    with h5py.File(path, "w") as file:
        file["Version"] = np.array([json.dumps({"format": "Velox", "version": "11"}).encode()])
        for k, (name, image) in enumerate(images.items()):
            stack = image if image.ndim == 3 else image[None]
            group = file.create_group(f"Data/Image/{k:032x}")
            group.create_dataset("Data", data=np.moveaxis(stack, 0, 2), chunks=(*stack.shape[1:], 1))
            group["Metadata"] = said(
                {
                    "BinaryResult": {
                        "PixelSize": {"width": str(metres), "height": str(metres)},
                        "Offset": {"x": "0", "y": "0"},
                        "PixelUnitX": unit,
                        "PixelUnitY": unit,
                        "Detector": name,
                        "DetectorIndex": "0",
                    },
                    "Scan": {"FrameTime": "1"},
                    "Detectors": {"Detector-0": {"DetectorName": name, "DetectorType": "ScanningDetector"}},
                    "Core": {},
                    "Instrument": {},
                    "Acquisition": {},
                    "Optics": {},
                    "Stage": {},
                    "CustomProperties": {},
                }
                | more
            )
