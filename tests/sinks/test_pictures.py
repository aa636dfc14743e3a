"""Annotated pictures and crops: names, kinds, and that no input is ever overwritten."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from mien.errors import SinkError, UsageError
from mien.sinks.crops import CropsSink
from mien.sinks.originals import Originals
from mien.sinks.pictures import FolderSink, PictureSink, encoded
from mien.sinks.registry import open_sink
from mien.sinks.resume import SoFar
from mien.sinks.sink import PictureNotWritten
from mien.testing import make_result, planted_picture
from mien.types import Faces, Frame, Image, Result

PLAIN = np.full((48, 64, 3), 100, np.uint8)


def keep(image: Image, result: Result) -> Image:
    return image


def frame(source: str, image: Image = PLAIN) -> Frame:
    return Frame(image, source=source)


def result(source: str) -> Result:
    return make_result([], source=source, size=(64, 48))


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def write(sink: FolderSink, *sources: str) -> None:
    with sink:
        for source in sources:
            sink.write(frame(source), result(source))


def test_names_and_kinds(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path / "out", drawer=keep, table=False)
    write(
        sink, "in/a.jpg", "b.JPEG", "c.png", "d.webp", "e.bmp", "f.tiff", "g.heic", "h", "фото 1.jpg", "-", "http://x.org/p/q.jpg?token=1"
    )
    wanted = ["a.jpg", "b.JPEG", "c.png", "d.jpg", "e.png", "f.png", "g.jpg", "h.jpg", "фото 1.jpg", "stdin.jpg", "q.jpg"]
    assert files(tmp_path / "out") == sorted(wanted)
    for name in wanted:
        kind = "PNG" if name.endswith(".png") else "JPEG"
        with Pillow.open(tmp_path / "out" / name) as picture:
            assert (picture.format, picture.size) == (kind, (64, 48))
    assert sink.what == f"{tmp_path / 'out'}{os.sep}"


def test_clashes_get_numbers_in_the_order_of_the_inputs(tmp_path: Path) -> None:
    for _ in range(2):  # a second run gives the same names
        write(FolderSink(tmp_path, drawer=keep, table=False), "x/a.jpg", "y/a.jpg", "y/A.JPG", "a.webp", "a-2.jpg")
        assert files(tmp_path) == ["A-3.JPG", "a-2-2.jpg", "a-2.jpg", "a.jpg", "a.webp.jpg"]


def test_thousands_of_inputs_of_one_name_are_not_counted_anew_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """4,000 of them took half a minute of nothing but looking for free numbers."""
    sink, asked = FolderSink(tmp_path, drawer=keep, table=False), []
    monkeypatch.setattr("mien.sinks.pictures.folded", lambda name: (asked.append(name), name.casefold())[1])
    wanted = ["d0/a-3.jpg", *(f"d{number}/{'aA'[number % 2]}.jpg" for number in range(1, 501))]
    names = [str(sink._free_name(name, stream=False)) for name in wanted]
    assert names[:5] == ["a-3.jpg", "A.jpg", "a-2.jpg", "A-4.jpg", "a-5.jpg"]
    assert names[-1] == "a-501.jpg"
    assert len(set(map(str.casefold, names))) == 501
    assert len(asked) < 6 * 501


def test_names_with_accents_written_in_two_ways_are_two_files_on_every_volume(tmp_path: Path) -> None:
    write(FolderSink(tmp_path, drawer=keep, table=False), "x/caf\u00e9.jpg", "y/cafe\u0301.jpg")
    assert files(tmp_path) == sorted(["caf\u00e9.jpg", "cafe\u0301-2.jpg"])


def test_pictures_that_differ_by_extension_are_told_apart_by_their_names(tmp_path: Path) -> None:
    sources = ["a.avif", "a.heic", "a.webp", "a.jpg", "x/a.HEIC", "b.bmp", "b.tif", "c.HEIC", "c"]
    write(FolderSink(tmp_path / "all", drawer=keep, table=False), *sources)
    given = ["a.jpg", "a.heic.jpg", "a.webp.jpg", "a.jpg.jpg", "a.HEIC-2.jpg", "b.png", "b.tif.png", "c.jpg", "c-2.jpg"]
    assert files(tmp_path / "all") == sorted(given)
    for done in range(1, len(sources)):  # of a run that goes on
        sink = FolderSink(tmp_path / str(done), drawer=keep, table=False, done=SoFar(1, tuple(sources[:done])))
        write(sink, *sources[done:])
        assert files(tmp_path / str(done)) == sorted(given[done:])


def test_a_picture_that_is_called_like_a_video_is_saved_as_a_picture(tmp_path: Path) -> None:
    write(FolderSink(tmp_path, drawer=keep, table=False), "pic.mov")
    assert files(tmp_path) == ["pic.png"]
    with Pillow.open(tmp_path / "pic.png") as picture:
        assert picture.format == "PNG"


def test_subfolders_below_a_named_folder_stay(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    (photos / "trip" / "day 1").mkdir(parents=True)
    originals = Originals.of([str(photos), str(tmp_path / "more" / "**" / "*.jpg"), "single/c.jpg"])
    sources = [str(photos / "a.jpg"), str(photos / "trip" / "day 1" / "b.jpg"), "single/c.jpg", str(tmp_path / "more" / "x" / "d.jpg")]
    write(FolderSink(tmp_path / "out", drawer=keep, originals=originals, table=False), *sources)
    assert files(tmp_path / "out") == ["a.jpg", "c.jpg", "trip/day 1/b.jpg", "x/d.jpg"]


def test_no_name_leaves_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    originals = Originals.of(["."])
    assert str(originals.name("../x.jpg")) == "x.jpg"
    assert str(originals.name("http://h/..%2f..%2fetc%2fpasswd")) == "passwd"
    assert str(originals.name("http://h/")) == "h"
    assert str(originals.name("a/../../b.jpg")) == "b.jpg"


def test_the_table_lies_beside_the_pictures_unless_it_goes_elsewhere(tmp_path: Path) -> None:
    write(FolderSink(tmp_path / "one", drawer=keep), "a.jpg")
    assert files(tmp_path / "one") == ["a.jpg", "results.csv"]
    assert len((tmp_path / "one" / "results.csv").read_text().splitlines()) == 2


def test_inputs_are_never_overwritten(tmp_path: Path) -> None:
    photo = tmp_path / "photos" / "a.jpg"
    photo.parent.mkdir()
    photo.write_bytes(b"original")
    (tmp_path / "link").symlink_to(photo.parent)
    for inputs in ([str(photo)], [str(photo.parent)], [str(photo.parent / "*.jpg")]):
        for folder in (photo.parent, tmp_path / "link", tmp_path / "photos" / ".." / "photos"):
            with pytest.raises(UsageError, match="inputs, which are never overwritten"):
                FolderSink(folder, drawer=keep, originals=Originals.of(inputs))
        with pytest.raises(SinkError, match="one of the inputs"):
            PictureSink(photo, drawer=keep, originals=Originals.of(inputs))
    # photos/a.jpg -> ./photos/a.jpg is found out when it is its turn
    (tmp_path / "photos" / "photos").mkdir()
    sink = FolderSink(tmp_path, drawer=keep, originals=Originals.of([str(photo.parent)]), table=False)
    with pytest.raises(SinkError, match="one of the inputs"):
        sink.write(frame(str(photo.parent / "photos" / "a.jpg")), result("a"))
    assert files(tmp_path / "photos") == ["a.jpg"]
    assert photo.read_bytes() == b"original"


def test_a_folder_inside_the_folder_that_is_read_may_be_written_again(tmp_path: Path) -> None:
    originals = Originals.of([str(tmp_path)])
    for _ in range(2):
        write(FolderSink(tmp_path / "out", drawer=keep, originals=originals, table=False), str(tmp_path / "a.jpg"))
    assert files(tmp_path) == ["out/a.jpg"]


def test_one_picture_refuses_a_second_and_keeps_the_first(tmp_path: Path) -> None:
    sink = PictureSink(tmp_path / "x.png", drawer=keep)
    sink.write(frame("a.jpg"), result("a.jpg"))
    with pytest.raises(SinkError, match=r"holds a\.jpg, but b\.jpg came too; for several pictures name a folder: -o .*x/$"):
        sink.write(frame("b.jpg"), result("b.jpg"))
    assert files(tmp_path) == ["x.png"]
    assert np.array_equal(np.asarray(Pillow.open(tmp_path / "x.png")), PLAIN)


def test_a_drawer_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def broken(image: Image, result: Result) -> Image:
        raise RuntimeError("no ink")

    sink = PictureSink(tmp_path / "x.jpg", drawer=broken)
    with pytest.raises(RuntimeError, match="no ink"):
        sink.write(frame("a.jpg"), result("a.jpg"))
    assert files(tmp_path) == []


def test_colours_survive_the_way_to_the_file(tmp_path: Path) -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 250
    for suffix in (".jpg", ".png"):
        (tmp_path / f"x{suffix}").write_bytes(encoded(red, suffix))
        back = np.asarray(Pillow.open(tmp_path / f"x{suffix}"))
        assert np.abs(back.astype(int) - red).max() <= 5
    with pytest.raises(SinkError, match=r"too large for a JPEG"):
        encoded(np.zeros((1, 66_000, 3), np.uint8), ".jpg")


def test_crops_of_sure_and_unsure_faces(tmp_path: Path) -> None:
    image, _ = planted_picture([((50, 50, 150, 150), "happy")])
    with CropsSink(tmp_path) as sink:
        for _ in range(2):
            sink.write(frame("a.jpg", image), make_result(["happy", "sad"], unsure=["sad"]))
        sink.write(frame("b.jpg", image), make_result([]))
    names = ["rejected/0.9500.000001.jpg", "rejected/0.9500.000003.jpg", "selected/0.9500.000000.jpg", "selected/0.9500.000002.jpg"]
    assert files(tmp_path / "faces") == names
    for name in names:
        with Pillow.open(tmp_path / "faces" / name) as crop:
            assert crop.size == (160, 160)


def test_a_second_run_leaves_the_crops_of_the_first(tmp_path: Path) -> None:
    """The first ends with an unsure face of another confidence, so that neither one folder nor the order of names says where to go on."""
    image, _ = planted_picture([((50, 50, 150, 150), "happy")])
    with CropsSink(tmp_path) as sink:
        for _ in range(5):
            sink.write(frame("a.jpg", image), make_result(["happy", "sad"], unsure=["sad"]))
    (tmp_path / "faces" / "rejected" / "0.1234.000012.jpg").write_bytes(b"a low confidence")
    for name in ("0.9500.000099.txt", "holiday.2024.jpg"):
        (tmp_path / "faces" / "selected" / name).write_bytes(b"no crop")
    before = {name: (tmp_path / "faces" / name).read_bytes() for name in files(tmp_path / "faces")}
    with CropsSink(tmp_path) as sink:
        sink.write(frame("b.jpg", image[::-1]), make_result(["happy", "sad"], unsure=["sad"]))
    added = {"selected/0.9500.000013.jpg", "rejected/0.9500.000014.jpg"}
    assert set(files(tmp_path / "faces")) == before.keys() | added
    assert {name: (tmp_path / "faces" / name).read_bytes() for name in before} == before


def test_a_box_without_area_has_no_crop(tmp_path: Path) -> None:
    import dataclasses

    faces = Faces.without_points([[10, 10, 10, 40], [np.nan, 0, 9, 9], [10, 10, 40, 40]], [0.9, 0.8, 0.7])
    found = dataclasses.replace(make_result(["happy", "sad", "fear"], unsure=["fear"]), faces=faces)
    with CropsSink(tmp_path) as sink:
        sink.write(frame("a.jpg", np.zeros((480, 640, 3), np.uint8)), found)
    assert files(tmp_path) == ["faces/rejected/0.7000.000000.jpg"]


def test_a_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match=r"file: cannot be written \(a file, wanted a folder\)"):
        FolderSink(tmp_path / "file", drawer=keep)


def test_results_csv_is_not_taken_for_a_picture(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path, drawer=keep)
    write(sink, "results.csv.jpg", "results.csv")
    assert files(tmp_path) == ["results.csv", "results.csv.jpg", "results.png"]


def test_the_file_of_a_pil_image_is_an_input(tmp_path: Path) -> None:
    photo = tmp_path / "photos" / "a.png"
    photo.parent.mkdir()
    Pillow.fromarray(PLAIN).save(photo)
    before = photo.read_bytes()
    with Pillow.open(photo) as picture:
        for given in (picture, _with_name(picture, os.fsencode(photo))):
            with pytest.raises(UsageError, match="inputs, which are never overwritten"):
                open_sink(photo.parent, inputs=[given])
            with pytest.raises(UsageError, match="one of the inputs"):
                open_sink(photo, inputs=[given])
    assert Originals.of([Pillow.fromarray(PLAIN)]) == Originals()
    assert photo.read_bytes() == before


def _with_name(picture: Pillow.Image, name: bytes) -> Pillow.Image:
    copy = picture.copy()
    copy.filename = name  # type: ignore[attr-defined]
    return copy


def test_names_that_the_system_refuses_are_no_reason_to_stop(tmp_path: Path) -> None:
    long = str(tmp_path / ("x" * 300))
    assert Originals.of([long, "a.jpg"]).files == {long, os.path.realpath("a.jpg")}
    with pytest.raises(SinkError, match="cannot be written"):
        open_sink(long)
    with pytest.raises(SinkError, match="cannot be written"):
        open_sink(f"{long}.csv")


def test_an_input_is_known_by_any_of_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a volume that does not tell capitals apart: there one file has several real paths."""
    (tmp_path / "photos").mkdir()
    photo = tmp_path / "photos" / "a.jpg"
    photo.write_bytes(b"original")
    os.link(photo, tmp_path / "A.JPG")
    assert Originals.of([photo]).protects(tmp_path / "A.JPG")
    (tmp_path / "PHOTOS").symlink_to(tmp_path / "photos")
    monkeypatch.setattr(os.path, "realpath", os.path.abspath)
    folder = Originals.of([tmp_path / "photos"])
    assert folder.protects(tmp_path / "PHOTOS" / "a.jpg")
    assert folder.read_from(tmp_path / "PHOTOS")
    with pytest.raises(UsageError, match="folder of the inputs"):
        FolderSink(tmp_path / "PHOTOS", drawer=keep, originals=folder)


