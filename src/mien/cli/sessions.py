"""`mien sessions`: what was recorded, shown, exported, kept for so long, and purged for good."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.exit_codes import NOTHING_DONE, TERMINATED
from mien.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from mien.store.sessions import Session
    from mien.store.store import Store
    from mien.timeline import Timeline

app = typer.Typer(no_args_is_help=True, add_completion=False, help="List, show, export and purge recorded sessions.")

NAMED = 10
"""Sessions that a purge names; further ones are counted."""
COLUMNS = ("#", "name", "started", "took", "faces", "state", "source")
"""took: how long the recording itself lasted; how long what is recorded is, `show` tells. Few enough for 80 characters."""

Where = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="A file, or postgresql://USER@HOST/DATABASE; $MIEN_STORE, or else the user's own file."),
]
Which = Annotated[str, typer.Argument(metavar="SESSION", help="Name or number; of several of a name the newest.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(store: Where = None, as_json: AsJson = False) -> None:
    """All sessions, newest first."""
    from mien.cli.render import counted, print_table, say
    from mien.store.place import StoreMissing

    try:
        with _open(store) as opened:
            found, due, place = opened.sessions(), opened.erasure_due, opened.place
        nothing = f"no sessions in {place}"
    except StoreMissing as error:
        found, due, nothing = [], frozenset(), f"no sessions yet: {error}"
    if due:
        again = "`mien sessions purge --expired --yes` deletes them"
        say(f"mien: {place}: the bytes of {counted(len(due), 'purged session')} may still be in the store's files; {again}")
    if as_json:
        typer.echo(json.dumps([session.as_dict() for session in found], ensure_ascii=False))
        return
    if not found:
        say(f"mien: {nothing}")
        return
    print_table(COLUMNS, [_cells(session) for session in found], right=("#", "started", "took", "faces"))


@app.command()
def show(session: Which, store: Where = None, as_json: AsJson = False) -> None:
    """What a session holds: when, of what, with which options beside the usual ones, and which expressions were shown."""
    from mien.cli.render import print_table
    from mien.io.names import printable

    with _open(store) as opened:
        found, default = _newest(opened, session), opened.retention_days
        timeline = opened.timeline(found)
    held = outline(timeline)
    if as_json:
        fields = found.as_dict() | held
        if found.retention_days is None:
            fields["retention_days"] = default
        typer.echo(json.dumps(fields, ensure_ascii=False))
        return
    for line in [*_lines(found, held, default), *_how_read(found, timeline)]:
        typer.echo(printable(line))
    if shares := held["emotions"]:
        typer.echo()
        of = "sure faces" if held["unsure"] < 1 else "unsure faces"
        print_table(("expression", of), [(name, f"{share:.1%}") for name, share in shares.items()], right=(of,))


@app.command()
def export(
    session: Which,
    output: Annotated[str, typer.Option("--output", "-o", help="x.csv, x.jsonl or x.parquet; -: JSON Lines on stdout.")] = "-",
    store: Where = None,
) -> None:
    """Write the table of a session, the same as `mien analyze -o` would have written."""
    from mien.cli.render import counted, say
    from mien.sinks.tables import json_line

    with _open(store) as opened:
        found = _newest(opened, session)
        if output == "-":
            sys.stdout.writelines(map(json_line, opened.rows(found)))
            sys.stdout.flush()
            return
        say(f"{counted(found.row_count, 'row')} -> {opened.export(found, output)}")


@app.command()
def retention(
    days: Annotated[str | None, typer.Argument(metavar="DAYS", help="Days after the end of a session, or `forever`.")] = None,
    session: Annotated[str | None, typer.Option("--session", metavar="SESSION", help="Of this session, not of all.")] = None,
    store: Where = None,
    as_json: AsJson = False,
) -> None:
    """Show or set for how long sessions are kept. Those whose time is over go when the next one is recorded, or by `purge --expired`."""
    with _open(store, create=days is not None and session is None) as opened:
        found = None if session is None else _newest(opened, session)
        if days is not None:
            opened.retain(_days(days), found)
        kept = opened.retention_days if found is None else opened.session(found).retention_days
        default = opened.retention_days
    if as_json:
        typer.echo(json.dumps({"retention_days": _plain_days(default if kept is None else kept)}))
        return
    typer.echo(_kept(default if kept is None else kept))


@app.command()
def purge(
    session: Annotated[str | None, typer.Argument(metavar="SESSION", help="Number, or name: then all of that name.")] = None,
    older_than: Annotated[float | None, typer.Option(metavar="DAYS", min=0, help="Those that ended so many days ago.")] = None,
    expired: Annotated[bool, typer.Option("--expired", help="Those whose retention is over.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: Where = None,
) -> None:
    """Delete sessions for good: their bytes leave the store's files. Where they could not at once, the next purge makes up for it."""
    from mien.cli.render import counted, say

    if [session is not None, older_than is not None, expired, all_].count(True) != 1:
        raise UsageError("purge: wanted one of SESSION, --older-than DAYS, --expired, --all")
    with _open(store) as opened:
        due = opened.erasure_due
        if session is not None:
            found = _named(opened, session, due)
        elif older_than is not None:
            found = opened.older_than(older_than)
        else:
            found = opened.expired() if expired else opened.sessions()
        if not found:
            if due:
                _purge(opened, found)
            held = "; the bytes of sessions purged before have left its files" if due else ""
            say(f"mien: nothing to purge in {opened.place}{held}")
            return
        rows = sum(one.row_count for one in found)
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        line = f"{', '.join(map(_called, found[:NAMED]))}{more}: {counted(len(found), 'session')} with {counted(rows, 'row')}"
        if not yes:
            if not (sys.stdin.isatty() and sys.stderr.isatty()):
                raise UsageError(f"purge deletes for good {line}; add --yes")
            if not typer.confirm(f"Delete for good {line}?", err=True):
                say("nothing purged")
                raise typer.Exit(NOTHING_DONE)
        _purge(opened, found)
    say(f"purged {line}")


