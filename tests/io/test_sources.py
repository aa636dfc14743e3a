import io
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image as Pil
from tests.io.clips import clip, number_on, stamped

from mien.errors import SourceMissing, SourceRefused, SourceTooLarge, SourceUnreadable, UsageError
from mien.io.formats import VIDEO, sniff
from mien.io.images import ImageLimits
from mien.io.sources import Failure, Notice, has_streams, names_of, open_source, read_picture
from mien.io.video import VideoSpan
from mien.types import Frame

WANTED = "a path, a URL, a numpy array, a PIL image, bytes or a file object"


def png(value: int = 0) -> bytes:
    out = io.BytesIO()
    Pil.new("RGB", (4, 3), (value, 0, 255)).save(out, "PNG")
    return out.getvalue()


def jpeg(side: int = 200) -> bytes:
    out = io.BytesIO()
    Pil.effect_noise((side, side), 60).save(out, "JPEG")
    return out.getvalue()


def put(folder: Path, *names: str) -> None:
    for value, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(value))


def said(events: Iterable[object]) -> list[str]:
    """Sources of the frames, and the class of the error for what failed."""
    return [type(e.error).__name__ if isinstance(e, Failure) else e.source for e in events]  # type: ignore[attr-defined]


def joined(*parts: str) -> str:
    return os.sep.join(parts)  # noqa: PTH118  a Path would drop the leading ./


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_any_mix_in_the_order_given(here: Path) -> None:
    put(here, "b.png", "folder/2.png", "folder/10.png", "folder/in/1.png", "g1.png", "g2.png", "c.png")
    (here / "notes.txt").write_text("no picture")
    array = np.zeros((5, 6, 3), np.uint8)
    inputs = ["b.png", here / "c.png", "folder", array, "none.jpg", "-", Pil.new("L", (2, 2)), "g*.png", "notes.txt", png(9), 7]
    events = list(open_source(inputs, stdin=io.BytesIO(png(5))))
    assert said(events) == [
        "b.png",
        str(here / "c.png"),
        joined("folder", "2.png"),
        joined("folder", "10.png"),
        joined("folder", "in", "1.png"),
        "array[3]",
        "SourceMissing",
        "-",
        "image[6]",
        "g1.png",
        "g2.png",
        "SourceUnreadable",
        "bytes[9]",
        "SourceRefused",
    ]
    frames = [event for event in events if isinstance(event, Frame)]
    assert frames[5].image is array
    assert frames[6].image[0, 0].tolist() == [5, 0, 255]
    assert all(frame.index == 0 and frame.time == 0.0 for frame in frames)
    assert all(event.source in str(event.error) for event in events if isinstance(event, Failure))


@pytest.mark.parametrize("one", ["b.png", Path("b.png"), png(), np.zeros((2, 2), np.uint8), Pil.new("L", (2, 2))])
def test_one_input_needs_no_list(here: Path, one: object) -> None:
    put(here, "b.png")
    [frame] = open_source(one)
    assert isinstance(frame, Frame)


@pytest.mark.parametrize("several", [np.array, lambda names: np.array(names, dtype=object), tuple, iter, set])
def test_names_come_in_any_container(here: Path, several: Callable[[list[str]], object]) -> None:
    put(here, "a", "b")
    assert sorted(said(open_source(several(["a", "b"])))) == ["a", "b"]


def test_a_column_of_pandas_is_several_and_a_table_none(here: Path) -> None:
    pandas = pytest.importorskip("pandas")
    put(here, "a", "b")
    table = pandas.DataFrame({"path": ["a", "b"]})
    assert said(open_source(table["path"])) == ["a", "b"]
    assert said(open_source(pandas.Index(["a", "b"]))) == ["a", "b"]
    empty, frame = open_source(pandas.Series([None, "b"]))
    assert re.fullmatch(rf"input\[0\]: found (NoneType|float nan), wanted {WANTED}", str(empty.error))  # type: ignore[union-attr]
    assert isinstance(frame, Frame)
    [failure] = open_source(table)
    assert str(failure.error) == (  # type: ignore[union-attr]
        f"input[0]: found DataFrame of shape (2, 1), wanted {WANTED}; of a table give a column: df['path']"
    )


class Dataset:
    """A data set, or the array of a file, as those of h5py and zarr: it has a shape, and gives what it holds."""

    def __init__(self, shape: tuple[int, ...], *gives: object) -> None:
        self.shape, self._gives = shape, gives

    def __iter__(self) -> Iterator[object]:
        return iter(self._gives)


