"""`mien analyze`: inputs, outputs, exit codes, and one line for each thing that goes wrong."""

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from pyarrow import parquet

from mien.labels import PALETTES, to_seven
from mien.models.detectors import registry as detectors
from mien.table import COLUMNS
from mien.testing import planted_picture
from tests.cli.conftest import FAKES, Said
from tests.cli.windows import FakeWindow
from tests.io.clips import clip
from tests.report.tables import Elements, data_of

Mien = Callable[..., Said]


def rows(said: Said) -> list[dict[str, object]]:
    return [json.loads(line) for line in said.out.splitlines()]


def test_json_lines_on_stdout(mien: Mien, pictures: Path) -> None:
    said = mien("analyze", pictures, *FAKES)
    assert said.code == 0
    found = rows(said)
    assert [(Path(str(row["source"])).name, row["face"], row["emotion"]) for row in found] == [
        ("two.png", 0, "happy"),
        ("two.png", 1, "sad"),
        ("лицо 1.jpg", 0, "fear"),
        ("none.png", None, None),
    ]
    assert all(list(row) == list(COLUMNS) for row in found)
    assert said.err.startswith("3 pictures, 3 faces in ")
    assert said.err.endswith("-> stdout\n")


def test_every_sink_at_once(mien: Mien, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "вывод"
    targets = [out / "x.csv", out / "x.jsonl", out / "x.parquet", f"{out}/drawn/"]
    said = mien("analyze", pictures, *FAKES, *(word for target in targets for word in ("-o", target)), "--save-crops", out)
    assert said.code == 0
    assert said.out == ""
    assert said.err.rstrip().endswith(" -> " + ", ".join([*map(str, targets), f"{out / 'faces'}/"]))
    with (out / "x.csv").open(encoding="utf-8", newline="") as file:
        from_csv = [(row["source"], row["emotion"]) for row in csv.DictReader(file)]
    from_jsonl = [json.loads(line) for line in (out / "x.jsonl").read_text("utf-8").splitlines()]
    assert from_jsonl == parquet.read_table(out / "x.parquet").to_pylist()
    assert from_csv == [(row["source"], row["emotion"] or "") for row in from_jsonl]
    drawn = sorted(str(path.relative_to(out / "drawn")) for path in (out / "drawn").rglob("*.*"))
    assert drawn == ["sub/none.png", "two.png", "лицо 1.jpg"]
    assert len(list((out / "faces" / "selected").iterdir())) == 3
    with Pillow.open(out / "drawn" / "two.png") as picture, Pillow.open(pictures / "two.png") as original:
        assert picture.size == original.size
        assert np.any(np.asarray(picture) != np.asarray(original))


def test_one_picture_out(mien: Mien, pictures: Path, tmp_path: Path) -> None:
    said = mien("analyze", pictures / "two.png", *FAKES, "-o", tmp_path / "x.jpg", "-o", "-")
    assert said.code == 0
    assert len(rows(said)) == 2
    assert said.err == f"1 picture, 2 faces -> {tmp_path / 'x.jpg'}, stdout\n"
    with Pillow.open(tmp_path / "x.jpg") as picture:
        assert picture.format == "JPEG"
    said = mien("analyze", pictures, *FAKES, "-o", tmp_path / "x.jpg", "-o", tmp_path / "x.csv")
    assert said.code == 2
    assert "for several pictures name a folder" in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "x.csv").exists()


def test_a_run_that_is_refused_at_its_first_frame_replaces_nothing(mien: Mien, tmp_path: Path) -> None:
    film = clip(tmp_path / "film.mp4", 3).rename(tmp_path / "a film that only its bytes tell")
    there = [tmp_path / name for name in ("x.csv", "x.jsonl", "x.parquet", "x.html", "x.jpg")]
    for path in there[:-1]:
        path.write_text("precious")
    said = mien("analyze", film, *FAKES, *(word for path in there for word in ("-o", path)))
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert f"x.jpg: holds one picture, but {film} is a video" in said.err
    assert [path.read_text() for path in there[:-1]] == ["precious"] * 4
    assert sorted(tmp_path.iterdir()) == sorted([film, *there[:-1]])


