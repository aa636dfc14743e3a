"""Every detector on a real face, on pictures of any size, and from many threads."""

import gzip
import inspect
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import get_type_hints

import cv2
import numpy as np
import pytest
from PIL import Image

from mien.errors import ModelError, UnknownName, UsageError, WeightsMissing
from mien.models import locate
from mien.models.detectors import registry
from mien.models.detectors.blazeface import RANGES
from mien.models.detectors.haar import CASCADES, Haar
from mien.models.detectors.registry import detector, names, register
from mien.models.detectors.tiles import Tiled
from mien.pipeline import Analyzer
from mien.testing import FakeRecogniser
from mien.types import Detector, Faces
from mien.vision import boxes as bx
from mien.vision.align import FER_TEMPLATE, align

# Where the face and its features lie in examples/astronaut.jpg, read off the picture by eye.
FACE = np.array([[176, 62, 272, 176]], np.float32)
POINTS = np.array([[201, 102], [247, 103], [222, 127], [202, 143], [240, 144]], np.float32)

OWN = ("yunet", "haar", "mtcnn", "mediapipe", "whole")
FRONTAL = [name for name in names() if name not in ("haar:profile", "whole")]
WITH_POINTS = [name for name in FRONTAL if not name.startswith("haar")]
SOME = ["yunet", "yunet:full", "haar", "haar:profile", "mtcnn", "mtcnn:r3", "mediapipe", "mediapipe:full", "whole"]


@pytest.fixture(scope="module")
def astronaut(examples):
    return picture(examples / "astronaut.jpg")


def picture(path: Path) -> np.ndarray:
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB"))


@pytest.fixture(scope="module")
def small(astronaut):
    """The head and shoulders, 256x256: quicker for the slow detectors."""
    return np.ascontiguousarray(astronaut[:256, 96:352])


def check(faces: Faces) -> None:
    """What every answer of a detector must be."""
    assert faces.boxes.dtype == faces.scores.dtype == faces.points.dtype == np.float32
    assert np.isfinite(faces.boxes).all()
    assert (faces.boxes[:, 2:] > faces.boxes[:, :2]).all()
    assert ((faces.scores >= 0) & (faces.scores <= 1)).all()
    assert (np.diff(faces.scores) <= 0).all()
    whole = np.isfinite(faces.points).all(axis=(1, 2))
    assert (whole | np.isnan(faces.points).all(axis=(1, 2))).all()


@pytest.mark.parametrize("name", FRONTAL)
def test_finds_the_face(name, astronaut):
    faces = detector(name, threads=1)(astronaut)
    check(faces)
    assert bx.overlap(faces.boxes[:1], FACE)[0, 0] > 0.45  # the best one
    assert len(faces) == 1 or name == "haar:r1"  # which finds a face in the badge, too


@pytest.mark.parametrize("name", WITH_POINTS)
def test_points_lie_on_the_features(name, astronaut):
    faces = detector(name, threads=1)(astronaut)
    eyes = np.linalg.norm(POINTS[1] - POINTS[0])
    assert np.linalg.norm(faces.points[0] - POINTS, axis=1).max() < 0.25 * eyes


@pytest.mark.parametrize("name", WITH_POINTS)
@pytest.mark.parametrize("cut", [np.s_[:, 96:352], np.s_[:300, :]], ids=["tall", "wide"])
def test_points_in_pictures_that_are_not_square(name, cut, astronaut):
    faces = detector(name, threads=1)(np.ascontiguousarray(astronaut[cut]))
    wanted = POINTS - (cut[1].start or 0, cut[0].start or 0)
    assert len(faces) == 1
    assert np.linalg.norm(faces.points[0] - wanted, axis=1).max() < 0.25 * 46


def test_profile_finds_both_sides(astronaut):
    detect = detector("haar:profile", min_size=40)
    one, two = detect(astronaut), detect(np.ascontiguousarray(astronaut[:, ::-1]))
    assert len(one) == len(two) == 1
    mirrored = astronaut.shape[1] - two.boxes[0, [2, 1, 0, 3]]
    assert np.allclose(one.boxes[0, [0, 2]], mirrored[[0, 2]], atol=2)


@pytest.mark.parametrize("name", ["mtcnn:r3", "mediapipe"])
def test_squared_with_margin(name, astronaut):
    sides = detector(name, threads=1)(astronaut).boxes
    assert np.allclose(sides[:, 2] - sides[:, 0], sides[:, 3] - sides[:, 1], atol=1e-2)


