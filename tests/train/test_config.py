"""The settings: one dataclass is the TOML file, the options and the record."""

import dataclasses
import json
from pathlib import Path

import pytest

from mien.errors import MienError, UsageError
from mien.train import config, settings
from mien.train.config import TrainConfig, changed, entries, from_values, presets, read_config
from mien.train.settings import HeadSettings, NetSettings


def test_toml_options_and_record_are_one(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('epochs = 3\nrate = 1\n[settings]\nwidths = [8, 8, 8, 8]\n[head]\nkind = "r0"\ndropout = 0.1\n')
    found = read_config(path, seed=4, **{"head.units": 64})
    wanted = HeadSettings("r0", units=64, dropout=0.1)
    assert found == TrainConfig(epochs=3, rate=1.0, settings=NetSettings(widths=(8, 8, 8, 8)), head=wanted, seed=4)
    assert from_values(json.loads(json.dumps(dataclasses.asdict(found)))) == found


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
        ("epochs = 3\nrestarts = [2, 1]\n", "restarts of 3 epochs"),
        ("rate = 0\n", "rate is 0; wanted more than 0"),
        ("rate = nan\n", "rate is nan; wanted more than 0"),
        ("weight_decay = inf\n", "weight_decay is inf; wanted 0 or more"),
        ("momentum = -0.5\n", r"momentum is -0\.5; wanted 0\.\.1"),
        ("mixup = -1\n", "mixup is -1; wanted 0 or more"),
        ("weight_decay = -1\n", "weight_decay is -1; wanted 0 or more"),
        ("augment = -1\n", r"augment is -1; wanted 0 or more"),
        ("calm = -3\n", r"calm is -3; wanted 0 or more"),
        ("patience = -1\n", "patience is -1; wanted 0 or more"),
        ('schedule = "exponential"\ndecay_steps = 0\n', "decay_steps is 0; wanted 1 or more"),
        ("seed = -1\n", "seed is -1; wanted 0 to less than"),
        ("margin = -0.4\n", "margin is -0.4; wanted more than -0.4 to less than 4"),
        ("restarts = [2, 0]\n", "restarts has 0; wanted 1 or more"),
        ("[head]\ndropout = 2\n", r"head\.dropout is 2; wanted 0\.\.1"),
        ("[settings]\nwidths = [0, 0, 0, 0]\n", r"settings\.widths has 0; wanted 1 or more"),
        ("[freeze]\nfrozen_epochs = -1\n", r"freeze\.frozen_epochs is -1; wanted 0 or more"),
        ('name = "a/b/../../c"\n', "name is 'a/b/../../c'; wanted a word for a folder and a file"),
        ('name = ""\n', "name is ''; wanted a word"),
        ('name = ".."\n', "name is '..'; wanted a word"),
        ("epochs = \n", "not valid TOML"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=line):
        read_config(path)


@pytest.mark.parametrize("setting", ['optimiser = "lion"', 'schedule = "step"', 'tasks = ["words"]', 'balance = "smote"', 'device = "foo"'])
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


def test_a_folder_and_another_encoding_are_one_line(tmp_path: Path) -> None:
    folder, latin = tmp_path / "folder.toml", tmp_path / "latin.toml"
    folder.mkdir()
    latin.write_bytes('note = "für alle"\n'.encode("latin-1"))
    with pytest.raises(
        UsageError, match=r"folder\.toml: is a folder; wanted a TOML file with the settings of a training, or one of: .*base"
    ):
        read_config(folder)
    with pytest.raises(UsageError, match=r"latin\.toml: not UTF-8 \(byte 9\), as TOML is; save it as UTF-8"):
        read_config(latin)


def test_a_byte_order_mark_is_no_part_of_the_settings(tmp_path: Path) -> None:
    """As Notepad writes it."""
    (tmp_path / "mine.toml").write_bytes(b'\xef\xbb\xbfname = "mine"\r\nepochs = 3\r\n')
    found = read_config(tmp_path / "mine.toml")
    assert (found.name, found.epochs) == ("mine", 3)


def test_every_number_has_a_range() -> None:
    """Whoever adds a setting says what it may be."""
    checked = set(config.RANGES) | {f"{part}.{name}" for part, ranges in settings.RANGES.items() for name in ranges}
    numbers = {entry.name for entry in entries() if any(one in str(entry.kind) for one in ("int", "float"))}
    assert numbers - checked == {"settings.size", "settings.channels"}  # Input checks those; 0 is the architecture's own
    assert checked <= numbers


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
