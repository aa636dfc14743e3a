"""tools/setup.sh takes the versions of Python that pyproject.toml promises, and no other."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEAST, BEYOND = map(
    int, re.search(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.M).groups()
)
TOOLS = ("bash", "cat", "chmod", "cksum", "cp", "dirname", "mkdir", "rm", "sed", "seq")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script for bash")


def python(at: Path, version: int) -> None:
    """A stand-in that says it is this version and has pip and venv, which makes another of its kind."""
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_text(f"""#!/usr/bin/env bash
case "$1 ${{2:-}}" in
"--version ") echo "Python 3.{version}.0" ;;
"-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-c "*) exec {sys.executable} -c 'import sys; sys.version_info = (3, {version}, 0); exec(sys.argv[1])' "$2" ;;
esac
""")
    at.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout, and `bin` with what the script calls but no Python."""
    (tmp_path / "checkout" / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "setup.sh", tmp_path / "checkout" / "tools")
    shutil.copy(ROOT / "pyproject.toml", tmp_path / "checkout")
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        if (there := shutil.which(tool)) is None:
            pytest.skip(f"no {tool} here")
        (tmp_path / "bin" / tool).symlink_to(there)
    return tmp_path / "checkout"


def set_up(checkout: Path) -> subprocess.CompletedProcess[str]:
    path = {"PATH": str(checkout.parent / "bin")}
    return subprocess.run([path["PATH"] + "/bash", "tools/setup.sh"], cwd=checkout, env=path, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("version", range(LEAST - 1, BEYOND + 1))
def test_a_python_is_taken_if_it_is_promised(checkout: Path, version: int) -> None:
    python(checkout.parent / "bin" / f"python3.{version}", version)
    done = set_up(checkout)
    if LEAST <= version < BEYOND:
        assert done.returncode == 0, done.stderr
        assert f"setting up .venv with Python 3.{version}.0, once" in done.stderr
    else:
        assert done.returncode == 1
        assert f"found no Python 3.{LEAST} to 3.{BEYOND - 1} " in done.stderr


@pytest.mark.parametrize("version", range(LEAST - 1, BEYOND + 1))
def test_an_environment_is_kept_if_its_python_is_promised(checkout: Path, version: int) -> None:
    python(checkout / ".venv" / "bin" / "python", version)
    (checkout / ".venv" / "mine").touch()
    python(checkout.parent / "bin" / f"python3.{LEAST}", LEAST)
    assert set_up(checkout).returncode == 0
    assert (checkout / ".venv" / "mine").exists() == (LEAST <= version < BEYOND)
