"""Parts of a video that need not be decoded: groups of frames, each from one keyframe to the next, that hold none that is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import av
    import av.container
    import av.video.stream

    Packet: TypeAlias = av.Packet[av.video.stream.VideoStream]

CODECS = frozenset(("h264", "hevc", "vp9", "av1", "mjpeg", "prores"))
CONTAINERS = frozenset(("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"))
"""In these a packet is a frame, so that counting packets numbers the frames."""
MOST_PACKETS, MOST_BYTES = 1000, 32_000_000
"""Of a group that is held back until it is known whether it is needed; a longer one is decoded."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Stands where packets were left out."""

    frames: int
    """How many frames come before the next keyframe that were not decoded."""
    keyframe: int
    """The next keyframe's PTS. Frames before it that come out of the decoder lean on what was left out, and are counted in `frames`."""


def can_skip(container: av.container.InputContainer, stream: av.video.stream.VideoStream) -> bool:
    """Whether the frames of a stream can be numbered without decoding them."""
    return container.format.name in CONTAINERS and stream.codec_context.codec.canonical_name in CODECS


def needed(packets: Iterable[Packet], earliest: Callable[[], float]) -> Iterator[Packet | Skipped]:
    """The packets of a stream, without groups that end before the PTS that `earliest` gives when their turn comes (-inf: none does)."""
    group: list[Packet] = []
    weight, skipped, whole = 0, 0, True
    for packet in packets:
        if packet.is_keyframe:
            if group and whole and _plain(group, packet) and packet.pts is not None and packet.pts <= earliest():
                skipped += sum(not member.is_discard for member in group)
            else:
                yield from _released(group, skipped)
                skipped = 0
            group, weight, whole = [], 0, True
        if not whole:
            yield packet
            continue
        group.append(packet)
        weight += packet.size
        if len(group) >= MOST_PACKETS or weight >= MOST_BYTES:
            yield from _released(group, skipped)
            group, skipped, whole = [], 0, False
    yield from _released(group, skipped)


def _plain(group: list[Packet], after: Packet) -> bool:
    """Whether the group's packets can be counted: whole, each with its time, and all before the next keyframe."""
    if after.pts is None or not group[0].is_keyframe:
        return False
    return all(packet.pts is not None and packet.pts < after.pts and not packet.is_corrupt for packet in group)


def _released(group: list[Packet], skipped: int) -> Iterator[Packet | Skipped]:
    if skipped and group:
        key = group[0].pts
        assert key is not None  # `_plain` asked for it
        leading = sum(packet.pts is not None and packet.pts < key and not packet.is_discard for packet in group)
        yield Skipped(skipped + leading, key)
    yield from group
