"""What another run has to know of one that did not come to its end: how it read, and what it could not read to the end.

A help and no more: where the file cannot be written, nobody is stopped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from mien.errors import MienError, SinkError, UsageError
from mien.provenance import plain
from mien.sinks.files import replace
from mien.sinks.sink import Sink
from mien.types import Frame, Result

SUFFIX = ".unfinished"


class UnfinishedSink(Sink):
    """A small file beside a table that grows, `x.csv.unfinished`: there from the first result until the work has come to its end.

    Its first line holds the settings; each input that cannot be read adds a line. Written whole for each of them, of thousands of broken
    files it took more time than the files.

    settings: what the rows depend on, of JSON's kinds. failures: source -> why it could not be read to its end, of an earlier run that is
    gone on with; None for a run that begins.
    """

    what = ""

    def __init__(self, table: Path, settings: Mapping[str, Any], failures: Mapping[str, str] | None = None) -> None:
        self._path, self._settings, self._failures = beside_table(table), dict(settings), dict(failures or {})
        self._is_there = failures is not None
        self._begun = False
        self._file: BinaryIO | None = None
        self.stays = False
        """Whether inputs are left though the work ends well, as when a window is closed."""

    def write(self, frame: Frame, result: Result, /) -> None:
        """Be there."""
        self.begin()

    def begin(self) -> None:
        """Be there, from the first rows on."""
        if not self._begun:
            self._begin()

    def failed(self, source: str, error: MienError, /) -> None:
        """Keep why."""
        if self._begun:
            self._add(source, str(error))
            return
        self._failures[source] = str(error)
        if self._is_there:
            self._begin()

    def close(self, *, finished: bool = True) -> None:
        """Go, where there is nothing to go on with."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None
        if finished and self._is_there and not self.stays:
            forget(self._path)

    def _begin(self) -> None:
        """Write what there is to tell so far, in place of the note of the run before; what comes later goes behind it."""
        self._begun = self._is_there = True
        failures = [_line({"source": source, "why": why}) for source, why in self._failures.items()]
        self._failures.clear()
        with suppress(SinkError, OSError):
            replace(self._path, b"".join([_line({"settings": self._settings}), *failures]))
            self._file = self._path.open("ab", buffering=0)  # what was told stays, however the run ends

    def _add(self, source: str, why: str) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.write(_line({"source": source, "why": why}))


def _line(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told).encode("ascii") + b"\n"  # JSON's escapes: a file's name may hold what is no character


def forget(path: Path) -> None:
    """Let go of the note of a table that is another one now. path: as `beside_table` gives it."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def beside_table(table: Path) -> Path:
    """Where the file of a table lies."""
    return table.with_name(table.name + SUFFIX)


def failures_of(table: Path, settings: Mapping[str, Any], *, before: Mapping[str, Any]) -> dict[str, str]:
    """What the run that left a table could not read to the end: source -> why; empty where nothing is known of it.

    before: option -> what it amounted to before there was such an option, for those that the note does not name. Raises UsageError where
    it read otherwise than `settings` say.
    """
    try:
        told = _told(beside_table(table).read_text("utf-8"))
        then, failures = {**before, **plain(told["settings"])}, {str(source): str(why) for source, why in told["failures"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    now = plain(settings)  # as those of then: `--to inf` was Infinity once, and is none now
    for name, value in then.items():
        if name in now and now[name] != value:
            raise UsageError(
                f"--resume: the table was begun with {name} {_plain(value)}, and this run has {_plain(now[name])}; "
                "take the options of the run that began it"
            )
    return failures


def _told(text: str) -> dict[str, Any]:
    """The settings and failures of a note; of one by an earlier mien, which wrote both as one object, too. Raises ValueError, KeyError."""
    first, *lines = text.split("\n")
    try:
        told: dict[str, Any] = json.loads(text)
    except ValueError:  # several objects
        told = json.loads(first)
    if "failures" in told:
        return told
    failures = {}
    for line in lines:
        with suppress(ValueError):  # the last one, where the run was cut off in it
            one = json.loads(line)
            failures[one["source"]] = one["why"]
    return {**told, "failures": failures}


def _plain(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)
