from importlib import resources

import pytest

from mien.models import session


@pytest.mark.parametrize(("cores", "asked", "taken"), [(1, 0, 1), (2, 0, 1), (None, 0, 1), (4, 0, 0), (2, 2, 2), (8, 1, 1)])
def test_threads_are_those_asked_for_or_suit_the_cores(monkeypatch, cores, asked, taken):
    monkeypatch.setattr(session.os, "cpu_count", lambda: cores)
    with resources.as_file(resources.files("mien.models") / "weights" / "yunet.onnx") as path:
        opened = session.open_session(path, threads=asked)
    assert opened.get_session_options().intra_op_num_threads == taken  # 0 is onnxruntime's word for all of them
