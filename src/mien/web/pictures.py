"""`/api/pictures`: pictures in, faces and the expressions they show out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Query, Request, UploadFile
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, Field

from mien.drawers import styled
from mien.errors import MienError, SourceRefused, SourceTooLarge, UsageError
from mien.io.events import Failure
from mien.io.fetch import PrivateAddress, fetch, shown, without_secrets
from mien.io.images import IsVideo, decode
from mien.io.pixels import check_turn, turned
from mien.pipeline import Analyzer
from mien.sinks.pictures import encoded
from mien.sinks.tables import csv_line, json_line
from mien.table import COLUMNS
from mien.types import Drawer, Frame, Result
from mien.vision.style import Style
from mien.web import answers
from mien.web.faults import code
from mien.web.media import MEDIA, files_of
from mien.web.service import Chosen, Served, Service, file_name

router = APIRouter(tags=["pictures"])

MOST_PICTURES = 100
"""Of one request."""
FAILURES = "X-Mien-Failures"
"""Header of tables: how many pictures could not be read; which and why only JSON says."""
PICTURES = ("jpg", "png")

Kind = Literal["json", "csv", "jsonl", "jpg", "png"]


@dataclass(frozen=True, slots=True)
class Drawing:
    """How an annotated picture is to look."""

    colour: Annotated[str, Query(description="What the boxes' colour says: emotion, valence or confidence.")] = "emotion"
    va: Annotated[bool, Query(description="Valence and arousal in the captions.")] = False
    language: Annotated[str | None, Query(description="Of the captions: en or ru.")] = None
    anonymize: Annotated[bool, Query(description="Make the faces unrecognisable.")] = False

    def drawer(self, language: str) -> Drawer:
        """What draws so. language: where none was asked for. Raises UnknownName."""
        style = Style(language=self.language or language, colour=self.colour, show_affect=self.va)
        return styled(style, anonymize=self.anonymize)


Drawn = Annotated[Drawing, Depends()]
AsKind = Annotated[
    Kind, Query(alias="format", description="json, the table as csv or jsonl, or the annotated picture (of one only) as jpg or png.")
]


Turn = Annotated[int, Query(description="Degrees clockwise, 0, 90, 180 or 270, that make what was sent upright, where it does not say so.")]


class Url(BaseModel):
    """Where a picture is."""

    url: str = Field(description="http or https, public; no other addresses are fetched.", max_length=4000)


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What was found in a picture; the picture itself is gone by then."""

    result: Result
    note: str
    drawn: bytes = b""
    """The annotated picture as a file, where one was asked for."""

    def as_dict(self) -> dict[str, Any]:
        """As `answers.Picture`."""
        width, height = self.result.size
        return {"source": self.result.source, "width": width, "height": height, "note": self.note, "faces": faces(self.result)}


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """Reads pictures one by one as a request wants them, so that no more than one of it is in memory."""

    service: Service
    analyzer: Analyzer
    suffix: str = ""
    """`.jpg` or `.png` for annotated pictures."""
    drawer: Drawer | None = None
    turn: int = 0
    """Degrees clockwise, 0, 90, 180 or 270, that make the pictures upright."""

    def __call__(self, source: str, data: bytes, *, name: str = "") -> Read | Failure:
        """What is found in an encoded picture. name: of it in messages. Raises UsageError when the model reads no single pictures."""
        name = name or source
        try:
            decoded = decode(data, name=name, limits=self.service.limits)
        except IsVideo:
            return Failure(source, IsVideo(f"{name}: a video; send it to /api/videos"))
        except SourceTooLarge:
            return Failure(source, too_large(name, self.service))
        except MienError as error:
            return Failure(source, error)
        frame = Frame(turned(decoded.image, self.turn), source=source)
        result = self.analyzer.frames([frame])[0]
        drawn = b"" if self.drawer is None else encoded(self.drawer(frame.image, result), self.suffix)
        return Read(result, decoded.note, drawn)


def too_large(name: str, service: Service) -> SourceTooLarge:
    """What is said of a picture above the server's limits, which a stranger cannot raise."""
    most = f"{service.settings.max_picture_pixels / 1e6:g} megapixels and {service.settings.max_picture_mb:g} MB"
    return SourceTooLarge(f"{name}: larger than this server reads, which is {most}, at most 12,000 pixels a side")


