"""What a notebook shows."""

import base64
import io
import re

import numpy as np
from PIL import Image as Pillow

from mien.pipeline import Analyzed
from mien.sinks.inline import MOST_ROWS, html
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


def test_long_tables_are_cut() -> None:
    results = [make_result(["happy", "sad"]) for _ in range(150)]
    page = html([], results)
    assert page.count("<tr>") == MOST_ROWS + 1
    assert "… 100 more rows" in page
    assert "more rows" not in html([], results[:100])