def test_a_data_set_that_gives_pictures_is_several(here: Path) -> None:
    put(here, "a", "b")
    image = np.zeros((20, 30, 3), np.uint8)
    assert said(open_source(Dataset((2, 20, 30, 3), image, image))) == ["array[0]", "array[1]"]
    assert said(open_source(Dataset((2, 20, 30), image[..., 0], image[..., 0]))) == ["array[0]", "array[1]"]
    assert said(open_source(Dataset((2, 3), "a", Path("b")))) == ["a", "b"]
    assert said(open_source(Dataset((2, 3), png(), png()))) == ["bytes[0]", "bytes[1]"]
    assert said(open_source(Dataset((0, 20, 30, 3)))) == []


@pytest.mark.parametrize(
    "given",
    [Dataset((2, 3), np.zeros(3), np.zeros(3)), Dataset((9, 30, 3), *np.zeros((9, 30, 3))), Dataset((9, 30), [0] * 30), Dataset(())],
)
def test_what_gives_rows_is_refused_once(given: Dataset) -> None:
    [failure] = open_source(given)
    assert str(failure.error).startswith(f"input[0]: found Dataset of shape {given.shape}, wanted ")  # type: ignore[union-attr]


def test_names_as_bytes(here: Path) -> None:
    """numpy's fixed bytes, in which no picture can be: zeros at their end are lost."""
    put(here, "a", "лицо.png")
    assert said(open_source(np.array([b"a", "лицо.png".encode()]))) == ["a", "лицо.png"]


class Rows:
    """A tensor, as far as it is looked at: it could be iterated by rows."""

    shape, permute = (3, 200, 300), None

    def __iter__(self) -> Iterator[int]:
        return iter(range(3))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"img": "a.png"}, r"input\[0\]: found dict, .*; of a dict give the values: list\(d\.values\(\)\), or d\['path'\]"),
        (Rows(), r"input\[0\]: found Rows of shape \(3, 200, 300\), .*; give tensor\.permute\(1, 2, 0\)\.numpy\(\)"),
        (np.zeros((3, 200, 300)), r"array\[0\]: found shape \(3, 200, 300\), .*; channels first: give array\.transpose\(1, 2, 0\)"),
        (None, r"input\[0\]: found NoneType, wanted a path, a URL, .* or a file object$"),
    ],
    ids=["dict", "tensor", "channels first", "nothing"],
)
def test_what_is_no_input_is_refused_once_by_its_place(given: object, says: str) -> None:
    [failure] = open_source(given)
    assert isinstance(failure, Failure)
    assert re.match(says, str(failure.error))
    assert not has_streams(given)
    second = list(open_source([np.ones((2, 2)), given]))[1]
    assert str(second.error) == str(failure.error).replace("[0]", "[1]", 1)  # type: ignore[union-attr]


def test_an_array_of_values_divided_twice_comes_with_a_notice() -> None:
    notice, frame = open_source(np.ones((4, 4, 3), np.uint8))
    assert isinstance(notice, Notice)
    assert (notice.source, notice.message[:29]) == ("array[0]", "no value is above 1 of 255, s")
    assert isinstance(frame, Frame)


def test_pillow_may_be_half_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another input's thread is importing it, and what is asked about comes meanwhile."""
    monkeypatch.setitem(sys.modules, "PIL.Image", ModuleType("PIL.Image"))
    array = np.zeros((4, 4, 3), np.uint8)
    [frame] = open_source(array)
    assert isinstance(frame, Frame)
    assert frame.image is array


def test_one_picture_of_any_kind(here: Path) -> None:
    put(here, "a.png")
    for given, source in (("a.png", "a.png"), (Path("a.png"), "a.png"), (png(), ""), (bytearray(png()), ""), (Pil.open("a.png"), "")):
        frame, note = read_picture(given)
        assert (frame.source, note) == (source, "")
        assert frame.image[0, 0].tolist() == [0, 0, 255]
    Path("cut.jpg").write_bytes(jpeg()[:2500])
    assert "cut short" in read_picture("cut.jpg")[1]


