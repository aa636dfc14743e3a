"""`mien evaluate` from data to figures on the terminal, as JSON and as a page."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from mien.cli.main import load
from mien.labels import EMOTIONS, FIRST_CODES, LABEL_SETS
from mien.models import registry
from mien.testing import FakeRecogniser, planted_picture
from mien.types import Emotions, Image
from tests.cli.conftest import Said

Mien = Callable[..., Said]
ON_FAKES = ["--detector", "fake"]


class Always(FakeRecogniser):
    """Answers `happy` to everything."""

    name = "always"

    def __call__(self, crops: Image, /) -> Emotions:
        found = super().__call__(crops)
        probs = np.zeros_like(found.probs)
        probs[:, found.labels.index("happy")] = 1
        return Emotions(found.labels, probs, found.affect, found.affect_from)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six pictures of three emotions; one of `sad` shows fear."""
    folder = tmp_path / "photos"
    for name, shown in {
        "happy/1": "happy",
        "happy/2": "happy",
        "sad/1": "sad",
        "sad/2": "fear",
        "anger/1": "anger",
        "anger/2": "anger",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(planted_picture([((100, 100, 220, 220), shown)], size=(400, 320))[0]).save(folder / f"{name}.png")
    return folder


def test_json_has_the_names_that_stay(mien: Mien, photos: Path) -> None:
    said = mien("evaluate", "fake", photos, "--labels", "fer7", *ON_FAKES, "--json", "--bootstrap", 50)
    assert (said.code, said.err) == (0, "")
    found = json.loads(said.out)
    names = "model, data, labels, n, accuracy, balanced_accuracy, macro_f1, top2, second_given_wrong, ece, per_class, confusion, intervals"
    assert list(found)[:13] == names.split(", ")
    assert (found["model"], found["data"], found["labels"], found["n"]) == ("fake", "photos", "fer7", 6)
    assert found["accuracy"] == pytest.approx(5 / 6)
    assert found["balanced_accuracy"] == pytest.approx((1 + 1 + 0.5) / 3)
    assert found["per_class"]["sad"] == {"precision": 1, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2}
    assert found["reliability"][0]["accuracy"] is None
    low, high = found["intervals"]["accuracy"]
    assert low <= found["accuracy"] <= high


def test_where_nothing_is_wrong_the_interval_has_a_width_and_no_second_answer_is_told(mien: Mien, photos: Path) -> None:
    (photos / "sad" / "2.png").unlink()
    lines = mien("evaluate", "fake", photos, "--labels", "fer7", *ON_FAKES, "--bootstrap", 50).out.splitlines()
    assert "accuracy            1.0000  (0.5655 to 1.0000)" in lines  # Wilson's, of five
    assert "macro_f1            1.0000" in lines
    assert not any("nan" in line or line.startswith("second_given_wrong") for line in lines)


def test_ratings_alone_and_of_one_axis_are_told_with_their_number(mien: Mien, photos: Path) -> None:
    rows = ["happy/1.png,0.9,0.6", "happy/2.png,0.7,", "sad/1.png,-0.8,-0.4", "sad/2.png,,0.5", "anger/1.png,-0.6,0.7"]
    (photos / "rated.csv").write_text("\n".join(["image_path,valence,arousal", *rows]) + "\n")
    said = mien("evaluate", "fake", photos / "rated.csv", *ON_FAKES, "--bootstrap", 50)
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    valence, arousal = (next(line for line in lines if line.startswith(axis)) for axis in ("valence", "arousal"))
    assert re.fullmatch(r"valence +CCC \d\.\d{4}, r \d\.\d{4}, RMSE \d\.\d{4}, MAE \d\.\d{4}, n 4", valence)  # too few for intervals
    assert arousal.endswith(", n 4")
    assert "affect from         rated 5" in lines
    assert not any(line.startswith(("accuracy", "left out")) for line in lines)
    lines = mien("evaluate", "fake", photos / "rated.csv", *ON_FAKES, "--bootstrap", 50, "--slice", "split").out.splitlines()
    at = lines.index("by split")
    assert lines[at + 1].startswith("  not known              valence CCC ")
    assert re.fullmatch(r" {25}arousal CCC \d\.\d{4}  n 4", lines[at + 2])
    page = photos / "page.html"
    said = mien("evaluate", "fake", photos / "rated.csv", *ON_FAKES, "--bootstrap", 50, "--against", "fake", "-o", page)
    assert re.search(r"\n  valence_ccc +(\d\.\d{4}) - \1 = \+0\.0000, n 4\n", said.out)
    assert re.search(r"\n  valence_mae +(\d\.\d{4}) - \1 = \+0\.0000  \(\+0\.0000 to \+0\.0000\), n 4\n", said.out)
    assert "McNemar" not in said.out
    assert "fake and fake (2) on the same pictures" in page.read_text("utf-8")
    (photos / "one.csv").write_text("image_path,emotion,valence\nhappy/1.png,happy,0.9\nsad/1.png,sad,-0.8\nanger/1.png,anger,-0.6\n")
    lines = mien("evaluate", "fake", photos / "one.csv", *ON_FAKES, "--bootstrap", 0).out.splitlines()
    assert "kappa               1.0000" in lines
    assert not next(line for line in lines if line.startswith("valence")).endswith("n 3")  # as many as there are
    assert not any(line.startswith("arousal") for line in lines)


class Scales(FakeRecogniser):
    """Gives valence and arousal alone."""

    name = "scales"

    def __call__(self, crops: Image, /) -> Emotions:
        return Emotions((), np.zeros((len(crops), 0), np.float32), super().__call__(crops).affect, "scales")


@pytest.mark.parametrize("models", [("fake", "scales"), ("scales", "fake")])
def test_a_second_model_without_labels_is_compared_by_ratings(
    mien: Mien, photos: Path, monkeypatch: pytest.MonkeyPatch, models: tuple[str, str]
) -> None:
    monkeypatch.setitem(registry._factories, "scales", lambda threads: Scales())
    rows = ["happy/1.png,happy,0.9", "happy/2.png,happy,0.7", "sad/1.png,sad,-0.8", "sad/2.png,sad,-0.5", "anger/1.png,anger,-0.6"]
    (photos / "both.csv").write_text("\n".join(["image_path,emotion,valence", *rows]) + "\n")
    page = photos / "page.html"
    words = ["evaluate", models[0], photos / "both.csv", "--against", models[1], *ON_FAKES, "--bootstrap", 20]
    said = mien(*words, "--robust", "jpeg", "-o", page)
    assert (said.code, "Traceback" in said.err) == (0, False)
    lines = said.out.splitlines()
    assert "  labels were not compared: scales gives none" in lines
    assert "robustness of scales: not judged, it gives no labels" in lines
    assert "robustness of fake (pictures as they are: accuracy 0.8000)" in lines
    assert any(line.startswith("  valence_mae ") for line in lines)
    told = page.read_text("utf-8")
    assert "Labels were not compared: scales gives none" in told
    assert "Of fake alone: scales gives no labels." in told
    found = json.loads(mien(*words, "--json", "--robust", "jpeg").out)
    assert found["comparison"]["without_labels"] == ["scales"]
    said = mien("evaluate", "scales", photos / "both.csv", *ON_FAKES, "--robust", "jpeg")
    assert (said.code, said.err.count("\n")) == (1, 1)
    assert "wanted pictures with labels, and a model that gives some" in said.err


def test_two_runs_say_the_same(mien: Mien, photos: Path) -> None:
    words = ["evaluate", "fake", photos, "--labels", "fer7", *ON_FAKES, "--json", "--slice", "brightness"]
    assert mien(*words) == mien(*words)


def test_the_terminal_shows_figures_parts_and_the_other_model(mien: Mien, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._factories, "always", lambda threads: Always())
    words = ["--against", "always", "--slice", "pose", "--slice", "split", "--bootstrap", 20]
    said = mien("evaluate", "fake", photos, "--labels", "fer7", *ON_FAKES, *words)
    assert said.code == 0
    for line in (
        "accuracy            0.8333",
        "by pose",
        "frontal, under 15°",
        "by split",
        "against always",
        "only fake 3",
        "only always 0",
    ):
        assert line in said.out
    assert "exact p 0.25, mid-p 0.125" in said.out  # three discordant, all on one side: 2 / 8, and half of it


def test_the_confusion_has_whole_names_over_its_columns(mien: Mien, photos: Path) -> None:
    lines = mien("evaluate", "fake", photos, *ON_FAKES, "--bootstrap", 0).out.splitlines()
    at = lines.index("confusion (rows: true, columns: answers)")
    head, body = lines[at + 1], [line for line in lines[at + 2 :] if line.startswith("  ")]
    assert head.split() == list(EMOTIONS)
    assert [line.split()[0] for line in body] == list(EMOTIONS)
    ends = [head.index(name) + len(name) for name in EMOTIONS]
    counts = {line.split()[0]: [int(line[:end].split()[-1]) for end in ends] for line in body}  # what stands at the end of each name
    assert counts["sad"] == [int(name in ("sad", "fear")) for name in EMOTIONS]
    assert counts["happy"] == [2 * (name == "happy") for name in EMOTIONS]


def test_the_confusion_has_a_column_for_pictures_without_a_face(mien: Mien, photos: Path) -> None:
    """Each row adds up to its label's pictures; the column is there only where it is wanted."""
    words = ("evaluate", "fake", photos, "--labels", "fer7", *ON_FAKES, "--bootstrap", 0)
    assert "no face" not in mien(*words).out
    Pillow.new("RGB", (400, 320)).save(photos / "sad" / "3.png")
    Pillow.new("RGB", (400, 320)).save(photos / "happy" / "3.png")
    lines = mien(*words).out.splitlines()
    assert "8, 2 without a face" in next(line for line in lines if line.startswith("n "))
    at = lines.index("confusion (rows: true, columns: answers)")
    assert lines[at + 1].split() == [*LABEL_SETS["fer7"], "no", "face"]
    assert len({len(line) for line in lines[at + 1 : at + 9]}) == 1
    rows = {line.split()[0]: [int(cell) for cell in line.split()[1:]] for line in lines[at + 2 : at + 9]}
    assert {label: row[-1] for label, row in rows.items() if row[-1]} == {"happy": 1, "sad": 1}
    assert {label: sum(row) for label, row in rows.items() if sum(row)} == {"anger": 2, "happy": 3, "sad": 3}


def test_outputs_are_a_page_and_json(mien: Mien, photos: Path, tmp_path: Path) -> None:
    page, figures = tmp_path / "page.html", tmp_path / "figures.json"
    said = mien("evaluate", "fake", photos, "--labels", "fer7", *ON_FAKES, "-o", page, "-o", figures, "--bootstrap", 20)
    assert said.code == 0
    assert f"6 pictures -> {page}" in said.err
    assert "fake on photos" in page.read_text("utf-8")
    assert json.loads(figures.read_text("utf-8"))["n"] == 6


def test_pictures_made_worse(mien: Mien, photos: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    words = ["evaluate", "fake", photos, "--labels", "fer7", *ON_FAKES, "--bootstrap", 20]
    said = mien(*words, "--robust", "size", "--robust", "yaw", "--robust", "size", "-o", page)
    assert said.code == 0
    assert "robustness of fake (pictures as they are: accuracy 0.8333)" in said.out
    assert "by size, px" in said.out
    assert "   112  accuracy 0.8333  (" in said.out
    assert "   160  accuracy" not in said.out  # the faces have 120 px
    assert "by jpeg" not in said.out
    assert "Simulated: the flat picture is turned" in said.out
    assert "<h2>Robustness</h2>" in page.read_text("utf-8")
    found = json.loads(mien(*words, "--robust", "jpeg", "--json").out)["robustness"]
    assert [level["level"] for level in found["kinds"]["jpeg"]["levels"]] == [90, 70, 50, 30, 20, 10]
    assert all(level["accuracy"] == pytest.approx(5 / 6) for level in found["kinds"]["jpeg"]["levels"])
    assert "robustness" not in json.loads(mien(*words, "--json").out)


def test_ready_made_crops_and_splits_are_made_worse_too(mien: Mien, tmp_path: Path) -> None:
    for split, shown in (("train", "sad"), ("test", "happy")):
        for i in range(2):
            path = tmp_path / "set" / split / "happy" / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Pillow.fromarray(planted_picture([((0, 0, 64, 64), shown)], size=(64, 64))[0]).save(path)
    words = ["evaluate", "fake", tmp_path / "set", "--labels", "fer7", *ON_FAKES, "--faces", "crop", "--json", "--robust", "all"]
    for split, right in (("train", 0), ("test", 1)):
        found = json.loads(mien(*words, "--bootstrap", 0, "--split", split).out)["robustness"]
        assert list(found["kinds"]) == ["size", "blur", "jpeg", "brightness", "roll", "yaw"]
        assert [(level["level"], level["n"]) for level in found["kinds"]["size"]["levels"]] == [(64, 2), (48, 2), (32, 2), (24, 2), (16, 2)]
        assert {level["accuracy"] for level in found["kinds"]["jpeg"]["levels"]} == {right}
        assert found["untouched"]["interval"] == [None, None]


def test_both_models_are_judged_on_pictures_made_worse(mien: Mien, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._factories, "always", lambda threads: Always())
    words = ["evaluate", "fake", photos, "--labels", "fer7", *ON_FAKES, "--against", "always", "--bootstrap", 0, "--robust", "jpeg"]
    assert "robustness of always (pictures as they are: accuracy 0.3333)" in mien(*words).out
    found = json.loads(mien(*words, "--json").out)
    assert found["robustness"]["untouched"]["accuracy"] == pytest.approx(5 / 6)
    assert all(level["accuracy"] == pytest.approx(1 / 3) for level in found["against"]["robustness"]["kinds"]["jpeg"]["levels"])


def test_a_sample_has_each_label(mien: Mien, photos: Path) -> None:
    words = ["evaluate", "fake", photos, "--labels", "fer7", *ON_FAKES, "--json", "--bootstrap", 0]
    found = json.loads(mien(*words, "--sample", 3).out)
    assert found["n"] == 3
    assert {label: row["support"] for label, row in found["per_class"].items()} == {"anger": 1, "happy": 1, "sad": 1}
    assert found["left_out"] == {"not in the sample": 3}
    assert json.loads(mien(*words, "--sample", 3).out) == found
    assert json.loads(mien(*words, "--sample", 99).out)["n"] == 6


def test_unreadable_pictures_are_named_and_counted(mien: Mien, photos: Path) -> None:
    (photos / "sad" / "broken.png").write_bytes(b"nothing")
    said = mien("evaluate", "fake", photos, "--labels", "fer7", *ON_FAKES, "--bootstrap", 0)
    assert said.code == 3
    assert "broken.png" in said.err
    assert "left out: 1 (cannot be read)" in said.out
    assert "intervals" not in said.out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["-o", "page.pdf"], ".html for the page"),
        (["--slice", "colour"], "there are: "),
        (["--labels", "nine"], "there are: "),
        (["--faces", "all"], "crop or detect"),
        (["--head", "fer7"], "auto, blend"),
        (["--against", "nobody"], "there are: "),
        (["--robust", "fog"], "all, "),
    ],
)
def test_wrong_words_are_one_line(mien: Mien, photos: Path, words: list[str], why: str) -> None:
    said = mien("evaluate", "fake", photos, *ON_FAKES, *words)
    assert said.code == 2
    assert why in said.err
    assert said.err.count("\n") == 1


def test_every_label_set_is_named_in_the_help_and_the_documentation() -> None:
    help_text = next(param.help for param in load("evaluate").params if param.name == "labels")
    page = (Path(__file__).parents[2] / "docs" / "evaluate.md").read_text("utf-8")
    told = {
        name: (labels.split(", "), codes)
        for names, labels, codes in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| ([\w, ]+) \| (.+) \|$", page, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", names)
    }
    for name, labels in LABEL_SETS.items():
        assert name in help_text
        assert told[name][0] == list(labels)
        assert f"from {FIRST_CODES.get(name, 0)}" in told[name][1]
