"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from mien.errors import SinkError

_numbers = count()


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; renamed to `path` when the block ends well, removed when it does not.

    Makes the folder. What the system refuses becomes a SinkError that names `path`.
    """
    part = path.with_name(f".mien-{os.getpid()}-{next(_numbers)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())  # or a power cut could leave the name without the contents
        part.replace(path)
    except OSError as error:
        raise SinkError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        with suppress(OSError):  # it may never have come to be
            part.unlink()
