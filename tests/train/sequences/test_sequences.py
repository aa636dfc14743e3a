"""A network learns sequences, is shipped, and reads clips: in the made ones only the motion tells the label."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")

from mien import Analyzer  # noqa: E402
from mien.cli.models import check_model  # noqa: E402
from mien.errors import CardInvalid, UsageError  # noqa: E402
from mien.evaluate.road import asked  # noqa: E402
from mien.io.video import VideoSpan  # noqa: E402
from mien.models.card import ModelCard  # noqa: E402
from mien.models.recogniser import OnnxRecogniser  # noqa: E402
from mien.models.registry import recogniser  # noqa: E402
from mien.models.sequences import SequenceReader  # noqa: E402
from mien.testing import FakeDetector  # noqa: E402
from mien.track.options import TrackOptions  # noqa: E402
from mien.train.export import deployed, export  # noqa: E402
from mien.train.fit import fit  # noqa: E402
from mien.train.rows import TrainData  # noqa: E402
from mien.train.teach import answers  # noqa: E402
from mien.types import Faces, Frame, Result  # noqa: E402
from tests.train.sequences.moving import MOVING, crops_of, face_picture, moving  # noqa: E402


@pytest.fixture(scope="module")
def fitted(data: TrainData, folder: Path):
    return fit(MOVING, data, folder.parent / "runs" / "moving")


@pytest.fixture(scope="module")
def model(fitted, data: TrainData, folder: Path) -> OnnxRecogniser:
    export(dataclasses.replace(MOVING, mirror=True), fitted.state, data, folder.parent / "model")
    made = recogniser(str(folder.parent / "model"), threads=1)
    assert isinstance(made, OnnxRecogniser)
    return made


def test_it_learns_what_only_the_motion_tells(fitted, data: TrainData, folder: Path) -> None:
    """The same network on the same windows with their first frame alone, repeated, stays blind."""
    assert fitted.metrics["val_accuracy"] > 0.95
    stills = [dataclasses.replace(rows, pictures=rows.pictures[:, :1].repeat(4, axis=1)) for rows in (data.train, data.judge)]
    blind = fit(MOVING, TrainData(*stills), folder.parent / "runs" / "blind")
    assert blind.metrics["val_accuracy"] < 0.75


def test_the_other_way_round_is_the_other_label(model: OnnxRecogniser, data: TrainData) -> None:
    crops = np.repeat(crops_of(data), 3, axis=-1)
    forth, back = model(crops), model(np.ascontiguousarray(crops[:, ::-1]))
    assert np.mean([a != b for a, b in zip(forth.top, back.top, strict=True)]) > 0.9


def test_the_file_says_what_the_network_says(fitted, model: OnnxRecogniser, data: TrainData, folder: Path) -> None:
    """Over the windows and their mirror pictures, and by the card and the golden crops beside it."""
    crops = crops_of(data)
    (one,) = deployed(MOVING, fitted.state, data.names).nets
    with torch.no_grad():
        views = [one(one.entrance()(torch.from_numpy(np.ascontiguousarray(view)))) for view in (crops, crops[:, :, :, ::-1])]
    np.testing.assert_allclose(model.outputs(crops)["classes"], ((views[0] + views[1]) / 2).numpy(), atol=1e-4)
    assert (model.card.frames, model.card.frame_seconds) == (4, 0.1)
    assert ModelCard.read(folder.parent / "model" / "moving.json") == model.card
    with np.load(folder.parent / "model" / "moving.golden.npz") as golden:
        assert golden["crops"].shape == (16, 4, 16, 16)
        np.testing.assert_allclose(model(np.repeat(golden["crops"][..., None], 3, axis=-1)).probs, golden["probs"], atol=1e-5)
    assert check_model(str(folder.parent / "model" / "moving.json")).startswith("hash right, loads, 16 golden crops")
    with pytest.raises(CardInvalid, match=r"wants uint8 \(n, 4, 16, 16, 3\)"):
        model(np.zeros((2, 16, 16, 3), np.uint8))


def test_eight_bits_read_sequences_alike(fitted, model: OnnxRecogniser, data: TrainData, tmp_path: Path) -> None:
    export(dataclasses.replace(MOVING, int8=True), fitted.state, data, tmp_path)
    small = recogniser(str(tmp_path), threads=1)
    assert b"QuantizeLinear" in (tmp_path / "moving.onnx").read_bytes()
    crops = np.repeat(crops_of(data), 3, axis=-1)
    assert small(crops).top == model(crops).top


def read(path: Path, model: OnnxRecogniser, detector: FakeDetector | None = None, **options) -> list[Result]:
    """What a user gets from a clip, without the frames in which nobody can be read yet."""
    span = options.pop("span", VideoSpan())
    track = TrackOptions(smooth="none")
    analyzer = Analyzer(recogniser=model, detector=detector or FakeDetector(), track=track, **options)
    return [result for result in analyzer.analyze(str(path), span=span) if len(result.faces)]


def test_a_clip_is_read_by_sequences(model: OnnxRecogniser, tmp_path: Path) -> None:
    """Nobody before four frames, then in each frame; each person apart, and the times are those of the last crop."""
    path = moving(tmp_path / "new.mp4", down=True, seed=99, frames=10, people=2)
    found = read(path, model)
    assert [result.index for result in found] == list(range(3, 10))
    np.testing.assert_allclose([result.time for result in found], np.arange(3, 10) / 10, atol=1e-3)
    assert all(result.faces.ids.tolist() == [0, 1] for result in found)
    assert {label for result in found for label in result.emotions.top} == {"happy"}
    assert found[0].rows()[0]["emotion"] == "happy"
    assert found[0].model == "moving"
    up = read(moving(tmp_path / "up.mp4", down=False, seed=98), model)
    assert {label for result in up for label in result.emotions.top} == {"sad"}
    every = list(Analyzer(recogniser=model, detector=FakeDetector()).analyze(str(path)))
    assert [len(result.faces) for result in every] == [0] * 3 + [2] * 7


def test_between_two_crops_the_last_answer_stands(model: OnnxRecogniser) -> None:
    """Thirty frames a second for a model of ten: every third frame is read, as in a clip of ten frames a second."""
    crops = np.random.default_rng(0).integers(0, 255, (30, 1, 16, 16, 3), np.uint8)
    faces = FakeDetector()(face_picture())
    faces = Faces(faces.boxes[:1], faces.scores[:1], faces.points[:1], np.zeros(1, np.int64))
    blank = np.zeros((32, 32, 3), np.uint8)

    def answers_of(step: int) -> list[np.ndarray]:
        reader = SequenceReader(model, model.card)
        frames = [Frame(blank, source="clip", index=i, time=i / 30, stream=True) for i in range(0, 30, step)]
        return [reader.read(frame, faces, crops[frame.index])[1].probs for frame in frames]

    dense, sparse = answers_of(1), answers_of(3)
    assert [len(one) for one in dense] == [0] * 9 + [1] * 21
    for i, one in enumerate(dense):
        np.testing.assert_array_equal(one, sparse[i // 3])
    first = model(crops[[0, 3, 6, 9], 0][None]).probs
    np.testing.assert_allclose(dense[9], first, atol=1e-6)


def test_a_pause_begins_a_new_sequence(model: OnnxRecogniser, tmp_path: Path) -> None:
    path = moving(tmp_path / "pause.mp4", down=True, frames=14)
    found = read(path, model, Blinking(range(6, 9)))
    assert [result.index for result in found] == [3, 4, 5, 12, 13]
    one = read(path, model, Blinking([6]))  # one missed face is let pass
    assert [result.index for result in one] == [3, 4, 5, *range(7, 14)]


def test_a_new_clip_begins_anew(model: OnnxRecogniser, tmp_path: Path) -> None:
    """Two clips in one run, of one name in the other order of time as well."""
    paths = [moving(tmp_path / name, down=True, frames=6) for name in ("one.mp4", "two.mp4")]
    analyzer = Analyzer(recogniser=model, detector=FakeDetector())
    assert [len(result.faces) for result in analyzer.analyze([str(path) for path in paths])] == [0, 0, 0, 1, 1, 1] * 2


class Blinking(FakeDetector):
    """Finds nothing at some calls."""

    def __init__(self, blind) -> None:
        super().__init__()
        self._blind, self._calls = set(blind), -1

    def __call__(self, image):
        self._calls += 1
        return Faces.none() if self._calls in self._blind else super().__call__(image)


def test_single_pictures_are_refused_in_one_line_and_the_batch_goes_on(model: OnnxRecogniser, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "still.png")
    moving(tmp_path / "talk.mp4", down=True, frames=5)
    found = Analyzer(recogniser=model, detector=FakeDetector()).analyze(str(tmp_path))
    assert [len(result.faces) for result in found] == [0, 0, 0, 1, 1]
    (failure,) = found.failures
    assert str(failure.error).endswith(
        "still.png: a single picture; model 'moving' reads sequences of 4 crops, 0.1 seconds apart: give videos"
    )
    with pytest.raises(
        UsageError, match=r"model 'moving' reads sequences of 4 crops, 0\.1 seconds apart; wanted a video, camera or stream"
    ):
        Analyzer(recogniser=model, detector=FakeDetector()).image(np.zeros((64, 64, 3), np.uint8))


def test_a_model_of_sequences_and_one_of_crops_are_not_mixed_up(model: OnnxRecogniser, data: TrainData) -> None:
    with pytest.raises(UsageError, match="for which people are followed; leave following on"):
        Analyzer(recogniser=model, detector=FakeDetector(), track=TrackOptions(follow=False))
    with pytest.raises(UsageError, match="reads sequences of 4 crops; wanted one that reads single ones, as pictures are"):
        asked(model, "fer7", data.names)
    with pytest.raises(CardInvalid, match="frames 8 and frame_seconds 0"):
        dataclasses.replace(model.card, frame_seconds=0.0, frames=8)
    few = data.judge.where(slice(0, 5))
    stills = dataclasses.replace(few, pictures=few.pictures[:, 0])
    with pytest.raises(UsageError, match="teacher 'moving': reads sequences of 4 crops, the rows are single crops"):
        answers(model, stills)
    np.testing.assert_allclose(answers(model, few)["classes"], model(np.repeat(crops_of(data)[:5], 3, axis=-1)).heads["classes"], atol=1e-5)