def test_a_picture_that_is_called_like_a_video_counts_as_one(mien: Mien, pictures: Path, tmp_path: Path) -> None:
    film = (pictures / "two.png").rename(tmp_path / "two.mov")
    said = mien("analyze", film, *FAKES, "-o", tmp_path / "x.jpg", "-o", tmp_path / "x.csv")
    assert said.code == 0
    assert said.err.startswith("1 picture, 2 faces")
    with Pillow.open(tmp_path / "x.jpg") as picture:
        assert picture.size == (400, 320)
    assert "raw_p_happy" not in (tmp_path / "x.csv").read_text()


def test_one_bad_file_does_not_stop_the_batch(mien: Mien, pictures: Path, broken: Path, tmp_path: Path) -> None:
    said = mien("analyze", pictures, "nowhere.jpg", *FAKES, "-o", tmp_path / "x.csv")
    assert said.code == 3
    bad, missing, summary = said.err.splitlines()
    assert bad.startswith(f"mien: {broken}: ")
    assert missing == "mien: nowhere.jpg: no such file"
    assert summary.startswith("3 pictures, 3 faces, 2 failed (")
    assert "broken.jpg, nowhere.jpg" in summary
    assert len((tmp_path / "x.csv").read_text("utf-8").splitlines()) == 5