@pytest.mark.parametrize(
    ("given", "kind", "says"),
    [
        ("none.png", SourceMissing, "none.png: no such file"),
        (".", SourceUnreadable, "a folder, wanted a picture file"),
        (b"none", SourceUnreadable, "picture: 4 bytes of another kind"),
        ("", UsageError, "picture: found an empty name, wanted a path"),
        ("-", UsageError, "found standard input, wanted a path; analyzer.analyze takes URLs and - too"),
        ("https://me:secret@a.test/x", UsageError, "found a URL, wanted a path; analyzer.analyze takes"),
        (
            ["a.png"],
            UsageError,
            "picture: found list, wanted a path, a numpy array, a PIL image or bytes; several inputs are given to analyze",
        ),
    ],
)
def test_what_is_not_one_picture(here: Path, given: object, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=re.escape(says)):
        read_picture(given)


def test_nothing_in_nothing_out() -> None:
    assert list(open_source([])) == []


def test_names_with_spaces_and_every_script(here: Path) -> None:
    names = ["a photo.png", "лицо.png", "顔 1.png", "señal.PNG", "ab'\".png", "🙂.png"]
    put(here, *names)
    assert sorted(said(open_source("."))) == sorted(joined(".", name) for name in names)
    assert said(open_source(names)) == names
    assert said(open_source("顔*.png")) == ["顔 1.png"]


@pytest.mark.skipif(os.name != "posix" or os.uname().sysname == "Darwin", reason="file names here are text")
def test_names_that_are_not_text(here: Path) -> None:
    with open(b"caf\xe9.png", "wb") as file:  # noqa: PTH123
        file.write(png())
    [frame] = open_source(".")
    assert frame.source == joined(".", "caf\\xe9.png")
    assert said(open_source([b"caf\xe9.png".decode("utf-8", "surrogateescape")])) == ["caf\\xe9.png"]


def test_folders_skip_hidden_and_other_files_and_may_stay_flat(here: Path) -> None:
    put(here, "d/1.png", "d/.2.png", "d/.h/3.png", "d/in/4.JPG", "d/5.txt", "d/6.ts")
    assert said(open_source("d")) == [joined("d", "1.png"), joined("d", "in", "4.JPG")]
    assert said(open_source("d", recursive=False)) == [joined("d", "1.png")]
    assert said(open_source(["d/5.txt", "d/.2.png"])) == ["d/5.txt", "d/.2.png"]


def test_a_folder_without_pictures(here: Path) -> None:
    (here / "empty").mkdir()
    [failure] = open_source("empty")
    assert isinstance(failure, Failure)
    assert isinstance(failure.error, SourceMissing)
    assert "empty: no picture or video in this folder; wanted files that end in .3g2 .3gp .apng .asf" in str(failure.error)


