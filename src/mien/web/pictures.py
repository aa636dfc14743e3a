"""`/api/pictures`: pictures in, faces and the expressions they show out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Query, UploadFile
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, Field

from mien.drawers import styled
from mien.errors import MienError, SourceUnreadable, UsageError
from mien.io.events import Failure
from mien.io.fetch import fetch, shown, without_userinfo
from mien.io.images import IsVideo, decode
from mien.pipeline import Analyzed, Analyzer
from mien.sinks.pictures import encoded
from mien.sinks.tables import csv_line, json_line
from mien.table import COLUMNS
from mien.types import Frame, Result
from mien.vision.style import Style
from mien.web import answers
from mien.web.service import Chosen, Served, Service, file_name

router = APIRouter(tags=["pictures"])

MOST_PICTURES = 100
"""Of one request."""
IS_VIDEO = "a video; send it to /api/videos"

Kind = Literal["json", "csv", "jsonl", "jpg", "png"]
MEDIA = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson", "jpg": "image/jpeg", "png": "image/png"}


@dataclass(frozen=True, slots=True)
class Drawing:
    """How an annotated picture is to look."""

    colour: Annotated[str, Query(description="What the boxes' colour says: emotion, valence or confidence.")] = "emotion"
    va: Annotated[bool, Query(description="Valence and arousal in the captions.")] = False
    language: Annotated[str | None, Query(description="Of the captions: en or ru.")] = None
    anonymize: Annotated[bool, Query(description="Make the faces unrecognisable.")] = False

    def style(self, language: str) -> Style:
        """As a Style; language: where none was asked for."""
        return Style(language=self.language or language, colour=self.colour, show_affect=self.va)


Drawn = Annotated[Drawing, Depends()]
AsKind = Annotated[
    Kind, Query(alias="format", description="json, the table as csv or jsonl, or the annotated picture (of one only) as jpg or png.")
]


class Url(BaseModel):
    """Where a picture is."""

    url: str = Field(description="http or https, public; no other addresses are fetched.", max_length=4000)


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A picture with what was found in it."""

    pair: Analyzed
    note: str

    def as_dict(self) -> dict[str, Any]:
        """As `answers.Picture`."""
        width, height = self.pair.result.size
        return {"source": self.pair.result.source, "width": width, "height": height, "note": self.note, "faces": faces(self.pair.result)}


RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": answers.Pictures, "content": {kind: {} for kind in MEDIA.values()}},
    400: {"model": answers.Fault},
    413: {"model": answers.Fault},
    422: {"model": answers.NonePictures},
}


@router.post("/api/pictures", responses=RESPONSES)
async def read_pictures(
    service: Served,
    analyzer: Chosen,
    drawing: Drawn,
    file: Annotated[list[UploadFile], File(description="One or several pictures.")],
    kind: AsKind = "json",
) -> Response:
    """Read the expressions shown on pictures. Nothing of them is kept."""
    if len(file) > MOST_PICTURES:
        raise UsageError(f"{len(file)} pictures in one request; wanted {MOST_PICTURES} at most")
    style = drawing.style(service.settings.language)  # what is wrong in it is told before any work
    found: list[Read | Failure] = []
    for number, upload in enumerate(file):
        name, data = file_name(upload.filename, f"picture {number + 1}"), await upload.read()
        found.append(await service.work(partial(read, service, analyzer, name, data)))
    return await service.work(partial(answer, found, kind, style, anonymize=drawing.anonymize))


@router.post("/api/pictures/url", responses=RESPONSES)
async def read_url(service: Served, analyzer: Chosen, drawing: Drawn, body: Url, kind: AsKind = "json") -> Response:
    """Fetch a picture from the public internet and read the expressions shown on it."""
    style = drawing.style(service.settings.language)
    found = await service.work(partial(fetched, service, analyzer, body.url))
    return await service.work(partial(answer, [found], kind, style, anonymize=drawing.anonymize))


def fetched(service: Service, analyzer: Analyzer, url: str) -> Read | Failure:
    """What is found in the picture at an address."""
    try:
        most = int(service.settings.max_picture_mb * 1e6)
        data = fetch(url, allow_private=service.settings.allow_private, max_bytes=most)
    except MienError as error:
        return Failure(shown(url), error)
    return read(service, analyzer, without_userinfo(url), data, name=shown(url))


def read(service: Service, analyzer: Analyzer, source: str, data: bytes, *, name: str = "") -> Read | Failure:
    """What is found in an encoded picture. name: of it in messages. Raises UsageError when the model reads no single pictures."""
    name = name or source
    try:
        decoded = decode(data, name=name, limits=service.limits)
    except IsVideo:
        return Failure(source, SourceUnreadable(f"{name}: {IS_VIDEO}"))
    except MienError as error:
        return Failure(source, error)
    frame = Frame(decoded.image, source=source)
    return Read(Analyzed(frame, analyzer.frames([frame])[0]), decoded.note)


def faces(result: Result) -> list[dict[str, Any]]:
    """The rows of a result's faces; empty without one."""
    return [row for row in result.rows() if row["face"] is not None]


def answer(found: list[Read | Failure], kind: Kind, style: Style, *, anonymize: bool) -> Response:
    """The answer of the kind that was asked for; 422 when no picture could be read."""
    done = [one for one in found if isinstance(one, Read)]
    failures = [unread(one) for one in found if isinstance(one, Failure)]
    if not done:
        return JSONResponse({"error": failures[0]["error"] if failures else "no picture in the request", "failures": failures}, 422)
    if kind == "json":
        return JSONResponse({"pictures": [one.as_dict() for one in done], "failures": failures})
    if kind in ("csv", "jsonl"):
        rows = [row for one in done for row in one.pair.result.rows()]
        lines = map(json_line, rows) if kind == "jsonl" else [csv_line(COLUMNS), *(csv_line(row.values()) for row in rows)]
        return PlainTextResponse("".join(lines), media_type=MEDIA[kind])
    if len(found) > 1:
        raise UsageError(f"format={kind} is for one picture, and {len(found)} came; send them one by one")
    frame, result = done[0].pair.frame, done[0].pair.result
    return Response(encoded(styled(style, anonymize=anonymize)(frame.image, result), f".{kind}"), media_type=MEDIA[kind])


def unread(failure: Failure) -> dict[str, str]:
    """As `answers.Unread`."""
    return {"source": failure.source, "error": str(failure.error)}
