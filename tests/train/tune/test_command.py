"""`mien tune` from the command line, on pictures in folders."""

import sys

import cv2
import pytest

from mien.cli.main import main
from mien.train.config import read_config
from tests.train.tune.made import NAMES, rows

CONFIG = """
name = "tiny"
epochs = 2
batch = 8
optimiser = "adam"
rate = 0.01
threads = 1
recipe = "none"
[settings]
widths = [4, 8, 8, 16]
"""
SPACE = """
trials = 2
[space]
head.kind = { choices = ["linear", "r1"] }
rate = { low = 1e-3, high = 1e-1, log = true }
"""


@pytest.fixture
def made(tmp_path):
    own = rows(24)
    for i, (picture, label) in enumerate(zip(own.pictures, own.labels.tolist(), strict=True)):
        folder = tmp_path / "pictures" / NAMES[label]
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{i}.png"), picture)
    (tmp_path / "tiny.toml").write_text(CONFIG)
    (tmp_path / "space.toml").write_text(SPACE)
    return tmp_path


def call(made, *more):
    command = ["tune", str(made / "tiny.toml"), "--data", str(made / "pictures"), "--space", str(made / "space.toml"), "--out", str(made)]
    return main([*command, *more])


def test_heads_on_features_then_more_of_them(made, capsys):
    assert call(made, "--features", "--seed", "1") == 0
    out, err = capsys.readouterr()
    assert "2 of 2 trials" in err
    assert out.splitlines()[-1] == str(made / "tiny-tune" / "best.toml")
    assert read_config(made / "tiny-tune" / "best.toml").name == "tiny"
    assert "Heads on features of a frozen vgg8" in (made / "tiny-tune" / "index.html").read_text("utf-8")
    assert call(made, "--features", "--seed", "1", "--trials", "3") == 0
    assert "3 of 3 trials" in capsys.readouterr().err
    assert call(made, "--full", "--seed", "1", "--trials", "4") == 2
    assert "another facts" in capsys.readouterr().err


def test_whole_networks(made, capsys):
    assert call(made, "--trials", "1", "--epochs", "1", "--batch", "4", "--metric", "val_accuracy") == 0
    assert "val_accuracy" in capsys.readouterr().out
    assert read_config(made / "tiny-tune" / "trial_000" / "config.toml").batch == 4
    assert (made / "tiny-tune" / "trial_000" / "metrics.jsonl").read_text().count("\n") == 1
    assert read_config(made / "tiny-tune" / "best.toml").epochs == 2  # the config's own


def test_without_optuna(made, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert call(made) == 1
    assert 'tuning needs PyTorch and Optuna: pip install ".[train]" in a checkout of mien' in capsys.readouterr().err


def test_wrong_use_is_told(made, capsys):
    assert call(made, "--metric", "val_beauty") == 2
    assert main(["tune", str(made / "tiny.toml"), "--data", str(made / "pictures"), "--space", "r9"]) == 2
    (made / "space.toml").write_text("[space]\naugment = {low = 0.0, high = 1.0}")
    assert call(made, "--features") == 2
    assert "make no difference" in capsys.readouterr().err
