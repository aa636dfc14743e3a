"""What becomes of errors: the status and the line that a visitor gets, and what only the server's log says."""

from __future__ import annotations

import logging

from mien.errors import (
    DataError,
    ExtraMissing,
    MienError,
    SinkError,
    SourceError,
    SourceMissing,
    SourceRefused,
    SourceTooLarge,
    UnknownName,
    UsageError,
)
from mien.io.images import IsVideo
from mien.store.place import NotErased, StoreError
from mien.web.jobs import Unknown

log = logging.getLogger("mien")

STATUS: tuple[tuple[type[MienError], int], ...] = (
    (Unknown, 404),
    (UsageError, 400),
    (UnknownName, 400),
    (DataError, 409),
    (SourceError, 422),
    (ExtraMissing, 501),
    (StoreError, 503),
    (SinkError, 507),
)
"""Kind of error -> status; the first that fits. All others are 500. Full has an answer of its own, gate.full."""
CODES: tuple[tuple[type[MienError], str], ...] = (
    (IsVideo, "video"),
    (SourceTooLarge, "too_large"),
    (SourceMissing, "missing"),
    (SourceRefused, "refused"),
)
"""Kind of error -> why an input could not be read, for programs; the first that fits. All others are `unreadable`."""
AT_THE_MOMENT = "the server cannot do this at the moment; its log says why"
NOT_ERASED = "the session is deleted, but its bytes could not leave the server's files yet; ask again later; its log says why"


def told(error: MienError, where: str) -> tuple[int, str]:
    """The status and the line for a visitor. where: the request, for the log."""
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    if status < 500 or isinstance(error, ExtraMissing):
        return status, str(error)
    log.error("%s: %s", where, error)  # it names files or the database
    return status, NOT_ERASED if isinstance(error, NotErased) else AT_THE_MOMENT


def code(error: MienError) -> str:
    """Why an input could not be read, for programs; see answers.Unread."""
    return next((code for kind, code in CODES if isinstance(error, kind)), "unreadable")
