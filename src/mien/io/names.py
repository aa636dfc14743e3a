"""Names of inputs: which are URLs or live, and how any text is written on one line."""

from __future__ import annotations

import os
import re
import unicodedata

STREAM_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "srt", "udp")
"""Of addresses that are always streams; http and https may lead to files, too."""

MOST_SHOWN = 255
"""Characters of a name in messages: the most that a file's may have, without its folders."""
MOST_KEPT = 4096
"""Characters of a name that a path may have; what is longer names nothing."""
_DEVICE = re.compile(r"/dev/video(\d+)")
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)  # two characters at least before the colon: C:\ is a path


def is_url(text: str) -> bool:
    """Whether the text is a URL of whatever scheme, and not a path."""
    return _URL.match(text) is not None


def is_live(given: object) -> bool:
    """Whether an input is a live source: a camera by its device, or its number where no file is called so; or the address of a stream."""
    if not isinstance(given, str):
        return isinstance(given, int) or (isinstance(given, os.PathLike) and _device_number(os.fsdecode(given)) is not None)
    if given.isdecimal():
        return not os.path.lexists(given)
    return camera_number(given) is not None or (is_url(given) and given.partition(":")[0].lower() in STREAM_SCHEMES)


def camera_number(spec: str) -> int | None:
    """The number of a camera by its number or by the device that Linux has for it, also one that a link leads to; None for other names."""
    return int(spec) if spec.isdecimal() else _device_number(spec)


def _device_number(path: str) -> int | None:
    device = _DEVICE.fullmatch(os.path.realpath(path)) if path.startswith("/dev/") else None
    return int(device[1]) if device else None


def on_disk(source: str) -> str:
    """The path of a file from the `source` of its frames, which is UTF-8 also where the system's names are not, as under LC_ALL=C."""
    return os.fsdecode(source.encode("utf-8", "surrogateescape"))


def named_in(folder: str, name: str) -> str:
    """The path of a file that a table in a folder names: one that Windows wrote may part folders by `\\`, elsewhere a letter."""
    path = os.path.join(folder, name)  # noqa: PTH118  a million Paths cost seconds
    if os.sep == "/" and "\\" in name and not os.path.lexists(path):
        slashed = os.path.join(folder, name.replace("\\", "/"))  # noqa: PTH118
        return slashed if os.path.lexists(slashed) else path
    return path


def folded(name: str) -> str:
    """A name as all are alike that some volume takes for one: they do not tell a.jpg from A.JPG, nor é from e with an accent behind it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def shortened(name: str) -> str:
    """A name for a message: one longer than any file's by its beginning and its end, or a picture given as text would fill the log."""
    return name if len(name) <= MOST_SHOWN else f"{name[:150]}…{name[-80:]}"


def printable(text: str) -> str:
    """The text on one line: control characters and the like, which a file's name may hold, become `?`."""
    return "".join(c if c.isprintable() else "?" for c in text)
