"""Text is read and written in UTF-8 by name: on Windows the encoding that Python takes by itself is the country's, which lacks letters."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [path for folder in ("src", "tools") for path in sorted((ROOT / folder).rglob("*.py"))]
MODES = {"open": 1, "fdopen": 1, "NamedTemporaryFile": 0, "TemporaryFile": 0, "TextIOWrapper": 9}
"""Name of a call that opens a file -> where its mode stands among the arguments, one before for a path's own `open`."""
NO_FILES = {"os", "webbrowser", "av", "tarfile", "Image"}
"""Of these `open` is something else."""
TEXTS = {"read_text": 0, "write_text": 1}
"""Name of a method of a path -> where the encoding stands."""


def without_encoding(code: str) -> list[int]:
    """Lines of calls that read or write text and do not say in which encoding."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    return [call.lineno for call in calls if _is_text(call) and not any(word.arg == "encoding" for word in call.keywords)]


def _is_text(call: ast.Call) -> bool:
    method = call.func if isinstance(call.func, ast.Attribute) else None
    name = method.attr if method else call.func.id if isinstance(call.func, ast.Name) else ""
    if name in TEXTS:
        return len(call.args) <= TEXTS[name]
    if name not in MODES:
        return any(word.arg in ("text", "universal_newlines") for word in call.keywords)  # of subprocess
    owner = method.value.id if method and isinstance(method.value, ast.Name) else ""
    if name == "open" and owner in NO_FILES:
        return False
    at = 0 if method and name == "open" and owner != "io" else MODES[name]
    given = call.args[at : at + 1] + [word.value for word in call.keywords if word.arg == "mode"]
    mode = ast.unparse(given[0]) if given else "'w+b'" if "Temporary" in name else "'r'"
    return "b" not in mode


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_who_reads_or_writes_text_says_in_which_encoding(path: Path) -> None:
    assert without_encoding(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "code",
    [
        "p.read_text()",
        "self.p.write_text('x')",
        "open(p)",
        "open(p, 'a')",
        "self.p.open('w')",
        "p.open()",
        "run(x, text=True)",
        "io.open(p)",
    ],
)
def test_such_calls_are_found(code: str) -> None:
    assert without_encoding(code) == [1]
    assert without_encoding(code[:-1].removesuffix("(") + ("(" if code[-2] == "(" else ", ") + "encoding='utf-8')") == []


@pytest.mark.parametrize(
    "code", ["p.read_text('utf-8')", "p.write_text(x, 'utf-8')", "open(p, 'rb')", "p.open('r+b')", "os.open(p, 0)", "TemporaryFile()"]
)
def test_others_are_not(code: str) -> None:
    assert without_encoding(code) == []
