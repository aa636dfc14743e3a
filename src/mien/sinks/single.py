"""Targets that hold one picture or one video: inputs that do not fit into one are refused, before the work where that can be known."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mien.io.folders import expand, is_pattern, walk
from mien.io.formats import SUFFIXES, VIDEO_SUFFIXES
from mien.io.names import is_url
from mien.sinks.sink import BadTarget


def names_in(inputs: Iterable[Any], *, recursive: bool = True) -> Iterator[str]:
    """Files that are pictures or videos by their names, in the order in which they will be read: named, in folders, or matching patterns.

    Lazy: who wants two names walks no further. What only its bytes tell is not among them, nor are URLs, arrays and `-`.
    """
    for given in inputs:
        name = os.fsdecode(given) if isinstance(given, str | os.PathLike) else ""
        if name and "\0" not in name and not is_url(name):
            yield from _names(name, recursive)


def refuse_for_picture(path: Path, names: Iterable[str]) -> None:
    """Raise BadTarget where there is a video, or more than one picture. names: as `names_in` gives them."""
    first = ""
    for name in names:
        if _is_video(name):
            raise not_a_picture(path, name)
        if first:
            raise BadTarget(f"{path}: holds one picture, but there are {first} and {name}; for several pictures name {folder_of(path)}")
        first = name


def refuse_for_video(path: Path, names: Iterable[str]) -> None:
    """Raise BadTarget where there is a picture, or more than one video. names: as `names_in` gives them."""
    first = ""
    for name in names:
        if not _is_video(name):
            raise not_a_video(path, name)
        if first:
            raise BadTarget(f"{path}: holds one video, but there are {first} and {name}; for several videos name {folder_of(path)}")
        first = name


def not_a_picture(path: Path, source: str) -> BadTarget:
    """A video came for the target of one picture."""
    instead = f"name a video: -o {path.with_suffix('.mp4')}, or {folder_of(path)}"
    return BadTarget(f"{path}: holds one picture, but {source} is a video; {instead}")


def not_a_video(path: Path, source: str) -> BadTarget:
    """A picture came for the target of one video."""
    return BadTarget(f"{path}: {source} is a picture, wanted a video; name a .jpg or .png file, or {folder_of(path)}")


def folder_of(path: Path) -> str:
    """What to name instead, for several."""
    return f"a folder: -o {path.with_suffix('')}/"


def _names(name: str, recursive: bool) -> Iterator[str]:
    if os.path.isdir(name):  # noqa: PTH112  Path.is_dir raises for a name that is too long
        yield from (found for found in walk(name, wanted=_is_known, recursive=recursive) if isinstance(found, str))
    elif is_pattern(name) and not os.path.lexists(name):
        for found in expand(name):
            if isinstance(found, str) and ("**" not in name or not os.path.isdir(found)):  # noqa: PTH112  with ** its files match by themselves
                yield from _names(found, recursive)
    elif _is_known(name):
        yield name


def _is_known(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES | VIDEO_SUFFIXES


def _is_video(name: str) -> bool:
    return Path(name).suffix.lower() in VIDEO_SUFFIXES
