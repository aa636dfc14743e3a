"""Which recogniser a name or a path stands for."""

import shutil
from pathlib import Path

import pytest

import mien
from mien.errors import UnknownName, UsageError
from mien.models import registry
from mien.models.locate import BUNDLED
from mien.testing import FakeRecogniser


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with `tiny` in folders called as a model is and as none is."""
    monkeypatch.chdir(tmp_path)
    for folder in ("base", "mine", "coin"):
        (tmp_path / folder).mkdir()
        for file in ("tiny.json", "tiny.onnx"):
            shutil.copy(BUNDLED / file, tmp_path / folder)
    monkeypatch.setitem(registry._factories, "coin", lambda threads: FakeRecogniser())
    return tmp_path


def test_a_name_is_that_model_whatever_lies_in_the_folder(here: Path) -> None:
    assert registry.recogniser("base", threads=1).card.name == "base"
    assert isinstance(registry.recogniser("coin"), FakeRecogniser)
    assert registry.by_path("base") is None


@pytest.mark.parametrize("path", ["./base", "base/", "base/tiny.json", "base/tiny.onnx", "mine", "./coin"])
def test_paths_lead_to_the_model_that_lies_there(here: Path, path: str) -> None:
    assert registry.recogniser(path, threads=1).card.name == "tiny"
    assert registry.by_path(str(here / path)) is not None


def test_code_has_no_other_runtime(here: Path) -> None:
    with pytest.raises(UsageError, match="'coin' is code that was registered and has no file for openvino to run; take 'coin' alone"):
        registry.recogniser("coin:openvino")
    with pytest.raises(UnknownName, match=r"unknown model 'coins'; there are: .*base.*coin"):
        registry.recogniser("coins")


def test_names_are_a_list() -> None:
    assert mien.model_names() == sorted(mien.model_names())
    assert {"base", "large", "tiny"} <= set(mien.model_names())
