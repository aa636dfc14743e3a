"""Pictures as text: data URIs, `data:image/jpeg;base64,...`, as web pages and other libraries have them; and base64 alone."""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote, unquote_to_bytes

from mien.errors import SourceUnreadable
from mien.io.formats import HEAD, sniff

_URI = re.compile(r"data:(?:[\w.+-]+/[\w.+-]+|(?=;))(?:;[^;,]*)*,", re.IGNORECASE)
_BASE64 = re.compile(r"; *base64 *\Z", re.IGNORECASE)
"""At the end of what stands before the comma (https://fetch.spec.whatwg.org/#data-url-processor)."""
_SHORTEST = 200
"""Characters of text that is taken for the base64 of a picture: all but some tiny icons have more, and names of files seldom."""


def is_data_uri(text: str) -> bool:
    """Whether the text is a data URI that tells a kind of data or how they are written, which no name of a file does."""
    return _URI.match(text) is not None


def is_base64_picture(text: str) -> bool:
    """Whether the text is a picture in base64, without what makes a data URI of it."""
    if len(text) < _SHORTEST:
        return False
    start = "".join(text[: 2 * HEAD].split())
    try:
        return sniff(base64.b64decode(start[: len(start) // 4 * 4], validate=True)) is not None
    except ValueError:
        return False


def decode_data_uri(uri: str, *, name: str) -> bytes:
    """The bytes that a data URI holds (RFC 2397). name: what to call it in messages.

    Base64 is read as browsers read it: blanks may be before the word and in it, and `=` at its end may lack. Raises SourceUnreadable.
    """
    head, _, body = uri.partition(",")
    if _BASE64.search(head) is None:
        return unquote_to_bytes(body)
    packed = "".join(unquote(body).split())
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except ValueError as error:
        raise SourceUnreadable(f"{name}: a data URI whose base64 cannot be decoded ({error}); wanted data:image/jpeg;base64,...") from error
