"""What a source yields: frames, a failure instead of one, or a notice before one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from mien.errors import MienError
from mien.types import Frame


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that gave no picture, or a video of which not all could be read. Yielded, not raised, so that a batch goes on."""

    source: str
    """Path, URL or name of the input, as the user wrote it."""
    error: MienError
    """Why; its text is one line that names the input."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know: about the picture that follows (a truncated file, more frames than one), or of files that were left out."""

    source: str
    message: str
    """One line, without the source's name."""


Event: TypeAlias = Frame | Notice | Failure
"""What a source gives."""
