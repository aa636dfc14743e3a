"""Inputs in blocks: what one worker reads at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mien.io.kinds import is_video_name

PICTURES = 32
"""Pictures of a block: some seconds of work, beside which a thousandth of a second to hand it over is nothing."""


def blocks(names: Iterable[str], most: int = PICTURES) -> Iterator[tuple[str, ...]]:
    """Names in their order: pictures some at a time, each video by itself.

    >>> list(blocks(["a.jpg", "b.jpg", "c.mp4", "d.jpg"]))
    [('a.jpg', 'b.jpg'), ('c.mp4',), ('d.jpg',)]
    """
    waiting: list[str] = []
    for name in names:
        is_video = is_video_name(name)
        if waiting and (is_video or len(waiting) >= most):
            yield tuple(waiting)
            waiting = []
        if is_video:
            yield (name,)
        else:
            waiting.append(name)
    if waiting:
        yield tuple(waiting)
