"""Targets of one picture or one video, and inputs that do not fit into one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mien.errors import UsageError
from mien.sinks.registry import open_sink, open_sinks
from mien.sinks.single import names_in, refuse_for_picture, refuse_for_video


@pytest.fixture
def mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a video and a text, with pictures in a subfolder."""
    monkeypatch.chdir(tmp_path)
    for name in ("in/a.mp4", "in/notes.txt", "in/sub/b.jpg", "in/sub/c.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return Path("in")


def test_names_are_those_that_will_be_read(mixed: Path) -> None:
    def names(*inputs: object, recursive: bool = True) -> list[str]:
        return list(names_in(inputs, recursive=recursive))

    assert names("in") == names(mixed) == ["in/a.mp4", "in/sub/b.jpg", "in/sub/c.png"]
    assert names("in", recursive=False) == ["in/a.mp4"]
    assert names("in/*.mp4", "in/s*", "in/**/*.jpg") == ["in/a.mp4", "in/sub/b.jpg", "in/sub/c.png"]
    assert list(names_in(["in", "in/sub/*.png"], as_video=25)) == ["in/a.mp4", "in/sub"]
    Path("linked.jpg").symlink_to("in/sub/b.jpg")
    assert names("linked.jpg", "in/./a.mp4", "in", mixed / "a.mp4") == ["linked.jpg", "in/./a.mp4", "in/sub/c.png"]
    assert names("in/**") == ["in/a.mp4", "in/sub/b.jpg", "in/sub/c.png"]
    assert names("gone.MP4", "x.txt", "", "-", "a\0b.jpg", "http://host/a.mp4", b"bytes", 3) == ["gone.MP4"]


@pytest.mark.parametrize(
    ("target", "inputs", "recursive", "said"),
    [
        ("x.mp4", ["in"], True, r"x\.mp4: in/sub/b\.jpg is a picture, wanted a video"),
        ("x.mp4", ["in"], False, ""),
        ("x.mp4", ["in/a.mp4", "in/**/*.mp4", "in"], False, ""),
        ("x.jpg", ["in/sub/b.jpg", "./in/sub/b.jpg"], True, ""),
        ("x.jpg", ["in"], True, r"x\.jpg: holds one picture, but in/a\.mp4 is a video; name a video: -o x\.mp4, or a folder: -o x/$"),
        ("x.jpg", ["in/sub"], True, r"x\.jpg: holds one picture, but there are in/sub/b\.jpg and in/sub/c\.png; for several .*: -o x/$"),
        ("x.png", ["in/sub/*.png"], True, ""),
    ],
)
def test_folders_and_patterns_are_looked_into_before_the_work(
    mixed: Path, target: str, inputs: list[str], recursive: bool, said: str
) -> None:
    if not said:
        open_sinks([target], inputs=inputs, recursive=recursive).close()
        return
    with pytest.raises(UsageError, match=said):
        open_sinks([target], inputs=inputs, recursive=recursive)
    with pytest.raises(UsageError, match=said):
        open_sink(target, inputs=inputs, recursive=recursive)


def test_the_runs_own_outputs_do_not_count(mixed: Path) -> None:
    open_sinks(["in/sub/", "x.mp4"], inputs=["in"]).close()


def test_no_more_is_walked_than_must_be() -> None:
    def names(*first: str) -> Iterator[str]:
        yield from first
        raise AssertionError("walked on")

    for refuse, given in (
        (refuse_for_picture, ("a.jpg", "b.jpg")),
        (refuse_for_video, ("a.mp4", "b.jpg")),
        (refuse_for_picture, ("a.mp4",)),
    ):
        with pytest.raises(UsageError):
            refuse(Path("x"), names(*given))


def test_a_picture_that_is_called_like_a_video_fits_into_a_picture(mixed: Path) -> None:
    """Its first bytes tell, as where it is read."""
    Path("in/a.mp4").write_bytes(b"\x89PNG\r\n\x1a\n")
    refuse_for_picture(Path("x.jpg"), ["in/a.mp4"])
    with pytest.raises(UsageError, match=r"x\.mp4: in/a\.mp4 is a picture, wanted a video"):
        refuse_for_video(Path("x.mp4"), ["in/a.mp4"])
