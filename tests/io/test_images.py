"""Pictures are made here with Pillow and OpenCV, whose own readers are the oracle."""

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pictures import encoded, scene
from PIL import Image as Pil
from PIL import ImageOps

from mien.io.formats import PILLOW, sniff
from mien.io.images import decode, read_image
from mien.io.pixels import from_any_range


def close(one: np.ndarray, other: np.ndarray, *, within: float) -> bool:
    return one.shape == other.shape and np.abs(one.astype(float) - other.astype(float)).mean() <= within


@pytest.mark.parametrize(
    ("kind", "options", "within"),
    [
        ("JPEG", {"quality": 95}, 3),
        ("JPEG", {"quality": 95, "progressive": True}, 3),
        ("PNG", {}, 0),
        ("PNG", {"icc_profile": b"not a profile"}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("WEBP", {"quality": 95}, 6),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("GIF", {}, 12),
        ("AVIF", {"quality": 95}, 4),
        ("PPM", {}, 0),
        ("JPEG2000", {}, 0),
        ("HEIF", {"quality": 95}, 4),
    ],
)
def test_every_kind_comes_back(kind: str, options: dict[str, object], within: float) -> None:
    image = scene()
    if kind == "HEIF":
        heif = pytest.importorskip("pillow_heif")
        out = io.BytesIO()
        heif.from_pillow(Pil.fromarray(image)).save(out, **options)
        data = out.getvalue()
    else:
        data = encoded(Pil.fromarray(image), kind, **options)
    assert sniff(data) in PILLOW
    got = decode(data, name="x")
    assert got.note == ""
    assert got.image.dtype == np.uint8
    assert got.image.flags.c_contiguous
    assert close(got.image, image, within=within)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_fast_way_gives_pillows_pixels(kind: str, mode: str) -> None:
    data = encoded(Pil.fromarray(scene(301, 203)).convert(mode), kind)
    assert np.array_equal(decode(data, name="x").image, np.asarray(Pil.open(io.BytesIO(data)).convert("RGB")))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation(kind: str, orientation: int) -> None:
    exif = Pil.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    data = encoded(Pil.fromarray(scene()), kind, exif=exif, **options)
    wanted = np.asarray(ImageOps.exif_transpose(Pil.open(io.BytesIO(data))))
    got = decode(data, name="x").image
    assert np.array_equal(got, wanted)
    assert got.shape == ((96, 64, 3) if orientation >= 5 else (64, 96, 3))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_exif_orientation_of_the_new_kinds(kind: str, orientation: int) -> None:
    exif = Pil.Exif()
    exif[0x0112] = orientation
    picture = Pil.fromarray(scene())
    if kind == "HEIF":  # as phones write it: the container turns the picture, and the EXIF repeats what it did
        out = io.BytesIO()
        pytest.importorskip("pillow_heif").encode("RGB", picture.size, picture.tobytes(), out, exif=exif.tobytes(), quality=95)
        data = out.getvalue()
        assert orientation == 1 or b"irot" in data or b"imir" in data
    else:
        data = encoded(picture, kind, exif=exif, quality=95)
    stored = Pil.fromarray(scene())
    stored.getexif()[0x0112] = orientation
    assert close(decode(data, name="x").image, np.asarray(ImageOps.exif_transpose(stored)), within=5)


TIFF = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'


@pytest.mark.parametrize(
    "body",
    [
        b"eXIf" + TIFF,
        b"iTXtXML:com.adobe.xmp" + b"\0" * 5 + XMP,
        b"tEXtRaw profile type exif\0\nexif\n%8d\n" % (6 + len(TIFF)) + (b"Exif\0\0" + TIFF).hex().encode() + b"\n",  # ImageMagick's way
    ],
    ids=["exif", "xmp", "text"],
)
def test_orientation_written_after_the_pixels_of_a_png(body: bytes) -> None:
    """Nothing that comes before the pixels says that it is there."""
    data = encoded(Pil.fromarray(scene()), "PNG")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    end = data.rfind(b"IEND") - 4
    assert np.array_equal(decode(data[:end] + chunk + data[end:], name="x").image, np.rot90(scene(), -1))


@pytest.mark.shared_data
@pytest.mark.parametrize("orientation", range(2, 9))
def test_shared_exif_pictures_agree(orientation: int, shared_data: Path) -> None:
    media = shared_data / "media"
    plain = read_image(media / "pyfeat_multi_face.jpg").image
    turned = read_image(media / f"derived_exif{orientation}_multi_face.jpg").image
    assert close(turned, plain, within=4)


@pytest.mark.parametrize("least_is_white", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16])
def test_deep_greys_of_which_the_least_is_white(bits: int, order: str, least_is_white: bool) -> None:
    grey = np.tile(np.arange(0, 256, 4, dtype=np.uint16), (8, 1))
    stored = ((255 - grey if least_is_white else grey) * (257 if bits == 16 else 1)).astype(f"{order}u{bits // 8}")
    tags = {256: 64, 257: 8, 258: bits, 259: 1, 262: 0 if least_is_white else 1, 273: 8, 277: 1, 278: 8, 279: stored.nbytes}
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + stored.nbytes)
    index = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in tags.items())
    data = head + stored.tobytes() + struct.pack(f"{order}H", len(tags)) + index + bytes(4)
    assert np.array_equal(decode(data, name="x").image[..., 0], grey)


