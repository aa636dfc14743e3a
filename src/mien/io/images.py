"""Any picture -> uint8 (H, W, 3) RGB, upright.

Pillow reads every header and the odd kinds; plain 8-bit JPEG, PNG and WebP are decoded by OpenCV, which gives the same
pixels in about two thirds of the time (12 megapixel JPEG: 53 against 89 ms; WebP: 90 against 204; PNG: 238 against 302).
Any number of threads may decode at once. Damaged files are told of by an error or a note; what libjpeg, libpng and libtiff
print to stderr on some of them (`Corrupt JPEG data ...`) cannot be stopped from here, but OpenCV's own log lines and Pillow's
Python warnings are turned off: two process-wide settings, made with the first picture.
"""

from __future__ import annotations

import functools
import importlib
import io
import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from mien.errors import SourceMissing, SourceTooLarge, SourceUnreadable, UsageError, install
from mien.io import formats, near_misses, pixels
from mien.io.jpeg_passes import has_all_passes, has_more_passes
from mien.io.names import shortened
from mien.types import Image, check_numbers

if TYPE_CHECKING:
    import PIL.Image
    import PIL.ImageFile


MOST_PASSES = 100
"""Of a progressive JPEG; each takes as long as decoding a picture of one."""


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """How large a picture may be. Checked against the header, before any pixel is decoded."""

    max_pixels: int = 144_000_000
    """Width times height; the default is 12,000 x 12,000 = 144 megapixels, 432 MB decoded."""
    max_side: int = 12_000
    """Width and height, pixels."""
    max_bytes: int = 1_200_000_000
    """The encoded file; the default holds 12,000 x 12,000 pixels of 16-bit RGBA, uncompressed."""

    def __post_init__(self) -> None:
        check_numbers(self, ("max_pixels", "max_side", "max_bytes"))
        for name in ("max_pixels", "max_side", "max_bytes"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}: found {getattr(self, name)}, wanted 1 or more")

    def check(self, width: int, height: int, *, name: str) -> None:
        """Raise SourceTooLarge if the picture is over a limit, SourceUnreadable if it has no pixels."""
        if width < 1 or height < 1:
            raise SourceUnreadable(f"{name}: the header says {width} x {height} pixels, so there is no picture")
        if max(width, height) > self.max_side or width * height > self.max_pixels:
            raise SourceTooLarge(
                f"{name}: {width} x {height} pixels, the limit is {self.max_side} a side and {self.max_pixels} in all; "
                "make it smaller, or raise them (--max-side, --max-pixels; max_side, max_pixels)"
            )


DEFAULT_LIMITS = ImageLimits()
COUNTED_BYTES = 16_000_000
"""GIF and TIFF files up to this are walked through to count their frames; a larger one only as far as the second."""


JPEG_END = b"\xff\xd9"
FILLINGS = (b"", bytes(64), b"\x55" * 64)
"""What a JPEG is continued with to see whether pixels are lost. libjpeg itself goes on with zeros, so that one would not do."""


class IsVideo(SourceUnreadable):
    """A video by its first bytes, where a picture was wanted."""


class IsOther(SourceUnreadable):
    """Neither a picture nor a video by its first bytes."""


class IsDamaged(SourceUnreadable):
    """A picture of which a part is lost, where a whole one was wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A decoded picture and what to know about it."""

    image: Image
    """uint8 (H, W, 3), RGB, upright."""
    note: str = ""
    """One line if the file is truncated or damaged, has more frames, or its range of values was guessed; else empty."""
    damage: str = ""
    """How the file is truncated or damaged; empty for a whole one."""


