"""Pictures that come as text: data URIs give the pixels of their bytes, and nothing repeats a picture in a message."""

import base64
import io
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image as Pil

import mien
from mien.errors import SourceError, SourceTooLarge, SourceUnreadable, UsageError
from mien.io.data_uris import decode_data_uri, is_base64_picture, is_data_uri
from mien.io.names import MOST_SHOWN
from mien.io.sources import has_streams, open_source, read_picture
from mien.testing import FakeDetector, FakeRecogniser

PIXELS = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)


def encoded(kind: str = "PNG", pixels: Any = PIXELS) -> bytes:
    file = io.BytesIO()
    Pil.fromarray(pixels).save(file, kind)
    return file.getvalue()


PNG = encoded()
TEXT = base64.b64encode(PNG).decode()
URIS = {
    "usual": f"data:image/png;base64,{TEXT}",
    "in lines": f"data:image/png;base64,{base64.encodebytes(PNG).decode()}",
    "without its end": f"data:image/png;base64,{TEXT.rstrip('=')}",
    "of no kind": f"data:;base64,{TEXT}",
    "in capitals": f"DATA:IMAGE/PNG;BASE64,{TEXT}",
    "with blanks as in RFC 822": f"data:image/png; base64,{TEXT}",
    "with blanks after it": f"data:image/png;  Base64 ,{TEXT}",
    "with more": f"data:image/png;name=a.png;base64,{TEXT}",
    "quoted base64": f"data:image/png;base64,{quote(TEXT, safe='')}",
    "quoted": f"data:image/png,{quote(PNG)}",
}


@pytest.mark.parametrize("case", URIS)
def test_a_data_uri_gives_the_pixels_of_its_bytes(case: str) -> None:
    notes, frame = [], None
    for event in open_source(["none.jpg", URIS[case]]):
        if isinstance(event, mien.Frame):
            frame = event
        else:
            notes.append(event.source)
    assert frame is not None
    assert (frame.source, notes) == ("data[1]", ["none.jpg"])
    assert (frame.image == PIXELS).all()
    picture, note = read_picture(URIS[case])
    assert (picture.source, note) == ("", "")
    assert (picture.image == PIXELS).all()


def test_limits_hold_for_data_uris_too() -> None:
    (failure,) = open_source(URIS["usual"], limits=mien.ImageLimits(max_side=35))
    assert isinstance(failure, mien.Failure)
    assert isinstance(failure.error, SourceTooLarge)
    assert str(failure.error).startswith("data[0]: 40 x 30 pixels, the limit is 35")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            "data:image/png;base64,AAA*" + TEXT,
            "a data URI whose base64 cannot be decoded (Only base64 data is allowed); wanted data:",
        ),
        ("data:image/png;base64,é" + TEXT, "a data URI whose base64 cannot be decoded"),
        ("data:text/plain,hello", "5 bytes of another kind, wanted a picture"),
        ("data:image/png;base64,", "an empty file"),
    ],
)
def test_one_that_cannot_be_read_is_one_short_line(given: str, says: str) -> None:
    (failure,) = open_source(given)
    assert isinstance(failure, mien.Failure)
    assert failure.source == "data[0]"
    assert isinstance(failure.error, SourceUnreadable)
    assert str(failure.error).startswith(f"data[0]: {says}")
    assert len(str(failure.error)) < 300
    with pytest.raises(SourceUnreadable, match=r"^picture: ") as raised:
        read_picture(given)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_base64_alone_is_told_how_to_be_given(kind: str) -> None:
    for text in (base64.b64encode(encoded(kind)).decode(), base64.encodebytes(encoded(kind)).decode()):
        assert is_base64_picture(text)
        (failure,) = open_source([text])
        assert isinstance(failure, mien.Failure)
        assert failure.source == "text[0]"
        assert "give base64.b64decode(text)" in str(failure.error)
        assert len(str(failure.error)) < 200
        with pytest.raises(UsageError, match=r"picture: found a picture as base64 text; give base64\.b64decode\(text\)"):
            read_picture(text)


def test_names_of_files_are_neither() -> None:
    assert decode_data_uri("data:text/plain;base64x,YQ==", name="x") == b"YQ=="  # of a parameter that only begins so
    for name in ("data", "data:", "data:a,b.jpg", "data/image.png", "C:/data:image/x,y.png", "x" * 5000, "/9j/" * 1000 + "a.jpg"):
        assert not is_data_uri(name)
    for name in ("photo.jpg", "x" * 5000, "/9j/4AAQ", "iVBORw0/a.png", "a/b" * 1000, "é" * 500, "iVBORw0KGgo" + "a" * 300 + ".png"):
        assert not is_base64_picture(name)
    assert has_streams(["data:video/mp4;base64,AAAA"])
    assert not has_streams([URIS["usual"], TEXT])


def test_a_name_too_long_for_a_file_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    name = "folder/" + "ab-" * 40_000 + "end.jpg"
    analysis = mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser()).analyze([name, name[:600], PIXELS])
    assert len(analysis.rows()) == 1
    long, short = analysis.failures
    assert len(long.source) <= MOST_SHOWN
    assert short.source == name[:600]
    assert [len(message) for message in caplog.messages] == [pytest.approx(280, abs=40)] * 2
    assert str(long.error).startswith("folder/ab-ab-")
    assert "end.jpg: cannot be read (File name too long)" in str(long.error)
    with pytest.raises(SourceError) as raised:
        read_picture(name)
    assert len(str(raised.value)) < 320


def test_decoding_is_that_of_the_standard_library() -> None:
    for n in range(8):
        assert decode_data_uri(f"data:image/png;base64,{base64.b64encode(PNG[:n]).decode().rstrip('=')}", name="x") == PNG[:n]
