"""`mien train` and `mien export` as they are typed."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")
pytest.importorskip("lightning_fabric", reason="Lightning is not installed: pip install '.[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")

from mien.cli.main import main
from mien.cli.train import _learnt_nothing
from mien.models.registry import recogniser
from tests.data.conftest import write_fer

SMALL = ["--settings-widths", "4,4,4,8", "--settings-size", "44", "--batch", "16", "--threads", "1", "--device", "cpu"]


def test_from_pictures_to_a_model_and_its_judgement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, runs = write_fer(tmp_path / "fer.npz", n=120), tmp_path / "runs"
    command = [
        "train",
        "vgg8",
        "--data",
        str(data),
        "--out",
        str(runs),
        *SMALL,
        "--head-dropout",
        "0",
        "--calm-epochs",
        "0",
        "--rate",
        "0.05",
    ]
    assert main([*command, "--epochs", "2"]) == 0
    said = capsys.readouterr().err
    folder = runs / "vgg8"
    for name in (
        "config.json",
        "run.json",
        "metrics.jsonl",
        "curves.png",
        "report.html",
        "last.pt",
        "best.pt",
        "vgg8.onnx",
        "vgg8.golden.npz",
    ):
        assert (folder / name).stat().st_size > 0, name
    assert "60 rows to train on, 30 to judge by" in said
    assert "temperatures: fer7" in said
    config = json.loads((folder / "config.json").read_text())
    assert (config["settings"]["widths"], config["head"]["dropout"], config["epochs"], config["rate"]) == ([4, 4, 4, 8], 0, 2, 0.05)
    source = json.loads((folder / "vgg8.json").read_text())["source"]
    assert source["command"].startswith("mien train vgg8 --settings-size 44 --settings-widths 4,4,4,8")
    assert str(tmp_path) not in json.dumps(source)

    assert main([*command, "--epochs", "2"]) == 2
    assert "a run is there already; go on with it by --resume" in capsys.readouterr().err
    assert main([*command, "--epochs", "2", "--resume"]) == 0
    assert main(["evaluate", str(folder / "vgg8.onnx"), str(data), "--split", "val", "--labels", "fer7", "--json"]) == 0
    capsys.readouterr()
    assert main(["export", str(folder), "--data", str(data), "--out", str(tmp_path / "shipped"), "--name", "mine", "--mirror"]) == 0
    assert recogniser(str(tmp_path / "shipped"), threads=1).card.name == "mine"  # type: ignore[attr-defined]
    assert main(["export", str(folder), "--data", str(data), "--out", str(tmp_path / "both"), "--partner", str(folder)]) == 0
    source = json.loads((tmp_path / "both" / "vgg8.json").read_text())["source"]
    assert source["command"].endswith("then mien export vgg8 --data fer.npz --partner vgg8")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--epochs", "many"], "--epochs: found 'many', wanted a value such as 40"),
        (["--rate", "true"], "setting rate: found True, wanted a number"),
        (["--optimiser", "lion"], "unknown optimiser 'lion'; there are: adam, adamw, sgd"),
        (["--settings-widths", "8,x"], "--settings-widths: found 'x'"),
        (["--momentum", "-0.5"], "momentum is -0.5; wanted 0..1"),
        (["--settings-widths", "0,0,0,0"], "settings.widths has 0; wanted 1 or more"),
        (["--device", "foo"], "unknown device 'foo'; there are: auto, cpu, cuda, mps"),
        (["--monitor", "val_f1"], "unknown monitor 'val_f1'; there are: train_accuracy, train_loss, val_accuracy"),
        (["--name", "a/b/../../c"], "name is 'a/b/../../c'; wanted a word for a folder and a file"),
        (["--duplicates", "none.npz"], "duplicates: none.npz: no such file"),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], line: str) -> None:
    data = write_fer(tmp_path / "fer.npz", n=60)
    assert main(["train", "vgg8", "--data", str(data), "--out", str(tmp_path), *words]) in (1, 2)
    told = capsys.readouterr().err
    assert line in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("words", [["--strategy", "foo"], ["--device", "mps"]])
def test_what_this_machine_does_not_have_is_no_fault_of_mien(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    from torch.backends import mps

    if words[1] == "mps" and mps.is_available():
        pytest.skip("it has it")
    data = write_fer(tmp_path / "fer.npz", n=60)
    assert main(["train", "vgg8", "--data", str(data), "--out", str(tmp_path), *words]) == 2
    assert f"{words[0][2:]} {words[1]}" in capsys.readouterr().err.splitlines()[-1]


def test_help_has_every_setting_and_needs_no_torch() -> None:
    code = "import sys; from mien.cli.main import main; main(['train', '--help']); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"COLUMNS": "200", "PATH": ""})
    assert done.returncode == 0, done.stderr
    for option in ("--epochs", "--settings-widths", "--freeze-unfreeze-last", "--int8", "--no-int8", "--resume"):
        assert option in done.stdout


def test_pretrained_weights_are_fetched_from_their_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import hashlib
    import http.server
    import threading
    from functools import partial

    import torch

    from mien.train.nets import NetSettings, backbone

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    torch.manual_seed(7)
    theirs = backbone("vgg8", NetSettings(widths=(4, 4, 4, 8), size=44)).state_dict()
    served = tmp_path / "served"
    served.mkdir()
    torch.save(theirs, served / "vgg8.pth")
    digest = hashlib.sha256((served / "vgg8.pth").read_bytes()).hexdigest()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/vgg8.pth"
        data = write_fer(tmp_path / "fer.npz", n=120)
        command = ["train", "vgg8", "--data", str(data), "--out", str(tmp_path / "runs"), *SMALL, "--epochs", "1", "--calm-epochs", "0"]
        asked = [*command, "--settings-weights", address, "--settings-sha256", digest, "--freeze-frozen-epochs", "1"]
        code = main(asked)
        assert code == 0, capsys.readouterr().err
        server.shutdown()
    state = torch.load(tmp_path / "runs" / "vgg8" / "last.pt", weights_only=True)["net"]
    name = "first.0.0.weight"
    assert torch.equal(state[f"backbone.{name}"], theirs[name])  # frozen in its only epoch


def test_a_run_that_was_stopped_in_its_first_epoch_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import signal

    from mien.train import fit as fitting

    data = write_fer(tmp_path / "fer.npz", n=120)
    command = ["train", "vgg8", "--data", str(data), "--out", str(tmp_path / "runs"), *SMALL, "--epochs", "1", "--calm-epochs", "0"]
    real = fitting.moving_average

    def interrupt(*args: object) -> None:
        real(*args)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(fitting, "moving_average", interrupt)
    assert main(command) == 130
    monkeypatch.setattr(fitting, "moving_average", real)
    assert main([*command, "--resume"]) == 0
    assert (tmp_path / "runs" / "vgg8" / "vgg8.onnx").exists()


def test_pictures_that_cannot_be_taken_are_named_listed_and_in_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    for emotion, count in {"happy": 12, "sad": 12, "furious": 2}.items():
        (tmp_path / "faces" / emotion).mkdir(parents=True)
        for i in range(count):
            cv2.imwrite(str(tmp_path / "faces" / emotion / f"{i}.png"), rng.integers(0, 255, (48, 48), np.uint8))
    (tmp_path / "faces" / "sad" / "bad.png").write_bytes(b"x")
    command = ["train", "vgg8", "--data", str(tmp_path / "faces"), "--out", str(tmp_path / "runs"), *SMALL, "--epochs", "1"]
    assert main(command) == 3
    told = capsys.readouterr().err.splitlines()
    assert any(line.startswith("mien: unknown label: ") and "furious" in line for line in told)
    assert any(line.startswith("mien: corrupt picture: ") and "bad.png" in line for line in told)
    folder = tmp_path / "runs" / "vgg8"
    assert (folder / "vgg8.onnx").exists()
    with (folder / "problems.csv").open(newline="", encoding="utf-8") as file:
        assert {row["kind"] for row in csv.DictReader(file)} == {"unknown label", "corrupt picture"}

    (tmp_path / "faces" / "sad" / "bad.png").unlink()
    assert main([*command, "--name", "other"]) == 0  # a folder that is no emotion is not wanted, and not broken
    assert main(["export", str(folder), "--data", str(tmp_path / "faces")]) == 0
    (tmp_path / "faces" / "furious" / "0.png").unlink()
    (tmp_path / "faces" / "furious" / "1.png").unlink()
    (tmp_path / "faces" / "furious").rmdir()
    assert main([*command, "--name", "other", "--resume"]) == 0
    assert not (tmp_path / "runs" / "other" / "problems.csv").exists()


def test_a_training_that_ends_by_nan_leaves_its_curves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.train import fit as fitting

    real, epochs = fitting.Judge.metrics, []

    def spoilt(*args: Any) -> dict[str, float]:
        epochs.append(1)
        return real(*args) | ({"val_loss": float("nan")} if len(epochs) == 3 else {})

    monkeypatch.setattr(fitting.Judge, "metrics", spoilt)
    data = write_fer(tmp_path / "fer.npz", n=120)
    command = ["train", "vgg8", "--data", str(data), "--out", str(tmp_path), *SMALL, "--epochs", "4", "--calm-epochs", "0"]
    assert main(command) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[-1] == "mien: training: the validation loss is nan in epoch 3; lower `rate`, or take another `net` or `head`"
    folder = tmp_path / "vgg8"
    assert told[-2] == f"curves until then: {folder / 'curves.png'}, {folder / 'report.html'}"
    assert (folder / "curves.png").stat().st_size > 0
    assert "Figures of 2 epochs" in (folder / "report.html").read_text("utf-8")
    assert not (folder / "vgg8.onnx").exists()


def test_a_training_that_learnt_nothing_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_fer(tmp_path / "fer.npz", n=120)
    command = ["train", "vgg8", "--data", str(data), "--out", str(tmp_path / "runs"), *SMALL, "--epochs", "1", "--calm-epochs", "0"]
    assert main([*command, "--rate", "1e-9", "--name", "still"]) == 0  # as it began: at random
    line = "no better than one answer for all; with few pictures begin with what mien has learnt already: mien train adapt"
    metrics = json.loads((tmp_path / "runs" / "still" / "metrics.jsonl").read_text().splitlines()[-1])
    assert metrics["val_balanced"] <= 1.1 / 7
    assert f"balanced accuracy {metrics['val_balanced']:.3f} for 7 classes: {line}" in capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(("balanced", "start", "said"), [(1 / 7, "", True), (0.2, "", False), (1 / 7, "base", False)])
def test_only_what_is_no_better_than_one_answer_learnt_nothing(balanced: float, start: str, said: bool) -> None:
    labels = np.arange(-1, 7)
    rows = SimpleNamespace(judge=SimpleNamespace(labels=labels, pictures=np.zeros((8, 48, 48), np.uint8)))
    assert bool(_learnt_nothing(SimpleNamespace(start=start), {"val_balanced": balanced}, rows)) == said
    assert not _learnt_nothing(SimpleNamespace(start=start), {"val_loss": 1.0}, rows)  # valence and arousal alone
