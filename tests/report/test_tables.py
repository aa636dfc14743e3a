"""Episodes and persons as rows: worked out by hand, and the same as on the page."""

import contextlib
import csv
import io
import math
import re
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mien.cli.main import main
from mien.labels import EMOTIONS
from mien.report.page import page
from mien.report.tables import EPISODE_COLUMNS, episode_table, person_table
from mien.sinks.whole_table import write_table
from mien.testing import make_result, planted_timeline
from mien.timeline import Timeline
from tests.report.tables import csv_file, data_of, row, timeline, two_people

ROOT = Path(__file__).parents[2]


def planted() -> Timeline:
    """Person 0: neutral, from 2 s happy, from 4 s neutral, until 6 s; person 1: sad from 1 to 3 s. Each emotion with p .75."""
    return planted_timeline([[(0, "neutral"), (2, "happy"), (4, "neutral")], [(0, ""), (1, "sad"), (3, "")]], seconds=6)


def test_episodes_are_those_that_were_planted():
    found = episode_table(planted())
    assert [(r["person"], r["emotion"], r["start_s"], r["end_s"], r["duration_s"]) for r in found.rows] == [
        (0, "neutral", 0.0, 2.0, 2.0),
        (1, "sad", 1.0, 3.0, 2.0),
        (0, "happy", 2.0, 4.0, 2.0),
        (0, "neutral", 4.0, 6.0, 2.0),
    ]
    assert {(r["source"], r["peak_p"], r["mean_p"]) for r in found.rows} == {("planted.mp4", 0.75, 0.75)}
    assert list(found.columns) == list(found.rows[0]) == list(EPISODE_COLUMNS)


def test_means_of_an_episode_are_over_the_frames_that_show_it():
    shown = [("happy", 0.9, 0.5), ("happy", 0.7, 0.3), ("sad", 0.99, -1.0), ("happy", 0.8, None)]
    rows = [row("a.mp4", i, i / 10, name, p=p, person=0, valence=v, arousal=0.1 * i) for i, (name, p, v) in enumerate(shown)]
    (one,) = episode_table(timeline(rows), min_seconds=0.2).rows
    assert (one["emotion"], one["start_s"], one["end_s"], one["peak_s"], one["peak_p"]) == ("happy", 0.0, 0.4, 0.0, 0.9)
    assert one["mean_p"] == pytest.approx(statistics.mean([0.9, 0.7, 0.8]), abs=1e-6)
    assert one["mean_valence"] == pytest.approx(statistics.mean([0.5, 0.3]), abs=1e-6)
    assert one["mean_arousal"] == pytest.approx(statistics.mean([0, 0.1, 0.3]), abs=1e-6)


def test_persons_have_means_and_shares_of_their_time():
    first, second = person_table(planted()).rows
    assert (first["person"], first["frames"], first["first_s"], first["last_s"], first["seconds"]) == (0, 150, 0.0, 5.96, 6.0)
    assert (second["person"], second["frames"], second["first_s"], second["last_s"], second["seconds"]) == (1, 50, 1.0, 2.96, 2.0)
    other = 0.25 / 8  # what every emotion has that is not shown
    assert first["mean_p_happy"] == pytest.approx(0.75 / 3 + other * 2 / 3, abs=1e-6)
    assert first["mean_p_neutral"] == pytest.approx(0.75 * 2 / 3 + other / 3, abs=1e-6)
    assert (first["share_happy"], first["share_neutral"], first["share_sad"]) == (0.333333, 0.666667, 0.0)
    assert (first["emotion"], second["emotion"], second["share_sad"], first["unsure_share"]) == ("neutral", "sad", 1.0, 0.0)
    assert not any(name.startswith("mean_delta") for name in first)


def test_the_change_is_from_each_persons_own_baseline():
    happy, sad = person_table(planted(), baseline=(0, 1.5)).rows
    rise = 0.75 - 0.25 / 8
    assert happy["mean_delta_p_happy"] == pytest.approx(rise / 3, abs=1e-6)
    assert happy["mean_delta_p_neutral"] == pytest.approx(-rise / 3, abs=1e-6)
    assert sad["mean_delta_p_sad"] == 0.0
    none = person_table(planted(), baseline=(0, 0.5)).rows[1]  # the second person came later
    assert none["mean_delta_valence"] is None
    assert none["mean_valence"] is not None


def test_a_table_that_has_differences_needs_no_baseline():
    from mien.track.baseline import with_baseline

    assert person_table(with_baseline(planted(), (0, 1.5))) == person_table(planted(), baseline=(0, 1.5))


def test_a_face_is_as_heavy_as_its_frame_lasted_and_unsure_ones_do_not_count():
    times = [0.0, 0.1, 0.4, 0.5]  # the frames last .1, .3, .1 and, as is usual, .1 s
    rows = [row("a.mp4", i, t, "happy" if i == 1 else "sad", person=0, valence=0.1 * i, unsure=i == 3) for i, t in enumerate(times)]
    (one,) = person_table(timeline(rows)).rows
    assert one["mean_valence"] == pytest.approx(np.average([0, 0.1, 0.2], weights=[0.1, 0.3, 0.1]), abs=1e-6)
    assert (one["share_happy"], one["share_sad"], one["emotion"]) == (pytest.approx(0.6), pytest.approx(0.4), "happy")
    assert (one["unsure_share"], one["seconds"], one["frames"]) == (0.25, 0.6, 4)


def test_who_has_no_sure_face_has_empty_cells():
    rows = [row("a.mp4", i, i / 10, "happy", person=0, unsure=True) for i in range(5)]
    (one,) = person_table(timeline(rows)).rows
    assert (one["unsure_share"], one["seconds"]) == (1.0, pytest.approx(0.5))
    assert all(one[name] is None for name in one if name.startswith(("mean_", "share_", "emotion")))
    assert episode_table(timeline(rows)).rows == []


def test_emotions_of_other_models_have_shares():
    rows = [row("a.mp4", i, i / 10, "happy", person=0) | ({"emotion": "bored"} if i < 3 else {}) for i in range(4)]
    found = person_table(timeline(rows))
    assert (found.rows[0]["share_bored"], found.rows[0]["share_happy"]) == (0.75, 0.25)
    assert set(found.columns) == set(found.rows[0])


def test_every_row_has_the_columns_in_their_order():
    for found in (person_table(planted()), person_table(planted(), baseline=(0, 1)), episode_table(planted())):
        assert found.rows
        assert all(set(one) == set(found.columns) for one in found.rows)
        kinds = [(name, value) for one in found.rows for name, value in one.items() if value is not None]
        assert all(isinstance(value, found.columns[name]) for name, value in kinds)


def test_pictures_have_neither():
    pictures = Timeline.from_results([make_result(["happy"])])
    assert (episode_table(pictures).rows, person_table(pictures).rows) == ([], [])
    assert person_table(pictures).columns == person_table(planted()).columns


def test_the_numbers_are_the_pages():
    made = timeline([*two_people("a.mp4"), *two_people("b.mp4", 60, seed=1)])
    data = data_of(page(made, title="t"))
    persons, episodes = person_table(made).rows, episode_table(made).rows
    summaries = {(s["source"], s["person"]): s["summary"] for s in data["scopes"] if s["person"] is not None}
    assert len(persons) == len(data["people"]) == len(summaries) == 4
    for own, shown in zip(persons, data["people"], strict=True):
        summary = summaries[own["source"], own["person"]]
        pairs = [
            *((own[name], shown[other]) for name, other in (("frames", "faces"), ("first_s", "first"), ("last_s", "last"))),
            *((own[name], shown[name]) for name in ("seconds", "unsure_share")),
            *((own[f"mean_{name}"], shown[name]) for name in ("valence", "arousal")),
            *((own[f"mean_{name}"], summary[name]["mean"]) for name in ("valence", "arousal")),
            *((own[f"mean_p_{e['emotion']}"], e["mean_p"]) for e in summary["emotions"]),
            (own[f"share_{shown['top']}"], summary["top_share"]),
        ]
        assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in pairs)
        assert own["emotion"] == shown["top"] == summary["top"]
        assert sum(own[f"share_{name}"] for name in EMOTIONS) == pytest.approx(1, abs=1e-5)
    assert len(episodes) == len(data["episodes"]) > 4
    for own, shown in zip(episodes, data["episodes"], strict=True):
        assert [own[name] for name in ("source", "person", "emotion")] == [shown[name] for name in ("source", "person", "emotion")]
        names = {"start_s": "start", "end_s": "end", "peak_s": "peak_time"} | {
            n: n for n in EPISODE_COLUMNS if n.startswith(("mean", "peak_p"))
        }
        assert all(math.isclose(own[name], shown[other], abs_tol=1e-6) for name, other in names.items())


