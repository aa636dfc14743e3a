"""Emotions are named by the anchors that valence and arousal were made with, and rated ones are not called the crowd's votes."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")
pytest.importorskip("lightning_fabric", reason="Lightning is not installed: pip install '.[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")

from mien.cli.main import main  # noqa: E402
from mien.data.affect import jitter  # noqa: E402
from mien.data.manifest import Manifest  # noqa: E402
from mien.data.stores import InArray  # noqa: E402
from mien.labels import ANCHORS, EMOTIONS  # noqa: E402
from mien.models.card import ModelCard  # noqa: E402
from mien.models.recogniser import OnnxRecogniser  # noqa: E402
from mien.models.registry import recogniser  # noqa: E402
from mien.testing import FakeDetector  # noqa: E402
from mien.train.affect_origin import Origin, fitting, origin_of, told  # noqa: E402
from mien.train.row_targets import affect_of  # noqa: E402
from mien.train.rows import read_data  # noqa: E402
from mien.types import Faces  # noqa: E402
from tests.cli.test_train import SMALL  # noqa: E402
from tests.train.conftest import TINY  # noqa: E402

NAMES = [name for name in EMOTIONS if name != "uncertain"]
ALONE = dataclasses.replace(TINY, tasks=("affect",))
N = 40


def made(affect: np.ndarray, said: list[str] | str, **columns: object) -> Manifest:
    rng = np.random.default_rng(0)
    whole = {
        "id": [str(i) for i in range(N)], "label": [NAMES[i % 8] for i in range(N)], "split": ["train"] * 24 + ["val"] * 16,
        "valence": affect[:, 0], "arousal": affect[:, 1], "affect_from": [said] * N if isinstance(said, str) else said,
    }  # fmt: skip
    return Manifest(whole | columns, [InArray(rng.integers(0, 256, (N, 48, 48), np.uint8))])


def of_anchors(name: str) -> np.ndarray:
    return jitter([NAMES[i % 8] for i in range(N)], anchor_set=name)


def origin(manifest: Manifest, config=ALONE) -> Origin:
    return origin_of(manifest, affect_of(manifest, config), np.asarray(manifest["split"] == "train"), config)


def opened(path: Path) -> OnnxRecogniser:
    model = recogniser(str(path), threads=1)
    assert isinstance(model, OnnxRecogniser)
    return model


@pytest.mark.parametrize("name", ANCHORS)
@pytest.mark.parametrize("kind", ["jitter", "isomap", "votes"])
def test_made_values_say_their_anchors(kind: str, name: str) -> None:
    found = origin(made(of_anchors(name), f"{kind}:{name}"))
    assert found == Origin({f"{kind}:{name}": 1.0}, name)
    assert found.affect_from == (f"model:{name}" if kind == "votes" else f"model:{kind}:{name}")


@pytest.mark.parametrize("said", ["", "affectnet", "jitter:of my own", "ratings:crowd"])
def test_all_others_are_ratings_named_by_the_anchors_that_fit_them(said: str) -> None:
    assert origin(made(of_anchors("adfes2011"), said)) == Origin({"ratings": 1.0}, "adfes2011")
    assert origin(made(of_anchors("crowd"), said)).anchors == "crowd"
    assert origin(made(of_anchors("adfes2011"), said, label=[""] * N)).anchors == "crowd"
    assert origin(made(of_anchors("adfes2011"), said)).affect_from == "model:ratings"


def test_what_fits_is_the_mean_of_the_classes() -> None:
    """Ninety neutral faces at the middle, as adfes2011 has it, do not outweigh seven classes that lie as in the crowd's anchors."""
    points = ANCHORS["crowd"].points
    affect = np.array([(0.0, 0.0)] * 90 + [points[name] for name in NAMES if name != "neutral"], np.float32)
    assert fitting(affect, ["neutral"] * 90 + [name for name in NAMES if name != "neutral"]) == "crowd"
    assert fitting(affect[:90], ["neutral"] * 90) == "adfes2011"


