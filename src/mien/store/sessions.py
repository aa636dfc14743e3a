"""One session as the store lists it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mien.errors import UsageError
from mien.provenance import Provenance

ALIVE_SECONDS = 60.0
"""A session that nobody closed counts as running for so long after the last sign of life, of which there is one every BEAT_SECONDS."""
CLOCKS_APART = timedelta(days=1)
"""By which the clocks of machines that share a store may differ, as where a time zone is wrong; what lies further ahead is a fault."""
BEAT_SECONDS = 10.0
NAMED_SOURCES = 20
"""Inputs that are listed by name; further ones are counted. Every row has its own source anyway."""
LONGEST_NAME = 200


class NotASessionName(UsageError):
    """A name that no session can have."""


@dataclass(frozen=True, slots=True)
class Session:
    """One run that was recorded. Times are UTC, ISO 8601 with microseconds."""

    id: int
    """Its number in this store; never given again."""
    name: str
    """As the user called it; several sessions may have the same."""
    started: str
    updated: str
    """Last sign of life."""
    ended: str | None
    """None while it runs, and for one that was killed."""
    finished: bool | None
    """Whether the work came to its end; None where nobody closed it."""
    sources: tuple[str, ...]
    """The first inputs, NAMED_SOURCES at most."""
    source_count: int
    model: str
    options: dict[str, Any]
    version: str
    """The version of mien that recorded it."""
    retention_days: float | None
    """How long it is kept: None as long as the store says, infinity for ever."""
    frame_count: int
    face_count: int
    row_count: int
    raw: bool
    """Whether its table has the columns raw_*."""
    delta: bool
    """Whether its table has the columns delta_*."""

    @property
    def provenance(self) -> Provenance:
        """How its rows were made, as far as it is told."""
        return Provenance(self.options, self.version)

    def state(self, now: datetime | None = None) -> str:
        """`running`, `finished` or `broken off`."""
        if self.ended is not None:
            return "finished" if self.finished else "broken off"
        quiet = (now or datetime.now(UTC)) - datetime.fromisoformat(self.updated)
        # Clocks of two machines differ. A sign of life that is more than a day ahead was given under one that was wrong, be it then or now.
        return "running" if -CLOCKS_APART < quiet < timedelta(seconds=ALIVE_SECONDS) else "broken off"

    def expired(self, default_days: float | None, now: datetime | None = None, *, next_started: str | None = None) -> bool:
        """Whether its time is over: so many days after its end. default_days: for one without a retention of its own. next_started: as in
        age_days."""
        days = default_days if self.retention_days is None else self.retention_days
        if days is None or math.isinf(days) or self.state(now) == "running":
            return False
        return self.age_days(now, next_started=next_started) >= days

    def age_days(self, now: datetime | None = None, *, next_started: str | None = None) -> float:
        """Days since its end, or since its last sign of life.

        Of one whose end is more than a day ahead the clock was wrong, be it then or now: its age is what is known of it, which is the days
        since the next session began. next_started: when that was; None for none, and 0 days.
        """
        now = now or datetime.now(UTC)
        end = datetime.fromisoformat(self.ended or self.updated)
        if end > now:
            end = now if next_started is None else min(now, datetime.fromisoformat(next_started))
        return (now - end) / timedelta(days=1)

    @property
    def took_seconds(self) -> float | None:
        """How long the recording lasted; None where the clock was put back meanwhile."""
        seconds = (datetime.fromisoformat(self.ended or self.updated) - datetime.fromisoformat(self.started)).total_seconds()
        return seconds if seconds >= 0 else None

    def as_dict(self) -> dict[str, Any]:
        """What `mien sessions list --json` prints."""
        fields = dataclasses.asdict(self)
        if self.retention_days is not None and math.isinf(self.retention_days):
            fields["retention_days"] = "forever"
        return fields | {"sources": list(self.sources), "state": self.state()}


def checked_name(name: str) -> str:
    """The name without spaces around it. Raises NotASessionName for one that cannot be told from a number, or be shown."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        found = f"{len(name)} characters" if len(name) > LONGEST_NAME else repr(name)
        raise NotASessionName(f"session name: found {found}, wanted 1 to {LONGEST_NAME} characters that can be printed")
    if name.isdigit():
        raise NotASessionName(f"session name {name!r} is a number, which is how sessions are told apart; wanted a letter in it")
    return name


def checked_days(days: float | None) -> float | None:
    """Raises UsageError unless it is None, infinity, or a number from 0 up."""
    if days is not None and not days >= 0:
        raise UsageError(f"retention is {days} days; wanted a number from 0 up")
    return None if days is None else float(days)


def utc_now() -> str:
    """The time now, as `stamp` writes it."""
    return stamp(datetime.now(UTC))


def stamp(time: datetime) -> str:
    """A time in UTC, such as 2026-05-04T10:20:30.123456Z: all of one length, so that their order is that of the times."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
