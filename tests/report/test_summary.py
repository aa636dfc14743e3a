import csv
import statistics
from dataclasses import asdict

import numpy as np
import pytest

from mien.report.summary import Spread, people_of, ranking, summarise
from mien.timeline import Timeline
from mien.timing import clocks
from tests.report.tables import csv_file, row, timeline, two_people


def test_numbers_are_those_that_the_csv_gives(tmp_path):
    path = csv_file(tmp_path / "t.csv", two_people())
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    faces = [r for r in rows if r["face"]]
    sure = [r for r in faces if r["unsure"] == "false"]
    found = summarise(Timeline.read(path))

    assert (found.rows, found.faces, found.faceless) == (len(rows), len(faces), len(rows) - len(faces)) == (len(rows), len(faces), 2)
    assert found.frames == len({(r["source"], r["frame"]) for r in rows}) == 90
    assert found.people == len({r["person"] for r in faces}) == 2
    assert found.unsure == len(faces) - len(sure) > 0
    for count in found.emotions:
        own = [r for r in faces if r["emotion"] == count.emotion]
        assert count.faces == len(own)
        assert count.unsure == sum(r["unsure"] == "true" for r in own)
        assert count.share == pytest.approx(len(own) / len(faces))
        assert count.time_share == pytest.approx(len(own) / len(faces), abs=1e-4)  # all frames last alike
        assert count.mean_p == pytest.approx(statistics.mean(float(r[f"p_{count.emotion}"]) for r in sure), abs=1e-5)
    assert found.valence.mean == pytest.approx(statistics.mean(float(r["valence"]) for r in sure), abs=1e-5)
    assert found.arousal.median == pytest.approx(statistics.median(float(r["arousal"]) for r in sure), abs=1e-3)
    assert found.score.median == pytest.approx(statistics.median(float(r["score"]) for r in faces), abs=1e-3)
    assert found.reasons == {"blur": found.unsure, "confidence": found.unsure}
    assert found.duration == pytest.approx(3.0, abs=1e-4)
    assert found.size.low == pytest.approx(30.5)


def test_shares_of_time_weigh_how_long_frames_last():
    table = timeline([row("a", 0, 0.0, "happy"), row("a", 1, 0.1, "sad"), row("a", 2, 0.4, "sad"), row("a", 3, 0.5, "happy")])
    shares = {count.emotion: count.time_share for count in summarise(table).emotions}
    assert shares["sad"] == pytest.approx(0.4 / (0.1 + 0.3 + 0.1 + 0.1))


def fast_then_slow():
    """Neutral for 2 s at 20 frames a second, then happy for 8 s at 2; the last frame lasts as long as most."""
    rows = [row("a", k, 0.05 * k, "neutral", person=0, valence=-0.2) for k in range(40)]
    return [*rows, *(row("a", 40 + k, 2 + 0.5 * k, "happy", person=0, valence=0.8) for k in range(16))]


def test_means_and_the_top_label_are_over_time():
    table = timeline(fast_then_slow())
    found, (person,) = summarise(table), people_of(table, clocks(table))
    assert found.over_time
    assert {count.emotion: count.time_share for count in found.emotions if count.faces} == pytest.approx(
        {"neutral": 2 / 9.55, "happy": 7.55 / 9.55}
    )
    assert (found.top, found.top_share, person.top) == ("happy", pytest.approx(7.55 / 9.55), "happy")
    assert found.valence.mean == person.valence == pytest.approx((-0.2 * 2 + 0.8 * 7.55) / 9.55)
    assert found.valence.median == pytest.approx(0.8)
    assert person.seconds == found.duration == pytest.approx(9.55)


def test_pictures_count_by_the_face_and_weigh_nothing_beside_a_recording():
    pictures = [row(f"{k}.jpg", 0, 0.0, "sad", valence=-1.0) for k in range(3)]
    alone = summarise(timeline([*pictures, row("3.jpg", 0, 0.0, "happy", valence=1.0)]))
    assert (alone.over_time, alone.untimed, alone.top, alone.top_share, alone.valence.mean) == (False, 0, "sad", 0.75, -0.5)
    beside = summarise(timeline([*pictures, *fast_then_slow()]))
    assert (beside.over_time, beside.untimed, beside.top) == (True, 3, "happy")
    assert beside.valence.mean == pytest.approx((-0.2 * 2 + 0.8 * 7.55) / 9.55)
    faceless = summarise(timeline([*pictures, row("a", 0, 0.0), row("a", 1, 0.1)]))
    assert (faceless.over_time, faceless.valence.mean) == (False, -1.0)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_with_equal_weights_percentiles_are_numpys(n):
    values = np.random.default_rng(n).uniform(-1, 1, n)
    found = Spread.of(values, np.full(n, 0.04))
    low, median, high = np.percentile(values, (5, 50, 95), method="hazen")
    assert asdict(found) == pytest.approx({"mean": values.mean(), "median": median, "low": low, "high": high})


