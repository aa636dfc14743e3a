"""The inputs as outputs must know them: never to be overwritten, and the ones whose names annotated pictures take."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from mien.io.folders import is_pattern
from mien.io.formats import SUFFIXES, VIDEO_SUFFIXES
from mien.io.images import is_pil
from mien.io.names import is_url, on_disk

_ODD = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
_MOST_BYTES = 200
"""Of a name made from a URL; file systems take 255, and a number or an extension may be added."""

_Identity: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Originals:
    """Files and folders that a run reads."""

    files: frozenset[str] = frozenset()
    """Real paths of the files named one by one."""
    roots: tuple[str, ...] = ()
    """Folders as they were written, the longest first; of a pattern, the part before its first wildcard."""
    identities: frozenset[_Identity] = frozenset()
    """Of the files that there are: device and number, the same whatever the file is called."""
    written: frozenset[PurePath] = frozenset()
    """The roots again, to look one up by the parents of a path: with hundreds of them, asking each took most of a run."""
    folders: frozenset[PurePath] = frozenset()
    """Real paths of the roots."""
    folder_identities: frozenset[_Identity] = frozenset()
    """Of the roots that there are."""

    @classmethod
    def of(cls, inputs: Iterable[object]) -> Originals:
        """The originals among inputs of any kind, PIL images that come from a file too; URLs, arrays and `-` are none."""
        files, roots = set(), set()
        for given in inputs:
            from_pil = is_pil(given)
            name = getattr(given, "filename", "") if from_pil else given
            if not isinstance(name, str | os.PathLike) and not (from_pil and isinstance(name, bytes)):
                continue
            text = os.fsdecode(name)
            if text == "-" or not text or "\0" in text or is_url(text):
                continue
            if os.path.isdir(text):  # noqa: PTH112  Path.is_dir raises for a name that is too long
                roots.add(text)
            elif is_pattern(text) and not os.path.lexists(text) and not from_pil:
                roots.add(_base(text))
            else:
                files.add(_real(text))
        longest_first = tuple(sorted(roots, key=lambda root: (-len(PurePath(root).parts), root)))
        real = [_real(root) for root in longest_first]
        return cls(
            files=frozenset(files),
            roots=longest_first,
            identities=frozenset(filter(None, map(_identity, files))),
            written=frozenset(map(PurePath, longest_first)),
            folders=frozenset(map(PurePath, real)),
            folder_identities=frozenset(filter(None, map(_identity, real))),
        )

    def protects(self, path: Path, *, own: bool = False) -> bool:
        """Whether writing `path` could destroy an input: a named file, or a file in a folder that is read.

        own: whether it lies in a folder of outputs that is inside a folder that is read; there only named files are inputs.
        """
        real = _real(path)
        if real in self.files or _identity(real) in self.identities:
            return True
        return not own and os.path.lexists(real) and _reads(real) and self.surrounds(real)

    def reads(self, folder: str | os.PathLike[str]) -> bool:
        """Whether a folder is one of those that are read, by whatever name."""
        real = _real(folder)
        return PurePath(real) in self.folders or _identity(real) in self.folder_identities

    def surrounds(self, path: str | os.PathLike[str]) -> bool:
        """Whether a path lies in a folder that is read, links followed, and is not that folder itself."""
        above = PurePath(_real(path)).parents
        return any(parent in self.folders for parent in above) or (
            bool(self.folder_identities) and any(_identity(parent) in self.folder_identities for parent in above)
        )

    def read_from(self, folder: Path) -> bool:
        """Whether inputs come from a folder: it is read, or lies in one that is, or holds a file that was named."""
        return self.reads(folder) or self.surrounds(folder) or any(same(folder, PurePath(file).parent) for file in self.files)

    def name(self, source: str) -> PurePath:
        """A relative path for what is made of `source`: below the folder that was named, or the bare name."""
        if is_url(source):
            parts = urlsplit(source)
            last = unquote(parts.path).rstrip("/").rpartition("/")[2] or parts.hostname or "url"
            end = _ODD.sub("_", last).encode("utf-8", "replace")[-_MOST_BYTES:].decode("utf-8", "ignore")
            return PurePath(end.lstrip(".") or "url")
        if source == "-":
            return PurePath("stdin")
        path = PurePath(on_disk(source))
        for parent in path.parents:  # the longest first, as the roots are
            if parent in self.written and ".." not in (below := path.relative_to(parent)).parts:
                return below
        return PurePath(path.name or Path(path).resolve().name or "picture")


def same(path: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Whether two paths lead to one file or folder, links followed; where volumes do not tell capitals apart, in any spelling."""
    one, two = _real(path), _real(other)
    return one == two or (_identity(one) is not None and _identity(one) == _identity(two))


def strictly_inside(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> bool:
    """Whether a path lies in a folder, links followed, and is not the folder itself."""
    inner, outer = _real(path), _real(folder)
    if same(inner, outer):
        return False
    at = _identity(outer)
    return Path(inner).is_relative_to(outer) or (at is not None and any(_identity(parent) == at for parent in Path(inner).parents))


def _real(path: str | os.PathLike[str]) -> str:
    """The path behind all links; the path as it is where the system has no such names, as with é under LC_ALL=C."""
    try:
        return os.path.realpath(path)
    except ValueError:
        return os.fspath(path)


def _identity(path: str | os.PathLike[str]) -> _Identity | None:
    try:
        at = os.stat(path)  # noqa: PTH116  called for each file
    except (OSError, ValueError):
        return None
    return at.st_dev, at.st_ino


def _reads(real: str) -> bool:
    """Whether a folder that is read would give this file."""
    return Path(real).suffix.lower() in SUFFIXES | VIDEO_SUFFIXES


def _base(pattern: str) -> str:
    plain = []
    for part in PurePath(pattern).parts:
        if is_pattern(part):
            break
        plain.append(part)
    return str(PurePath(*plain))
