"""How much FFmpeg would have to remember of an MP4 before its first frame: a header of a kilobyte can promise a billion samples.

Boxes as in ISO/IEC 14496-12; what is no such file is nobody's concern here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MOST_SAMPLES = 10_000_000
"""Of all tracks together, half a gigabyte of FFmpeg's index: more than a day of 60 frames a second with its sound has."""
MOST_TRACKS = 64
MOST_BYTES = 256_000_000
"""Of the boxes that describe the tracks; a film of hours has a few million."""
INSIDE = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf"}
"""Boxes that hold boxes."""


@dataclass(slots=True)
class _Track:
    samples: int = 0
    edits: int = 1
    is_sound: bool = False
    is_even: bool = False
    """Whether each sample lasts one tick: with sound, FFmpeg remembers its chunks, not its samples."""

    def remembered(self) -> int:
        return 0 if self.is_sound and self.is_even else self.samples * max(self.edits, 1)


def why_too_much(file: BinaryIO) -> str:
    """What is wrong with the index that a file promises; empty where nothing is, and for what is no MP4. Goes back to where it was."""
    begin = file.tell()
    try:
        return _why(file)
    except OSError:
        return ""
    finally:
        file.seek(begin)


def _why(file: BinaryIO) -> str:
    size = file.seek(0, os.SEEK_END)
    at, read, tracks, loose = 0, 0, list[_Track](), _Track()
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        kind, header, length = head[4:8], 8, int.from_bytes(head[:4], "big")
        if length == 1:
            header, length = 16, int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - at
        if length < header or not kind.isascii():
            return ""
        if kind in (b"moov", b"moof"):
            read += min(length, size - at)
            if read > MOST_BYTES:
                return f"its description alone takes {read:,} bytes"
            file.seek(at + header)
            _read(memoryview(file.read(min(length, size - at) - header)), tracks, loose)
            if len(tracks) > MOST_TRACKS:
                return f"it promises {len(tracks)} tracks"
            if (promised := loose.samples + sum(track.remembered() for track in tracks)) > MOST_SAMPLES:
                return f"it promises {promised:,} samples"
        at += length
    return ""


def _read(body: memoryview, tracks: list[_Track], loose: _Track) -> None:
    """Take in the boxes of a description. loose: of fragments, whose tracks are described elsewhere."""
    waiting = [(body, loose)]
    while waiting:
        outer, track = waiting.pop()
        for kind, inner in _boxes(outer):
            if kind == b"trak":
                tracks.append(_Track())
                waiting.append((inner, tracks[-1]))
            elif kind in INSIDE:
                waiting.append((inner, track))
            elif kind == b"hdlr":
                track.is_sound = bytes(inner[8:12]) == b"soun"
            elif kind == b"stts":
                track.is_even = _int(inner, 4) == 1 and _int(inner, 12) == 1
            elif kind == b"elst":
                track.edits = min(_int(inner, 4), len(inner) // 12)
            elif kind in (b"stsz", b"stz2"):
                alike, promised = _int(inner, 4) if kind == b"stsz" else 0, _int(inner, 8)
                track.samples += promised if alike else min(promised, 2 * len(inner))
            elif kind == b"trun":
                loose.samples += _int(inner, 4)


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


def _int(body: memoryview, at: int) -> int:
    """32 bits; 0 where the box has ended."""
    return int.from_bytes(body[at : at + 4], "big") if at + 4 <= len(body) else 0
