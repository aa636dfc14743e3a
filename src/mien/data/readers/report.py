"""What a reader could not take: counted and listed, never fatal."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias

from mien.errors import MienError, SourceMissing
from mien.io.whole import whole

UNKNOWN, CORRUPT, MISSING, BAD_ROW = "unknown label", "corrupt picture", "missing picture", "row that cannot be used"
DAMAGED, STRAY = "damaged picture", "value outside of its scale"
CORRUPT_CLIP, MISSING_CLIP = "corrupt clip", "missing clip"
EMPTY, OTHER, NO_FACE, SEVERAL, HELD_OUT = "empty class", "other file", "no face", "several faces", "held out"
"""Kinds of problems."""
FAILED = (CORRUPT, DAMAGED, MISSING, CORRUPT_CLIP, MISSING_CLIP, BAD_ROW)
"""Kinds that say that an input is broken, where the others say that it is not wanted."""

Progress: TypeAlias = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Called with the number of pictures, gives a context in which it is told how many are done: `cli.render.progress_counter` is one."""


def silent(total: int) -> AbstractContextManager[Callable[[int], None]]:
    """A counter that says nothing."""
    return nullcontext(lambda done: None)


class Problem(NamedTuple):
    """One thing that is not in the manifest, or a class with nothing in it."""

    kind: str
    item: str
    """The picture, row, file or class."""
    why: str


def kind_of(error: MienError) -> str:
    """The kind of problem of a picture that could not be read, by the error that says why."""
    from mien.io.images import IsDamaged

    return MISSING if isinstance(error, SourceMissing) else DAMAGED if isinstance(error, IsDamaged) else CORRUPT


@dataclass(slots=True)
class Report:
    """What was read from a source, and what was not."""

    source: str
    problems: list[Problem] = field(default_factory=list)

    def add(self, kind: str, item: object, why: str) -> None:
        """Note one problem."""
        self.problems.append(Problem(kind, str(item), why))

    def add_unreadable(self, item: object, error: MienError) -> None:
        """Note a picture that could not be read, and why."""
        self.add(kind_of(error), item, str(error))

    def counts(self) -> dict[str, int]:
        """Problems of each kind, the most frequent first."""
        return dict(Counter(problem.kind for problem in self.problems).most_common())

    def of(self, kind: str) -> list[Problem]:
        """The problems of one kind."""
        return [problem for problem in self.problems if problem.kind == kind]


def write_problems(reports: Iterable[Report], path: Path) -> None:
    """The list of all problems as CSV: source, kind, item, why."""
    with whole(path) as part, part.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = csv.writer(file)
        rows.writerow(("source", *Problem._fields))
        rows.writerows((report.source, *problem) for report in reports for problem in report.problems)
