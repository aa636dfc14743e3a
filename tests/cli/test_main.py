"""The table of verbs, and what becomes of errors."""

import importlib
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mien import __version__
from mien.cli.main import VERBS, load
from mien.errors import ExtraMissing
from mien.models import registry
from mien.testing import FakeRecogniser
from tests.cli.conftest import FAKES, Said

Mien = Callable[..., Said]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_there_and_helps(mien: Mien, verb: str) -> None:
    command = load(verb)
    assert (command.help or "").strip().splitlines()[0] == VERBS[verb][1]
    said = mien(verb, "--help")
    assert said.code == 0
    assert f"mien {verb}" in said.out


def test_the_list_of_verbs_imports_none_of_them() -> None:
    modules = {module.partition(":")[0] for module, _ in VERBS.values()} | {"numpy", "cv2", "onnxruntime", "PIL", "arro3", "torch"}
    program = f"import sys; from mien.cli.main import main; code = main(['--help']); sys.exit(code or str({modules!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.strip() == "set()"
    assert all(verb in done.stdout for verb in VERBS)


def test_version_and_help(mien: Mien) -> None:
    assert mien("--version") == (0, f"mien {__version__}\n", "")
    assert mien("-h").out == mien("--help").out
    assert "not what a person feels" in mien("--help").out
    said = mien()
    assert said.code == 2
    assert "analyze" in said.out + said.err


@pytest.mark.parametrize("words", [["frob"], ["analyze"], ["--frob"], ["models", "frob"]])
def test_wrong_usage_is_one_line_that_says_where_help_is(mien: Mien, words: list[str]) -> None:
    said = mien(*words)
    assert said.code == 2
    assert said.err.startswith("mien: ")
    assert said.err.rstrip().endswith("--help")
    assert said.err.count("\n") == 1


def faulty(self: object, crops: object) -> object:
    raise ZeroDivisionError("by\nzero")


def test_a_fault_is_one_line_unless_debug_is_on(mien: Mien, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Faulty(FakeRecogniser):
        __call__ = faulty  # type: ignore[assignment]

    monkeypatch.setitem(registry._factories, "fake", lambda threads: Faulty())
    said = mien("analyze", pictures, *FAKES)
    assert said.code == 1
    assert said.err.startswith("mien: ZeroDivisionError: by?zero; ")
    assert "--debug" in said.err
    assert said.err.count("\n") == 1
    for words in (["--debug", "analyze", pictures, *FAKES], ["analyze", pictures, "--debug", *FAKES]):
        with pytest.raises(ZeroDivisionError):
            mien(*words)


def test_debug_does_not_swallow_a_file_of_that_name(mien: Mien) -> None:
    said = mien("analyze", *FAKES, "--", "--debug")
    assert said.code == 1
    assert "mien: --debug: no such file" in said.err


def test_interrupted(mien: Mien, pictures: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Impatient(FakeRecogniser):
        def __call__(self, crops: object, /) -> object:  # type: ignore[override]
            raise KeyboardInterrupt

    monkeypatch.setitem(registry._factories, "fake", lambda threads: Impatient())
    said = mien("analyze", pictures, *FAKES, "-o", tmp_path / "x.csv")
    assert said == (130, "", "interrupted: 0 pictures, 0 faces\n")


@pytest.mark.parametrize("as_error", [ImportError("initialization failed"), ExtraMissing("no PyAV"), SystemError("error return")])
def test_a_ctrl_c_that_a_library_makes_an_error_of_is_a_ctrl_c(
    mien: Mien, pictures: Path, monkeypatch: pytest.MonkeyPatch, as_error: Exception
) -> None:
    """As modules in C do while they are loaded."""

    class Loading(FakeRecogniser):
        def __call__(self, crops: object, /) -> object:  # type: ignore[override]
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                raise as_error from None

    monkeypatch.setitem(registry._factories, "fake", lambda threads: Loading())
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert mien("analyze", pictures / "two.png", *FAKES) == (130, "", "")
    finally:
        assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


def test_module_runs_as_a_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from mien.cli.main import run

    assert importlib.import_module("mien.__main__").run is run
    monkeypatch.setattr(sys, "argv", ["mien", "--version"])
    with pytest.raises(SystemExit) as caught:
        run()
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"mien {__version__}\n"
