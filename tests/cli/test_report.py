import csv
import json
import subprocess
import sys

import pytest

from mien.cli.report import default_page
from mien.pipeline import Analyzer
from mien.testing import FakeDetector, FakeRecogniser, planted_picture
from mien.timeline import Timeline
from mien.types import Frame
from tests.report.tables import Elements, csv_file, data_of, row, two_people


@pytest.fixture
def table(tmp_path):
    return csv_file(tmp_path / "my run.csv", two_people())


def test_a_table_becomes_a_page_beside_it(mien, table):
    said = mien("report", table)
    page = table.with_suffix(".html")
    assert (said.code, said.out, said.err) == (0, "", f"page: {page}\n")
    data = data_of(page.read_text("utf-8"))
    assert data["title"] == "my run"
    assert data["table"]["rows"] == len(Timeline.read(table))


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_every_kind_of_table_gives_the_same_numbers(mien, table, tmp_path, suffix):
    from mien.sinks.registry import TABLES
    from mien.table import COLUMNS

    other = tmp_path / f"other{suffix}"
    with TABLES[suffix](other, COLUMNS) as sink:
        sink.add(two_people())
    assert mien("report", other).code == mien("report", table).code == 0
    one, two = (data_of(path.with_suffix(".html").read_text("utf-8"))["scopes"][0]["summary"] for path in (table, other))
    assert one == two


def test_title_language_baseline_and_place(mien, table, tmp_path):
    page = tmp_path / "new" / "p.html"
    said = mien("report", table, "-o", page, "--title", "Проба <1>", "--language", "ru", "--baseline", "0:1")
    assert said.code == 0
    html = page.read_text("utf-8")
    assert "<h1>Проба &lt;1&gt;</h1>" in html
    assert "Отличие от собственного исходного уровня" in " ".join(Elements(html).words)


def test_the_scale_of_valence_and_arousal(mien, table):
    assert mien("report", table, "--affect-scale", "seven").code == 0
    html = table.with_suffix(".html").read_text("utf-8")
    assert data_of(html)["affect_scale"] == "seven"
    assert "mean valence, 1..7" in " ".join(Elements(html).words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--baseline", "3"], "as 0:3"),
        (["--baseline", "3:1"], "an end after its beginning"),
        (["--baseline", "nan:1"], "an end after its beginning"),
        (["-o", "page.pdf"], "ends in .html"),
        (["--language", "xx"], "there are: en, ru"),
        (["--affect-scale", "ten"], "there are: seven, unit"),
    ],
)
def test_wrong_usage_is_one_line(mien, table, words, said):
    answer = mien("report", table, *words)
    assert answer.code == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert not table.with_suffix(".html").exists()


def test_a_missing_or_foreign_file_is_one_line(mien, tmp_path):
    assert (answer := mien("report", tmp_path / "none.csv")).code == 1
    assert "no such file" in answer.err
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    assert (answer := mien("report", tmp_path / "other.csv")).code == 1
    assert "wanted a table that mien analyze wrote" in answer.err


def test_a_table_is_never_overwritten(mien, tmp_path):
    odd = tmp_path / "table.html"
    odd.write_text("kept")
    assert mien("report", odd).code != 0
    assert odd.read_text() == "kept"


def test_a_session_becomes_a_page_here(mien, tmp_path, monkeypatch):
    pytest.importorskip("sqlalchemy")
    from mien.store import open_store

    monkeypatch.chdir(tmp_path)
    place = tmp_path / "s.db"
    image, _ = planted_picture([((40, 30, 140, 130), "happy")])
    analyzer = Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser())
    with open_store(place) as store, store.writer("visit: 1", model="fake") as writer:
        for k in range(3):
            frame = Frame(image, k, k / 10, "camera", stream=True)
            writer.write(frame, analyzer.frames([frame])[0])
    said = mien("report", "visit: 1", "--store", place)
    assert (said.code, said.err) == (0, "page: visit_ 1.html\n")
    data = data_of((tmp_path / "visit_ 1.html").read_text("utf-8"))
    assert (data["title"], data["scopes"][0]["summary"]["frames"]) == ("visit: 1", 3)
    assert mien("report", "visit: 1", "--store", place, "--persons", "persons.csv").err.startswith("0 persons -> persons.csv\n")
    assert mien("report", "nobody", "--store", place).code == 2


