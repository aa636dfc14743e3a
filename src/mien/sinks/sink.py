"""What every output writer has in common."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from mien.errors import MienError, SinkError, UsageError
from mien.types import Frame, Result


class BadTarget(SinkError, UsageError):
    """An output that cannot be meant: an extension nobody writes, or a name that would overwrite an input."""


class PictureNotWritten(SinkError):
    """One picture of many could not be written; its rows were, and the next picture may be."""


class Sink(Protocol):
    """Takes results one at a time; the context manager closes it, and tells it whether the work came to its end.

    An object counts as a sink by its methods; a class that derives from this one gets the context manager for free.
    """

    @property
    def what(self) -> str:
        """What it wrote to, for the closing message; empty as long as it wrote nothing."""
        ...

    def admit(self, frame: Frame, /) -> None:
        """Refuse a picture that cannot be taken, before any sink of the run writes anything for it. Raises SinkError."""
        return None

    def write(self, frame: Frame, result: Result, /) -> None:
        """Take one picture and its result. Raises SinkError when it cannot be written, PictureNotWritten when the next may be."""
        ...

    def failed(self, source: str, error: MienError, /) -> None:
        """Be told of an input that could not be read, or not to its end; most sinks have no use for that."""
        return None

    def close(self, *, finished: bool = True) -> None:
        """Write what is left. finished: false when the work broke off, so that no one takes a part for the whole."""
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        self.close(finished=kind is None)