def test_margins_are_those_asked_for(astronaut):
    plain, r3 = detector("mtcnn", threads=1)(astronaut), detector("mtcnn:r3", threads=1)(astronaut)
    assert np.allclose(r3.boxes, bx.square(plain.boxes, margin=0.1), atol=1e-2)
    loose = detector("mtcnn", threads=1, margin=0.5)(astronaut)
    assert np.allclose(loose.boxes[:, 2:] - loose.boxes[:, :2], 2 * (plain.boxes[:, 2:] - plain.boxes[:, :2]), atol=1e-2)
    r0 = detector("mediapipe", threads=1)(astronaut)
    bare = detector("mediapipe", threads=1, margin=0.0)(astronaut)
    assert np.allclose(r0.boxes, bx.square(bare.boxes, margin=0.05), atol=1e-2)


def test_presets_are_what_the_requirements_say():
    found = {name: detector(f"haar:{name}") for name in ("r1", "r1-video", "r2", "r4")}
    assert {name: (haar.scale, haar.neighbours) for name, haar in found.items()} == {
        "r1": (1.03, 10),
        "r1-video": (1.1, 5),
        "r2": (1.1, 5),
        "r4": (1.3, 5),
    }
    assert found["r2"].path.name == "haarcascade_frontalface_alt2.xml"
    assert found["r4"].path.name == "haarcascade_frontalface_default.xml"
    mediapipe = detector("mediapipe")
    assert (mediapipe.confidence, mediapipe.margin, mediapipe.square, mediapipe.kind.size) == (0.6, 0.05, True, 128)


@pytest.mark.parametrize("scale", [1, 4], ids=["as it is", "longer than 1920 px"])
def test_haar_deepface_finds_what_deepface_asks_opencv_for(scale, examples):
    """Against OpenCV called as DeepFace's OpenCvClient calls it, with the BGR picture and no other settings."""
    with Image.open(examples / "astronaut.jpg") as opened:
        image = np.asarray(opened.convert("RGB").resize((opened.width * scale, opened.height * scale)))
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    wanted, _, _ = cascade.detectMultiScale3(np.ascontiguousarray(image[..., ::-1]), 1.1, 10, outputRejectLevels=True)
    found = detector("haar:deepface")(image).boxes
    assert len(found)
    corners = np.column_stack([wanted[:, :2], wanted[:, :2] + wanted[:, 2:]])
    assert sorted(found.astype(int).tolist()) == sorted(corners.tolist())


def test_what_is_told_of_a_detector_is_what_it_does():
    own = [name for name in names() if name.split(":")[0] in OWN]
    assert len(own) == 19
    for name in own:
        made, told = detector(name, threads=1), registry.preset(name)
        made = made.detector if isinstance(made, Tiled) else made
        assert told.about
        assert told.settings or name == "whole"
        for option, value in told.settings.items():
            if option == "cascade":
                assert made.known is CASCADES[value]
            elif option == "range":
                assert made.kind is RANGES[value]
            else:
                assert getattr(made, option) == value, (name, option)
    assert "tiles" in registry.preset("mtcnn:r3:tiled").about
    for name in ("haar:r9", "nobody"):
        with pytest.raises(UnknownName, match="there are: haar, haar:alt"):
            registry.preset(name)


def test_the_table_of_the_documentation_is_what_the_registry_says():
    page = (Path(__file__).parents[2] / "docs" / "detectors.md").read_text("utf-8")
    told = {name: (settings, about) for name, settings, about in re.findall(r"^\| `([\w:-]+)` \| (.+?) \| (.+?) \|$", page, re.MULTILINE)}
    own = {name: registry.preset(name) for name in names() if name.split(":")[0] in OWN}
    assert told.keys() == own.keys()
    for name, (settings, about) in told.items():
        words = {option: {True: option, False: f"not {option}"} for option in ("square",)}
        wanted = [words.get(option, {}).get(value, f"{option} {value}").removesuffix(".0") for option, value in own[name].settings.items()]
        assert settings == (", ".join(wanted) or "none")
        assert own[name].about.endswith(about)


@pytest.mark.parametrize("name", SOME)
def test_any_size_of_picture(name, small):
    import cv2

    detect = detector(name, threads=1)
    rng = np.random.default_rng(0)
    for width, height in [(1, 1), (5, 3), (3, 400), (4000, 10), (11, 12), (33, 97)]:
        check(detect(rng.integers(0, 256, (height, width, 3), np.uint8)))
        check(detect(np.zeros((height, width, 3), np.uint8)))
        check(detect(cv2.resize(small, (width, height))))


