"""Recorded sessions as inputs of a study, by name or number, so that no second table of what people showed need be made of them."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mien.errors import DataError, ExtraMissing, SourceUnreadable, UnknownName
from mien.io.events import Failure
from mien.io.folders import expand, is_pattern
from mien.io.formats import SUFFIXES, VIDEO_SUFFIXES
from mien.io.names import is_live, is_url
from mien.store import Session, Store, open_store
from mien.store.place import StoreMissing
from mien.study.beforehand import Inputs, is_there
from mien.study.plan import Recording
from mien.study.read import is_table
from mien.timeline import Timeline

NEAREST = 3
"""Sessions that a message about a name that is none's tells of."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A session that an input means."""

    file: str
    """The input."""
    session: Session
    """The newest of its name, as it was when it was looked up."""
    others: tuple[int, ...]
    """Numbers of the older ones."""
    target: str | None
    """Where the store is, as `open_store` takes it; it may hold a password."""

    def read(self) -> Timeline:
        """Its table as it is now. Raises DataError for one without rows, UnknownName where it was purged meanwhile, StoreError."""
        with open_store(self.target, create=False) as store:
            timeline = store.timeline(self.session)
        if not len(timeline):
            raise DataError(f"{self.file}: session {self.session.id} has no rows")
        return timeline

    @property
    def failures(self) -> list[Failure]:
        """Of a session that broke off that it did, as of a recording."""
        if self.session.state() != "broken off":
            return []
        return [Failure(self.file, SourceUnreadable(f"{self.file}: session {self.session.id} broke off"))]

    def chosen(self) -> str:
        """What must be told before it is read, "" where nothing must."""
        told = []
        if self.others:
            numbers = ", ".join(map(str, self.others))
            known = f"{len(self.others) + 1} sessions are called {self.session.name!r}"
            told.append(f"{known}; this is the newest, number {self.session.id}; the others: {numbers}")
        if self.session.state() == "running":
            told.append("is still running: what it has so far counts")
        return f"{self.file}: {'; '.join(told)}" if told else ""


def sessions_of(inputs: Inputs, target: str | None, *, plan: Path | None = None) -> tuple[dict[str, Recorded], dict[str, str]]:
    """The sessions that inputs mean, by the input's file; and of those that could mean one, why they mean none.

    An input that is a file, or a pattern of some, means none. target: as of `open_store`; only where it names a store must there be one.
    plan: the file of the inputs, whose folder stands before a name in it. Raises StoreError.
    """
    able = [one.file for one in inputs if _may_be(one.file)]
    if not able:
        return {}, {}
    try:
        store = open_store(target, create=False)
    except (StoreMissing, ExtraMissing) as error:
        if target is not None:
            raise
        return {}, dict.fromkeys(able, str(error))
    found, why = dict[str, Recorded](), dict[str, str]()
    with store:
        for file in able:
            try:
                newest, *others = store.find(_name(file, plan))
            except UnknownName:
                why[file] = _no_session(_name(file, plan), store)
            else:
                found[file] = Recorded(file, newest, tuple(one.id for one in others), target)
    return found, why


def named(recordings: Sequence[Recording], sessions: Mapping[str, Recorded]) -> list[Recording]:
    """The recordings, with viewers called like their sessions where no plan calls them otherwise: `Anna`, or `Anna (7)` where another
    viewer is called so."""
    plain = {one.file: sessions[one.file].session for one in recordings if one.file in sessions and not one.named}
    names = Counter(plain[one.file].name if one.file in plain else one.viewer for one in recordings)
    out = []
    for one in recordings:
        if session := plain.get(one.file):
            one = replace(one, viewer=session.name if names[session.name] == 1 else f"{session.name} ({session.id})")
        out.append(one)
    return out


def _no_session(name: str, store: Store) -> str:
    if name.isdecimal():
        return f"no session {name} in {store.place}"
    known = {one.name.casefold(): one.name for one in store.sessions()}
    near = difflib.get_close_matches(name.casefold(), known, NEAREST)
    return f"no session of that name in {store.place}{'; nearest: ' if near else ''}{', '.join(repr(known[one]) for one in near)}"


def _may_be(file: str) -> bool:
    """Whether an input can be a session: no file, address, or pattern that matches something, nor the name of a file that is missing. A
    number is one, since the cameras that it could stand for have no end."""
    if is_there(file) or is_url(file) or is_table(file) or Path(file).suffix.lower() in SUFFIXES | VIDEO_SUFFIXES:
        return False
    if file.isdecimal():
        return True
    return not is_live(file) and not (is_pattern(file) and any(True for _ in expand(file)))


def _name(file: str, plan: Path | None) -> str:
    if plan is not None and Path(file).is_relative_to(plan.parent):
        return str(Path(file).relative_to(plan.parent))
    return file
