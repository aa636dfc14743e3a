"""The comparison: one line a network, measured on what it exports, finished lines kept."""

import csv
import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")

from mien.cli.compare import THEIRS
from mien.cli.main import main
from mien.errors import DataError
from mien.train import comparison
from mien.train.comparison import as_markdown, compare, part_of
from mien.train.config import changed
from mien.train.heads import network
from tests.train.conftest import TINY

ONE = dataclasses.replace(TINY, tasks=("classes",), epochs=5, small_epochs=0, calm_epochs=0, seed=1)


def test_lines_are_measured_and_kept(data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = changed(ONE, {"name": "r1", "net": "r1_vgg", "settings.widths": [4, 4, 8, 16], "settings.size": None, "epochs": 1})
    said: list[str] = []
    lines = compare([ONE, other], lambda config: data, tmp_path, say=said.append)
    assert [(line.name, line.size, line.epochs, line.wanted) for line in lines] == [("tiny", 44, 5, 5), ("r1", 48, 1, 1)]
    net = network("vgg8", ONE.settings, outputs={"fer7": 7})
    assert lines[0].parameters == sum(p.numel() for p in net.parameters())
    assert all(0 <= getattr(line, name) <= 1 for line in lines for name in ("accuracy", "macro_f1", "crowd", "second_given_wrong"))
    assert lines[0].accuracy > 0.3
    assert lines[0].crowd == pytest.approx(lines[0].accuracy)  # the made votes agree with the labels
    assert all(line.ms_1 > 0 and line.megabytes > 0 for line in lines)
    text = as_markdown(lines)
    assert len(text.splitlines()) == 4
    assert "| 5 of 5 |" in text
    assert "nan" not in as_markdown([dataclasses.replace(lines[0], second_given_wrong=math.nan)])
    monkeypatch.setattr(comparison, "fit", None)  # nothing is trained a second time
    assert compare([ONE, other], lambda config: data, tmp_path) == lines


def test_one_that_fails_does_not_end_it(data, tmp_path: Path) -> None:
    said: list[str] = []
    wrong = dataclasses.replace(ONE, name="wrong", net="vgg9")
    lines = compare([wrong, dataclasses.replace(ONE, epochs=1)], lambda config: data, tmp_path, say=said.append)
    assert [line.name for line in lines] == ["tiny"]
    assert said[0].startswith("wrong: left out: unknown network 'vgg9'")


def test_a_line_of_other_data_is_not_taken_for_one_of_these(data, tmp_path: Path) -> None:
    one = dataclasses.replace(ONE, epochs=1)
    assert len(compare([one], lambda config: data, tmp_path)) == 1
    for changes, word in (({"hash": "f" * 64}, "data"), ({"detector": "haar"}, "detector")):
        said: list[str] = []
        assert compare([one], lambda config, new=changes: dataclasses.replace(data, **new), tmp_path, say=said.append) == []
        assert said == [f"tiny: left out: {tmp_path / 'tiny'}: is there already, with other {word}; give another --out"]


def test_a_line_of_other_settings_is_kept_and_marked(fer_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is finished, and on the same data: the row does not go because another network is compared."""
    settings, out = "epochs = 1\nbatch = 16\n[settings]\nsize = 44\nwidths = [4, 4, 4, 8]\n", tmp_path / "runs"
    for name in ("mine", "other"):
        (tmp_path / f"{name}.toml").write_text(f'name = "{name}"\n{settings}')
    command = ["compare", "--data", str(fer_file), "--out", str(out), "--threads", "1"]
    assert main([*command, str(tmp_path / "mine.toml")]) == 0
    [row] = csv.DictReader((out / "table.csv").read_text().splitlines())
    assert row["other_settings"] == "False"
    (tmp_path / "mine.toml").write_text(f'name = "mine"\nrate = 0.01\n{settings}')
    capsys.readouterr()
    assert main([*command, str(tmp_path / "mine.toml"), str(tmp_path / "other.toml")]) == 3
    said = capsys.readouterr()
    assert f"{out / 'mine'}: is there already, with other settings, epochs or minutes; give another --out; its line stays" in said.err
    assert "| mine (other settings) | vgg8 | 44 |" in said.out
    assert "| other | vgg8 | 44 |" in said.out
    rows = {row["name"]: row for row in csv.DictReader((out / "table.csv").read_text().splitlines())}
    assert rows["mine"] == row | {"other_settings": "True"}
    assert rows["other"]["other_settings"] == "False"
    table = (out / "table.md").read_text()
    assert main([*command, str(tmp_path / "mine.toml")]) == 1  # nothing of what was asked for
    assert (out / "table.md").read_text() == table


def test_fewer_epochs_are_the_recipe_shortened(data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []
    real = comparison.fit

    def watched(config, *args, **more):
        ran.append(config)
        return real(config, *args, **more)

    monkeypatch.setattr(comparison, "fit", watched)
    recipe = changed(ONE, {"epochs": 20, "small_epochs": 10, "calm_epochs": 9, "restarts": [6, 5], "freeze.frozen_epochs": 10})
    line = compare([recipe], lambda config: data, tmp_path, epochs=2)[0]
    assert (line.epochs, line.wanted) == (2, 20)
    short = ran[0]
    assert (short.epochs, short.small_epochs, short.calm_epochs, short.restarts, short.freeze.frozen_epochs) == (2, 1, 1, (1,), 1)
    assert comparison._shortened(dataclasses.replace(recipe, restarts=(10, 9)), 2).restarts == (1,)


def test_one_that_cannot_learn_from_the_data_is_left_out(data, tmp_path: Path) -> None:
    """As a network of sequences from pictures, or a task without a target: the others have their lines."""
    told: list[str] = []

    def read(config):
        if config.name == "two":
            raise DataError("no rows")
        return data

    lines = compare([ONE, changed(ONE, {"name": "two"})], read, tmp_path, say=told.append)
    assert [line.name for line in lines] == [ONE.name]
    assert "two: left out: no rows" in told


def test_one_that_begins_with_a_shipped_model_has_its_widths(data, tmp_path: Path) -> None:
    begun = changed(ONE, {"start": "tiny", "settings.widths": None, "settings.size": 36, "epochs": 1})
    lines = compare([begun], lambda config: data, tmp_path)
    assert [line.parameters > 1_000_000 for line in lines] == [True]  # tiny's own 1.1 million; `vgg8` has 2.5 by itself
    assert lines[0].parameters < 1_200_000


def test_time_decides_on_epochs_and_rows(data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "seconds_a_step", lambda config, data: 1.0)
    few = compare([ONE], lambda config: data, tmp_path / "a", minutes=20 / 60)  # nine steps an epoch
    assert (few[0].epochs, few[0].rows) == (2, 150)
    part = compare([ONE], lambda config: data, tmp_path / "b", minutes=4 / 60)
    assert (part[0].epochs, part[0].rows) == (1, 64)


def test_a_part_has_every_class_in_its_share(data) -> None:
    some = part_of(data.train, 70, seed=1)
    assert len(some) == 70
    counts, all_ = np.bincount(some.labels), np.bincount(data.train.labels)
    assert np.abs(counts - all_ * 70 / 150).max() <= 1
    assert list(some.ids) == [name for name in data.train.ids if name in set(some.ids)]


def test_no_crop_is_larger_than_the_pictures(data, tmp_path: Path) -> None:
    large = changed(ONE, {"settings.size": 64, "epochs": 1})
    assert compare([large], lambda config: data, tmp_path)[0].size == 48


def test_the_command_prints_the_table(fer_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "mine.toml"
    config.write_text('name = "mine"\nepochs = 1\nbatch = 16\n[settings]\nsize = 44\nwidths = [4, 4, 4, 8]\n')
    pattern = str(tmp_path / "m*.toml")  # as where the shell expands none
    assert main(["compare", pattern, "--data", str(fer_file), "--out", str(tmp_path / "runs"), "--threads", "1"]) == 0
    out = capsys.readouterr().out
    assert out == (tmp_path / "runs" / "table.md").read_text()
    assert "| mine | vgg8 | 44 |" in out
    assert math.isclose(float((tmp_path / "runs" / "table.csv").read_text().splitlines()[1].split(",")[2]), 44)
    assert set(THEIRS) == {
        "r0_darknet53", "r0_resnet50", "r0_vgg16", "r1_mobilenetv2", "r1_vgg", "r1_vit_b8", "r2_resnet50", "r3_cnn", "r4_cnn",
    }  # fmt: skip


def test_a_table_is_not_overwritten_by_an_empty_one(fer_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, wrong, out = tmp_path / "mine.toml", tmp_path / "wrong.toml", tmp_path / "runs"
    config.write_text('name = "mine"\nepochs = 1\nbatch = 16\n[settings]\nsize = 44\nwidths = [4, 4, 4, 8]\n')
    wrong.write_text('name = "wrong"\nnet = "vgg9"\n')
    command = ["compare", "--data", str(fer_file), "--out", str(out), "--threads", "1"]
    assert main([*command, str(config), str(wrong)]) == 3
    table = (out / "table.md").read_text()
    assert "| mine |" in table
    capsys.readouterr()
    assert main([*command, str(wrong)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1].startswith("mien: nothing to compare")
    assert main(["compare", str(config), "--data", str(tmp_path / "none.npz"), "--out", str(out)]) == 1
    assert f"mine: left out: {tmp_path / 'none.npz'}: no such file" in capsys.readouterr().err
    assert (out / "table.md").read_text() == table
