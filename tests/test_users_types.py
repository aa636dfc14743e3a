"""Types as those meet them who use mien: their type checker passes what runs. What mien's own says of its inside is not looked at."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_docs import programs_of

ROOT = Path(__file__).parents[1]

SETTINGS = """
[mypy]
strict = True
{pages}
[mypy-pandas.*,sklearn.*]
ignore_missing_imports = True
"""
OF_A_PAGE = """
[mypy-{name}]
disallow_untyped_defs = False
disallow_incomplete_defs = False
disallow_untyped_calls = False
{more}
"""
PAGES = {"docs/python.md": "", "docs/migrate.md": "disable_error_code = index", "README.md": ""}
"""Pages, and what their programs take for granted that no type checker knows: that OpenCV finds the photo, that a model has valence and
arousal. Functions there are written without types, to be read."""


def test_what_users_write_passes_a_strict_type_checker(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed: pip install mypy")
    shutil.copy(ROOT / "tests" / "users_program.py", tmp_path)
    names = {page: Path(page).stem.lower() + "_page" for page in PAGES}
    for page, name in names.items():
        (tmp_path / f"{name}.py").write_text("\n".join(programs_of(page)), "utf-8")
    pages = "".join(OF_A_PAGE.format(name=name, more=PAGES[page]) for page, name in names.items())
    (tmp_path / "mypy.ini").write_text(SETTINGS.format(pages=pages), "utf-8")
    kept: pytest.Cache | None = getattr(pytestconfig, "cache", None)  # there is none with -p no:cacheprovider
    cache = tmp_path / "cache" if kept is None else kept.mkdir("mypy")  # a second run takes 2 s, not 20
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(cache), *sorted(path.name for path in tmp_path.glob("*.py"))]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110)
    assert run.returncode == 0, run.stdout + run.stderr
