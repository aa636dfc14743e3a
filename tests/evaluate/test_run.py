"""Judging a model: the right answers are counted right, by both roads."""

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")

from mien.data.labelled import read_labelled
from mien.data.manifest import Manifest
from mien.errors import DataError, ModelError, UnknownName, UsageError
from mien.evaluate.run import evaluate, evaluate_both
from mien.models.card import ModelCard
from mien.models.recogniser import OnnxRecogniser
from mien.models.registry import recogniser
from mien.report.evaluation import as_page
from mien.testing import DARKEST, STEP, FakeDetector, FakeRecogniser, planted_picture
from mien.types import Emotions, Faces
from mien.vision.align import whole_frame_points
from tests.models import brightness


@pytest.fixture
def model(tmp_path: Path) -> OnnxRecogniser:
    brightness.write(tmp_path)
    found = recogniser(str(tmp_path / "brightness.onnx"))
    assert isinstance(found, OnnxRecogniser)
    return found


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


def test_detected_faces_are_judged_and_faceless_pictures_are_wrong(model: OnnxRecogniser, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for i in range(3):
        save(folder / "happy" / f"{i}.png", planted_picture([((40, 40, 140, 140), "happy"), ((300, 40, 340, 80), "sad")])[0])
        save(folder / "fear" / f"{i}.png", planted_picture([((40, 40, 140, 140), "fear")])[0])
    save(folder / "anger" / "shows-sad.png", planted_picture([((40, 40, 140, 140), "sad")])[0])
    save(folder / "sad" / "faceless.png", planted_picture([])[0])
    (folder / "sad" / "broken.png").write_bytes(b"broken")
    done: list[int] = []
    found = evaluate(model, FakeDetector(), read_labelled(folder, "fer7"), labels="fer7", progress=done.append).to_json()
    assert (found["n"], found["unanswered"]) == (8, 1)
    assert found["accuracy"] == pytest.approx(6 / 8)
    assert found["per_class"]["happy"]["recall"] == 1
    assert found["left_out"] == {"cannot be read": 1}
    assert done[-1] == 9


def test_ready_made_crops_are_read_without_a_face_found(model: OnnxRecogniser, tmp_path: Path) -> None:
    names = ("anger", "happy", "surprise")
    for name in names:
        value = DARKEST + STEP * model.card.labels.index(name)
        save(tmp_path / "crops" / name / "a.png", np.full((48, 48, 3), value, np.uint8))
    data = read_labelled(tmp_path / "crops", "fer7")
    blind = FakeDetector(Faces.none())
    assert evaluate(model, blind, data, labels="fer7", faces="crop").figures["accuracy"] == 1
    assert evaluate(model, blind, data, labels="fer7", faces="detect").figures["unanswered"] == 3


class NoNumbers(FakeRecogniser):
    """A network whose training left the numbers: NaN in every answer, or in that of one output."""

    def __init__(self, card: ModelCard, head: str = "") -> None:
        super().__init__()
        self.card, self.head = card, head

    def __call__(self, crops: np.ndarray, /) -> Emotions:
        found = super().__call__(crops)
        none = np.full_like(found.probs, np.nan)
        if self.head:
            return Emotions(found.labels, found.probs, found.affect, found.affect_from, heads={self.head: none})
        return Emotions(found.labels, none, found.affect, found.affect_from)


@pytest.mark.parametrize("head", ["", "votes"])
def test_answers_that_are_no_numbers_are_refused_as_in_an_analysis(model: OnnxRecogniser, tmp_path: Path, head: str) -> None:
    save(tmp_path / "crops" / "sad" / "a.png", np.zeros((48, 48, 3), np.uint8))
    data = read_labelled(tmp_path / "crops", "fer7")
    with pytest.raises(ModelError, match=r"model 'brightness' gave the probabilities \[nan.*its file or its card is wrong"):
        evaluate(NoNumbers(model.card, head), FakeDetector(Faces.none()), data, labels="fer7", faces="crop", head=head or "blend")


def test_wrong_words_are_refused(model: OnnxRecogniser, tmp_path: Path) -> None:
    save(tmp_path / "crops" / "sad" / "a.png", np.zeros((48, 48, 3), np.uint8))
    data = read_labelled(tmp_path / "crops", "fer7")
    with pytest.raises(UsageError, match="crop or detect"):
        evaluate(model, FakeDetector(), data, labels="fer7", faces="all")
    with pytest.raises(UnknownName, match="auto, blend, votes"):
        evaluate(model, FakeDetector(), data, labels="fer7", head="none")


def manifest(folder: Path, rows: list[tuple[str, str, str]], **columns: list[float] | np.ndarray) -> Path:
    """Crops as files and a manifest of them. rows: the label said, the label shown, the subject."""
    shown = ("anger", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise", "uncertain")
    for i, (_, what, _) in enumerate(rows):
        save(folder / f"{i}.png", np.full((48, 48, 3), DARKEST + STEP * shown.index(what), np.uint8))
    Manifest(
        {
            "id": [f"{i}" for i in range(len(rows))], "path": [str(folder / f"{i}.png") for i in range(len(rows))],
            "label": [label for label, _, _ in rows], "subject": [who for _, _, who in rows], **columns,
        }
    ).write(folder / "set.parquet")  # fmt: skip
    return folder / "set.parquet"


def test_people_are_resampled_where_they_are_known(model: OnnxRecogniser, tmp_path: Path) -> None:
    rows = [("happy", "happy" if person % 2 else "sad", f"p{person}") for person in range(12) for _ in range(10)]
    data = read_labelled(manifest(tmp_path, rows), "fer7")
    by_people = evaluate(model, FakeDetector(Faces.none()), data, labels="fer7", faces="crop").figures
    assert (by_people["intervals_by"]["unit"], by_people["intervals_by"]["units"]) == ("subject", 12)
    assert by_people["accuracy"] == 0.5
    low, high = by_people["intervals"]["accuracy"]
    # Twelve coins, not 120: the binomial of n = 12 has its 2.5 and 97.5 % at 3 and 9.
    assert (low, high) == (pytest.approx(3 / 12), pytest.approx(9 / 12))
    data.columns["subject"][:] = ""
    alone = evaluate(model, FakeDetector(Faces.none()), data, labels="fer7", faces="crop", rounds=200).figures
    assert (alone["intervals_by"]["unit"], alone["intervals_by"]["units"]) == ("picture", 120)
    low, high = alone["intervals"]["accuracy"]
    assert high - low < 0.25
    assert evaluate(model, FakeDetector(Faces.none()), data, labels="fer7", faces="crop", rounds=0).figures["intervals"] == {}


def test_parts_by_column_and_by_what_is_measured(model: OnnxRecogniser, tmp_path: Path) -> None:
    rows = [("anger", "anger", "p1"), ("sad", "happy", "p1"), ("surprise", "surprise", "p10"), ("sad", "sad", "p2")]
    data = read_labelled(manifest(tmp_path, rows), "fer7")
    blind = FakeDetector(Faces.none())
    found = evaluate(model, blind, data, labels="fer7", faces="crop", rounds=10, slice_by=("subject", "brightness", "size", "pose"))
    parts = found.figures["slices"]
    assert [(part["value"], part["n"], part["accuracy"]) for part in parts["subject"]] == [("p1", 2, 0.5), ("p2", 1, 1.0), ("p10", 1, 1.0)]
    # anger is shown by a grey value of 60, happy by 140, sad by 180, surprise by 200
    assert [part["value"] for part in parts["brightness"]] == ["under 64", "128 to 160", "160 to 192", "192 or more"]
    assert [part["value"] for part in parts["size"]] == ["48 to 96"]
    assert [part["value"] for part in parts["pose"]] == ["not known"]
    there = FakeDetector(Faces(np.array([[4, 4, 44, 44]], np.float32), np.ones(1, np.float32), whole_frame_points(48, 48)[None]))
    seen = evaluate(model, there, data, labels="fer7", rounds=10, slice_by=("skin",)).figures["slices"]["skin"]
    assert [(part["value"], part["n"]) for part in seen] == [("under 40", 1), ("50 to 60", 1), ("70 or more", 2)]  # L* 25, 58, 73, 81
    with pytest.raises(UnknownName, match="brightness"):
        evaluate(model, blind, data, labels="fer7", slice_by=["colour"])


def test_beside_the_raters(model: OnnxRecogniser, tmp_path: Path) -> None:
    rows = [("sad", "happy", ""), ("sad", "sad", ""), ("happy", "happy", ""), ("happy", "happy", ""), ("fear", "sad", "")]
    data = read_labelled(manifest(tmp_path, rows), "fer7")
    data.columns["agreement"] = np.array([0.6, 0.6, 1, 0.9, np.nan], np.float32)
    blind = FakeDetector(Faces.none())
    found = evaluate(model, blind, data, labels="fer7", faces="crop", rounds=0, slice_by=["agreement"])
    assert found.figures["one_rater"] == pytest.approx((0.6 + 0.6 + 1 + 0.9) / 4)
    told = [(part["value"], part["n"], part["accuracy"]) for part in found.figures["slices"]["agreement"]]
    assert told == [("0.5 to 0.7", 2, 0.5), ("0.9 or more", 2, 1.0), ("not known", 1, 0.0)]
    assert "One rater alone" in as_page(found, data)
    unknown = evaluate(model, blind, data.where([4]), labels="fer7", faces="crop", rounds=0)
    assert "one_rater" not in unknown.figures


def test_two_models_on_the_same_pictures(model: OnnxRecogniser, tmp_path: Path) -> None:
    data = read_labelled(manifest(tmp_path, [("anger", "anger", ""), ("sad", "happy", ""), ("sad", "sad", "")]), "fer7")
    one, other, compared = evaluate_both(model, FakeRecogniser(), FakeDetector(Faces.none()), data, labels="fer7", faces="crop", rounds=20)
    assert (one.model, other.model) == ("brightness", "fake")
    assert (compared["both_right"], compared["both_wrong"], compared["same_answer"]) == (2, 1, 3)
    assert (compared["mcnemar_exact_p"], compared["mcnemar_mid_p"]) == (1, 1)
    assert compared["difference"]["accuracy"] == 0
    twice = evaluate_both(model, model, FakeDetector(Faces.none()), data, labels="fer7", faces="crop", rounds=0)
    assert twice[1].model == "brightness (2)"


class Unlabelled(FakeRecogniser):
    """Gives valence and arousal alone."""

    name = "scales"

    def __call__(self, crops: np.ndarray, /) -> Emotions:
        return Emotions((), np.zeros((len(crops), 0), np.float32), super().__call__(crops).affect, "scales")


@pytest.mark.parametrize("first", [True, False])
def test_a_model_without_labels_is_compared_by_what_both_give(model: OnnxRecogniser, tmp_path: Path, first: bool) -> None:
    names = ("happy", "anger", "sad", "fear")
    data = read_labelled(manifest(tmp_path, [(name, name, "") for name in names] * 3, valence=[0.6, -0.5, -0.5, 0.3] * 3), "mien9")
    models = (Unlabelled(), FakeRecogniser()) if first else (FakeRecogniser(), Unlabelled())
    one, other, compared = evaluate_both(*models, FakeDetector(Faces.none()), data, labels="mien9", faces="crop", rounds=20)
    assert (one.judged is None, other.judged is None) == (first, not first)
    assert compared["without_labels"] == ["scales"]
    assert list(compared["difference"]) == [f"valence_{name}" for name in ("ccc", "r", "rmse", "mae")]
    assert "both_right" not in compared
    page = as_page(one, data, against=other, comparison=compared)
    assert "Labels were not compared: scales gives none" in page
    assert ("<h2>Confidence</h2>" in page) is not first
    with pytest.raises(DataError, match="compared by labels, valence or arousal that both give"):
        evaluate_both(model, Unlabelled(), FakeDetector(Faces.none()), data, labels="mien9", faces="crop")
    unlabelled = read_labelled(manifest(tmp_path, [("", name, "") for name in names], valence=[0.6, -0.5, -0.5, 0.3]), "mien9")
    compared = evaluate_both(*models, FakeDetector(Faces.none()), unlabelled, labels="mien9", faces="crop", rounds=0)[2]
    assert "without_labels" not in compared


def test_valence_and_arousal_are_judged_without_labels(tmp_path: Path) -> None:
    rows = [("", "happy", ""), ("", "anger", ""), ("", "sad", ""), ("", "fear", ""), ("", "sad", "")]
    none = float("nan")
    path = manifest(tmp_path, rows, valence=[0.6, -0.5, -0.5, none, none], arousal=[0.4, 0.2, -0.3, 0.1, none])
    data = read_labelled(path, "mien9")
    assert data.left_out == {"neither a label nor valence or arousal": 1}
    found = evaluate(FakeRecogniser(), FakeDetector(Faces.none()), data, labels="mien9", faces="crop", rounds=50)
    said = found.to_json()
    assert "accuracy" not in said
    assert (said["n"], said["valence"]["n"], said["arousal"]["n"]) == (4, 3, 4)  # the last is rated in arousal alone
    assert said["valence"]["ccc"] > 0.9
    guess = FakeRecogniser()(np.stack([read() for read in data.readers])).affect
    assert said["arousal"]["mae"] == pytest.approx(np.abs(guess[:, 1] - [0.4, 0.2, -0.3, 0.1]).mean(), abs=1e-6)
    assert said["valence"]["mae"] == pytest.approx(np.abs(guess[:3, 0] - [0.6, -0.5, -0.5]).mean(), abs=1e-6)
    assert said["valence"]["r"] == pytest.approx(np.corrcoef(guess[:3, 0], [0.6, -0.5, -0.5])[0, 1])
    assert set(said["intervals"]) == {f"{axis}_{name}" for axis in ("valence", "arousal") for name in ("rmse", "mae")}  # of 3 and 4


@pytest.mark.parametrize("axis", ["valence", "arousal"])
def test_pictures_rated_in_one_axis_are_judged_in_that_one(tmp_path: Path, axis: str) -> None:
    rows = [("happy", "happy", "a"), ("anger", "anger", "a"), ("sad", "sad", "b"), ("fear", "fear", "c")]
    rows += [(name, name, f"{name}{k}") for name in ("happy", "sad") for k in range(4)]
    data = read_labelled(manifest(tmp_path, rows, **{axis: [0.6, -0.5, -0.5, 0.3, *[0.5] * 4, *[-0.4] * 4]}), "mien9")
    found = evaluate(FakeRecogniser(), FakeDetector(Faces.none()), data, labels="mien9", faces="crop", rounds=50, slice_by=["subject"])
    said = found.to_json()
    other = "arousal" if axis == "valence" else "valence"
    assert (said["accuracy"], said[axis]["n"]) == (1, 12)
    assert other not in said
    assert {name for name in said["intervals"] if name.startswith(axis)} == {f"{axis}_{name}" for name in ("ccc", "r", "rmse", "mae")}
    assert not {name for name in said["intervals"] if name.startswith(other)}
    page = as_page(found, data)
    assert f"{axis}, true" in page
    assert f"{other}, true" not in page
    assert "The true values come from: not noted (12 pictures)." in page


def test_constant_ratings_have_a_concordance_without_an_interval(tmp_path: Path) -> None:
    """.3 is no sum of powers of two: the mean of so many of them is a rounding beside .3."""
    rows = [(name, name, "") for name in ("happy", "anger", "sad", "fear", "surprise")] * 3
    data = read_labelled(manifest(tmp_path, rows, valence=[0.3] * 15, arousal=np.linspace(-1, 1, 15)), "mien9")
    found = evaluate(FakeRecogniser(), FakeDetector(Faces.none()), data, labels="mien9", faces="crop", rounds=50).figures
    assert found["valence"]["ccc"] == 0
    assert np.isnan(found["valence"]["r"])
    assert {name for name in found["intervals"] if name.startswith("valence")} == {"valence_rmse", "valence_mae"}
    low, high = found["intervals"]["arousal_ccc"]
    assert low < found["arousal"]["ccc"] < high


def test_kappa_has_an_interval_and_is_compared(model: OnnxRecogniser, tmp_path: Path) -> None:
    theirs = pytest.importorskip("sklearn.metrics")
    rows = [("anger", "anger", ""), ("sad", "happy", ""), ("sad", "sad", ""), ("happy", "happy", ""), ("happy", "happy", "")] * 6
    data = read_labelled(manifest(tmp_path, rows), "fer7")
    one, other, compared = evaluate_both(model, FakeRecogniser(), FakeDetector(Faces.none()), data, labels="fer7", faces="crop", rounds=50)
    said = theirs.cohen_kappa_score([row[0] for row in rows], [row[1] for row in rows])
    assert one.figures["kappa"] == other.figures["kappa"] == pytest.approx(said)
    low, high = one.figures["intervals"]["kappa"]
    assert low < said < high
    assert compared["difference"]["kappa"] == 0
    page = as_page(one, data, against=other, comparison=compared)
    assert f"<b>{said:.3f}</b><span>Cohen's kappa" in page
    assert "<td>+0.000</td>" in page


def test_a_model_without_valence_has_nothing_to_say_about_it(model: OnnxRecogniser, tmp_path: Path) -> None:
    data = read_labelled(manifest(tmp_path, [("", "happy", "")], valence=[0.5], arousal=[0.1]), "fer7")
    with pytest.raises(DataError, match="neither labels nor valence"):
        evaluate(model, FakeDetector(Faces.none()), data, labels="fer7", faces="crop")
