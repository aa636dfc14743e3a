"""Values that are nearly pictures: doing as the message says has to give the picture."""

import numpy as np
import pytest
from PIL import Image as Pil

from mien.errors import UsageError
from mien.io.images import from_array
from mien.io.near_misses import dark_note, hint, shape_of, told

IMAGE = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)


class Tensor:
    """As much of PyTorch's as a hint asks for."""

    def __init__(self, values: np.ndarray) -> None:
        self._values = values
        self.shape = values.shape

    def __iter__(self):
        return (Tensor(row) for row in self._values)

    def permute(self, *axes: int) -> "Tensor":
        return Tensor(self._values.transpose(axes))

    def numpy(self) -> np.ndarray:
        return self._values


class Lazy:
    """An array of some other library, which NumPy can read."""

    def __init__(self, values: np.ndarray) -> None:
        self._values = values
        self.shape = values.shape

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self._values

    def __iter__(self):
        return (Lazy(row) for row in self._values)


CHW, BATCH = IMAGE.transpose(2, 0, 1), np.stack([IMAGE, IMAGE])


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (CHW, "array.transpose(1, 2, 0)"),
        (CHW / 255, "array.transpose(1, 2, 0)"),
        (IMAGE.astype(np.int64), "array.astype(np.uint8)"),
        (IMAGE.astype(np.int32), "array.astype(np.uint8)"),
        (BATCH, "list(batch)"),
        (BATCH.transpose(0, 3, 1, 2), "[one.transpose(1, 2, 0) for one in batch]"),
        (Tensor(IMAGE), "tensor.numpy()"),
        (Tensor(CHW), "tensor.permute(1, 2, 0).numpy()"),
        (Tensor(BATCH), "[one.numpy() for one in batch]"),
        (Tensor(BATCH.transpose(0, 3, 1, 2)), "[one.permute(1, 2, 0).numpy() for one in batch]"),
        (Lazy(IMAGE), "numpy.asarray(it)"),
        (Lazy(CHW), "numpy.asarray(it).transpose(1, 2, 0)"),
        (Lazy(BATCH), "[numpy.asarray(one) for one in batch]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_doing_what_the_error_says_gives_the_picture(value: object, advice: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_array(value)
    assert advice in str(caught.value)
    given = dict.fromkeys(("array", "batch", "tensor", "it"), value)
    become = eval(advice, {"np": np, "numpy": np, **given})
    for one in become if isinstance(become, list) else [become]:
        assert np.array_equal(from_array(one), IMAGE)


def test_masks_are_scaled_by_what_the_error_says() -> None:
    mask = IMAGE > 128
    with pytest.raises(UsageError, match=r"use array\.astype\(np\.uint8\) \* 255"):
        from_array(mask)
    assert set(np.unique(from_array(mask.astype(np.uint8) * 255))) == {0, 255}


@pytest.mark.parametrize(
    ("value", "found", "how"),
    [
        ({"a": 1}, "dict", "list(d.values())"),
        ([IMAGE], "list", "as one list"),
        (np.array(["a.png"]), "ndarray of shape (1,)", "as one list"),
        (float("nan"), "float nan", ""),
        (np.float64(3), "float64 3.0", ""),
        (None, "NoneType", ""),
        (object(), "object", ""),
    ],
)
def test_what_is_found_and_how_it_is_given(value: object, found: str, how: str) -> None:
    assert told(value) == found
    assert how in hint(value)
    assert bool(hint(value)) == bool(how)


def test_tables_and_columns_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"path": ["a.png", "b.png"]})
    assert told(table) == "DataFrame of shape (2, 1)"
    assert hint(table) == "of a table give a column: df['path']"
    assert shape_of(table["path"]) == (2,)


def test_what_has_a_shape_of_its_own_kind_has_none() -> None:
    class Drawing:
        shape = 3

    assert shape_of(Drawing()) is None
    assert shape_of(3) is None
    assert shape_of(np.zeros((2, 3))) == (2, 3)


@pytest.mark.parametrize(
    "values", [(IMAGE / 255).astype(np.uint8) | (IMAGE > 200), IMAGE / 255 / 255, (IMAGE > 9).astype(np.uint16) * 200], ids=str
)
def test_values_divided_twice_are_noted(values: np.ndarray) -> None:
    assert dark_note(from_array(values)).startswith("no value is above 1 of 255")


@pytest.mark.parametrize("values", [IMAGE, IMAGE * 0, IMAGE // 128 * 2, Pil.new("1", (5, 4), 1)], ids=["any", "all 0", "0 and 2", "1 bit"])
def test_dark_pictures_are_no_mistake(values: np.ndarray | Pil.Image) -> None:
    assert dark_note(from_array(values)) == ""


def test_one_bright_pixel_anywhere_is_enough() -> None:
    image = np.ones((6, 9, 3), np.uint8)
    image[0, 8, 2] = 2
    assert dark_note(image) == ""
