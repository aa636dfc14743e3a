"""Every error goes through a pickle whole, as pools of processes send them."""

import copy
import importlib
import pickle
import re
from pathlib import Path

import pytest

import mien
from mien.errors import MienError, UnknownName, install
from mien.study.viewer import NotOneViewer, Reason

SOURCE = Path(mien.__file__).parent
HOMES = (
    "errors",
    "io.images",
    "sinks.sink",
    "store.place",
    "train.diverged",
    "train.tune.process",
    "io.fetch",
    "study.viewer",
    "web.faults",
    "store.sessions",
)
"""Modules that define errors."""


def kinds(base: type[MienError] = MienError) -> list[type[MienError]]:
    """An error and all that derive from it."""
    return [base, *(kind for child in base.__subclasses__() for kind in kinds(child))]


for home in HOMES:
    importlib.import_module(f"mien.{home}")


def test_no_module_with_errors_is_forgotten():
    bases = tuple(f"({kind.__name__}" for kind in kinds())
    found = {
        path
        for path in SOURCE.rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("class ")
        for base in bases
        if base in line
    }
    assert {".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in found} == set(HOMES)


def drawn() -> dict[str, tuple[str, str]]:
    """What the docstring of mien.errors draws: of each error the one above it, and the module in brackets."""
    above, found = ["MienError"], {}
    for line in filter(lambda line: "── " in line, (mien.errors.__doc__ or "").splitlines()):
        branch, _, said = line.partition("── ")
        name = said.split()[0]
        depth = len(branch) // 4
        above[depth:] = [name]
        found[name] = above[depth - 1], said.rpartition("(")[2].rstrip(")") if said.endswith(")") and "(mien." in said else ""
    return found


def test_one_tree_of_errors_as_its_docstring_draws_it():
    tree = drawn()
    assert set(tree) == {kind.__name__ for kind in kinds() if kind is not MienError}
    for kind in kinds():
        assert kind.__doc__
        if kind is not MienError:
            above, home = tree[kind.__name__]
            assert above in {base.__name__ for base in kind.__bases__}, kind
            if kind.__module__ != "mien.errors" and above not in ("StoreError",):
                assert home == kind.__module__


def test_a_name_that_is_not_known_is_no_fault_of_a_model():
    with pytest.raises(UnknownName, match="unknown language 'fr'"):
        mien.Style(language="fr")
    assert not issubclass(UnknownName, mien.errors.ModelError)


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_an_error_survives_a_pickle(kind):
    made_of = {UnknownName: ("model", "lage", iter(["large", "base"])), NotOneViewer: ("a.csv", Reason("no_face"))}
    error = kind(*made_of.get(kind, ("a.jpg: no such file",)))
    error.add_note("in batch 3")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is kind
        assert str(again) == str(error)
        assert vars(again) == vars(error)


def test_an_unknown_name_says_what_there_is():
    error = UnknownName("model", "lage", ["large", "base"])
    assert str(error) == error.message == "unknown model 'lage'; there are: base, large"
    assert isinstance(error, KeyError)


def test_nothing_says_to_install_mien_from_a_package_index():
    """Where it is not, so that whoever takes the name there would be installed."""
    assert install("heic") == 'pip install ".[heic]" in a checkout of mien'
    root = SOURCE.parents[1]
    pages = [
        *(root / "tests").rglob("*.py"),
        *SOURCE.rglob("*.py"),
        root / "README.md",
        *(page for folder in ("docs", "examples", "benchmarks") for page in (root / folder).rglob("*.md")),
    ]
    told = re.compile(r"pip install (-\S+ )*[\"']?mien\b")
    assert [str(page.relative_to(root)) for page in pages if told.search(page.read_text("utf-8"))] == []
