"""Recipes: the numbers of the projects they come from, and what each operation does, against NumPy."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.cli.main import main
from mien.data.contact import contact_sheet, recipe_sheet, wrapped
from mien.data.recipes import _PIXELS, MIRROR, MOVES, OPERATIONS, RECIPES, Recipe, Step, apply, move, moved, recipe
from mien.errors import UnknownName, UsageError
from mien.vision.fonts import text_width


def picture(height: int = 24, width: int = 24, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def only(operation: str, low: float = 0, high: float | None = None, **more: object) -> Recipe:
    return Recipe("one", "", (Step(operation, low, low if high is None else high, **more),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("r0", {"brighten": (-0.3, 0.3), "contrast": (0.7, 1.3), "mirror": None, "rotate": (-54, 54), "zoom": (1 / 1.2, 1 / 0.8)}),
        ("r0-r2", {"rotate": (-15, 15), "mirror": None, "light": (0.5, 1.5), "shear": (-0.1, 0.1), "zoom": (0.9, 1.1)}),
        ("r3", {"rotate": (-10, 10), "zoom": (0.8, 1.2), "shift_x": (-0.1, 0.1), "shift_y": (-0.1, 0.1), "mirror": None}),
        ("r4", {"mirror": None, "rotate": (-25, 25), "blur": (0, 3)}),
    ],
)
def test_numbers_are_those_of_the_requirement(name, numbers):
    steps = {step.operation: step for step in RECIPES[name].steps}
    assert set(steps) == set(numbers)
    for operation, span in numbers.items():
        if span is None:
            assert steps[operation].chance == 0.5
        else:
            assert (steps[operation].low, steps[operation].high) == pytest.approx(span)
            assert steps[operation].chance == 1


@pytest.mark.parametrize("name", RECIPES)
def test_the_same_seed_gives_the_same_pixels_and_the_picture_is_left_alone(name):
    image = picture(40, 30)
    before = image.copy()
    first = [apply(name, image, np.random.default_rng(5)) for _ in range(2)]
    assert np.array_equal(*first)
    assert first[0].shape == image.shape
    assert first[0].dtype == np.uint8
    assert np.array_equal(image, before)
    others = [apply(name, image, np.random.default_rng(seed)) for seed in range(6)]
    assert len({other.tobytes() for other in others}) == 6
    assert RECIPES[name](image, np.random.default_rng(5)).tobytes() == first[0].tobytes()


@pytest.mark.parametrize("name", RECIPES)
def test_grey_stays_grey(name):
    image = np.repeat(picture()[..., :1], 3, axis=2)
    for seed in range(12):
        made = apply(name, image, np.random.default_rng(seed))
        assert (made == made[..., :1]).all()


def test_a_recipe_that_does_nothing_gives_an_equal_picture_of_its_own():
    image = picture()
    made = apply(only("mirror", chance=0), image, np.random.default_rng(0))
    assert np.array_equal(made, image)
    assert made is not image


@pytest.mark.parametrize(
    "step", [Step("rotate", -25, 25), Step("zoom", 0.8, 1.25), Step("rotate", -25, 25, spread=8), Step("zoom", 0.78, 1.28, spread=0.5)]
)
def test_values_fill_the_range_and_stay_in_it(step):
    rng = np.random.default_rng(0)
    drawn = np.array([step.draw(rng) for _ in range(1500)], float)
    assert step.low <= drawn.min()
    assert drawn.max() <= step.high
    if not step.spread:
        assert np.ptp(drawn) > 0.98 * (step.high - step.low)
    elif step.operation == "rotate":
        assert drawn.std() == pytest.approx(8, rel=0.1)
    else:
        assert np.median(drawn) == pytest.approx(1, abs=0.05)


def test_chance_is_a_share_and_draws_are_taken_either_way():
    rng = np.random.default_rng(1)
    happened = [MIRROR.draw(rng) is not None for _ in range(2000)]
    assert np.mean(happened) == pytest.approx(0.5, abs=0.04)
    states = []
    for chance in (0.0, 1.0):
        rng = np.random.default_rng(2)
        apply(only("noise", 5, chance=chance), picture(), rng)
        states.append(rng.random())
    assert states[0] == states[1]


def test_moves_against_numpy():
    image = picture(20, 20)
    assert np.array_equal(moved(image, move("mirror", 0, 20, 20)), image[:, ::-1])
    assert np.array_equal(moved(image, move("rotate", 90, 20, 20)), np.rot90(image))
    right = moved(image, move("shift_x", 0.1, 20, 20))
    assert np.array_equal(right[:, 2:], image[:, :-2])
    assert np.array_equal(right[:, :2], np.repeat(image[:, :1], 2, axis=1))
    down = moved(image, move("shift_y", 0.1, 20, 20), border="reflect")
    assert np.array_equal(down[2:], image[:-2])
    assert np.array_equal(down[:2], image[1::-1])


@pytest.mark.parametrize(
    ("operation", "value", "point", "there"),
    [
        ("zoom", 2, (15, 10), (20, 10)),
        ("zoom_x", 2, (15, 12), (20, 12)),
        ("zoom_y", 2, (15, 12), (15, 14)),
        ("shear", 0.1, (10, 0), (9, 0)),
        ("rotate", 90, (20, 10), (10, 0)),  # counter-clockwise: the right end goes up
        ("mirror", 0, (3, 4), (17, 4)),
        ("shift_y", 0.25, (3, 4), (3, 9)),
    ],
)
def test_where_a_point_goes(operation, value, point, there):
    assert (move(operation, value, 20, 20) @ (*point, 1))[:2] == pytest.approx(there)


def test_several_moves_are_one_warp():
    """Turned there and back, only a single warp gives the picture itself."""
    there_and_back = Recipe(
        "back", "", (Step("rotate", 33, 33), Step("shift_x", 0.21, 0.21), Step("shift_x", -0.21, -0.21), Step("rotate", -33, -33))
    )
    image = picture()
    assert np.abs(apply(there_and_back, image, np.random.default_rng(0)).astype(int) - image).max() <= 1


def test_pixels_against_numpy():
    image = picture(30, 30)
    rng = np.random.default_rng(0)
    values = image.astype(float)
    assert np.array_equal(apply(only("brighten", 0.1), image, rng), np.clip(np.rint(values + 25.5), 0, 255))
    assert np.array_equal(apply(only("light", 1.5), image, rng), np.clip(np.rint(values * 1.5), 0, 255))
    mean = values.mean(axis=(0, 1))
    assert np.array_equal(apply(only("contrast", 0.7), image, rng), np.clip(np.rint((values - mean) * 0.7 + mean), 0, 255))
    assert np.array_equal(apply(only("gamma", 2), image, rng), np.rint(255 * (values / 255) ** 2))
    assert np.array_equal(apply(only("blur", 0), image, rng), image)
    assert apply(only("blur", 3), image, rng).std() < image.std() / 4
    assert apply(only("blur_share", 0.1), image, rng).std() < image.std() / 4
    assert apply(only("coarsen", 0.25), image, rng).std() < image.std() / 2
    flat = np.full((60, 60, 3), 128, np.uint8)
    noise = apply(only("noise", 10), flat, rng).astype(float)
    assert noise.std() == pytest.approx(10, rel=0.1)
    slope = apply(only("slope", 50), flat, rng).astype(int)
    assert (slope.min(), slope.max()) == (78, 178)
    cover = apply(only("cover", 0.5), flat, rng)
    assert (cover != 128).all(axis=2).sum() == 900
    poor, good = (np.abs(apply(only("compress", q), image, rng).astype(int) - image).mean() for q in (20, 95))
    assert good < poor


def test_every_operation_is_described_and_done():
    assert set(OPERATIONS) == {*MOVES, *_PIXELS}
    assert {step.operation for one in RECIPES.values() for step in one.steps} <= set(OPERATIONS)


def test_what_is_wrong_is_named():
    with pytest.raises(UnknownName, match="there are: mien, r0, r0-r2, r3, r4"):
        recipe("r5")
    with pytest.raises(UnknownName, match="sharpen"):
        Step("sharpen")
    with pytest.raises(UsageError, match="low <= high"):
        Step("rotate", 5, -5)
    with pytest.raises(UnknownName, match="reflect"):
        Recipe("x", "", (), border="black")
    with pytest.raises(UsageError, match="uint8"):
        apply("r3", np.zeros((4, 4)), np.random.default_rng(0))  # type: ignore[arg-type]


def test_a_sheet_shows_what_apply_gives():
    image = picture(32, 32)
    sheet = recipe_sheet("r3", image, count=5, columns=3, side=32, seed=4)
    tiles = {sheet[y : y + 32, x : x + 32].tobytes() for y in range(sheet.shape[0] - 31) for x in (8, 48, 88)}
    assert image.tobytes() in tiles
    for k in range(1, 6):
        assert apply("r3", image, np.random.default_rng([4, k])).tobytes() in tiles


def test_sheets_are_laid_out():
    sheet = contact_sheet([picture(10, 40), picture(40, 10)], ["a name that is far too long for its picture", ""], side=40, columns=9)
    assert sheet.shape[1] == 2 * 48 + 8
    assert (sheet[:, :4] == 255).all()
    assert all(text_width(line, 13) <= 100 for line in wrapped("one two three four five six seven", 13, 120))
    with pytest.raises(UsageError, match="0 pictures"):
        contact_sheet([], [])


def test_preview_command(tmp_path: Path, examples: Path, capsys):
    out = tmp_path / "sheet.png"
    assert main(["data", "preview", "r4", str(examples / "cameraman.jpg"), "-o", str(out), "--count", "3", "--side", "64"]) == 0
    assert cv2.imread(str(out)).shape[1] == 4 * (64 + 8) + 8
    first = out.read_bytes()
    assert main(["data", "preview", "r4", str(examples / "cameraman.jpg"), "-o", str(out), "--count", "3", "--side", "64"]) == 0
    assert out.read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]
    capsys.readouterr()
    assert main(["data", "preview", "--list", "--json"]) == 0
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(listed) == set(RECIPES)
    assert {"operation": "blur", "unit": OPERATIONS["blur"], "low": 0, "high": 3, "chance": 1.0, "spread": 0.0} in listed["r4"]["steps"]


@pytest.mark.parametrize("args", [["r9", "x.jpg"], ["r3"], ["r3", "{examples}/cameraman.jpg", "-o", "{tmp}/sheet.gif"]])
def test_preview_refuses(args, tmp_path, examples, capsys):
    assert main(["data", "preview", *(arg.format(examples=examples, tmp=tmp_path) for arg in args)]) == 2
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err.startswith("mien: ")
