import glob
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.io.events import Failure
from mien.io.folders import expand, files_of, matching, natural_key, walk


def tree(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def paths(found: object, root: Path) -> list[str]:
    return [Path(path).relative_to(root).as_posix() for path in found]  # type: ignore[attr-defined]


def test_natural_order_of_names() -> None:
    wanted = ["9.jpg", "10.jpg", "a.jpg", "B1.jpg", "b02.jpg", "b2.jpg", "b10.jpg", "b10a.jpg", "c1x2.jpg", "c1x10.jpg"]
    assert sorted(set(wanted), key=natural_key) == wanted


@settings(deadline=None)
@given(st.lists(st.from_regex(r"[a-c]{0,2}[0-9]{1,4}[a-c]?", fullmatch=True), unique=True))
def test_natural_order_is_that_of_the_numbers(names: list[str]) -> None:
    def by_parts(name: str) -> tuple[str, int, str, str]:  # the usual way, as the oracle
        before, number, after = re.fullmatch(r"([a-c]*)([0-9]+)([a-c]*)", name).groups()  # type: ignore[union-attr]
        return before, int(number), after, name

    assert sorted(names, key=natural_key) == sorted(names, key=by_parts)


@settings(deadline=None)
@given(st.text(), st.integers(0, 10**30), st.integers(0, 10**30))
def test_numbers_of_any_size_compare_as_numbers(before: str, one: int, other: int) -> None:
    before = before.rstrip("0123456789")
    assert (natural_key(f"{before}{one}") < natural_key(f"{before}{other}")) == (one < other)


@settings(deadline=None)
@given(st.lists(st.text(), unique=True))
def test_natural_order_leaves_no_name_in_doubt(names: list[str]) -> None:
    assert len({natural_key(name) for name in names}) == len(names)


def test_walk_gives_files_then_folders_in_natural_order(tmp_path: Path) -> None:
    tree(tmp_path, "b10.x", "b9.x", "z10/1.x", "z9/1.x", "z9/in/2.x", ".hidden.x", ".git/1.x", "b9.no")
    found = walk(str(tmp_path), wanted=lambda name: name.endswith(".x"))
    assert paths(found, tmp_path) == ["b9.x", "b10.x", "z9/1.x", "z9/in/2.x", "z10/1.x"]
    found = walk(str(tmp_path), wanted=lambda name: name.endswith(".x"), recursive=False)
    assert paths(found, tmp_path) == ["b9.x", "b10.x"]


def test_walk_lists_a_folder_only_when_it_is_reached(tmp_path: Path) -> None:
    tree(tmp_path, "1.x", "later/2.x")
    found = walk(str(tmp_path), wanted=lambda name: True)
    next(found)
    (tmp_path / "later" / "3.x").touch()
    assert paths(found, tmp_path) == ["later/2.x", "later/3.x"]


def test_loops_of_links_end(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.x", "a/b/2.x")
    try:
        (tmp_path / "a" / "b" / "up").symlink_to(tmp_path, target_is_directory=True)
        (tmp_path / "a" / "self").symlink_to(tmp_path / "a" / "self")
        (tmp_path / "again").symlink_to(tmp_path / "a", target_is_directory=True)
    except OSError:
        pytest.skip("no symbolic links here")
    found = walk(str(tmp_path), wanted=lambda name: name.endswith(".x"))
    assert paths(found, tmp_path) == ["a/1.x", "a/b/2.x"]
    assert paths(expand(f"{tmp_path}/**/*.x"), tmp_path) == ["a/1.x", "a/b/2.x"]
    assert "a/b/2.x" in paths(expand(f"{tmp_path}/**/b/**/*.x"), tmp_path)


def test_expand_agrees_with_glob(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "1.jpg", "2.png", "d/3.jpg", "d/e/4.jpg", "d/e/[5].jpg", "f1/x.jpg", "f2/x.jpg", ".h/6.jpg", "f1/.7.jpg")
    monkeypatch.chdir(tmp_path)
    patterns = ["*.jpg", "**/*.jpg", "d/**/*.jpg", "f?/x.jpg", "f[12]/*", "**/e/*", "d/*", "**/x.jpg", "*/*/4.jpg", ".h/*", "nope/*"]
    for pattern in patterns:
        for rooted in (pattern, f"{tmp_path}/{pattern}"):
            found = list(expand(rooted))
            assert len(found) == len(set(found))
            assert set(found) == set(glob.iglob(rooted, recursive=True)), rooted  # noqa: PTH207  the oracle


def test_patterns_among_names_are_what_they_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "b10.csv", "b9.csv", ".c.csv", "sub.csv/x", "[b9].csv")
    monkeypatch.chdir(tmp_path)
    assert matching(["z", "[b]*.csv", "*.csv", "[b9].csv", "", "*.npz", "https://a.test/?x"]) == [
        "z", "b9.csv", "b10.csv", "[b9].csv", "b9.csv", "b10.csv", "sub.csv", "[b9].csv", "", "*.npz", "https://a.test/?x"
    ]  # fmt: skip


def test_of_two_stars_the_files_match_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders beside them would be read twice; but one that is named in full is meant."""
    tree(tmp_path, "a/1.x", "a/b/2.x", "a/train/3.x", "c/train/4.x")
    monkeypatch.chdir(tmp_path)

    def all_of(pattern: str) -> list[str]:
        return [Path(name).as_posix() for name in files_of(pattern, wanted=lambda name: True)]

    for pattern in ("a/**", "a/**/*"):
        assert [Path(name).as_posix() for name in matching([pattern])] == ["a/1.x", "a/b/2.x", "a/train/3.x"] == all_of(pattern)
    assert [Path(name).as_posix() for name in matching(["**/train"])] == ["a/train", "c/train"]
    assert all_of("**/train") == ["a/train/3.x", "c/train/4.x"]


def test_a_folder_that_cannot_be_listed_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "1.x", "locked/2.x", "open/3.x")
    scandir = os.scandir

    def guarded(path: str) -> object:  # chmod would not stop root
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    for found in (list(walk(str(tmp_path), wanted=lambda name: True)), list(expand(f"{tmp_path}/**/*.x"))):
        failures = [each for each in found if isinstance(each, Failure)]
        assert [Path(each.source).name for each in failures] == ["locked"]
        assert str(failures[0].error).endswith("the folder cannot be read (Permission denied)")
        assert [Path(each).name for each in found if isinstance(each, str)] == ["1.x", "3.x"]
