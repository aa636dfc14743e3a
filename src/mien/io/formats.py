"""Which kind of file some bytes are, and the little that must be known of them before a decoder sees them.

The kind comes from the first bytes, never from the file's name: a PNG called photo.jpg is a PNG.
"""

from __future__ import annotations

import struct

KINDS = "JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF, JPEG 2000, PNM and, with mien[heic], HEIC"
"""The pictures mien reads, as messages name them."""

HEAD = 512
"""Bytes from the start of a file that tell its kind."""

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif")
) | frozenset((".heic", ".heif", ".hif", ".avif", ".jp2", ".ppm", ".pgm", ".pbm", ".pnm"))
"""Files taken from folders and patterns, lower case. A file named outright is tried whatever it is called."""

VIDEO_SUFFIXES = frozenset(
    (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".mts", ".m2ts", ".wmv", ".asf", ".flv", ".f4v", ".3gp", ".3g2")
) | frozenset((".ogv", ".vob", ".mxf", ".divx"))
"""Videos taken from folders and patterns, lower case. Not .ts, which in most folders is a program."""

VIDEO = "video"

# Kind -> Pillow module and class. The class is called directly, not through Image.open: that would apply Pillow's own
# process-wide pixel limit (as a warning, then an error) and would offer the bytes to every plug-in there is.
PILLOW = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WebP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "HEIC": ("pillow_heif.as_plugin", "HeifImageFile"),
    "JPEG 2000": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    "PNM": ("PIL.PpmImagePlugin", "PpmImageFile"),
}

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\x1a\x45\xdf\xa3", VIDEO),  # Matroska, WebM
    (b"FLV\x01", VIDEO),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", VIDEO),  # ASF, WMV
    (b"OggS", VIDEO),
    (b"\0\0\x01\xba", VIDEO),  # MPEG program stream
    (b"\0\0\x01\xb3", VIDEO),  # MPEG video
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02", VIDEO),  # MXF
)
_QUICKTIME = frozenset((b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))
"""What a QuickTime film older than brands begins with."""
_TRANSPORT = ((0, 188), (4, 192))
"""Offset and distance of the sync bytes of an MPEG transport stream, as broadcast and as cameras store it."""
_HEIC_BRANDS = frozenset((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis"))
_AVIF_BRANDS = frozenset((b"avif", b"avis"))


def sniff(data: bytes) -> str | None:
    """Kind of file by its first bytes, best HEAD or more of them: a key of `PILLOW`, `VIDEO`, or None for anything else."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF":
        return {b"WEBP": "WebP", b"AVI ": VIDEO}.get(data[8:12])
    if data[4:8] == b"ftyp":
        return _iso_media(data)
    if data[4:8] in _QUICKTIME and data[:1] == b"\0":
        return VIDEO
    if any(data[at : at + 1] == data[at + step : at + step + 1] == b"\x47" for at, step in _TRANSPORT):
        return VIDEO
    if data[:1] == b"P" and data[1:2] in b"123456" and data[2:3].isspace():
        return "PNM"
    return None


def with_article(kind: str) -> str:
    """`a JPEG`, `an AVIF`."""
    return f"{'an' if kind == 'AVIF' else 'a'} {kind}"


def _iso_media(data: bytes) -> str:
    """HEIC, AVIF and MP4 share one container; the brands tell them apart, the first being the file's own choice."""
    end = min(int.from_bytes(data[:4], "big"), len(data), 256)
    brands = [data[8:12], *(data[i : i + 4] for i in range(16, end, 4))]
    for brand in brands:
        if brand in _HEIC_BRANDS:
            return "HEIC"
        if brand in _AVIF_BRANDS:
            return "AVIF"
    return "HEIC" if {b"mif1", b"msf1"} & set(brands) else VIDEO


def jpeg_is_whole(data: bytes) -> bool:
    """Whether a JPEG's end marker follows its pixels; looking for it anywhere would find the end of an embedded thumbnail."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker == 0xDA:
            return data.find(b"\xff\xd9", at) >= 0
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False


def webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height from a WebP's header, read here because opening it with a decoder already allocates its canvas."""
    chunk = data[12:16]
    if len(data) < 30:
        return None
    if chunk == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


WIDTH, HEIGHT, MEANING = 256, 257, 262
"""Tags of a TIFF; of MEANING 0 is: the least value is white."""


def tiff_tags(data: bytes) -> dict[int, int]:
    """WIDTH, HEIGHT and MEANING of a TIFF's first page, those it has: for the kinds (float RGB ...) whose header Pillow refuses."""
    order = "<" if data[:2] == b"II" else ">"
    found: dict[int, int] = {}
    try:
        (at,) = struct.unpack_from(order + "I", data, 4)
        (entries,) = struct.unpack_from(order + "H", data, at)
        for entry in range(entries):
            tag, kind = struct.unpack_from(order + "HH", data, at + 2 + 12 * entry)
            if tag in (WIDTH, HEIGHT, MEANING):
                (found[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, at + 10 + 12 * entry)
    except struct.error:
        return {}
    return found