def decode(data: bytes, *, name: str, limits: ImageLimits = DEFAULT_LIMITS) -> Decoded:
    """Decode one encoded picture, whatever its kind; of several pages or frames the first, with a note.

    EXIF orientation is applied, transparency laid on white, 16-bit values scaled to 8 bits. Of a file cut short or
    damaged, what can be decoded is given, with a note. What has a colour profile becomes sRGB (16-bit grey does not).

    Args:
        data: the encoded file.
        name: what to call it in messages.
        limits: the largest picture to decode.

    Raises:
        SourceUnreadable: not a picture, or nothing of it can be decoded.
        IsVideo, IsOther: a SourceUnreadable, for a video and for what is neither.
        SourceTooLarge: over a limit; found from the header, nothing is decoded.
    """
    if len(data) > limits.max_bytes:
        raise SourceTooLarge(f"{name}: {len(data)} bytes, the limit is {limits.max_bytes}; raise it (--max-bytes, max_bytes)")
    kind = _kind(data, name)
    _quiet_pillow()
    if kind == "JPEG" and has_more_passes(data, MOST_PASSES):
        raise SourceTooLarge(f"{name}: a JPEG of more than {MOST_PASSES} passes over the picture; others have about ten")
    if kind == "WebP" and (size := formats.webp_size(data)) is not None:
        limits.check(*size, name=name)
    try:
        picture = _open(kind, data)
    except ImportError as error:
        raise SourceUnreadable(_needs(kind, name)) from error
    except Exception as error:  # Pillow's readers raise many things on hostile bytes; each becomes one line, none is hidden
        if "unknown pixel mode" in str(error) and (rescued := _tiff_by_opencv(data, name, limits)) is not None:
            return rescued
        raise SourceUnreadable(f"{name}: {formats.with_article(kind)} file whose header cannot be used ({_why(error)})") from error
    limits.check(*picture.size, name=name)
    if kind == "TIFF":
        _give_memory(picture, name, limits)
    if _plain(kind, picture, data) and (image := _decode_plain(data)) is not None and image.shape[1::-1] == picture.size:
        # A PNG that is plain has no profile and tells no orientation; to ask Pillow would decode it once more.
        return Decoded(image if kind == "PNG" else pixels.upright(pixels.in_srgb(image, picture), pixels.orientation_of(picture)))
    return _decode_any(kind, picture, data, name)


def decode_whole(data: bytes, *, name: str, limits: ImageLimits = DEFAULT_LIMITS) -> Decoded:
    """Like `decode`, but a file of which pixels are lost is refused, for half a face teaches nothing. Raises IsDamaged, and what it raises.

    A JPEG that lacks its end marker alone, as some cameras and loaders write them, is whole.
    """
    decoded = decode(data, name=name, limits=limits)
    if decoded.damage and formats.sniff(data) == "JPEG" and _lacks_only_its_end(data):
        return Decoded(decoded.image)
    if decoded.damage:
        raise IsDamaged(f"{name}: the file is cut short or damaged ({decoded.damage})")
    return decoded


