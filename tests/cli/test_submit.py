"""`mien submit`: the same bytes every time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from mien.data.manifest import Manifest
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


def test_what_is_read_is_never_overwritten(mien: Mien, pictures: Path, tmp_path: Path) -> None:
    pixels, example = tmp_path / "test.csv", tmp_path / "example.csv"
    pixels.write_text(f"pixels\n{' '.join(['7'] * 48 * 48)}\n")
    example.write_text("emotion\n0\n")
    kept = tmp_path / "set.parquet"
    Manifest({"id": ["a"], "path": [str(pictures / "two.png")]}).write(kept, inside=True)
    (tmp_path / "link.csv").symlink_to(pixels)
    before = {path: path.read_bytes() for path in (pixels, example, kept, pictures / "two.png")}
    outs = ((pixels, pixels), (pixels, example), (kept, kept), (pixels, tmp_path / "link.csv"), (pictures, pictures / "two.png"))
    for given, out in outs:
        said = mien("submit", "fake", given, "-o", out, *WORDS, "--example", example)
        assert said.code == 2
        assert said.err.splitlines() == [f"mien: output {out}: is one of the inputs, which are never overwritten; choose another name"]
    assert {path: path.read_bytes() for path in before} == before


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


def test_a_competition_in_the_form_of_fer_2013_is_answered(mien: Mien, tmp_path: Path) -> None:
    """test.csv has pixels alone, and the example codes alone; the network itself says what the answers are to be."""
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (3, 48, 48), dtype=np.uint8)
    (tmp_path / "test.csv").write_text("pixels\n" + "".join(f'"{" ".join(map(str, crop.ravel().tolist()))}"\n' for crop in crops))
    (tmp_path / "example_submission.csv").write_text("emotion\n0\n0\n0\n")
    for i, crop in enumerate(crops):
        Pillow.fromarray(crop).save(tmp_path / f"{i}.png")
    words = (*WORDS, "--example", tmp_path / "example_submission.csv")
    said = mien("submit", "fake", tmp_path / "test.csv", "-o", "-", *words)
    assert (said.code, said.err) == (0, "3 pictures, ready-made faces -> -\n")
    named = mien("submit", "fake", tmp_path, "-o", "-", *WORDS, "--faces", "crop", "--labels", "fer7").out.splitlines()[1:]
    fer7 = ("anger", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert said.out.splitlines() == ["emotion", *(str(fer7.index(line.split(",")[1])) for line in named)]
    assert mien("submit", "fake", tmp_path / "test.csv", "-o", "-", *WORDS).out.splitlines()[1:] == [
        f"{i},{line.split(',')[1]}" for i, line in enumerate(named)
    ]
    said = mien("submit", "fake", tmp_path, "-o", "-", *words)
    assert said.code == 2
    assert "answers in codes; wanted --labels" in said.err
    (tmp_path / "2.png").unlink()
    said = mien("submit", "fake", tmp_path, "-o", tmp_path / "a.csv", *words, "--labels", "fer7")
    assert said.code == 1
    assert "3 rows for 2 pictures; wanted one for each" in said.err
    assert not (tmp_path / "a.csv").exists()


def test_answers_are_spelt_as_the_example_and_strange_codes_refused(mien: Mien, pictures: Path, tmp_path: Path) -> None:
    example, out = tmp_path / "example.csv", tmp_path / "a.csv"
    names = ("sub/none.png", "two.png", "лицо 1.jpg")
    words = (*WORDS, "--labels", "fer7", "--example", example, "-o", out)
    example.write_text(
        "image_path,emotion\n" + "".join(f"{n},{e}\n" for n, e in zip(names, ("Angry", "Happiness", "Angry"), strict=True)), "utf-8"
    )
    said = mien("submit", "fake", pictures, *words)
    assert said.code == 0
    assert out.read_text("utf-8").splitlines()[1:] == ["sub/none.png,Angry", "two.png,Happiness", "лицо 1.jpg,Fear"]
    assert said.err.splitlines()[0] == (
        f"mien: {example} does not show how it writes disgust, fear, sad, surprise, neutral; where they are the answer, it says "
        "Disgust, Fear, Sad, Surprise, Neutral"
    )
    out.unlink()
    example.write_text("image_path,emotion\n" + "".join(f"{name},7\n" for name in names), "utf-8")
    said = mien("submit", "fake", pictures, *words)
    assert said.code == 1
    assert said.err.startswith(f"mien: {example}: answer 7 in 3 of 3 rows; fer7 has 0..6; wanted --labels")
    assert len(said.err.splitlines()) == 1
    assert not out.exists()