@pytest.mark.parametrize("name", ["haar:alt2", "mtcnn", "mediapipe:full", "yunet"])
def test_threads_agree(name, small):
    detect = detector(name, threads=1)
    pictures = [small, np.ascontiguousarray(small[:, ::-1]), np.ascontiguousarray(small[20:, 10:])]
    alone = [detect(one) for one in pictures]
    assert sum(map(len, alone)) >= 3
    with ThreadPoolExecutor(8) as pool:
        together_ = list(pool.map(detect, pictures * 8))
    for i, faces in enumerate(together_):
        assert np.allclose(faces.boxes, alone[i % 3].boxes, atol=1e-3)
        assert np.allclose(faces.scores, alone[i % 3].scores, atol=1e-5)


class Recorder:
    """A session that remembers what it was given."""

    def __init__(self, session):
        self.session, self.given = session, []

    def run(self, outputs, inputs):
        self.given.extend(inputs.values())
        return self.session.run(outputs, inputs)

    def __getattr__(self, name):
        return getattr(self.session, name)


def recorded(detect, name) -> Recorder:
    recorder = Recorder(getattr(detect, name))
    setattr(detect, name, recorder)
    return recorder


def test_colours_reach_the_networks_in_their_order():
    red = np.zeros((128, 128, 3), np.uint8)
    red[..., 0] = 255
    yunet, mtcnn, blaze = (detector(name, threads=1) for name in ("yunet", "mtcnn", "mediapipe"))
    given = [recorded(yunet, "_session"), recorded(mtcnn, "_pnet"), recorded(blaze, "_session")]
    for detect in (yunet, mtcnn, blaze):
        detect(red)
    bgr, xyc, rgb = (recorder.given[0] for recorder in given)
    assert bgr[0, :, 64, 64].tolist() == [0, 0, 255]
    assert xyc[0, 5, 5].tolist() == [127.5 / 128, -127.5 / 128, -127.5 / 128]
    assert rgb[0, :, 64, 64].tolist() == [1, -1, -1]


def test_tall_faces_stay_tall_in_mtcnn():
    """Its networks want x before y."""
    tall = np.zeros((90, 60, 3), np.uint8)
    tall[45:] = 255
    mtcnn = detector("mtcnn", threads=1)
    given = recorded(mtcnn, "_pnet")
    mtcnn(tall)
    first = given.given[0][0, :, :, 0]
    assert first.shape == (36, 54)
    assert first[0, 0] < 0 < first[0, -1]


def test_tiny_and_overfull_pictures(small):
    """A 48 px crop, and a face cut off on all sides."""
    import cv2

    x1, y1, x2, y2 = (FACE[0] - (96, 0, 96, 0)).astype(int)
    face = small[y1:y2, x1:x2]
    crop = cv2.resize(face, (48, 48), interpolation=cv2.INTER_AREA)
    inner = cv2.resize(np.ascontiguousarray(face[18:-18, 15:-15]), (660, 720))
    detect = detector("yunet", threads=1)
    assert len(detect(crop)) == len(detect(inner)) == 1
    assert len(detector("yunet", threads=1, second_look=False)(inner)) == 0
    box = detect(inner).boxes[0]
    assert box[0] < 0
    assert box[3] > 720


def test_small_pictures_are_enlarged(small):
    detect = detector("yunet", threads=1, second_look=False)
    given = recorded(detect, "_session")
    detect(np.ascontiguousarray(small[::4, ::4]))
    assert given.given[0].shape == (1, 3, 256, 256)


def test_a_huge_face_beside_a_small_one(astronaut):
    """Full size finds the small one and not the huge one; the look at 640 px finds the huge one and not the small one."""
    import cv2

    big = cv2.resize(np.ascontiguousarray(astronaut[30:210, 130:310]), (2400, 2400))
    big = np.concatenate([big, crowd(astronaut, 200, 2400, [(100, 100)])], axis=1)
    faces = detector("yunet:full", threads=1)(big)
    check(faces)
    widths = np.ptp(faces.boxes[:, [0, 2]], axis=1)
    assert len(widths) == 2
    assert widths.max() > 900
    assert widths.min() < 60


