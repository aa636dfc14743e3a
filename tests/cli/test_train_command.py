"""The command that a card keeps is one that a shell takes: run again it asks for the same."""

import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from mien.cli.settings import with_settings
from mien.cli.train import Data, _command
from mien.train.config import entries

CHANGES: dict[str, Any] = {
    "mirror": True,
    "int8": False,
    "settings.caffe": False,
    "epochs": 3,
    "rate": 0.05,
    "settings.widths": [4, 4, 8],
    "settings.options": {"drop path": 0.1, "name": 'a "b"', "deep": {"on": True, "sizes": [1, 2]}},
    "tasks": ["classes", "affect"],
    "note": 'it\'s mine; "all" of $it',
    "name": "a b",
}
SETS = [Path("/where/b c.npz"), Path("/where/plain.parquet")]


def asked(words: list[str]) -> tuple[str, list[Path], dict[str, Any]]:
    """What `mien train` is asked for by these words."""
    found: list[tuple[str, list[Path], dict[str, Any]]] = []

    def verb(config: str, data: Data, changes: dict[str, Any] | None = None) -> None:
        found.append((config, data, changes or {}))

    app = typer.Typer(add_completion=False)
    app.command("train")(with_settings(verb))
    get_command(app)(words, standalone_mode=False)
    return found[0]


def test_run_again_it_asks_for_the_same() -> None:
    said = _command("/where/vgg8.toml", CHANGES, SETS)
    assert "/where" not in said
    assert " --mirror --no-int8 --no-settings-caffe --epochs 3 " in said
    assert said.endswith("--data 'b c.npz' --data plain.parquet")
    mien, train, *words = shlex.split(said)
    assert (mien, train) == ("mien", "train")
    assert asked(words) == ("vgg8", [Path(path.name) for path in SETS], CHANGES)


@pytest.mark.parametrize("on", [True, False])
def test_every_switch_is_said_as_it_is_typed(on: bool) -> None:
    switches = {entry.name: on for entry in entries() if entry.kind is bool}
    assert len(switches) > 3
    assert asked(shlex.split(_command("vgg8", switches, []))[2:] + ["--data", "x"])[2] == switches