def test_nothing_readable(mien: Mien, broken: Path, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("yesterday's")
    (tmp_path / "empty").mkdir()
    said = mien("analyze", broken, tmp_path / "empty", "no*.jpg", "nowhere", *FAKES, "-o", tmp_path / "x.csv")
    assert said.code == 1
    assert len(said.err.splitlines()) == 5
    assert "0 pictures, 0 faces, 4 failed" in said.err
    assert "->" not in said.err
    assert (tmp_path / "x.csv").read_text() == "yesterday's"


def test_many_failures_are_counted_not_listed(mien: Mien, pictures: Path) -> None:
    said = mien("analyze", pictures, *(f"no{i}.jpg" for i in range(9)), *FAKES)
    assert said.code == 3
    assert "9 failed (no0.jpg, no1.jpg, no2.jpg, no3.jpg, no4.jpg and 4 more)" in said.err
    assert said.err.count("no such file") == 9


def test_patterns_and_stdin(mien: Mien, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = io.TextIOWrapper(io.BytesIO((pictures / "two.png").read_bytes()))
    monkeypatch.setattr(sys, "stdin", data)
    said = mien("analyze", f"{pictures}/*.jpg", "-", f"{pictures}/**/n*.png", *FAKES)
    assert said.code == 0
    assert [Path(str(row["source"])).name for row in rows(said)] == ["лицо 1.jpg", "-", "-", "none.png"]


def test_quiet_tells_failures_only(mien: Mien, pictures: Path) -> None:
    assert mien("analyze", pictures, *FAKES, "--quiet").err == ""
    said = mien("analyze", pictures, "gone.jpg", *FAKES, "-q")
    assert said.err == "mien: gone.jpg: no such file\n"
    assert said.code == 3


def test_recursion_limits_and_private_addresses(mien: Mien, pictures: Path) -> None:
    assert len(rows(mien("analyze", pictures, *FAKES, "--no-recursive"))) == 3
    said = mien("analyze", pictures, *FAKES, "--max-side", "399")
    assert said.code == 1
    assert "400 x 320 pixels" in said.err
    assert mien("analyze", pictures, *FAKES, "--max-pixels", "127999").code == 1
    said = mien("analyze", "http://127.0.0.1:9/x.jpg", *FAKES)
    assert said.code == 1
    assert "not an address of the public internet" in said.err
    said = mien("analyze", "http://127.0.0.1:9/x.jpg", *FAKES, "--allow-private")
    assert "no connection to 127.0.0.1" in said.err
    assert mien("analyze", "http://127.0.0.1:9/x.jpg", *FAKES, "--url-timeout", "0").code == 2


def test_options_reach_the_pictures(mien: Mien, pictures: Path, tmp_path: Path) -> None:
    def drawn(*options: str) -> np.ndarray:  # type: ignore[type-arg]
        assert mien("analyze", pictures / "two.png", *FAKES, "-o", tmp_path / "x.png", *options).code == 0
        with Pillow.open(tmp_path / "x.png") as picture:
            return np.asarray(picture)

    plain = drawn()
    variants = [("--va",), ("--language", "ru"), ("--palette", "tableau"), ("--colour", "valence"), ("--preset", "r2"), ("--anonymize",)]
    seen = [plain, *(drawn(*options) for options in variants), drawn("--va", "--affect-scale", "seven")]
    for i, one in enumerate(seen):
        assert not any(np.array_equal(one, other) for other in seen[i + 1 :])
    happy = [int(PALETTES["tableau"]["happy"][i : i + 2], 16) for i in (1, 3, 5)]
    assert (drawn("--palette", "tableau") == happy).all(axis=2).sum() > 500
    assert np.array_equal(drawn("--preset", "r1"), drawn("--palette", "tableau"))


def test_affect_comes_from_where_it_is_told(mien: Mien, pictures: Path) -> None:
    for name in ("adfes2011", "legacy", "crowd"):
        assert {row["affect_from"] for row in rows(mien("analyze", pictures / "two.png", *FAKES, "--affect", name))} == {name}
    assert [row["valence"] for row in rows(mien("analyze", pictures / "two.png", *FAKES, "--affect", "none"))] == [None, None]


def test_thresholds_of_doubt(mien: Mien, pictures: Path) -> None:
    def reasons(*options: str) -> list[object]:
        return [row["reasons"] for row in rows(mien("analyze", pictures / "two.png", *FAKES, *options))]

    assert reasons() == ["", ""]
    for option, value, reason in (
        ("--unsure-score", "0.96", "detection"),
        ("--unsure-size", "101", "size"),
        ("--unsure-confidence", "0.93", "confidence"),
        ("--unsure-rules", "r3", "detection"),
        ("--preset", "r3", "detection"),
    ):
        assert reasons(option, value) == [reason, reason], option
    assert reasons("--unsure-rules", "never", "--unsure-size", "101") == ["size", "size"]
    assert reasons("--preset", "r3", "--unsure-rules", "default") == ["", ""]
    assert [row["face"] for row in rows(mien("analyze", pictures / "two.png", *FAKES, "--min-score", "0.96"))] == [None]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-o", "x.xlsx"], "nothing writes .xlsx files; there are .csv .jsonl .parquet .jpg .jpeg .png .mp4 .html, or a folder"),
        (["--detector", "nose"], "unknown detector 'nose'; there are: "),
        (["--model", "nose"], "unknown model 'nose'; there are: "),
        (["--affect", "moon"], "unknown anchor set 'moon'"),
        (["--colour", "loud"], "unknown colour mode 'loud'"),
        (["--palette", "loud"], "unknown palette 'loud'"),
        (["--preset", "r9"], "unknown preset 'r9'"),
        (["--language", "tlh"], "unknown language 'tlh'"),
        (["--drawer", "me"], "unknown drawer 'me'"),
        (["--unsure-rules", "always"], "unknown set of unsure rules 'always'"),
        (["--unsure-score", "2"], "min_score is 2.0; wanted a number from 0 to 1"),
        (["--min-score", "2"], "min_score is 2.0"),
        (["--threads", "-1"], "'--threads':"),
        (["--threads", "many"], "'--threads'"),
        (["--max-side", "0"], "max_side"),
        (["--nonsense"], "No such option"),
        (["-o", "x.csv", "-o", "./x.csv"], "named twice"),
    ],
)
def test_wrong_usage(mien: Mien, pictures: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: list[str], said: str) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["analyze", pictures, *options, *(FAKES if options[0] not in ("--model", "--detector") else [])]
    found = mien(*given, *([] if options[0] == "-o" else ["-o", "never.csv"]))
    assert found.code == 2
    assert said in found.err
    assert found.err.startswith("mien: ")
    assert found.err.count("\n") == 1
    assert not list(tmp_path.glob("*.csv"))


def test_what_needs_following_is_refused_by_the_options_names(mien: Mien, pictures: Path) -> None:
    for option, value in (("--baseline", "0:1"), ("--detect-every", "3")):
        for verb in ("analyze", "live"):
            said = mien(verb, pictures / "two.png", option, value, "--no-follow", *FAKES)
            why = f"{option} {value} needs people to be followed, and --no-follow follows nobody; leave one of the two out"
            assert said == (2, "", f"mien: {why}\n")


def test_how_it_was_read_is_told_by_session_table_and_page(mien: Mien, tmp_path: Path) -> None:
    pytest.importorskip("av")
    pytest.importorskip("sqlalchemy")
    image = planted_picture([((60, 50, 160, 150), "happy")], size=(320, 240))[0]
    film, store = clip(tmp_path / "film.mp4", 30, fps=10, size=(320, 240), images=[image] * 30), ["--store", tmp_path / "s.db"]
    reading = ["--every", "0.5", "--from", "0.5", "--to", "2", "--turn", "180", "--unsure-confidence", "0.9"]
    targets = {end: tmp_path / f"x{end}" for end in (".parquet", ".html", ".csv")}
    outputs = [word for path in targets.values() for word in ("-o", path)]
    assert mien("analyze", film, *reading, "--session", "opt", *store, *outputs, *FAKES).code == 0
    options = json.loads(mien("sessions", "show", "opt", "--json", *store).out)["options"]
    assert [options[name] for name in ("every", "stride", "start", "stop", "turn")] == [0.5, 1, 0.5, 2, 180]
    assert (options["detector"], options["unsure"]["min_confidence"]) == ("fake", 0.9)
    shown = mien("sessions", "show", "opt", *store).out
    assert "frames that are read: one each 0.5 s (default: all)" in shown
    assert "turned clockwise by: 180° (default: no)" in shown
    assert json.loads(parquet.read_schema(targets[".parquet"]).metadata[b"mien"])["options"] == options

    def told(*what: object) -> str:
        assert mien("report", *what, "-o", tmp_path / "made.html").code == 0
        return how_read(tmp_path / "made.html")

    of_run = how_read(targets[".html"])
    assert "face detector fake (default: yunet)" in of_run
    assert "frames that are read one each 0.5 s (default: all) from 0.5 s (default: the beginning) to 2 s (default: the end)" in of_run
    assert "turned clockwise by 180° (default: no)" in of_run
    assert "a top probability below 0.9 (default: 0.45)" in of_run
    assert told(targets[".parquet"]) == told("opt", *store) == of_run
    assert mien("sessions", "export", "opt", "-o", tmp_path / "exported.parquet", *store).code == 0
    assert told(tmp_path / "exported.parquet") == of_run
    assert "made of the table alone" in told(targets[".csv"])
    assert "face detector" not in told(targets[".csv"])


def how_read(page: Path) -> str:
    """The last section of a page, as text."""
    text = " ".join(" ".join(Elements(page.read_text("utf-8")).words).split())
    return text[text.rindex("How it was read") : text.rindex("Made by mien")]


