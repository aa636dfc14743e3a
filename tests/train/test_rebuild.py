"""Training an embedded model anew with all that it is made from."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("rebuild_model", Path(__file__).parents[2] / "tools" / "rebuild_model.py")
assert spec is not None
assert spec.loader is not None
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)


class Recorder:
    """Stands for subprocess.run: keeps the words behind the interpreter, and fails at the call of number `fails`."""

    def __init__(self, fails: int = 0) -> None:
        self.ran: list[list[str]] = []
        self.fails = fails

    def __call__(self, command: list[str], check: bool) -> subprocess.CompletedProcess:
        self.ran.append(command[1:])
        return subprocess.CompletedProcess(command, 130 if len(self.ran) == self.fails else 0)

    @property
    def verbs(self) -> list[list[str]]:
        """Of `-m mien` commands, what comes behind it."""
        return [words[2:] for words in self.ran]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_a_model_is_made_from_comes_before_it():
    assert tool.needed("seventh") == ["face", "first", "second", "third", "fourth", "face2", "fifth", "sixth", "seventh"]
    assert tool.needed("large") == [*tool.needed("seventh"), "eighth", "large"]
    assert tool.needed("base") == [*tool.needed("large"), "ninth", "tenth", "base"]
    assert tool.needed("tiny") == ["first", "second", "third", "narrow", "tiny"]
    assert tool.needed("vgg8") == ["vgg8"]


def test_each_is_trained_in_turn_and_one_that_was_stopped_goes_on(tmp_path: Path):
    (tmp_path / "runs" / "second").mkdir(parents=True)
    (tmp_path / "runs" / "second" / "last.pt").touch()
    run = Recorder()
    assert tool.main(["tiny", "fer2013.npz"], run) == 0
    assert [words[1] for words in run.verbs] == ["first", "second", "third", "narrow", "tiny"]
    assert [words[-1] == "--resume" for words in run.verbs] == [False, True, False, False, False]
    assert run.verbs[0] == ["train", "first", "--data", "fer2013.npz", "--out", "runs"]


def test_it_ends_where_one_fails():
    run = Recorder(fails=2)
    assert tool.main(["base", "fer2013.npz"], run) == 130
    assert len(run.ran) == 2


def test_pretrained_weights_are_made_before_the_run_that_begins_with_them(tmp_path: Path):
    run = Recorder()
    assert tool.main(["face", "fer2013.npz"], run) == 0
    assert [Path(words[0]).name for words in run.ran] == ["face_weights.py", "-m"]
    assert run.ran[0][1:] == ["face_resnet", "fer2013.npz", "face_resnet.safetensors"]
    (tmp_path / "face_resnet.safetensors").touch()
    assert tool.main(["face", "fer2013.npz"], run) == 0
    assert len(run.ran) == 3  # they are there
