"""Every error goes through a pickle whole, as pools of processes send them."""

import copy
import importlib
import pickle
from pathlib import Path

import pytest

import mien
from mien.errors import MienError, UnknownName
from mien.study.viewer import NotOneViewer, Reason

SOURCE = Path(mien.__file__).parent
HOMES = ("errors", "io.images", "sinks.sink", "store.place", "train.diverged", "train.tune.process", "io.fetch", "study.viewer", "web.jobs")
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
