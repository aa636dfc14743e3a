"""R0's class form on what moves: `video`, `video_rec` and `online`. The traps of R0, R1 and R4 have tests that name them."""

import logging
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mien import inference as inference_module
from mien.errors import SinkError, SourceError, SourceMissing, UsageError
from mien.inference import Inference
from mien.io import camera, devices
from mien.testing import FakeDetector, FakeRecogniser, planted_picture
from tests.io.streams import clip, mjpeg
from tests.test_inference import FakeWindow, Notebook, red

av = pytest.importorskip("av")

BOX = (60, 40, 140, 120)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")


def scene(emotion="happy", size=(240, 180)):
    return planted_picture([(BOX, emotion)] if emotion else [], size)[0]


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    """Ten frames in half a second: seven of a happy face, three of nobody."""
    return clip(tmp_path_factory.mktemp("films") / "film.mp4", [scene()] * 7 + [scene(None)] * 3, [i / 20 for i in range(10)])


def inference(mode, **options) -> Inference:
    return Inference(FakeRecogniser(), FakeDetector(), options.pop("draw_box_obj", red), 48, inference_mode=mode, **options)


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_video_gives_a_result_for_every_frame(film):
    results = inference("video").go(film)
    assert [result.index for result in results] == list(range(10))
    assert [result.time for result in results] == pytest.approx([i / 20 for i in range(10)], abs=0.001)
    assert [result.emotions.top for result in results[:7]] == [["happy"]] * 7


def test_frames_without_a_face_are_empty_results_and_no_swallowed_error(film):
    """In R0 they crashed the detector, and the error was swallowed."""
    assert [len(result) for result in inference("video").go(film)] == [1] * 7 + [0] * 3

    def broken(image):
        raise ZeroDivisionError("a fault in the detector")

    for mode in ("video", "img"):
        with pytest.raises(ZeroDivisionError, match="a fault"):
            Inference(FakeRecogniser(), broken, None, 48, inference_mode=mode).go(film if mode == "video" else scene())


def test_the_axes_of_crops_are_not_swapped(film, tmp_path):
    """R0 had rows and columns swapped; the box is far from the diagonal."""
    wide = clip(tmp_path / "wide.mp4", [planted_picture([((200, 20, 260, 80), "fear")], (320, 100))[0]] * 3, [0, 0.1, 0.2])
    results = inference("video").go(wide)
    assert [result.emotions.top for result in results] == [["fear"]] * 3
    assert results[0].faces.boxes[0] == pytest.approx([200, 20, 260, 80], abs=3)


def test_video_is_shown_at_its_own_pace_until_the_window_is_closed(film, monkeypatch):
    window = FakeWindow(monkeypatch)
    began = time.monotonic()
    assert len(inference("video").go(film)) == 10
    assert time.monotonic() - began >= 0.44
    assert len(window.pictures) == 10
    assert window.closed
    window = FakeWindow(monkeypatch, most=3)
    assert len(inference("video").go(film)) == 3


def test_a_video_that_stands_still_is_held(tmp_path, monkeypatch):
    """A picture of seven seconds was passed over, as if the timestamps had jumped."""
    still, now, shown = clip(tmp_path / "still.mp4", [scene()] * 4, [0, 7, 14, 15]), [100.0], []

    def wait(window, until):
        now[0] = max(now[0], until)
        shown.append(now[0] - 100)

    monkeypatch.setattr(inference_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(inference_module, "_wait", wait)
    FakeWindow(monkeypatch)
    inference("video").go(still)
    assert shown == pytest.approx([0, 7, 14, 15], abs=0.01)


def test_the_shown_frame_rate_is_measured_and_not_the_files(film, monkeypatch):
    """R1 showed the file's nominal one, here 20."""
    from mien import watch

    notes = []
    monkeypatch.setattr(watch, "note", lambda image, text, corner: notes.append(float(text.removesuffix(" fps"))) or image)
    window = FakeWindow(monkeypatch)
    show = window.show
    window.show = lambda image: (time.sleep(0.1), show(image))
    inference("video").go(film)
    assert len(notes) == 9
    assert 0 < max(notes) <= 10


@pytest.mark.parametrize("size", [(240, 180), (241, 179)])
def test_a_recording_has_the_size_and_frames_of_the_video(tmp_path, size):
    """R0's had another size than its writer and was broken; odd ones have a row and a column more, as H.264 wants it."""
    images = [scene(size=(242, 180))] * 6
    if size[0] % 2:  # yuv444p takes odd sides
        source = tmp_path / "odd.mp4"
        with av.open(str(source), "w") as container:
            stream = container.add_stream("libx264", rate=20)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv444p"
            for i, image in enumerate(images):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[: size[1], : size[0]]), format="rgb24")
                frame.pts = i
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    else:
        source = clip(tmp_path / "even.mp4", [image[: size[1], : size[0]] for image in images], [i / 20 for i in range(6)])
    results = inference("video_rec").go(source, tmp_path / "out.mp4")
    assert {result.size for result in results} == {size}
    written = frames_of(tmp_path / "out.mp4")
    assert len(written) == 6
    assert written[0].shape == (size[1] + size[1] % 2, size[0] + size[0] % 2, 3)
    x1, y1, x2, y2 = results[0].faces.boxes[0].astype(int)
    inside = written[0][y1 + 8 : y2 - 8, x1 + 8 : x2 - 8].astype(int)
    assert np.abs(inside - (255, 0, 0)).mean() < 25  # the drawer's red


