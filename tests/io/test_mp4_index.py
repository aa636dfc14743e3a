"""What an MP4 promises before its first frame."""

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.io.clips import clip

from mien.errors import SourceTooLarge
from mien.io.mp4_index import MOST_TRACKS, why_too_much
from mien.io.video import probe


def box(kind: bytes, *inner: bytes) -> bytes:
    body = b"".join(inner)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def track(samples: int, *, handler: bytes = b"vide", each: int = 1, lasts: int = 512, edits: int = 0) -> bytes:
    """A track's description; each: bytes of a sample, 0 for a size of its own each, which are then left out."""
    table = box(
        b"stbl",
        box(b"stts", struct.pack(">IIII", 0, 1, samples, lasts)),
        box(b"stsz", struct.pack(">III", 0, each, samples)),
    )
    media = box(b"mdia", box(b"hdlr", bytes(8), handler, bytes(12)), box(b"minf", table))
    return box(b"trak", *([box(b"edts", box(b"elst", struct.pack(">II", 0, edits), bytes(12 * edits)))] if edits else []), media)


def film(*tracks: bytes) -> io.BytesIO:
    return io.BytesIO(box(b"ftyp", b"isom", bytes(4)) + box(b"moov", *tracks) + box(b"mdat", bytes(100)))


def test_what_people_film_is_let_in(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mov", "c.mkv", "d.avi"):
        with clip(tmp_path / name, 20).open("rb") as file:
            file.seek(3)
            assert why_too_much(file) == ""
            assert file.tell() == 3
    day = 24 * 3600
    assert why_too_much(film(track(60 * day), track(47 * day, handler=b"soun", lasts=1024))) == ""
    assert why_too_much(film(track(1000), track(7200 * 48_000, handler=b"soun", lasts=1))) == ""  # two hours of PCM
    assert why_too_much(film(track(1000, edits=50))) == ""


@pytest.mark.parametrize(
    ("tracks", "told"),
    [
        ([track(44_000_000)], "it promises 44,000,000 samples"),
        ([track(3_000_000)] * 4, "it promises 12,000,000 samples"),
        ([track(44_000_000, handler=b"soun", lasts=1024)], "it promises 44,000,000 samples"),
        ([track(100_000, edits=1000)], "it promises 100,000,000 samples"),
        ([track(1)] * (MOST_TRACKS + 1), "it promises 65 tracks"),
    ],
)
def test_what_fills_the_memory_is_refused(tracks: list[bytes], told: str, tmp_path: Path) -> None:
    data = film(*tracks).getvalue()
    assert why_too_much(io.BytesIO(data)) == told
    (tmp_path / "bomb.mp4").write_bytes(data)
    for media in (data, tmp_path / "bomb.mp4"):
        with pytest.raises(SourceTooLarge, match=rf"^bomb: {told}, which no recording has; it is damaged, or made to fill the memory$"):
            probe(media, name="bomb")


def test_fragments_and_sizes_of_64_bits() -> None:
    runs = box(b"moof", box(b"traf", *[box(b"trun", struct.pack(">II", 0, 6_000_000))] * 2))
    assert why_too_much(io.BytesIO(film(track(10)).getvalue() + runs)) == "it promises 12,000,010 samples"
    moov = box(b"moov", track(44_000_000))
    wide = struct.pack(">I4sQ", 1, b"moov", len(moov) + 8) + moov[8:]
    assert why_too_much(io.BytesIO(wide)) == "it promises 44,000,000 samples"
    assert why_too_much(io.BytesIO(box(b"ftyp", bytes(8)) + struct.pack(">I", 0) + moov[4:])) == "it promises 44,000,000 samples"
    assert why_too_much(film(track(44_000_000, each=0))) == ""  # which are not there


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.binary(min_size=1, max_size=8)), max_size=6), st.integers(0, 500))
def test_damaged_ones_end_it_nowhere(changes: list[tuple[int, bytes]], length: int) -> None:
    data = bytearray(film(track(1000), track(1000, edits=2)).getvalue())
    for at, new in changes:
        data[at : at + len(new)] = new
    assert isinstance(why_too_much(io.BytesIO(bytes(data[:length]))), str)


def test_boxes_in_boxes_without_end() -> None:
    deep = b""
    for _ in range(5000):
        deep = box(b"traf", deep)
    assert why_too_much(io.BytesIO(box(b"moof", deep))) == ""
    for _ in range(100):
        deep = box(b"trak", deep[:200])
    assert isinstance(why_too_much(film(deep)), str)
