"""Where weights are looked for, and fetching them from a server of our own."""

import contextlib
import hashlib
import http.server
import threading
import time
from pathlib import Path

import pytest

from mien.errors import ModelError, UnknownName, WeightsMissing
from mien.models import locate as lc

BODY = bytes(range(256)) * 5000
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """$MIEN_MODELS (two folders), the package's and the cache, all empty; in the order in which they are searched."""
    order = [tmp_path / name for name in ("one", "two", "bundled")]
    for folder in order:
        folder.mkdir()
    monkeypatch.setenv("MIEN_MODELS", f"{order[0]}{lc.os.pathsep}{order[1]}")
    monkeypatch.setattr(lc, "BUNDLED", order[2])
    monkeypatch.setattr(lc, "cache_folder", lambda: tmp_path / "cache")
    return [*order, tmp_path / "cache"]


def test_the_first_folder_that_has_the_file_wins(folders):
    for folder in reversed(folders):
        folder.mkdir(exist_ok=True)
        (folder / "x.onnx").write_bytes(b"x")
        assert lc.locate("x.onnx") == folder / "x.onnx"


def test_a_user_without_a_home_has_no_cache(tmp_path, monkeypatch):
    """As a container's that runs under a number of its own."""

    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("MIEN_MODELS", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", none)
    assert lc.weights_folders() == [lc.BUNDLED]
    with pytest.raises(WeightsMissing, match="weights of 'gone' missing"):
        lc.locate("gone.onnx")
    with pytest.raises(ModelError, match=r"this user has no home; name a folder \(--folder\)"):
        lc.fetch_weights("yunet")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(lc.sys, "platform", "linux")
    assert lc.weights_folders() == [lc.BUNDLED, tmp_path / "mien" / "models"]


def test_a_path_is_taken_as_it_is(folders, tmp_path):
    mine = tmp_path / "mine.onnx"
    mine.write_bytes(b"x")
    assert lc.locate(mine) == mine
    with pytest.raises(WeightsMissing, match="no such file"):
        lc.locate(tmp_path / "gone.onnx")


def test_missing_weights_name_the_command_and_the_way_out(folders):
    with pytest.raises(WeightsMissing, match=r"`mien models get yunet`; `--detector haar`"):
        lc.locate("yunet.onnx", name="yunet", hint="`--detector haar` works without them")
    with pytest.raises(WeightsMissing, match="install mien again") as error:
        lc.locate("other.onnx", name="other")
    assert "models get" not in str(error.value)


def test_the_hash_is_checked_and_again_after_a_change(folders):
    path = folders[0] / "x.onnx"
    path.write_bytes(b"right")
    right = hashlib.sha256(b"right").hexdigest()
    assert lc.locate("x.onnx", sha256=right) == path
    path.write_bytes(b"wrong!")
    with pytest.raises(ModelError, match="sha256"):
        lc.locate("x.onnx", sha256=right)


def test_an_unchanged_file_is_read_once(folders, monkeypatch):
    path = folders[0] / "once.onnx"
    path.write_bytes(b"once")
    right = hashlib.sha256(b"once").hexdigest()
    lc.locate("once.onnx", sha256=right)
    monkeypatch.setattr(lc.hashlib, "file_digest", None)  # a second reading would fail
    lc.locate("once.onnx", sha256=right)


class Server(http.server.BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self):
        type(self).asked += 1
        if self.path == "/x.onnx":
            self.send_response(200)
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY)
        elif self.path == "/short.onnx":  # breaks off in the middle
            self.send_response(200)
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY[:1000])
        elif self.path == "/broken.onnx":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"10\r\nonly this")
        elif self.path == "/drip.onnx":
            self.send_response(200)
            self.end_headers()
            end = time.monotonic() + 4
            with contextlib.suppress(OSError):
                while time.monotonic() < end:
                    self.wfile.write(b"x")
                    time.sleep(0.02)
        else:
            self.send_error(404)

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    Server.asked = 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


