import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as Pil
from PIL import ImageOps

from mien.errors import UsageError
from mien.io.images import from_array

SIDES = st.integers(1, 9)
SHAPES = st.one_of(
    st.tuples(SIDES, SIDES),
    st.tuples(SIDES, SIDES, st.just(1)),
    st.tuples(SIDES, SIDES, st.just(3)),
)


@settings(deadline=None)
@given(st.one_of(SHAPES.flatmap(lambda shape: hnp.arrays(np.uint8, shape))))
def test_bytes_stay_what_they_are(array: np.ndarray) -> None:
    got = from_array(array)
    assert got.shape == (*array.shape[:2], 3)
    assert got.dtype == np.uint8
    assert np.array_equal(got, np.broadcast_to(array.reshape(*array.shape[:2], -1), got.shape))


@settings(deadline=None)
@given(SHAPES.flatmap(lambda shape: hnp.arrays(np.uint8, shape)), st.sampled_from([np.float32, np.float64]))
def test_floats_and_16_bits_round_trip(array: np.ndarray, kind: type) -> None:
    plain = from_array(array)
    assert np.array_equal(from_array(array.astype(kind) / kind(255)), plain)
    assert np.array_equal(from_array(array.astype(np.uint16) * 257), plain)


@settings(deadline=None)
@given(hnp.arrays(np.uint16, (5, 7)))
def test_16_bits_are_rounded(array: np.ndarray) -> None:
    assert np.abs(from_array(array)[:, :, 0] - array / 257).max() <= 0.501


@settings(deadline=None)
@given(hnp.arrays(np.uint8, (4, 5, 4)))
def test_alpha_is_laid_on_white_as_pillow_does(array: np.ndarray) -> None:
    white = Pil.new("RGBA", (5, 4), "white")
    white.alpha_composite(Pil.fromarray(array))
    assert np.abs(from_array(array).astype(int) - np.asarray(white.convert("RGB"))).max() <= 1


@settings(deadline=None)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=5)))
def test_any_shape_is_a_picture_or_a_usage_error(array: np.ndarray) -> None:
    good = array.size > 0 and (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4)))
    if good:
        assert from_array(array).shape == (*array.shape[:2], 3)
    else:
        with pytest.raises(UsageError, match="found shape"):
            from_array(array)


def test_views_become_contiguous_and_pictures_are_shared() -> None:
    array = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    assert from_array(array) is array
    flipped = from_array(array[:, ::-1])
    assert flipped.flags.c_contiguous
    assert np.array_equal(flipped, array[:, ::-1])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.full((2, 2), np.nan), "nan"),
        (np.array([[0.5, np.nan]]), "nan"),
        (np.array([[0.0, np.inf]]), r"0\.\.inf, wanted 0\.\.1"),
        (np.array([[0.0, 1.01]]), r"found float64 values 0\.\.1\.01, wanted 0\.\.1"),
        (np.array([[-0.1, 1.0]], np.float32), "found float32 values -0.1"),
        (np.zeros((2, 2), np.int32), "found int32, wanted uint8"),
        (np.zeros((2, 2), np.bool_), "found bool"),
        (np.zeros((3, 2, 2, 3), np.uint8), r"a batch: give list\(batch\)"),
        ([[1, 2]], "found list, wanted a numpy array or a PIL image"),
        (None, "found NoneType"),
    ],
)
def test_anything_else_says_what_was_wanted(value: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        from_array(value)


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBA", "LA", "PA", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "I;16", "I;16B", "RGBa", "La"]
)
def test_pil_images_of_any_mode(mode: str) -> None:
    got = from_array(Pil.new(mode, (5, 4)))
    assert got.shape == (4, 5, 3)
    assert got.dtype == np.uint8


def test_pil_images_keep_their_pixels_and_turn_upright() -> None:
    array = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    picture = Pil.fromarray(array)
    assert np.array_equal(from_array(picture), array)
    for orientation in range(1, 9):
        picture.getexif()[0x0112] = orientation
        assert np.array_equal(from_array(picture), np.asarray(ImageOps.exif_transpose(picture)))


def test_a_pil_image_whose_file_is_broken_is_a_usage_error() -> None:
    out = io.BytesIO()
    Pil.new("RGB", (50, 50)).save(out, "PNG")
    picture = Pil.open(io.BytesIO(out.getvalue()[:60]))
    with pytest.raises(UsageError, match="cannot be converted"):
        from_array(picture)
    with pytest.raises(UsageError, match="at least one"):
        from_array(Pil.new("RGB", (0, 3)))
