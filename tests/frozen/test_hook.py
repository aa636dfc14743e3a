"""What PyInstaller is told to take along. It is asked for nothing here: it is not among the tools for tests."""

import importlib.util
import runpy
import sys
import types
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import mien
from mien.frozen import hook_dirs

HOOK = "hook-mien.py"


def test_the_entry_point_leads_to_the_hook() -> None:
    [entry] = [found for found in entry_points(group="pyinstaller40") if found.value.startswith("mien.")]
    assert [(Path(folder) / HOOK).is_file() for folder in entry.load()()] == [True]


def test_modules_that_are_named_by_text_and_data_go_along(monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = types.ModuleType("PyInstaller.utils.hooks")
    vars(hooks).update(
        collect_data_files=lambda name, subdir="": [("data", name)], copy_metadata=lambda name, recursive: [("metadata", name)]
    )
    for name, module in {"PyInstaller": types.ModuleType("PyInstaller"), "PyInstaller.utils": hooks, hooks.__name__: hooks}.items():
        monkeypatch.setitem(sys.modules, name, module)
    told = runpy.run_path(str(Path(hook_dirs()[0]) / HOOK))
    assert told["datas"] == [("data", "mien"), ("data", "cv2"), ("metadata", "mien")]
    assert [name for name in told["hiddenimports"] if importlib.util.find_spec(name) is None] == []
    verbs = runpy.run_path(str(Path(hook_dirs()[0]) / "hook-mien.cli.main.py"))["hiddenimports"]
    assert "mien.cli.analyze" in verbs
    assert [name for name in verbs if importlib.util.find_spec(name) is None] == []
    assert {getattr(mien, name).__module__ for name in ("Analyzer", "Inference", "Timeline")} <= set(told["hiddenimports"])
