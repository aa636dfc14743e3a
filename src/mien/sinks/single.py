"""Targets that hold one picture or one video: inputs that do not fit into one are refused, before the work where that can be known."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mien.io.folders import files_of
from mien.io.formats import SUFFIXES, VIDEO_SUFFIXES
from mien.io.kinds import is_video_file, is_video_name
from mien.io.names import is_url
from mien.io.sequences import folder_of_frames
from mien.sinks.sink import BadTarget


def names_in(inputs: Iterable[Any], *, recursive: bool = True, as_video: float | None = None) -> Iterator[str]:
    """Files that are pictures or videos by their names, in the order in which they will be read: named, in folders, or matching patterns.

    Lazy: who wants two names walks no further. A file that is named twice, by whatever name or link, counts once, as `open_source` reads
    it with `once`. With `as_video` pictures are frames, and the names are those of the folders that are the recordings. What only its
    bytes tell is not among them, nor are URLs, arrays and `-`.
    """
    seen: set[str] = set()
    for given in inputs:
        text = os.fsdecode(given) if isinstance(given, str | os.PathLike) else ""
        if "\0" in text or is_url(text):
            continue
        for file in filter(_is_known, files_of(text, wanted=_is_known, recursive=recursive)):
            name = file if as_video is None or is_video_name(file) else folder_of_frames(file)
            if (real := os.path.realpath(name)) not in seen:
                seen.add(real)
                yield name


def refuse_for_picture(path: Path, names: Iterable[str]) -> None:
    """Raise BadTarget where there is a video, or more than one picture. names: as `names_in` gives them."""
    first = ""
    for name in names:
        if _is_recording(name):
            raise not_a_picture(path, name)
        if first:
            raise BadTarget(f"{path}: holds one picture, but there are {first} and {name}; for several pictures name {folder_of(path)}")
        first = name


def refuse_for_video(path: Path, names: Iterable[str]) -> None:
    """Raise BadTarget where there is a picture, or more than one video. names: as `names_in` gives them."""
    first = ""
    for name in names:
        if not _is_recording(name):
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


def _is_recording(name: str) -> bool:
    """Whether what `names_in` gives is a video, or a folder whose pictures are frames."""
    return is_video_file(name) or os.path.isdir(name)  # noqa: PTH112  Path.is_dir raises for a name that is too long


def _is_known(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES | VIDEO_SUFFIXES
