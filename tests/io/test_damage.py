"""Files that are cut short, damaged, hostile, too large or no pictures at all; and many threads at once."""

import random
import struct
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import encoded, scene
from PIL import Image as Pil

from mien.errors import SourceError, SourceMissing, SourceTooLarge, SourceUnreadable, UsageError
from mien.io.images import Decoded, ImageLimits, decode, decode_whole, read_image


def outcome(data: bytes, **options: object) -> Decoded | SourceError:
    """The picture, or the error as long as it is one line that names the file; anything else is raised."""
    try:
        return decode(data, name="some.file", **options)
    except SourceError as error:
        if not str(error).startswith("some.file: ") or "\n" in str(error):
            raise AssertionError(str(error)) from error
        return error


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_truncated_jpeg_gives_a_note_or_one_line(progressive: bool, share: float) -> None:
    whole = encoded(Pil.fromarray(scene(320, 240)), "JPEG", quality=92, progressive=progressive)
    got = outcome(whole[: int(len(whole) * share)])
    if isinstance(got, SourceError):
        assert share < 0.1, "with more of the file there is something to see"
        return
    assert "cut short" in got.note
    assert got.image.shape == (240, 320, 3)
    top = np.abs(got.image[:16].astype(float) - scene(320, 240)[:16]).mean()
    assert top < (40 if progressive else 5)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("size", [(48, 48), (50, 37), (320, 240)])
