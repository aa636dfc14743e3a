"""A file for libraries that a write error throws off their feet."""

from __future__ import annotations

import io
from typing import Any


class Patient(io.FileIO):
    """A file that keeps its first error: raised into arro3 it would be a panic, with a page of its own on stderr."""

    error: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write all of it, or pretend to."""
        left = memoryview(data)
        try:
            while left and self.error is None:
                left = left[super().write(left) :]
        except OSError as error:
            self.error = error
        return len(data)
