"""Chosen columns and row groups of a Parquet file, without reading the rest.

arro3 reads whole files only. A Parquet file ends in a footer that says where each column of each row group lies, so a footer
that names fewer of them is all it takes: arro3 is given the file with such a footer in place of its own, and reads just those bytes.
The footer is a Thrift struct in the compact protocol (Parquet format, `parquet.thrift`).
"""

from __future__ import annotations

import io
import os
import struct
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from mien.errors import DataError, SourceMissing

MAGIC = b"PAR1"
STRUCT, LIST, BINARY, I64 = 12, 9, 8, 6
FALSE, TRUE, BYTE, DOUBLE, SET = 2, 1, 3, 7, 10

Struct: TypeAlias = dict[int, tuple[int, Any]]
"""Field number -> (type, value). Integers stay zigzag-coded, a list is (type of its items, items)."""


class RowGroups:
    """A Parquet file for reading parts of it. It is open until nobody holds this any more, so that replacing it by another of its name does
    not mix the two. On Windows, where nothing can replace a file that is open, it is open while it is read, and one that was replaced is
    refused.

    Raises SourceMissing where there is no such file, DataError where it is no whole Parquet file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = self._opened()
        weakref.finalize(self, self._file.close)
        self._is = os.fstat(self._file.fileno())
        try:
            self._body, raw = _footer(self._file)
            self._meta: Struct = _Thrift(raw).value(STRUCT)
            self.columns = _columns(_items(self._meta, 2))
            """Names of all columns, each a tuple of its parts: ("image", "bytes")."""
            self._groups: list[Struct] = _items(self._meta, 4)
            self.rows = [_int(group, 3) for group in self._groups]
            """Rows of each row group."""
            self.metadata = {pair[1][1].decode(): pair[2][1].decode() for pair in _items(self._meta, 5) if 2 in pair}
            """What the file's writer noted in the footer."""
        except (ValueError, KeyError, IndexError, TypeError, OSError) as error:
            self._file.close()
            raise DataError(f"{path}: not a whole Parquet file ({error})") from None
        if sys.platform == "win32":
            self._file.close()

    def read(self, columns: list[tuple[str, ...]], group: int | None = None) -> Iterator[Any]:
        """The columns of one row group or of all, as arro3's record batches. Not for several threads at once.

        Raises DataError where they cannot be decoded, or where the file was replaced meanwhile.
        """
        from arro3.io import read_parquet

        file = self._again() if sys.platform == "win32" else self._file
        try:
            try:
                view: Any = self._view(file, columns, group)
                reader = read_parquet(view, batch_size=1 << 16)
            except Exception as error:  # arro3's own exceptions have no common base but Exception
                raise DataError(f"{self.path}: cannot be read ({' '.join(str(error).split())})") from error
            yield from reader
        finally:
            if file is not self._file:  # arro3 may keep the view until it is called again
                file.close()

    def _opened(self) -> BinaryIO:
        try:
            return self.path.open("rb")
        except FileNotFoundError:
            raise SourceMissing(f"{self.path}: no such file") from None
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read ({error.strerror or error})") from None

    def _again(self) -> BinaryIO:
        file = self._opened()
        now = os.fstat(file.fileno())
        if not os.path.samestat(now, self._is) or (now.st_size, now.st_mtime_ns) != (self._is.st_size, self._is.st_mtime_ns):
            file.close()
            raise DataError(f"{self.path}: was replaced while it was in use; begin again")
        return file

    def _view(self, file: BinaryIO, columns: list[tuple[str, ...]], group: int | None) -> _View:
        wanted = {self.columns.index(name) for name in columns}
        groups = self._groups if group is None else [self._groups[group]]
        footer = dict(self._meta)
        footer[2] = (LIST, (STRUCT, _pruned(_items(self._meta, 2), wanted)))
        footer[3] = (I64, sum(_int(g, 3) for g in groups) << 1)
        footer[4] = (LIST, (STRUCT, [g | {1: (LIST, (STRUCT, _chosen(_items(g, 1), wanted)))} for g in groups]))
        footer.pop(5, None)  # among the notes is the Arrow schema of all columns, which would contradict
        if 7 in footer:
            footer[7] = (LIST, (STRUCT, _chosen(_items(footer, 7), wanted)))
        raw = bytearray()
        _encode(STRUCT, footer, raw)
        return _View(file, self._body, bytes(raw) + struct.pack("<I", len(raw)) + MAGIC)


class _View(io.RawIOBase):
    """The first `body` bytes of a file, and then a tail from memory."""

    def __init__(self, file: Any, body: int, tail: bytes) -> None:
        self._file, self._body, self._tail, self._at = file, body, tail, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._body + len(self._tail)}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        room = memoryview(buffer)
        if self._at < self._body:
            self._file.seek(self._at)
            got: int = self._file.readinto(room[: self._body - self._at])
        else:
            part = self._tail[self._at - self._body :][: len(room)]
            room[: len(part)] = part
            got = len(part)
        self._at += got
        return got


