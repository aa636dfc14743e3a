"""An npz file opened so that damage in it is one clear error."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import DataError, MienError, SourceMissing

UNREADABLE = (
    OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What numpy and zipfile raise for bytes that are no such file or were damaged, found by changing each byte of one in turn; and
AttributeError or TypeError for a .npy file, which is no context."""


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The arrays of a file by name, as `np.load` has them; they are read when asked for, which is to be inside the `with`.

    Raises SourceMissing; DataError for what is no such file or is damaged, and for a ValueError inside the `with`: arrays that do not fit.
    """
    if not path.is_file():
        raise SourceMissing(f"{path}: no such file")
    try:
        with path.open("rb") as whole, np.load(whole) as file:  # np.load(path) leaves one open that it cannot read
            yield file
    except MienError:  # a UsageError is a ValueError, too
        raise
    except UNREADABLE as error:
        raise DataError(f"{path}: cannot be read ({' '.join(str(error).split())})") from None
