"""`/upload`: the route of an earlier project (R4), for programs that were written for it."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import JSONResponse, Response

from mien.errors import UsageError
from mien.io.events import Failure
from mien.labels import EMOTIONS
from mien.types import Result
from mien.web import answers
from mien.web.faults import code
from mien.web.pictures import Reader, read_address
from mien.web.service import Chosen, Served, file_name

router = APIRouter(tags=["upload"])


LONGEST_URL = 4000
LONGEST_JSON = 64_000
"""Bytes; JSON may write a character in twelve."""
JSON_BODY = {"schema": {"type": "object", "properties": {"url": {"type": "string", "maxLength": LONGEST_URL}}, "required": ["url"]}}
"""What may be sent instead of the form, for the API's description."""


@router.post(
    "/upload",
    responses={200: {"model": answers.LegacyFaces}},
    openapi_extra={"requestBody": {"content": {"application/json": JSON_BODY}}},
)
async def upload(
    request: Request,
    service: Served,
    analyzer: Chosen,
    url: Annotated[str, Form(description="Where a picture is: http or https, public.", max_length=LONGEST_URL)] = "",
    file: Annotated[UploadFile | None, File(description="A picture, instead of a URL.")] = None,
    asked: Annotated[str, Query(alias="url", description="The same as the form's `url`.", max_length=LONGEST_URL)] = "",
) -> Response:
    """`url` (or `file`) in, `{"Faces": [{"Face Rectangles": {...}, "Emotions": {...}}]}` out; 400 when it cannot be read."""
    url = url or asked or await _url_of_json(request)
    if bool(url) == (file is not None):
        sent = "both url and file" if url else "neither url nor file"
        raise UsageError(f"upload: found {sent}; wanted one of them as form data, or url as JSON")
    read = Reader(service, analyzer)
    if file is not None:
        name, data = file_name(file.filename, "picture"), await file.read()
        found = await service.work(partial(read, name, data), request=request)
    else:
        found = await read_address(url, read, request)
    if isinstance(found, Failure):
        return JSONResponse({"error": str(found.error), "code": code(found.error)}, 400)
    return JSONResponse({"Faces": legacy(found.result)})


async def _url_of_json(request: Request) -> str:
    """The `url` of a body that is JSON; empty for any other kind. Raises UsageError."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return ""
    data = await request.body()
    if len(data) > LONGEST_JSON:
        raise UsageError(f"upload: found {len(data)} bytes of JSON; wanted an object with url, of {LONGEST_JSON} at most")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):  # the latter where it is nested too deeply
        raise UsageError("upload: the body is no JSON; wanted an object with url") from None
    url = body.get("url") if isinstance(body, dict) else None
    if not isinstance(url, str) or len(url) > LONGEST_URL:
        raise UsageError(f"upload: wanted a JSON object with url, a text of at most {LONGEST_URL} characters")
    return url


def legacy(result: Result) -> list[dict[str, Any]]:
    """Faces in R4's form: whole pixels, probabilities to 3 decimals."""
    out = []
    for row in result.rows():
        if row["face"] is None:
            continue
        x, y = round(row["x1"]), round(row["y1"])
        rectangle = {"x": x, "y": y, "width": round(row["x2"]) - x, "height": round(row["y2"]) - y}
        out.append({"Face Rectangles": rectangle, "Emotions": {name: round(row[f"p_{name}"] or 0.0, 3) for name in EMOTIONS}})
    return out
