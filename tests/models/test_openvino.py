"""Models run by OpenVINO."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mien.errors import ExtraMissing, ModelError, UnknownName
from mien.models import openvino
from mien.models.locate import BUNDLED
from mien.models.recogniser import OnnxRecogniser
from mien.models.registry import recogniser

GOLDEN = BUNDLED / "base.golden.npz"


def crops() -> np.ndarray:
    with np.load(GOLDEN) as golden:
        return np.repeat(golden["crops"][..., None], 3, axis=3)


@pytest.fixture(scope="module")
def model() -> OnnxRecogniser:
    pytest.importorskip("openvino_telemetry", reason="OpenVINO is not installed")  # not openvino itself, which reports its import
    return recogniser("base:openvino", threads=1)


def test_it_answers_as_onnxruntime_does_but_for_a_step_of_eight_bits(model):
    theirs, ours = recogniser("base", threads=1)(crops()), model(crops())
    assert ours.labels == theirs.labels
    assert np.abs(ours.probs - theirs.probs).max() < 0.05
    assert np.abs(ours.affect - theirs.affect).max() < 0.1
    assert (ours.probs.argmax(axis=1) == theirs.probs.argmax(axis=1)).mean() > 0.9
    assert np.abs(ours.probs - np.roll(theirs.probs, 1, axis=0)).mean() > 10 * np.abs(ours.probs - theirs.probs).mean()


def test_alone_in_a_batch_and_in_eight_threads_it_says_the_same(model):
    together = model(crops()).probs
    np.testing.assert_allclose(np.concatenate([model(crop[None]).probs for crop in crops()]), together, atol=1e-5)
    with ThreadPoolExecutor(8) as pool:
        for answer in pool.map(lambda _: model(crops()).probs, range(24)):
            np.testing.assert_allclose(answer, together, atol=1e-5)


def test_nothing_is_reported_to_its_makers():
    pytest.importorskip("openvino_telemetry", reason="OpenVINO is not installed")
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise SystemExit('it wants the network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from mien.models.registry import recogniser\n"
        "recogniser('base:openvino')\n"
        "import openvino.tools.ovc\n"
        "print(type(openvino.tools.ovc.telemetry).__module__, 'openvino_telemetry' in sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert ran.stdout.split() == ["openvino.tools.ovc.telemetry_stub", "False"], ran.stderr


def test_a_path_takes_the_suffix_too(model):
    assert recogniser(f"{BUNDLED / 'base.json'}:openvino", threads=1).card.name == "base"


def test_a_broken_file_is_one_line(model, tmp_path: Path):
    (tmp_path / "base.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"OpenVINO cannot open it \([^\n]*\); wanted a whole ONNX file"):
        OnnxRecogniser(model.card, tmp_path / "base.onnx", runtime="openvino")


def test_without_it_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ExtraMissing, match=r"\.\[openvino\]"):
        recogniser("base:openvino")


def test_threads_may_load_it_at_once(monkeypatch: pytest.MonkeyPatch):
    """What hides a package of its makers' is one mark for all threads; it is gone behind the last of them."""
    module, there = object(), object()

    def slowly(name: str) -> object:
        time.sleep(0.05)
        assert sys.modules["openvino_telemetry"] is None
        return module

    monkeypatch.setitem(sys.modules, "openvino_telemetry", there)
    monkeypatch.setattr(openvino.importlib, "import_module", slowly)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: openvino._without_telemetry(), range(4))) == [module] * 4
    assert sys.modules["openvino_telemetry"] is there


def test_another_runtime_is_refused():
    card = recogniser("base").card
    with pytest.raises(UnknownName, match="runtime 'tensorrt'"):
        OnnxRecogniser(card, BUNDLED / card.file, runtime="tensorrt")
