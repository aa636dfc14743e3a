"""What is said and refused when faces are to be hidden."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mien.models.detectors import registry as detectors
from mien.testing import FakeDetector, planted_picture
from mien.types import Faces, Image
from tests.cli.conftest import FAKES, Said
from tests.io.clips import clip

Mien = Callable[..., Said]


class Blinking(FakeDetector):
    """Finds nothing in the frames 5 to 9."""

    calls = -1

    def __call__(self, image: Image, /) -> Faces:
        self.calls += 1
        return Faces.none() if 5 <= self.calls < 10 else super().__call__(image)


@pytest.fixture
def film(tmp_path: Path, mien: Mien, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A second with two people whom the detector `fake` loses for a while."""
    pytest.importorskip("av")
    monkeypatch.setitem(detectors.DETECTORS, "fake", lambda variant, *, threads: Blinking())
    image = planted_picture([((40, 30, 140, 130), "happy"), ((200, 200, 300, 300), "sad")], size=(400, 320))[0]
    return clip(tmp_path / "film.mp4", 15, fps=15, size=(400, 320), images=[image] * 15)


def test_it_is_told_in_how_many_frames_somebody_was_not_found(mien: Mien, film: Path, tmp_path: Path) -> None:
    said = mien("analyze", film, *FAKES, "--anonymize", "-o", tmp_path / "x.mp4")
    assert said.code == 0
    told, summary = said.err.splitlines()
    assert told.startswith("mien: --anonymize: in 5 frames a followed face was not found; ")
    assert "20 faces" in summary  # of those that were found


def test_a_camera_is_told_of_likewise(mien: Mien, film: Path, tmp_path: Path) -> None:
    said = mien("live", film, *FAKES, "--anonymize", "--no-show", "--no-page", "-o", tmp_path / "x.mp4")
    assert said.code == 0
    assert " frames a followed face was not found; " in said.err


def test_the_table_does_not_change(mien: Mien, film: Path, tmp_path: Path) -> None:
    for name, words in {"a.csv": [], "b.csv": ["--anonymize"]}.items():
        assert mien("analyze", film, *FAKES, *words, "-o", tmp_path / name).code == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_nothing_is_told_where_nobody_was_missed(mien: Mien, pictures: Path, tmp_path: Path) -> None:
    said = mien("analyze", pictures / "two.png", *FAKES, "--anonymize", "-o", tmp_path / "x.png")
    assert (said.code, said.err.count("\n")) == (0, 1)


@pytest.mark.parametrize("words", [["--no-follow"], ["--detect-every", "3"]])
def test_pictures_are_hidden_whatever_is_asked_for_videos(mien: Mien, pictures: Path, tmp_path: Path, words: list[str]) -> None:
    said = mien("analyze", pictures, *FAKES, "--anonymize", *words, "-o", f"{tmp_path}/out/")
    assert said.code == 0
    whole = mien("analyze", pictures, *FAKES, "--anonymize", "-o", f"{tmp_path}/whole/")
    assert whole.code == 0
    for name in ("two.png", "лицо 1.jpg"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize(
    ("words", "why"), [(["--no-follow"], "by following alone, which is off"), (["--detect-every", "3"], "detect_every 3")]
)
@pytest.mark.parametrize("told", [True, False])
def test_a_video_that_would_show_faces_is_refused(
    mien: Mien, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], why: str, told: bool
) -> None:
    """told: whether its name or first bytes say that it is one, unlike an address without a name."""
    if not told:
        monkeypatch.setattr("mien.io.sources.has_streams", lambda inputs, **how: False)
    said = mien("analyze", film, *FAKES, "--anonymize", *words, "-o", tmp_path / "x.mp4")
    assert (said.code, said.out) == (2, "")
    assert why in said.err
    assert "Traceback" not in said.err
    assert not (tmp_path / "x.mp4").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [(["--save-crops", "crops"], "saves them as they are"), (["--min-score", "0.96"], "(min_score) are left out: they would stay visible")],
)
def test_what_would_show_faces_is_refused(mien: Mien, pictures: Path, tmp_path: Path, words: list[str], why: str) -> None:
    words = [str(tmp_path / word) if word == "crops" else word for word in words]
    said = mien("analyze", pictures, *FAKES, "--anonymize", *words, "-o", f"{tmp_path}/out/")
    assert said.code == 2
    assert why in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "crops").exists()
