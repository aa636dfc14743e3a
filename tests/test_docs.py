"""The documentation is what the code says, and its links lead somewhere."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

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


def programs_of(page: str) -> list[str]:
    """The Python blocks of a page, named from the root of the project."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)


def what_the_programs_print(page: str, tmp_path: Path) -> str:
    """All programs of a page, one after the other, in a folder with what they take."""
    pytest.importorskip("av", reason="PyAV is not installed: pip install '.[video]'")
    pytest.importorskip("pandas", reason="pandas is not installed: pip install pandas")
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install '.[data]'")
    from tests.io.clips import clip

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
    run = subprocess.run([sys.executable, "-c", "\n".join(programs_of(page))], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_programs_of_the_python_page_run(tmp_path):
    printed = what_the_programs_print("docs/python.md", tmp_path)
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
    printed = what_the_programs_print("docs/migrate.md", tmp_path)
    assert re.search(r"^\{'anger': 0\.\d+, .*'happy': [01]\.\d+", printed)  # as fer has it
    assert re.search(r"^happy \d\d {'x': \d+, 'y': \d+, 'w': \d+, 'h': \d+}", printed, re.MULTILINE)  # as DeepFace has it
    assert re.search(r"^top_emotion: \('happy', 0\.\d+\)", printed, re.MULTILINE)
    assert re.search(r"crops.1\.png happy \[0\.", printed)
    assert "(1, 768)" in printed
    assert re.search(r"^0 +0\.0+ +0\.0 +[01]\.\d+ +0\.1$", printed, re.MULTILINE)  # beside OpenFace's


def test_openface_is_joined_to_one_person():
    """Its table is of one person, whose action units nobody else in the frame may get."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    (program,) = (one for one in programs_of("docs/migrate.md") if "openface" in one)
    frames = [0, 0, 1, 1, 2]
    table = pandas.DataFrame({"frame": frames, "person": [4, 7, 4, 7, 4], "time_s": [0.1 * n for n in frames], "p_happy": 0.5})
    found = {"mien": SimpleNamespace(analyze=lambda name: SimpleNamespace(to_pandas=lambda: table))}
    exec(program, found)
    assert found["both"][["person", "frame", "AU12_r"]].to_numpy().tolist() == [[4, 0, 0.1], [4, 1, 0.4], [4, 2, 0.9]]


def with_a_table(folder: Path) -> None:
    """What README.md takes: `photo.jpg`, `clip.mp4`, and `seen.csv`, which its command line writes of that."""
    pytest.importorskip("av", reason="PyAV is not installed")
    from tests.io.clips import clip

    shutil.copy(ROOT / "examples" / "portrait.jpg", folder / "photo.jpg")
    with Image.open(folder / "photo.jpg") as photo:
        clip(folder / "clip.mp4", images=[np.asarray(photo.resize((320, 240)))] * 20)
    save_table(folder / "seen.csv", "happy")


def with_a_manifest(folder: Path) -> None:
    from mien.data.manifest import Manifest
    from mien.data.stores import InArray

    labels = ["happy", "sad", "happy"]
    pictures = [InArray(np.zeros((3, 48, 48), np.uint8))]
    Manifest({"id": ["1", "2", "3"], "label": labels}, pictures).write(folder / "faces.parquet", inside=True)


def with_a_session(folder: Path) -> None:
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
    from mien.store import open_store
    from tests.store.recording import record, results

    with open_store(folder / "sessions.db") as store:
        record(store, "shop window", results(6), model="base")


def with_viewers(folder: Path) -> None:
    (folder / "rows").mkdir()
    for name, shown in (("anna", "happy"), ("ben", "surprise"), ("cleo", "happy")):
        save_table(folder / "rows" / f"{name}.parquet", shown)


def with_a_run(folder: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    import dataclasses
    import json

    from mien.train.config import TrainConfig
    from tests.train.runs import rows, write_run

    config = json.loads(json.dumps(dataclasses.asdict(TrainConfig(name="mine"))))
    write_run(folder / "runs" / "mine", rows(), config=config, run={"seed": 7, "data": "ab" * 32, "versions": {"mien": "1"}})


def with_nothing(folder: Path) -> None:
    if importlib.util.find_spec("timm") is None:  # importing it takes mien's shim for torchvision
        pytest.skip("timm is not installed")


def save_table(path: Path, shown: str) -> None:
    """The table of somebody who begins to show this after two of eight seconds."""
    from mien import Frame, open_sink
    from mien.testing.timelines import planted_results

    sink = open_sink(path)
    for result in planted_results([[(0.0, "neutral"), (2.0, shown)]], seconds=8, fps=5):
        sink.write(Frame(np.zeros((360, 640, 3), np.uint8), result.index, result.time, result.source, stream=True), result)
    sink.close()


RUN_HERE = {
    "README.md": with_a_table,
    "docs/architectures.md": with_nothing,
    "docs/data.md": with_a_manifest,
    "docs/sessions.md": with_a_session,
    "docs/studies.md": with_viewers,
    "docs/train.md": with_a_run,
}
"""Pages whose Python programs are run below, one after the other, with what makes the files that they take."""
RUN_ELSEWHERE = {
    "docs/affect.md": ("models/test_features.py", "test_the_program_of_the_affect_page_says_what_it_says"),
    "docs/migrate.md": ("test_docs.py", "test_the_programs_of_the_page_for_those_who_come_from_other_tools_run"),
    "docs/python.md": ("test_docs.py", "test_the_programs_of_the_python_page_run"),
    "docs/serve.md": ("web/test_docs.py", "test_the_app_inside_another_program"),
    "docs/timelines.md": ("report/test_tables.py", "test_the_programs_of_the_page_on_timelines_run"),
}
"""Pages of which a test says what comes out: its file, and its name."""
LEFT_OUT = {"docs/data.md": "vectors.npz"}
"""A word of programs that are not run here: SMOTE's vectors, which models/test_features.py makes and judges."""


def test_the_programs_of_every_page_are_run():
    pages = [path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md"))]
    assert {page for page in pages if programs_of(page)} == RUN_HERE.keys() | RUN_ELSEWHERE.keys()
    for page, (file, test) in RUN_ELSEWHERE.items():
        assert Path(page).name in files_opened((ROOT / "tests" / file).read_text("utf-8"), test), page


def files_opened(text: str, test: str) -> set[str]:
    """Names of files that a test gives to functions or joins to folders, itself or in what its file has beside the tests."""
    body = ast.parse(text).body
    names = [node.name if isinstance(node, ast.FunctionDef) else "" for node in body]
    assert test in names
    parts = [part for name, part in zip(names, body, strict=True) if name == test or not name.startswith("test_")]
    nodes = [node for part in parts for node in ast.walk(part)]
    given = [each for node in nodes if isinstance(node, ast.Call) for each in node.args]
    joined = [node.right for node in nodes if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)]
    return {Path(each.value).name for each in (*given, *joined) if isinstance(each, ast.Constant) and isinstance(each.value, str)}


@pytest.mark.parametrize("page", RUN_HERE)
def test_the_programs_of_the_page_run(page, tmp_path):
    RUN_HERE[page](tmp_path)
    programs = [program for program in programs_of(page) if LEFT_OUT.get(page, "\0") not in program]
    store = {"MIEN_STORE": str(tmp_path / "sessions.db")}
    run = subprocess.run(
        [sys.executable, "-c", "\n".join(programs)], cwd=tmp_path, env=os.environ | store, capture_output=True, text=True, timeout=100
    )
    assert run.returncode == 0, run.stderr


def test_every_page_says_whom_it_is_for():
    """Its first paragraph is a sentence, not a command, before the first heading of a section."""
    for path in (ROOT / "docs").glob("*.md"):
        assert re.match(r"# .+\n\n[A-Z`*][^\n]+", path.read_text("utf-8")), path.name