def test_names_from_urls_fit_into_a_file_system(tmp_path: Path) -> None:
    name = "%D1%84" * 300 + ".jpg"
    write(FolderSink(tmp_path, drawer=keep, table=False), f"http://x.org/{name}", f"http://x.org/{name}")
    one, two = files(tmp_path)
    assert one.endswith("ф-2.jpg")
    assert two.endswith("ффф.jpg")
    assert len(two.encode()) <= 200


def test_one_picture_that_cannot_be_written_is_told_apart(tmp_path: Path) -> None:
    long = "ф" * 127 + ".webp"
    wide = np.zeros((1, 65_501, 3), np.uint8)
    with open_sink(f"{tmp_path}/out/", drawer=keep) as sink:
        with pytest.raises(PictureNotWritten, match="name too long"):
            sink.write(frame(f"{long}.jpg"), result(long))
        with pytest.raises(PictureNotWritten, match="too large for a JPEG"):
            sink.write(frame("wide.jpg", wide), result("wide.jpg"))
        sink.write(frame("a.jpg"), result("a.jpg"))
    assert files(tmp_path / "out") == ["a.jpg", "results.csv"]
    assert (tmp_path / "out" / "results.csv").read_text("utf-8").count("\n") == 4


def test_a_full_disk_is_no_matter_of_one_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with FolderSink(tmp_path, drawer=keep) as sink, pytest.raises(SinkError, match="No space left") as caught:
        sink.write(frame("a.jpg"), result("a.jpg"))
    assert not isinstance(caught.value, PictureNotWritten)


