"""The last step of a video: the encoded frames and the sound of the original in one file, its index in front."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from mien.errors import SourceError
from mien.io.container import opened, why

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer

COPIED = ("aac", "mp3", "opus", "flac")
"""Kinds of sound that both MP4 and browsers have; others become AAC."""
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_AAC_BITS = 80_000
"""A second and channel."""
_MOST_CHANNELS = 6

_Packets: TypeAlias = Iterator[Any]  # of av.Packet


@dataclass(slots=True)
class Sound:
    """A part of the sound of a file, in seconds of its container's clock."""

    path: Path
    zero: float
    """What becomes 0."""
    start: float | None
    """Nothing before; None for all, as a decoder needs what comes before the first sample that is heard."""
    stop: float | None
    """Nothing at or after; None for all there is."""
    problem: str = field(default="", init=False)
    """Why it is not there, or not to its end."""

    def has(self, end: float) -> bool:
        """Whether the part begins before this."""
        return self.start is None or end > self.start

    def is_over(self, begin: float) -> bool:
        """Whether the part ends before this."""
        return self.stop is not None and begin >= self.stop


def remux(part: Path, target: Path, *, last: Fraction, sound: Sound | None) -> None:
    """Write `target` from the video in `part`, which is not encoded anew, and the sound.

    last: seconds that the last frame is shown. Sound that cannot be had is left out, and `sound.problem` says so.
    Raises av.FFmpegError and OSError.
    """
    import av

    ways: tuple[Callable[..., _Packets | None], ...] = (_copied, _encoded) if sound else ()
    for way in ways:
        assert sound is not None
        try:
            with opened(sound.path, name=str(sound.path)) as (original, _), av.open(f"file:{part}") as film, _begun(target) as out:
                found = original.streams.best("audio")
                pictures = _pictures(film, out, last)
                packets = None if found is None else way(original, found, out, sound)
                if packets is not None:
                    _mux(out, pictures, packets)
                    return
        except (av.FFmpegError, SourceError, ValueError) as error:  # ValueError: MP4 has no such sound
            sound.problem = f"without sound ({why(error)})"
    with av.open(f"file:{part}") as film, _begun(target) as out:
        _mux(out, _pictures(film, out, last))


def _begun(target: Path) -> OutputContainer:
    import av

    return av.open(f"file:{target}", "w", format="mp4", options={"movflags": "faststart"})


def _mux(out: OutputContainer, *streams: _Packets) -> None:
    """Write packets in the order of their times, or FFmpeg would hold one stream back in memory."""
    for packet in heapq.merge(*streams, key=lambda packet: packet.dts * packet.time_base):
        out.mux(packet)


def _pictures(film: InputContainer, out: OutputContainer, last: Fraction) -> _Packets:
    source = film.streams.video[0]
    stream = out.add_stream_from_template(source, opaque=True)

    def packets() -> _Packets:
        held = None
        for packet in film.demux(source):
            if packet.size and packet.dts is not None:
                if held is not None:
                    yield held
                packet.stream = stream
                held = packet
        if held is not None:
            held.duration = max(1, round(last / held.time_base))
            yield held

    return packets()


def _copied(original: InputContainer, source: AudioStream, out: OutputContainer, sound: Sound) -> _Packets | None:
    """The sound as it is stored, or None for a kind that is not copied."""
    if source.codec_context is None or source.codec_context.codec.canonical_name not in COPIED:
        return None
    stream = out.add_stream_from_template(source, opaque=True)

    def packets() -> _Packets:
        for packet in _readable(original.demux(source), sound):
            if not packet.size or packet.pts is None or packet.dts is None:
                continue
            begin = float(packet.pts * packet.time_base)
            if sound.is_over(begin):
                return
            if packet.is_discard and begin >= sound.zero:  # what an edit list hides; before 0 the new file's own hides it
                continue
            if sound.has(begin + float((packet.duration or 0) * packet.time_base)):
                shift = round(sound.zero / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
                yield packet

    return packets()


def _encoded(original: InputContainer, source: AudioStream, out: OutputContainer, sound: Sound) -> _Packets | None:
    """The sound as AAC."""
    if source.codec_context is None:
        return None
    layout = _layout(source.codec_context.channels, source.codec_context.layout.name)
    stream = out.add_stream("aac", rate=source.rate if source.rate in _AAC_RATES else 48000)
    stream.codec_context.layout = layout
    stream.codec_context.bit_rate = _AAC_BITS * stream.codec_context.channels

    def packets() -> _Packets:
        for frame in _readable(original.decode(source), sound):
            if frame.pts is None or frame.time_base is None:
                continue
            begin = float(frame.pts * frame.time_base)
            if sound.is_over(begin):
                break
            if sound.has(begin + frame.samples / frame.sample_rate):
                frame.pts -= round(sound.zero / frame.time_base)
                yield from stream.encode(frame)
        yield from stream.encode(None)

    return packets()


def _layout(channels: int, name: str) -> str:
    """The layout of the AAC: the source's, if it tells one that AAC has."""
    if channels <= 2:
        return "mono" if channels == 1 else "stereo"
    return name if channels <= _MOST_CHANNELS and not name.endswith("channels") else "stereo"


def _readable(items: Iterator[Any], sound: Sound) -> Iterator[Any]:
    """The items up to where reading them fails, which is noted."""
    import av

    try:
        yield from items
    except av.FFmpegError as error:
        sound.problem = f"the sound breaks off ({why(error)})"
