"""Which recogniser a name or a path stands for."""

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

import mien
from mien import loaded
from mien.errors import CardInvalid, UnknownName, UsageError, WeightsMissing
from mien.models import registry
from mien.models.card import ModelCard
from mien.models.locate import BUNDLED, locate
from mien.testing import FakeRecogniser


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with `tiny` in folders called as a model is and as none is."""
    monkeypatch.chdir(tmp_path)
    for folder in ("base", "mine", "coin"):
        (tmp_path / folder).mkdir()
        for file in ("tiny.json", "tiny.onnx"):
            shutil.copy(BUNDLED / file, tmp_path / folder)
    monkeypatch.setitem(registry._factories, "coin", lambda threads: FakeRecogniser())
    return tmp_path


def test_a_name_is_that_model_whatever_lies_in_the_folder(here: Path) -> None:
    assert registry.recogniser("base", threads=1).card.name == "base"
    assert isinstance(registry.recogniser("coin"), FakeRecogniser)
    assert registry.by_path("base") is None


@pytest.mark.parametrize("path", ["./base", "base/", "base/tiny.json", "base/tiny.onnx", "mine", "./coin"])
def test_paths_lead_to_the_model_that_lies_there(here: Path, path: str) -> None:
    assert registry.recogniser(path, threads=1).card.name == "tiny"
    assert registry.by_path(str(here / path)) is not None


def test_code_has_no_other_runtime(here: Path) -> None:
    with pytest.raises(UsageError, match="'coin' is code that was registered and has no file for openvino to run; take 'coin' alone"):
        registry.recogniser("coin:openvino")
    with pytest.raises(UnknownName, match=r"unknown model 'coins'; there are: .*base.*coin"):
        registry.recogniser("coins")


def test_a_factory_is_given_the_threads_as_it_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_factories", dict(registry._factories))
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    given: list[int] = []

    def made(threads: int) -> FakeRecogniser:
        given.append(threads)
        return FakeRecogniser()

    mien.register_recogniser("one", made)
    mien.register_recogniser("one by position", lambda n, /: made(n))
    mien.register_recogniser("one by name", lambda *, threads: made(threads))
    mien.register_recogniser("one that has a default", lambda *, threads=0, **more: made(threads))
    for i, name in enumerate([name for name in registry._factories if name.startswith("one")], 1):
        assert isinstance(registry.recogniser(name, threads=i), FakeRecogniser)
    assert given == [1, 2, 3, 4]


def test_names_are_a_list() -> None:
    assert mien.model_names() == sorted(mien.model_names())
    assert {"base", "large", "tiny"} <= set(mien.model_names())


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that $MIEN_MODELS names."""
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path))
    return tmp_path


def put(folder: Path, file: str, **changes: object) -> Path:
    """The card of `tiny` with changes, with its weights beside it."""
    folder.mkdir(exist_ok=True)
    shutil.copy(BUNDLED / "tiny.onnx", folder)
    (folder / file).write_text(json.dumps(json.loads((BUNDLED / "tiny.json").read_text("utf-8")) | changes), "utf-8")
    return folder / file


def opened(name: str) -> tuple[str, str]:
    """What a name is opened as: the name and the note inside its card."""
    card = registry.recogniser(name, threads=1).card
    return card.name, card.note


