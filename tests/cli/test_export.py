"""`mien export` with other data than the run was trained on: the model stays what was trained."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")
pytest.importorskip("lightning_fabric", reason="Lightning is not installed: pip install '.[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")

from mien.cli.main import main  # noqa: E402
from mien.data.manifest import Manifest  # noqa: E402
from mien.data.stores import InArray  # noqa: E402
from tests.cli.test_train import SMALL  # noqa: E402


def made(path: Path, labels: list[str], *, colour: bool, seed: int = 0) -> Path:
    """A manifest of 40 pictures of these labels, the last 16 to judge by; the first label is oftener there than the others."""
    rng = np.random.default_rng(seed)
    names = [labels[0]] * 16 + [labels[i % len(labels)] for i in range(24)]
    pixels = rng.integers(0, 256, (40, 48, 48, 3) if colour else (40, 48, 48), np.uint8)
    columns = {"id": [f"{path.stem}{i}" for i in range(40)], "label": names, "split": ["train"] * 24 + ["val"] * 16}
    Manifest(columns, [InArray(pixels)]).write(path, inside=True)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in colour whose classes are anger, disgust and happy."""
    root = tmp_path_factory.mktemp("run")
    data = made(root / "own.parquet", ["anger", "disgust", "happy"], colour=True)
    more = ["--epochs", "1", "--calm-epochs", "0", "--settings-channels", "3", "--classes-back", "0.5"]
    assert main(["train", "vgg8", "--data", str(data), "--out", str(root), *SMALL, *more]) == 0
    return root / "vgg8"


def card(folder: Path) -> dict:
    return json.loads((folder / "vgg8.json").read_text())


def test_classes_colour_and_frequencies_stay_the_runs(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = made(tmp_path / "other.parquet", ["happy", "disgust"], colour=False, seed=1)
    assert main(["export", str(run), "--data", str(other), "--out", str(tmp_path / "out")]) == 0
    assert "no rows of anger: temperatures are fitted on those of disgust, happy" in capsys.readouterr().err
    ours, theirs = card(tmp_path / "out"), card(run)
    assert ours["crop"] == theirs["crop"]
    assert ours["crop"]["colour"] == "rgb"
    for name in ("labels", "offsets"):
        assert ours["outputs"]["classes"][name] == theirs["outputs"]["classes"][name]
    assert ours["outputs"]["classes"]["labels"] == ["anger", "disgust", "happy"]


@pytest.mark.parametrize("labels", [["anger", "fear", "happy"], ["anger", "disgust", "happy", "fear"]])
def test_a_class_that_the_run_does_not_know_is_refused_in_one_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], labels: list[str]
) -> None:
    other = made(tmp_path / "other.parquet", labels, colour=True, seed=1)
    assert main(["export", str(run), "--data", str(other), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith("does not know fear; wanted rows of anger, disgust, happy, as it was trained on")
    assert not (tmp_path / "out").exists()


def test_frequencies_that_are_not_on_record_are_those_of_the_data_or_none(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    for name in ("config.json", "last.pt", "best.pt"):
        (old / name).write_bytes((run / name).read_bytes())
    record = json.loads((run / "run.json").read_text())
    kept = record.pop("priors")
    (old / "run.json").write_text(json.dumps(record))
    assert kept["classes"] == pytest.approx([20 / 27, 4 / 27, 3 / 27])
    assert main(["export", str(old), "--data", str(run.parent / "own.parquet"), "--out", str(tmp_path / "out")]) == 0
    assert card(tmp_path / "out")["outputs"] == card(run)["outputs"]
    few = made(tmp_path / "few.parquet", ["happy", "disgust"], colour=True, seed=1)
    assert main(["export", str(old), "--data", str(few), "--out", str(tmp_path / "out")]) == 2
    assert "no training row of anger, whose frequency is to be given back" in capsys.readouterr().err


def test_a_run_without_a_record_of_its_hold_out_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures in pairs that look alike, held out by files as until now: with look-alikes it would be calibrated on what it learnt."""
    rng = np.random.default_rng(0)
    pixels = np.repeat(rng.integers(0, 250, (20, 48, 48), np.uint8), 2, axis=0)
    pixels[1::2, 0] += 1
    labels = ["anger", "anger", "happy", "happy"] * 10
    Manifest({"id": [f"{i:02}" for i in range(40)], "label": labels}, [InArray(pixels)]).write(data := tmp_path / "m.parquet", inside=True)
    command = ["train", "vgg8", "--data", str(data), "--out", str(tmp_path), *SMALL, "--epochs", "1", "--calm-epochs", "0"]

    def record() -> dict:
        return json.loads((tmp_path / "vgg8" / "run.json").read_text())

    with monkeypatch.context() as before:
        before.setattr("mien.train.rows.look_alikes", lambda *args, **more: None)
        assert main(command) == 0
    old = record()
    assert old.pop("held_out") == "look-alikes"
    (tmp_path / "vgg8" / "run.json").write_text(json.dumps(old))
    assert main(["export", str(tmp_path / "vgg8"), "--data", str(data), "--out", str(tmp_path / "out")]) == 0
    assert card(tmp_path / "out")["source"]["data"] == old["data"]
    assert main([*command, "--resume"]) == 0
    assert (record()["data"], record()["held_out"]) == (old["data"], "files")
    assert main([*command, "--name", "anew"]) == 0
    assert json.loads((tmp_path / "anew" / "run.json").read_text())["data"] != old["data"]


def test_a_soup_of_other_origins_is_told_and_on_the_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = ["--epochs", "1", "--calm-epochs", "0", "--tasks", "affect"]
    rng = np.random.default_rng(0)
    for name, said in (("one", "jitter:legacy"), ("two", "")):
        axes = {axis: rng.uniform(-1, 1, 40) for axis in ("valence", "arousal")}
        columns = {"id": [str(i) for i in range(40)], "split": ["train"] * 24 + ["val"] * 16, "affect_from": [said] * 40} | axes
        pixels = [InArray(rng.integers(0, 256, (40, 48, 48), np.uint8))]
        Manifest(columns, pixels).write(tmp_path / f"{name}.parquet", inside=True)
        words = ["train", "vgg8", "--data", str(tmp_path / f"{name}.parquet"), "--out", str(tmp_path), *SMALL, *more, "--name", name]
        assert main(words) == 0
    capsys.readouterr()
    for option in ("--soup", "--partner"):
        words = ["--data", str(tmp_path / "one.parquet"), "--out", str(tmp_path / "out"), option, str(tmp_path / "two")]
        assert main(["export", str(tmp_path / "one"), *words]) == 0
        assert "several origins, which mean different things: 50.0% jitter:legacy, 50.0% ratings" in capsys.readouterr().err
        assert json.loads((tmp_path / "out" / "one.json").read_text())["affect_from"] == "model:jitter:legacy+ratings"


def test_a_temperature_at_the_end_of_what_is_tried_is_told(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = made(tmp_path / "one.parquet", ["anger", "happy"], colour=True)
    (old := tmp_path / "sure").mkdir()
    for name in ("config.json", "run.json"):
        (old / name).write_bytes((run / name).read_bytes())
    state = torch.load(run / "last.pt", weights_only=True)
    for values in (state["ema"][key] for key in state["ema"] if key.startswith("head.")):
        values *= 1000  # sure of anything, and as often wrong
    torch.save(state, old / "last.pt")
    assert main(["export", str(old), "--data", str(one), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err
    assert "temperature of classes: 4 is the highest that is tried (0.3 to 4)" in said
    assert "right less often than it says on 16 validation pictures" in said
