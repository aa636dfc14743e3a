import json
import sys
from importlib import metadata
from pathlib import Path

import cv2
import pytest

from mien import __version__
from mien.cli import doctor, models
from mien.errors import ModelError
from mien.store import open_store


@pytest.fixture
def findings(mien, monkeypatch: pytest.MonkeyPatch):
    """What it finds, by name, with its exit code; models and detectors are checked in their own tests."""
    monkeypatch.setattr(models, "checks", lambda: {"tiny": lambda: "right"})

    def look() -> tuple[int, dict[str, dict[str, str]]]:
        said = mien("doctor", "--json")
        assert said.err == ""
        found = {one["what"]: one for one in json.loads(said.out)}
        return said.code, found

    return look


def test_a_sound_installation(findings) -> None:
    code, found = findings()
    assert code == 0
    assert found["mien"]["found"] == __version__
    assert found["numpy"] == {"what": "numpy", "state": "ok", "found": metadata.version("numpy"), "todo": ""}
    assert found["tiny"]["found"] == "right"
    assert found["H.264"]["state"] == "ok"
    assert (found["pictures"]["found"], found["videos"]["found"]) == ("a JPEG is read", "an AVI is read")
    assert "bad" not in {one["state"] for one in found.values()}


def test_it_is_a_table_for_human_eyes(mien, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "checks", dict)
    said = mien("doctor")
    assert said.code == 0
    assert said.out.split()[:5] == ["what", "state", "found", "to", "do"]


def test_a_wrong_model_is_bad(findings, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong() -> str:
        raise ModelError("tiny.onnx: its hash differs")

    monkeypatch.setattr(models, "checks", lambda: {"tiny": wrong})
    code, found = findings()
    assert code == 1
    assert (found["tiny"]["state"], found["tiny"]["found"]) == ("bad", "tiny.onnx: its hash differs")


@pytest.mark.parametrize(("what", "module", "name"), [("pictures", "mien.io.images", "opencv"), ("videos", "av", "open")])
def test_what_loads_and_does_not_do_its_work_is_bad(findings, monkeypatch: pytest.MonkeyPatch, what: str, module: str, name: str) -> None:
    """As an OpenCV or a PyAV of another age does: these have had other names for things."""

    def other(*_: object, **__: object) -> None:
        raise TypeError("open() got an unexpected keyword argument")

    monkeypatch.setattr(f"{module}.{name}", other)
    code, found = findings()
    assert code == 1
    assert (found[what]["state"], found[what]["found"]) == ("bad", "TypeError: open() got an unexpected keyword argument")
    assert found[what]["todo"].startswith("pip install --upgrade --force-reinstall")


def test_what_an_extra_lacks_is_missing_and_the_command_is_named(findings, monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: "" if name == "av" else real(name))
    code, found = findings()
    assert code == 0
    assert found["mien[video]"] == {
        "what": "mien[video]",
        "state": "missing",
        "found": "without av",
        "todo": 'pip install ".[video]" in a checkout of mien',
    }
    assert "H.264" not in found


def test_what_mien_itself_needs_is_bad(findings, monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: "" if name == "rich" else real(name))
    code, found = findings()
    assert (code, found["rich"]["state"], found["rich"]["todo"]) == (1, "bad", "pip install rich")


def test_several_opencvs_overwrite_each_other(findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "packages_distributions", lambda: {"cv2": ["opencv-python-headless", "opencv-python"]})
    code, found = findings()
    assert code == 1
    assert found["OpenCV"]["todo"] == "pip uninstall opencv-python; then pip install --force-reinstall opencv-python-headless"


def test_an_opencv_without_cascades_is_bad(findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2, "CascadeClassifier")
    code, found = findings()
    assert (code, found["OpenCV"]["state"]) == (1, "bad")


def test_the_store_is_looked_at(findings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    monkeypatch.setenv("MIEN_STORE", str(path))
    assert findings()[1]["sessions"]["found"] == "none yet"
    assert not path.exists()
    with open_store(path) as store, store.writer("a"):
        pass
    assert findings()[1]["sessions"]["found"] == f"1 in {path}"
    path.write_bytes(b"no database" * 1000)
    code, found = findings()
    assert (code, found["sessions"]["state"]) == (1, "bad")


def test_a_package_that_does_not_load_ends_one_look_only(findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)

    def broken() -> str:
        raise ImportError("libonnxruntime.so: cannot open shared object file", name="onnxruntime")

    monkeypatch.setattr(models, "checks", lambda: {"tiny": broken})
    code, found = findings()
    assert code == 1
    assert (found["av"]["state"], found["av"]["todo"]) == ("bad", "install av anew")
    assert (found["tiny"]["state"], found["sessions"]["state"]) == ("bad", "ok")
