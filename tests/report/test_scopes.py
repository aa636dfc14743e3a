import pytest

from mien.report.scopes import LONGEST_NAME, names_without_folders, scopes, short_names
from mien.report.words import words
from tests.report.tables import row, timeline, two_people


def test_names_are_short_and_never_alike():
    long = "films/a_very_long_name_of_a_recording_2026-05-04_camera_2.mp4"
    names = short_names(["a/x.mp4", "b/x.mp4", "c/y.mp4", long, ""])
    assert names["a/x.mp4"] == "a/x.mp4"
    assert names["c/y.mp4"] == "y.mp4"
    assert len(names[long]) <= LONGEST_NAME
    assert names[long].startswith("a_very")
    assert names[long].endswith("2.mp4")
    assert len(set(names.values())) == len(names)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["/home/me/a.jpg", "b.jpg"], ["a.jpg", "b.jpg"]),
        (["/x/1/a.jpg", "/y/1/a.jpg", "/y/2/a.jpg"], ["x/1/a.jpg", "y/1/a.jpg", "2/a.jpg"]),
        (["clip", "x/clip", "z/x/clip"], ["clip", "x/clip", "z/x/clip"]),
        ([r"C:\films\a.mp4", "D:\\"], ["a.mp4", "D:"]),
        (["a//b", "a/b"], ["a//b", "a/b"]),
        (["", "-", "camera 0", "https://host/a/clip.mp4"], ["", "-", "camera 0", "clip.mp4"]),
        ([], []),
    ],
)
def test_names_have_no_more_folders_than_it_takes_to_tell_them_apart(given, told):
    assert list(names_without_folders(given).values()) == told


def test_long_names_that_differ_in_their_middle_alone_keep_it():
    names = [f"/home/me/recording_of_the_visitor_number_{k}_by_the_camera_above.mp4" for k in range(3)]
    assert list(short_names(names).values()) == [name.removeprefix("/home/me/") for name in names]


def test_everyone_comes_first_then_recordings_then_people():
    found = scopes(timeline([*two_people("a.mp4"), *two_people("b.mp4", 30), row("c.jpg", 0, 0.0, "sad")]), words("en"))
    assert [scope.name for scope in found.every] == [
        "everyone", "everyone in a.mp4", "everyone in b.mp4", "a.mp4, person 0", "a.mp4, person 1", "b.mp4, person 0", "b.mp4, person 1",
    ]  # fmt: skip
    assert [track.name for track in found.tracks][:2] == ["a.mp4, person 0", "a.mp4, person 1"]  # seen longest
    assert found.every[0].clock is None
    assert found.every[2].holds("b.mp4", 1)
    assert not found.every[2].holds("a.mp4", 1)


def test_rows_of_a_part_are_its_own():
    table = timeline(two_people())
    person = scopes(table, words("en")).every[2]
    assert person.person == 1
    assert set(table["person"][person.rows].tolist()) == {1}
