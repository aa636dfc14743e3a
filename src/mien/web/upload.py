"""`/upload`: the route of an earlier project (R4), for programs that were written for it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, UploadFile
from fastapi.responses import JSONResponse, Response

from mien.errors import UsageError
from mien.io.events import Failure
from mien.labels import EMOTIONS
from mien.types import Result
from mien.web import answers
from mien.web.pictures import Reader, read_address
from mien.web.service import Chosen, Served, file_name

router = APIRouter(tags=["upload"])


@router.post("/upload", responses={200: {"model": answers.LegacyFaces}})
async def upload(
    service: Served,
    analyzer: Chosen,
    url: Annotated[str, Form(description="Where a picture is: http or https, public.", max_length=4000)] = "",
    file: Annotated[UploadFile | None, File(description="A picture, instead of a URL.")] = None,
    asked: Annotated[str, Query(alias="url", description="The same as the form's `url`.", max_length=4000)] = "",
) -> Response:
    """`url` (or `file`) in, `{"Faces": [{"Face Rectangles": {...}, "Emotions": {...}}]}` out; 400 when it cannot be read."""
    url = url or asked
    if bool(url) == (file is not None):
        raise UsageError(f"upload: found {'both url and file' if url else 'neither url nor file'}; wanted one of them, as form data")
    read = Reader(service, analyzer)
    if file is not None:
        name, data = file_name(file.filename, "picture"), await file.read()
        found = await service.work(partial(read, name, data))
    else:
        found = await read_address(url, read)
    if isinstance(found, Failure):
        return JSONResponse({"error": str(found.error)}, 400)
    return JSONResponse({"Faces": legacy(found.result)})


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
