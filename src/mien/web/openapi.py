"""The API's description, where FastAPI's own says what is not so."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi


def documented(app: FastAPI, *, token: bool) -> dict[str, Any]:
    """The OpenAPI description of an app. token: whether requests must show one."""
    if app.openapi_schema is None:
        api = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        for methods in api["paths"].values():
            for route in methods.values():
                answers = route["responses"]
                if "HTTPValidationError" in str(answers.get("422")):
                    del answers["422"]  # here it is a 400 with one line, which `default` stands for
        for schema in ("HTTPValidationError", "ValidationError"):
            api["components"]["schemas"].pop(schema, None)
        _as_files(api)
        # Seen from this description's own address, since a proxy may have this server below a path.
        api["servers"] = [{"url": "..", "description": "this server"}]
        if token:
            api["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            api["security"] = [{"token": []}]
        app.openapi_schema = api
    return app.openapi_schema


def _as_files(part: Any) -> None:
    """Uploads as OpenAPI 3.0 described them: the page with the documentation has a field for files for those alone."""
    if isinstance(part, dict):
        if part.get("contentMediaType") == "application/octet-stream":
            del part["contentMediaType"]
            part["format"] = "binary"
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            _as_files(one)
