"""`mien submit`: the same bytes every time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from mien.testing import planted_picture
from tests.cli.conftest import Said

Mien = Callable[..., Said]
WORDS = ["--detector", "fake"]


def test_a_row_for_every_picture(mien: Mien, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "sub" / "answers.csv"
    said = mien("submit", "fake", pictures, "-o", out, *WORDS)
    assert said.code == 0
    # two.png has happy above sad of the same size; none.png has nobody in it
    assert out.read_bytes() == "image_path,emotion\nsub/none.png,anger\ntwo.png,happy\nлицо 1.jpg,fear\n".encode()
    assert said.out == ""
    assert "3 pictures, 1 without a face found, answered from the whole picture" in said.err
    assert (
        mien("submit", "fake", pictures, "-o", "-", *WORDS, "--prefix", "test/", "--labels", "fer7").out.splitlines()[2]
        == "test/two.png,happy"
    )


def test_the_bytes_do_not_depend_on_threads(mien: Mien, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for k in range(12):
        Pillow.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(tmp_path / f"{k}.png")
    written = []
    for threads in (1, 2, 5):
        assert mien("submit", "fake", tmp_path, "-o", tmp_path / "answers.csv", *WORDS, "--threads", threads).code == 0
        written.append((tmp_path / "answers.csv").read_bytes())
    assert written[0] == written[1] == written[2]
    assert [line.split(b",")[0] for line in written[0].splitlines()[1:]] == [b"%d.png" % k for k in range(12)]


def test_the_real_model_gives_the_same_bytes_with_any_threads(mien: Mien, examples: Path, tmp_path: Path) -> None:
    for name in sorted(path for path in examples.glob("*.jpg"))[:3]:
        with Pillow.open(name) as picture:
            picture.convert("RGB").resize((320, 320 * picture.height // picture.width)).save(tmp_path / name.name)
    for more in ([], ["--from-affect", "crowd"]):
        written = [mien("submit", "base", tmp_path, "-o", "-", "--threads", threads, *more) for threads in (1, 3)]
        assert written[0] == written[1]
        assert written[0].code == 0
        assert len(written[0].out.splitlines()) == 4


def test_nearest_anchors_answer_from_valence_and_arousal(mien: Mien, tmp_path: Path) -> None:
    Pillow.fromarray(planted_picture([((10, 10, 110, 110), "happy")], size=(128, 128))[0]).save(tmp_path / "a.png")
    assert mien("submit", "fake", tmp_path, "-o", "-", *WORDS, "--from-affect", "adfes2011").out == "image_path,emotion\na.png,happy\n"
    said = mien("submit", "fake", tmp_path, "-o", "-", *WORDS, "--from-affect", "mine")
    assert said.code == 2
    assert "adfes2011" in said.err


def test_unreadable_pictures_keep_their_row(mien: Mien, pictures: Path, broken: Path, tmp_path: Path) -> None:
    said = mien("submit", "fake", pictures, "-o", tmp_path / "a.csv", *WORDS)
    assert said.code == 3
    assert "broken.jpg" in said.err
    assert "1 not readable, answered neutral" in said.err
    assert "broken.jpg,neutral" in (tmp_path / "a.csv").read_text("utf-8").splitlines()


@pytest.mark.parametrize("name", ["none", "empty"])
def test_no_pictures_are_no_answers(mien: Mien, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    said = mien("submit", "fake", tmp_path / name, "-o", tmp_path / "a.csv", *WORDS)
    assert said.code == 1
    assert not (tmp_path / "a.csv").exists()


def test_only_broken_pictures_are_no_answers(mien: Mien, tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"nothing")
    said = mien("submit", "fake", tmp_path, "-o", tmp_path / "a.csv", *WORDS)
    assert said.code == 1
    assert "nothing written" in said.err
    assert not (tmp_path / "a.csv").exists()
