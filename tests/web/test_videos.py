import csv
import time
from pathlib import Path

import av
import pytest
from fastapi.testclient import TestClient
from pyarrow import parquet

from mien.table import COLUMNS, RAW_COLUMNS
from mien.testing import FakeDetector
from mien.types import Faces, Image
from tests.io.clips import cut
from tests.web.conftest import Serve


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
    return sorted(server.app.state.service.jobs._folder.iterdir())  # type: ignore[attr-defined]


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
    assert str(folders(server)[0]) not in page.text
    assert page.headers["content-security-policy"] == "frame-ancestors 'self'"
    (tmp_path / "x.mp4").write_bytes(got["video"].content)
    with av.open(str(tmp_path / "x.mp4")) as video:
        assert len(list(video.decode(video=0))) == 10
        assert video.streams.audio  # of the file that was sent


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
    assert folders(server)[0].name == found["id"]
    assert list(folders(server)[0].iterdir()) == []


def test_of_a_damaged_video_there_is_what_could_be_read(server, film):
    path = cut(film, 0.6)
    found = ended(server, send(server, path))
    if found["state"] == "done":  # an MP4 that lacks its end may lack its index
        assert found["failures"]
    else:
        assert found["error"].startswith(f"{path.name}: ")
    assert "mien-serve" not in str(found)


def test_wrong_options_are_told_before_anything_is_kept(server, film):
    for asked, told in (({"every": -1}, "every"), ({"model": "x"}, "unknown model"), ({"language": "xx"}, "unknown language")):
        answer = server.post("/api/videos", files={"file": ("a.mp4", film.read_bytes())}, params=asked)
        assert answer.status_code == 400
        assert told in answer.json()["error"]
    assert folders(server) == []


class Slow(FakeDetector):
    """Takes its time."""

    def __call__(self, image: Image, /) -> Faces:
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
    assert full.json()["error"].startswith("2 videos are being worked on or kept")
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
    assert server.get(f"/api/videos/{job}").json() == {"error": "no such video here; its results may have been erased"}
    assert folders(server) == []


def test_a_server_that_ends_leaves_nothing(serve: Serve, film):
    server = serve()
    send(server, film)
    folder = server.app.state.service.jobs._folder  # type: ignore[attr-defined]
    assert folder.is_dir()
    server.__exit__(None, None, None)
    assert not folder.exists()
    server.__enter__()  # the fixture ends it once more