def test_a_bad_file_does_not_stop_the_batch(here: Path) -> None:
    put(here, "1.png", "3.png")
    (here / "2.jpg").write_bytes(b"\xff\xd8\xff not really")
    (here / "4.png").write_bytes(b"")
    assert said(open_source(".")) == [joined(".", "1.png"), "SourceUnreadable", joined(".", "3.png"), "SourceUnreadable"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_folder_and_file(here: Path) -> None:  # pragma: no cover
    put(here, "d/locked/1.png", "d/2.png", "d/3.png")
    (here / "d" / "locked").chmod(0)
    (here / "d" / "2.png").chmod(0)
    try:
        assert said(open_source("d")) == ["SourceUnreadable", joined("d", "3.png"), "SourceUnreadable"]
    finally:
        (here / "d" / "locked").chmod(0o700)


def test_an_unlistable_folder_is_named_and_the_walk_goes_on(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(here, "d/1.png", "d/locked/2.png", "d/open/3.png")
    scandir = os.scandir

    def guarded(path: str) -> object:  # stands in for chmod, which does not stop root
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    assert said(open_source("d")) == [joined("d", "1.png"), "SourceUnreadable", joined("d", "open", "3.png")]


def test_links(here: Path) -> None:
    put(here, "d/1.png")
    try:
        (here / "d" / "loop").symlink_to(here / "d", target_is_directory=True)
        (here / "d" / "broken.jpg").symlink_to(here / "nowhere.jpg")
        (here / "linked.png").symlink_to(here / "d" / "1.png")
    except OSError:
        pytest.skip("no symbolic links here")
    assert said(open_source(["d", "linked.png"])) == [joined("d", "1.png"), "SourceMissing", "linked.png"]
    *_, notice = open_source(["d", "linked.png"], once=True)
    assert isinstance(notice, Notice)
    assert notice.source == "linked.png"


def test_patterns(here: Path) -> None:
    put(here, "p10.png", "p9.png", "d/p1.png", "d/e/p2.png", "x.dat", "x.txt")
    assert said(open_source("*.png")) == ["p9.png", "p10.png"]
    assert said(open_source("**/*.png")) == ["p9.png", "p10.png", joined("d", "p1.png"), joined("d", "e", "p2.png")]
    assert said(open_source("*")) == ["p9.png", "p10.png", joined("d", "p1.png"), joined("d", "e", "p2.png")]
    assert said(open_source("**")) == said(open_source("*"))
    assert said(open_source("*.dat")) == ["x.dat"]
    assert said(open_source("p[0-9].png")) == ["p9.png"]
    [failure] = open_source("*.tif")
    assert str(failure.error) == "*.tif: no picture or video matches this pattern"  # type: ignore[union-attr]
    assert isinstance(failure.error, SourceMissing)  # type: ignore[union-attr]


def test_a_file_called_like_a_pattern_wins(here: Path) -> None:
    put(here, "p[1].png", "p1.png", "d[1]/x.png", "d1/y.png")
    assert said(open_source("p[1].png")) == ["p[1].png"]
    assert said(open_source("d[1]")) == [joined("d[1]", "x.png")]


def film(path: Path, *numbers: int) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    clip(
        path,
        images=[stamped(number) for number in numbers],
        times=[n / 25 for n in range(len(numbers))],
        file_format=None if path.suffix else "mp4",
    )
    return path.read_bytes()


def seen(events: Iterable[object]) -> list[str]:
    """Sources of the pictures; of frames of videos with their numbers too; of failures the class."""
    return [
        f"{e.source}#{number_on(e.image)}" if isinstance(e, Frame) and e.stream else said([e])[0]
        for e in events
    ]  # fmt: skip


def test_videos_go_down_the_same_road_in_their_place(here: Path) -> None:
    put(here, "d/1.png", "d/10.png", "d/x/3.png")
    film(here / "d" / "2.mp4", 20, 21)
    film(here / "d" / "x" / "4.MKV", 40)
    (here / "d" / "5.mp4").write_bytes(b"no video")
    inside = ["1.png", "2.mp4#20", "2.mp4#21", "SourceUnreadable", "10.png"]
    folder = [name if name == "SourceUnreadable" else joined("d", name) for name in inside]
    deeper = [joined("d", "x", "3.png"), joined("d", "x", "4.MKV") + "#40"]
    assert seen(open_source("d")) == folder + deeper
    assert seen(open_source("d", ahead=0)) == folder + deeper
    assert seen(open_source("d/*")) == folder + deeper
    assert seen(open_source("d", recursive=False)) == folder
    assert seen(open_source("**/*.mp4")) == folder[1:4]
    assert seen(open_source(["d/2.mp4", "d/1.png", "d/2.mp4"])) == ["d/2.mp4#20", "d/2.mp4#21", "d/1.png", "d/2.mp4#20", "d/2.mp4#21"]
    assert said(open_source("none.mp4")) == ["SourceMissing"]


def test_videos_are_known_by_their_bytes_too(here: Path) -> None:
    data = film(here / "film", 7, 8)
    (here / "film.jpg").write_bytes(data)
    frames = ["#7", "#8"]

    def fetch(url: str, *, allow_private: bool) -> bytes:
        return data

    assert seen(open_source("film")) == ["film" + frame for frame in frames]
    assert seen(open_source("film.jpg")) == ["film.jpg" + frame for frame in frames]
    assert seen(open_source(data)) == ["bytes[0]" + frame for frame in frames]
    assert seen(open_source("-", stdin=io.BytesIO(data))) == ["-" + frame for frame in frames]
    assert seen(open_source("http://a.test/v", fetch=fetch)) == ["http://a.test/v" + frame for frame in frames]


def test_what_is_neither_is_told_that_both_are_read(here: Path) -> None:
    (here / "audio.mp3").write_bytes(b"ID3\x03")
    (failure,) = open_source("audio.mp3")
    assert isinstance(failure, Failure)
    assert re.fullmatch(r"audio\.mp3: 4 bytes of another kind, wanted a picture \(JPEG, .*HEIC\) or a video", str(failure.error))


def test_pictures_that_are_called_like_videos_are_pictures(here: Path) -> None:
    """Whatever the extension: the first bytes tell."""
    (here / "d").mkdir()
    for name in ("pic.mov", "d/pic.mp4"):
        Pil.new("RGB", (8, 6), "red").save(here / name, format="JPEG")
    for given in ("pic.mov", "d", "d/*", Path("pic.mov")):
        (frame,) = [event for event in open_source(given) if isinstance(event, Frame)]
        assert (frame.stream, frame.size) == (False, (8, 6))
        assert not has_streams(given)
    film(here / "d" / "real.mp4", 1)
    assert has_streams("d")
    assert not has_streams("d/pic.mp4")
    (here / "d" / "odd.mp4").write_bytes(b"no known bytes")
    assert has_streams("d/odd.mp4")  # the name tells


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi", "a.flv", "a.ts", "a.mpg", "a.asf"])
def test_the_bytes_of_videos(here: Path, name: str) -> None:
    codec = {"avi": "mpeg4", "flv": "flv", "mpg": "mpeg2video", "asf": "mpeg4"}.get(name[2:], "libx264")
    clip(here / name, 5, codec=codec)
    assert sniff((here / name).read_bytes()) == VIDEO


def test_a_span_is_for_videos_only(here: Path) -> None:
    put(here, "d/1.png")
    film(here / "d" / "2.mp4", *range(50))
    assert seen(open_source("d", span=VideoSpan(every=0.8, stop=1.7))) == [
        joined("d", name) for name in ("1.png", "2.mp4#0", "2.mp4#20", "2.mp4#40")
    ]


def test_animated_pictures_are_pictures(here: Path) -> None:
    frames = [Pil.new("RGB", (4, 3), (value, 0, 0)) for value in (10, 200)]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:])
    notice, frame = open_source(["a.gif"])
    assert isinstance(notice, Notice)
    assert "first of 2 frames" in notice.message
    assert isinstance(frame, Frame)
    assert not frame.stream


