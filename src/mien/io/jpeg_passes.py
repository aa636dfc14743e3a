"""Whether a JPEG has all of its passes over the picture (ITU-T T.81, annex B).

A progressive one comes in about ten, each of which makes it sharper. Cut between two of them it decodes as if nothing were lost.
"""

from __future__ import annotations

import re

FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""Markers of the header that names the components: baseline, progressive and the rarer kinds."""
SCAN = 0xDA
_NEXT = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""A marker behind coded pixels, in which FF is followed by 00 or is a restart marker."""


_MARKER = re.compile(rb"\xff([^\x00\xff])")
"""Where decoders find the next marker, whatever lies before it. Without fill bytes: each of a run would look to its end."""
_ALONE = {0x01, *range(0xD0, 0xD9)}
"""Markers without a length behind them."""
END = 0xD9


def has_more_passes(data: bytes, most: int) -> bool:
    """Whether a JPEG has more scans than that, each of which is decoded into the whole picture: ten thousand fit into a megabyte."""
    if data.count(b"\xff\xda") <= most:  # also in thumbnails
        return False
    scans, at = 0, 0
    while scans <= most and (found := _MARKER.search(data, at)) is not None:
        marker, at = found[1][0], found.end()
        if marker == END:
            break
        if marker not in _ALONE:
            scans += marker == SCAN
            at += max(int.from_bytes(data[at : at + 2], "big"), 2)
    return scans > most


def has_all_passes(data: bytes) -> bool:
    """Whether each coefficient of each component is given to its last bit. IndexError, KeyError or ValueError for what is no JPEG."""
    missing: dict[int, set[int]] = {}
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end > len(data):
            break
        body, at = data[at + 4 : end], end
        if marker in FRAMES:
            missing = {body[6 + 3 * k]: {*range(64)} for k in range(body[5])}
        elif marker == SCAN:
            components, first, last, bits = body[1 : 1 + 2 * body[0] : 2], *body[-3:]
            if bits & 15 == 0:  # else a later scan gives the lower bits
                for component in components:
                    missing[component] -= {*range(first, last + 1)}
            if (found := _NEXT.search(data, at)) is None:
                break
            at = found.start()
    return not any(missing.values())
