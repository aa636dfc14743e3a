"""Pictures that a model answered rightly and wrongly, small, for the page of an evaluation."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.data.contact import fitted
from mien.data.labelled import Labelled
from mien.errors import DataError, SourceError
from mien.evaluate.metrics import Judged
from mien.evaluate.run import Evaluation
from mien.report.sections import percent, text
from mien.types import Bools

SIDE = 72
SHOWN = 36
"""Pictures of each kind."""


@dataclass(frozen=True, slots=True)
class Mosaic:
    """Rows of an evaluation to show."""

    title: str
    note: str
    rows: tuple[int, ...]


def mosaics(judged: Judged) -> list[Mosaic]:
    """Which rows to show: right and wrong ones, drawn as evenly over the true labels as can be, and the surest mistakes."""
    rng = np.random.default_rng(0)  # the same pictures on every page of a model
    wrong = ~judged.right & judged.answered
    surest = np.flatnonzero(wrong)[np.argsort(-judged.confidence[wrong], kind="stable")][:SHOWN]
    every = [
        Mosaic("Right", "Drawn at random, evenly over the labels.", _spread(judged, judged.right, rng)),
        Mosaic("Wrong", "Drawn at random, evenly over the true labels: true → answer.", _spread(judged, wrong, rng)),
        Mosaic("Sure and wrong", "The most confident mistakes: look here for wrong labels.", tuple(surest.tolist())),
    ]
    return [mosaic for mosaic in every if mosaic.rows]


def _spread(judged: Judged, which: Bools, rng: np.random.Generator) -> tuple[int, ...]:
    """Rows of `which` in the order of their labels, in turn one of each label until SHOWN are drawn."""
    turns = [(turn, k, row) for k in range(len(judged.labels)) for turn, row in enumerate(_shuffled(judged, which, k, rng))]
    return tuple(row for _, _, row in sorted(sorted(turns)[:SHOWN], key=lambda one: one[1]))


def _shuffled(judged: Judged, which: Bools, label: int, rng: np.random.Generator) -> Sequence[int]:
    return [int(row) for row in rng.permutation(np.flatnonzero(which & (judged.true == label)))]


def mosaic_html(mosaic: Mosaic, found: Evaluation, data: Labelled) -> str:
    """The pictures with what they show below, inside the page as JPEG."""
    judged = found.judged
    assert judged is not None
    parts = []
    for row in mosaic.rows:
        place = int(found.rows[row])
        true, guess = judged.labels[judged.true[row]], judged.labels[judged.guess[row]]
        caption = text(guess) if true == guess else f"{text(true)} → {text(guess)}"
        hint = f"{data.sources[place]}: {guess}, {percent(float(judged.confidence[row]))}"
        source = thumbnail(data, place)
        if source:
            parts.append(f'<figure title="{text(hint)}"><img alt="" src="{source}"><figcaption>{caption}</figcaption></figure>')
    return f'<h3>{text(mosaic.title)}</h3><p class="note">{text(mosaic.note)}</p><div class="mosaic">{"".join(parts)}</div>'


def thumbnail(data: Labelled, place: int) -> str:
    """A picture of the data as a data URL, its long side SIDE pixels; "" where it can no longer be read."""
    import cv2

    try:
        image = data.readers[place]()
    except (SourceError, DataError):
        return ""
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(fitted(image, SIDE), cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}"
