"""A journal of small results of long work, so that interrupted work goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mien.errors import DataError, SinkError


class Journal:
    """Keys with values, a line each, on the disk as soon as they are noted.

    A line that a break cut short counts as not written. header: says which work it is; a journal of other work is refused.
    Raises DataError, SinkError.
    """

    def __init__(self, path: Path, header: str) -> None:
        self.path = path
        self.found: dict[str, Any] = {}
        """What an earlier run noted."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            good = self._read(header)
            self._file = path.open("r+b" if path.exists() else "w+b")
            self._file.truncate(good)
            self._file.seek(good)
            if not good:
                self._file.write(json.dumps({"work": header}).encode() + b"\n")
                self._file.flush()
        except OSError as error:
            raise SinkError(f"{path}: cannot be written ({error.strerror or error})") from error

    def _read(self, header: str) -> int:
        """Read what is there; gives the length of its whole lines in bytes."""
        if not self.path.exists():
            return 0
        good = 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file):
                try:
                    value = json.loads(line) if line.endswith(b"\n") else None
                except ValueError:
                    value = None
                if value is None:
                    break
                if number == 0 and value != {"work": header}:
                    raise DataError(f"{self.path.parent}: holds other work that was not finished; give another folder or empty this one")
                if number:
                    self.found[value[0]] = value[1]
                good += len(line)
        return good

    def note(self, key: str, value: Any) -> None:
        """Write one result down."""
        self._file.write(json.dumps([key, value]).encode() + b"\n")
        self._file.flush()

    def close(self, *, finished: bool = False) -> None:
        """Close it; when the work is finished the file goes."""
        self._file.close()
        if finished:
            self.path.unlink(missing_ok=True)
