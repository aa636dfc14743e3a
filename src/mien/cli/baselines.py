"""What is said of people who have no baseline."""

from __future__ import annotations

from collections.abc import Callable

from mien.cli.render import NAMED
from mien.sinks.sink import Sink
from mien.track.baseline import BaselineCheck
from mien.types import Frame, Result


class BaselineNotice(Sink):
    """Writes nothing; says at the end who has no baseline. tell: takes one line."""

    what = ""

    def __init__(self, span: tuple[float, float], tell: Callable[[str], None]) -> None:
        self._check, self._tell = BaselineCheck(span), tell

    def write(self, frame: Frame, result: Result, /) -> None:
        """See who is there."""
        self._check.see(result)

    def close(self, *, finished: bool = True) -> None:
        """Say it, if there is anything to say."""
        if line := without_baseline(self._check):
            self._tell(line)


def without_baseline(check: BaselineCheck) -> str:
    """Who has none, in a line of a few names and the number of the others; empty when everybody has one."""
    missing = check.missing()
    if not missing:
        return ""
    named = [_named(source, people, check.people(source)) for source, people in list(missing.items())[:NAMED]]
    more = f" and {len(missing) - NAMED:,} more" if len(missing) > NAMED else ""
    start, stop = check.span
    return f"--baseline {start:g}:{stop:g}: no sure face then, so no baseline and no differences from it: {', '.join(named)}{more}"


def _named(source: str, missing: list[int], people: int) -> str:
    if len(missing) == people:
        return source if people == 1 else f"{source} (all {people:,} people)"
    if len(missing) > NAMED:
        return f"{source} ({len(missing):,} of {people:,} people)"
    return f"{source} ({'person' if len(missing) == 1 else 'people'} {' '.join(map(str, missing))})"
