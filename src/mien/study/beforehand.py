"""What is known to be wrong with a study before its first recording is opened: to read them may take hours."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from mien.errors import SourceMissing, UsageError
from mien.io.folders import is_pattern
from mien.io.names import is_live, is_url
from mien.study.plan import Recording, Visit
from mien.study.reaction import film_steps
from mien.study.reaction_result import Part, ReactionSettings
from mien.study.read import is_table
from mien.study.viewer import LEAST_SEEN
from mien.timing import Numbers

Inputs = Sequence[Recording] | Sequence[Visit]


def refuse_twice(inputs: Inputs, why: str, *, plan: Path | None = None) -> None:
    """Raise UsageError for a file that is named twice, in whatever way. why: what is wrong with that. plan: where they are named."""
    first: dict[Path, int] = {}
    for one in inputs:
        path = Path(one.file).resolve()
        if path in first:
            raise UsageError(f"{_at(plan, first[path], one.line)}{one.file}: named twice; {why}")
        first[path] = one.line


def refuse_missing(inputs: Inputs, *, plan: Path | None = None, why: Mapping[str, str] = MappingProxyType({})) -> None:
    """Raise SourceMissing where there is no file of a name. Of addresses, devices and patterns nothing is known before they are opened, but
    tables are never read from those; a number is a session's, since the cameras that it could stand for have no end.

    inputs: without those that are sessions. why: of names that could be a session's why they are none's; see recorded.sessions_of.
    """
    gone = [one for one in inputs if not (is_there(one.file) or _is_opened(one.file))]
    if gone and is_elsewhere(gone[0].file) and not gone[0].file.isdecimal():
        from mien.io.fetch import shown  # here: TLS and HTTP take a while to import

        raise SourceMissing(f"{_at(plan, gone[0].line)}{shown(gone[0].file)}: no such file; wanted a table by the name of its file")
    if gone:
        more = f" (one of {len(gone)} that are missing)" if len(gone) > 1 else ""
        what, hint = f"{_at(plan, gone[0].line)}{gone[0].file}", why.get(gone[0].file, "")
        wanted = "wanted recordings, tables that mien wrote, or sessions"
        raise SourceMissing(f"{what}: no such file{more}; {wanted}{f' ({hint})' if hint else ''}")


def too_late(recordings: Sequence[Recording], parts: Sequence[Part], settings: ReactionSettings, *, plan: Path | None = None) -> list[str]:
    """A line for each viewer whose recording begins too late for the film or the baseline, so that it will be left out.

    A recording begins at its second 0; of tables nothing is said, which are read in no time. Raises UsageError where all would be left
    out, and, where the duration is given, for parts beyond the film and for too many steps.
    """
    film = settings.duration
    if film is not None and (outside := [part for part in parts if part.end > film + 1e-6]):
        one = outside[0]
        raise UsageError(f"part {one.name}: {one.start:g} to {one.end:g} s; wanted it within 0 to {film:g} s of the film (duration)")
    lines: dict[str, str] = {}
    for recording in recordings:
        for what, span, share, wanted in _can_have(recording.start, settings):
            if share < wanted and not is_table(recording.file):
                lines[recording.viewer] = (
                    f"{_at(plan, recording.line)}{recording.viewer}: start is {recording.start:g} s, so that the recording can have "
                    f"{100 * share:.0f} % of the {what}, {span[0]:g} to {span[1]:g} s; wanted {100 * wanted:.0f} %"
                )
    if recordings and len(lines) == len(recordings):
        more = ", and so with all others" if len(lines) > 1 else ""
        hint = "say with start where in a recording the film begins, or choose another baseline or duration"
        raise UsageError(f"{next(iter(lines.values()))}{more}; {hint}")
    return [f"{line}; it will be left out" for line in lines.values()]


def _can_have(start: float, settings: ReactionSettings) -> Iterator[tuple[str, tuple[float, float], float, float]]:
    """Film and baseline, where known: name, seconds of the film, the share that a recording can have, and that which it must have."""
    if settings.duration is not None:
        edges = film_steps(settings.duration, settings.step)
        full = _recorded(edges, start) >= LEAST_SEEN - 1e-6  # a step counts in full, see viewer.curve
        yield "film", (0.0, settings.duration), float(full @ np.diff(edges)) / settings.duration, settings.least_coverage - 1e-6
    if settings.baseline is not None:
        yield "baseline", settings.baseline, float(_recorded(np.array(settings.baseline), start)[0]), LEAST_SEEN - 1e-6


def _recorded(edges: Numbers, start: float) -> Numbers:
    """Share of each step between edges, seconds of the film, that lies behind the beginning of a recording."""
    return np.asarray(np.clip(edges[1:] + start, 0.0, np.diff(edges)) / np.diff(edges))


def is_elsewhere(file: str) -> bool:
    """Whether a name is no file's, so that opening it tells what it is."""
    return is_url(file) or is_live(file) or is_pattern(file)


def _is_opened(file: str) -> bool:
    """Whether only opening it tells that there is nothing of a name."""
    return is_elsewhere(file) and not is_table(file) and not file.isdecimal()


def is_there(file: str) -> bool:
    """Whether an input is a file, a folder or standard input."""
    return file == "-" or os.path.exists(file)  # noqa: PTH110  Path.exists raises where the name is too long


def _at(plan: Path | None, *lines: int) -> str:
    """Where in a plan something is, as the beginning of a line."""
    return "" if plan is None else f"{plan}, line{'s' if len(lines) > 1 else ''} {' and '.join(map(str, lines))}: "
