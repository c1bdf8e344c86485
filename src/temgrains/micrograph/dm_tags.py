"""The tags of a DM3 or DM4 file, walked before it is read: nothing in it may claim more than there is.

A tag is a name and a group of tags, or a name and a value, before which stands its layout: a number, a text,
an array, a structure. A damaged layout may ask for terabytes, lead backwards, or have no end.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from temgrains.micrograph.pixels import refuse

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_BYTES = {2: 2, 3: 4, 4: 2, 5: 4, 6: 4, 7: 8, 8: 1, 9: 1, 10: 1, 11: 8, 12: 8}
"""Of the numbers, by their code."""
_STRUCTURE, _TEXT, _ARRAY = 15, 18, 20
_VALUE, _GROUP = 21, 20
_DEPTH_MAX = 50
_LIST_MAX = 2**23
"""Values of one tag, other than pixels, which are read one by one."""


def is_dm(start: bytes) -> bool:
    """Whether a file begins like DM3 or DM4."""
    if len(start) < 16 or start[:3] != b"\0\0\0" or start[3] not in (3, 4):
        return False
    at = 8 if start[3] == 3 else 12
    return struct.unpack_from(">I", start, at)[0] in (0, 1)


def check_dm(path: Path) -> None:
    """Refuse a DM3 or DM4 file whose tags are damaged or not all there."""
    with path.open("rb") as file:
        version = file.read(4)[-1]
        file.seek(12 if version == 3 else 16)
        _Walk(path, file, wide=version == 4, size=path.stat().st_size).group("", 0, root=True)


@dataclass(slots=True)
class _Walk:
    """A walk along the tags; the place in the file is where it stands."""

    path: Path
    file: BinaryIO
    wide: bool
    size: int
    long: struct.Struct = field(init=False)

    def __post_init__(self) -> None:
        self.long = struct.Struct(">q" if self.wide else ">i")

    def group(self, name: str, depth: int, *, root: bool = False) -> None:
        """Walk along a group of tags."""
        if depth > _DEPTH_MAX:
            self._damaged(f"its tags are nested more than {_DEPTH_MAX} deep")
        self._skip(2 + (8 if self.wide and not root else 0))
        count = self._long()
        if not 0 <= count <= (self.size - self.file.tell()) // 3:
            self._damaged(f"a group claims {count} tags")
        for _ in range(count):
            kind, length = struct.unpack(">BH", self._read(3))
            below = self._read(length).decode("latin-1")
            if kind == _GROUP:
                self.group(below, depth + 1)
            elif kind == _VALUE:
                self._value(pixels=(name, below) == ("ImageData", "Data"))
            else:
                self._damaged(f"a tag is of the unknown kind {kind}")

    def _value(self, *, pixels: bool) -> None:
        self._skip(8 if self.wide else 0)
        if self._read(4) != b"%%%%":
            self._damaged("a value does not begin as it must")
        length = self._long()
        if not 1 <= length <= (self.size - self.file.tell()) // self.long.size:
            self._damaged(f"a layout claims {length} numbers")
        # Structures have a handful of fields; each of them costs more than the one before when it is read.
        if length > 10_000:
            self._damaged(f"a value is a structure of {length} numbers")
        layout = [self._long() for _ in range(length)]
        count, each, bytes_each = self._extent(layout)
        if not pixels and count * each > _LIST_MAX:
            self._damaged(f"a tag that is no image claims {count * each} values")
        if count and not bytes_each:
            self._damaged(f"a tag claims {count} values of no size")
        self._skip(count * bytes_each)

    def _extent(self, layout: list[int]) -> tuple[int, int, int]:
        """Give how many elements a value has, numbers per element, and bytes per element."""
        kind, rest = layout[0], layout[1:]
        if not rest and kind in _BYTES:
            return 1, 1, _BYTES[kind]
        if kind == _TEXT and len(rest) == 1 and rest[0] >= 0:
            return rest[0], 1, 1
        if kind == _ARRAY and len(rest) == 2 and rest[0] in _BYTES and rest[1] >= 0:
            return rest[1], 1, _BYTES[rest[0]]
        if kind == _STRUCTURE:
            return 1, *self._fields(rest)
        if kind == _ARRAY and rest and rest[0] == _STRUCTURE and rest[-1] >= 0:
            return rest[-1], *self._fields(rest[1:-1])
        return self._damaged(f"a value has the unknown layout {layout[:4]}")

    def _fields(self, layout: list[int]) -> tuple[int, int]:
        """Give how many fields a structure has and their bytes, from the lengths of names and the types."""
        kinds = layout[3::2]
        if len(layout) < 2 or layout[1] != len(kinds) or not set(kinds) <= _BYTES.keys():
            self._damaged("a structure has unknown fields")
        return len(kinds), sum(_BYTES[kind] for kind in kinds)

    def _long(self) -> int:
        return int(self.long.unpack(self._read(self.long.size))[0])

    def _read(self, count: int) -> bytes:
        read = self.file.read(count)
        if len(read) < count:
            self._damaged("it ends within a tag")
        return read

    def _skip(self, count: int) -> None:
        if self.file.tell() + count > self.size:
            self._damaged("it ends within a value")
        self.file.seek(count, 1)

    def _damaged(self, what: str) -> NoReturn:
        refuse(self.path, f"it is cut short or damaged ({what}); copy it again from its source")
