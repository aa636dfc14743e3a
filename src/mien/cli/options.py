"""Options that verbs share, each declared once, and what becomes of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from mien.errors import UsageError
from mien.track.options import TrackOptions

if TYPE_CHECKING:
    from mien.options import AnalyzeOptions
    from mien.provenance import Provenance
    from mien.sinks.sink import Sink
    from mien.unsure import UnsureRules

OUTPUT, DRAWING, DOUBT, READING = "Output", "Annotated pictures and videos", "When a face is marked unsure", "Reading"
TIME = "Over time, in videos"
TIME_DEFAULTS = TrackOptions()

_DETECTORS = "Face detector: yunet, yunet:full, haar:alt2, mtcnn, mediapipe ... (mien models list)"
Detector = Annotated[str, typer.Option(help=f"{_DETECTORS}.")]
PresetDetector = Annotated[str | None, typer.Option(help=f"{_DETECTORS}. Default: yunet, or mtcnn:r3 where --preset is r3.")]
Model = Annotated[
    str,
    typer.Option(
        help="Recogniser: a name (mien models list), or an .onnx file with its card beside it; NAME:openvino runs it by OpenVINO."
    ),
]
Affect = Annotated[
    str, typer.Option(help="Where valence and arousal come from: model, none, or expected under the anchors adfes2011, crowd, legacy.")
]
MinScore = Annotated[float | None, typer.Option(help="Leave out faces with a lower detection score, 0..1.")]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads of a network; 0 chooses by the machine.")]
ShowAffect = Annotated[
    bool,
    typer.Option(
        "--va", help="Valence and arousal on pictures and in the table on a terminal; files always have them.", rich_help_panel=OUTPUT
    ),
]
SessionName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Record the table in the session store too (mien sessions list).", rich_help_panel=OUTPUT),
]
StoreUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="The store: a file, or postgresql://...; otherwise $MIEN_STORE or your own.", rich_help_panel=OUTPUT),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress, notices and closing line; failures are told.", rich_help_panel=OUTPUT)
]
Colour = Annotated[str, typer.Option(help="What the boxes' colour says: emotion, valence or confidence.", rich_help_panel=DRAWING)]
Palette = Annotated[
    str, typer.Option(help="Colours of the emotions: tol (safe for colour-blind viewers) or tableau.", rich_help_panel=DRAWING)
]
Preset = Annotated[
    str | None,
    typer.Option(
        help="An earlier project's rules: r0, r1, r2 (valence and arousal with --va, by its own anchors with --affect legacy) "
        "or r3 (which sets --detector mtcnn:r3 and --unsure-rules r3 unless you name others).",
        rich_help_panel=DRAWING,
    ),
]
AffectScale = Annotated[
    str,
    typer.Option(
        help="Scale of valence and arousal for human eyes, as on a page: unit (-1..1) or seven (1..7); tables have -1..1.",
        rich_help_panel=DRAWING,
    ),
]
Language = Annotated[str, typer.Option(help="Language of the captions and of a page: en or ru.", rich_help_panel=DRAWING)]
PageLanguage = Annotated[str, typer.Option("--language", help="Language of the page: en or ru.")]
PageAffectScale = Annotated[
    str, typer.Option("--affect-scale", help="Scale of valence and arousal on the page: unit (-1..1) or seven (1..7).")
]
Anonymize = Annotated[
    bool,
    typer.Option(
        "--anonymize",
        help="Make the faces that are found unrecognisable on the pictures; in videos also where somebody who is followed is not found "
        "for a while. A face that is never found stays visible, and so does somebody before being found first: look at the result.",
        rich_help_panel=DRAWING,
    ),
]
DrawerName = Annotated[str, typer.Option(help="A plug-in's drawer; the options above are for mien's own.", rich_help_panel=DRAWING)]
UnsureRulesName = Annotated[
    str | None, typer.Option(help="default, r3 (for MTCNN's scores, --detector mtcnn:r3) or never.", rich_help_panel=DOUBT)
]
UnsureScore = Annotated[float | None, typer.Option(help="Detection score up to this, 0..1.", rich_help_panel=DOUBT)]
UnsureSize = Annotated[float | None, typer.Option(help="Shorter side of the box below this, pixels.", rich_help_panel=DOUBT)]
UnsureCut = Annotated[
    float | None,
    typer.Option(help="Share of the face outside the picture above this, 0..1; a landmark outside counts as all.", rich_help_panel=DOUBT),
]
UnsureBlur = Annotated[float | None, typer.Option(help="Share of fine detail below this.", rich_help_panel=DOUBT)]
UnsureYaw = Annotated[float | None, typer.Option(help="Turned to a side by more than this, degrees.", rich_help_panel=DOUBT)]
UnsurePitch = Annotated[float | None, typer.Option(help="Nodding up or down by more than this, degrees.", rich_help_panel=DOUBT)]
UnsureConfidence = Annotated[float | None, typer.Option(help="Probability of the top emotion below this, 0..1.", rich_help_panel=DOUBT)]
NoFollow = Annotated[
    bool, typer.Option("--no-follow", help="Do not follow people: each frame by itself, nothing smoothed.", rich_help_panel=TIME)
]
Smooth = Annotated[
    str,
    typer.Option(
        help="Smoothing: euro, ema, or none: values and labels of each frame alone. Unsmoothed values stay in the columns raw_*.",
        rich_help_panel=TIME,
    ),
]
SmoothSeconds = Annotated[float, typer.Option(help="Time constant of the smoothing.", rich_help_panel=TIME)]
DetectEvery = Annotated[
    int, typer.Option(help="Look for faces in every n-th frame and move the boxes on between: faster.", rich_help_panel=TIME)
]
Reentry = Annotated[
    float, typer.Option(help="Know people who left again by their looks for so many seconds; 0 never.", rich_help_panel=TIME)
]
Baseline = Annotated[
    str | None,
    typer.Option(
        metavar="FROM:TO",
        help="Seconds in which people are neutral: adds columns delta_*, the difference from each person's own medians there.",
        rich_help_panel=TIME,
    ),
]


Turn = Annotated[
    int,
    typer.Option(
        metavar="DEGREES",
        help="Turn what is read clockwise by 90, 180 or 270 degrees, where it tells nothing of that itself: 180 for a camera that hangs "
        "upside down.",
        rich_help_panel=READING,
    ),
]


def track_options(
    *, no_follow: bool, smooth: str, smooth_seconds: float, detect_every: int, reentry: float, baseline: str | None
) -> TrackOptions:
    """The options of following people that were given. Raises UsageError, by their names here, for those that need following."""
    needing = {f"--baseline {baseline}": baseline is not None, f"--detect-every {detect_every}": detect_every > 1}
    if no_follow and (named := [option for option, is_given in needing.items() if is_given]):
        raise UsageError(f"{named[0]} needs people to be followed, and --no-follow follows nobody; leave one of the two out")
    return TrackOptions(
        follow=not no_follow,
        smooth=smooth,
        smooth_seconds=smooth_seconds,
        detect_every=detect_every,
        reentry_seconds=reentry,
        baseline=None if baseline is None else seconds_span(baseline),
    )


def detector_of(name: str | None, preset: str | None) -> str:
    """The detector of a name, or else of a preset: the rules of r3 are made for MTCNN's scores."""
    return name or ("mtcnn:r3" if preset == "r3" else "yunet")


