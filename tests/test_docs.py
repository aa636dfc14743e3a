"""The documentation is what the code says, and its links lead somewhere."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]


def make_docs():
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "tools" / "make_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_command_line_reference_is_up_to_date(capsys):
    assert make_docs().main(check=True) == 0, capsys.readouterr().err


def test_every_verb_and_option_is_in_the_reference():
    text = (ROOT / "docs" / "cli.md").read_text("utf-8")

    def check(command, name):
        assert f"## `{name}`" in text
        for param in command.params:
            assert (
                param.name == "help"
                or param.hidden
                or any(f"`{word}" in text for word in (*param.opts, *(f"{b}{(param.metavar or param.name).upper()}" for b in ("", "["))))
            )
        for key, verb in getattr(command, "commands", {}).items():
            check(verb, f"{name} {key}")

    check(make_docs().cli(), "mien")


def test_a_broken_link_is_found(tmp_path):
    (tmp_path / "there.md").write_text("nothing", "utf-8")
    (tmp_path / "README.md").write_text(
        "[good](there.md#part) [web](https://example.org) [bad](gone.md)\n```\n[not a link](x)\n```\n", "utf-8"
    )
    assert make_docs().broken_links(tmp_path) == ["README.md: gone.md"]


def test_the_figures_in_the_docs_are_those_of_the_card(capsys):
    spec = importlib.util.spec_from_file_location("fill_model_card", ROOT / "tools" / "fill_model_card.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.main(check=True) == 0, capsys.readouterr().err


def what_the_programs_print(page: str, tmp_path: Path) -> str:
    """All programs of a page, one after the other, in a folder with what they take."""
    pytest.importorskip("av", reason="PyAV is not installed: pip install 'mien[video]'")
    pytest.importorskip("pandas", reason="pandas is not installed: pip install pandas")
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'mien[data]'")
    from tests.io.clips import clip

    programs = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text("utf-8"), re.DOTALL)
    (tmp_path / "holiday").mkdir()
    shutil.copy(ROOT / "examples" / "portrait.jpg", tmp_path / "photo.jpg")
    for emotion in ("happy", "neutral"):
        (tmp_path / "faces" / emotion).mkdir(parents=True)
        for name in ("portrait.jpg", "astronaut.jpg") if emotion == "happy" else ("cameraman.jpg",):
            shutil.copy(ROOT / "examples" / name, tmp_path / "faces" / emotion / name)
    for name in ("astronaut.jpg", "coffee.jpg"):
        shutil.copy(ROOT / "examples" / name, tmp_path / "holiday" / name)
    with Image.open(tmp_path / "photo.jpg") as photo:
        frame = np.asarray(photo.resize((320, 240)))
    (tmp_path / "crops").mkdir()
    with Image.open(ROOT / "examples" / "astronaut.jpg") as photo:
        photo.crop((176, 62, 272, 176)).save(tmp_path / "crops" / "1.png")
    clip(tmp_path / "clip.mp4", images=[frame] * 20)
    run = subprocess.run([sys.executable, "-c", "\n".join(programs)], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_programs_of_the_python_page_run(tmp_path):
    printed = what_the_programs_print("python.md", tmp_path)
    assert "photo.jpg 0 happy" in printed
    assert "by my own classifier: ['happy']" in printed
    assert "0.60 s: person 0, happy" in printed
    assert "none.jpg: no such file" in printed
    assert {path.name for path in tmp_path.iterdir()} >= {"faces.parquet", "shown", "seen.mp4", "seen.csv"}
    assert "nearest to valence .6, arousal .4: happy" in printed
    assert "['happy'] 2 pictures, 20 20 " in printed
    assert re.search(r"predicted: happy \['happy', [567]\.\d+, [34567]\.\d+\]", printed)
    assert {"shown.jpg", "shown_holiday", "recorded.mp4", "balanced"} <= {path.name for path in tmp_path.iterdir()}


def test_the_programs_of_the_page_for_those_who_come_from_other_tools_run(tmp_path):
    printed = what_the_programs_print("migrate.md", tmp_path)
    assert re.search(r"^\{'anger': 0\.\d+, .*'happy': [01]\.\d+", printed)  # as fer has it
    assert re.search(r"^happy \d\d {'x': ", printed, re.MULTILINE)  # as DeepFace has it
    assert re.search(r"^top_emotion: \('happy', 0\.\d+\)", printed, re.MULTILINE)
    assert re.search(r"crops.1\.png happy \[0\.", printed)
    assert "(1, 768)" in printed
    assert re.search(r"^0 +0\.0 +0\.0 +[01]\.\d+ +0\.1$", printed, re.MULTILINE)  # beside OpenFace's