def test_what_cannot_be_written_is_known_before_the_work(mien: Mien, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = mien("analyze", pictures, *FAKES, "-o", tmp_path / "file" / "x.csv")
    assert found.code == 1
    assert found.err.count("\n") == 1
    assert "x.csv: cannot be written" in found.err


def test_outputs_in_the_folder_that_is_read(mien: Mien, pictures: Path) -> None:
    for run in range(2):
        said = mien("analyze", pictures, *FAKES, "-o", f"{pictures}/out/", "-o", "-")
        assert said.code == 0
        assert len(rows(said)) == 4
        assert ("were left out" in said.err) == (run > 0)
    assert mien("analyze", pictures, *FAKES, "-o", f"{pictures}/").code == 2


def test_the_table_for_human_eyes(mien: Mien, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TTY_COMPATIBLE", "0")  # Rich: no colours
    said = mien("analyze", pictures, *FAKES)
    head, *body = said.out.splitlines()
    assert head.split() == ["source", "face", "emotion", "second", "unsure"]
    assert "/two.png     0  happy 92%" in body[0]
    assert max(map(len, said.out.splitlines())) <= 80
    assert "no face found" in said.out
    assert "…" in said.out
    assert rows(mien("analyze", pictures, *FAKES, "--json"))[0]["emotion"] == "happy"
    valence = float(str(rows(mien("analyze", pictures, *FAKES, "--json"))[0]["valence"]))
    for scale, text in (("unit", f"{valence:+.2f}"), ("seven", f"{to_seven(valence):.1f}")):
        said = mien("analyze", pictures, *FAKES, "--va", "--affect-scale", scale)
        assert said.out.splitlines()[0].split() == ["source", "face", "emotion", "second", "valence", "arousal", "unsure"]
        assert text in said.out.splitlines()[1]


def test_a_picture_that_cannot_be_written_does_not_stop_the_batch(mien: Mien, pictures: Path, tmp_path: Path) -> None:
    (pictures / "two.png").rename(pictures / ("x" * 252))  # as a .jpg it is a byte too long for a file system
    said = mien("analyze", pictures / ("x" * 252), pictures / "лицо 1.jpg", *FAKES, "-o", f"{tmp_path}/out/")
    assert said.code == 3
    failed, summary = said.err.splitlines()
    assert "name too long" in failed
    assert summary.startswith("2 pictures, 3 faces, 1 failed (")
    assert len((tmp_path / "out" / "results.csv").read_text("utf-8").splitlines()) == 4
    assert (tmp_path / "out" / "лицо 1.jpg").exists()


def test_crops_are_not_saved_into_the_inputs(mien: Mien, pictures: Path) -> None:
    said = mien("analyze", pictures, *FAKES, "--save-crops", pictures)
    assert said.code == 2
    assert "save the crops elsewhere" in said.err


def test_the_limit_of_bytes_can_be_set(mien: Mien, pictures: Path) -> None:
    said = mien("analyze", pictures / "two.png", *FAKES, "--max-bytes", "100")
    assert said.code == 1
    assert "more than 100 bytes, which is the limit; raise it (--max-bytes, max_bytes)" in said.err


def test_the_page_has_language_and_scale_and_names_what_failed(mien: Mien, pictures: Path, broken: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    said = mien("analyze", pictures, *FAKES, "-o", page, "--language", "ru", "--affect-scale", "seven")
    assert said.code == 3
    html = page.read_text("utf-8")
    words = " ".join(Elements(html).words)
    assert '<html lang="ru">' in html
    assert data_of(html)["affect_scale"] == "seven"
    assert "Не удалось прочитать совсем или до конца: broken.jpg (" in words
    assert "Лицо не найдено в: none.png." in words


@pytest.mark.parametrize("output", ["seen.csv", "seen.jsonl", "seen/"])
def test_an_interrupted_run_is_gone_on_with(mien: Mien, pictures: Path, tmp_path: Path, output: str) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    target = f"{folder}/{output}"
    table = folder / (output if "." in output else "seen/results.csv")
    command = ["analyze", pictures, "-o", target, *FAKES]
    assert mien(*command).code == 0
    whole, drawn = table.read_bytes(), sorted(path.name for path in folder.rglob("*"))
    table.write_bytes(whole + b"half a li")
    again = mien(*command, "--resume")
    assert again.code == 0
    assert again.err.splitlines()[0].startswith("mien: --resume: 2 inputs in the table already; going on behind, with ")
    assert again.err.splitlines()[1].startswith("1 picture, ")
    assert table.read_bytes() == whole
    assert sorted(path.name for path in folder.rglob("*")) == drawn


def test_what_could_not_be_read_is_told_again_and_other_options_are_refused(mien: Mien, pictures: Path, tmp_path: Path) -> None:
    path = tmp_path / "seen.csv"
    command = ["analyze", pictures, "-o", path, *FAKES]
    assert mien(*command).code == 0
    first = path.read_text("utf-8").splitlines()[1].split(",")[0]
    note = path.with_name("seen.csv.unfinished")
    failures = {first: f"{first}: broken after 3.73 s"}
    note.write_text(json.dumps({"settings": {"min_score": None, "unsure.max_cut": 0.25}, "failures": failures}), "utf-8")
    refused = mien(*command, "--resume", "--min-score", "0.5")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "begun with min_score none, and this run has 0.5" in refused.err
    assert "begun with turn 0, and this run has 90" in mien(*command, "--resume", "--turn", "90").err  # which there was not then
    again = mien(*command, "--resume")
    assert again.code == 3
    assert f"mien: {first}: broken after 3.73 s" in again.err
    assert not note.exists()


def test_a_table_from_before_an_option_is_gone_on_with_as_it_was_begun(mien: Mien, pictures: Path, tmp_path: Path) -> None:
    path = tmp_path / "seen.csv"
    command = ["analyze", pictures, "-o", path, *FAKES]
    assert mien(*command).code == 0
    note = path.with_name("seen.csv.unfinished")
    note.write_text(json.dumps({"settings": {"min_score": None}, "failures": {}}), "utf-8")
    refused = mien(*command, "--resume")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "begun with unsure.max_cut 1.0, and this run has 0.25" in refused.err
    assert mien(*command, "--resume", "--unsure-cut", "1").code == 0


def test_crops_are_not_numbered_anew(mien: Mien, pictures: Path, tmp_path: Path) -> None:
    said = mien("analyze", pictures, "-o", tmp_path / "seen.csv", "--save-crops", tmp_path / "crops", "--resume", *FAKES)
    assert said.code == 2
    assert "other outputs need all rows in one run" in said.err


def test_a_run_begins_where_there_is_no_table_yet(mien: Mien, pictures: Path, tmp_path: Path) -> None:
    said = mien("analyze", pictures, "-o", tmp_path / "seen.csv", "--resume", *FAKES)
    assert said.code == 0
    assert "--resume" not in said.err


@pytest.mark.parametrize("outputs", [[], ["x.parquet"], ["x.csv", "page.html"], ["x.csv", "y.jsonl"], ["-"], ["a.jpg"]])
def test_outputs_that_need_all_rows_in_one_run_are_refused(mien: Mien, pictures: Path, tmp_path: Path, outputs: list[str]) -> None:
    targets = [word for name in outputs for word in ("-o", name if name == "-" else tmp_path / name)]
    said = mien("analyze", pictures, *targets, "--resume", *FAKES)
    assert said.code == 2
    assert said.err.startswith("mien: --resume: wanted one table, -o x.csv or x.jsonl, and at most folders beside it")
    assert not list(tmp_path.glob("x.*"))


def test_a_table_of_another_model_is_not_gone_on_with(mien: Mien, pictures: Path, tmp_path: Path) -> None:
    path = tmp_path / "seen.csv"
    mien("analyze", pictures, "-o", path, *FAKES)
    before = path.read_bytes()
    said = mien("analyze", pictures, "-o", path, "--resume", "--model", "tiny", "--detector", "fake")
    assert (said.code, said.err) == (2, "mien: --resume: the table was begun with the model 'fake', and this run has 'tiny'\n") or (
        said.err.splitlines()[-1] == "mien: --resume: the table was begun with the model 'fake', and this run has 'tiny'"
    )
    assert path.read_bytes() == before


def test_rows_are_not_taken_away_for_an_input_that_is_not_read(mien: Mien, pictures: Path, tmp_path: Path) -> None:
    path = tmp_path / "seen.csv"
    mien("analyze", pictures, "-o", path, *FAKES)
    before = path.read_bytes()
    said = mien("analyze", pictures / "two.png", "-o", path, "--resume", *FAKES)
    assert said.code == 2
    assert said.err.startswith(f"mien: --resume: {path} ends with {pictures}")
    assert "which is not among the inputs; wanted the same inputs as then" in said.err
    assert path.read_bytes() == before


def test_a_camera_or_stream_by_itself_is_watched_as_by_live(mien: Mien, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mien.cli import live

    watched: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(live, "live", lambda source, *, every, va, output: watched.append((source, {"every": every, "va": va})))
    monkeypatch.chdir(tmp_path)
    for source in ("0", "rtsp://user:geheim@cam/1", "SRT://cam:9000"):
        assert mien("analyze", source, "--every", "0.5", "--va", "-o", "x.csv", *FAKES).code == 2  # this `live` has no --model
    assert watched == []
    for source in ("0", "rtsp://user:geheim@cam/1", "SRT://cam:9000"):
        assert mien("analyze", source, "--every", "0.5", "--va", "-o", "x.csv") == (0, "", "")
    assert watched == [(source, {"every": 0.5, "va": True}) for source in ("0", "rtsp://user:geheim@cam/1", "SRT://cam:9000")]


def test_the_road_of_live_is_the_real_one(mien: Mien, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mien.io import devices

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(devices, "LINUX", tmp_path / "none")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.chdir(tmp_path)
    said = mien("analyze", "7", "-o", "x.csv", *FAKES)
    assert said == (1, "", "mien: camera 7: no such device; there is none on this computer\n")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["0", "--resume"], "--resume: not for cameras and streams, and 0 is a camera; what there is for them: mien live --help"),
        (["rtsp://a:b@cam/1", "--from", "3"], "--from: not for cameras and streams, and rtsp://cam/1 is a stream"),
        (["0", "--unsure-score", "0.5"], "--unsure-score: not for"),
        (["photo.jpg", "0"], "0 is a camera, which is watched by itself: mien live 0"),
        (["0", "--show"], "--show: no window can be opened here"),
        (["photo.jpg", "--show"], "--show: no window can be opened here"),
    ],
)
def test_what_a_live_source_or_a_missing_screen_refuses(
    mien: Mien, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str], why: str
) -> None:
    from mien import window

    monkeypatch.setattr(window, "has_screen", lambda: False)
    monkeypatch.chdir(tmp_path)
    said = mien("analyze", *words, *FAKES)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert said.err.startswith(f"mien: {why}")


def test_a_picture_that_is_called_like_a_camera(mien: Mien, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pictures)
    (pictures / "two.png").rename(pictures / "0")
    assert [row["emotion"] for row in rows(mien("analyze", "0", *FAKES))] == ["happy", "sad"]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeWindow], FakeWindow]:
    """A screen; what it is called with is the window that opens."""
    from mien import window

    def use(made: FakeWindow) -> FakeWindow:
        monkeypatch.setattr(window, "open_window", lambda: made)
        return made

    monkeypatch.setattr(window, "has_screen", lambda: True)
    return use


