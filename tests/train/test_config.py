"""The settings: one dataclass is the TOML file, the options and the record."""

import dataclasses
import json
from pathlib import Path

import pytest

from mien.errors import MienError, UsageError
from mien.train.config import TrainConfig, changed, entries, from_values, presets, read_config
from mien.train.settings import HeadSettings, NetSettings


def test_toml_options_and_record_are_one(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('epochs = 3\nrate = 1\n[settings]\nwidths = [8, 8, 8, 8]\n[head]\nkind = "r0"\ndropout = 0.1\n')
    config = read_config(path, seed=4, **{"head.units": 64})
    wanted = HeadSettings("r0", units=64, dropout=0.1)
    assert config == TrainConfig(epochs=3, rate=1.0, settings=NetSettings(widths=(8, 8, 8, 8)), head=wanted, seed=4)
    assert from_values(json.loads(json.dumps(dataclasses.asdict(config)))) == config


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("epoch = 3\n", r"unknown setting 'epoch'; near it: .*epochs"),
        ("[head]\nunit = 3\n", r"unknown setting 'head.unit'; near it: head.units"),
        ('epochs = "many"\n', "setting epochs: found 'many', wanted a whole number"),
        ("epochs = true\n", "setting epochs: found True, wanted a whole number"),
        ("head = 3\n", r"setting head: found 3, wanted a table, \[head\]"),
        ("epochs = 0\n", "epochs is 0; wanted 1 or more"),
        ("teach = 1.5\n", "teach is 1.5; wanted 0..1"),
        ("tasks = []\n", "wanted a task"),
        ("epochs = \n", "not valid TOML"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=line):
        read_config(path)


@pytest.mark.parametrize("setting", ['optimiser = "lion"', 'schedule = "step"', 'tasks = ["words"]', 'balance = "smote"'])
def test_unknown_names_list_the_names_there_are(tmp_path: Path, setting: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(setting + "\n")
    with pytest.raises(MienError, match="there are: "):
        read_config(path)


def test_a_file_that_is_not_there_names_the_presets(tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"no such file; .*base"):
        read_config(tmp_path / "none.toml")
    with pytest.raises(MienError, match=r"unknown preset 'bse'; there are: .*base"):
        read_config("bse")


def test_every_preset_is_valid_and_named_for_its_file() -> None:
    assert {"base", "first"} <= set(presets())
    for name in presets():
        assert read_config(name).name == name


def test_every_setting_has_its_sentence() -> None:
    for entry in entries():
        assert entry.says.endswith("."), entry.name
    assert {"epochs", "settings.widths", "head.units", "freeze.unfreeze_last"} <= {entry.name for entry in entries()}


def test_a_change_by_an_unknown_name_is_refused() -> None:
    with pytest.raises(UsageError, match=r"unknown setting 'head\.unit'; near it: head\.units"):
        changed(TrainConfig(), {"head.unit": 3})
