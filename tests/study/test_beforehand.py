"""What is wrong with a study is told before anything is read."""

from pathlib import Path

import numpy as np
import pytest

from mien.errors import SourceMissing, UsageError
from mien.study.beforehand import refuse_missing, refuse_twice, too_late
from mien.study.plan import Recording, read_plan, read_visits
from mien.study.reaction_result import Part, ReactionSettings
from mien.study.viewer import Viewer, curve
from mien.testing import planted_timeline


def recordings(*starts: float, ending: str = ".mp4") -> list[Recording]:
    return [Recording(f"{name}{ending}", name, start) for name, start in zip("abcdefgh", starts, strict=False)]


def test_files_that_are_not_there_are_told_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    plan = tmp_path / "plan.csv"
    plan.write_text("file\na.mp4\n\nb.mp4\nc.csv\n")
    with pytest.raises(SourceMissing) as told:
        refuse_missing(read_plan(plan), plan=plan)
    wanted = "no such file (one of 2 that are missing); wanted recordings, tables that mien wrote, or sessions"
    assert str(told.value) == f"{plan}, line 4: {tmp_path / 'b.mp4'}: {wanted}"
    plan.write_text("file,side\na.mp4,entering\nb.mp4,leaving\n")
    with pytest.raises(SourceMissing, match=r"line 3: .*b\.mp4: no such file; wanted"):
        refuse_missing(read_visits(plan), plan=plan)
    with pytest.raises(SourceMissing, match=r"^none\.mp4: no such file; wanted"):
        refuse_missing([Recording("none.mp4", "a")])
    with pytest.raises(SourceMissing):
        refuse_missing([Recording("x" * 5000, "a")])


def test_what_only_opening_tells_is_let_through(tmp_path: Path) -> None:
    names = [str(tmp_path), "https://example.org/a.mp4", "rtsp://example.org/a", "-", str(tmp_path / "*.png"), "/dev/video7"]
    refuse_missing([Recording(name, name) for name in names])


def test_a_number_that_is_no_session_is_no_camera_whose_recording_would_never_end() -> None:
    with pytest.raises(SourceMissing, match=r"^7: no such file; wanted .*, or sessions \(no session 7 in s\.db\)$"):
        refuse_missing([Recording("7", "a")], why={"7": "no session 7 in s.db"})


@pytest.mark.parametrize("name", ["http://anna:secret@example.org/a.csv", "w1/*.parquet"])
def test_a_table_is_a_file(name: str) -> None:
    with pytest.raises(
        SourceMissing, match=r"^(http://example.org/a\.csv|w1/\*\.parquet): no such file; wanted a table by the name of its"
    ):
        refuse_missing([Recording(name, "a")])


def test_a_table_that_is_called_like_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "a[1].csv").touch()
    refuse_missing([Recording(str(tmp_path / "a[1].csv"), "a")])


def test_a_file_under_two_names(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    (tmp_path / "b.mp4").symlink_to(tmp_path / "a.mp4")
    plan = tmp_path / "plan.csv"
    plan.write_text("file\na.mp4\nb.mp4\n")
    with pytest.raises(UsageError, match=r"plan\.csv, lines 2 and 3: .*b\.mp4: named twice; so what"):
        refuse_twice(read_plan(plan), "so what", plan=plan)


def test_parts_beyond_a_film_whose_duration_is_given() -> None:
    parts = [Part("in", 0, 20), Part("out", 15, 30)]
    with pytest.raises(UsageError, match=r"^part out: 15 to 30 s; wanted it within 0 to 20 s of the film \(duration\)$"):
        too_late(recordings(0), parts, ReactionSettings(duration=20))
    assert too_late(recordings(0), parts, ReactionSettings()) == []  # as long as the recordings are, and that is not known yet


def test_a_baseline_before_the_recordings() -> None:
    rest = ReactionSettings(baseline=(-5, 0))
    with pytest.raises(UsageError) as told:
        too_late(recordings(0, 1, 2), [], rest)
    hint = "say with start where in a recording the film begins, or choose another baseline or duration"
    assert str(told.value) == (
        f"a: start is 0 s, so that the recording can have 0 % of the baseline, -5 to 0 s; wanted 50 %, and so with all others; {hint}"
    )
    assert too_late(recordings(2, 2.5, 9), [], rest) == [
        "a: start is 2 s, so that the recording can have 40 % of the baseline, -5 to 0 s; wanted 50 %; it will be left out"
    ]
    assert too_late(recordings(0, 0), [], ReactionSettings(baseline=(0, 5))) == []
    assert too_late(recordings(0, 1, ending=".csv"), [], rest) == []  # tables are read in no time, and may have any times


def test_recordings_that_begin_when_the_film_is_over() -> None:
    with pytest.raises(
        UsageError, match=r"^a: start is -40 s, so that the recording can have 0 % of the film, 0 to 10 s; wanted 50 %; say"
    ):
        too_late(recordings(-40), [], ReactionSettings(duration=10))
    assert too_late(recordings(-5, 0), [], ReactionSettings(duration=10)) == []


def test_a_film_of_too_many_steps() -> None:
    with pytest.raises(UsageError, match=r"film: found 2e\+06 s in steps of 0\.5 s; wanted 1 to 100,000 steps"):
        too_late(recordings(0), [], ReactionSettings(duration=2e6))


@pytest.mark.parametrize("step", [0.5, 1, 3, 5, 10])
@pytest.mark.parametrize("wanted", [0.5, 0.9, 0.97, 1])
def test_who_counts_by_whole_steps_is_not_told_to_be_left_out(step: float, wanted: float) -> None:
    """A step of which half is seen counts in full, so that a film may be covered that begins before the recording."""
    settings = ReactionSettings(duration=10, step=step, least_coverage=wanted)
    always = planted_timeline([[(0, "neutral")]], seconds=30, fps=20)
    edges = np.append(np.arange(np.ceil(10 / step)) * step, 10)
    for start in (0, -0.2, -0.25, -0.4, -0.5, -0.55, -1, -2, -2.5, -2.55, -5):
        told = too_late([*recordings(start), Recording("x.csv", "x")], [], settings)
        assert bool(told) == (curve(Viewer("a", always, start), edges).seen < wanted), start


@pytest.mark.parametrize(("start", "span"), [(0, (-5, 0)), (2, (-5, 0)), (3, (-4, 2)), (-8, (0, 10)), (50, (0, 10))])
def test_the_share_that_a_recording_can_have_is_that_of_a_face_that_is_always_there(start: float, span: tuple[float, float]) -> None:
    always = Viewer("a", planted_timeline([[(0, "neutral")]], seconds=100, fps=50), start)
    seen = curve(always, np.linspace(*span, 61)).seen
    told = too_late([*recordings(start), Recording("x.csv", "x")], [], ReactionSettings(baseline=span))
    assert bool(told) == (seen < 0.5)
    assert all(f"can have {100 * seen:.0f} %" in line for line in told)
