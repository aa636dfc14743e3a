import csv
import json
import os
import sys
import time
from pathlib import Path

import av
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from pyarrow import parquet

from mien.errors import SinkError
from mien.io.video import probe
from mien.models.detectors import registry as detectors
from mien.sinks.locks import lock_of
from mien.table import COLUMNS, RAW_COLUMNS
from mien.testing import FakeDetector, planted_picture
from mien.types import Faces
from mien.types import Image as Array
from mien.web.jobs import Jobs
from tests.io.clips import clip, cut
from tests.web.conftest import TWO, Serve
from tests.windows import as_windows


def send(server: TestClient, film: Path, **asked: object) -> str:
    with film.open("rb") as file:
        answer = server.post("/api/videos", files={"file": (film.name, file)}, params=asked)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/videos/{answer.json()['id']}"
    return str(answer.json()["id"])


def ended(server: TestClient, job: str) -> dict:
    end = time.monotonic() + 60
    while (found := server.get(f"/api/videos/{job}").json())["state"] in ("queued", "running"):
        assert found["results"] == {}
        assert time.monotonic() < end, "it never ended"
        time.sleep(0.02)
    return found


def folders(server: TestClient) -> list[Path]:
    return sorted(path for path in server.app.state.service.jobs.folder.iterdir() if path.is_dir())  # type: ignore[attr-defined]


def test_a_video_gives_tables_a_page_and_a_video(server, film, tmp_path):
    job = send(server, film, annotated=True, title="My film")
    found = ended(server, job)
    assert (found["state"], found["name"], found["frames"], found["faces"], found["share"]) == ("done", "film.mp4", 10, 10, 1.0)
    assert found["duration"] == pytest.approx(2, abs=0.2)
    assert (found["error"], found["failures"]) == (None, [])
    assert found["expires"].endswith("Z")
    got = {kind: server.get(address) for kind, address in found["results"].items()}
    assert set(got) == {"csv", "jsonl", "parquet", "page", "video"}
    assert all(answer.status_code == 200 for answer in got.values())
    rows = list(csv.DictReader(got["csv"].text.splitlines()))
    assert list(rows[0]) == [*COLUMNS, *RAW_COLUMNS]
    assert {row["source"] for row in rows} == {"film.mp4"}  # and not where it lay on the server
    assert [float(row["time_s"]) for row in rows] == pytest.approx([i / 5 for i in range(10)])
    assert 'attachment; filename="film.csv"' in got["csv"].headers["content-disposition"]
    (tmp_path / "x.parquet").write_bytes(got["parquet"].content)
    assert parquet.read_table(tmp_path / "x.parquet").num_rows == 10
    page = got["page"]
    assert "My film" in page.text
    assert "<td><b>fake</b> (default: yunet)</td>" in page.text
    assert str(folders(server)[0]) not in page.text
    assert page.headers["content-security-policy"] == "frame-ancestors 'self'"
    (tmp_path / "x.mp4").write_bytes(got["video"].content)
    with av.open(str(tmp_path / "x.mp4")) as video:
        assert len(list(video.decode(video=0))) == 10
        assert video.streams.audio  # of the file that was sent


def test_where_the_server_has_its_files_is_in_no_result(serve: Serve, film: Path, tmp_path: Path):
    """The table's metadata and the page say which model read it, and not where its file lies."""
    pytest.importorskip("onnx")
    from tests.models.brightness import write

    (tmp_path / "of-the-server").mkdir()
    write(tmp_path / "of-the-server", "shade")
    server = serve(model=str(tmp_path / "of-the-server" / "shade.onnx"))
    got = {kind: server.get(address).content for kind, address in ended(server, send(server, film))["results"].items()}
    assert set(got) == {"csv", "jsonl", "parquet", "page"}
    (tmp_path / "x.parquet").write_bytes(got["parquet"])
    assert json.loads(parquet.read_schema(tmp_path / "x.parquet").metadata[b"mien"])["options"]["model"] == "shade.onnx"
    assert [kind for kind, content in got.items() if b"of-the-server" in content] == []


def test_no_face_of_a_video_stays_visible_that_was_to_be_hidden(serve, film):
    with film.open("rb") as file:
        answer = serve(detect_every=3).post(
            "/api/videos", files={"file": ("film.mp4", file)}, params={"annotated": True, "anonymize": True}
        )
    assert answer.status_code == 400
    assert "not found at once: they would stay visible" in answer.json()["error"]


