"""Every example runs, and every picture is small, has a source, and shows what it should."""

import os
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image as Pillow

import mien
from mien.testing import FakeRecogniser

EXAMPLES = Path(__file__).parents[1] / "examples"
PICTURES = sorted(EXAMPLES.glob("*.jpg"))
PROGRAMS = sorted(EXAMPLES.glob("*.py"))
FACES = {"astronaut": 1, "cameraman": 1, "coffee": 0, "group": 4, "portrait": 1, "speech": 1}


def test_there_is_what_the_table_lists():
    text = (EXAMPLES / "README.md").read_text("utf-8")
    assert PICTURES
    assert PROGRAMS
    for path in (*PICTURES, *PROGRAMS):
        assert f"`{path.name}`" in text or f"[{path.name}]({path.name})" in text
    assert {path.stem for path in PICTURES} == set(FACES)


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_pictures_are_modest(path):
    assert path.stat().st_size < 300_000
    with Pillow.open(path) as picture:
        assert picture.mode == "RGB"
        assert max(picture.size) <= 2000


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_the_default_detector_finds_the_faces(path):
    (result,) = mien.Analyzer(recogniser=FakeRecogniser(), threads=1).analyze(path).results
    assert len(result) == FACES[path.stem]


@pytest.fixture
def clean_names(monkeypatch):
    """What the examples register is gone afterwards."""
    from mien import drawers
    from mien.models import registry
    from mien.models.detectors import registry as detectors

    for table in (drawers._drawers, registry._factories, detectors.DETECTORS, detectors.VARIANTS):
        for name in list(table):
            monkeypatch.setitem(table, name, table[name])  # put back as it was
    yield
    for table, own in ((drawers._drawers, "spotlight"), (registry._factories, "baseline"), (detectors.DETECTORS, "middle")):
        table.pop(own, None)
    detectors.VARIANTS.pop("middle", None)


@pytest.mark.usefixtures("clean_names")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("own_detector", "208.67 300.0 "),
        ("own_recogniser", "0 neutral 0.4\n1 neutral 0.4"),
        ("own_drawer", "spotlight.jpg"),
        ("own_model", "mine happy"),
    ],
)
def test_programs_run(name, says, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("MIEN_MODELS", "")  # put back as it was
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert capsys.readouterr().out.startswith(says)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_programs_are_short_and_tested(path):
    lines = [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    assert len(lines) <= 20
    assert path.stem in ("own_detector", "own_recogniser", "own_drawer", "own_model")


def test_an_example_runs_on_its_own(tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / "own_recogniser.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == FACES["group"]


def test_an_installed_plugin_is_found_by_its_entry_point(tmp_path):
    package = tmp_path / "own_plugin-0.1.0.dist-info"  # what pip writes when it installs examples/own_plugin
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: own-plugin\nVersion: 0.1.0\n")
    settings = tomllib.loads((EXAMPLES / "own_plugin" / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    ((group, entries),) = settings.items()
    (package / "entry_points.txt").write_text(f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in entries.items()))
    program = (
        "import mien, numpy; from mien.testing import FakeRecogniser;"
        "analyzer = mien.Analyzer(detector='square', recogniser=FakeRecogniser());"
        "print(analyzer.image(numpy.zeros((9, 7, 3), numpy.uint8)).faces.boxes.tolist())"
    )
    path = os.pathsep.join([str(tmp_path), str(EXAMPLES / "own_plugin")])
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[[0.0, 1.0, 7.0, 8.0]]"