def read_image(path: Path | str, limits: ImageLimits = DEFAULT_LIMITS) -> Decoded:
    """Read and decode one picture file. Raises what `decode` raises (IsVideo too), and SourceMissing if there is no such file."""
    name = shortened(str(path))
    try:
        with Path(path).open("rb") as file:
            if formats.sniff(file.peek(formats.HEAD)[: formats.HEAD]) == formats.VIDEO:  # before it is read as a whole
                raise IsVideo(f"{name}: a video (or sound), wanted a picture ({formats.KINDS})")
            data = read_bytes(file, name=name, limits=limits)
    except FileNotFoundError as error:
        raise SourceMissing(f"{name}: no such file") from error
    except IsADirectoryError as error:
        raise SourceUnreadable(f"{name}: a folder, wanted a picture file") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise SourceUnreadable(f"{name}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    return decode(data, name=name, limits=limits)


def read_bytes(stream: BinaryIO, *, name: str, limits: ImageLimits = DEFAULT_LIMITS) -> bytes:
    """All bytes of a stream, or SourceTooLarge as soon as there are more than `limits.max_bytes` (/dev/zero never ends).

    UsageError for a stream that gives something else, such as text.
    """
    parts = []
    left = limits.max_bytes
    while part := stream.read(min(left + 1, 1 << 24)):
        if not isinstance(part, bytes | bytearray | memoryview):
            raise UsageError(f"{name}: its read() gave {type(part).__name__}, wanted bytes; open the file as 'rb'")
        parts.append(part)
        left -= len(part)
        if left < 0:
            raise SourceTooLarge(f"{name}: more than {limits.max_bytes} bytes, which is the limit; raise it (--max-bytes, max_bytes)")
    return b"".join(parts)


def from_array(value: Any, *, name: str = "picture", wanted: str = "a numpy array or a PIL image") -> Image:
    """A numpy array or PIL image -> uint8 (H, W, 3) RGB, contiguous; shares memory with an array that is that already.

    Args:
        value: array (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA; uint8, uint16 (0..65535) or float (0..1).
            Or a PIL image of any mode; its EXIF orientation and colour profile are applied. Transparency is laid on white.
        name: what to call it in messages.
        wanted: what may be given, for the message about something else.

    Raises:
        UsageError: anything else; the message says what was found, what was wanted and, where that is known, how the one becomes the other.
    """
    if is_pil(value):
        return _from_pil(value, name)
    if not isinstance(value, np.ndarray):
        raise _no_picture(name, near_misses.told(value), wanted, value)
    shape = value.shape
    if value.ndim not in (2, 3) or (value.ndim == 3 and shape[2] not in near_misses.CHANNELS) or value.size == 0:
        raise _no_picture(name, f"shape {shape}", "(height, width) or (height, width, 1, 3 or 4), RGB or RGBA", value)
    if value.dtype == np.uint16:
        value = pixels.from_16_bits(value)
    elif np.issubdtype(value.dtype, np.floating):
        low, high = float(value.min()), float(value.max())  # NaN if there is one, and then the comparison fails
        if not (low >= 0 and high <= 1):
            raise UsageError(f"{name}: found {value.dtype} values {low:g}..{high:g}, wanted 0..1; divide, or convert to uint8")
        value = np.rint(value.astype(np.float64) * 255).astype(np.uint8)
    elif value.dtype != np.uint8:
        raise _no_picture(name, str(value.dtype), "uint8, uint16 or float 0..1", value)
    if value.ndim == 2 or shape[2] == 1:
        return pixels.stacked(value.reshape(shape[:2]))
    return pixels.blended(value) if shape[2] == 4 else np.ascontiguousarray(value)


def is_pil(value: Any) -> bool:
    """Whether `value` is a PIL image, found out without importing Pillow: without it loaded there is none.

    Half loaded, by a thread that reads another input, it has no class yet, and there can be no image either.
    """
    kind = getattr(sys.modules.get("PIL.Image"), "Image", None)
    return kind is not None and isinstance(value, kind)


def _no_picture(name: str, found: str, wanted: str, value: Any) -> UsageError:
    hint = near_misses.hint(value)
    return UsageError(f"{name}: found {found}, wanted {wanted}{f'; {hint}' if hint else ''}")


def _from_pil(picture: PIL.Image.Image, name: str) -> Image:
    if 0 in picture.size:
        raise UsageError(f"{name}: found a PIL image of {picture.size} pixels, wanted at least one")
    _quiet_pillow()
    try:
        picture.load()
        return pixels.upright(pixels.rgb8(picture)[0], pixels.orientation_of(picture))
    except (OSError, ValueError, SyntaxError) as error:
        raise UsageError(f"{name}: a PIL image of mode {picture.mode} that cannot be converted to RGB ({_why(error)})") from error


def _kind(data: bytes, name: str) -> str:
    kind = formats.sniff(data)
    if kind == formats.VIDEO:
        raise IsVideo(f"{name}: a video (or sound), wanted a picture ({formats.KINDS})")
    if kind is None:
        found = f"{len(data)} bytes of another kind" if data else "an empty file"
        raise IsOther(f"{name}: {found}, wanted a picture ({formats.KINDS})")
    return kind


def _needs(kind: str, name: str) -> str:
    if kind == "HEIC":
        return f"{name}: a HEIC picture; to read them: {install('heic')}"
    return f"{name}: {kind} pictures need a Pillow built with them; pip install --upgrade pillow"


def _why(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _open(kind: str, data: bytes) -> PIL.ImageFile.ImageFile:
    """Read the header. ImportError if the decoder is not installed."""
    if kind in ("AVIF", "WebP", "JPEG 2000"):
        from PIL import features

        feature = {"AVIF": "avif", "WebP": "webp", "JPEG 2000": "jpg_2000"}[kind]
        if feature not in features.get_supported():
            raise ImportError(feature)
    module, opener = formats.PILLOW[kind]
    picture: PIL.ImageFile.ImageFile = getattr(importlib.import_module(module), opener)(io.BytesIO(data), "")
    return picture


def _give_memory(picture: PIL.ImageFile.ImageFile, name: str, limits: ImageLimits) -> None:
    """Allocate a TIFF's pixels here: Pillow would first hold its tiles, which may be larger than the picture, against its own limit."""
    from PIL import Image as Pil

    size: tuple[int, int] = getattr(picture, "_tile_size", picture.size)
    limits.check(*size, name=name)
    try:
        picture.im = Pil.new(picture.mode, size).im
    except (ValueError, MemoryError) as error:
        raise SourceUnreadable(f"{name}: a TIFF file that cannot be decoded ({_why(error)})") from error


_PNG_ORIENTATION = (b"eXIf", b"Raw profile type exif", b"com.adobe.xmp")
"""Any of them may tell a PNG's orientation."""


def _plain(kind: str, picture: PIL.ImageFile.ImageFile, data: bytes) -> bool:
    """Whether OpenCV gives the same pixels as Pillow, and its libraries print nothing to stderr when the file is whole."""
    if picture.mode not in ("L", "RGB") or getattr(picture, "is_animated", False):
        return False
    if kind == "JPEG":
        return formats.jpeg_is_whole(data)
    if kind == "WebP":
        return 8 + int.from_bytes(data[4:8], "little") <= len(data)
    if kind == "PNG":
        eight_bits = data[24] == 8
        # Orientation may stand after the pixels, where only a full read by Pillow finds it; profiles make libpng talk.
        odd = "transparency" in picture.info or "icc_profile" in picture.info or any(told in data for told in _PNG_ORIENTATION)
        return eight_bits and not odd and data.rfind(b"IEND") > 0
    return False


_no_remarks: Any = None


def _quiet_pillow() -> None:
    """Ignore Pillow's warnings on odd metadata. Not with `warnings.catch_warnings`, which mixes up the filters of threads."""
    global _no_remarks
    if _no_remarks not in warnings.filters:  # whoever resets the filters takes it away
        warnings.filterwarnings("ignore", category=UserWarning, module=r"(PIL|pillow_heif)\.")
        _no_remarks = warnings.filters[0]


@functools.cache
def opencv() -> Any:
    """OpenCV, silenced unless the environment says how much it is to log."""
    import cv2

    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2


def _decode_plain(data: bytes) -> Image | None:
    cv2 = opencv()
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:  # over OpenCV's own limits; Pillow has a try
        return None
    return None if decoded is None else np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB, dst=decoded), dtype=np.uint8)