def test_whether_there_are_streams(here: Path) -> None:
    put(here, "d/1.png", "d/x/2.png", "v/x/clip.mp4", "p.png")
    Path("v/x/clip.mp4").write_bytes(b"nothing that tells")
    assert not has_streams(["d", "p.png", "-", "*.png", "none*", np.zeros((2, 2), np.uint8), png(), "nul\0", "http://a.test/x.png?.mp4"])
    for one in ("v", "film.mp4", Path("film.MOV"), "v/x/*", "v/*", "**/*.mp4", "http://a.test/x.mp4?sig=1"):
        assert has_streams(one)
        assert has_streams(["d", one])
    assert not has_streams("v", recursive=False)


def test_a_closed_standard_input_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert not has_streams("-")
    [failure] = open_source("-")
    assert isinstance(failure, Failure)
    assert str(failure.error) == "-: standard input is closed; wanted a picture or video from it"


def test_what_is_called_otherwise_is_told_by_its_first_bytes(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = b"\x1a\x45\xdf\xa3" + bytes(600)  # Matroska
    Path("film.dat").write_bytes(head)
    Path("photo").write_bytes(png())
    assert has_streams("film.dat")
    assert not has_streams("photo")
    for given, film in ((head, True), (png(), False)):
        stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(given)))  # type: ignore[type-var]
        monkeypatch.setattr("sys.stdin", stdin)
        assert has_streams("-") is film
        assert stdin.buffer.read() == given  # nothing was taken


def test_closing_early_ends_the_videos_thread(here: Path) -> None:
    film(here / "a.mp4", *range(60))
    events = open_source(["a.mp4", "a.mp4"])
    next(events)
    assert [thread for thread in threading.enumerate() if thread.name == "mien-video"]
    events.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mien-")]


def test_stdin_holds_one_picture() -> None:
    stream = io.BytesIO(png(3))
    frame, failure = open_source(["-", "-"], stdin=stream)
    assert isinstance(frame, Frame)
    assert frame.source == "-"
    assert isinstance(failure, Failure)
    assert "already read" in str(failure.error)
    assert said(open_source("-", stdin=io.BytesIO(b""))) == ["SourceUnreadable"]
    assert said(open_source("-", stdin=io.BytesIO(png()), limits=ImageLimits(max_bytes=10))) == ["SourceTooLarge"]


def test_standard_input_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(png(3))))
    assert said(open_source("-")) == ["-"]


def test_urls_are_fetched_with_the_given_leave() -> None:
    asked = []

    def fetch(url: str, *, allow_private: bool) -> bytes:
        asked.append((url, allow_private))
        if "bad" in url:
            raise SourceRefused("no")
        return png()

    inputs = ["http://a.test/x.png?sig=1", "HTTPS://b.test/bad", "https://user:secret@c.test/x"]
    assert said(open_source(inputs, fetch=fetch, allow_private=True)) == [
        "http://a.test/x.png?sig=***",
        "SourceRefused",
        "https://c.test/x",
    ]
    assert sorted(asked) == sorted((url, True) for url in inputs)


