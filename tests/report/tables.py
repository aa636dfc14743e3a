"""Tables of made runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

from mien.labels import EMOTIONS
from mien.sinks.tables import CsvSink
from mien.table import COLUMNS, columns
from mien.timeline import Timeline


def row(
    source: str,
    frame: int,
    time: float,
    emotion: str | None = None,
    *,
    p: float = 0.6,
    person: int | None = None,
    face: int = 0,
    **more: Any,
) -> dict[str, Any]:
    """One row; without an emotion that of a frame without a face."""
    cells: dict[str, Any] = dict.fromkeys(COLUMNS) | {"source": source, "frame": frame, "time_s": time, "model": "fake"}
    if emotion is None:
        return cells
    probs = dict.fromkeys(EMOTIONS, round((1 - p) / 8, 6)) | {emotion: p}
    return (
        cells
        | {
            "face": face,
            "person": person,
            "x1": 10.0,
            "y1": 20.0,
            "x2": 90.0,
            "y2": 140.0,
            "score": 0.9,
            "emotion": emotion,
            "emotion_p": p,
        }
        | {f"p_{name}": value for name, value in probs.items()}
        | {
            "second": "neutral",
            "second_p": 0.05,
            "valence": 0.2,
            "arousal": -0.1,
            "affect_from": "model:fake",
            "unsure": False,
            "reasons": "",
        }
        | more
    )


def two_people(source: str = "clip.mp4", frames: int = 90, *, fps: float = 30.0, seed: int = 0) -> list[dict[str, Any]]:
    """Two people: happy then sad; fear all along, at times unsure, and away in the middle third; two frames without anyone."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(frames):
        time = round(i / fps, 6)
        if i in (0, frames - 1):
            rows.append(row(source, i, time))
            continue
        p = round(float(rng.uniform(0.5, 0.9)), 6)
        affect = {"valence": round(float(rng.uniform(-1, 1)), 6), "arousal": round(float(rng.uniform(-1, 1)), 6)}
        rows.append(
            row(
                source, i, time, "happy" if i < 0.4 * frames else "sad", p=p, person=0, score=round(float(rng.uniform(0.8, 1)), 6), **affect
            )
        )
        if not frames / 3 <= i < 2 * frames / 3:
            unsure = i % 5 == 0
            reasons = "blur;confidence" if unsure else ""
            rows.append(row(source, i, time, "fear", p=p, person=1, face=1, x1=200.0, x2=230.5, unsure=unsure, reasons=reasons, **affect))
    return rows


def timeline(rows: Iterable[dict[str, Any]]) -> Timeline:
    return Timeline.from_rows(rows)


def csv_file(path: Path, rows: Iterable[dict[str, Any]], **extra: bool) -> Path:
    """A table as mien writes it."""
    with CsvSink(path, columns(**extra)) as sink:
        sink.add(rows)
    return path


class Elements(HTMLParser):
    """Elements of a page: what each script holds, and every attribute."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.words: list[str] = []
        self._inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]
        self._inside = tag == "script"
        if self._inside:
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._inside:
            attrs, text = self.scripts[-1]
            self.scripts[-1] = attrs, text + data
        else:
            self.words.append(data)

    def script(self, name: str) -> str:
        return next(text for attrs, text in self.scripts if attrs.get("id") == name)


def data_of(html: str) -> dict[str, Any]:
    """The numbers that a page carries."""
    found = re.search(r'<script type="application/json" id="mien-data">(.*?)</script>', html, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data
