"""Sequences of crops: people followed through a clip, and what a model of sequences reads in them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mien.errors import UsageError
from mien.io.container import Media
from mien.io.events import Failure
from mien.io.video import read_video
from mien.models.landmarks import crop_points
from mien.models.recogniser import OnnxRecogniser
from mien.track.tracker import Tracker
from mien.types import Detector, Faces, Frame, Image, Result
from mien.unsure import RULES, UnsureRules, judged
from mien.vision.align import CropSpec, align

MOST_GAP = 2.5
"""Longest pause between two crops of a sequence, in steps from frame to frame: one frame may lack the face, two may not."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """People in one frame of a clip."""

    index: int
    """Number of the frame in the clip, from 0."""
    time: float
    """Seconds."""
    size: tuple[int, int]
    """Width and height of the frame in pixels."""
    faces: Faces
    """With the people's numbers as `ids`."""
    crops: Image
    """uint8 (n, S, S, 3): their faces, each aligned by its own landmarks."""


def followed(
    media: Media, detector: Detector, spec: CropSpec, *, every: float, source: str = "", start: float | None = None,
    stop: float | None = None,
) -> Iterator[Seen | Failure]:  # fmt: skip
    """The frames of a clip with its people followed and their faces cut out; last a Failure if not all of it could be read.

    media: a file that mien.io.video reads. every: seconds from one frame that is looked at to the next. start, stop: seconds of the span.
    The same for training and for use. Raises UsageError for a span that is none.
    """
    tracker = Tracker(forget_seconds=max(2.0, MOST_GAP * every))
    for event in read_video(media, source=source or _name(media), every=every, start=start, stop=stop):
        if isinstance(event, Frame):
            faces = tracker.update(event.image, event.time, detector(event.image))
            yield Seen(event.index, event.time, event.size, faces, align(event.image, crop_points(faces, detector), spec))
        elif isinstance(event, Failure):
            yield event


def read_windows(
    media: Media, model: OnnxRecogniser | str, detector: Detector | str = "yunet", *, source: str = "", start: float | None = None,
    stop: float | None = None, unsure: UnsureRules = RULES["default"],
) -> Iterator[Result | Failure]:  # fmt: skip
    """What a model of sequences reads in a clip: for each frame, of each person, the last `card.frames` crops.

    The frames are taken `card.frame_seconds` apart, as in the training. A Result tells of the people whose sequence is whole: a still that
    is repeated is not a sequence, so nobody is in one before that many crops of them were seen, nor right after a pause; frames without
    any such person are left out. Last comes a Failure if not all of the clip could be read.

    media: a file that mien.io.video reads. model, detector: themselves or by name. Raises UsageError for a model of single crops.
    """
    if isinstance(model, str):
        model = _opened(model)
    card = model.card
    if not card.frames:
        raise UsageError(f"model {card.name!r} reads single crops; wanted one that reads sequences, or mien.analyze for this one")
    if isinstance(detector, str):
        from mien.models.detectors.registry import detector as by_name

        detector = by_name(detector)
    name = source or _name(media)
    last: dict[int, deque[tuple[float, Image]]] = {}
    for seen in followed(media, detector, model.crop, every=card.frame_seconds, source=name, start=start, stop=stop):
        if isinstance(seen, Failure):
            yield seen
            continue
        whole = _whole(last, seen, card.frames, MOST_GAP * card.frame_seconds)
        if whole:
            assert seen.faces.ids is not None
            emotions = model(np.array([[crop for _, crop in last[int(seen.faces.ids[i])]] for i in whole]))
            faces = seen.faces[whole]
            yield Result(name, seen.index, seen.time, seen.size, faces, judged(emotions, faces, seen.crops[whole], unsure), card.name)


def _whole(last: dict[int, deque[tuple[float, Image]]], seen: Seen, frames: int, most_gap: float) -> list[int]:
    """Put the crops of a frame behind those before; which of its faces have a whole sequence now."""
    for gone in [person for person, kept in last.items() if seen.time - kept[-1][0] > most_gap]:
        del last[gone]
    assert seen.faces.ids is not None
    for person, crop in zip(seen.faces.ids.tolist(), seen.crops, strict=True):
        last.setdefault(person, deque(maxlen=frames)).append((seen.time, crop))
    return [i for i, person in enumerate(seen.faces.ids.tolist()) if len(last[person]) == frames]


def _opened(name: str) -> OnnxRecogniser:
    from mien.models.registry import recogniser

    model = recogniser(name)
    if not isinstance(model, OnnxRecogniser):
        raise UsageError(f"model {name!r} has no card; wanted one that reads sequences, made by mien train")
    return model


def _name(media: Media) -> str:
    return "clip" if isinstance(media, bytes) else str(media)