def crowd(astronaut, width, height, places) -> np.ndarray:
    """A noisy wide picture with faces of about 40 px at `places` (x, y of their centres)."""
    import cv2

    canvas = np.random.default_rng(0).integers(90, 140, (height, width, 3), np.uint8)
    tile = cv2.resize(np.ascontiguousarray(astronaut[20:220, 124:324]), (84, 84), interpolation=cv2.INTER_AREA)  # the face: 40x48
    for x, y in places:
        canvas[y - 42 : y + 42, x - 42 : x + 42] = tile
    return canvas


PLACES = [(60, 60), (560, 480), (640, 700), (1999, 470), (3920, 900)]  # some on the tiles' borders


@pytest.mark.parametrize("name", ["yunet:tiled", "yunet:full"])
def test_small_faces_in_a_wide_picture(name, astronaut):
    wide = crowd(astronaut, 4000, 1000, PLACES)
    faces = detector(name, threads=1)(wide)
    check(faces)
    assert len(faces) == len(PLACES)
    middles = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
    for place in PLACES:
        assert np.abs(middles - place).max(axis=1).min() < 8
    assert np.isfinite(faces.points).all()
    assert len(detector("yunet", threads=1)(wide)) == 0  # hence the tiles


def test_a_file_of_fixed_size_gets_pictures_of_that_size(small, monkeypatch):
    """What `mien models get yunet` fetches takes 640x640 only."""
    from mien.models.detectors import yunet

    class Fixed(Recorder):
        def get_inputs(self):
            return [type("Input", (), {"shape": [1, 3, 640, 640]})]

    sessions = []

    def opened(path, *, threads):
        sessions.append(Fixed(open_session(path, threads=threads)))
        return sessions[-1]

    open_session = yunet.open_session
    path = locate.BUNDLED / "yunet.onnx"
    free = yunet.YuNet(path, threads=1)(small)
    monkeypatch.setattr(yunet, "open_session", opened)
    fixed = yunet.YuNet(path, threads=1)(small)
    assert [blob.shape for blob in sessions[0].given] == [(1, 3, 640, 640)]
    assert len(fixed) == 1
    assert bx.overlap(fixed.boxes, free.boxes)[0, 0] > 0.9
    with pytest.raises(UsageError, match="640x640 px only, side is 1280"):
        yunet.YuNet(path, side=1280, threads=1)


@pytest.mark.parametrize("name", [name for name in names() if not name.startswith(("haar", "whole"))])
def test_a_detector_whose_files_were_replaced_is_another(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def noted(file: str, **options: str) -> Path:
        opened.append(file)
        return locate.locate(file, **options)

    with monkeypatch.context() as patched:
        patched.setattr(registry, "locate", noted)
        detector(name, threads=1)
    assert opened
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path))
    seen = [registry.edition(name)]
    for file in opened:
        (tmp_path / file).write_bytes(b"first")  # comes to a folder that is looked into earlier
        seen.append(registry.edition(name))
        (tmp_path / file).write_bytes(b"replaced in place")
        seen.append(registry.edition(name))
    assert len(set(seen)) == len(seen)
    (tmp_path / "note.txt").write_text("of no detector")
    assert registry.edition(name) == seen[-1]


@pytest.fixture
def no_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(locate, "BUNDLED", tmp_path / "none")
    monkeypatch.delenv("MIEN_MODELS", raising=False)


def test_without_weights_haar_still_works(no_weights, small):
    with pytest.raises(WeightsMissing, match=r"mien models get yunet.*--detector haar"):
        detector("yunet")
    for name in ("mtcnn", "mediapipe"):
        with pytest.raises(WeightsMissing, match="--detector haar"):
            detector(name)
    assert len(detector("haar:alt2")(small)) == 1


def test_weights_of_ones_own(no_weights, small, tmp_path):
    with pytest.raises(WeightsMissing, match="no such file"):
        detector("yunet", weights=tmp_path / "mine.onnx")


@pytest.mark.parametrize("content", [None, "hello", '<?xml version="1.0"?><opencv_storage><a>1</a></opencv_storage>'])
def test_a_bad_cascade_is_one_clear_error(content, tmp_path):
    path = tmp_path / "my cascade.xml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(WeightsMissing if content is None else ModelError, match=r"my cascade\.xml"):
        detector(f"haar:{path}")


def test_a_cascade_that_opencv_leaves_empty(monkeypatch):
    """What some releases do with a file they cannot use."""
    import cv2

    empty = SimpleNamespace(read=lambda node: False, empty=lambda: True)
    monkeypatch.setattr(cv2, "CascadeClassifier", lambda *path: empty)
    with pytest.raises(ModelError, match="not an OpenCV cascade"):
        detector("haar")


