"""What is made of an input is named after the folder that it was read from."""

import os
from pathlib import Path, PurePath

import pytest

from mien.sinks.originals import Originals


def test_a_folder_within_another_gives_its_own_names(tmp_path: Path) -> None:
    outer, inner = tmp_path / "a", tmp_path / "a" / "deep" / "er"
    inner.mkdir(parents=True)
    for inputs in ([outer, inner], [inner, outer]):
        originals = Originals.of(inputs)
        assert originals.roots == (str(inner), str(outer))
        assert originals.name(str(inner / "x" / "1.jpg")) == PurePath("x/1.jpg")
        assert originals.name(str(outer / "deep" / "2.jpg")) == PurePath("deep/2.jpg")


def test_of_hundreds_of_folders_none_is_looked_up_for_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking each of 400 for each picture took ten times as long as reading them."""
    folders = [tmp_path / "in" / f"s{number}" for number in range(300)]
    for folder in [*folders, tmp_path / "out"]:
        folder.mkdir(parents=True)
    (tmp_path / "out" / "a.jpg").write_bytes(b"of the run before")
    (folders[7] / "a.jpg").write_bytes(b"original")
    (tmp_path / "link").symlink_to(folders[7])
    found = Originals.of(folders)
    looked = []
    for name in ("stat", "lstat"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda path, *more, real=real, **named: (looked.append(path), real(path, *more, **named))[1])
    assert not found.protects(tmp_path / "out" / "a.jpg")
    assert found.protects(folders[7] / "a.jpg")
    assert found.protects(tmp_path / "link" / "a.jpg")
    assert not found.protects(tmp_path / "link" / "a.jpg", own=True)
    assert found.name(str(folders[299] / "deep" / "b.jpg")) == PurePath("deep/b.jpg")
    assert 0 < len(looked) < len(folders)  # each part of the five paths, a few times
    assert found.reads(tmp_path / "link")
    assert not found.reads(tmp_path / "in")
    assert not found.surrounds(folders[7])


def test_a_folder_that_is_written_in_two_ways_gives_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a" / "b").mkdir(parents=True)
    for given in ("a/", "./a", "a//", "a/."):
        assert Originals.of([given]).name("a/b/1.jpg") == PurePath("b/1.jpg")
    assert Originals.of(["a/b/../"]).name("a/b/../1.jpg") == PurePath("1.jpg")
    assert Originals.of(["a/../*.jpg"]).name("a/../1.jpg") == PurePath("1.jpg")
    assert Originals.of(["."]).name("a/b/1.jpg") == PurePath("a/b/1.jpg")
    assert Originals.of(["."]).name(str(tmp_path / "1.jpg")) == PurePath("1.jpg")
