"""Standard streams that the caller has closed, as `mien analyze photo.jpg >&-` does: Python has None in their place."""

from __future__ import annotations

import io
import os
import sys

from mien.errors import SinkError


class ClosedStdout(io.TextIOBase):
    """Tells who writes there that it is closed."""

    encoding = "utf-8"

    def writable(self) -> bool:
        """So that nobody looks for another place."""
        return True

    def write(self, text: str, /) -> int:
        """Raises SinkError, unless there is nothing to write."""
        if text:
            raise SinkError("stdout is closed; open it, or name an output with -o where the command has that")
        return 0


def open_closed_streams() -> None:
    """Have something in place of each that is closed, and of its number: the first file that is opened would get that, and whatever a
    library prints.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    if sys.stdout is None:
        sys.stdout = ClosedStdout()
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8")  # nobody listens
