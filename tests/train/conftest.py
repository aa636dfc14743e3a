"""Made data that a small network learns in seconds."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from mien.testing import FakeDetector
from mien.train.config import TrainConfig
from mien.train.settings import NetSettings
from mien.types import Faces
from tests.data.conftest import write_fer

TINY = TrainConfig(
    name="tiny",
    net="vgg8",
    settings=NetSettings(size=44, widths=(8, 8, 8, 16)),
    tasks=("votes", "classes", "affect"),
    margin=-1 / 24,
    epochs=4,
    small_epochs=1,
    batch=16,
    threads=1,
    average=0.9,
    augment=0.3,
    calm_epochs=1,
    smoothing=0.1,
)


class Unavailable(pytest.Module):
    """Tests that cannot even be imported."""

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        pytest.skip("PyTorch is not installed: pip install '.[train]'", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Where there is no PyTorch, skip what trains."""
    return None if find_spec("torch") else Unavailable.from_parent(parent, path=module_path)


@pytest.fixture
def blind() -> FakeDetector:
    return FakeDetector(Faces.none())


@pytest.fixture
def fer_file(tmp_path: Path) -> Path:
    return write_fer(tmp_path / "fer.npz", n=300)


@pytest.fixture
def data(fer_file: Path, blind: FakeDetector, tmp_path: Path):
    from mien.train.rows import read_data

    return read_data(TINY, fer_file, detector=blind, folder=tmp_path / "cache")
