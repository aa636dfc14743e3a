"""What becomes of errors: the status, the line and the code that a visitor gets, and what only the server's log says."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import JSONResponse

from mien.errors import (
    DataError,
    ExtraMissing,
    MienError,
    SinkError,
    SourceError,
    SourceMissing,
    SourceRefused,
    SourceTooLarge,
    SourceUnreadable,
    UnknownName,
    UsageError,
)
from mien.io.images import IsVideo
from mien.store.place import NotErased, SessionPurged, StoreError
from mien.store.sessions import NotASessionName

log = logging.getLogger("mien")


class Unknown(MienError):
    """No job or session of that number; it may have been erased."""


class Full(MienError):
    """As many videos wait already as the server takes."""


class SendingFull(Full):
    """As many videos are being sent already as the server takes at the same time."""


class IsPicture(SourceUnreadable):
    """A picture where a video was wanted."""


class NoFrames(SourceUnreadable):
    """A video without a frame."""


class Idle(UsageError):
    """A camera that sent no frame in a long time."""


KINDS: tuple[tuple[type[MienError], int, str], ...] = (
    (Unknown, 404, "not_found"),
    (SendingFull, 503, "videos_sending"),
    (Full, 503, "videos_waiting"),
    (NotASessionName, 400, "session_name"),
    (Idle, 400, "idle"),
    (UsageError, 400, "usage"),
    (UnknownName, 400, "unknown_name"),
    (DataError, 409, "no_rows"),
    (IsVideo, 422, "video"),
    (IsPicture, 422, "picture"),
    (NoFrames, 422, "no_frames"),
    (SourceTooLarge, 422, "too_large"),
    (SourceMissing, 422, "missing"),
    (SourceRefused, 422, "refused"),
    (SourceError, 422, "unreadable"),
    (ExtraMissing, 501, "extra_missing"),
    (NotErased, 503, "not_erased"),
    (SessionPurged, 503, "session_deleted"),
    (StoreError, 503, "store"),
    (SinkError, 507, "no_room"),
    (MienError, 500, "fault"),
)
"""Kind of error -> status, and the code for programs; the first that fits."""
FAULT = "fault"
"""The code of what nobody expected: a fault in mien or in a plug-in."""
CODES: dict[int, str] = {
    400: "usage",
    401: "token",
    403: "other_site",
    404: "not_found",
    405: "method",
    408: "silent",
    413: "too_large",
    421: "host",
    499: "client_left",
    500: FAULT,
    507: "no_room",
}
"""Status -> code, of refusals that come of no such error."""
AT_THE_MOMENT = "the server cannot do this at the moment; its log says why"
LINES: dict[str, str] = {
    "not_erased": "the session is deleted, but its bytes could not leave the server's files yet; ask again later; its log says why",
    "session_deleted": "the session was deleted while it was recorded; nothing more of it is kept",
}
"""Code -> what a visitor is told instead of AT_THE_MOMENT, of errors whose own line is for the log."""
RETRY_SECONDS = 30
"""After which somebody for whom there was no place may try again."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a visitor gets of an error."""

    status: int
    error: str
    code: str

    def as_dict(self) -> dict[str, str]:
        """As `answers.Fault`."""
        return {"error": self.error, "code": self.code}


def told(error: MienError, where: str) -> Told:
    """What a visitor is told. where: the request, for the log."""
    status, code = _kind(error)
    if status < 500 or isinstance(error, (ExtraMissing, Full)):
        return Told(status, str(error), code)
    log.error("%s: %s", where, error)  # it names files or the database
    return Told(status, LINES.get(code, AT_THE_MOMENT), code)


def answer(error: MienError, where: str) -> JSONResponse:
    """The same as an answer."""
    found = told(error, where)
    return JSONResponse(found.as_dict(), found.status, headers={"Retry-After": str(RETRY_SECONDS)} if isinstance(error, Full) else None)


def refusal(status: int, text: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer to a request that is refused for another reason than such an error."""
    return JSONResponse({"error": text, "code": CODES.get(status, FAULT)}, status, headers=headers)


def code(error: MienError) -> str:
    """Why, for programs."""
    return _kind(error)[1]


def _kind(error: MienError) -> tuple[int, str]:
    return next((status, code) for kind, status, code in KINDS if isinstance(error, kind))