def test_what_is_listed_is_what_is_opened(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a name the first folder that has it counts, whatever its file is called there."""
    trained = put(shelf, "trained.json", name="base", note="mine")
    assert registry.cards()["base"][1] == trained
    assert opened("base") == ("base", "mine")
    own = put(shelf, "base.json", name="base", note="my own")  # in one folder that which is called so
    assert registry.cards()["base"][1] == own
    assert opened("base") == ("base", "my own")
    own.write_text(own.read_text("utf-8").replace('"name": "base"', '"name": "other"'), "utf-8")
    assert registry.cards()["base"][1] == trained
    assert opened("base") == ("base", "mine")
    assert opened("other") == ("other", "my own")
    monkeypatch.setenv("MIEN_MODELS", str(shelf / "none"))
    assert registry.cards()["base"][1] == BUNDLED / "base.json"
    assert registry.recogniser("base", threads=1).card == ModelCard.read(BUNDLED / "base.json")


def test_a_broken_card_is_passed_over_and_told(shelf: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = put(shelf, "base.json", bytes="1")
    shutil.copy(BUNDLED / "tiny.onnx", shelf / "base.onnx")
    (shelf / "config.json").write_text("{}")  # no .onnx beside it: it says nothing of being a card
    (shelf / "link.json").symlink_to(shelf / "none")
    assert {"base", "large", "tiny"} <= set(registry.names())
    assert registry.cards()["base"][1] == BUNDLED / "base.json"
    assert registry.broken_cards() == {broken: f"{broken}: not a model card: bytes: found str '1', wanted a whole number"}
    with caplog.at_level(logging.WARNING, "mien"):
        assert registry.recogniser("base", threads=1).path == BUNDLED / "base.onnx"
    assert f"{broken}: not a model card: bytes: found str '1', wanted a whole number; {BUNDLED / 'base.json'} is taken" in caplog.text
    broken.rename(shelf / "mine.json")
    with pytest.raises(CardInvalid, match=r"mine\.json: not a model card: bytes: found str"):
        registry.recogniser("mine")


def test_a_part_that_was_registered_anew_is_the_new_one_for_analyze(monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.models.detectors import registry as detectors

    for table in (
        registry._factories,
        registry._registered,
        detectors.DETECTORS,
        detectors.VARIANTS,
        detectors.LICENCES,
        detectors.PRESETS,
    ):
        monkeypatch.setitem(table, "renewed", table.get("renewed"))  # taken back at the end
    picture = np.zeros((200, 400, 3), np.uint8)
    monkeypatch.setattr(loaded, "_loaded", loaded.LoadedAnalyzers())

    def found() -> tuple[float, str]:
        (row,) = mien.analyze(picture, detector="renewed", model="renewed").rows()
        return row["x1"], row["emotion"]

    for left, emotion in ((10.0, "happy"), (30.0, "sad")):
        faces = mien.Faces.without_points([[left, 10, left + 50, 60]], [0.9])
        mien.register_detector("renewed", lambda variant, *, threads, faces=faces: lambda image: faces)
        mien.register_recogniser("renewed", lambda threads, emotion=emotion: Always(emotion))
        assert found() == (left, emotion)
    assert loaded._shared(detector="renewed", model="renewed") is loaded._shared(detector="renewed", model="renewed")


class Always(FakeRecogniser):
    """Sees one expression in all faces."""

    def __init__(self, emotion: str) -> None:
        super().__init__()
        self.emotion = emotion

    def __call__(self, crops: mien.types.Image, /) -> mien.Emotions:
        return mien.Emotions((self.emotion, "neutral"), np.tile(np.float32([0.9, 0.1]), (len(crops), 1)))


@pytest.mark.parametrize("asked", ["mine/tiny.onnx", "mine/tiny.json", "mine", "tiny", "mine/tiny.onnx:onnxruntime"])
def test_a_model_whose_files_were_replaced_is_the_new_one_for_analyze(asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_MODELS", "mine")
    monkeypatch.setattr(loaded, "_loaded", loaded.LoadedAnalyzers())
    path = put(tmp_path / "mine", "tiny.json", note="first")

    def note() -> str:
        return loaded._shared(model=asked, threads=1).recogniser.card.note

    assert note() == "first"
    assert loaded._shared(model=asked, threads=1) is loaded._shared(model=asked, threads=1)
    path.write_text(path.read_text("utf-8").replace('"first"', '"later"'), "utf-8")  # of the same length
    assert note() == "later"


def test_a_model_that_comes_to_an_earlier_folder_is_taken(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded, "_loaded", loaded.LoadedAnalyzers())
    before = loaded._shared(model="tiny", threads=1)
    put(shelf, "trained.json", name="tiny", note="mine")
    assert loaded._shared(model="tiny", threads=1).recogniser.card.note == "mine"
    assert loaded._shared(model="tiny", threads=1) is not before


def test_what_is_no_card_does_not_make_a_loaded_model_another(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(shelf, "tiny.json", note="mine")
    monkeypatch.setattr(loaded, "_loaded", loaded.LoadedAnalyzers())
    before = loaded._shared(model="tiny", threads=1)
    (shelf / "note.txt").write_text("of no model")
    (shelf / "crops").mkdir()
    assert loaded._shared(model="tiny", threads=1) is before


def test_a_cache_that_cannot_be_looked_into_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/" + "x" * 300)  # refused as another user's folder is, also to root
    assert registry.edition("tiny") == registry.edition("tiny")
    assert "tiny" in registry.cards()


def test_a_folder_whose_only_card_is_broken_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "brk", "ad.json", bytes="1")
    (tmp_path / "brk" / "tiny.onnx").rename(tmp_path / "brk" / "ad.onnx")
    for name in ("brk", "./brk", str(tmp_path / "brk")):
        with pytest.raises(CardInvalid, match=r"ad\.json: not a model card: bytes: found str"):
            registry.recogniser(name)
    (tmp_path / "brk" / "ad.onnx").unlink()  # and alone the file says nothing of being a card
    with pytest.raises(UnknownName):
        registry.recogniser("brk")


def test_an_installation_without_its_weights_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a zip, or in a program of a packer that was not told of them."""
    monkeypatch.setattr("mien.models.locate.BUNDLED", tmp_path / "nowhere")
    monkeypatch.setattr(registry, "_factories", {})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for ask in (lambda: registry.recogniser("base"), lambda: locate("yunet.onnx", name="yunet")):
        with pytest.raises(WeightsMissing, match="nowhere is no folder: install mien unzipped"):
            ask()