def _purge(store: Store, sessions: list[Session]) -> None:
    """One that is interrupted half-way, be it by a request to terminate, says what is left."""
    from mien.interrupt import Terminated, terminable

    try:
        with terminable():
            store.purge(sessions)
    except Terminated:
        raise typer.Exit(TERMINATED) from None


def _named(store: Store, session: str, due: Collection[int]) -> list[Session]:
    """The sessions of a name or number; none for one that was purged, but not quite.

    due: the numbers of those. Of their names nothing is kept, so that any may be one of theirs.
    """
    try:
        return store.find(session)
    except UnknownName:
        if not due or (session.strip().isdigit() and session.strip() not in map(str, due)):
            raise
        return []


def outline(timeline: Timeline) -> dict[str, Any]:
    """Seconds of all sources together, people, share of unsure faces, and of each expression shown, the most frequent first.

    The first and the last as the page has them; the shares are of the time of the sure faces, or of all where none is sure; of
    pictures, of these faces.
    """
    from mien.report.summary import ranking, weights_of
    from mien.timing import clocks, row_seconds

    faces = timeline.where(timeline.has_face)
    weights, _ = weights_of(timeline, row_seconds(timeline, clocks(timeline)))
    return {
        "seconds": round(sum((clock.duration for clock in clocks(timeline)), 0.0), 3),
        "people": len({one for one in zip(faces["source"], faces["person"], strict=True) if one[1] >= 0}),  # numbers begin anew in each
        "unsure": round(float(faces["unsure"].mean()), 4) if len(faces) else None,
        "emotions": {name: round(share, 4) for name, share in ranking(timeline, weights).items()},
    }