@pytest.mark.parametrize(("asked", "missed"), [({"annotated": True, "anonymize": True}, 3), ({"annotated": True}, None)])
def test_in_how_many_frames_a_hidden_face_was_not_found_is_told(serve, film, monkeypatch, asked, missed):
    server = serve(detector="blinking")
    found = ended(server, send(server, film, **asked))
    assert (found["state"], found["frames"], found["faces"], found["missed"]) == ("done", 10, 7, missed)


def test_a_part_of_a_video_can_be_asked_for(server, film):
    job = send(server, film)
    found = ended(server, job)
    part = server.get(found["results"]["csv"], headers={"Range": "bytes=0-5"})
    assert (part.status_code, part.text) == (206, "source")


def test_the_video_itself_is_deleted_when_it_was_read(server, film):
    job = send(server, film)
    ended(server, job)
    (folder,) = folders(server)
    assert sorted(path.name for path in folder.iterdir()) == ["page.html", "table.csv", "table.jsonl", "table.parquet"]
    assert server.get(f"/api/videos/{job}/upload").status_code == 404
    assert server.get(f"/api/videos/{job}/..%2f..%2fetc%2fpasswd").status_code == 404


def test_a_video_is_turned(server, film, tmp_path):
    found = ended(server, send(server, film, turn=90, annotated=True))
    rows = list(csv.DictReader(server.get(found["results"]["csv"]).text.splitlines()))
    shown = tmp_path / "shown.mp4"
    shown.write_bytes(server.get(found["results"]["video"]).content)
    before, after = probe(film), probe(shown)
    assert (after.width, after.height) == (before.height, before.width) != (before.width, before.height)
    upright = list(csv.DictReader(server.get(ended(server, send(server, film))["results"]["csv"]).text.splitlines()))
    for row, was in zip(rows, upright, strict=True):  # x to the right becomes y downwards, and y downwards x to the left
        assert float(row["y1"]) == pytest.approx(float(was["x1"]), abs=2)
        assert float(row["x2"]) == pytest.approx(before.height - float(was["y1"]), abs=2)
    assert "turned clockwise by" in server.get(found["results"]["page"]).text


def test_every_and_language_are_heard(server, film):
    found = ended(server, send(server, film, every=1, language="ru"))
    assert found["frames"] == 2
    assert '<html lang="ru">' in server.get(found["results"]["page"]).text


def test_what_is_no_video_fails_with_its_own_name(server, tmp_path):
    path = tmp_path / "notes.mp4"
    path.write_bytes(b"no video at all" * 100)
    found = ended(server, send(server, path))
    assert (found["state"], found["results"]) == ("failed", {})
    assert found["error"].startswith("notes.mp4: not a video that can be read")
    assert found["code"] == "unreadable"
    assert folders(server)[0].name == found["id"]
    assert list(folders(server)[0].iterdir()) == []


@pytest.mark.parametrize(("suffix", "state"), [(".jpg", "failed"), (".webp", "failed"), (".gif", "done")])
def test_a_picture_is_told_where_it_belongs(server, tmp_path, suffix, state):
    image = Image.fromarray(planted_picture(TWO[:1], size=(400, 320))[0])
    image.save(tmp_path / f"face{suffix}", **({"save_all": True, "append_images": [image]} if suffix == ".gif" else {}))
    found = ended(server, send(server, tmp_path / f"face{suffix}"))
    assert found["state"] == state
    assert found["error"] == (None if state == "done" else f"face{suffix}: a picture; send it to /api/pictures")
    assert found["code"] == (None if state == "done" else "picture")


def test_of_a_damaged_video_there_is_what_could_be_read(server, film):
    path = cut(film, 0.6)
    found = ended(server, send(server, path))
    if found["state"] == "done":  # an MP4 that lacks its end may lack its index
        assert found["failures"]
    else:
        assert found["error"].startswith(f"{path.name}: ")
    assert "mien-serve" not in str(found)


def test_wrong_options_are_told_before_anything_is_kept(server, film):
    for asked, told in (
        ({"every": -1}, "every"),
        ({"turn": 45}, "turn: found 45, wanted 90, 180 or 270"),
        ({"model": "x"}, "unknown model"),
        ({"language": "xx"}, "unknown language"),
    ):
        answer = server.post("/api/videos", files={"file": ("a.mp4", film.read_bytes())}, params=asked)
        assert answer.status_code == 400
        assert told in answer.json()["error"]
    assert folders(server) == []