def test_votes_without_ratings_come_by_the_anchors_of_the_settings() -> None:
    shares = np.full((N, 9), 1 / 9, np.float32)
    nowhere = np.full((N, 2), np.nan, np.float32)
    voted = made(nowhere, "", shares=list(shares))
    assert origin(voted) == Origin({"votes:crowd": 1.0}, "crowd")
    assert origin(voted, dataclasses.replace(ALONE, anchors="legacy")).affect_from == "model:legacy"
    assert origin(voted, dataclasses.replace(TINY, tasks=("votes",))) == Origin()


def test_a_mixture_is_told_with_its_shares() -> None:
    said = ["jitter:adfes2011"] * 18 + [""] * 6 + ["isomap:legacy"] * 16  # the last ones judge
    found = origin(made(of_anchors("adfes2011"), said))
    assert found == Origin({"jitter:adfes2011": 0.75, "ratings": 0.25}, "adfes2011")
    assert found.affect_from == "model:jitter:adfes2011+ratings"
    mixed = "valence and arousal are of several origins, which mean different things: 75.0% jitter:adfes2011, 25.0% ratings"
    assert told(found, TINY) == mixed
    assert told(found, ALONE) == f"{mixed}; emotions are named by the anchors adfes2011"
    assert told(Origin({"ratings": 1.0}), TINY) == told(Origin(), ALONE) == ""
    assert told(Origin({"ratings": 1.0}), ALONE) == "valence and arousal: ratings; emotions are named by the anchors crowd"


def test_only_rows_that_are_learnt_say_where_the_values_come_from(tmp_path: Path) -> None:
    rows = made(of_anchors("legacy"), ["jitter:legacy"] * 24 + [""] * 16)
    rows.write(tmp_path / "m.parquet", inside=True)
    found = read_data(ALONE, tmp_path / "m.parquet", detector=FakeDetector(Faces.none()), folder=tmp_path / "c")
    assert found.origin == Origin({"jitter:legacy": 1.0}, "legacy")


def test_a_perfect_network_names_what_it_was_taught(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the whole road: mien data affect jitter, mien train, the card; and mien export with other data keeps it."""
    nowhere = np.full((N, 2), np.nan, np.float32)
    made(nowhere, "").write(tmp_path / "faces.parquet", inside=True)
    data = tmp_path / "jittered.parquet"
    assert main(["data", "affect", "jitter", str(tmp_path / "faces.parquet"), "-o", str(data), "--width", "0.05"]) == 0
    assert main(["train", "vgg8", "--data", str(data), "--out", str(tmp_path), *SMALL, "--tasks", "affect", "--epochs", "1"]) == 0
    assert "valence and arousal: jitter:adfes2011; emotions are named by the anchors adfes2011" in capsys.readouterr().err
    card = ModelCard.read(tmp_path / "vgg8" / "vgg8.json")
    assert (card.anchors, card.affect_from) == ("adfes2011", "model:jitter:adfes2011")
    rows = Manifest.read(data)
    model = opened(tmp_path / "vgg8")
    perfect = model.read({"affect": np.stack([rows["valence"], rows["arousal"]], axis=1)})
    assert perfect.top == rows["label"].tolist()
    assert set(perfect.labels) <= set(EMOTIONS)
    np.testing.assert_allclose(perfect.probs.sum(axis=1), 1, atol=1e-6)
    assert card.blend_temperature != 1.0  # it was fitted
    rated = made(of_anchors("crowd"), "affectnet")
    rated.write(tmp_path / "rated.parquet", inside=True)
    assert main(["export", str(tmp_path / "vgg8"), "--data", str(tmp_path / "rated.parquet"), "--out", str(tmp_path / "again")]) == 0
    again = json.loads((tmp_path / "again" / "vgg8.json").read_text())
    assert (again["anchors"], again["affect_from"]) == ("adfes2011", "model:jitter:adfes2011")
