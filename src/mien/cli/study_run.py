"""What `mien study` tells of a run on stderr, and what failed in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import typer

from mien.cli.exit_codes import INTERRUPTED, NOTHING_DONE, SOME_FAILED, TERMINATED
from mien.errors import MienError, UsageError

if TYPE_CHECKING:
    from mien.study.read import Reader
    from mien.timeline import Timeline

One = TypeVar("One")
Of: TypeAlias = tuple[str, int, Path | None]
"""An input's name, the degrees by which it is turned, and where its table is kept."""
ROWS = "rows"
"""The folder of a study's tables."""


class Run:
    """What is told of a run on stderr, and what failed in it."""

    def __init__(self, folder: Path, *, quiet: bool, total: int) -> None:
        from mien.sinks.files import prepare_folder

        prepare_folder(folder)
        self._folder, self._quiet, self._total = folder, quiet, total
        self.failed: list[str] = []

    def say(self, line: str) -> None:
        """Something that may be left out."""
        if not self._quiet:
            self.tell(line)

    def tell(self, line: str) -> None:
        """Something that must be told."""
        from mien.cli.render import say

        say(line)

    def tell_models(self, models: Sequence[str]) -> None:
        """Say it where more than one model read the faces."""
        if len(models) > 1:
            self.tell(
                f"{len(models)} models read these faces ({', '.join(models)}): what differs between them looks like people who differ"
            )

    def read(self, what: Sequence[One], reader: Reader, of: Callable[[One], Of]) -> Iterator[tuple[One, Timeline]]:
        """The table of each; what cannot be read is told, and left out."""
        from mien.interrupt import Terminated, terminable
        from mien.study.read import without_password

        rows = [keep for *_, keep in map(of, what) if keep]
        for number, one in enumerate(what, 1):
            file, turn, keep = of(one)
            try:
                with terminable(), self._bar(f"{number} of {self._total}: {Path(file).name}") as moved:
                    timeline = reader.read(file, turn=turn, keep=keep, tell=moved)
            except KeyboardInterrupt as end:
                self.tell(f"interrupted at {without_password(file)}{f'; {self._kept()}' if _any_there(rows) else ''}")
                raise typer.Exit(TERMINATED if isinstance(end, Terminated) else INTERRUPTED) from None
            except UsageError:
                raise
            except MienError as error:
                self.leave_out(file, error)
                continue
            for failure in reader.failures:
                self.failed.append(without_password(file))
                self.tell(f"{failure.source}: {str(failure.error).removeprefix(f'{failure.source}: ')}; what came before it counts")
            reader.failures.clear()
            yield one, timeline

    @contextmanager
    def keeping(self, rows: Collection[Path]) -> Iterator[None]:
        """Where what comes after the reading breaks off in here, say where the tables of the recordings are. rows: these, as planned."""
        try:
            yield
        except (MienError, KeyboardInterrupt):
            if _any_there(rows):
                self.tell(self._kept())
            raise

    def _kept(self) -> str:
        return f"the tables so far are in {self._folder / ROWS}/ and can be named in place of the recordings"

    def leave_out(self, file: str, error: MienError) -> None:
        """Tell why a file does not count."""
        from mien.study.read import without_password

        if (name := without_password(file)) not in self.failed:
            self.failed.append(name)
        self.tell(str(error))

    def need(self, found: Sequence[Any]) -> None:
        """Leave with exit code 1 where nothing could be read."""

        if not found:
            self.tell("nothing could be read")
            raise typer.Exit(NOTHING_DONE)

    def end(self, what: str, files: Sequence[str]) -> None:
        """The closing line; exit code 3 where something could not be read."""

        failed = f", {len(self.failed)} could not be read, or not to the end" if self.failed else ""
        self.say(f"{what}{failed} -> {self._folder}/ ({', '.join(files)})")
        if self.failed:
            raise typer.Exit(SOME_FAILED)

    @contextmanager
    def _bar(self, name: str) -> Iterator[Callable[[int], None]]:
        """Frames read so far, on a terminal."""
        from mien.cli.render import progress_counter

        if self._quiet:
            yield lambda frames: None
            return
        with progress_counter(None, name) as moved:
            yield moved


def _any_there(rows: Collection[Path]) -> bool:
    """Whether there is any of these tables, or what an interrupted reading left of it."""
    from mien.io.whole import growing

    return any(path.exists() or growing(path).exists() for path in rows)