@pytest.mark.parametrize("adobe", [True, False])
def test_cmyk_jpeg(adobe: bool) -> None:
    """Inverted as Adobe writes it; without Adobe's marker too, since nobody else writes CMYK."""
    image = np.zeros((32, 64, 3), np.uint8)
    image[:, :16], image[:, 16:32], image[:, 32:48], image[:, 48:] = (255, 0, 0), (0, 160, 0), (255, 255, 255), (10, 10, 60)
    data = encoded(Pil.fromarray(image).convert("CMYK"), "JPEG", quality=98)
    at = data.find(b"Adobe") - 4
    assert at > 0
    if not adobe:
        data = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
        assert b"Adobe" not in data
    assert close(decode(data, name="x").image, image, within=6)


def test_ycck_jpeg() -> None:
    """Adobe transform 2: the same file with CMY kept as YCC, made by marking what Pillow wrote."""
    data = bytearray(encoded(Pil.new("CMYK", (32, 32), (0, 0, 0, 100)), "JPEG", quality=98))
    data[data.find(b"Adobe") + 11] = 2
    assert np.array_equal(decode(bytes(data), name="x").image, np.asarray(Pil.open(io.BytesIO(bytes(data))).convert("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_is_scaled_not_clipped(kind: str) -> None:
    values = np.linspace(0, 65535, 64 * 64).round().astype(np.uint16).reshape(64, 64)
    data = encoded(Pil.fromarray(values), kind)
    got = decode(data, name="x")
    assert got.note == ""
    for channel in range(3):
        assert np.abs(got.image[:, :, channel] - values / 257).max() <= 0.51


@pytest.mark.parametrize("extension", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_colour_is_exact_to_one_level(extension: str, channels: int) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (40, 50, channels), dtype=np.uint16)
    if channels == 4:
        values[:, :, 3] = 65535
    data = cv2.imencode(extension, values)[1].tobytes()
    got = decode(data, name="x").image
    assert np.abs(got.astype(float) - values[:, :, 2::-1] / 257).max() <= 1


@pytest.mark.parametrize("big_endian", [True, False])
def test_16_bit_grey_tiff_in_both_byte_orders(big_endian: bool) -> None:
    order = ">" if big_endian else "<"
    values = np.arange(0, 65536, 1024, dtype=np.uint16).reshape(8, 8)
    tags = [(256, 4, 8), (257, 4, 8), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 200), (277, 3, 1), (278, 4, 8), (279, 4, 128)]
    data = (b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "IH", 8, len(tags))
    for tag, kind, value in tags:
        data += struct.pack(order + "HHI", tag, kind, 1) + struct.pack(order + ("HH" if kind == 3 else "I"), *((value, 0)[: 5 - kind]))
    data = data.ljust(200, b"\0") + values.astype(order + "u2").tobytes()
    assert np.abs(decode(data, name="x").image[:, :, 0] - values / 257).max() <= 0.51


def test_float_tiff() -> None:
    values = np.linspace(0, 1, 32 * 32, dtype=np.float32).reshape(32, 32)
    got = decode(encoded(Pil.fromarray(values), "TIFF"), name="x")
    assert got.note == ""
    assert np.abs(got.image[:, :, 1] - values * 255).max() <= 0.51
    got = decode(encoded(Pil.fromarray(values * 3000 - 1000), "TIFF"), name="x")
    assert got.note == "values -1000..2000 stretched to 0..255"
    assert (got.image.min(), got.image.max()) == (0, 255)


@settings(deadline=None)
@given(hnp.arrays(st.sampled_from([np.float32, np.float64, np.int32]), (3, 4)))
def test_numbers_of_any_range_become_0_to_255(values: np.ndarray) -> None:
    grey, note = from_any_range(values)
    finite = np.where(np.isfinite(values), values, 0)
    assert grey.shape == values.shape
    assert grey[finite == finite.min()].max() <= grey[finite == finite.max()].min()
    if (finite.min() < 0 or finite.max() > 65535) and finite.min() < finite.max():
        assert (grey.min(), grey.max()) == (0, 255)
        assert "stretched" in note


def test_float_colour_tiff() -> None:
    values = np.random.default_rng(0).random((20, 30, 3), dtype=np.float32)
    got = decode(cv2.imencode(".tiff", values)[1].tobytes(), name="x").image
    assert np.abs(got - values[:, :, ::-1] * 255.0).max() <= 0.51


def test_transparency_is_laid_on_white() -> None:
    image = np.zeros((4, 4, 4), np.uint8)
    image[:, 0], image[:, 1], image[:, 2], image[:, 3] = (200, 0, 0, 255), (200, 0, 0, 0), (200, 0, 0, 128), (0, 0, 0, 255)
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})):
        row = decode(encoded(Pil.fromarray(image), kind, **options), name="x").image[0].astype(int)
        assert row[0].tolist() == [200, 0, 0]
        assert row[1].tolist() == [255, 255, 255]
        assert np.abs(row[2] - [227, 127, 127]).max() <= 1
        assert row[3].tolist() == [0, 0, 0]


