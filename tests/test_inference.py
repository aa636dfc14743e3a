"""R0's class form."""

import builtins
import io
import logging
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

import mien
from mien import inference as inference_module
from mien.errors import SinkError, SourceError, SourceMissing, UnknownName, UsageError
from mien.inference import Inference
from mien.labels import EMOTIONS
from mien.testing import FakeDetector, FakeRecogniser, planted_picture
from mien.types import Emotions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures: a happy face, a sad one beside a fearful one, nobody."""
    scenes = {
        "b happy.png": [((40, 30, 100, 90), "happy")],
        "группа.png": [((20, 30, 80, 90), "sad"), ((200, 30, 320, 150), "fear")],
        "a nobody.png": [],
    }
    pictures = tmp_path / "in"
    pictures.mkdir()
    for name, faces in scenes.items():
        Pillow.fromarray(planted_picture(faces, (340, 200))[0]).save(pictures / name)
    return pictures


@pytest.fixture(autouse=True)
def no_screen(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")


def inference(**options) -> Inference:
    return Inference(FakeRecogniser(), FakeDetector(), options.pop("draw_box_obj", red), 48, **options)


def red(image, result):
    out = image.copy()
    for x1, y1, x2, y2 in result.faces.boxes.astype(int):
        out[y1:y2, x1:x2] = (255, 0, 0)
    return out


def test_one_picture(folder, tmp_path):
    result = inference().go(folder / "b happy.png", tmp_path / "out" / "annotated.png")
    assert isinstance(result, mien.Result)
    assert result.emotions.top == ["happy"]
    saved = np.asarray(Pillow.open(tmp_path / "out" / "annotated.png"))
    assert saved.shape == (200, 340, 3)
    assert (saved[30:90, 40:100] == (255, 0, 0)).all()  # rows are y, columns x: R0 had them swapped
    assert (saved[:30] < 50).all()


def test_positions_are_those_of_r0(folder):
    made = Inference(FakeRecogniser(), FakeDetector(), red, 48, "inline", "img_batch")
    assert len(made.go(str(folder), None)) == 3


def test_a_batch_is_a_folder(folder, tmp_path):
    results = inference(inference_mode="img_batch").go(folder, tmp_path / "out")
    assert [Path(result.source).name for result in results] == ["a nobody.png", "b happy.png", "группа.png"]
    assert [result.emotions.top for result in results] == [[], ["happy"], ["sad", "fear"]]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a nobody.png", "b happy.png", "группа.png"]


def test_pictures_of_the_same_name_do_not_overwrite_each_other(folder, tmp_path):
    again = folder / "more"
    again.mkdir()
    Pillow.fromarray(planted_picture([])[0]).save(again / "b happy.png")
    made = inference(inference_mode="img_batch")
    made.go(folder, tmp_path / "out")
    assert len(list((tmp_path / "out").rglob("*.png"))) == 4
    made.go([folder / "b happy.png", again / "b happy.png"], tmp_path / "flat")
    assert len(list((tmp_path / "flat").rglob("*.png"))) == 2


def test_an_input_is_never_overwritten(folder):
    before = (folder / "b happy.png").read_bytes()
    with pytest.raises(SinkError, match="never overwritten"):
        inference().go(folder / "b happy.png", folder)
    assert (folder / "b happy.png").read_bytes() == before


def test_nothing_is_saved_unasked(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    inference().go(folder / "b happy.png")
    inference(inference_mode="img_batch").go(folder)
    assert sorted(tmp_path.rglob("*")) == before


def test_without_a_drawer_the_picture_stays_as_it_is(folder, tmp_path):
    inference(draw_box_obj=None).go(folder / "b happy.png", tmp_path / "same.png")
    assert (np.asarray(Pillow.open(tmp_path / "same.png")) == np.asarray(Pillow.open(folder / "b happy.png"))).all()


def test_miens_own_drawer_is_the_default(folder, tmp_path):
    made = Inference(FakeRecogniser(), FakeDetector())
    made.go(folder / "b happy.png", tmp_path / "drawn.png")
    assert (np.asarray(Pillow.open(tmp_path / "drawn.png")) != np.asarray(Pillow.open(folder / "b happy.png"))).any()


def test_a_faceless_picture_is_no_error(folder, tmp_path):
    result = inference(draw_box_obj="mien").go(folder / "a nobody.png", tmp_path / "out.png")
    assert len(result) == 0
    assert (tmp_path / "out.png").exists()


def test_a_bad_picture_in_a_batch_is_logged_and_left_out(folder, caplog):
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 no")
    assert len(inference(inference_mode="img_batch").go(folder)) == 3
    assert "broken.jpg" in caplog.text


def test_a_picture_of_a_batch_that_cannot_be_written_is_logged_and_the_others_are(folder, tmp_path, caplog):
    wide = np.zeros((1, 65_501, 3), np.uint8)  # more than a JPEG holds
    Pillow.fromarray(wide).save(folder / "b wide.jpg", "BMP")
    made = inference(inference_mode="img_batch")
    analyze = made.analyzer.analyze
    made.analyzer.analyze = lambda inputs: analyze(inputs, limits=mien.ImageLimits(max_side=70_000))
    assert len(made.go(folder, tmp_path / "out")) == 4
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a nobody.png", "b happy.png", "группа.png"]
    assert "too large for a JPEG" in caplog.text
    made.inference_mode = "img"
    with pytest.raises(SinkError, match="too large for a JPEG"):
        made.go(folder / "b wide.jpg", tmp_path / "out")


def test_what_cannot_be_read_or_written_is_one_clear_error(folder, tmp_path):
    with pytest.raises(SourceMissing, match=r"nothing\.jpg"):
        inference().go(tmp_path / "nothing.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(SourceError, match=r"broken\.jpg"):
        inference(inference_mode="img_batch").go([tmp_path / "broken.jpg"])
    with pytest.raises(SinkError, match=r"out\.xyz"):
        inference().go(folder / "b happy.png", tmp_path / "out.xyz")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SinkError, match="file"):
        inference(inference_mode="img_batch").go(folder, tmp_path / "file" / "out")


def test_several_pictures_are_a_batch(folder):
    with pytest.raises(UsageError, match="inference_mode='img_batch'"):
        inference().go(folder)
    with pytest.raises(UsageError, match="wants a picture"):
        inference().go([])
    assert inference(inference_mode="img_batch").go([]) == []


@pytest.mark.parametrize("mode", ["photo", "", "IMG"])
def test_an_unknown_mode_answers_with_those_there_are(mode):
    with pytest.raises(UsageError, match="img, img_batch, video, video_rec, online"):
        inference(inference_mode=mode)


def test_names_that_there_are_not():
    with pytest.raises(UsageError, match="cv2, inline"):
        inference(show_state_mode="tk")
    with pytest.raises(UnknownName, match="mien"):
        inference(draw_box_obj="picasso")
    with pytest.raises(UnknownName, match="yunet"):
        Inference(FakeRecogniser(), "yolo")
    with pytest.raises(UsageError, match="model_obj is int"):
        Inference(3)


def test_an_analyzer_brings_its_detector_and_may_get_another(folder):
    analyzer = mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser())
    assert Inference(analyzer).analyzer is analyzer
    other = Inference(analyzer, lambda image: mien.Faces.none())
    assert len(other.go(folder / "b happy.png")) == 0


def test_img_size_is_the_crop_of_a_plain_function(folder):
    seen = []

    def plain(crops):
        seen.append(crops.shape)
        return Emotions(EMOTIONS, np.tile(np.eye(9)[7], (len(crops), 1)))

    assert Inference(plain, FakeDetector(), None, 224).go(folder / "b happy.png").emotions.top == ["surprise"]
    assert seen == [(1, 224, 224, 3)]


def test_img_size_that_the_model_does_not_want_is_said(caplog):
    Inference(FakeRecogniser(), FakeDetector(), None, 224)
    assert "IMG_SIZE 224 is not used" in caplog.text
    assert "48 px" in caplog.text


def test_predict_is_a_name_or_a_name_with_affect_on_seven():
    image, _ = planted_picture([((20, 30, 80, 90), "sad"), ((200, 30, 320, 150), "happy")])
    made = Inference(FakeRecogniser(confidence=1.0), FakeDetector())
    assert made.predict(image) == "happy"  # the larger one
    name, valence, arousal = made.predict(image, va=True)
    assert (name, valence, arousal) == ("happy", pytest.approx(5.88, abs=1e-4), pytest.approx(5.27, abs=1e-4))
    assert made.predict(np.zeros((50, 50, 3), np.uint8)) is None
    assert made.predict(Pillow.fromarray(image)) == "happy"


def test_predict_takes_a_path_as_go_does(tmp_path: Path):
    image, _ = planted_picture([((40, 30, 140, 130), "sad")], size=(400, 320))
    Pillow.fromarray(image).save(tmp_path / "photo.png")
    made = Inference(FakeRecogniser(), FakeDetector())
    assert made.predict(tmp_path / "photo.png") == made.predict(str(tmp_path / "photo.png")) == "sad"
    with pytest.raises(SourceMissing, match="no such file"):
        made.predict("none.jpg")


def test_predict_by_a_model_without_affect_takes_the_anchors():
    def certain(crops):
        return Emotions(EMOTIONS, np.tile(np.eye(9)[0], (len(crops), 1)))

    image, _ = planted_picture([((20, 30, 80, 90), "sad")])
    assert Inference(certain, FakeDetector()).predict(image, va=True) == [
        "anger",
        pytest.approx(2.45, abs=1e-4),
        pytest.approx(4.72, abs=1e-4),
    ]


class Notebook:
    """IPython, as far as it is used, and what it displayed."""

    def __init__(self, monkeypatch) -> None:
        self.shown: list = []
        self.replaced: list = []
        self.running = True
        ipython, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
        ipython.get_ipython = lambda: "a shell" if self.running else None
        ipython.display = display
        display.Image = lambda data, format: Pillow.open(io.BytesIO(data))
        display.HTML = str
        display.display = self.display
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        monkeypatch.setitem(sys.modules, "IPython.display", display)

    def display(self, what, display_id=False):
        self.shown.append(what)
        return types.SimpleNamespace(update=self.replaced.append) if display_id else None


@pytest.fixture
def notebook(monkeypatch) -> Notebook:
    return Notebook(monkeypatch)


def test_inline_displays_in_a_notebook_only(folder, notebook, caplog):
    notebook.running = False
    made = inference(show_state_mode="inline", inference_mode="img_batch")
    with caplog.at_level(logging.INFO, "mien"):
        made.go(folder)
    assert notebook.shown == []
    assert "this is none" in caplog.text
    notebook.running = True
    made.go(folder)
    assert [picture.size for picture in notebook.shown] == [(340, 200)] * 3


def test_without_a_screen_a_line_is_logged(folder, caplog):
    with caplog.at_level(logging.INFO, "mien"):
        inference().go(folder / "b happy.png")
    assert "there is no screen" in caplog.text


class FakeWindow:
    """A window, and somebody who presses keys: `q` closes it. Without keys it closes itself after `most` pictures."""

    def __init__(self, monkeypatch, keys=(), most=10**9) -> None:
        self.keys, self.most, self.pictures, self.closed = list(keys), most, [], False
        monkeypatch.setattr(inference_module, "open_window", lambda: self)

    def show(self, image):
        assert not self.closed
        self.pictures.append(image)
        self.closed = len(self.pictures) >= self.most

    def poll(self):
        return None

    def wait(self):
        key = self.keys.pop(0)
        self.closed = self.closed or key == "q"
        return key

    def close(self):
        self.closed = True

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def test_a_window_shows_one_picture_until_a_key_is_pressed(folder, monkeypatch):
    window = FakeWindow(monkeypatch, ["n"])
    inference().go(folder / "b happy.png")
    assert (len(window.pictures), window.closed, window.keys) == (1, True, [])
    assert (window.pictures[0][60, 60] == (255, 0, 0)).all()


def test_a_window_shows_the_pictures_of_a_batch_until_it_is_closed(folder, monkeypatch):
    window = FakeWindow(monkeypatch, ["n", "q"])
    assert len(inference(inference_mode="img_batch").go(folder)) == 3  # all are analysed, two were looked at
    assert (len(window.pictures), window.closed) == (2, True)


def test_no_print(folder, capfd, monkeypatch):
    monkeypatch.setattr(builtins, "print", lambda *args, **more: pytest.fail("the library prints nothing"))
    inference().go(folder / "b happy.png")
    assert capfd.readouterr().out == ""


def test_the_file_of_a_pil_image_is_not_overwritten(folder):
    before = (folder / "b happy.png").read_bytes()
    with Pillow.open(folder / "b happy.png") as picture, pytest.raises(SinkError, match="never overwritten"):
        inference().go(picture, str(folder))
    assert (folder / "b happy.png").read_bytes() == before
