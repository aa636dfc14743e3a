"""What a notebook shows."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Pillow

from mien.pipeline import Analyzed
from mien.sinks.inline import Sample, html
from mien.table import MOST_ROWS
from mien.testing import make_result
from mien.types import Frame, Image, Result


def pair(width: int, height: int, source: str = "a.jpg") -> Analyzed:
    image = np.full((height, width, 3), 90, np.uint8)
    return Analyzed(Frame(image, source=source), make_result(["happy"], source=source, size=(width, height)))


def pictures(page: str) -> list[Pillow.Image]:
    return [Pillow.open(io.BytesIO(base64.b64decode(data))) for data in re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)]


def test_pictures_are_small_and_in_the_page() -> None:
    pairs = [pair(1600, 900), pair(300, 1000), pair(100, 80)]
    page = html(pairs, [p.result for p in pairs])
    assert [picture.size for picture in pictures(page)] == [(480, 270), (144, 480), (100, 80)]
    assert page.count("<img ") == 3
    assert page.count("<tr>") == 4
    assert "http" not in page


def test_boxes_move_with_the_picture() -> None:
    seen: list[tuple[Image, Result]] = []

    def drawer(image: Image, result: Result) -> Image:
        seen.append((image, result))
        return image

    big = pair(1920, 960)
    html([big], [big.result], drawer=drawer)
    image, result = seen[0]
    assert image.shape == (240, 480, 3)
    assert result.size == (480, 240)
    np.testing.assert_allclose(result.faces.boxes, big.result.faces.boxes / 4, rtol=1e-6)
    np.testing.assert_allclose(result.faces.points, big.result.faces.points / 4, rtol=1e-6)


def test_a_name_cannot_break_the_page() -> None:
    one = pair(64, 48, source='"><script>alert(1)</script>.jpg')
    assert "<script>" not in html([one], [one.result])


def frames_of(count: int, source: str = "clip.mp4") -> list[Analyzed]:
    image = np.full((900, 1600, 3), 90, np.uint8)
    result = make_result(["happy"], source=source, size=(1600, 900))
    return [Analyzed(Frame(image, n, n / 25, source, stream=True), replace(result, index=n, time=n / 25)) for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, 8, 9, 16, 17, 1000])
def test_frames_of_a_sample_lie_all_over_a_video(count: int) -> None:
    sample = Sample(8)
    given = frames_of(count)
    assert [a is b for a, b in zip(sample.passing(given), given, strict=True)] == [True] * count
    kept = [pair.frame.index for pair in sample.pairs]
    assert kept[:1] == [0] * min(1, count)
    assert len(kept) == count if count <= 8 else 5 <= len(kept) <= 8
    steps = set(np.diff(kept).tolist())
    assert len(steps) <= 1  # evenly
    assert count - (kept[-1] if kept else 0) <= max(steps, default=1)  # to the end
    assert all(pair.frame.image.shape == (270, 480, 3) and pair.result.size == (480, 270) for pair in sample.pairs)  # small


def test_of_single_pictures_the_first_are_kept() -> None:
    sample = Sample(8)
    given = [*(pair(64, 48, f"{n}.jpg") for n in range(3)), *frames_of(50), *(pair(64, 48, f"{n}.jpg") for n in range(3, 20))]
    assert len(list(sample.passing(given))) == len(given)
    names = [one.frame.source for one in sample.pairs]
    assert names[:3] == ["0.jpg", "1.jpg", "2.jpg"]
    assert len(names) <= 8
    assert [one.frame.index for one in sample.pairs if one.frame.stream] == [0, 16, 32, 48]
    assert names[7:] == ["3.jpg"]


def test_the_frames_of_a_video_have_their_times() -> None:
    pairs = frames_of(100)
    page = html(pairs[75:76], [one.result for one in pairs])
    assert 'title="clip.mp4 0:03.00"' in page
    assert "<th>time</th>" in page
    assert "<td>0:03.96</td>" in page
    assert 'title="a.jpg"' in html([pair(64, 48)], [])


def test_long_tables_are_cut() -> None:
    results = [make_result(["happy", "sad"]) for _ in range(150)]
    page = html([], results)
    assert page.count("<tr>") == MOST_ROWS + 1
    assert "… 100 more rows" in page
    assert "more rows" not in html([], results[:100])
