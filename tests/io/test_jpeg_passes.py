"""JPEGs of many passes over the picture."""

import io
import time

import pytest
from PIL import Image

from mien.errors import SourceTooLarge
from mien.io.images import decode
from mien.io.jpeg_passes import has_more_passes


def many_passes(count: int, between: bytes = b"") -> bytes:
    """A progressive JPEG whose last scan comes so many times more."""
    out = io.BytesIO()
    Image.new("L", (64, 64), 128).save(out, "JPEG", progressive=True)
    data = out.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:last] + between.join([data[last:-2]] * (count + 1)) + data[-2:]


@pytest.mark.parametrize("between", [b"", b"\x00junk", b"\xff\xff\xff", b"\xff\xfe\x00\x05abc"])
def test_a_jpeg_of_many_passes_is_refused(between: bytes) -> None:
    assert not has_more_passes(many_passes(20, between), 100)
    assert has_more_passes(many_passes(120, between), 100)
    with pytest.raises(SourceTooLarge, match=r"a\.jpg: a JPEG of more than 100 passes over the picture"):
        decode(many_passes(120, between), name="a.jpg")
    assert decode(many_passes(20), name="a.jpg").image.shape == (64, 64, 3)


def test_what_only_looks_like_passes_is_none() -> None:
    """In a remark, a thumbnail, and behind the end."""
    plain = many_passes(0)
    remark = b"\xff\xfe" + (2 + 2 * 200).to_bytes(2, "big") + b"\xff\xda" * 200
    assert not has_more_passes(plain[:2] + remark + plain[2:] + b"\xff\xda" * 200, 100)


def test_fill_bytes_are_passed_once() -> None:
    """A run of them looked through from each of its bytes took half a minute for 80 kB."""
    fill = b"\xff" * 1_000_000 + b"\x00"
    begin = time.process_time()
    assert not has_more_passes(b"\xff\xd8" + fill + b"\xff\xd9" + b"\xff\xda" * 200, 100)
    assert has_more_passes(many_passes(120, fill[:100_000]), 100)
    assert time.process_time() - begin < 10
