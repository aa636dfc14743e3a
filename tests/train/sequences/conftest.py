"""Clips in which only the motion tells the label, and their windows: made once for all tests of sequences."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")

from mien.testing import FakeDetector
from mien.train.rows import TrainData, read_data
from tests.train.sequences.moving import MOVING, ten_of_each


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ten_of_each(tmp_path_factory.mktemp("data") / "clips")


@pytest.fixture(scope="package")
def data(folder: Path) -> TrainData:
    return read_data(MOVING, folder, detector=FakeDetector(), folder=folder.parent / "runs")