def test_a_cascade_by_path(small):
    import cv2

    path = Path(cv2.data.haarcascades) / "haarcascade_frontalface_alt2.xml"
    by_path, by_name = detector(f"haar:{path}")(small), detector("haar:alt2")(small)
    assert by_path.boxes.tolist() == by_name.boxes.tolist()
    check(by_path)


def test_a_cascade_that_is_packed(small, tmp_path):
    packed = tmp_path / "mine.xml.gz"
    packed.write_bytes(gzip.compress((Path(cv2.data.haarcascades) / "haarcascade_frontalface_alt2.xml").read_bytes()))
    assert Haar(packed)(small).boxes.tolist() == detector("haar:alt2")(small).boxes.tolist()


@pytest.mark.parametrize("name", CASCADES)
def test_on_windows_the_folder_of_a_cascade_may_have_letters_beyond_ascii(name, small, tmp_path, monkeypatch):
    """OpenCV opens no such file there."""

    def none_by_name(*path: str) -> cv2.CascadeClassifier:
        return by_name(*path) if not path or path[0].isascii() else by_name()

    by_name, before = cv2.CascadeClassifier, Haar(name)(small)
    folder = tmp_path / "José"
    shutil.copytree(cv2.data.haarcascades, folder)
    monkeypatch.setattr(cv2, "CascadeClassifier", none_by_name)
    monkeypatch.setattr(cv2.data, "haarcascades", f"{folder}/")
    after = Haar(name)(small)
    assert (after.boxes.tolist(), after.scores.tolist()) == (before.boxes.tolist(), before.scores.tolist())


def test_unknown_names_answer_with_those_there_are():
    with pytest.raises(UnknownName, match="mediapipe, mediapipe:full, mtcnn"):
        detector("retina")
    with pytest.raises(UnknownName, match="yunet:1280"):
        detector("yunet:huge")
    with pytest.raises(ModelError, match="above 1"):
        detector("haar", scale=1.0)


def test_whole_takes_ready_made_crops_as_they_are():
    """Cut as by hand from landmarks framed as in FER-2013, which it does not claim to have seen."""
    seen = []

    class Seeing(FakeRecogniser):
        def __call__(self, crops):
            seen.append(crops)
            return super().__call__(crops)

    rng = np.random.default_rng(0)
    analyzer = Analyzer(detector="whole", recogniser=Seeing(), threads=1)
    for height, width in ((48, 48), (130, 100), (90, 160), (16, 16)):
        image = rng.integers(0, 256, (height, width, 3), np.uint8)
        result = analyzer.image(image)
        assert result.faces.boxes.tolist() == [[0, 0, width, height]]
        assert result.faces.scores.tolist() == [1]
        assert np.isnan(result.faces.points).all()
        points = np.array(FER_TEMPLATE, np.float32) * (width, height)
        np.testing.assert_array_equal(seen.pop(), align(image, points[None].astype(np.float32), analyzer.recogniser.crop))
        reasons = set(result.emotions.reasons[0])
        assert reasons.isdisjoint({"detection", "pose"})
        assert ("size" in reasons) == (height < 20)
        assert ("cut" in reasons) == ((height, width) == (90, 160))  # no shape of a face's crop
    with pytest.raises(UnknownName, match="there are: whole"):
        detector("whole:tight")


def test_a_detector_of_ones_own(monkeypatch, small):
    monkeypatch.setattr(registry, "DETECTORS", dict(registry.DETECTORS))
    monkeypatch.setattr(registry, "VARIANTS", dict(registry.VARIANTS))
    register(
        "middle", lambda variant, *, threads, share=0.5: lambda image: Faces.without_points([[0, 0, share, 1]], [0.5]), variants=("x",)
    )
    assert "middle:x" in list(names())
    assert registry.preset("middle:x") == registry.Preset()
    assert detector("middle:x", share=0.25)(small).boxes.tolist() == [[0, 0, 0.25, 1]]
    assert isinstance(detector("middle:tiled"), Tiled)
    with pytest.raises(UsageError, match="colon"):
        register("a:b", lambda variant, *, threads: lambda image: Faces.none())


def test_type_checkers_know_what_a_factory_is_given():
    hints = get_type_hints(registry.Factory.__call__)
    assert hints == {"variant": str, "threads": int, "return": Detector}
    threads = inspect.signature(registry.Factory.__call__).parameters["threads"]
    assert threads.kind is threads.KEYWORD_ONLY
