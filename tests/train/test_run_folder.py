"""The folder of a run."""

import os
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'mien[train]'")

from mien.train.run_folder import RunFolder
from tests.train.conftest import TINY


def test_checkpoints_that_a_killed_run_left_half_written_go(tmp_path: Path) -> None:
    (tmp_path / f".mien-{os.getpid()}-4.part").write_bytes(b"half")
    (tmp_path / f".mien-{os.getppid()}-4.part").write_bytes(b"another process writes it")
    RunFolder(tmp_path).begin(TINY, {}, resume=True)
    assert {path.name for path in tmp_path.iterdir()} == {f".mien-{os.getppid()}-4.part", "config.json", "run.json", "metrics.jsonl"}
