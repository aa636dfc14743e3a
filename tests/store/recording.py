"""Sessions to record."""

from dataclasses import replace

import numpy as np

from mien.store import Store
from mien.testing import make_result
from mien.types import Frame, Result

FRAME = Frame(np.zeros((2, 2, 3), np.uint8))


def results(n: int = 3, *, source: str = "clip.mp4", raw: bool = False) -> list[Result]:
    """Frames of a clip: two faces, none, one, and so on."""
    made = []
    for i in range(n):
        result = make_result([("happy", "sad"), (), ("fear",)][i % 3], source=source, unsure=("sad",))
        faces = replace(result.faces, ids=np.arange(len(result)))
        made.append(replace(result, index=i, time=i / 25, faces=faces, raw=result.emotions if raw else None))
    return made


def record(store: Store, name: str = "a", results_: list[Result] | None = None, **options: object) -> int:
    """Record a session and give its number."""
    with store.writer(name, **options) as writer:  # type: ignore[arg-type]
        for result in results() if results_ is None else results_:
            writer.write(FRAME, result)
    return writer.session.id
