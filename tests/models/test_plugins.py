"""Plug-ins: each once, a broken one is named and left out."""

import threading
import time
from types import SimpleNamespace

import pytest

from mien.models import plugins


class Entry:
    """An entry point that does as it is told."""

    def __init__(self, name, register, package="some-package"):
        self.name, self.register = name, register
        self.dist = SimpleNamespace(name=package) if package else None

    def load(self):
        return self.register


@pytest.fixture
def entries(monkeypatch):
    found = []
    monkeypatch.setattr(plugins.metadata, "entry_points", lambda group: found if group == "mien.plugins" else [])
    monkeypatch.setattr(plugins, "_loaded", False)
    return found


def test_a_broken_one_is_named_and_the_others_go_on(entries, caplog):
    def broken():
        raise KeyError("no such thing")

    called = []
    entries += [Entry("bad", broken), Entry("worse", broken, None), Entry("good", lambda: called.append("good"))]
    plugins.load_plugins()
    plugins.load_plugins()
    assert called == ["good"]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "plug-in bad of some-package is left out: KeyError: 'no such thing'" in caplog.text
    assert "plug-in worse of an unknown package" in caplog.text


def test_a_plug_in_may_ask_for_names(entries):
    called = []

    def asks():
        plugins.load_plugins()
        called.append("asks")

    entries.append(Entry("asks", asks))
    plugins.load_plugins()
    assert called == ["asks"]


def test_nobody_goes_on_before_all_are_there(entries):
    registered = []

    def slow():
        time.sleep(0.1)
        registered.append("slow")

    entries.append(Entry("slow", slow))
    seen = []

    def ask():
        plugins.load_plugins()
        seen.append(list(registered))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [["slow"]] * 3


def test_one_that_was_interrupted_is_tried_again(entries):
    def interrupted():
        raise KeyboardInterrupt

    entries.append(Entry("long", interrupted))
    with pytest.raises(KeyboardInterrupt):
        plugins.load_plugins()
    called = []
    entries[:] = [Entry("long", lambda: called.append("long"))]
    plugins.load_plugins()
    assert called == ["long"]
