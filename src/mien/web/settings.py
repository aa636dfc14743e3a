"""What a server offers and to whom: one frozen dataclass."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from mien.errors import UsageError
from mien.labels import CAPTIONS
from mien.options import AnalyzeOptions
from mien.types import check_kind

ABOVE_0: tuple[str, ...] = ("max_picture_mb", "max_picture_pixels", "max_upload_mb", "max_video_minutes", "keep_minutes")
ABOVE_0 += ("most_jobs", "most_results", "most_cameras")

LONGEST_MINUTES = 5_256_000
"""Of keeping results: the time at which they are erased must be a date."""


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """Raises UsageError for a limit that leaves nothing, or an unknown language."""

    options: AnalyzeOptions = field(default_factory=AnalyzeOptions)
    """Of every analysis; requests may choose another model, detector and source of valence and arousal from those there are."""
    language: str = "en"
    """Of pages and captions where a request names none: `en` or `ru`."""
    hosts: tuple[str, ...] = ()
    """Names under which the server is reached, beside localhost and plain IP addresses. A request for another name is refused, since
    a page of a stranger could otherwise make a browser in the same network ask here under the stranger's name (DNS rebinding)."""
    token: str = ""
    """What every request must show, `Authorization: Bearer TOKEN` or once `/?token=TOKEN` in a browser; empty for none."""
    sessions: bool = False
    """Whether recorded sessions can be listed, read and deleted, and cameras recorded."""
    store: str | None = None
    """Where the sessions are, see mien.store.open_store."""
    allow_private: bool = False
    """Whether URLs that are handed in may lead to private and loopback addresses."""
    max_picture_mb: float = 50
    """Largest request with pictures, megabytes."""
    max_picture_pixels: int = 50_000_000
    """Largest picture, width times height."""
    max_upload_mb: float = 500
    """Largest request with a video, megabytes."""
    max_video_minutes: float = 120
    """Of a longer video the beginning is read."""
    keep_minutes: float = 60
    """How long the results of a video are kept after it is done."""
    most_jobs: int = 20
    """Videos that wait at the same time; one is worked on at a time."""
    most_results: int = 100
    """Videos whose results are kept at the same time; the oldest give way."""
    most_cameras: int = 4
    """Live connections at the same time."""

    def __post_init__(self) -> None:
        check_kind("options", self.options, AnalyzeOptions, "an AnalyzeOptions")
        for name in ABOVE_0:
            if not 0 < getattr(self, name) < math.inf:
                raise UsageError(f"{name} is {getattr(self, name)}; wanted a finite number above 0")
        if self.keep_minutes > LONGEST_MINUTES:
            raise UsageError(f"keep_minutes is {self.keep_minutes:g}; wanted {LONGEST_MINUTES:,}, ten years, at most")
        for name in self.hosts:
            if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
                raise UsageError(f"host {name!r}: wanted a bare name such as faces.example.org, without a scheme, port or path")
        if self.language not in CAPTIONS:
            raise UsageError(f"language is {self.language!r}; wanted one of {', '.join(CAPTIONS)}")