def test_schemes_other_than_http_are_refused() -> None:
    failures = list(open_source(["ftp://a.test/x.png", "file:///etc/hosts", "rtsp://a.test/1"]))
    assert said(failures) == ["SourceRefused"] * 3
    assert "wanted http or https" in str(failures[0].error)  # type: ignore[union-attr]


@pytest.mark.parametrize(("given", "name", "call"), [
    (0, "0", "mien.open_live(0)"), ("12", "12", "mien.open_live(12)"), ("rtsp://me:secret@a.test/1", "rtsp://a.test/1", "open_live('rtsp://a.test/1')"),
])  # fmt: skip
def test_cameras_and_streams_are_told_how_they_are_watched(here: Path, given: object, name: str, call: str) -> None:
    (failure,) = open_source(given)
    assert isinstance(failure, Failure)
    assert isinstance(failure.error, SourceRefused)
    assert failure.source == name
    assert str(failure.error).startswith(f"{name}: a camera or stream, which has no end; ")
    assert call in str(failure.error)
    assert "secret" not in str(failure.error)


@pytest.mark.parametrize("given", ["/dev/video7", Path("/dev/video7")])
def test_the_device_of_a_camera_is_a_camera(given: object) -> None:
    (failure,) = open_source(given)
    assert isinstance(failure.error, SourceRefused)  # type: ignore[union-attr]
    assert "mien.open_live('/dev/video7')" in str(failure.error)  # type: ignore[union-attr]


def test_what_is_called_like_a_camera_but_elsewhere_is_a_file(here: Path) -> None:
    put(here, "dev/video7", "video7")
    assert said(open_source(["dev/video7", "video7", Path("video7")])) == ["dev/video7", "video7", "video7"]


def test_a_notice_comes_before_its_frame(here: Path) -> None:
    whole = jpeg()
    (here / "half.jpg").write_bytes(whole[: len(whole) // 2])
    notice, frame = open_source("half.jpg")
    assert isinstance(notice, Notice)
    assert notice.source == "half.jpg"
    assert "cut short" in notice.message
    assert isinstance(frame, Frame)


def test_limits_are_passed_on(here: Path) -> None:
    put(here, "1.png")
    [failure] = open_source("1.png", limits=ImageLimits(max_side=3))
    assert isinstance(failure, Failure)
    assert isinstance(failure.error, SourceTooLarge)


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 5000, "nul\0*.png"])
def test_impossible_names_are_failures(name: str) -> None:
    [failure] = open_source([name])
    assert isinstance(failure, Failure)
    assert isinstance(failure.error, SourceMissing | SourceUnreadable)
    assert "\n" not in str(failure.error)


def test_memory_stays_flat(here: Path) -> None:
    put(here, *(f"{n}.png" for n in range(40)))
    opened = 0
    given = (f"{n}.png" for n in range(40))

    def counted() -> Iterable[str]:
        nonlocal opened
        for name in given:
            opened += 1
            yield name

    events = open_source(counted(), ahead=3)
    assert opened == 0
    for taken in range(1, 10):
        next(events)
        assert opened == taken + 3
    del events
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mien-read")]


@pytest.mark.parametrize("ahead", [0, 1, 5])
def test_any_number_ahead_gives_the_same(here: Path, ahead: int) -> None:
    put(here, *(f"d/{n}.png" for n in range(12)))
    put(here, *(f"e/{n}.png" for n in range(12)))
    frames = list(open_source(["d", "none", "e"], ahead=ahead))
    assert [getattr(frame, "image", np.zeros((1, 1, 3)))[0, 0, 0] for frame in frames] == [*range(12), 0, *range(12)]


def told(events: Iterable[object]) -> list[str]:
    """What `said` says, and the text of each Notice."""
    return [f"{e.source}: {e.message}" if isinstance(e, Notice) else said([e])[0] for e in events]


ONE_AGAIN = "the same file as an earlier input; left out, or it would count twice"


