"""Files that are written: refused before the work starts if they cannot be, and never seen half-written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from mien.errors import SinkError

_numbers = count()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the system refuses in here becomes a SinkError that names `path`. A broken pipe stays what it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SinkError(f"{path}: cannot be written ({error.strerror or error})") from error


def prepare(path: Path) -> bool:
    """Make the folder of a file that will be written and try whether it can be; leaves no trace of the file.

    Returns whether a file is there already, which will be replaced. Raises SinkError.
    """
    real = Path(os.path.realpath(path))  # of a link, dangling or not, the file that it stands for
    with writing(path):
        real.parent.mkdir(parents=True, exist_ok=True)
        there = real.exists()
        if not there or real.is_file():  # opening a named pipe would wait for its reader
            real.open("ab").close()
        if not there:
            real.unlink()
    return there


def prepare_folder(folder: Path) -> None:
    """Make a folder and try whether files can be written into it. Raises SinkError."""
    with writing(folder):
        if folder.exists() and not folder.is_dir():
            raise SinkError(f"{folder}: cannot be written (a file, wanted a folder)")
        folder.mkdir(parents=True, exist_ok=True)
        probe = beside(folder / "probe")
        probe.touch()
        probe.unlink()


def replace(path: Path, data: bytes) -> None:
    """Write a whole file under a temporary name beside it, then rename: the name never stands for a part. Raises SinkError."""
    part = beside(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def beside(path: Path) -> Path:
    """A temporary name in the folder of a file, for no other file of this process."""
    return path.with_name(f".mien-{os.getpid()}-{next(_numbers)}.part")  # short, whatever the length of the file's own name
