"""What importing mien costs, which way imports point, and what is public."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import mien

SOURCE = Path(mien.__file__).parent
HEAVY = (
    "cv2",
    "onnxruntime",
    "torch",
    "PIL",
    "arro3",
    "numpy",
    "typer",
    "rich",
    "IPython",
    "av",
    "sqlalchemy",
    "psycopg",
    "sklearn",
    "fastapi",
    "uvicorn",
)

# From the bottom up; a layer imports itself and those below it.
LAYERS = (
    ("errors", "interrupt", "cells"),
    ("types", "labels", "table", "part_checks"),
    ("timeline", "timing", "profile"),
    ("vision", "io"),
    ("models", "unsure", "data", "track"),
    ("options", "evaluate", "provenance"),
    ("drawers", "testing", "pipeline", "loaded", "sinks", "store", "report", "study", "window", "watch", "notebook", "inference"),
    ("web",),
    ("cli", "__main__"),
    ("frozen",),
)
OWN = ("mien.__version__", "mien._HOME")
"""What stands in mien/__init__.py itself."""
ABOVE_ALL = {"train"}
"""Imports what it likes below `cli`; only commands import it, when they are called."""
OF_TRAINING = ("settings.py", "train.py", "compare.py")
"""Verbs whose options are the settings of a training; what they import at the top has no torch in it."""
INSIDE_A_METHOD = {("types", "table")}
"""`Result.rows()` is the table's, reached from the value."""


def part_of(module: str) -> str:
    """`mien.io.images` -> `io`."""
    return (module.split(".") + [""])[1]


def imports_of(path: Path) -> set[tuple[str, bool]]:
    """Parts of mien that a file imports, each with whether that is at the top, where it runs on import. Not what only types need."""
    tree = ast.parse(path.read_text("utf-8"))
    top = set(map(id, tree.body))
    ifs = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    for_types = {id(node) for block in ifs for statement in block.body for node in ast.walk(statement)}
    found = set()
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" if node.module == "mien" else str(node.module) for alias in node.names]
        else:
            continue
        found |= {(part_of(name), id(node) in top) for name in names if name.split(".")[0] == "mien" and name not in OWN}
    return found


FILES = [path for path in sorted(SOURCE.rglob("*.py")) if path != SOURCE / "__init__.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_imports_point_one_way(path):
    rank = {name: i for i, layer in enumerate(LAYERS) for name in layer}
    own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    for other, at_top in imports_of(path):
        if other == own or ((own, other) in INSIDE_A_METHOD and not at_top):
            continue
        if other in ABOVE_ALL:
            assert own == "cli", f"{own} imports {other}"
            assert not at_top or path.name in OF_TRAINING, "train is imported only when a verb of it runs"
        elif own in ABOVE_ALL:
            assert other != "cli", f"{own} imports {other}"
        else:
            assert rank[other] <= rank[own], f"{own} imports {other}, which lies above it"


def test_every_part_has_a_layer():
    parts = {path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in FILES}
    assert parts <= {name for layer in LAYERS for name in layer} | ABOVE_ALL


def loaded_after(code: str) -> list[str]:
    """Which of the heavy modules a fresh Python has loaded after some code."""
    script = f"import sys\n{code}\nprint(*sorted({{m.split('.')[0] for m in sys.modules}} & {set(HEAVY)!r}))"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout.split()


def test_importing_mien_loads_nothing():
    assert loaded_after("import mien") == []


def test_looking_at_mien_loads_nothing():
    assert loaded_after("import mien; dir(mien); mien.__version__; hasattr(mien, 'nonsense')") == []


@pytest.mark.parametrize("name", ["EMOTIONS", "Faces", "AnalyzeOptions", "ModelCard", "draw", "Analyzer", "register_detector", "Inference"])
def test_naming_something_loads_numpy_at_most(name):
    assert set(loaded_after(f"import mien; mien.{name}")) <= {"numpy"}


@pytest.mark.parametrize("name", mien.__all__)
def test_every_public_name_is_there_and_explained(name):
    value = getattr(mien, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert inspect.getdoc(value)
        assert value.__module__.startswith("mien.")
        for member, method in vars(value).items() if inspect.isclass(value) else ():
            if inspect.isfunction(method) and not member.startswith("_") and method.__module__.startswith("mien."):
                assert method.__doc__, f"{name}.{member}"


def test_what_the_options_and_the_errors_are_called_is_public():
    shown = "import mien; print(issubclass(mien.errors.SourceError, mien.MienError), mien.ImageLimits().max_side)"
    assert subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True, timeout=60).stdout == "True 12000\n"


def test_public_names_are_few_and_listed():
    assert len(mien.__all__) <= 36
    assert set(mien.__all__) <= set(dir(mien))
    with pytest.raises(AttributeError, match="'mien' has no attribute 'nonsense'"):
        _ = mien.nonsense


def test_type_checkers_see_the_same_names():
    """The imports for type checkers and the table for Python are two lists of one thing."""
    tree = ast.parse((SOURCE / "__init__.py").read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            there = "" if alias.asname in (None, alias.name) else f":{alias.name}"
            seen[alias.asname or alias.name] = f"mien.{alias.name}" if node.module == "mien" else f"{node.module}{there}"
    assert seen == mien._HOME
    assert set(seen) == set(mien.__all__)


def test_the_version_is_that_of_the_package():
    import tomllib

    root = SOURCE.parents[1] / "pyproject.toml"
    assert tomllib.loads(root.read_text("utf-8"))["project"]["version"] == mien.__version__