RESPONSES: dict[int | str, dict[str, Any]] = {
    200: files_of(".csv", ".jsonl", ".jpg", ".png")[200] | {"model": answers.Pictures, "description": "What was found."},
    422: {"model": answers.NonePictures},
}


@router.post("/api/pictures", responses=RESPONSES)
async def read_pictures(
    request: Request,
    service: Served,
    analyzer: Chosen,
    drawing: Drawn,
    file: Annotated[list[UploadFile], File(description="One or several pictures.")],
    kind: AsKind = "json",
    turn: Turn = 0,
) -> Response:
    """Read the expressions shown on pictures. Nothing of them is kept."""
    if len(file) > MOST_PICTURES:
        raise UsageError(f"{len(file)} pictures in one request; wanted {MOST_PICTURES} at most")
    if len(file) > 1 and kind in PICTURES:
        raise UsageError(f"format={kind} is for one picture, and {len(file)} came; send them one by one")
    read = reader(service, analyzer, drawing, kind, turn)
    found: list[Read | Failure] = []
    for number, upload in enumerate(file):
        name, data = file_name(upload.filename, f"picture {number + 1}"), await upload.read()
        found.append(await service.work(partial(read, name, data), request=request))
    return answer(found, kind)


@router.post("/api/pictures/url", responses=RESPONSES)
async def read_url(
    request: Request, service: Served, analyzer: Chosen, drawing: Drawn, body: Url, kind: AsKind = "json", turn: Turn = 0
) -> Response:
    """Fetch a picture from the public internet and read the expressions shown on it."""
    return answer([await read_address(body.url, reader(service, analyzer, drawing, kind, turn), request)], kind)


def reader(service: Service, analyzer: Analyzer, drawing: Drawing, kind: Kind, turn: int) -> Reader:
    """The reader of a request. Raises UsageError and UnknownName for what is wrong in it, before any work."""
    check_turn(turn)
    drawer = drawing.drawer(service.settings.language)
    if kind in PICTURES:
        return Reader(service, analyzer, f".{kind}", drawer, turn)
    return Reader(service, analyzer, turn=turn)


async def read_address(url: str, read: Reader, request: Request) -> Read | Failure:
    """What is found in the picture at an address that a request names. Raises HTTPException when its client has left."""
    service, name = read.service, shown(url)
    if not url.lower().startswith(("http://", "https://")):
        return Failure(name, SourceRefused(f"{name}: wanted a picture's address, http:// or https://; or send the picture itself"))
    most = int(service.settings.max_picture_mb * 1e6)
    try:
        wanted = partial(fetch, url, allow_private=service.settings.allow_private, max_bytes=most)
        data = await service.transfer(wanted, request=request)
    except PrivateAddress:  # which one it is, a stranger need not know
        return Failure(name, SourceRefused(f"{name}: leads to no address of the public internet, and others are not fetched"))
    except SourceTooLarge:
        return Failure(name, too_large(name, service))
    except MienError as error:
        return Failure(name, error)
    return await service.work(partial(read, without_secrets(url), data, name=name), request=request)


def faces(result: Result) -> list[dict[str, Any]]:
    """The rows of a result's faces; empty without one."""
    return [row for row in result.rows() if row["face"] is not None]


def answer(found: list[Read | Failure], kind: Kind) -> Response:
    """The answer of the kind that was asked for; 422 when no picture could be read."""
    done = [one for one in found if isinstance(one, Read)]
    failures = [unread(one) for one in found if isinstance(one, Failure)]
    if not done:
        return JSONResponse({name: failures[0][name] for name in ("error", "code")} | {"failures": failures}, 422)
    if kind == "json":
        return JSONResponse({"pictures": [one.as_dict() for one in done], "failures": failures})
    headers = {FAILURES: str(len(failures))}
    if kind in PICTURES:
        return Response(done[0].drawn, media_type=MEDIA[f".{kind}"], headers=headers)
    rows = [row for one in done for row in one.result.rows()]
    lines = map(json_line, rows) if kind == "jsonl" else [csv_line(COLUMNS), *(csv_line(row.values()) for row in rows)]
    return PlainTextResponse("".join(lines), media_type=MEDIA[f".{kind}"], headers=headers)


def unread(failure: Failure) -> dict[str, str]:
    """As `answers.Unread`."""
    return {"source": failure.source, "code": code(failure.error), "error": str(failure.error)}
