"""People followed through a clip, and their faces cut out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mien.io.container import Media
from mien.io.events import Failure
from mien.io.video import read_video
from mien.models.landmarks import crop_points
from mien.track.tracker import Tracker
from mien.types import Detector, Faces, Frame, Image
from mien.vision.align import CropSpec, align


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
    Raises UsageError for a span that is none.
    """
    tracker = Tracker()
    for event in read_video(media, source=source, every=every, start=start, stop=stop):
        if isinstance(event, Frame):
            faces = tracker.update(event.image, event.time, detector(event.image))
            yield Seen(event.index, event.time, event.size, faces, align(event.image, crop_points(faces, detector), spec))
        elif isinstance(event, Failure):
            yield event
