"""`mien models`: listings, cards, and checks that find what is wrong."""

import hashlib
import io
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.cli import models
from mien.labels import EMOTIONS, LABEL_SETS
from mien.models import registry
from mien.models.card import Head, ModelCard
from mien.models.detectors import registry as detectors
from mien.models.locate import BUNDLED
from mien.types import Emotions, Image
from mien.vision.align import CropSpec
from tests.cli.conftest import Said

Mien = Callable[..., Said]
CONTENT = b"weights"
CROPS = np.arange(3 * 8 * 8, dtype=np.uint8).reshape(3, 8, 8)


class Loaded:
    """Stands for a loaded network: the mean of a crop decides."""

    def __call__(self, crops: Image) -> Emotions:
        bright = crops.reshape(len(crops), -1).mean(axis=1) / 255
        probs = np.stack([bright, 1 - bright, *[0 * bright] * 7], axis=1).astype(np.float32)
        return Emotions(EMOTIONS, probs, np.stack([bright, -bright], axis=1).astype(np.float32), "model", heads={"fer7": probs[:, :7]})


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in $MIEN_MODELS with the card, file and golden answers of a model called `mine`."""
    card = ModelCard(
        name="mine",
        file="mine.onnx",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        bytes=len(CONTENT),
        crop=CropSpec(size=8, colour="grey"),
        outputs={"votes": Head("logits", EMOTIONS), "fer7": Head("logits", LABEL_SETS["fer7"]), "affect": Head("affect")},
        blend={"votes": 1.0},
        licences={"weights": "Apache-2.0"},
        metrics={"fer7": {"accuracy": 0.7012, "macro_f1": 0.68}, "other": {"ece": 0.1}},
    )
    (tmp_path / "mine.json").write_text(card.to_json(), "utf-8")
    (tmp_path / "mine.onnx").write_bytes(CONTENT)
    golden(tmp_path)
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path))
    monkeypatch.setattr("mien.models.registry.open_model", lambda card, beside, threads=0: Loaded())
    return tmp_path


def golden(folder: Path, *, off: float = 0.0) -> None:
    wanted = Loaded()(np.repeat(CROPS[..., None], 3, axis=3))
    assert wanted.affect is not None
    wanted.affect[1, 0] += off
    np.savez(folder / "mine.golden.npz", crops=CROPS, probs=wanted.probs, affect=wanted.affect, fer7=wanted.heads["fer7"])


def test_list(mien: Mien, shelf: Path) -> None:
    said = mien("models", "list", "--json")
    assert said.code == 0
    rows = {(row["kind"], row["name"]): row for row in json.loads(said.out)}
    mine = rows["model", "mine"]
    assert mine["accuracy"] == {"fer7": 0.7012}
    assert (mine["crop"], mine["licence"], mine["where"]) == ("8 px grey", "Apache-2.0", str(shelf))
    assert rows["model", "fake"]["where"] == "plug-in"
    assert {"yunet", "haar:alt2", "mtcnn", "mediapipe", "fake"} <= {name for kind, name in rows if kind == "detector"}
    assert rows["detector", "yunet"]["size_mb"] > 0.1
    assert all(tuple(row) == models.COLUMNS for row in rows.values())
    text = mien("models", "list").out
    line = next(line for line in text.splitlines() if line.startswith("mine "))
    assert line.split()[:6] == ["mine", "0.00", "8", "px", "grey", "fer7"]
    assert "haar:alt2" in text


@pytest.mark.parametrize("width", [80, 200])
def test_on_a_terminal_each_has_one_line_of_80_characters(mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Models and detectors of the package, whose folder may have any name; with the figures of the cards that README names."""
    monkeypatch.setattr("mien.models.locate.cache_folder", lambda: tmp_path)
    monkeypatch.delenv("MIEN_MODELS", raising=False)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    rows, text = json.loads(mien("models", "list", "--json").out), mien("models", "list").out
    lines = re.sub(r"\x1b\[\d*m", "", text).splitlines()
    assert max(map(len, lines)) <= 80
    first = [line.split()[0] for line in lines if line.strip()]
    named = [name for name, (_, path) in registry.cards().items() if path.parent == BUNDLED]
    assert set(named) <= set(first[: first.index("detector")])
    assert {"mediapipe", "mediapipe:full", "haar:deepface", "yunet:tiled"} <= set(first)
    assert len(lines) - 1 == len(first) == len(rows) + 2  # two heads, and the empty line between the tables
    assert str(BUNDLED) not in text
    metrics = json.loads((BUNDLED / "base.json").read_text("utf-8"))["metrics"]
    wanted = ", ".join(f"{name} {metrics[f'{name} PrivateTest']['accuracy']:.3f}" for name in ("FER-2013", "FER+"))
    assert wanted in next(line for line in lines if line.startswith("base "))
    settings = next(line for line in lines if line.startswith("mediapipe:full "))
    assert "1.05  range full, confidence 0.6, square, margin 0.05  " in settings
    assert "not square, margin 0 " in next(line for line in lines if line.startswith("mtcnn "))


