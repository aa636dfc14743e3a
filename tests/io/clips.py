"""Clips for the tests, made with PyAV: each frame carries its number as black and white blocks, so that it can be told from the pixels."""

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

BITS = 8
X264 = {"preset": "ultrafast", "crf": "12"}


def stamped(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """uint8 (height, width, 3): `number` in eight blocks, the most significant at the left, on grey; a red corner at the top left."""
    image = np.full((height, width, 3), 128, np.uint8)
    for bit in range(BITS):
        left, right = bit * width // BITS, (bit + 1) * width // BITS
        image[height // 2 :, left:right] = 255 if number >> (BITS - 1 - bit) & 1 else 0
    image[: height // 4, : width // 4] = (200, 30, 30)
    return image


def grainy(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    """Stamped frames with noise between corner and blocks, so that the pictures, not the header, make up the file."""
    noise = np.random.default_rng(5).integers(0, 256, (count, height // 4, width, 3), np.uint8)
    frames = [stamped(number, width, height) for number in range(count)]
    for frame, grain in zip(frames, noise, strict=True):
        frame[height // 4 : height // 4 * 2] = grain
    return frames


def number_on(image: np.ndarray) -> int:
    """The number that `stamped` wrote, from a decoded frame."""
    height, width = image.shape[:2]
    blocks = [image[height * 3 // 4, (2 * bit + 1) * width // (2 * BITS)].mean() > 127 for bit in range(BITS)]
    return sum(1 << (BITS - 1 - bit) for bit, white in enumerate(blocks) if white)


def clip(
    path: Path | io.BytesIO,
    count: int = 20,
    *,
    fps: int = 25,
    times: Sequence[float] | None = None,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    gop: int = 10,
    bframes: int = 0,
    options: dict[str, str] | None = None,
    file_format: str | None = None,
    file_options: dict[str, str] | None = None,
    turn: tuple[float, bool, bool] | None = None,
    aspect: Fraction | None = None,
    colours: tuple[int, int] | None = None,
    images: Sequence[np.ndarray] | None = None,
    sound: str | None = None,
    sound_seconds: float | None = None,
    rate: int = 44100,
) -> Any:
    """Write a clip and return `path`. times: seconds of each frame, count / fps if None. turn: degrees, mirrored, upside down;
    colours: AVColorSpace and AVColorRange to tell (the pixels are what `images` give, converted by FFmpeg); sound: codec of a tone.
    """
    times = [n / fps for n in range(count)] if times is None else times
    by_frames = codec in ("mpeg4", "mpeg2video", "flv") or file_format == "h264"  # these know a rate, not times
    base = Fraction(1, fps if by_frames else 90_000)
    with av.open(path if isinstance(path, io.BytesIO) else str(path), "w", format=file_format, options=file_options or {}) as out:
        settings = {**X264, "bf": str(bframes)} if codec == "libx264" else {}
        video = out.add_stream(codec, rate=fps, options={**settings, **(options or {})})
        video.width, video.height = size
        video.pix_fmt = pix_fmt
        context = video.codec_context
        context.time_base = base
        context.gop_size = gop
        context.thread_count = 1
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        if colours is not None:
            context.colorspace, context.color_range = colours
        if turn is not None:
            video.set_display_rotation(turn[0], hflip=turn[1], vflip=turn[2])
        audio = None
        if sound is not None:
            audio = out.add_stream(sound, rate=rate)
            audio.codec_context.layout = "mono"
        for number, time in enumerate(times):
            image = images[number] if images is not None else stamped(number, *size)
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            matrix = {} if colours is None else {"dst_colorspace": {1: 1, 6: 5, 9: 9, 2: 5}[colours[0]], "dst_color_range": colours[1]}
            frame = frame.reformat(format=pix_fmt, **matrix)
            frame.pts, frame.time_base = round(time / base), base
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None:
            for packet in _tone(audio, sound_seconds or times[-1] + 1 / fps, rate):
                out.mux(packet)
    return path


def _tone(stream: Any, seconds: float, rate: int) -> list[Any]:
    """A tone that rises, so that each moment sounds different."""
    at = np.arange(int(seconds * rate)) / rate
    samples = (0.3 * np.sin(2 * np.pi * (200 + 300 * at) * at)).astype(np.float32)[None]
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    return [*stream.encode(frame), *stream.encode(None)]


def sound_only(path: Path) -> Path:
    """A file without a video."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=44100)
        stream.codec_context.layout = "mono"
        for packet in _tone(stream, 0.5, 44100):
            out.mux(packet)
    return path


def damaged(path: Path, start: float, stop: float, seed: int = 1) -> Path:
    """Overwrite the bytes between two shares of a file with noise."""
    data = bytearray(path.read_bytes())
    here = slice(int(len(data) * start), int(len(data) * stop))
    data[here] = np.random.default_rng(seed).integers(0, 256, here.stop - here.start, np.uint8).tobytes()
    path.write_bytes(data)
    return path


def cut(path: Path, share: float) -> Path:
    """Keep the first part of a file's bytes."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path