def _lines(session: Session, held: Mapping[str, Any], default_days: float | None) -> list[str]:
    """What is known of a session, a line each.

    held: its outline. default_days: for so long those are kept that have no retention of their own; None for ever.
    """
    ended = {"ended": _local(session.ended)} if session.ended else {"last sign of life": _local(session.updated)}
    kept = default_days if session.retention_days is None else session.retention_days
    told = {
        "number": session.id,
        "name": session.name,
        "state": session.state(),
        "started": _local(session.started),
        **ended,
        **({"took": took} if (took := _took(session)) else {}),
        "sources": _sources(session, len(session.sources)),
        "model": session.model,
        "version of mien": session.version,
        "kept": _kept(kept),
        "frames": f"{session.frame_count:,}",
        "faces": f"{session.face_count:,}",
        "rows": f"{session.row_count:,}",
        **({"video": _length(held["seconds"])} if held["seconds"] else {}),
        "people": f"{held['people']:,}",
        **({} if held["unsure"] is None else {"unsure": f"{held['unsure']:.1%} of the faces"}),
    }
    return [f"{name}: {value}" for name, value in told.items()]


def _how_read(session: Session, timeline: Timeline) -> list[str]:
    """The options that differ from the default, in the words of a page, of which they are a section."""
    from mien.report.how_read import told
    from mien.report.numerals import Numerals
    from mien.timing import clocks

    groups = told(timeline, session.provenance, Numerals.of("en", "unit"), timed=bool(clocks(timeline)))
    if not any(groups.values()):
        return ["how it was read: not told"]
    lines = []
    for caption, settings in groups.items():
        if changed := [f"    {one.name}: {one.value} (default: {one.usual})" for one in settings if one.usual]:
            lines += [f"  {caption}:", *changed]
    return ["how it was read, all else by default:", *lines] if lines else ["how it was read: all by default"]


def _open(target: str | None, *, create: bool = False) -> Store:
    from mien.store.store import open_store

    return open_store(target, create=create)


def _newest(store: Store, which: str) -> Session:
    """The session that is meant; where there are several of a name, which one is said."""
    from mien.cli.render import say

    newest, *others = store.find(which)
    if others:
        numbers = ", ".join(str(one.id) for one in others)
        say(f"mien: {len(others) + 1} sessions are called {newest.name!r}; this is the newest, number {newest.id}; the others: {numbers}")
    return newest


def _cells(session: Session) -> tuple[str, ...]:
    started, faces = _local(session.started), f"{session.face_count:,}"
    return (str(session.id), session.name, started, _took(session), faces, session.state(), _sources(session, 1))


def _sources(session: Session, most: int) -> str:
    """The first inputs, most of them by name, and how many more there are."""
    more = session.source_count - len(session.sources[:most])
    return f"{', '.join(session.sources[:most])}{f' and {more:,} more' if more else ''}"


def _local(time: str) -> str:
    """Local time to the minute with its offset, without which an hour of the night in which clocks are put back is two:
    2026-10-25 02:30+01:00."""
    return datetime.fromisoformat(time).astimezone().isoformat(" ", "minutes")


def _took(session: Session) -> str:
    """How long the recording itself lasted; empty where that is not known."""
    return "" if session.took_seconds is None else _length(session.took_seconds)


def _length(seconds: float) -> str:
    """A time as pages have it: 3.20 s, 12:05.5, 1:00:07."""
    from mien.report.numerals import Numerals

    return Numerals.of("en", "unit").length(seconds)


def _called(session: Session) -> str:
    return f"{session.name!r} ({session.id}, {_local(session.started)}{', still running' if session.state() == 'running' else ''})"


def _days(text: str) -> float:
    try:
        days = math.inf if text == "forever" else float(text)
    except ValueError:
        days = math.nan
    if not days >= 0:
        raise UsageError(f"retention is {text!r}; wanted a number of days from 0 up, or forever")
    return days


def _plain_days(days: float | None) -> float | str:
    return "forever" if days is None or math.isinf(days) else days


def _kept(days: float | None) -> str:
    return "forever" if days is None or math.isinf(days) else f"{days:g} {'day' if days == 1 else 'days'}"