def planted(monkeypatch, url, sha256=SHA256):
    monkeypatch.setitem(lc.SOURCES, "x", lc.Source("x.onnx", url, sha256, "MIT"))


def test_fetching_puts_the_file_where_locate_finds_it(folders, server, monkeypatch):
    planted(monkeypatch, f"{server}/x.onnx")
    path = lc.fetch_weights("x")
    assert path == folders[3] / "x.onnx"
    assert path.read_bytes() == BODY
    assert lc.locate("x.onnx", sha256=SHA256) == path
    assert lc.fetch_weights("x") == path
    assert Server.asked == 1  # what is there is not fetched again


@pytest.mark.parametrize(
    ("path", "sha256", "message"),
    [("x.onnx", "0" * 64, "nothing was kept"), ("short.onnx", SHA256, "sha256"), ("gone.onnx", SHA256, "cannot be fetched")],
)
def test_a_bad_download_leaves_nothing_behind(folders, server, monkeypatch, path, sha256, message):
    planted(monkeypatch, f"{server}/{path}", sha256)
    with pytest.raises(ModelError, match=message):
        lc.fetch_weights("x", folders[0])
    assert list(folders[0].iterdir()) == []


def test_a_good_file_survives_a_bad_download(folders, server, monkeypatch):
    (folders[0] / "x.onnx").write_bytes(b"older")
    planted(monkeypatch, f"{server}/gone.onnx")
    with pytest.raises(ModelError):
        lc.fetch_weights("x", folders[0])
    assert [path.read_bytes() for path in folders[0].iterdir()] == [b"older"]


def test_too_much_is_refused(folders, server, monkeypatch):
    planted(monkeypatch, f"{server}/x.onnx")
    monkeypatch.setattr(lc, "MOST_BYTES", 1000)
    with pytest.raises(ModelError, match="1,000 bytes"):
        lc.fetch_weights("x", folders[0])
    assert list(folders[0].iterdir()) == []


def test_nobody_answers_and_no_folder(folders, monkeypatch):
    planted(monkeypatch, "http://127.0.0.1:9/x.onnx")
    with pytest.raises(ModelError, match="put it at"):
        lc.fetch_weights("x", folders[0])
    (folders[0] / "file").write_bytes(b"")
    with pytest.raises(ModelError, match="cannot be written"):
        lc.fetch_weights("x", folders[0] / "file" / "below")


def test_unknown_names_answer_with_those_there_are():
    with pytest.raises(UnknownName, match="yunet"):
        lc.fetch_weights("nothing")


def test_sources_and_hashes_are_well_formed():
    from mien.models.detectors.registry import SHA256 as HASHES

    for source in lc.SOURCES.values():
        assert source.url.startswith("https://")
        assert HASHES.get(source.file, source.sha256) == source.sha256
    for name, digest in HASHES.items():
        assert len(digest) == 64
        if (lc.BUNDLED / name).exists():
            assert hashlib.sha256((lc.BUNDLED / name).read_bytes()).hexdigest() == digest


def test_a_server_that_breaks_the_protocol_is_one_line(folders, server, monkeypatch):
    planted(monkeypatch, f"{server}/broken.onnx")
    with pytest.raises(ModelError, match=r"broken\.onnx: cannot be fetched \(IncompleteRead.*put it at") as error:
        lc.fetch_weights("x", folders[0])
    assert "\n" not in str(error.value)
    assert list(folders[0].iterdir()) == []


def test_a_dripping_server_comes_to_an_end(folders, server, monkeypatch):
    planted(monkeypatch, f"{server}/drip.onnx")
    monkeypatch.setattr(lc, "DEADLINE_SECONDS", 0.2)
    began = time.monotonic()
    with pytest.raises(ModelError, match=r"not here within 0\.2 s"):
        lc.fetch_weights("x", folders[0])
    assert time.monotonic() - began < 2
    assert list(folders[0].iterdir()) == []
