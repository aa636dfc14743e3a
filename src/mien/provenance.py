"""How the rows of a run were made: what its session, its page and its Parquet table say of it."""

from __future__ import annotations

import dataclasses
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from mien import __version__
from mien.io.span import VideoSpan
from mien.options import AnalyzeOptions

PATH = re.compile(
    r"(?P<kind>\w{2,}:)?"  # of a detector's file, `haar:`; a drive of Windows has one letter
    r"(?:.*[/\\])?"
    r"(?P<name>[^/\\:][^/\\]*?)[/\\]*"
    r"(?P<variant>:\w+)?",  # or runtime
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Provenance:
    """The settings of a run, and which mien it was.

    Its options are of JSON's kinds. Those of `of` are all that rows may depend on; others, as of a session that an earlier mien or a
    program of the user's recorded, may be any.
    """

    options: Mapping[str, Any]
    """Name -> value: the fields of AnalyzeOptions, `unsure` and `track` as dicts, those of VideoSpan, `turn` and `as_video`."""
    version: str
    """Of mien."""

    @classmethod
    def of(cls, options: AnalyzeOptions, span: VideoSpan = VideoSpan(), *, turn: int = 0, as_video: float | None = None) -> Self:
        """Of a run of this mien.

        span: which frames of videos are taken. turn: degrees clockwise by which what is read is turned. as_video: frames a second, where
        the pictures of a folder are the frames of a recording.
        """
        return cls(plain({**dataclasses.asdict(options), **dataclasses.asdict(span), "turn": turn, "as_video": as_video}), __version__)

    @classmethod
    def from_dict(cls, told: Any) -> Self | None:
        """What `as_dict` gave, so that its files have no folders; None for anything else."""
        match told:
            case {"options": dict(options), "version": str(version)}:
                return cls(options, version)
        return None

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it, for whoever gets the rows: files are told by their names, not by where they lie on this machine."""
        return {"version": self.version, "options": without_folders(self.options)}

    def flat(self) -> dict[str, Any]:
        """The options without dicts in it: `unsure.min_score`, `track.smooth`."""
        found: dict[str, Any] = {}
        for name, value in self.options.items():
            found |= {f"{name}.{field}": one for field, one in value.items()} if isinstance(value, Mapping) else {name: value}
        return found


def plain(value: Any) -> Any:
    """Options as JSON can hold them: dataclasses become dicts, paths and the like text, what is no number null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def without_folders(value: Any) -> Any:
    """Options with files' names in place of their paths: `m.onnx:openvino` of `/home/me/m.onnx:openvino`, `haar:f.xml` of `haar:x/f.xml`.

    A folder, as `/home/me/base`, is `./base`: `base` alone is the name of another model. Text without a `/` or `\\` stays what it is.
    """
    if isinstance(value, Mapping):
        return {key: without_folders(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_folders(item) for item in value]
    return _file_name(value) if isinstance(value, str) else value


def _file_name(path: str) -> str:
    if "/" not in path and "\\" not in path:
        return path
    found = PATH.fullmatch(path)
    if found is None:  # separators alone, or what no path of mien's looks like
        return re.split(r"[/\\]", path)[-1]
    kind, name, variant = (part or "" for part in found.group("kind", "name", "variant"))
    return f"{kind}{name if '.' in name else f'./{name}'}{variant}"
