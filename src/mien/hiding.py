"""Whether all faces that are to be hidden are in the results: `drawers.styled(anonymize=True)` hides only what it is told of."""

from __future__ import annotations

from mien.errors import UsageError
from mien.pipeline import Analyzer


def refuse_half_hidden(analyzer: Analyzer, asked: str, *, streams: bool) -> None:
    """Raise UsageError where faces that are to be seen may be in no result, so that what hides faces would not hide them.

    asked: the option that hides them, for the message. streams: whether there are videos, cameras or streams, in which people who are
    missed in a frame are hidden too.
    """
    if left_out := _left_out(analyzer, streams):
        raise UsageError(f"{asked} hides the faces that are found, but {left_out}: they would stay visible")


def _left_out(analyzer: Analyzer, streams: bool) -> str:
    """Which faces may be in no result, and why; empty for none."""
    options = analyzer.options
    if options.min_score is not None:
        return f"those with a score below {options.min_score:g} (min_score) are left out"
    if not streams:
        return ""
    if not options.track.follow:
        return "who is missed in a frame of a video is known by following alone, which is off"
    if options.track.detect_every > 1:
        return f"who comes in between two searches (detect_every {options.track.detect_every}) is not found at once"
    card = getattr(analyzer.recogniser, "card", None)
    if card is None or not card.frames:
        return ""
    return f"model {card.name!r} reads sequences of {card.frames} crops, and gives nothing before it has seen a whole one of a person"