def test_show_has_every_frame_of_a_video_as_it_is_drawn(mien: Mien, tmp_path: Path, shown: Callable[[FakeWindow], FakeWindow]) -> None:
    scene = planted_picture([((60, 50, 160, 150), "happy")], size=(320, 240))[0]
    film = clip(tmp_path / "film.mp4", 6, size=(320, 240), images=[scene] * 6)
    window = shown(FakeWindow())
    said = mien("analyze", film, "--show", "-o", tmp_path / "x.csv", *FAKES)
    assert said.code == 0
    assert (len(window.pictures), window.waits, window.closed) == (6, 0, True)
    assert np.abs(window.pictures[0].astype(int) - scene).max() > 100  # a box and its caption
    window = shown(FakeWindow(most=2))
    said = mien("analyze", film, "--show", "-o", tmp_path / "x.csv", *FAKES)
    assert said.code == 0
    assert len((tmp_path / "x.csv").read_text("utf-8").splitlines()) == 1 + 2
    closed, summary = said.err.splitlines()
    assert closed == f"mien: {film}: the window was closed here; what comes after it is not read"
    assert summary.startswith("2 frames, 2 faces")


def test_show_waits_for_a_key_at_each_picture(mien: Mien, pictures: Path, shown: Callable[[FakeWindow], FakeWindow]) -> None:
    window = shown(FakeWindow())
    said = mien("analyze", pictures, "--show", *FAKES)
    assert (said.code, len(window.pictures), window.waits) == (0, 3, 3)
    window = shown(FakeWindow(most=1))
    said = mien("analyze", pictures / "two.png", "--show", *FAKES)
    assert (said.code, said.err) == (0, "1 picture, 2 faces -> stdout\n")  # nothing came after it