def test_a_weight_is_so_many_values():
    values, weights = np.array([0.5, -0.3, np.nan, 0.1]), np.array([200.0, 500, 9, 300])
    many = np.repeat(values[[0, 1, 3]], [200, 500, 300])
    found = Spread.of(values, weights)
    assert found.mean == pytest.approx(many.mean())
    assert (found.low, found.high) == (-0.3, 0.5)
    assert np.isnan(Spread.of(values, np.zeros(4)).mean)


def test_an_empty_table_and_one_without_faces_have_numbers():
    nothing = summarise(timeline([]))
    assert (nothing.rows, nothing.frames, nothing.top) == (0, 0, "")
    assert np.isnan(nothing.faceless_share)
    assert np.isnan(nothing.valence.mean)
    faceless = summarise(timeline([row("a", 0, 0.0), row("a", 1, 0.1)]))
    assert (faceless.frames, faceless.faceless, faceless.faceless_share) == (2, 2, 1.0)
    assert all(count.faces == 0 and np.isnan(count.share) for count in faceless.emotions)


def test_pictures_have_counts_and_no_time():
    found = summarise(timeline([row("a.jpg", 0, 0.0, "happy"), row("a.jpg", 0, 0.0, "sad", face=1), row("b.jpg", 0, 0.0)]))
    assert (found.frames, found.faces, found.faceless, found.people) == (2, 2, 1, 0)
    assert np.isnan(found.duration)
    assert all(np.isnan(count.time_share) for count in found.emotions)


def test_the_most_frequent_emotion_is_one_that_is_sure():
    rows = [row("a", i, i / 10, "anger", unsure=True, reasons="blur") for i in range(5)]
    assert summarise(timeline(rows)).top == "anger"
    assert summarise(timeline(rows)).top_share == 1.0
    some = timeline([*rows, row("a", 5, 0.5, "sad"), row("a", 6, 0.6, "happy"), row("a", 7, 0.7, "happy")])
    found = summarise(some)
    assert (found.top, found.top_share) == ("happy", pytest.approx(2 / 3))
    assert list(ranking(some, np.ones(8))) == ["happy", "sad"]


def test_labels_of_other_models_are_counted_too():
    rows = [row("a.jpg", 0, 0.0, "happy") | {"emotion": "bored"}]
    assert {c.emotion: c.faces for c in summarise(timeline(rows)).emotions if c.faces} == {"bored": 1}


def test_scores_of_moved_on_boxes_are_left_out():
    rows = [row("a", 0, 0.0, "happy", score=0.8), row("a", 1, 0.1, "happy", score=None)]
    assert asdict(summarise(timeline(rows)).score) == pytest.approx(asdict(Spread(0.8, 0.8, 0.8, 0.8)))


def test_people_are_told_apart_by_source_and_number():
    table = timeline([*two_people("a.mp4"), *two_people("b.mp4", 30)])
    found = people_of(table, clocks(table))
    assert [(one.source, one.person) for one in found] == [("a.mp4", 0), ("a.mp4", 1), ("b.mp4", 0), ("b.mp4", 1)]
    first, second = found[:2]
    assert (first.faces, first.first, first.top) == (88, pytest.approx(1 / 30, abs=1e-6), "sad")
    assert first.seconds == pytest.approx(88 / 30, abs=1e-4)
    assert second.seconds == pytest.approx(second.faces / 30, abs=1e-4)
    assert second.unsure_share == pytest.approx(sum(i % 5 == 0 for i in range(1, 89) if not 30 <= i < 60) / 58)
    assert summarise(table).people == 4


def test_a_summary_is_plain_data():
    import json

    assert json.loads(json.dumps(asdict(summarise(timeline(two_people())))))["faces"] > 0