def test_a_file_wins_over_a_session(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert default_page("a/b.csv").as_posix() == "a/b.html"
    assert default_page("day 1/../x").as_posix() == "day 1_.._x.html"
    assert default_page("...").as_posix() == "session.html"


def test_it_opens_the_page_when_asked_to(mien, table, monkeypatch):
    import webbrowser

    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda url: bool(opened.append(url)))
    said = mien("report", table, "--open")
    assert opened == [table.with_suffix(".html").resolve().as_uri()]
    assert "open the page yourself" in said.err


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_episodes_and_persons_are_tables_without_a_page(mien, table, tmp_path):
    episodes, persons = tmp_path / "episodes.csv", tmp_path / "new" / "persons.jsonl"
    said = mien("report", table, "--episodes", episodes, "--persons", persons)
    found = rows_of(episodes)
    assert (said.code, said.out) == (0, "")
    assert said.err == f"{len(found)} episodes -> {episodes}\n2 persons -> {persons}\n"
    assert found[0] | {"peak_s": "", "peak_p": "", "mean_p": "", "mean_valence": "", "mean_arousal": ""} == {
        "source": "clip.mp4", "person": "0", "emotion": "happy", "start_s": "0.033333", "end_s": "1.2", "duration_s": "1.166667",
        "peak_s": "", "peak_p": "", "mean_p": "", "mean_valence": "", "mean_arousal": "",
    }  # fmt: skip
    assert [json.loads(line)["emotion"] for line in persons.read_text("utf-8").splitlines()] == ["sad", "fear"]
    assert not table.with_suffix(".html").exists()


def test_tables_and_page_in_one(mien, table, tmp_path):
    page, persons = tmp_path / "p.html", tmp_path / "persons.csv"
    assert mien("report", table, "--persons", persons, "-o", page, "--baseline", "0:1").code == 0
    shown = data_of(page.read_text("utf-8"))["people"]
    own = rows_of(persons)
    assert [float(one["mean_valence"]) for one in own] == pytest.approx([one["valence"] for one in shown], abs=1e-6)
    assert all(one["mean_delta_valence"] for one in own)


def test_a_page_that_is_to_be_opened_is_made_beside_the_tables(mien, table, tmp_path, monkeypatch):
    import webbrowser

    monkeypatch.setattr(webbrowser, "open", lambda url: True)
    assert mien("report", table, "--persons", tmp_path / "persons.csv", "--open").code == 0
    assert table.with_suffix(".html").exists()


def test_a_table_in_a_pipe(mien, table):
    said = mien("report", table, "--episodes", "-")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out.splitlines()[0])["emotion"] == "happy"


def test_a_table_of_pictures_has_the_heads_alone_and_says_why(mien, tmp_path):
    pictures = csv_file(tmp_path / "faces.csv", [row("a.jpg", 0, 0.0, "happy")])
    said = mien("report", pictures, "--episodes", tmp_path / "e.csv", "--persons", tmp_path / "p.csv")
    assert said.code == 0
    assert said.err.splitlines()[-1] == "mien: nobody has a number in it, as in tables of pictures: no episodes and no persons"
    assert (tmp_path / "e.csv").read_text().startswith("source,person,emotion,start_s,end_s,duration_s,")
    assert rows_of(tmp_path / "p.csv") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--episodes", "e.txt"], "--episodes e.txt: wanted a name that ends in one of .csv .jsonl .parquet, or - for JSON Lines"),
        (["--persons", "out/"], "--persons out/: wanted a name that ends in one of"),
        (["--persons", "my run.csv"], "is the table itself, which is never overwritten"),
        (["--episodes", "a.csv", "--persons", "./a.csv"], "--persons ./a.csv: is where --episodes goes already"),
        (["--episodes", "-", "--persons", "-"], "--persons -: is where --episodes goes already"),
    ],
)
def test_tables_that_cannot_be_meant_are_refused_before_anything_is_written(mien, table, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    answer = mien("report", table, *words)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["my run.csv"]


def test_making_a_page_loads_no_heavy_library(table):
    code = (
        "import sys, json; from mien.cli.main import main; main(['report', sys.argv[1]]);"
        "print(json.dumps(sorted({m.split('.')[0] for m in sys.modules} & {'cv2', 'onnxruntime', 'PIL', 'av', 'sqlalchemy', 'plotly'})))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(table)], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == []
