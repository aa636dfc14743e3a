"""What people see: lines on stderr, progress, tables on a terminal. Rich is imported only where there is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from mien.io.names import is_url, printable
from mien.labels import to_seven
from mien.sinks.sink import Sink
from mien.table import OF_STREAMS, REASON_SEPARATOR, heading, shown, shown_columns
from mien.types import Frame, Result

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from mien.profile import Profile

NAMED = 5
"""Failed inputs that the closing line names; each has had a line of its own."""
BLOCK = 200
"""Rows of a table on the terminal, before the next begins: memory stays flat."""


def say(text: str) -> None:
    """One line on stderr, whatever the text holds: control characters of a file's name are shown as `?`."""
    line = printable(text)
    encoding = sys.stderr.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr, flush=True)


@contextmanager
def progress_counter(total: int | None, noun: str) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, moved by calling what it gives with the number done so far; silent when stderr is not a terminal.

    total: None where it is not known.
    """
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    with _bar(noun) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)


def _bar(noun: str) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(noun),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False)


class RunTalk:
    """What is said during a run: a bar while it lasts, a line for each failure and notice, and a closing line.

    total: number of pictures and frames where it is known. quiet: failures only. noun: what is counted.
    """

    def __init__(self, *, total: int | None = None, quiet: bool = False, noun: str = "picture") -> None:
        self._noun = noun
        self.pictures = self.faces = 0
        self.failed: list[str] = []
        self.failures = self._seen = 0
        self._quiet, self._total, self._began = quiet, total, time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._live = not quiet and sys.stderr.isatty()

    def done(self, result: Result) -> None:
        """Count one picture."""
        self.count(1, len(result))

    def count(self, pictures: int, faces: int) -> None:
        """Count some pictures that were read, and the faces in them."""
        self._seen += pictures
        self.pictures += pictures
        self.faces += faces
        self._move()

    def fail(self, source: str, error: Exception, *, counted: bool = True) -> None:
        """Tell of one input that could not be read. counted: false when `done` counts it, for what was read but not drawn."""
        self._seen += counted
        self.failures += 1
        name = named(source)
        if len(self.failed) < NAMED:
            self.failed.append(name)
        text = str(error).replace(source, name)
        with self.aside():
            say(f"mien: {text if name in text else f'{name}: {text}'}")
        self._move()

    def notice(self, message: str) -> None:
        """Tell of something, as `clip.mp4: what is to be known of it`."""
        if not self._quiet:
            with self.aside():
                say(f"mien: {message}")

    @contextmanager
    def aside(self) -> Iterator[None]:
        """While in here the bar is off the screen, so that something else can be printed."""
        if self._bar is None:
            yield
            return
        self._bar.stop()
        try:
            yield
        finally:
            self._bar.start()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        self._live = False

    def summary(self, outputs: str, *, interrupted: bool = False) -> None:
        """The closing line: what was read, what failed, where it went."""
        if self._quiet:
            return
        seconds = time.monotonic() - self._began
        parts = [counted(self.pictures, self._noun), counted(self.faces, "face")]
        if self.failures:
            more = f" and {self.failures - len(self.failed)} more" if self.failures > len(self.failed) else ""
            parts.append(f"{self.failures} failed ({', '.join(self.failed)}{more})")
        rate = f" in {seconds:.1f} s ({self.pictures / seconds:.1f}/s)" if self.pictures > 1 and seconds > 0 else ""
        broken = "interrupted: " if interrupted else ""
        say(f"{broken}{', '.join(parts)}{rate}{f' -> {outputs}' if outputs else ''}")

    def _move(self) -> None:
        if not self._live or self._seen < 2:  # one picture is done before a bar could be read
            return
        if self._bar is None:
            self._bar = _bar(f"{self._noun}s")
            self._task = self._bar.add_task("", total=self._total)
            self._bar.start()
        assert self._task is not None
        rate = self.pictures / max(time.monotonic() - self._began, 1e-9)
        self._bar.update(self._task, completed=self._seen, description=f"{counted(self.faces, 'face')}, {rate:.1f}/s")


def say_profile(profile: Profile, frames: int) -> None:
    """Where the time went, a line a stage, on stderr."""
    say(f"{'stage':<12}{'calls':>8}{'seconds':>10}{'ms a frame':>12}")
    for row in profile.rows(frames):
        say(f"{row['stage']:<12}{row['calls']:>8}{row['seconds']:>10.2f}{row['ms_a_frame']:>12.2f}")


def named(source: str) -> str:
    """An input as lines name it: a URL without its query, which may hold a token."""
    if not is_url(source):
        return source
    from mien.io import fetch  # here: TLS and HTTP take a while to import, and files need neither

    return fetch.shown(source)


def counted(number: int, noun: str) -> str:
    """`1 face`, `2 faces`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class TerminalSink(Sink):
    """The table for human eyes, on stdout when it is a terminal: fewer columns than the files have, to fit into 80 characters."""

    what = ""

    def __init__(self, *, affect: bool = False, scale: str = "unit", talk: RunTalk | None = None) -> None:
        affects = ("valence", "arousal") if affect else ()
        self._columns = ("source", *OF_STREAMS, "face", "emotion", "second", *affects, "unsure")
        self._seven, self._talk = scale == "seven", talk
        self._rows: list[dict[str, Any]] = []

    def write(self, frame: Frame, result: Result, /) -> None:
        """Keep the rows of one picture; print when there are many."""
        self._rows += result.rows() if frame.stream else (row | {"time_s": None} for row in result.rows())
        if len(self._rows) >= BLOCK:
            self._print()

    def close(self, *, finished: bool = True) -> None:
        """Print what is left."""
        if self._rows:
            self._print()

    def _print(self) -> None:
        names = shown_columns(self._rows, self._columns)
        with self._talk.aside() if self._talk else nullcontext():
            print_table([*map(heading, names)], [[self._cell(row, name) for name in names] for row in self._rows])
        self._rows = []

    def _cell(self, row: dict[str, Any], name: str) -> str:
        text = shown(row, name)
        if name in ("emotion", "second") and row[name] is not None:
            return f"{text} {shown(row, f'{name}_p')}"
        if name == "unsure" and text:
            return shown(row, "reasons").replace(REASON_SEPARATOR, ", ") or text
        if self._seven and name in ("valence", "arousal") and text:
            return f"{to_seven(row[name]):.1f}"
        return text


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A table on stdout; as wide as it must be when stdout is not a terminal. Of a long `source` the end is shown."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    console = Console() if terminal else Console(width=10_000)
    cells = [["\n".join(map(printable, text.split("\n"))) for text in row] for row in rows]
    if terminal and "source" in columns:
        at = columns.index("source")
        widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
        room = max(12, console.width - sum(widths) + widths[at] - 2 * (len(columns) - 1))
        for row in cells:
            row[at] = row[at] if len(row[at]) <= room else "…" + row[at][1 - room :]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    numbers = {"time", "person", "face", "valence", "arousal", *right}
    for name in columns:
        # Only words may break; a figure that is cut in two cannot be read.
        table.add_column(name, justify="right" if name in numbers else "left", no_wrap=name in numbers, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table, crop=terminal)
