import os
import subprocess
import sys
from importlib import resources

import pytest

from mien.models import session


@pytest.mark.parametrize(("cores", "asked", "taken"), [(1, 0, 1), (2, 0, 1), (None, 0, 1), (4, 0, 0), (2, 2, 2), (8, 1, 1), (4, 99999, 4)])
def test_threads_are_those_asked_for_or_suit_the_cores(monkeypatch, cores, asked, taken):
    monkeypatch.setattr(session.os, "cpu_count", lambda: cores)
    with resources.as_file(resources.files("mien.models") / "weights" / "yunet.onnx") as path:
        opened = session.open_session(path, threads=asked)
    assert opened.get_session_options().intra_op_num_threads == taken  # 0 is onnxruntime's word for all of them


def test_nothing_is_reported_to_the_makers_of_onnxruntime(tmp_path):
    """Its telemetry leaves a number for this machine and a queue of events in the user's folders, whether or not it can send them."""
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    places = {"HOME": home, "USERPROFILE": home, "LOCALAPPDATA": home, "XDG_CACHE_HOME": home, "TMPDIR": temporary, "TEMP": temporary}
    settings = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    program = "import mien, numpy; mien.Analyzer().image(numpy.zeros((64, 64, 3), numpy.uint8))"
    subprocess.run(
        [sys.executable, "-c", program], env=settings | {name: str(path) for name, path in places.items()}, check=True, timeout=100
    )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