def _footer(file: Any) -> tuple[int, bytes]:
    size = file.seek(0, io.SEEK_END)
    if size < 12:
        raise ValueError(f"{size} bytes")
    file.seek(-8, io.SEEK_END)
    length, magic = struct.unpack("<I4s", file.read(8))
    if magic != MAGIC or length > size - 12:
        raise ValueError("it does not end as one: not one, or cut short")
    file.seek(size - 8 - length)
    return size - 8 - length, file.read(length)


def _items(fields: Struct, number: int) -> list[Any]:
    items: list[Any] = fields[number][1][1] if number in fields else []
    return items


def _int(fields: Struct, number: int) -> int:
    coded: int = fields[number][1]
    return (coded >> 1) ^ -(coded & 1)


def _chosen(items: list[Any], wanted: set[int]) -> list[Any]:
    return [item for i, item in enumerate(items) if i in wanted]


def _children(element: Struct) -> int:
    return _int(element, 5) if 5 in element else 0


def _columns(schema: list[Struct]) -> list[tuple[str, ...]]:
    """Names of the leaves of a schema, which is a tree written depth first."""
    names: list[tuple[str, ...]] = []

    def walk(at: int, above: tuple[str, ...]) -> int:
        for _ in range(_children(schema[at])):
            at += 1
            name = (*above, schema[at][4][1].decode())
            if _children(schema[at]):
                at = walk(at, name)
            else:
                names.append(name)
        return at

    walk(0, ())
    return names


def _pruned(schema: list[Struct], wanted: set[int]) -> list[Struct]:
    """The schema without the leaves that are not wanted and the branches that then have none."""
    leaf = -1

    def walk(at: int) -> tuple[int, list[Struct]]:
        nonlocal leaf
        element = schema[at]
        if not _children(element):
            leaf += 1
            return at + 1, [element] if leaf in wanted else []
        at, kept, below = at + 1, 0, []
        for _ in range(_children(element)):
            at, part = walk(at)
            kept += bool(part)
            below += part
        return at, [element | {5: (element[5][0], kept << 1)}, *below] if kept else []

    return walk(0)[1]


class _Thrift:
    """Reads Thrift's compact protocol."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def value(self, kind: int) -> Any:
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind in (4, 5, I64):
            return self._varint()
        if kind in (BYTE, DOUBLE, BINARY):
            return self._bytes({BYTE: 1, DOUBLE: 8}.get(kind) or self._varint())
        if kind in (LIST, SET):
            return self._list()
        if kind == STRUCT:
            return self._struct()
        raise ValueError(f"its footer has a value of type {kind}")

    def _bytes(self, n: int) -> bytes:
        self._at += n
        return self._data[self._at - n : self._at]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._data[self._at]
            self._at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def _list(self) -> tuple[int, list[Any]]:
        head = self._bytes(1)[0]
        n, kind = head >> 4, head & 15
        n = self._varint() if n == 15 else n
        if kind in (TRUE, FALSE):  # in a list a byte each
            return kind, list(self._bytes(n))
        return kind, [self.value(kind) for _ in range(n)]

    def _struct(self) -> Struct:
        fields: Struct = {}
        number = 0
        while head := self._data[self._at]:
            self._at += 1
            if head >> 4:
                number += head >> 4
            else:
                coded = self._varint()
                number = (coded >> 1) ^ -(coded & 1)
            fields[number] = (head & 15, self.value(head & 15))
        self._at += 1
        return fields


def _encode(kind: int, value: Any, out: bytearray) -> None:
    """Append a value as _Thrift read it."""
    if kind in (4, 5, I64):
        _encode_varint(value, out)
    elif kind in (BYTE, DOUBLE):
        out += value
    elif kind == BINARY:
        _encode_varint(len(value), out)
        out += value
    elif kind in (LIST, SET):
        inner, items = value
        if len(items) < 15:
            out.append(len(items) << 4 | inner)
        else:
            out.append(0xF0 | inner)
            _encode_varint(len(items), out)
        if inner in (TRUE, FALSE):
            out += bytes(items)
        else:
            for item in items:
                _encode(inner, item, out)
    elif kind == STRUCT:
        last = 0
        for number, (inner, field) in value.items():
            if 0 < number - last < 16:
                out.append((number - last) << 4 | inner)
            else:
                out.append(inner)
                _encode_varint(number << 1, out)
            _encode(inner, field, out)
            last = number
        out.append(0)


def _encode_varint(value: int, out: bytearray) -> None:
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
