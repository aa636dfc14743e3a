"""Which files are videos: by their names, unless their first bytes say that they are pictures all the same."""

from __future__ import annotations

import os
from pathlib import Path

from mien.io.formats import HEAD, VIDEO, VIDEO_SUFFIXES, sniff


def is_video_name(name: str) -> bool:
    """Whether a file is called like a video."""
    return os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES  # noqa: PTH122  called a million times


def is_video_file(name: str) -> bool:
    """Whether a file is called like a video and is none of the known kinds of pictures; of one that cannot be read its name tells."""
    try:
        return is_video_name(name) and sniff(first_bytes(name)) in (VIDEO, None)
    except OSError:
        return True


def first_bytes(name: str) -> bytes:
    """As many as tell a file's kind; none of what is no file. Raises OSError."""
    if not Path(name).is_file():
        return b""  # a pipe's bytes would be gone
    with Path(name).open("rb") as file:
        return file.read(HEAD)
