"""docs/train.md names settings and options that there are."""

import re
import tomllib
from pathlib import Path

from mien.cli.main import VERBS, load
from mien.train.config import from_values

TEXT = (Path(__file__).parents[2] / "docs" / "train.md").read_text("utf-8")


def commands():
    """The words of each command line in the page."""
    return [line.split() for line in re.findall(r"^    mien (.*)$", TEXT, re.MULTILINE)]


def test_the_settings_can_be_trained_with():
    block, sequences = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    config = from_values(tomllib.loads(block))
    assert config.name == "mine"
    assert config.monitor == "val_accuracy"
    assert config.head.dropout == 0.3
    moving = from_values(tomllib.loads(sequences))
    assert (moving.name, moving.net, moving.settings.window) == ("moving", "conv_lstm", 8)


def test_the_commands_and_their_options_are_there():
    assert len(commands()) >= 12
    assert {words[0] for words in commands()} >= {"data", "train", "evaluate", "analyze", "submit"}
    for words in commands():
        assert words[0] in VERBS
        command = load(words[0])
        rest = words[1:]
        while hasattr(command, "commands"):
            command, rest = command.commands[rest[0]], rest[1:]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in rest if word.startswith("-")} <= known, words


def test_the_files_of_the_run_folder_are_those_that_the_code_writes():
    from mien.train.curve_png import NAME as PICTURE
    from mien.train.curves import METRICS
    from mien.train.run_page import NAME as PAGE

    assert all(f"| `{name}` |" in TEXT for name in (PICTURE, METRICS, PAGE))
