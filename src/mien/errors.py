"""Everything mien raises on purpose.

    MienError
    ├── UsageError             an argument or a combination of arguments makes no sense
    │   ├── BadTarget          an output that cannot be meant; a SinkError too (mien.sinks.sink)
    │   ├── NotASessionName    a name that no session can have (mien.store.sessions)
    │   ├── NotOneViewer       a table that is not one of one viewer (mien.study.viewer)
    │   ├── Idle               a camera that sends a server no frames (mien.web.faults)
    │   ├── Diverged           the loss of a training is no number any more (mien.train.diverged)
    │   └── MetricMissing      the metric that decides a search is not measured (mien.train.tune.process)
    ├── UnknownName            no model, detector, palette, language, label set ... of that name
    ├── SourceError            an input cannot be read
    │   ├── SourceMissing      no such file, folder, match or device
    │   ├── SourceUnreadable   found, but not a picture, video or table that mien can read
    │   │   ├── IsVideo        a video where a picture was wanted (mien.io.images)
    │   │   ├── IsPicture      a picture where a video was wanted (mien.web.faults)
    │   │   ├── NoFrames       a video without a frame (mien.web.faults)
    │   │   ├── IsOther        neither a picture nor a video (mien.io.images)
    │   │   └── IsDamaged      a part is lost where a whole picture was wanted (mien.io.images)
    │   ├── SourceTooLarge     more pixels or bytes than the limit allows
    │   └── SourceRefused      a URL that is not fetched (scheme, time), or a camera where inputs end
    │       └── PrivateAddress a URL that leads to no public address (mien.io.fetch)
    ├── SinkError              an output cannot be written
    │   ├── PictureNotWritten  one picture of many; the next may be written (mien.sinks.sink)
    │   └── StoreError         a store of sessions cannot be opened, read or written (mien.store.place)
    │       ├── StoreMissing   there is none yet
    │       ├── StoreLocked    another program holds it
    │       ├── StoreAway      the database's server does not answer
    │       ├── StoreFull      its disk has no room left
    │       ├── SessionPurged  a session was purged while it was recorded
    │       └── NotErased      sessions are deleted, but their bytes are still in the files
    ├── ModelError             a model cannot be used
    │   ├── CardInvalid        card and file, or card and code, contradict each other
    │   └── WeightsMissing     the card is known, its file is not here
    ├── DataError              a data set or table is not what it should be
    ├── ExtraMissing           an optional dependency is not installed
    ├── Full                   a server has as many videos as it takes (mien.web.faults)
    │   └── SendingFull        as many as it takes are being sent (mien.web.faults)
    └── Unknown                a server has no video or session of that number (mien.web.faults)

Those that name a module in brackets live there, the others here. A message says what was found, what was wanted and what to do. Catch
`MienError` to catch all of them.
"""

from __future__ import annotations

from collections.abc import Iterable


class MienError(Exception):
    """Base of everything mien raises on purpose."""


class UsageError(MienError, ValueError):
    """An argument, or a combination of arguments, makes no sense."""


class UnknownName(MienError, KeyError):
    """No such name in a table of models, detectors, styles, label sets ...; the message lists the names there are."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        there = tuple(sorted(known))
        super().__init__(kind, name, there)  # what a pickle makes it from again
        self.message = f"unknown {kind} {name!r}; there are: {', '.join(there)}"

    def __str__(self) -> str:  # KeyError would show the repr
        return self.message


class SourceError(MienError):
    """An input cannot be read."""


class SourceMissing(SourceError):
    """No such file, folder, match or device."""


class SourceUnreadable(SourceError):
    """The input exists, but is not a picture, video or table that can be read, or gives nothing."""


class SourceTooLarge(SourceError):
    """The input has more pixels or bytes than the limit allows."""


class SourceRefused(SourceError):
    """A URL that is not fetched (private address, scheme or time), or a camera or stream where inputs that end are read."""


class SinkError(MienError):
    """An output cannot be written."""


class ModelError(MienError):
    """A model cannot be used."""


class CardInvalid(ModelError):
    """A model's card and its file, or its card and this code, contradict each other."""


class WeightsMissing(ModelError):
    """The card is known, but its weights file is not here."""


class DataError(MienError):
    """A data set or table is not what it should be."""


class ExtraMissing(MienError, ImportError):
    """An optional dependency is not installed; the message names the install command, see `install`."""


def install(extra: str) -> str:
    """The command that installs an extra. mien is in no package index, where anybody could take its name, so it is named by its folder.

    >>> install("web")
    'pip install ".[web]" in a checkout of mien'
    """
    return f'pip install ".[{extra}]" in a checkout of mien'
