"""What an MP4 promises before its first frame."""

import io
import struct
import zlib
from pathlib import Path

import av
import numpy as np
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


def track(
    samples: int,
    *,
    handler: bytes = b"vide",
    each: int = 1,
    lasts: int = 512,
    edits: int = 0,
    table_in: bytes = b"minf",
    chunks: bytes = b"",
) -> bytes:
    """A track's description; each: bytes of a sample, 0 for a size of its own each, which are then left out."""
    table = box(
        b"stbl",
        box(b"stts", struct.pack(">IIII", 0, 1, samples, lasts)),
        chunks,
        box(b"stsz", struct.pack(">III", 0, each, samples)),
    )
    # QuickTime has a second handler here, of where the data lie.
    inner = box(b"minf", box(b"hdlr", bytes(4), b"dhlrurl ", bytes(12)), table if table_in == b"minf" else box(table_in, table))
    media = box(b"mdia", box(b"hdlr", bytes(8), handler, bytes(12)), inner)
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
        ([track(10_000, edits=1000)], "its 1,000 edits play up to 10,000,000 samples"),
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


def chunked(per_chunk: int, chunks: int) -> bytes:
    table = box(b"stco", struct.pack(">II", 0, chunks), bytes(4 * chunks))
    return box(b"stsc", struct.pack(">IIIII", 0, 1, 1, per_chunk, 1)) + table


def test_sound_is_remembered_by_its_chunks(tmp_path: Path) -> None:
    """Of PCM, FFmpeg makes a packet of up to 1024 samples, so that hours of it are let in, unless few chunks promise all of them."""
    hours = track(4 * 3600 * 48_000, handler=b"soun", lasts=1, chunks=chunked(24_000, 4 * 7200))
    assert why_too_much(film(track(1000), hours)) == ""
    endless = track(10, handler=b"soun", lasts=1, chunks=chunked(0x7FFFFFFF, 20))
    assert why_too_much(film(track(1000), endless)).startswith("it promises 83,8")

    path = tmp_path / "sound.mov"
    with av.open(path, "w") as container:
        stream = container.add_stream("pcm_u8", rate=192_000, layout="mono")
        for second in range(60):
            frame = av.AudioFrame.from_ndarray(np.full((1, 192_000), 128, np.uint8), format="u8", layout="mono")
            frame.rate, frame.pts = 192_000, second * 192_000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with path.open("rb") as file:
        assert why_too_much(file) == ""  # 11,520,000 samples


def test_no_place_hides_a_table() -> None:
    """All places in which FFmpeg finds it, measured by the memory that it took."""
    bomb = track(44_000_000)
    moov, told = box(b"moov", bomb), "it promises 44,000,000 samples"
    start = box(b"ftyp", b"isom", bytes(4))
    header = box(b"mvhd", bytes(100))
    packed = box(b"cmov", box(b"dcom", b"zlib"), box(b"cmvd", struct.pack(">I", len(moov)), zlib.compress(moov)))
    places = [
        start + box(b"\xa9xyz") + moov,
        start + bomb,
        start + box(b"free", header, bomb),
        start + box(b"hoov", header, bomb),
        start + box(b"moov", packed),
        *(
            start + box(b"moov", track(44_000_000, table_in=kind))
            for kind in (b"dinf", b"mvex", b"sinf", b"tref", b"wave", b"udta", b"meta")
        ),
        start + box(b"moov", box(b"trak", box(b"stsd", bytes(24), box(b"stsz", struct.pack(">III", 0, 1, 44_000_000))))),
    ]
    for place in places:
        assert why_too_much(io.BytesIO(place)) == told, place[:80]
    assert why_too_much(io.BytesIO(start + box(b"free", moov))) == ""  # nor does FFmpeg look into it
    assert why_too_much(io.BytesIO(start + box(b"moov", box(b"cmov", box(b"cmvd", b"not packed"))))) == ""


def test_boxes_without_number() -> None:
    many = box(b"free") * 2_000_001
    assert why_too_much(io.BytesIO(box(b"moov", many))).startswith("its description has more than 2,000,000 parts")


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
