"""No verb of `mien data` loses a picture in silence: it is named, and the exit code is 3."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.manifest import Manifest
from mien.testing import planted_picture
from tests.cli.conftest import Said

Mien = Callable[..., Said]
BAD = ["happy/bad.png", "happy/worse.png"]


def draw(folder: Path) -> Path:
    """Three pictures of each of two emotions."""
    for emotion in ("happy", "sad"):
        (folder / emotion).mkdir(parents=True)
        for i in range(3):
            image = planted_picture([((10, 10, 50, 50), emotion)], size=(64, 64))[0].copy()
            image[-2:, -2:] = i
            cv2.imwrite(str(folder / emotion / f"{i}.png"), image)
    return folder


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Six pictures, and two files that are none."""
    for name in BAD:
        (draw(tmp_path / "set") if name == BAD[0] else tmp_path / "set").joinpath(name).write_bytes(b"x")
    return tmp_path / "set"


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A manifest of paths, of which one leads nowhere and one to what is no picture any more."""
    folder = draw(tmp_path / "links")
    files = sorted(folder.rglob("*.png"))
    ids = [file.name + file.parent.name for file in files]
    manifest = Manifest({"id": ids, "path": list(map(str, files)), "label": ["happy"] * 3 + ["sad"] * 3})
    manifest.write(tmp_path / "links.parquet")
    files[0].unlink()
    files[4].write_bytes(b"x")
    return tmp_path / "links.parquet"


def listed(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        return [row["kind"] for row in csv.DictReader(file)]


def named(said: Said) -> int:
    """How many unreadable pictures are named."""
    return sum(line.startswith(("mien: corrupt picture: ", "mien: missing picture: ")) for line in said.err.splitlines())


def test_clean_of_a_folder(mien: Mien, broken: Path, tmp_path: Path) -> None:
    said = mien("data", "clean", broken, "--rules", "tiny", "-o", tmp_path / "c.parquet", "--json")
    assert said.code == 3
    assert json.loads(said.out)["problems"] == {"corrupt picture": 2}
    for name in BAD:
        assert f"mien: corrupt picture: set/{name}: " in said.err
    assert listed(tmp_path / "c.problems.csv") == ["corrupt picture"] * 2
    assert len(Manifest.read(tmp_path / "c.parquet")) == 6
    for name in BAD:
        (broken / name).unlink()
    said = mien("data", "clean", broken, "--rules", "tiny", "-o", tmp_path / "c.parquet")
    assert (said.code, said.err.count("mien:")) == (0, 0)
    assert not (tmp_path / "c.problems.csv").exists()


def test_clean_of_a_manifest_of_paths(mien: Mien, linked: Path, tmp_path: Path) -> None:
    for rules in ("tiny", "faceless"):
        said = mien("data", "clean", linked, "--rules", rules, "--detector", "fake", "-o", tmp_path / f"{rules}.parquet")
        assert said.code == 3
        assert "mien: missing picture: 0.pnghappy: " in said.err
        assert "mien: corrupt picture: 1.pngsad: " in said.err
        assert listed(tmp_path / f"{rules}.problems.csv") == ["missing picture", "corrupt picture"]
        assert len(Manifest.read(tmp_path / f"{rules}.parquet")) == 4
    said = mien("data", "clean", linked, "--rules", "tiny")  # which only tells
    assert said.code == 3
    assert "mien: missing picture: 0.pnghappy: " in said.err


@pytest.mark.parametrize("which", ["broken", "linked"])
def test_inspect(mien: Mien, which: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    said = mien("data", "inspect", request.getfixturevalue(which), "--no-suspicious", "-o", tmp_path / "page.html")
    assert said.code == 3
    assert "2 cannot be read" in said.out
    assert named(said) == 2
    assert (tmp_path / "page.html").exists()


@pytest.mark.parametrize("which", ["broken", "linked"])
@pytest.mark.parametrize("method", ["pictures", "smote"])
def test_balance(mien: Mien, which: str, method: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    out = tmp_path / ("out.npz" if method == "smote" else "out")
    own = ("--model", "tiny") if method == "smote" else ("--recipe", "r3")
    words = ("--method", method, "--detector", "fake", "--smote-value", 3, *own)
    said = mien("data", "balance", request.getfixturevalue(which), "-o", out, *words)
    assert said.code == 3
    assert named(said) == 2
    assert out.exists()


def test_weights_and_labels_of_affect(mien: Mien, broken: Path, tmp_path: Path) -> None:
    said = mien("data", "balance", broken, "--method", "weights", "--json")
    assert said.code == 3
    assert json.loads(said.out)["happy"]["n"] == 3
    said = mien("data", "affect", "jitter", broken, "-o", tmp_path / "a.parquet")
    assert said.code == 3
    assert "mien: corrupt picture: set/happy/bad.png" in said.err
    assert len(Manifest.read(tmp_path / "a.parquet")) == 6


def test_a_slip_in_a_manifest_is_told_and_is_none_in_what_is_split(mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n = 40
    with monkeypatch.context() as patch:  # as earlier versions wrote it
        patch.setattr("mien.data.manifest.outside", lambda affect: np.zeros(affect.shape, bool))
        affect = {"valence": [1.5] + [0.5] * (n - 1), "arousal": [0.25] * n}
        Manifest({"id": [f"p{i}" for i in range(n)], "label": ["sad"] * n, **affect}).write(tmp_path / "old.parquet")
    said = mien("data", "split", tmp_path / "old.parquet", "-o", tmp_path / "new.parquet", "--no-near-duplicates")
    assert said.code == 0
    assert "mien: value outside of its scale: p0: valence 1.5; wanted -1..1; read as none" in said.err.splitlines()
    assert np.isnan(Manifest.read(tmp_path / "new.parquet")["valence"]).sum() == 1


def test_codes_that_would_be_laid_over_fer_2013_are_refused_before_anything_is_read(mien: Mien, tmp_path: Path) -> None:
    (tmp_path / "fer.csv").write_text(f"emotion,pixels\n0,{' '.join(['7'] * 4)}\n")
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "coded.csv").write_text("image_path,emotion\na.png,1\n")
    inputs = tmp_path / "fer.csv", tmp_path / "coded.csv"
    said = mien("data", "import", *inputs, "--labels", "affectnet8", "-o", tmp_path / "set.parquet")
    assert said.code == 2
    assert said.err.startswith("mien: labels: found affectnet8, which would be taken for the codes of ")
    assert not (tmp_path / "set.parquet").exists()
    said = mien("data", "import", inputs[0], "--labels", "affectnet8", "-o", tmp_path / "set.parquet")
    assert said.code == 0
    assert Manifest.read(tmp_path / "set.parquet")["label"].tolist() == ["neutral"]