class Slow(FakeDetector):
    """Takes its time."""

    def __call__(self, image: Array, /) -> Faces:
        time.sleep(0.2)
        return super().__call__(image)


@pytest.fixture
def slow(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    from mien.models.detectors import registry

    monkeypatch.setitem(registry.DETECTORS, "slow", lambda variant, *, threads: Slow())
    monkeypatch.setitem(registry.VARIANTS, "slow", ())
    return serve(detector="slow", most_jobs=2)


def test_a_job_can_be_stopped_and_leaves_nothing(slow, film):
    first, second = send(slow, film), send(slow, film)
    full = slow.post("/api/videos", files={"file": ("a.mp4", film.read_bytes())})
    assert full.status_code == 503
    assert full.json() == {"error": "2 videos are waiting already; try again later", "code": "videos_waiting"}
    assert slow.get(f"/api/videos/{second}").json()["state"] == "queued"
    for job in (second, first):
        assert slow.delete(f"/api/videos/{job}").status_code == 204
        assert slow.get(f"/api/videos/{job}").status_code == 404
        assert slow.delete(f"/api/videos/{job}").status_code == 404
    end = time.monotonic() + 30
    while folders(slow):
        assert time.monotonic() < end, "its folder stayed"
        time.sleep(0.02)


def test_results_go_when_their_time_is_over(serve: Serve, film):
    server = serve(keep_minutes=0.02)
    job = send(server, film)
    ended(server, job)
    time.sleep(1.3)
    told = {"error": "no such video here; its results may have been erased", "code": "not_found"}
    assert server.get(f"/api/videos/{job}").json() == told
    assert folders(server) == []


def test_a_server_that_ends_leaves_nothing(serve: Serve, film):
    server = serve()
    send(server, film)
    folder = server.app.state.service.jobs.folder  # type: ignore[attr-defined]
    assert folder.is_dir()
    server.__exit__(None, None, None)
    assert not folder.exists()
    server.__enter__()  # the fixture ends it once more


def test_what_is_done_or_failed_takes_no_place(serve: Serve, film, tmp_path):
    server = serve(most_jobs=1, most_results=2)
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    jobs = []
    for path in (film, tmp_path / "bad.mp4", film):
        jobs.append(send(server, path))
        ended(server, jobs[-1])
    server.app.state.service.jobs.sweep()  # type: ignore[attr-defined]
    assert [server.get(f"/api/videos/{job}").status_code for job in jobs] == [404, 200, 200]  # the oldest has given way


def test_a_full_server_says_so_before_the_video_is_sent(slow, film):
    for _ in range(2):
        send(slow, film)
    read = []

    def body():
        for piece in (b"--x\r\n", b"more"):
            read.append(piece)
            yield piece

    answer = slow.post("/api/videos", content=body(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "30"


def test_of_a_long_video_the_beginning_is_read(serve: Serve, film):
    server = serve(max_video_minutes=1 / 60)
    found = ended(server, send(server, film))
    assert (found["state"], found["frames"]) == ("done", 5)
    told = "film.mp4: longer than this server reads; the first 0.0166667 of 0.0 minutes are here"
    assert [one["error"] for one in found["failures"]] == [told]
    assert "longer than this server reads" in server.get(found["results"]["page"]).text


def test_of_a_video_with_too_many_frames_the_beginning_is_read(serve: Serve, film, monkeypatch):
    monkeypatch.setattr("mien.web.jobs.MOST_FPS", 0.05)
    server = serve(max_video_minutes=1)
    found = ended(server, send(server, film))
    assert (found["state"], found["frames"]) == ("done", 4)
    assert found["failures"][0]["error"] == "film.mp4: more frames than this server reads; it stopped after 4"


def test_it_can_be_stopped_between_samples(server, tmp_path):
    """Of a long video with a frame each hour, nothing comes for a long time; and yet it says how far it is."""
    path = clip(tmp_path / "long.avi", 4000, fps=25, codec="mpeg4")
    job = send(server, path, every=3600)
    end = time.monotonic() + 30
    while not 0 < server.get(f"/api/videos/{job}").json()["seconds"] < 150:
        assert time.monotonic() < end, "it never said how far it was"
    assert server.delete(f"/api/videos/{job}").status_code == 204
    began = time.monotonic()
    while folders(server):
        assert time.monotonic() < began + 30
        time.sleep(0.01)


def test_a_part_that_ends_the_program_ends_its_video_alone(serve: Serve, film, monkeypatch):
    def ends(image: Array) -> Faces:
        raise SystemExit(1)

    monkeypatch.setitem(detectors.DETECTORS, "ends", lambda variant, *, threads: ends)
    monkeypatch.setitem(detectors.VARIANTS, "ends", ())
    server = serve()
    first, second = send(server, film, detector="ends"), send(server, film)
    told = "film.mp4: SystemExit; this is a fault in mien or in a plug-in, and the server's log says where"
    assert ended(server, first)["error"] == told
    assert ended(server, second)["state"] == "done"


def test_errors_do_not_say_where_things_lie(server, film, monkeypatch):
    from mien.sinks.tables import JsonLinesSink

    def full(self: JsonLinesSink, frame: object, result: object) -> None:
        raise SinkError(f"{self.path}: cannot be written (File too large)")

    monkeypatch.setattr(JsonLinesSink, "write", full)
    found = ended(server, send(server, film))
    assert (found["error"], found["code"]) == ("table.jsonl: cannot be written (File too large)", "no_room")


def test_what_a_server_left_that_was_killed_just_before_is_erased_too(serve: Serve, tmp_path, monkeypatch):
    monkeypatch.setattr("mien.web.leftovers.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("mien.web.leftovers.YOUNG_SECONDS", 600)
    monkeypatch.setattr("mien.web.jobs.SWEEP_SECONDS", 0.05)
    left = tmp_path / "mien-serve-left"
    (left / "number").mkdir(parents=True)
    serve()
    assert left.exists()
    os.utime(left, (0, 0))
    end = time.monotonic() + 30
    while left.exists():
        assert time.monotonic() < end, "it stayed"
        time.sleep(0.02)


def test_what_a_killed_server_left_is_erased(tmp_path, monkeypatch):
    monkeypatch.setattr("mien.web.leftovers.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, young, running = tmp_path / "mien-serve-left", tmp_path / "mien-serve-young", Jobs(keep_seconds=1, most=1)
    for folder in (left, young):
        (folder / "number").mkdir(parents=True)
        (folder / "number" / "upload").write_bytes(b"a face")
    for folder in (left, running.folder):
        os.utime(folder, (0, 0))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mien-serve-link").symlink_to(tmp_path / "mine")
    os.utime(tmp_path / "mien-serve-link", (0, 0), follow_symlinks=False)
    other = Jobs(keep_seconds=1, most=1)
    assert not left.exists()
    assert list((tmp_path / "mine").iterdir()) == []
    assert (young / "number" / "upload").exists()
    assert running.folder.is_dir()
    running.close()
    other.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mien-serve-link", "mien-serve-young", "mine"]


def test_on_windows_what_a_killed_server_left_is_erased_too(tmp_path, monkeypatch):
    as_windows(monkeypatch, "mien.web.leftovers", "mien.sinks.locks")
    monkeypatch.delattr("os.getuid")
    monkeypatch.setattr("mien.web.leftovers.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    unclaimed, killed, young, running = *(tmp_path / f"mien-serve-{name}" for name in "ukn"), Jobs(keep_seconds=1, most=1)
    for folder in (unclaimed, killed, young):
        (folder / "number").mkdir(parents=True)
        (folder / "number" / "upload").write_bytes(b"a face")
    (killed / "running").touch()
    lock_of(killed / "running").touch()
    for folder in (unclaimed, killed, running.folder):
        os.utime(folder, (0, 0))
    other = Jobs(keep_seconds=1, most=1)
    assert sorted(tmp_path.iterdir()) == sorted([young, running.folder, other.folder])
    running.close()
    other.close()
    assert list(tmp_path.iterdir()) == [young]


@pytest.mark.skipif(sys.platform == "win32", reason="the locks of Unix")
def test_where_there_are_no_locks_nothing_is_erased_of_a_server_that_runs(tmp_path, monkeypatch):
    def unsupported(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", unsupported)
    monkeypatch.setattr("mien.web.leftovers.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    running = Jobs(keep_seconds=1, most=1)
    upload = running.folder / "number" / "upload"
    upload.parent.mkdir()
    upload.write_bytes(b"a face")
    os.utime(running.folder, (0, 0))
    other = Jobs(keep_seconds=1, most=1)
    assert upload.exists()
    assert (running.folder / "running").exists()
    running.close()
    other.close()
    assert list(tmp_path.iterdir()) == []