def test_a_file_named_twice_is_read_once(here: Path) -> None:
    put(here, "a.png", "d/1.png", "d/2.png", "d/in/3.png")
    film(here / "v.mp4", 1)
    once = partial(open_source, once=True)
    again = ["a.png", "./a.png", str(here / "a.png"), here / "d" / ".." / "a.png"]
    assert told(once(again)) == ["a.png", *(f"{name}: {ONE_AGAIN}" for name in map(str, again[1:]))]
    assert told(once(iter(again[:2]))) == ["a.png", f"./a.png: {ONE_AGAIN}"]
    assert told(once(["v.mp4", "v.mp4"])) == ["v.mp4", f"v.mp4: {ONE_AGAIN}"]
    one = "1 of its files is an earlier input too; left out, or it would count twice"
    assert told(once(["d/1.png", "d"])) == ["d/1.png", joined("d", "2.png"), joined("d", "in", "3.png"), f"d: {one}"]
    assert told(once(["d", "d/in", "d/*.png"]))[3:] == [
        f"d/in: {one}",
        "d/*.png: 2 of its files are earlier inputs too; left out, or they would count twice",
    ]
    assert told(open_source(["a.png", "./a.png"])) == ["a.png", "./a.png"]  # unless it is asked for, an answer each


def test_only_files_are_known_again(here: Path) -> None:
    put(here, "a.png")
    array = np.zeros((2, 2), np.uint8)
    assert said(open_source([array, array, png(), png()], once=True)) == ["array[0]", "array[1]", "bytes[2]", "bytes[3]"]
    asked = open_source(["http://a.test/x"] * 2, once=True, fetch=lambda url, *, allow_private: png())
    assert said(asked) == ["http://a.test/x"] * 2
    with pytest.raises(UsageError):
        open_source("d", ahead=-1)