def test_a_jpeg_that_lacks_only_its_end_is_whole(progressive: bool, size: tuple[int, int]) -> None:
    whole = encoded(Pil.fromarray(scene(*size)), "JPEG", quality=92, progressive=progressive)
    for lacking in (1, 2):
        found = decode_whole(whole[:-lacking], name="x")
        np.testing.assert_array_equal(found.image, decode(whole, name="x").image)
        assert (found.damage, found.note) == ("", "")
    for left in {*range(len(whole) // 5, len(whole) - 8, 31), *([] if not progressive else _before_scans(whole))}:
        with pytest.raises(SourceUnreadable, match="x: "):  # IsDamaged, or where a header was cut in two nothing can be decoded
            decode_whole(whole[:left], name="x")


def _before_scans(data: bytes) -> list[int]:
    """Where the headers of the later passes of a progressive JPEG begin."""
    return [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"][1:]


def test_a_thumbnails_end_is_not_the_pictures() -> None:
    thumbnail = encoded(Pil.fromarray(scene(32, 24)), "JPEG")
    whole = encoded(Pil.fromarray(scene(320, 240)), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + thumbnail)
    assert whole.count(b"\xff\xd9") == 2
    assert decode(whole, name="x").note == ""
    assert "cut short" in decode(whole[: len(whole) * 2 // 3], name="x").note


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "TIFF", "WEBP"])
@pytest.mark.parametrize("share", [0.001, 0.1, 0.6, 0.95])
def test_other_truncated_files_never_crash(kind: str, share: float) -> None:
    whole = encoded(Pil.fromarray(scene(320, 240)), kind)
    got = outcome(whole[: int(len(whole) * share)])
    if isinstance(got, Decoded):
        assert got.note
        assert got.image.shape == (240, 320, 3)


def test_a_truncated_png_keeps_its_upper_rows() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    whole = encoded(Pil.fromarray(noise), "PNG")
    got = decode(whole[: len(whole) // 2], name="x")
    assert "cut short" in got.note
    assert np.array_equal(got.image[:60], noise[:60])


HEADERS = [
    b"",
    b"\xff\xd8\xff\xe0",
    b"\xff\xd8\xff\xda",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x08",
    b"GIF89a",
    b"BM",
    b"II*\0\x08\0\0\0",
    b"MM\0*",
    b"RIFF\0\0\0\0WEBPVP8 ",
    b"RIFF\0\0\0\0WEBPVP8X",
    b"\0\0\0\x18ftypavif",
    b"\0\0\0\x18ftypheic",
    b"\0\0\0\x0cjP  \r\n\x87\n",
    b"\xff\x4f\xff\x51",
    b"P5 8 8 255\n",
    b"P1\n",
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(HEADERS), st.binary(max_size=200))
def test_random_bytes_are_a_source_error_or_a_picture(header: bytes, tail: bytes) -> None:
    got = outcome(header + tail, limits=ImageLimits(max_pixels=10**7))
    assert isinstance(got, SourceError) or (got.image.dtype == np.uint8 and got.image.ndim == 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "JPEG2000"])
def test_damaged_files_are_a_source_error_or_a_picture(kind: str) -> None:
    whole = encoded(Pil.fromarray(scene(64, 48)), kind)
    dice = random.Random(7)
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        got = outcome(bytes(data), limits=ImageLimits(max_pixels=10**6))
        assert isinstance(got, SourceError) or (got.image.dtype == np.uint8 and got.image.shape[2] == 3)


def png_claiming(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def webp_claiming(width: int, height: int) -> bytes:
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    "data",
    [
        png_claiming(60_000, 60_000),
        png_claiming(12_001, 1),
        webp_claiming(16_000, 16_000),
        b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02\0;",
        b"P6 60000 60000 255\n" + bytes(100),
    ],
)
def test_bombs_are_refused_from_the_header(data: bytes) -> None:
    began = time.perf_counter()
    with pytest.raises(SourceTooLarge, match=r"x: \d+ x \d+ pixels, the limit is 12000 a side and 144000000 in all; .*--max-side, --max-p"):
        decode(data, name="x")
    assert time.perf_counter() - began < 1


def test_limits_are_adjustable() -> None:
    data = encoded(Pil.fromarray(scene(96, 64)), "PNG")
    for limits in (ImageLimits(max_side=95), ImageLimits(max_pixels=96 * 64 - 1)):
        with pytest.raises(SourceTooLarge, match="x: 96 x 64 pixels"):
            decode(data, name="x", limits=limits)
    assert decode(data, name="x", limits=ImageLimits(max_side=96, max_pixels=96 * 64)).image.shape == (64, 96, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "GIF", "AVIF", "PPM", "JPEG2000"])
def test_pillows_own_limit_does_not_count(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 89 megapixels Pillow warns, at 179 it refuses; here both at a few pixels, so that any check of its own would show."""
    data = encoded(Pil.fromarray(scene()), kind)
    monkeypatch.setattr(Pil, "MAX_IMAGE_PIXELS", 10)
    assert decode(data, name="x").image.shape == (64, 96, 3)


def test_12000_a_side_is_within_the_default() -> None:
    ImageLimits().check(12_000, 12_000, name="x")
    with pytest.raises(SourceTooLarge):
        ImageLimits().check(12_000, 12_001, name="x")
    with pytest.raises(UsageError, match="max_side: found 0"):
        ImageLimits(max_side=0)


def test_too_many_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(encoded(Pil.fromarray(scene()), "PNG"))
    with pytest.raises(SourceTooLarge, match="more than 100 bytes"):
        read_image(path, ImageLimits(max_bytes=100))
    with pytest.raises(SourceTooLarge, match="the limit is 100"):
        decode(path.read_bytes(), name="x", limits=ImageLimits(max_bytes=100))


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="no such file"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(SourceUnreadable, match="a folder"):
        read_image(tmp_path)
    with pytest.raises(SourceUnreadable, match="null"):
        read_image("a\0b")
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(SourceUnreadable, match=r"an empty file, wanted a picture \(JPEG, PNG"):
        read_image(tmp_path / "empty.jpg")
    with pytest.raises(SourceUnreadable, match=r"x: 5 bytes of another kind, wanted"):
        decode(b"hello", name="x")
    with pytest.raises(SourceUnreadable, match=r"x: a video \(or sound\), wanted a picture \(JPEG, PNG"):
        decode(b"\0\0\0\x18ftypisom\0\0\0\0mp42", name="x")


def test_an_avif_has_its_article() -> None:
    with pytest.raises(SourceUnreadable, match=r"x: an AVIF file "):
        decode(b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", name="x")


def test_heic_without_its_extra_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif.as_plugin", None)
    with pytest.raises(SourceUnreadable, match=r'x: a HEIC picture; to read them: pip install "\.\[heic\]"'):
        decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", name="x")


def test_threads_agree() -> None:
    whole = encoded(Pil.fromarray(scene(320, 240)), "JPEG")
    files = [whole, whole[: len(whole) // 2], encoded(Pil.fromarray(scene()), "PNG"), encoded(Pil.fromarray(scene()), "GIF")] * 12
    alone = [decode(data, name="x") for data in files]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda data: decode(data, name="x"), files))
    for one, other in zip(alone, together, strict=True):
        assert one.note == other.note
        assert np.array_equal(one.image, other.image)


def test_oddities_are_told_of_by_mien_alone(capfd: pytest.CaptureFixture[str]) -> None:
    """Pillow's warnings would be errors here; OpenCV's log would be on stderr."""
    whole = encoded(Pil.fromarray(scene(320, 240)), "TIFF", compression="tiff_lzw")
    assert isinstance(outcome(whole[:-100]), SourceError)  # its directory is at the end
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x09\x01\x12\0\3\0\0\0\1"
    assert decode(encoded(Pil.fromarray(scene()), "JPEG", exif=exif), name="x").note == ""
    float_tiff = cv2.imencode(".tiff", np.zeros((8, 8, 3), np.float32), [cv2.IMWRITE_TIFF_COMPRESSION, 1])[1].tobytes()
    outcome(float_tiff[:300] + bytes(50) + float_tiff[350:])
    at = float_tiff.index(struct.pack("<HHI", 258, 3, 3))
    assert isinstance(outcome(float_tiff[:at] + struct.pack("<HHI", 400, 3, 3) + float_tiff[at + 8 :]), SourceError)
    assert capfd.readouterr().err == ""


def test_warnings_of_others_are_still_heard() -> None:
    decode(encoded(Pil.fromarray(scene()), "PNG"), name="x")
    with pytest.warns(UserWarning, match="mine"):
        warnings.warn("mine", stacklevel=1)
