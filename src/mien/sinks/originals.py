"""The inputs as outputs must know them: never to be overwritten, and the ones whose names annotated pictures take."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from urllib.parse import unquote, urlsplit

from mien.io.folders import is_pattern

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_ODD = re.compile(r'[\x00-\x1f<>:"/\\|?*]')


@dataclass(frozen=True, slots=True)
class Originals:
    """Files and folders that a run reads."""

    files: frozenset[str] = frozenset()
    """Real paths of the files named one by one."""
    roots: tuple[str, ...] = ()
    """Folders as they were written, the longest first; of a pattern, the part before its first wildcard."""

    @classmethod
    def of(cls, inputs: Iterable[object]) -> Originals:
        """The originals among inputs of any kind; URLs, arrays and `-` are none."""
        files, roots = set(), set()
        for given in inputs:
            if not isinstance(given, str | os.PathLike):
                continue
            text = os.fsdecode(given)
            if text == "-" or not text or "\0" in text or _URL.match(text):
                continue
            if Path(text).is_dir():
                roots.add(text)
            elif is_pattern(text) and not os.path.lexists(text):
                roots.add(_base(text))
            else:
                files.add(os.path.realpath(text))
        return cls(frozenset(files), tuple(sorted(roots, key=lambda root: (-len(PurePath(root).parts), root))))

    def protects(self, path: Path, *, output: Path | None = None) -> bool:
        """Whether writing `path` could destroy an input: a named file, or a file in a folder that is read.

        output: the folder of the outputs; what lies in it is fair game even when it is inside a folder that is read.
        """
        real = os.path.realpath(path)
        if real in self.files:
            return True
        if not os.path.lexists(real) or (output is not None and any(strictly_inside(output, root) for root in self.roots)):
            return False
        return any(strictly_inside(real, root) and _reads(root, real) for root in self.roots)

    def name(self, source: str) -> PurePath:
        """A relative path for what is made of `source`: below the folder that was named, or the bare name."""
        if _URL.match(source):
            parts = urlsplit(source)
            last = unquote(parts.path).rstrip("/").rpartition("/")[2] or parts.hostname or "url"
            return PurePath(_ODD.sub("_", last)[-120:].lstrip(".") or "url")
        if source == "-":
            return PurePath("stdin")
        path = PurePath(source)
        for root in self.roots:
            if path.is_relative_to(root):
                below = path.relative_to(root)
                if ".." not in below.parts and below.parts and not below.is_absolute():
                    return below
        return PurePath(path.name or "picture")


def strictly_inside(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> bool:
    """Whether a path lies in a folder, links followed, and is not the folder itself."""
    inner, outer = os.path.realpath(path), os.path.realpath(folder)
    return inner != outer and Path(inner).is_relative_to(outer)


def _reads(root: str, real: str) -> bool:
    """Whether a folder that is read for pictures would give this file."""
    from mien.io.formats import SUFFIXES

    return Path(real).suffix.lower() in SUFFIXES


def _base(pattern: str) -> str:
    plain = []
    for part in PurePath(pattern).parts:
        if is_pattern(part):
            break
        plain.append(part)
    return str(PurePath(*plain))