class Upload:
    """Gives what it was told to give, as the file objects of others do."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def read(self, size: int = -1) -> object:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize("one", [bytearray(png(7)), memoryview(png(7)), memoryview(np.frombuffer(png(7), np.uint8))])
def test_other_bytes_are_bytes(one: object) -> None:
    for given in (one, [one]):
        [frame] = open_source(given)
        assert isinstance(frame, Frame)
        assert (frame.source, frame.image[0, 0, 0]) == ("bytes[0]", 7)


def test_file_objects_are_one_picture_each(here: Path) -> None:
    put(here, "0.png", "1.png")
    with Path("1.png").open("rb") as buffered, Path("1.png").open("rb", buffering=0) as raw:
        events = list(open_source([buffered, "0.png", io.BytesIO(png(9)), raw]))
    frames = [event for event in events if isinstance(event, Frame)]
    assert [(frame.source, frame.image[0, 0, 0]) for frame in frames] == [("1.png", 1), ("0.png", 0), ("file[2]", 9), ("1.png", 1)]
    with Path("1.png").open("rb") as file:
        [frame] = open_source(file)
    assert frame.source == "1.png"
    assert not has_streams(io.BytesIO(png()))


def test_a_file_object_may_be_a_video(here: Path) -> None:
    data = film(here / "a.mp4", 3, 4)
    assert seen(open_source(io.BytesIO(data))) == ["file[0]#3", "file[0]#4"]
    assert seen(open_source(bytearray(data))) == ["bytes[0]#3", "bytes[0]#4"]


def test_a_file_object_is_read_when_its_turn_comes() -> None:
    streams = [io.BytesIO(png(n)) for n in range(9)]
    events = open_source(iter(streams), ahead=2)
    next(events)
    assert [stream.tell() > 0 for stream in streams] == [True] * 3 + [False] * 6


def test_limits_hold_for_file_objects() -> None:
    endless = Upload(b"x" * 1000)
    [failure] = open_source(endless, limits=ImageLimits(max_bytes=5000))
    assert isinstance(failure, Failure)
    assert isinstance(failure.error, SourceTooLarge)


@pytest.mark.parametrize(
    ("given", "kind", "says"),
    [
        (lambda: io.StringIO("text"), UsageError, r"file\[0\]: .*gave str, wanted bytes; open the file as 'rb'"),
        (lambda: Upload(7), UsageError, r"gave int, wanted bytes"),
        (lambda: io.BytesIO(b""), SourceUnreadable, r"file\[0\]: an empty file"),
        (lambda: Upload(OSError("gone")), SourceUnreadable, r"file\[0\]: cannot be read \(gone\)"),
        (lambda: Upload(EOFError()), SourceUnreadable, r"file\[0\]: cannot be read \(EOFError\)"),
    ],
)
def test_a_file_object_without_bytes_is_one_clear_failure(given: Callable[[], object], kind: type[Exception], says: str) -> None:
    failure, frame = open_source([given(), png()])
    assert isinstance(failure, Failure)
    assert isinstance(failure.error, kind)
    assert re.search(says, str(failure.error))
    assert isinstance(frame, Frame)


def test_a_closed_file_and_one_opened_as_text(here: Path) -> None:
    put(here, "1.png")
    with Path("1.png").open("rb") as file, Path("1.png").open(encoding="latin-1") as text:
        pass
    [failure] = open_source(file)
    assert str(failure.error) == "1.png: cannot be read (read of closed file)"  # type: ignore[union-attr]
    with Path("1.png").open(encoding="latin-1") as text:
        [failure] = open_source(text)
    assert "1.png: its read() gave str, wanted bytes; open the file as 'rb'" in str(failure.error)  # type: ignore[union-attr]


def test_what_is_to_be_skipped_is_not_opened(here: Path) -> None:
    put(here, "a.png", "d/1.png", "d/2.png", "e/1.png")
    (here / "d" / "1.png").write_bytes(b"would be a failure")
    fetched: list[str] = []

    def fetch(url: str, *, allow_private: bool) -> bytes:
        fetched.append(url)
        return png()

    asked = ["a.png", "d", "e", "*.png", "d/*.png", "http://me@a.test/x", "http://a.test/y"]
    skip = {"a.png", joined("d", "1.png"), "d/1.png", joined("e", "1.png"), "http://a.test/x"}
    assert said(open_source(asked, skip=skip, fetch=fetch)) == [joined("d", "2.png"), joined("d", "2.png"), "http://a.test/y"]
    assert fetched == ["http://a.test/y"]
    assert told(open_source(["a.png", "./a.png"], skip={"a.png"}, once=True)) == [f"./a.png: {ONE_AGAIN}"]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_all_kinds_of_inputs_are_turned(here: Path, degrees: int) -> None:
    upright = stamped(0b11001010)
    wrong = np.ascontiguousarray(np.rot90(upright, degrees // 90))  # counterclockwise
    out = io.BytesIO()
    Pil.fromarray(wrong).save(out, "PNG")
    Path("a.png").write_bytes(out.getvalue())
    exif = Pil.Exif()
    exif[0x0112] = 6  # which turns it clockwise
    Pil.fromarray(np.rot90(wrong)).save("exif.png", exif=exif)
    clip(here / "a.mkv", 1, size=wrong.shape[1::-1], images=[wrong], codec="ffv1", pix_fmt="bgr0")
    inputs = ["a.png", "exif.png", "a.mkv", "-", out.getvalue(), wrong, Pil.fromarray(wrong), io.BytesIO(out.getvalue()), "http://x/a.png"]
    events = list(open_source(inputs, turn=degrees, stdin=io.BytesIO(out.getvalue()), fetch=lambda url, **_: out.getvalue()))
    assert [np.array_equal(event.image, upright) for event in events if isinstance(event, Frame)] == [True] * len(inputs)


@pytest.mark.parametrize("turn", [45, -90, 360, True, 90.0, "90", None])
def test_other_angles_are_refused_at_the_call(turn: object) -> None:
    with pytest.raises(UsageError, match=r"turn: found .*, wanted 90, 180 or 270 \(degrees clockwise"):
        open_source([], turn=turn)  # type: ignore[arg-type]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with a name")
def test_names_of_what_would_be_read_without_opening_it(here: Path) -> None:
    """What open_source reads, in its order, and what it tells without reading."""
    put(here, "b.png", "a.png")
    (here / "clip.mp4").write_bytes(b"not opened")
    (here / "empty").mkdir()
    (here / "sub").mkdir()
    put(here / "sub", "c.png", "none.txt")
    os.mkfifo(here / "pipe.png")
    inputs = [
        "b.png",
        str(here),
        "*.png",
        "none.jpg",
        "empty",
        "https://example.org/x.png",
        "-",
        "0",
        "pipe.png",
        "data:image/png;base64,AA==",
    ]
    found = list(names_of(inputs))
    names = [one for one in found if isinstance(one, str)]
    assert names == ["b.png", *(str(here / name) for name in ("a.png", "clip.mp4", "sub/c.png")), "none.jpg", "https://example.org/x.png"]
    told = {one.source: one for one in found if not isinstance(one, str)}
    assert isinstance(told["empty"], Failure)
    for source in ("-", "0", "pipe.png", "data:image/png;base64,AA=="):
        assert "wanted what other processes can open too" in str(told[source].error)  # type: ignore[union-attr]
    assert isinstance(told[str(here)], Notice)
    assert list(names_of(["sub"], skip={"sub/c.png"})) == []
    assert next(names_of([str(here)], recursive=False)) == str(here / "a.png")