def test_video_rec_saves_into_a_folder_too(film, tmp_path):
    inference("video_rec").go(film, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["film.mp4"]
    assert len(frames_of(tmp_path / "out" / "film.mp4")) == 10


def test_video_rec_wants_to_know_where(film):
    with pytest.raises(UsageError, match="path_save_data"):
        inference("video_rec").go(film)


def test_video_rec_opens_no_window(film, tmp_path, monkeypatch):
    monkeypatch.setattr(inference_module, "open_window", lambda: pytest.fail("it shows nothing"))
    inference("video_rec").go(film, tmp_path / "out.mp4")


def test_a_video_is_never_overwritten(film):
    before = film.read_bytes()
    with pytest.raises(SinkError, match="never overwritten"):
        inference("video_rec").go(film, film)
    assert film.read_bytes() == before


def test_modes_say_which_one_is_meant(film, tmp_path):
    from PIL import Image as Pillow

    Pillow.fromarray(scene()).save(tmp_path / "picture.png")
    with pytest.raises(UsageError, match="use inference_mode='video'"):
        inference("img").go(film)
    with pytest.raises(UsageError, match="use inference_mode='img'"):
        inference("video").go(tmp_path / "picture.png")
    with pytest.raises(SourceMissing):
        inference("video").go(tmp_path / "gone.mp4")


def test_a_broken_video_is_one_clear_error(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    with pytest.raises(SourceError, match=r"broken\.mp4"):
        inference("video").go(tmp_path / "broken.mp4")


@pytest.mark.parametrize("mode", ["video", "video_rec"])
def test_a_notebook_gets_the_annotated_clip(film, tmp_path, monkeypatch, mode):
    notebook = Notebook(monkeypatch)
    inference(mode, show_state_mode="inline").go(film, tmp_path / "out.mp4" if mode == "video_rec" else None)
    (shown,) = notebook.shown
    assert shown.startswith("<video controls")
    assert "data:video/mp4;base64," in shown
    if mode == "video":
        import base64

        (tmp_path / "shown.mp4").write_bytes(base64.b64decode(shown.partition("base64,")[2].partition('"')[0]))
        assert len(frames_of(tmp_path / "shown.mp4")) == 10


def test_a_clip_that_is_too_long_for_a_notebook_is_named_in_the_log(film, tmp_path, monkeypatch, caplog):
    from mien import notebook as notebook_module

    notebook = Notebook(monkeypatch)
    monkeypatch.setattr(notebook_module, "MOST_BYTES", 100)
    inference("video_rec", show_state_mode="inline").go(film, tmp_path / "out.mp4")
    assert notebook.shown == []
    assert "out.mp4" in caplog.text


class OneCamera:
    """Stands for cv2.VideoCapture, without end."""

    opened: list = []  # noqa: RUF012

    def __init__(self, number, backend):
        type(self).opened.append(number)

    def isOpened(self):  # noqa: N802
        return True

    def set(self, what, value):
        pass

    def read(self):
        time.sleep(0.01)
        return True, scene()

    def release(self):
        pass


@pytest.mark.parametrize("number", [2, "2"])
def test_online_honours_the_number_of_the_device(monkeypatch, number):
    """R1 and R4 ignored it."""
    import cv2

    monkeypatch.setattr(OneCamera, "opened", [])
    monkeypatch.setattr(cv2, "VideoCapture", OneCamera)
    window = FakeWindow(monkeypatch, most=3)
    results = inference("online").go(number)
    assert OneCamera.opened == [2]
    assert [result.source for result in results] == ["camera 2"] * 3
    assert [result.emotions.top for result in results] == [["happy"]] * 3
    assert len(window.pictures) == 3


def test_online_takes_a_stream_and_saves_what_it_shows(monkeypatch, tmp_path):
    FakeWindow(monkeypatch, most=5)
    with mjpeg(scene()) as server:
        results = inference("online").go(server.url, tmp_path / "out.mp4")
    assert len(results) == 5
    assert len(frames_of(tmp_path / "out.mp4")) == 5


def test_online_ends_with_an_interrupt_and_keeps_what_it_has(film, tmp_path):
    """The interrupt button of a notebook, or Ctrl-C."""
    seen = []

    def until(image, result):
        seen.append(result)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return image

    monkey = pytest.MonkeyPatch()
    with monkey.context():
        FakeWindow(monkey)
        results = inference("online", draw_box_obj=until).go(film)
    monkey.undo()
    assert len(results) == 2


def test_online_without_a_screen_works_on(film, caplog):
    with caplog.at_level(logging.INFO, "mien"):
        results = inference("online").go(film)
    assert results
    assert "there is no screen" in caplog.text


def test_online_in_a_notebook_replaces_one_picture_by_the_next(film, monkeypatch):
    notebook = Notebook(monkeypatch)
    results = inference("online", show_state_mode="inline").go(film)
    assert len(notebook.shown) == 1
    assert len(notebook.replaced) == len(results) - 1


def test_a_camera_that_is_not_there_is_one_clear_error(monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "LINUX", tmp_path)
    with pytest.raises(SourceMissing, match="camera 4: no such device"):
        inference("online").go(4)


def test_a_stream_that_is_lost_is_logged_and_what_was_seen_is_kept(monkeypatch, caplog):
    monkeypatch.setattr(camera, "FIRST_WAIT", 0.01)
    with mjpeg(scene()) as server:

        def cut(image, result):
            server.cut()
            return image

        FakeWindow(monkeypatch)
        open_live = inference_module.open_live
        monkeypatch.setattr(inference_module, "open_live", lambda spec: open_live(spec, reconnect=0.02, give_up=0.05))
        results = inference("online", draw_box_obj=cut).go(server.url)
    assert results
    assert "connection lost" in caplog.text
    assert "given up" in caplog.text