def test_grey_with_alpha() -> None:
    image = np.array([[[0, 255], [0, 0], [80, 255]]], np.uint8)
    assert decode(encoded(Pil.fromarray(image, "LA"), "PNG"), name="x").image[0, :, 0].tolist() == [0, 255, 80]


def test_palette_with_and_without_transparency() -> None:
    picture = Pil.new("P", (3, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.putdata([0, 1, 2])
    assert decode(encoded(picture, "PNG"), name="x").image[0].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    for kind in ("PNG", "GIF"):
        data = encoded(picture, kind, transparency=1)
        assert decode(data, name="x").image[0].tolist() == [[255, 0, 0], [255, 255, 255], [0, 0, 255]]
    data = encoded(picture, "PNG", transparency=bytes([255, 0, 128]))
    assert decode(data, name="x").image[0].tolist() == [[255, 0, 0], [255, 255, 255], [127, 127, 255]]


def test_rgb_png_with_a_transparent_colour() -> None:
    image = np.array([[[10, 20, 30], [40, 50, 60]]], np.uint8)
    data = encoded(Pil.fromarray(image), "PNG", transparency=(10, 20, 30))
    assert decode(data, name="x").image[0].tolist() == [[255, 255, 255], [40, 50, 60]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF"])
def test_one_bit(kind: str) -> None:
    bits = np.eye(9, dtype=bool)
    got = decode(encoded(Pil.fromarray(bits), kind), name="x").image
    assert np.array_equal(got[:, :, 2], bits * 255)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "AVIF"])
def test_one_pixel(kind: str) -> None:
    assert decode(encoded(Pil.new("RGB", (1, 1), (90, 90, 90)), kind), name="x").image.shape == (1, 1, 3)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_the_first_of_several(kind: str) -> None:
    pages = [Pil.new("RGB", (8, 6), colour) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(pages[0], kind, save_all=True, append_images=pages[1:], **options)
    decoded = decode(data, name="x")
    assert decoded.image[3, 3].tolist() == [255, 0, 0]
    page, how = ("page", "files of their own") if kind == "TIFF" else ("frame", "convert it to a video, such as mp4")
    assert f"only the first of 3 {page}s is read" in decoded.note
    assert how in decoded.note


def test_a_cut_animation_tells_both() -> None:
    pages = [Pil.effect_noise((60, 60), 50 + n) for n in range(3)]
    data = encoded(pages[0], "GIF", save_all=True, append_images=pages[1:])
    assert "first of 3 frames" in decode(data, name="x").note
    cut = decode(data[: len(data) // 2], name="x")
    assert "first of 2 frames" in cut.note
    first = decode(data[: len(data) // 6], name="x")
    assert "cut short" in first.note
    assert "first of" not in first.note


def test_frames_of_a_huge_file_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.io.images.COUNTED_BYTES", 10)
    pages = [Pil.new("L", (8, 6), grey) for grey in (0, 99)]
    assert "the first of several frames" in decode(encoded(pages[0], "GIF", save_all=True, append_images=pages[1:]), name="x").note


def test_lab_tiff() -> None:
    picture = Pil.merge("LAB", [Pil.new("L", (4, 4), value) for value in (255, 128, 128)])
    assert decode(encoded(picture, "TIFF"), name="x").image.min() > 240


def test_the_kind_comes_from_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "really a png.jpg"
    path.write_bytes(encoded(Pil.fromarray(scene()), "PNG"))
    assert np.array_equal(read_image(path).image, scene())


def test_16_bit_grey_png_with_a_transparent_value() -> None:
    grey = np.full((8, 8), 20_000, np.uint16)
    grey[:2] = 1234
    out = io.BytesIO()
    Pil.fromarray(grey).save(out, "PNG", transparency=1234)
    image = decode(out.getvalue(), name="x").image
    assert (image[:2] == 255).all()
    assert (image[2:] == 78).all()
