"""The shapes of what the API answers, for its documentation and its clients' types. A face has the columns of the table."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, create_model

from mien.table import COLUMNS, RAW_COLUMNS

_CELLS: dict[str, Any] = {name: (kind | None, None) for name, kind in (COLUMNS | RAW_COLUMNS).items()}
Face: type[BaseModel] = create_model("Face", **_CELLS)
"""One row of mien.table; `raw_*` only over time."""


class Fault(BaseModel):
    """What went wrong."""

    error: str = Field(description="One line: what was found, what was wanted, what to do.")
    code: str = Field(description="The same for programs, see docs/serve.md.")


class Unread(BaseModel):
    """An input that could not be read."""

    source: str
    code: str = Field(description="Why, for programs: too_large, video, picture, missing, refused or unreadable.")
    error: str


class Picture(BaseModel):
    """What was found in one picture."""

    source: str
    width: int = Field(description="Of the upright picture, pixels.")
    height: int
    note: str = Field("", description="What to know about the file: truncated, animated and the like.")
    faces: list[Face] = Field(description="Empty where no face was found.")  # type: ignore[valid-type]  # made from the columns


class Pictures(BaseModel):
    """What was found in some pictures."""

    pictures: list[Picture]
    failures: list[Unread]


class NonePictures(Fault):
    """No picture could be read."""

    failures: list[Unread]


class VideoJob(BaseModel):
    """How far a video is."""

    id: str
    name: str
    state: str = Field(description="queued, running, done or failed.")
    frames: int
    faces: int
    missed: int | None = Field(
        description="With anonymize: frames in which a followed face was not found; hidden is where it was and may be. Else null."
    )
    seconds: float = Field(description="Of the video, reached.")
    duration: float | None = Field(description="Of the whole video, where it says.")
    share: float | None = Field(description="Done of it, 0..1, where that is known.")
    error: str | None
    code: str | None = Field(description="Of the error, for programs: as of an input that could not be read, no_frames, no_room or fault.")
    failures: list[Unread]
    results: dict[str, str] = Field(description="Kind -> address; empty until it is done.")
    expires: str | None = Field(description="When all of it is erased.")


class SessionInfo(BaseModel):
    """A recorded session, as `mien sessions list --json` prints it."""

    id: int
    name: str
    started: str = Field(description="UTC, ISO 8601.")
    updated: str
    ended: str | None
    finished: bool | None
    state: str = Field(description="running, finished or broken off.")
    sources: list[str]
    source_count: int
    model: str
    options: dict[str, Any]
    version: str
    retention_days: float | str | None
    frame_count: int
    face_count: int
    row_count: int
    raw: bool
    delta: bool


class LegacyFace(BaseModel):
    """A face as R4 had it."""

    rectangle: dict[str, int] = Field(alias="Face Rectangles", description="x, y, width, height.")
    emotions: dict[str, float] = Field(alias="Emotions", description="Name -> probability to 3 decimals.")


class LegacyFaces(BaseModel):
    """What `/upload` answers."""

    faces: list[LegacyFace] = Field(alias="Faces")


class Named(BaseModel):
    """A part that a request may name."""

    name: str
    about: str
    default: bool


class About(BaseModel):
    """What this server is and offers."""

    version: str
    models: list[Named]
    detectors: list[Named]
    affect: list[str]
    emotions: list[dict[str, str]]
    reasons: dict[str, dict[str, str]]
    max_upload_mb: float
    max_picture_mb: float
    sessions: bool
    keep_minutes: float
    language: str
    note: str


class Health(BaseModel):
    """That it runs."""

    status: str
    version: str
