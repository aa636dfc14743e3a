"""What importing mien costs, which way imports point, and what is public."""

import ast
import inspect
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
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
    "ray",
)

# From the bottom up; a layer imports itself and those below it.
LAYERS = (
    ("errors", "interrupt", "cells", "machine"),
    ("types", "labels", "table", "part_checks"),
    ("timeline", "timing", "profile"),
    ("vision", "io"),
    ("models", "unsure", "data", "track"),
    ("options", "evaluate", "provenance"),
    ("drawers", "testing", "pipeline", "loaded", "hiding", "sinks", "store", "report", "study", "window", "watch", "notebook", "inference"),
    ("web", "cluster"),
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
    # What most programs need, what messages name, what the signatures of those are typed by, and the modules in STABLE.
    assert len(mien.__all__) <= 54
    assert set(mien.__all__) <= set(dir(mien))
    with pytest.raises(AttributeError, match="'mien' has no attribute 'nonsense'"):
        _ = mien.nonsense


STABLE = ("errors", "labels", "table", "testing", "types")
"""Modules that are public as a whole; docs/python.md names them, and further ones for parts of programs."""
DESCRIBED = {
    "SMOTE": {"Augment", "Balanced", "Progress", "Recipe"},
    "ModelCard": {"Head"},
    "open_sink": {"SoFar"},
    "register_detector": {"Factory", "Preset"},
    "register_recogniser": {"Factory"},
    "Inference": {"Found", "Model", "Several"},
}
"""Types of public signatures that nobody has to name to use them: what is given back, or is for those who make cards and plug-ins."""
KEYWORDS = {"Changes", "Inputs", "Keywords", "Reading"}
"""Of all of them: anything that is read, and keyword arguments."""


def signatures_of(name: str) -> Iterator[inspect.Signature]:
    """Those of a public function, or of the public methods and properties of a class."""
    value = getattr(mien, name)
    if inspect.isfunction(value):
        yield inspect.signature(value)
    elif inspect.isclass(value):
        for member, kept in vars(value).items():
            method = kept.fget if isinstance(kept, property) else getattr(kept, "__func__", kept)  # of class methods
            if inspect.isfunction(method) and (member == "__init__" or not member.startswith("_")):
                yield inspect.signature(method)


def types_of(name: str) -> set[str]:
    """Names of mien's own types in the signatures of a public name."""
    home = vars(sys.modules[getattr(getattr(mien, name), "__module__", "mien")])
    told = [each for one in signatures_of(name) for each in (one.return_annotation, *(arg.annotation for arg in one.parameters.values()))]
    words = {word for text in told if isinstance(text, str) for word in re.findall(r"(?<![\w.])[A-Z]\w+", text)} - {"None"}
    return {word for word in words if getattr(home.get(word), "__module__", "mien.").startswith("mien.")}  # what is not there is for types


@pytest.mark.parametrize("name", [name for name in mien.__all__ if name not in STABLE])
def test_the_types_of_public_signatures_are_public(name):
    public = {each for module in STABLE for each in vars(getattr(mien, module))} | set(mien.__all__)
    assert types_of(name) - public - DESCRIBED.get(name, set()) - KEYWORDS == set()


def test_signatures_are_those_of_class_methods_and_properties_too() -> None:
    assert "Result" in types_of("Timeline")  # of Timeline.from_results
    assert "LiveStats" in types_of("Live")  # of Live.stats


@pytest.mark.parametrize("name", ["open_sink", "open_live", "analyze", "Frame", "Faces", "Emotions"])
def test_type_hints_of_public_names_can_be_asked_for(name: str) -> None:
    """As programs do that make forms or checks of them."""
    assert typing.get_type_hints(getattr(mien, name))


def module_of(name: str) -> str:
    """The module in a dotted name: `mien.table.columns` -> `mien.table`."""
    parts = name.split(".")[1:]
    while parts and not (SOURCE.joinpath(*parts).with_suffix(".py").is_file() or SOURCE.joinpath(*parts, "__init__.py").is_file()):
        parts.pop()
    return ".".join(["mien", *parts])


def test_the_list_of_public_modules_has_all_that_pages_name() -> None:
    """`mien.x.y` in a page is a promise that it stays there, and docs/python.md lists the promises."""
    docs = SOURCE.parents[1] / "docs"
    pages = {path: path.read_text("utf-8") for path in (SOURCE.parents[1] / "README.md", *docs.glob("*.md"))}
    pages[docs / "python.md"], _, public = pages[docs / "python.md"].partition("## What is public")
    named = {module_of(name) for page in pages.values() for name in re.findall(r"\bmien(?:\.\w+)+", page)} - {"mien"}
    whole, parts = (
        set(re.findall(r"`(mien\.[a-z_.]+)`", "".join(re.findall(r"^\|([^|]*)\|", table, re.MULTILINE))))
        for table in public.split("Of other modules")
    )
    assert whole == {f"mien.{name}" for name in STABLE}
    assert named - whole == parts


def attributes_named() -> set[str]:
    """`mien.x.y(` in the texts of pages, and `mien.x.y` in what the library says: both are typed after `import mien`."""
    pages = "".join((SOURCE.parents[1] / page).read_text("utf-8") for page in ("README.md", "docs/python.md", "docs/migrate.md"))
    found = set(re.findall(r"\bmien(?:\.\w+)+(?=\()", pages))
    for path in FILES:
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("Error"):
                words = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
                found |= {name for text in words for name in re.findall(r"\bmien(?:\.[A-Za-z_]+)+", text)}
    return found


@pytest.mark.parametrize("said", sorted(attributes_named()))
def test_what_pages_and_messages_name_is_there_after_import_mien(said):
    first, *others = said.split(".")[1:]
    assert first in mien.__all__
    value = getattr(mien, first)
    for name in others:
        value = getattr(value, name)


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
