"""What an inspection finds in a data set in which everything was planted, and its page."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.duplicates import small
from mien.data.inspect import Inspection, inspect
from mien.data.inspect_page import as_page, write_page
from mien.data.manifest import Manifest
from mien.data.measures import measure
from mien.data.readers.report import Problem, Report
from mien.data.stores import InMemory
from mien.errors import SinkError, UsageError
from mien.testing import FakeRecogniser

LABELS = ("anger", "happy", "sad")


def png(picture: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", picture)[1])


def noisy(rng: np.random.Generator, side: int = 48) -> np.ndarray:
    """A picture like no other."""
    waves = cv2.resize(rng.integers(0, 256, (6, 6)).astype(np.uint8), (side, side), interpolation=cv2.INTER_CUBIC)
    return np.clip(waves + rng.normal(0, 12, (side, side)), 0, 255).astype(np.uint8)


def planted() -> Manifest:
    """30 pictures: 0..19 plain; then a byte copy, a pixel copy, a mirror image, a constant, a tiny, a blurred, an unreadable one ..."""
    rng = np.random.default_rng(0)
    pictures = [noisy(rng) for _ in range(20)]
    data = [png(p) for p in pictures]
    data.append(data[0])  # 20: the same bytes as 0, other split
    data.append(bytes(cv2.imencode(".webp", pictures[1], [cv2.IMWRITE_WEBP_QUALITY, 101])[1]))  # 21: the same pixels as 1, another label
    data.append(png(pictures[2][:, ::-1]))  # 22: mirror image of 2
    data.append(png(np.full((48, 48), 90, np.uint8)))  # 23
    data.append(png(cv2.resize(pictures[3], (12, 12), interpolation=cv2.INTER_AREA)))  # 24: tiny, and a copy of 3
    data.append(png(cv2.GaussianBlur(noisy(rng, 64), (0, 0), 9)))  # 25
    data.append(b"no picture")  # 26
    data += [png(noisy(rng, 100)) for _ in range(3)]  # 27..29
    n = len(data)
    label = np.array([LABELS[i % 3] for i in range(n)], object)
    label[21] = "sad"
    label[29] = ""
    split = np.array(["train"] * 20 + ["test"] * (n - 20), object)
    valence = np.where(np.arange(n) < 5, 0.5, np.nan)
    columns = {
        "id": [f"set/{i}" for i in range(n)], "label": label, "split": split, "valence": valence, "arousal": -valence,
        "affect_from": np.where(np.isfinite(valence), "raters", "").astype(object),
    }  # fmt: skip
    return Manifest(columns, [InMemory(data)])


@pytest.fixture(scope="module")
def found() -> Inspection:
    report = Report("<set>", [Problem("unknown label", "x.png", "labelled <b>bored</b>")])
    return inspect(planted(), report=report)


def test_counts(found: Inspection) -> None:
    assert found.labels == ("anger", "happy", "sad", "no label")
    assert found.splits == ("train", "test")
    assert found.counts.tolist() == [[7, 7, 6, 0], [2, 3, 4, 1]]
    assert [failure.source for failure in found.failures] == ["set/26"]
    assert {(w, h): count for w, h, count in found.sizes} == {(48, 48): 24, (100, 100): 3, (12, 12): 1, (64, 64): 1}


def test_duplicates_conflicts_and_sides(found: Inspection) -> None:
    assert np.flatnonzero(found.same_bytes != np.arange(30)).tolist() == [20]
    assert np.flatnonzero(found.copies.same != np.arange(30)).tolist() == [20, 21]
    near = found.copies.near
    assert set(zip(near.first.tolist(), near.second.tolist(), near.mirrored.tolist(), strict=True)) == {(2, 22, True), (3, 24, False)}
    assert found.across.tolist() == [[0, 4], [4, 0]]
    assert found.elsewhere.tolist() == [4, 4]
    assert set(found.conflicting.nonzero()[0].tolist()) == {0, 20, 1, 21, 2, 22}  # 3 and 24 are both anger
    assert {tuple(sorted(pair)) for pair in found.conflicts} == {(0, 20), (1, 21), (2, 22)}


def test_odd_pictures(found: Inspection) -> None:
    assert (found.constant.tolist(), found.tiny.tolist()) == ([23], [24])
    assert set(found.blurred.tolist()) == {24, 25}  # the tiny one too: enlarged, it has no detail


def test_affect_and_mean_faces(found: Inspection) -> None:
    assert found.affect_from == {"raters": 5}
    assert found.affect.tolist() == [[0.5, -0.5, k] for k in (0, 1, 2, 0, 1)]
    manifest = planted()
    half = manifest.with_columns(arousal=np.where(np.arange(len(manifest)) % 2, manifest["arousal"], np.nan))
    for one in (half, half.with_columns(valence=half["arousal"], arousal=half["valence"])):  # rated in one axis
        assert inspect(one).affect_from == {"raters": 5}
    happy = [i for i in range(30) if manifest["label"][i] == "happy"]
    wanted = np.mean([cv2.resize(manifest.picture(i)[..., 0], (48, 48), interpolation=cv2.INTER_AREA).astype(float) for i in happy], axis=0)
    assert found.means[1] == pytest.approx(wanted, abs=1)


class Reader(HTMLParser):
    """Collects what a page would fetch, its text, and whether its tags are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in ("meta", "img", "br", "line", "rect", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("line", "rect", "circle"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_needs_nothing_and_escapes_all(found: Inspection, tmp_path: Path) -> None:
    write_page(found, tmp_path / "page.html")
    page = Reader()
    page.feed((tmp_path / "page.html").read_text("utf-8"))
    assert page.open in ([], ["p", "li"], [])
    assert {source.split(",")[0] for source in page.sources if not source.startswith("#")} <= {
        "data:image/jpeg;base64",
        "data:image/png;base64",
        "",
    }
    assert page.tags.isdisjoint({"script", "b>bored", "set"})
    text = "".join(page.text)
    assert "<set>" in text
    assert "labelled <b>bored</b>" in text
    assert "http" not in re.sub(r"http-equiv|data:[^\"]*", "", (tmp_path / "page.html").read_text("utf-8"))
    assert list(tmp_path.iterdir()) == [tmp_path / "page.html"]


class Parts(HTMLParser):
    """Elements by tag, each with its attributes and the tags around it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self._around: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), tuple(self._around)))
        if tag not in ("meta", "img", "br", "line", "rect", "circle", "link"):
            self._around.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._around:
            while self._around.pop() != tag:
                pass

    def of(self, tag: str) -> list[tuple[dict[str, str | None], tuple[str, ...]]]:
        return [(given, around) for name, given, around in self.found if name == tag]


def test_the_page_can_be_read_by_ear_and_by_keyboard(found: Inspection) -> None:
    page = as_page(found)
    parts = Parts(page)
    assert all(given.get("aria-label") for given, _ in parts.of("svg"))
    assert len(parts.of("table")) == len(parts.of("caption")) == len(parts.of("thead")) >= 3
    assert all(given["scope"] == ("col" if "thead" in around else "row") for given, around in parts.of("th"))
    tables = [given for given, _ in parts.of("div") if given.get("class") == "scroll"]
    assert all(given["tabindex"] == "0" and given["role"] == "region" and given["aria-label"] for given in tables)
    assert len(parts.of("main")) == 1
    assert all("main" in around for given, around in parts.of("h2"))
    assert {"name": "color-scheme", "content": "light dark"} in [given for given, _ in parts.of("meta")]
    assert "expression" in page.partition("<main>")[0]


def test_an_empty_and_a_single_picture_give_a_page() -> None:
    for n in (0, 1):
        page = as_page(inspect(planted().where(np.arange(n))))
        assert "</html>" in page
        json.dumps(inspect(planted().where(np.arange(n))).to_json(), allow_nan=False)


def test_json_has_all_lists(found: Inspection) -> None:
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["duplicates"]["same_pixels"] == [["set/0", "set/20"], ["set/1", "set/21"]]
    assert [(pair["first"], pair["second"]) for pair in told["duplicates"]["near"]] == [("set/2", "set/22"), ("set/3", "set/24")]
    assert told["unreadable"][0]["id"] == "set/26"
    assert told["tiny"] == ["set/24"]


def test_labels_that_the_model_contradicts_are_found() -> None:
    """The fake recogniser reads a planted face's emotion; of 60 pictures three have the wrong label."""
    from mien.testing import planted_picture

    names = [LABELS[i % 3] for i in range(60)]
    pictures = [planted_picture([((0, 0, 60 + i, 60 + i), name)], size=(60 + i, 60 + i))[0] for i, name in enumerate(names)]
    labels = np.array(names, object)
    labels[[5, 20, 40]] = ["anger", "happy", "sad"]
    manifest = Manifest({"id": [str(i) for i in range(60)], "label": labels}, [InMemory([png(p[..., ::-1]) for p in pictures])])
    got = inspect(manifest, recogniser=FakeRecogniser(), threshold=1)
    assert got.suspicious is not None
    assert set(got.suspicious.where.tolist()) == {5, 20, 40}
    assert [got.labels[k] for k in got.suspicious.suggested] == [names[i] for i in got.suspicious.where]


def test_expressions_of_one_person_are_no_conflict_and_too_few_to_judge_labels_by() -> None:
    """Twelve pictures of one scene that look alike: two expressions, each labelled and saved six times."""
    from tests.data.test_detail import scene

    pictures = [np.clip(scene(mouth=9 * (i % 2)) * (0.9 - 0.02 * i), 0, 255).astype(np.uint8) for i in range(12)]
    labels = np.array(["sad" if i % 2 else "happy" for i in range(12)], object)
    manifest = Manifest({"id": [str(i) for i in range(12)], "label": labels}, [InMemory([png(p) for p in pictures])])
    got = inspect(manifest, recogniser=FakeRecogniser())
    assert len(got.copies.near) == 2 * 15
    assert not got.conflicting.any()
    assert not got.conflicts
    assert (got.suspicious, got.unjudged) == (None, "fewer than 5 pictures that do not look alike")


def test_an_interrupted_run_goes_on_and_strange_files_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.data.measures.CHUNK", 8)
    whole = measure(planted(), threads=1)

    class Broken(Exception):
        pass

    def stop(done: int) -> None:
        if done >= 16:
            raise Broken

    with pytest.raises(Broken):
        measure(planted(), threads=1, cache=tmp_path, progress=stop)
    kept = sorted(tmp_path.glob("*.npz"))
    assert 2 <= len(kept) < 4
    kept[0].write_bytes(kept[0].read_bytes()[:100])  # as after a power cut
    read: list[int] = []

    def counted(picture: np.ndarray) -> np.ndarray:
        read.append(1)
        return small(picture)

    monkeypatch.setattr("mien.data.measures.small", counted)
    again = measure(planted(), threads=1, cache=tmp_path)
    assert 8 <= len(read) < 29
    for name in ("readable", "size", "span", "sharpness", "small", "faces", "sums"):
        assert np.array_equal(getattr(again, name), getattr(whole, name), equal_nan=True)
    assert (again.pixels, again.bytes) == (whole.pixels, whole.bytes)
    assert [str(f.error) for f in again.failures] == [str(f.error) for f in whole.failures]


def test_limits_that_make_no_sense_are_refused(found: Inspection, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="blurred"):
        inspect(planted(), blurred=2)
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="cannot be written"):
        write_page(found, tmp_path / "file" / "page.html")


def test_the_command_writes_the_page_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.cli.main import main

    monkeypatch.chdir(tmp_path)
    planted().where(np.arange(30) != 26).write(tmp_path / "set.parquet")
    assert main(["data", "inspect", "set.parquet", "--no-suspicious"]) == 0
    assert "across splits        4 of train, 4 of test" in capsys.readouterr().out
    assert (tmp_path / "set.inspect.html").exists()
    assert main(["data", "inspect", "set.parquet", "--no-suspicious", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["pictures"], told["suspicious"], told["constant"]) == (29, None, ["set/23"])
    assert main(["data", "inspect", "nowhere"]) == 1
