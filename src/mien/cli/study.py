"""`mien study`: reactions of many viewers to one film, and visitors who came and left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options as given
from mien.cli.study_run import ROWS, Run
from mien.errors import DataError, UsageError

if TYPE_CHECKING:
    from mien.study.beforehand import Inputs
    from mien.study.read import Reader
    from mien.study.recorded import Recorded

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Study what many viewers of one film showed, or visitors who came and left."
)

PAGE = "page.html"

Every = Annotated[float, typer.Option(help="Take a frame of a recording each so many seconds.", rich_help_panel=given.READING)]
Rounds = Annotated[int, typer.Option(help="Resamples of the intervals and tests.")]
Seed = Annotated[int, typer.Option(help="Of the resamples; the same seed gives the same study.")]
Store = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where sessions are that are named: a file or postgresql://... Default: $MIEN_STORE, or your own."),
]
Title = Annotated[str | None, typer.Option(help="Heading of the page. Default: the folder's name.")]


@app.command()
def reaction(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[IN]...",
            help="A recording of each viewer, the table that mien analyze wrote of it, a session, or a pattern of files; or --plan.",
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="DIR", help="Folder for page.html, the CSV files, study.json and, in rows/, the tables."),
    ] = Path("reaction"),
    plan: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Columns file and, where wanted, viewer, start (s), group and turn (degrees); instead of IN."),
    ] = None,
    parts: Annotated[Path | None, typer.Option(metavar="CSV", help="Columns part, start, end: parts of the film, in its seconds.")] = None,
    start: Annotated[float, typer.Option(help="Second of the recordings at which the film begins, where the plan does not say.")] = 0.0,
    duration: Annotated[
        float | None, typer.Option(help="Seconds of the film. Default: what half of the recordings have after the start.")
    ] = None,
    step: Annotated[float, typer.Option(help="Seconds of film that are averaged into one value.")] = 0.5,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="FROM:TO",
            help="Seconds of the film in which viewers are at rest, as 0:5, or before it, as -5:0: changes count from there. "
            "Default: each viewer's mean over the film.",
        ),
    ] = None,
    least_coverage: Annotated[float, typer.Option(help="Share of the film with a sure face that a viewer must have to count, 0..1.")] = 0.5,
    reach_p: Annotated[float, typer.Option(help="Probability from which on an expression counts as shown, for reach.csv.")] = 0.5,
    reach_seconds: Annotated[
        float, typer.Option(help="Seconds of a part for which it must be shown to have reached a viewer, all together.")
    ] = 1.0,
    rounds: Rounds = 5000,
    seed: Seed = 0,
    title: Title = None,
    language: given.PageLanguage = "en",
    affect_scale: given.PageAffectScale = "unit",
    every: Every = 0.1,
    turn: given.Turn = 0,
    detector: given.Detector = "yunet",
    model: given.Model = "base",
    threads: given.Threads = 0,
    store: Store = None,
    quiet: given.Quiet = False,
) -> None:
    """What many viewers of one film or advertisement showed: means over time with intervals, the moments they shared, its parts.

    Every figure is over viewers, each counting once. See docs/studies.md.
    """
    from mien.cli.render import counted
    from mien.report.coverage import uneven_coverage
    from mien.report.reaction import write_reaction_page
    from mien.report.shared import sure, why_untested
    from mien.report.study_words import study_words
    from mien.report.writing import SPACE, Writing
    from mien.study.beforehand import refuse_missing, refuse_twice, too_late
    from mien.study.copies import faces_hash
    from mien.study.outputs import write_reaction
    from mien.study.plan import read_parts, read_plan, recordings_of
    from mien.study.reaction import react, refuse_names
    from mien.study.reaction_result import ReactionSettings
    from mien.study.read import without_password
    from mien.study.recorded import named as named_like_sessions
    from mien.study.row_files import others, replaced, row_files
    from mien.study.statistics import LEAST
    from mien.study.viewer import Viewer

    Writing.of(language, affect_scale)  # which refuses names there are not, before anything is read
    if bool(inputs) == (plan is not None):
        raise UsageError("name the viewers' recordings, or a plan of them with --plan, but not both")
    told: list[str] = []
    recordings = read_plan(plan, start=start, turn=turn, tell=told.append) if plan else recordings_of(inputs or [], start=start, turn=turn)
    named = read_parts(parts) if parts else []
    span = None if baseline is None else given.seconds_span(baseline, before=True)
    settings = ReactionSettings(duration, step, span, least_coverage, rounds, seed, reach_p, reach_seconds)
    refuse_twice(recordings, "its viewer would count twice", plan=plan)
    sessions, unknown = _sessions(recordings, store, plan, told.append)
    recordings = named_like_sessions(recordings, sessions)
    refuse_names([one.viewer for one in recordings], named)
    files = [one for one in recordings if one.file not in sessions]
    told += too_late(files, named, settings, plan=plan)
    refuse_missing(files, plan=plan, why=unknown)
    rows = row_files(output / ROWS, files)
    reader = _reader(detector, model, threads, every, sessions)
    run = Run(output, quiet=quiet, total=len(recordings))
    for line in told:
        run.tell(line)
    if old := others(output / ROWS, [*rows.values(), *(Path(one.file) for one in recordings)]):
        run.tell(f"{output / ROWS}/ also has {counted(len(old), 'table')} of an earlier study ({old[0]} …), which are not in this one")
    if old := replaced(list(rows.values())):
        run.tell(f"{output / ROWS}/: {counted(len(old), 'table')} of recordings that are read again will be replaced ({old[0]} …)")
    tables = list(run.read(recordings, reader, lambda one: (one.file, one.turn, rows.get(one.viewer))))
    run.need(tables)
    run.say("working out intervals and tests")
    with run.keeping(rows.values()):
        viewers = [Viewer(one.viewer, timeline, one.start, one.group, faces_hash(timeline)) for one, timeline in tables]
        found = react(viewers, named, settings)
        run.tell_models(reader.models)
        if (made := found.turns) < rounds and not why_untested(found):
            why = "as so many viewers and steps take long; see docs/studies-method.md"
            run.tell(f"moments and parts: {made:,} turns made of {rounds:,} asked for, {why}")
        for left in found.left_out:
            run.tell(f"{left.name}: left out ({left.why})")
        if uneven := uneven_coverage(found.curves, Writing.of("en", affect_scale)):
            run.tell(uneven.replace(SPACE, " "))
        read = [
            {"file": without_password(one.file), "viewer": one.viewer, "start": one.start, "group": one.group}
            | ({"session": sessions[one.file].session.id} if one.file in sessions else {})
            | ({"turn": one.turn} if one.turn and one.viewer in rows else {})
            for one in recordings
        ]
        written = write_reaction(found, output, about={**reader.about(), "recordings": read, "could_not_be_read": run.failed})
        name = title or output.resolve().name
        write_reaction_page(
            found, output / PAGE, title=name, language=language, affect_scale=affect_scale, models=reader.models, failed=run.failed
        )
    if untested := why_untested(found):
        shared = f"shared moments {study_words('en')[untested].format(least=LEAST)}"
    else:
        shared = counted(len(sure(found)), "shared moment")
    run.end(f"{counted(len(found.curves), 'viewer')}, {shared}", [PAGE, *written])


@app.command()
def visitors(
    entering: Annotated[
        list[str] | None, typer.Option(metavar="IN", help="A recording, table, or session of people who enter; several times.")
    ] = None,
    leaving: Annotated[list[str] | None, typer.Option(metavar="IN", help="The same of people who leave.")] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for page.html, visitors.csv and study.json.")
    ] = Path("visitors"),
    plan: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Columns file, side (entering or leaving) and, where wanted, period and turn; instead of both."),
    ] = None,
    least_seconds: Annotated[
        float, typer.Option(help="Seconds of sure face that a person must have to count, in two frames at least.")
    ] = 0.4,
    least_people: Annotated[
        int, typer.Option(help="People on a side of a period below which nothing of it is told, so that nobody can be recognised in it.")
    ] = 5,
    pictures_are_people: Annotated[
        bool, typer.Option("--pictures-are-people", help="Each face of a picture counts as somebody: no two pictures show the same person.")
    ] = False,
    rounds: Rounds = 5000,
    seed: Seed = 0,
    title: Title = None,
    language: given.PageLanguage = "en",
    affect_scale: given.PageAffectScale = "unit",
    every: Every = 0.1,
    turn: given.Turn = 0,
    detector: given.Detector = "yunet",
    model: given.Model = "base",
    threads: given.Threads = 0,
    store: Store = None,
    quiet: given.Quiet = False,
) -> None:
    """What visitors showed when they left, less what they showed when they came, with intervals. Only aggregates are written.

    Every figure is over people, each counting once; who leaves is not matched with who came. See docs/studies.md.
    """
    from mien.cli.render import counted
    from mien.io.folders import matching
    from mien.report.visits import write_visits_page
    from mien.report.writing import Writing
    from mien.study.beforehand import refuse_missing, refuse_twice
    from mien.study.copies import faces_hash
    from mien.study.outputs import write_visits
    from mien.study.plan import Visit, read_visits
    from mien.study.read import is_table
    from mien.study.viewer import REASONS
    from mien.study.visitors import VisitorSettings, compare, people_in

    Writing.of(language, affect_scale)  # which refuses names there are not, before anything is read
    if bool(entering or leaving) == (plan is not None):
        raise UsageError("name recordings with --entering and --leaving, or a plan of them with --plan, but not both")
    told: list[str] = []
    visits = (
        read_visits(plan, turn=turn, tell=told.append)
        if plan
        else [Visit(file, side, turn=turn) for side, files in ((False, entering), (True, leaving)) for file in matching(files or [])]
    )
    if plan is None and not (entering and leaving):
        raise UsageError(f"name recordings of both sides; found none with {'--leaving' if entering else '--entering'}")
    refuse_twice(visits, "its people would count twice", plan=plan)
    settings = VisitorSettings(least_seconds, least_people, rounds, seed, pictures_are_people)
    sessions, unknown = _sessions(visits, store, plan, told.append)
    refuse_missing([one for one in visits if one.file not in sessions], plan=plan, why=unknown)
    reader = _reader(detector, model, threads, every, sessions)
    run = Run(output, quiet=quiet, total=len(visits))
    for line in told:
        run.tell(line)
    people, first, copies = [], dict[str, str](), 0
    for one, timeline in run.read(visits, reader, lambda one: (one.file, one.turn, None)):
        try:
            found_in = people_in(timeline, leaving=one.leaving, period=one.period, settings=settings)
        except DataError as error:
            run.leave_out(one.file, error)
            continue
        faces = faces_hash(timeline)
        if faces and (name := first.setdefault(faces, one.file)) != one.file:  # of those that count
            run.tell(f"{one.file}: left out ({REASONS['copy'].format(of=name)})")
            copies += 1
            continue
        if left := found_in.pictures_left_out:
            run.tell(
                f"{one.file}: {counted(left, 'face')} of pictures left out, since nobody is followed from one to the next; where no two "
                "show the same person, say so with --pictures-are-people"
            )
        people.append(found_in)
    run.need(people)
    found = compare(people, settings)
    run.tell_models(reader.models)
    if found.within and len(found.periods) == 1:
        run.tell(f"no period has {least_people} people on both sides, so none is told; the difference is that within them all the same")
    for name in found.withheld:
        run.tell(f"period {name}: not told, fewer than {least_people} people on a side")
    if any(found.pictures):
        run.tell(
            "faces of pictures count as people ({:,} entering, {:,} leaving), as --pictures-are-people says; if one person is in several, "
            "there are fewer people than it says, and a figure may be of a single person".format(*found.pictures)
        )
    turned = sum(bool(one.turn) for one in visits if one.file not in sessions and not is_table(one.file))
    about = {**reader.about(), "recordings": len(visits), "copies": copies, "turned": turned, "could_not_be_read": len(run.failed)}
    files = write_visits(found, output, about=about)
    name = title or output.resolve().name
    write_visits_page(
        found,
        output / PAGE,
        title=name,
        language=language,
        affect_scale=affect_scale,
        models=reader.models,
        failed=len(run.failed),
    )
    who = "people or faces of pictures" if any(found.pictures) else "people"
    run.end("{:,} {who} entering, {:,} leaving".format(*found.periods[0].counts, who=who), [PAGE, *files])


def _sessions(
    inputs: Inputs, target: str | None, plan: Path | None, tell: Callable[[str], None]
) -> tuple[dict[str, Recorded], dict[str, str]]:
    """See recorded.sessions_of; what must be told of the sessions is told."""
    from mien.study.recorded import sessions_of

    found, why = sessions_of(inputs, target, plan=plan)
    for session in found.values():
        if line := session.chosen():
            tell(line)
    return found, why


def _reader(detector: str, model: str, threads: int, every: float, sessions: Mapping[str, Recorded]) -> Reader:
    from mien.options import AnalyzeOptions
    from mien.study.read import Reader
    from mien.track.options import TrackOptions

    options = AnalyzeOptions(detector=detector, model=model, threads=threads, track=TrackOptions(smooth="none"))
    return Reader(options, every=every, sessions=sessions)
