"""`mien report`: the page of a table or session after the run, and its episodes and persons as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options as given
from mien.errors import UsageError

if TYPE_CHECKING:
    from mien.provenance import Provenance
    from mien.timeline import Timeline


def report(
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="A table that mien analyze wrote, .csv, .jsonl or .parquet; or the name of a session.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PAGE.html",
            help="The page. Default: the table's name with .html, beside it; none where only tables are asked for.",
        ),
    ] = None,
    episodes: Annotated[
        str | None,
        typer.Option(metavar="TABLE", help="Its episodes as x.csv, x.jsonl or x.parquet, a row each; -: JSON Lines on stdout."),
    ] = None,
    persons: Annotated[
        str | None, typer.Option(metavar="TABLE", help="Its persons likewise: time in sight, means, shares of time (docs/timelines.md).")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Where the sessions are: a SQLite file or postgresql://... Default: $MIEN_STORE, or the user's own."
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="FROM:TO",
            help="Seconds in which people are neutral, as 0:3: adds charts of the change from there, and its means to --persons.",
        ),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Heading of the page. Default: the table's or session's name.")] = None,
    language: given.PageLanguage = "en",
    affect_scale: given.PageAffectScale = "unit",
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Make the page of a run: one HTML file with charts, numbers and rows, which needs no network.

    WHAT is a file if there is one of that name, and else a session. With --episodes or --persons what the page shows of them is written
    as a table; then the page is made too only where -o or --open asks for it.
    """
    from mien.cli.render import say
    from mien.report.page import write_page
    from mien.report.scale import scale
    from mien.report.words import words

    words(language)
    scale(affect_scale)
    span = None if baseline is None else given.seconds_span(baseline)
    tables = {name: target for name, target in (("--episodes", episodes), ("--persons", persons)) if target is not None}
    page = None if tables and output is None and not open_ else output or default_page(what)
    if page is not None and page.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"-o {page}: wanted a name that ends in .html")
    _check(tables | ({} if page is None else {"-o": str(page)}), what)
    is_file = Path(what).is_file()
    timeline, how = _read(what, store)
    if span is not None:
        _tell_missing(timeline, span)
    _write_tables(timeline, tables, span)
    if page is None:
        return
    write_page(
        timeline,
        page,
        title=title or (Path(what).stem if is_file else what),
        baseline=span,
        language=language,
        affect_scale=affect_scale,
        table=what if is_file else "",
        how=how,
    )
    say(f"page: {page}")
    if open_:
        import webbrowser

        if not webbrowser.open(page.resolve().as_uri()):
            say("mien: no browser could be opened; open the page yourself")


def _check(outputs: dict[str, str], what: str) -> None:
    """Refuse, before anything is read, tables that nothing writes, and files that are the input or named twice. outputs: by option."""
    from mien.sinks.originals import same
    from mien.sinks.whole_table import STDOUT, check_table

    seen: dict[str, str] = {}
    for option, target in outputs.items():
        if option != "-o":
            check_table(target, option)
        if target != STDOUT and same(target, what):
            raise UsageError(f"{option} {target}: is the table itself, which is never overwritten; choose another name")
        if other := next((name for name, one in seen.items() if same(one, target)), ""):
            raise UsageError(f"{option} {target}: is where {other} goes already; choose another name")
        seen[option] = target


def _write_tables(timeline: Timeline, tables: dict[str, str], span: tuple[float, float] | None) -> None:
    """Write what is asked for, and say how much there is. tables: option -> target."""
    if not tables:
        return
    from mien.cli.render import counted, say
    from mien.report.tables import episode_table, person_table
    from mien.sinks.whole_table import STDOUT, write_table

    for option, target in tables.items():
        table = episode_table(timeline) if option == "--episodes" else person_table(timeline, baseline=span)
        write_table(target, table.columns, table.rows)
        if target != STDOUT:
            say(f"{counted(len(table.rows), option[2:-1])} -> {target}")
    if not (timeline["person"] >= 0).any():
        say("mien: nobody has a number in it, as in tables of pictures: no episodes and no persons")


def _tell_missing(timeline: Timeline, span: tuple[float, float]) -> None:
    """Say who has no baseline in the span."""
    from mien.cli.baselines import without_baseline
    from mien.cli.render import say
    from mien.track.baseline import BaselineCheck

    check = BaselineCheck(span)
    check.see_table(timeline)
    if line := without_baseline(check):
        say(f"mien: {line}")


def default_page(what: str) -> Path:
    """Beside a table, under its name; for a session in this folder, under a name that a file can have."""
    path = Path(what)
    if path.is_file() or path.suffix.lower() in (".csv", ".jsonl", ".parquet"):
        return path.with_suffix(".html")
    name = "".join(c if c.isalnum() or c in "-_. " else "_" for c in what).strip(" .")
    return Path(f"{name or 'session'}.html")


def _read(what: str, store: str | None) -> tuple[Timeline, Provenance | None]:
    """The table of a file or, where there is none, of a session, and how its rows were made, where that is told.

    A name that ends as a table does can only be a file.
    """
    from mien.sinks.parquet import provenance_of
    from mien.timeline import READERS, Timeline

    path = Path(what)
    if path.is_file() or path.suffix.lower() in READERS:
        return Timeline.read(path), provenance_of(path)
    from mien.store import open_store

    with open_store(store, create=False) as sessions:
        session = sessions.session(what)
        return sessions.timeline(session), session.provenance