def unsure_rules_of(name: str | None, preset: str | None, thresholds: Mapping[str, float | None] = MappingProxyType({})) -> UnsureRules:
    """The rules of a name, or else of a preset, with the thresholds that were given in place of its own."""
    from mien.unsure import rules

    known = rules(name or ("r3" if preset == "r3" else "default"))
    return dataclasses.replace(known, **{field: value for field, value in thresholds.items() if value is not None})


def tell_of_scores(rules: UnsureRules, detector: str) -> None:
    """Say where the rule of r3 meets the scores of another detector: YuNet's end at about .96, so that it leaves no face sure."""
    from mien.cli.render import say
    from mien.unsure import RULES

    highest = RULES["r3"].min_score
    if rules.min_score == highest and detector.partition(":")[0] != "mtcnn":
        say(
            f"mien: every face with a detection score up to {highest:g} is unsure, the rule of r3 for MTCNN's scores; those of {detector} "
            "may all be lower: --detector mtcnn:r3, or --unsure-rules default"
        )


def session_sink(url: str | None, name: str, options: AnalyzeOptions, how: Provenance, columns: Mapping[str, type]) -> Sink:
    """The sink that records a session, from its first result on; with a baseline, its rows wait for it like a table's.

    how: the options once more, with how the source is read.
    """
    from mien.sinks.baseline import after_baseline
    from mien.sinks.first_seen import FirstSeenSink
    from mien.store import open_store
    from mien.store.sessions import checked_name

    store, name = open_store(url), checked_name(name)
    writer = partial(store.writer, name, model=options.model, options=how.options, columns=columns)
    return after_baseline(FirstSeenSink(writer), options.track.baseline)


def seconds_span(text: str, *, before: bool = False) -> tuple[float, float]:
    """`0:3` as (0.0, 3.0). before: it may begin before 0. Raises UsageError."""
    first, _, last = text.partition(":")
    try:
        span = float(first), float(last)
    except ValueError:
        raise UsageError(f"--baseline {text}: wanted two numbers of seconds with a colon between, as 0:3") from None
    if not (before or span[0] >= 0) or not -math.inf < span[0] < span[1] < math.inf:
        raise UsageError(f"--baseline {text}: wanted an end after its beginning{'' if before else ', not before 0'}")
    return span
