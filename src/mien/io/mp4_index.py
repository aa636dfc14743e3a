"""How much FFmpeg would have to remember of an MP4 before its first frame: a header of a kilobyte can promise a billion samples.

Boxes as in ISO/IEC 14496-12 and in Apple's QuickTime File Format. What counts is what FFmpeg (libavformat/mov.c) makes of them, which
looks for tables in more boxes than the standard lets them stand in. What is no such file is nobody's concern here.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

MOST_SAMPLES = 10_000_000
"""Of all tracks together, half a gigabyte of FFmpeg's index: more than a day of 60 frames a second with its sound has."""
MOST_REPEATED = 2_000_000
"""Samples times edits of a track that is played in more than two pieces: each may be all of it. Two hours in nine pieces have fewer."""
MOST_TRACKS = 64
MOST_BYTES = 256_000_000
"""Of the boxes that describe the tracks; a film of hours has a few million."""
MOST_BOXES = 2_000_000
"""Among them; ten hours in fragments of a second have half a million."""
SAMPLES_AT_ONCE = 512
"""Sound of which each sample lasts a tick, such as PCM, is remembered by at least so many."""
INSIDE = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"tref", b"udta", b"ilst", b"wave", b"sinf", b"schi"}
INSIDE |= {b"moof", b"traf", b"mvex", b"iprp", b"ipco", b"jp2h"}
"""Boxes that hold boxes."""
MAY_HIDE = {b"free", b"hoov"}
"""Room for a `moov` that is longer, and a `moov` before it was finished: FFmpeg takes both for one that begins as one does."""
BEGINS = (b"mvhd", b"cmov")
READ = INSIDE | MAY_HIDE | {b"meta", b"stsd", b"cmov"}
_TABLE = re.compile(rb"stsz|stz2|trun|cmov")
"""What may stand in a sample description, which has many forms, as well."""


@dataclass(slots=True)
class _Track:
    samples: int = 0
    edits: int = 0
    """Pieces that are played, without pauses."""
    handlers: set[bytes] = field(default_factory=set)
    lengths: set[bool] = field(default_factory=set)
    """Whether each sample lasts one tick, of each table that says it."""
    runs: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))
    """Chunks: the first of a run of them, the samples of each, their description."""
    chunks: int = 0

    def remembered(self) -> int:
        """Entries of FFmpeg's index."""
        by_chunks = self.handlers & {b"vide", b"soun", b"subp", b"clcp"} == {b"soun"} and self.lengths == {True}
        return self._in_chunks() // SAMPLES_AT_ONCE + self.chunks if by_chunks else self.samples

    def _in_chunks(self) -> int:
        if not len(self.runs):
            return 0
        first, samples = self.runs[:, 0], self.runs[:, 1]
        if (np.diff(first) <= 0).any():
            return int(samples.max() * self.chunks)
        ends = np.append(first[1:] - 1, self.chunks).clip(max=self.chunks)
        begins = np.append(0, first[1:] - 1).clip(max=self.chunks)
        return int(((ends - begins) * samples).sum())


def why_too_much(file: BinaryIO) -> str:
    """What is wrong with the index that a file promises; empty where nothing is, and for what is no MP4. Goes back to where it was."""
    begin = file.tell()
    try:
        return _Description().why(file)
    except OSError:
        return ""
    finally:
        file.seek(begin)