def test_a_long_folder_and_a_long_name_of_a_figure_are_cut_to_fit(mien: Mien, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shelf / "a folder of many words" / "runs" / "mine"
    folder.mkdir(parents=True)
    card = json.loads((shelf / "mine.json").read_text("utf-8"))
    card["metrics"] = {"a data set of many words": {"accuracy": 0.5}, "another": {"accuracy": 0.25}}
    (folder / "mine.json").write_text(json.dumps(card), "utf-8")
    monkeypatch.setenv("MIEN_MODELS", str(folder))
    line = next(line for line in mien("models", "list").out.splitlines() if line.startswith("mine "))
    assert line.rstrip().endswith(f"a data set of many … 0.500  …{os.sep}runs{os.sep}mine")


def test_detectors_are_listed_with_their_settings(mien: Mien) -> None:
    """As the requirements have them: R1 on pictures 1.03 / 10, on video 1.1 / 5, R4 1.3 / 5; R2 alt2; R3's box squared, 10 % around it."""
    rows = {row["name"]: row["settings"] for row in json.loads(mien("models", "list", "--json").out) if row["kind"] == "detector"}
    assert rows["haar:r1"] == {"cascade": "default", "scale": 1.03, "neighbours": 10}
    assert rows["haar:r1-video"] == {"cascade": "default", "scale": 1.1, "neighbours": 5}
    assert rows["haar:r2"] == {"cascade": "alt2", "scale": 1.1, "neighbours": 5}
    assert rows["haar:r4"] == {"cascade": "default", "scale": 1.3, "neighbours": 5}
    assert rows["mtcnn:r3"] == {"square": True, "margin": 0.1}
    text = mien("models", "list").out
    line = next(line for line in text.splitlines() if line.startswith("haar:r1 "))
    assert "cascade default, scale 1.03, neighbours 10" in line
    heads = [line.split() for line in text.splitlines() if line.startswith(("model ", "detector "))]
    assert heads == [["model", "MB", "crop", "accuracy", "where"], ["detector", "MB", "settings", "where"]]


def test_show_and_check_know_detectors(mien: Mien) -> None:
    text = mien("models", "show", "haar:r1").out
    assert all(
        line in text.splitlines() for line in ("name: haar:r1", "kind: detector", "  scale: 1.03", "  neighbours: 10", "where: OpenCV")
    )
    assert "size_mb" not in text  # there is none to tell
    shown = json.loads(mien("models", "show", "mtcnn:r3:tiled", "--json").out)
    assert list(shown) == ["name", "kind", "about", "size_mb", "settings", "licence", "where"]
    assert (shown["name"], shown["settings"], shown["licence"]) == ("mtcnn:r3:tiled", {"square": True, "margin": 0.1}, "MIT")
    assert "R3" in shown["about"]
    assert "tiles" in shown["about"]
    assert mien("models", "check", "haar:r1").out == "OK   haar:r1: detector loads and runs\n"
    for verb in ("show", "check"):
        said = mien("models", verb, "haar:r9")
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith("mien: unknown model with a card or detector 'haar:r9'; there are: base, fake, haar, haar:alt, ")


def test_what_a_card_says_cannot_command_the_terminal(mien: Mien, shelf: Path) -> None:
    card = json.loads((shelf / "mine.json").read_text("utf-8"))
    card["note"] = "\x1b]0;pwned\x07\x1b[2Jall good\u202e\nname: another"
    card["licences"]["code\x1b[31m"] = "MIT\x9b"
    (shelf / "mine.json").write_text(json.dumps(card), "utf-8")
    text = mien("models", "show", shelf / "mine.onnx").out
    assert "note: ?]0;pwned??[2Jall good??name: another" in text
    assert all(line.isprintable() for line in text.splitlines())
    card["name"] = "mine\x1b[31m"
    (shelf / "mine.json").write_text(json.dumps(card), "utf-8")
    said = mien("models", "show", shelf / "mine.onnx")
    assert said.code != 0
    assert "card 'mine?[31m': its name holds characters that cannot be printed" in said.err
    assert said.err.count("\n") == 1


def test_show(mien: Mien, shelf: Path) -> None:
    assert ModelCard.from_json(mien("models", "show", "mine", "--json").out) == ModelCard.read(shelf / "mine.json")
    text = mien("models", "show", shelf / "mine.onnx").out
    assert "name: mine\n" in text
    assert "    accuracy: 0.7012\n" in text
    said = mien("models", "show", "nobody")
    assert said.code == 2
    assert "there are: " in said.err
    assert "mine" in said.err
    said = mien("models", "show", "fake")
    assert (said.code, said.err) == (1, "mien: model 'fake' comes from a plug-in and has no card\n")


def test_check_is_content(mien: Mien, shelf: Path) -> None:
    said = mien("models", "check", "mine")
    assert said == (0, "OK   mine: hash right, loads, 3 golden crops within 0\n", "")
    (shelf / "mine.golden.npz").unlink()
    assert "answers; no mine.golden.npz to compare with" in mien("models", "check", "mine").out


def test_check_finds_other_answers(mien: Mien, shelf: Path) -> None:
    golden(shelf, off=2e-4)
    said = mien("models", "check", "mine")
    assert said.code == 1
    assert said.out == "BAD  mine: mine.golden.npz: affect of crop 1 differs by 0.0002, allowed is 0.0001\n"
    golden(shelf, off=5e-5)
    assert mien("models", "check", "mine").code == 0
    golden(shelf, off=np.nan)
    assert mien("models", "check", "mine").code == 1


def test_check_finds_another_file(mien: Mien, shelf: Path) -> None:
    (shelf / "mine.onnx").write_bytes(b"Weights")
    said = mien("models", "check", "mine")
    assert said.code == 1
    assert "sha256 is " in said.out
    (shelf / "mine.onnx").unlink()
    assert "missing" in mien("models", "check", "mine").out


def test_check_by_path_detectors_and_unknown_names(mien: Mien, shelf: Path) -> None:
    assert mien("models", "check", shelf / "mine.onnx").code == 0
    assert mien("models", "check", "fake").out == "OK   fake: detector loads and runs\n"
    assert mien("models", "check", "nobody").code == 2


def test_a_run_folder_is_a_model(mien: Mien, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIEN_MODELS")
    for name in ("config.json", "run.json"):
        (shelf / name).write_text("{}")
    said = mien("models", "check", shelf)
    assert (said.code, said.out.startswith(f"OK   {shelf}: hash right, loads, 3 golden crops")) == (0, True)
    assert "name: mine" in mien("models", "show", shelf).out
    (shelf / "mine.json").rename(shelf / "run.json")
    (shelf / "run.json").write_text("{}")
    said = mien("models", "show", shelf)
    assert (said.code, said.out) == (2, "")
    assert f"{shelf}" in said.err


def test_check_of_all_names_each(mien: Mien, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "checks", lambda: {"mine": lambda: models.check_model("mine"), "lost": lambda: models.check_model("lost")})
    said = mien("models", "check")
    assert said.code == 1
    assert [line[:9] for line in said.out.splitlines()] == ["OK   mine", "BAD  lost"]


def test_check_as_json(mien: Mien, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "checks", lambda: {"mine": lambda: models.check_model("mine"), "lost": lambda: models.check_model("lost")})
    said = mien("models", "check", "--json")
    assert said.code == 1
    assert [(row["name"], row["ok"]) for row in json.loads(said.out)] == [("mine", True), ("lost", False)]
    assert json.loads(said.out)[0]["found"] == "hash right, loads, 3 golden crops within 0"


def test_get_fetches_only_what_it_knows(mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = mien("models", "get", "nobody")
    assert said.code == 2
    assert "unknown weights to fetch 'nobody'; there are: yunet" in said.err

    def fetch(name: str, folder: Path | None = None) -> Path:
        return (folder or tmp_path) / f"{name}.onnx"

    monkeypatch.setattr("mien.models.locate.fetch_weights", fetch)
    assert mien("models", "get", "yunet", "--folder", tmp_path).out == f"{tmp_path / 'yunet.onnx'}\n"


def test_licences_of_the_detectors_are_listed(mien: Mien) -> None:
    rows = {row["name"]: row["licence"] for row in json.loads(mien("models", "list", "--json").out) if row["kind"] == "detector"}
    found = [rows[name] for name in ("yunet:full", "mtcnn", "mediapipe:full", "haar:alt2", "fake")]
    assert found == ["MIT", "MIT", "Apache-2.0", "Intel (BSD-3-Clause)", None]


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cannot be read (No data left in file)"),
        (b"no npz at all", "cannot be read ("),
        (b"PK\x03\x04" + b"cut", "cannot be read ("),
        (npz(probs=np.zeros((3, 9), np.float32)), "crops: found none"),
        (npz(crops=CROPS.astype(np.float32), probs=np.zeros((3, 9))), "crops: found float32 (3, 8, 8)"),
        (npz(crops=np.uint8(5)), "crops: found uint8 ()"),
        (npz(crops=CROPS), "found crops alone"),
        (npz(crops=CROPS, probs=np.full((3, 9), "much")), "probs: found <U4, wanted numbers"),
    ],
)
def test_golden_answers_that_are_none_end_their_own_check_only(mien: Mien, shelf: Path, content: bytes, says: str) -> None:
    (shelf / "mine.golden.npz").write_bytes(content)
    said = mien("models", "check", "mine")
    assert (said.code, said.err) == (1, "")
    assert said.out.startswith(f"BAD  mine: mine.golden.npz: {says}")
    assert "wanted an npz with crops, uint8, and answers to them; delete it, or get the model anew" in said.out
    assert said.out.count("\n") == 1


def test_a_part_that_raises_what_it_likes_ends_its_own_check_only(mien: Mien, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(variant: str, *, threads: int) -> object:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setitem(detectors.DETECTORS, "broken", broken)
    monkeypatch.setitem(detectors.DETECTORS, "dumb", lambda variant, *, threads: lambda image: None)
    for name in ("broken", "dumb"):
        monkeypatch.setitem(detectors.VARIANTS, name, ())
    monkeypatch.setattr(registry, "cards", dict)
    lines = mien("models", "check").out.splitlines()
    assert "BAD  broken: ZeroDivisionError: by zero" in lines
    assert any(line.startswith("BAD  dumb: detector ") and "wanted mien.Faces" in line for line in lines)
    assert "OK   yunet: detector loads and runs" in lines  # the last of all names


def test_a_file_that_is_no_card_is_told_and_the_rest_is_listed(mien: Mien, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (shelf / "mine.json").read_text("utf-8").replace(f'"bytes": {len(CONTENT)}', f'"bytes": "{len(CONTENT)}"')
    (shelf / "mine.json").write_text(text, "utf-8")
    what = f"{shelf / 'mine.json'}: not a model card: bytes: found str '7', wanted a whole number"
    said = mien("models", "list", "--json")
    assert (said.code, said.err) == (0, f"mien: {what}\n")
    assert {"base", "yunet"} <= {row["name"] for row in json.loads(said.out)}
    wanted = models.checks()
    monkeypatch.setattr(models, "checks", lambda: {name: check for name, check in wanted.items() if name not in ("base", "large", "tiny")})
    said = mien("models", "check")
    assert said.code == 1
    assert f"BAD  {shelf / 'mine.json'}: {what}" in said.out.splitlines()
    found = {one["what"]: one for one in json.loads(mien("doctor", "--json").out)}[str(shelf / "mine.json")]
    assert (found["state"], found["found"], found["todo"]) == ("bad", what, "mend the card, or delete it")


def test_a_second_file_of_a_detector_is_not_added_to_the_first(mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def listed() -> dict[str, tuple[float, str]]:
        rows = json.loads(mien("models", "list", "--json").out)
        return {row["name"]: (row["size_mb"], row["where"]) for row in rows if row["kind"] == "detector"}

    before = listed()
    own = (BUNDLED / "yunet.onnx").stat().st_size
    assert before["whole"] == (None, "mien")
    assert before["yunet"] == before["yunet:1280"] == (round(own / 1e6, 2), str(BUNDLED))
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path))
    (tmp_path / "yunet_2023mar.onnx").write_bytes(bytes(5_000_000))
    assert listed() == before
    monkeypatch.setattr("mien.models.locate.BUNDLED", tmp_path / "none")
    assert listed()["yunet"] == (5.0, str(tmp_path))
    (tmp_path / "mtcnn_pnet.onnx").write_bytes(bytes(1000))  # one of three
    assert listed()["mtcnn"][1] == listed()["mediapipe:full"][1] == "missing"


def test_all_files_of_detectors_belong_to_one() -> None:
    assert sorted(file for networks in detectors.NETWORKS.values() for files in networks for file in files) == sorted(detectors.SHA256)
