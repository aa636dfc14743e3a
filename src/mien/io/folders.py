"""Names of files in folders and under patterns: lazily, in natural order, never twice through one symbolic link."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mien.errors import SourceUnreadable
from mien.io.events import Failure
from mien.io.names import is_url

_DIGITS = re.compile(r"[0-9]+")
_MAGIC = re.compile(r"[*?\[]")


def natural_key(name: str) -> tuple[str, str]:
    """Sort key that puts name9 before name10, capitals beside small letters, and equal names never in doubt.

    A run of digits is preceded by its length, so that comparing text compares numbers of any size: one string is a
    third of the memory of the usual tuple of parts, which counts in a folder of a million files.

    >>> sorted(["img10.jpg", "Img9.jpg", "img09.jpg"], key=natural_key)
    ['Img9.jpg', 'img09.jpg', 'img10.jpg']
    """
    return _DIGITS.sub(_counted, name.casefold()), name


def _counted(digits: re.Match[str]) -> str:
    number = digits.group().lstrip("0")
    return f"{len(number):04d}{number}"


def is_pattern(text: str) -> bool:
    """Whether the text has any of the characters `*`, `?` and `[`."""
    return _MAGIC.search(text) is not None


def walk(folder: str, *, wanted: Callable[[str], bool], recursive: bool = True) -> Iterator[str | Failure]:
    """Paths of the files in a folder for whose name `wanted` holds; a folder's own files first, then its subfolders.

    Hidden names (with a leading dot) are skipped. Links to folders are followed, each real folder once, so loops end.
    A folder that cannot be listed is a Failure, and the walk goes on. Holds the names of one folder at a time.
    """
    waiting = [folder]
    seen: set[tuple[int, int]] = set()
    while waiting:
        here = waiting.pop()
        try:
            if not _first_visit(here, seen):
                continue
            files, folders = _listed(here)
        except OSError as error:
            yield _unlistable(here, error)
            continue
        yield from (os.path.join(here, name) for name in files if wanted(name))  # noqa: PTH118  a million Paths cost seconds
        if recursive:
            waiting.extend(os.path.join(here, name) for name in reversed(folders))  # noqa: PTH118


def expand(pattern: str) -> Iterator[str | Failure]:
    """Paths that match a pattern of `*`, `?`, `[...]` and `**` (any number of folders); files before folders at each level.

    Like `glob.iglob`, but in natural order and safe from loops of links, which make glob's `**` visit the same files
    again and again. Hidden names match only a part that itself begins with a dot.
    """
    parts = list(Path(pattern).parts)
    if parts[-1] == "**":
        parts.append("*")
    yield from _expanded("", parts, set())


def takes_folders(pattern: str) -> bool:
    """Whether the folders that match are meant: not those of `photos/**` or `**/a*`, whose files match by themselves.

    >>> takes_folders("photos/*"), takes_folders("**/train"), takes_folders("**/a*")
    (True, True, False)
    """
    return "**" not in pattern or not is_pattern(Path(pattern).name)


def files_of(name: str, *, wanted: Callable[[str], bool], recursive: bool = True) -> Iterator[str]:
    """Files that an input's name stands for: a folder's for whose name `wanted` holds, of a pattern all that match and of matching
    folders theirs, else the name itself. What cannot be listed is passed over. A file that is really called like a pattern wins.
    """
    if os.path.isdir(name):  # noqa: PTH112  Path.is_dir raises for a name that is too long
        yield from (found for found in walk(name, wanted=wanted, recursive=recursive) if isinstance(found, str))
    elif is_pattern(name) and not os.path.lexists(name):
        for found in expand(name):
            if isinstance(found, str) and (takes_folders(name) or not os.path.isdir(found)):  # noqa: PTH112
                yield from files_of(found, wanted=wanted, recursive=recursive)
    elif name:
        yield name


def matching(names: Iterable[str]) -> list[str]:
    """Names of inputs, each pattern as what it matches, files and folders (but see takes_folders); else it stays as it is, to be told of.

    The shells of Windows expand none, and quotes keep any other from it. A file that is really called like a pattern wins.

    >>> matching(["https://example.org/a.mp4?b", "no*such.mp4"])
    ['https://example.org/a.mp4?b', 'no*such.mp4']
    """
    found = []
    for name in names:
        plain = is_url(name) or not is_pattern(name) or os.path.lexists(name)
        matches = [] if plain else [match for match in expand(name) if isinstance(match, str)]
        found += [match for match in matches if takes_folders(name) or not os.path.isdir(match)] or [name]  # noqa: PTH112
    return found


def _expanded(base: str, parts: list[str], seen: set[tuple[int, int, int]]) -> Iterator[str | Failure]:
    if not parts:
        yield base
        return
    head, rest = parts[0], parts[1:]
    if not is_pattern(head):
        path = os.path.join(base, head)  # noqa: PTH118
        if os.path.lexists(path):
            yield from _expanded(path, rest, seen)
        return
    try:
        if head == "**":
            at = Path(base or os.curdir).stat()
            state = (at.st_dev, at.st_ino, len(parts))
            if state in seen:
                return
            seen.add(state)
        files, folders = _listed(base or os.curdir, hidden=head.startswith("."))
    except NotADirectoryError:
        return
    except OSError as error:
        yield _unlistable(base or os.curdir, error)
        return
    if head == "**":
        yield from _expanded(base, rest, seen)
        for name in folders:
            yield from _expanded(os.path.join(base, name), parts, seen)  # noqa: PTH118
        return
    for name in [*files, *folders] if not rest else folders:
        if fnmatch.fnmatch(name, head):
            yield from _expanded(os.path.join(base, name), rest, seen)  # noqa: PTH118


def _first_visit(folder: str, seen: set[tuple[int, int]]) -> bool:
    at = Path(folder).stat()
    key = (at.st_dev, at.st_ino)
    if key in seen:
        return False
    seen.add(key)
    return True


def _listed(folder: str, *, hidden: bool = False) -> tuple[list[str], list[str]]:
    """Names of files (broken links too, so that they get reported) and of folders, each in natural order."""
    files, folders = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and not hidden:
                continue
            try:
                is_folder = entry.is_dir()
                is_file = not is_folder and (entry.is_file() or entry.is_symlink())
            except OSError:  # a link to itself
                is_folder, is_file = False, True
            if is_folder:
                folders.append(entry.name)
            elif is_file:
                files.append(entry.name)
    return sorted(files, key=natural_key), sorted(folders, key=natural_key)


def _unlistable(folder: str, error: OSError) -> Failure:
    return Failure(folder, SourceUnreadable(f"{folder}: the folder cannot be read ({error.strerror or error})"))
