"""What `mien data` could not take: said, listed, and in the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mien.cli.exit_codes import SOME_FAILED
from mien.errors import DataError

if TYPE_CHECKING:
    from mien.data.manifest import Manifest
    from mien.data.readers.report import Report

NAMED = 3
"""Problems of a kind that are said; the list has all."""


def tell(reports: Sequence[Report], listed: Path | None = None, *, rest: str = "") -> dict[str, int]:
    """Say what could not be taken; how many of each kind.

    listed: CSV to write with all of it; one of an earlier run goes where there is nothing to list. rest: where to find those that are
    not said, if there are any and no list is written.
    """
    from mien.cli.render import say
    from mien.data.readers.report import write_problems

    counts: dict[str, int] = {}
    for report in reports:
        for kind, count in report.counts().items():
            counts[kind] = counts.get(kind, 0) + count
            for problem in report.of(kind)[:NAMED]:
                say(f"mien: {kind}: {problem.item}: {problem.why}")
            if count > NAMED:
                say(f"mien: {kind}: and {count - NAMED:,} more of {report.source}{'' if listed or not rest else f'; {rest}'}")
    if listed is None:
        return counts
    if counts:
        write_problems(reports, listed)
        say(f"mien: all {sum(counts.values()):,} are in {listed}")
    else:
        listed.unlink(missing_ok=True)  # of an earlier run
    return counts


def refuse_empty(manifest: Manifest, what: object, reports: Sequence[Report] = ()) -> None:
    """Raise DataError where there is no picture to work on, having said what could not be taken: a set of none would stand for one."""
    if not len(manifest):
        tell(reports)
        raise DataError(f"{what}: no picture that can be used; nothing written")


def leave(reports: Sequence[Report]) -> None:
    """Leave with exit code 3 if an input is broken, where others are only not wanted."""
    from mien.data.readers.report import FAILED

    if any(report.of(kind) for report in reports for kind in FAILED):
        raise typer.Exit(SOME_FAILED)