def test_an_episode_begins_at_the_time_of_a_row(tmp_path):
    """Those who merge by times find them equal."""
    path = csv_file(tmp_path / "seen.csv", two_people(fps=29.97))
    found = episode_table(Timeline.read(path))
    write_table(str(tmp_path / "episodes.csv"), found.columns, found.rows)
    with path.open(newline="") as seen, (tmp_path / "episodes.csv").open(newline="") as episodes:
        times = {(r["person"], r["time_s"]) for r in csv.DictReader(seen)}
        for one in csv.DictReader(episodes):
            assert {(one["person"], one["start_s"]), (one["person"], one["peak_s"])} <= times
            assert all("." in one[name] for name in ("start_s", "end_s"))  # ELAN takes a number without a point for milliseconds


def test_codings_in_whole_seconds_agree_as_others_do(tmp_path):
    """pandas reads `2` as an integer, and merges no integers with the times of a video. The program on codings of the page, by itself."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    (program,) = (one for one in programs_on_timelines() if "kappa(" in one)
    seen = pandas.DataFrame({"time_s": [k / 4 for k in range(25)], "emotion": ["neutral"] * 8 + ["happy"] * 17, "unsure": [False] * 25})
    for name, codes in (("whole", "start,stop,code\n2,5,smile\n0,1,sad\n"), ("parts", "start,stop,code\n2.0,5.0,smile\n0.0,1.0,sad\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "codes.csv").write_text(codes)
        with contextlib.chdir(tmp_path / name), contextlib.redirect_stdout(io.StringIO()) as said:
            exec(compile(program, "docs/timelines.md", "exec"), {"pandas": pandas, "one": seen})
        # of 12 samples at .25, .75 ... mien says neutral to 1.75 and happy from 2.25; the coder happy to 4.75, and sad at .25 and .75
        chance = (4 * 4 + 6 * 8) / 144
        assert f"12 of 12 samples, kappa {(8 / 12 - chance) / (1 - chance):.3f}" in said.getvalue()


def programs_on_timelines():
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "timelines.md").read_text("utf-8"), re.DOTALL)


def test_the_programs_of_the_page_on_timelines_run(tmp_path):
    pytest.importorskip("pandas", reason="pandas is not installed")
    csv_file(tmp_path / "seen.csv", (one | {"source": "clip.mp4"} for one in planted().rows()))
    assert main(["report", str(tmp_path / "seen.csv"), "--episodes", str(tmp_path / "episodes.csv")]) == 0
    samples = [(round(k / 10, 6), 2.0 if 1.6 <= k / 10 < 3.6 else 1.0) for k in range(70)]  # 0.4 s behind the video's clock
    (tmp_path / "eda.csv").write_text("time_s,eda\n" + "".join(f"{t},{v}\n" for t, v in samples))
    # of 12 samples at .25, .75 ... mien says happy from 2.25 to 3.75, the coder from 2.25 to 4.25, and sad at .75
    (tmp_path / "codes.csv").write_text("start,stop,code\n2.1,4.5,smile\n0.6,1.0,sad\n")
    programs = programs_on_timelines()
    assert len(programs) == 5
    programs.append("print(merged['valence'].notna().sum(), merged['emotion'].value_counts().to_dict())")
    run = subprocess.run([sys.executable, "-c", "\n".join(programs)], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert "clip.mp4 4 episodes" in run.stdout
    assert re.search(r"happy\s+2\.0\nneutral\s+1\.0", run.stdout)
    assert "57 {'neutral': 37, 'happy': 20}" in run.stdout  # samples from 0.4 to 6.0 s, and happy from 2 to 4 s
    chance = (4 * 5 + 8 * 6) / 144  # happy and neutral; 10 of 12 are alike
    assert f"12 of 12 samples, kappa {(10 / 12 - chance) / (1 - chance):.3f}" in run.stdout
    with (tmp_path / "boris.tsv").open(newline="") as file:
        events = [(float(r["time"]), r["subject"], r["code"]) for r in csv.DictReader(file, delimiter="\t")]
    assert sorted(events) == sorted(
        (time, f"person {r['person']}", r["emotion"]) for r in episode_table(planted()).rows for time in (r["start_s"], r["end_s"])
    )
    assert [time for time, *_ in events] == sorted(time for time, *_ in events)