def test_show_where_neither_opencv_nor_tk_has_windows(mien: Mien, pictures: Path, shown: Callable[[Any], Any]) -> None:
    shown(None)
    said = mien("analyze", pictures, "--show", *FAKES)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("mien: --show: no window can be opened here")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--unsure-rules", "r3"], True),
        (["--preset", "r3", "--detector", "yunet:full"], True),
        (["--preset", "r3"], False),
        (["--unsure-rules", "r3", "--detector", "mtcnn"], False),
        (["--unsure-rules", "r3", "--unsure-score", "0.8"], False),
        (["--preset", "r3", "--unsure-rules", "default", "--detector", "yunet"], False),
        (["--unsure-rules", "r3", "--quiet"], False),
        ([], False),
    ],
)
def test_the_rule_of_r3_with_scores_that_it_is_not_made_for_is_told(
    mien: Mien, pictures: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: bool
) -> None:
    make = detectors.detector
    monkeypatch.setattr("mien.pipeline.detector_by_name", lambda name, **settings: make("fake", **settings))
    said = mien("analyze", pictures / "two.png", "--model", "fake", *words)
    notices = [line for line in said.err.splitlines() if "the rule of r3 for MTCNN's scores" in line]
    assert (said.code, len(notices)) == (0, told)
    for line in notices:
        assert line.startswith("mien: every face with a detection score up to 0.99 is unsure")
        assert f"those of {'yunet:full' if 'yunet:full' in words else 'yunet'} may all be lower: --detector mtcnn:r3" in line


