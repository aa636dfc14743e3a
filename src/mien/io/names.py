"""Names of inputs: which are URLs, and how any text is written on one line."""

from __future__ import annotations

import re

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)  # two characters at least before the colon: C:\ is a path


def is_url(text: str) -> bool:
    """Whether the text is a URL of whatever scheme, and not a path."""
    return _URL.match(text) is not None


def printable(text: str) -> str:
    """The text on one line: control characters and the like, which a file's name may hold, become `?`."""
    return "".join(c if c.isprintable() else "?" for c in text)
