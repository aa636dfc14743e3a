"""Where the store is: a SQLite file, or a PostgreSQL database by URL."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.errors import SinkError, UsageError
from mien.io.names import is_url

POSTGRES = "postgresql+psycopg"
SCHEMES = ("postgresql", "postgres", POSTGRES)


class StoreError(SinkError):
    """A store cannot be opened, read or written."""


class StoreMissing(StoreError):
    """There is no store yet."""


class StoreLocked(StoreError):
    """Another program holds the store for longer than is waited."""


class StoreAway(StoreError):
    """The database's server does not answer, or has ended the connection; it may come back."""


class StoreFull(StoreError):
    """The disk that the store is on has no room left."""


class SessionPurged(StoreError):
    """A session was purged while it was recorded; nothing more is kept of it."""


class NotErased(StoreError):
    """Sessions are deleted, but their bytes are still in the database's files; the next purge tries again."""


def data_folder() -> Path:
    """The user's own folder for mien's data; it need not exist yet. Raises StoreError for a user without a home."""
    with _home():
        if sys.platform == "win32":
            base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        else:
            base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "mien"


@contextmanager
def _home(file: str = "~") -> Iterator[None]:
    """What looks for the user's home raises StoreError in here where there is none, as in a container under another user's number; for a
    `~somebody/x.db` also where nobody is called so.
    """
    try:
        yield
    except RuntimeError as error:
        if user := re.match(r"~[^/\\]+", file):
            raise StoreError(f"{file}: no home of a user {user[0][1:]} is known; name a file, one that is called so as ./{file}") from error
        raise StoreError("this user has no home for the store; name a file (--store FILE, $MIEN_STORE), or set HOME") from error


def place_of(target: str | os.PathLike[str] | None) -> Path | str:
    """The SQLite file or the PostgreSQL URL that is meant.

    target: a path, `sqlite:///PATH`, `postgresql://USER@HOST/DATABASE`, or None for $MIEN_STORE or else the user's own file.
    Raises UsageError for another kind of database, StoreError where a file in a home is meant and there is none.
    """
    text = os.fspath(target) if target is not None else os.environ.get("MIEN_STORE", "")
    if not text:
        return data_folder().absolute() / "sessions.db"
    if not is_url(text):
        with _home(text):
            return Path(text).expanduser().absolute()  # the program may change its folder
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    if scheme in SCHEMES:
        return f"{POSTGRES}://{rest}"
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return Path(rest[1:]).absolute()
    # The rest may hold a password: it is not shown.
    raise UsageError(f"store {scheme}://...: wanted a file, sqlite:///FILE or postgresql://USER@HOST/DATABASE")