def _decode_any(kind: str, picture: PIL.ImageFile.ImageFile, data: bytes, name: str) -> Decoded:
    damage = ""
    try:
        try:
            picture.load()
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            damage = _why(error)
            picture = _salvaged(kind, picture, data)
        image, range_note = pixels.rgb8(picture)
    except Exception as error:  # see decode
        raise SourceUnreadable(f"{name}: {formats.with_article(kind)} file that cannot be decoded ({_why(error)})") from error
    if damage and image.min() == image.max():
        raise SourceUnreadable(f"{name}: {formats.with_article(kind)} file cut short or damaged before its first pixels")
    image = pixels.upright(image, pixels.orientation_of(picture))
    note = f"the file is cut short or damaged ({damage}); what could be decoded is used" if damage else range_note
    return Decoded(image, "; ".join(filter(None, (note, _more_frames(kind, picture, len(data))))), damage)


def _more_frames(kind: str, picture: PIL.ImageFile.ImageFile, size: int) -> str:
    """A line on the frames that are not read, empty if there are none. The last to be done: counting moves through the file."""
    try:
        if not getattr(picture, "is_animated", False):
            return ""
        scanned = kind in ("GIF", "TIFF")
        many = "several" if scanned and size > COUNTED_BYTES else str(getattr(picture, "n_frames", "several"))
    except Exception:  # see decode
        return ""
    if kind == "TIFF":
        return f"only the first of {many} pages is read; for the others save them as files of their own"
    return f"only the first of {many} frames is read; for all of them convert it to a video, such as mp4"


def _salvaged(kind: str, picture: PIL.ImageFile.ImageFile, data: bytes) -> PIL.ImageFile.ImageFile:
    """The part of a broken picture that was decoded. Not by Pillow's LOAD_TRUNCATED_IMAGES, which is one switch for all threads."""
    if kind == "JPEG":  # with an end marker, libjpeg fills what is missing, also in progressive files, where passes are missing
        picture = _open(kind, data + JPEG_END)
        picture.load()
    else:
        picture.tile = []  # nothing left to load: keep the rows there are
    return picture


def _lacks_only_its_end(data: bytes) -> bool:
    """Whether a JPEG that was cut short has all of its pixels: then they are the same, whatever follows its last pass."""
    data = data.removesuffix(JPEG_END[:1])  # half of the marker; with what follows it would be another
    try:
        if not has_all_passes(data):
            return False
        first, *others = (np.asarray(_open("JPEG", data + filling + JPEG_END)) for filling in FILLINGS)
    except Exception:  # see decode
        return False
    return all(np.array_equal(first, other) for other in others)


def _tiff_by_opencv(data: bytes, name: str, limits: ImageLimits) -> Decoded | None:
    """TIFFs that Pillow has no mode for, such as RGB in floats and some deep greys."""
    tags = formats.tiff_tags(data)
    if not {formats.WIDTH, formats.HEIGHT} <= tags.keys():
        return None
    limits.check(tags[formats.WIDTH], tags[formats.HEIGHT], name=name)
    cv2 = opencv()
    try:
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if values is None or (values.ndim == 3 and values.shape[2] not in (3, 4)):
        return None
    if values.dtype == np.uint16:
        image, note = pixels.from_16_bits(values), ""
    elif values.dtype == np.uint8:
        image, note = np.asarray(values, dtype=np.uint8), ""
    else:
        image, note = pixels.from_any_range(values)
    if image.ndim == 2:
        return Decoded(pixels.stacked(255 - image if tags.get(formats.MEANING) == 0 else image), note)
    to_rgb = cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return Decoded(from_array(np.asarray(cv2.cvtColor(image, to_rgb), dtype=np.uint8)), note)