def test_what_was_there_before_is_counted(tmp_path: Path) -> None:
    for name in ("a.jpg", "other.jpg"):
        (tmp_path / name).write_bytes(b"somebody's")
    sink = FolderSink(tmp_path, drawer=keep)
    write(sink, "x/a.jpg", "y/a.jpg", "z/b.jpg")
    assert sink.what == f"{tmp_path}{os.sep} (1 replaced)"
    sink = FolderSink(tmp_path, drawer=keep)
    write(sink, "x/a.jpg", "y/a.jpg")
    assert sink.what == f"{tmp_path}{os.sep} (3 replaced)"  # and the table


def test_crops_never_go_where_inputs_are_read(tmp_path: Path) -> None:
    selected = tmp_path / "faces" / "selected"
    selected.mkdir(parents=True)
    photo = selected / "0.9000.000000.jpg"
    photo.touch()
    (tmp_path / "link").symlink_to(tmp_path)
    for inputs in ([tmp_path], [tmp_path / "faces"], [selected], [photo], [tmp_path / "link"], [f"{selected}/*.jpg"]):
        with pytest.raises(UsageError, match="never overwritten"):
            CropsSink(tmp_path, originals=Originals.of(inputs))
    assert files(tmp_path) == ["faces/selected/0.9000.000000.jpg"]
    CropsSink(tmp_path, originals=Originals.of([tmp_path / "photos", "a.jpg"]))
