"""What kinds of files are called in answers."""

from __future__ import annotations

from typing import Any

MEDIA = {
    ".csv": "text/csv; charset=utf-8",
    ".jsonl": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".mp4": "video/mp4",
}


def files_of(*suffixes: str) -> dict[int | str, dict[str, Any]]:
    """The description of a route that answers with files of these kinds."""
    return {200: {"description": "The file.", "content": {MEDIA[suffix].partition(";")[0]: {} for suffix in suffixes}}}