class _Description:
    """What the boxes of one file promise, as far as they were read."""

    def __init__(self) -> None:
        self._tracks = [_Track()]
        """The first is for what stands before any."""
        self._in_fragments = self._bytes = self._boxes = 0

    def why(self, file: BinaryIO) -> str:
        size = file.seek(0, os.SEEK_END)
        at, reason = 0, ""
        while at + 8 <= size and not reason:
            file.seek(at)
            head = file.read(16)
            kind, header, length = head[4:8], 8, int.from_bytes(head[:4], "big")
            if length == 1:
                header, length = 16, int.from_bytes(head[8:16], "big")
            elif length == 0:
                length = size - at
            if length < header:
                break
            end = min(at + length, size)
            file.seek(at + header + 4)
            if kind in READ and (kind not in MAY_HIDE or file.read(4) in BEGINS):
                self._bytes += end - at
                if self._bytes > MOST_BYTES:
                    return f"its description alone takes {self._bytes:,} bytes"
                file.seek(at)
                reason = self._why(memoryview(file.read(end - at)))
            at += length
        return reason

    def _why(self, body: memoryview) -> str:
        """Take in boxes, in the order in which they stand: what is told of a track is of the last one that was begun."""
        waiting: list[Iterator[tuple[bytes, memoryview]]] = [_boxes(body)]
        while waiting:
            if (found := next(waiting[-1], None)) is None:
                waiting.pop()
                continue
            self._boxes += 1
            if self._boxes > MOST_BOXES or self._bytes > MOST_BYTES:
                return f"its description has more than {MOST_BOXES:,} parts or {MOST_BYTES:,} bytes"
            kind, inner = found
            if kind == b"trak":
                self._tracks.append(_Track())
                if len(self._tracks) - 1 > MOST_TRACKS:
                    return f"it promises {len(self._tracks) - 1} tracks"
            if kind in INSIDE or (kind in MAY_HIDE and inner[4:8] in BEGINS):
                waiting.append(_boxes(inner))
            elif kind == b"meta":  # with four bytes before its boxes, or without
                waiting.append(_boxes(inner[max(bytes(inner[:64]).find(b"hdlr") - 4, 0) :]))
            elif kind == b"stsd":
                waiting.append(chain.from_iterable(islice(_boxes(inner[at.start() - 4 :]), 1) for at in _TABLE.finditer(inner, 8)))
            elif kind == b"cmov":
                waiting.append(_boxes(self._unpacked(inner)))
            else:
                self._take(kind, inner)
        return self._too_many()

    def _too_many(self) -> str:
        if (promised := self._in_fragments + sum(track.remembered() for track in self._tracks)) > MOST_SAMPLES:
            return f"it promises {promised:,} samples"
        for track in self._tracks:
            if track.edits > 2 and (played := track.edits * track.remembered()) > MOST_REPEATED:
                return f"its {track.edits:,} edits play up to {played:,} samples"
        return ""

    def _take(self, kind: bytes, inner: memoryview) -> None:
        track = self._tracks[-1]
        if kind == b"hdlr":
            track.handlers.add(bytes(inner[8:12]))
        elif kind == b"stts":
            track.lengths.add(_int(inner, 4) == 1 and _int(inner, 12) == 1)
        elif kind == b"stsc":
            track.runs = _table(inner, 3)
        elif kind in (b"stco", b"co64"):
            track.chunks += min(_int(inner, 4), len(inner) // (4 if kind == b"stco" else 8))
        elif kind == b"elst":
            entries = _table(inner, 5 if _int(inner, 0) >> 24 == 1 else 3)
            track.edits += int((entries[:, -2] != 0xFFFFFFFF).sum())  # a time of -1 is a pause
        elif kind in (b"stsz", b"stz2"):
            alike, promised = _int(inner, 4) if kind == b"stsz" else 0, _int(inner, 8)
            track.samples += promised if alike else min(promised, 2 * len(inner))
        elif kind == b"trun":
            self._in_fragments += _int(inner, 4)

    def _unpacked(self, inner: memoryview) -> memoryview:
        """The `moov` that a compressed one holds."""
        for kind, packed in _boxes(inner):
            if kind == b"cmvd":
                try:
                    plain = zlib.decompressobj().decompress(packed[4:], MOST_BYTES)
                except zlib.error:
                    break
                self._bytes += len(plain)
                return memoryview(plain)
        return memoryview(b"")


def _boxes(body: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at = 0
    while at + 8 <= len(body):
        header, length = 8, _int(body, at)
        if length == 1:
            header, length = 16, int.from_bytes(body[at + 8 : at + 16], "big")
        elif length == 0:
            length = len(body) - at
        if length < header:
            return
        yield bytes(body[at + 4 : at + 8]), body[at + header : at + length]
        at += length


def _table(inner: memoryview, columns: int) -> npt.NDArray[np.float64]:
    """float64 (rows, columns) of numbers of 32 bits in a table that has its number of rows in front; those rows that are there."""
    rows = min(_int(inner, 4), max(len(inner) - 8, 0) // (4 * columns))
    return np.frombuffer(inner, ">u4", rows * columns, 8).reshape(rows, columns).astype(np.float64) if rows else np.zeros((0, columns))


def _int(body: memoryview, at: int) -> int:
    """32 bits; 0 where the box has ended."""
    return int.from_bytes(body[at : at + 4], "big") if at + 4 <= len(body) else 0
