"""Everything mien raises on purpose.

    MienError
    ├── UsageError            an argument or a combination of arguments makes no sense
    ├── SourceError           an input cannot be read
    │   ├── SourceMissing     no such file, folder, match or device
    │   ├── SourceUnreadable  found, but not a picture, video or table that mien can read
    │   ├── SourceTooLarge    more pixels or bytes than the limit allows
    │   └── SourceRefused     a URL that is not fetched (private address, scheme, time), or a camera where inputs end
    ├── SinkError             an output cannot be written
    ├── ModelError            a model cannot be used
    │   ├── UnknownName       no model, detector, palette, label set ... of that name
    │   ├── CardInvalid       card and file, or card and code, contradict each other
    │   └── WeightsMissing    the card is known, its file is not here
    ├── DataError             a data set or table is not what it should be
    └── ExtraMissing          an optional dependency is not installed

A message says what was found, what was wanted and what to do. Catch `MienError` to catch all of them.
"""

from __future__ import annotations

from collections.abc import Iterable


class MienError(Exception):
    """Base of everything mien raises on purpose."""


class UsageError(MienError, ValueError):
    """An argument, or a combination of arguments, makes no sense."""


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


class UnknownName(ModelError, KeyError):
    """No such name in a table; the message lists the names there are."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        there = tuple(sorted(known))
        super().__init__(kind, name, there)  # what a pickle makes it from again
        self.message = f"unknown {kind} {name!r}; there are: {', '.join(there)}"

    def __str__(self) -> str:  # KeyError would show the repr
        return self.message


class CardInvalid(ModelError):
    """A model's card and its file, or its card and this code, contradict each other."""


class WeightsMissing(ModelError):
    """The card is known, but its weights file is not here."""


class DataError(MienError):
    """A data set or table is not what it should be."""


class ExtraMissing(MienError, ImportError):
    """An optional dependency is not installed; the message names the install command."""