def test_the_preset_r3_takes_the_detector_its_rule_is_made_for(mien: Mien, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    make = detectors.detector

    def detector(name: str, **settings: Any) -> Any:
        asked.append(name)
        return make("fake", **settings)

    monkeypatch.setattr("mien.pipeline.detector_by_name", detector)
    for words in (["--preset", "r3"], ["--preset", "r3", "--detector", "yunet:full"], ["--preset", "r2"], []):
        assert mien("analyze", pictures, "--model", "fake", *words).code == 0
    assert asked == ["mtcnn:r3", "yunet:full", "yunet", "yunet"]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_pictures_that_lie_on_their_side_are_turned(mien: Mien, tmp_path: Path, degrees: int) -> None:
    upright, faces = planted_picture([((40, 30, 140, 130), "happy")], size=(400, 320))
    Pillow.fromarray(np.rot90(upright, degrees // 90)).save(tmp_path / "a.png")
    said = mien("analyze", tmp_path / "a.png", "--turn", degrees, "-o", tmp_path / "shown.png", "-o", tmp_path / "x.csv", *FAKES)
    assert said.code == 0
    with (tmp_path / "x.csv").open(encoding="utf-8") as file:
        [row] = csv.DictReader(file)
    assert [float(row[name]) for name in ("x1", "y1", "x2", "y2")] == faces.boxes[0].tolist()
    assert row["emotion"] == "happy"
    with Pillow.open(tmp_path / "shown.png") as shown:
        assert shown.size == (400, 320)


def test_another_turn_is_refused_in_one_line(mien: Mien, tmp_path: Path) -> None:
    said = mien("analyze", tmp_path / "a.png", "--turn", "45", *FAKES)
    assert said.code == 2
    assert said.err == "mien: turn: found 45, wanted 90, 180 or 270 (degrees clockwise that make the picture upright), or 0\n"
