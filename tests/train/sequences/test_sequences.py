"""A network learns sequences, is shipped, and reads clips: in the made ones only the motion tells the label."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'mien[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install 'mien[train]'")

from mien import Analyzer  # noqa: E402
from mien.cli.models import check_model  # noqa: E402
from mien.errors import CardInvalid, UsageError  # noqa: E402
from mien.io.events import Failure  # noqa: E402
from mien.models.card import ModelCard  # noqa: E402
from mien.models.recogniser import OnnxRecogniser  # noqa: E402
from mien.models.registry import recogniser  # noqa: E402
from mien.models.sequences import read_windows  # noqa: E402
from mien.testing import FakeDetector  # noqa: E402
from mien.train.export import deployed, export  # noqa: E402
from mien.train.fit import fit  # noqa: E402
from mien.train.rows import TrainData  # noqa: E402
from mien.train.teach import answers  # noqa: E402
from mien.types import Faces  # noqa: E402
from tests.train.sequences.moving import MOVING, crops_of, moving  # noqa: E402


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


def test_a_clip_is_read_by_windows(model: OnnxRecogniser, tmp_path: Path) -> None:
    """Nothing before four frames, then each frame; each person apart, and the times are those of the last crop."""
    path = moving(tmp_path / "new.mp4", down=True, seed=99, frames=10, people=2)
    found = list(read_windows(path, model, FakeDetector()))
    assert [result.index for result in found] == list(range(3, 10))
    np.testing.assert_allclose([result.time for result in found], np.arange(3, 10) / 10, atol=1e-3)
    assert all(result.faces.ids.tolist() == [0, 1] for result in found)
    assert {label for result in found for label in result.emotions.top} == {"happy"}
    assert found[0].rows()[0]["emotion"] == "happy"
    assert found[0].model == "moving"
    up = list(read_windows(str(moving(tmp_path / "up.mp4", down=False, seed=98)), model, FakeDetector()))
    assert {label for result in up for label in result.emotions.top} == {"sad"}


def test_a_pause_begins_a_new_sequence(model: OnnxRecogniser, tmp_path: Path) -> None:
    path = moving(tmp_path / "pause.mp4", down=True, frames=14)
    found = list(read_windows(path, model, Blinking(range(6, 9))))
    assert [result.index for result in found] == [3, 4, 5, 12, 13]
    one = list(read_windows(path, model, Blinking([6])))  # one missed face is let pass
    assert [result.index for result in one] == [3, 4, 5, *range(7, 14)]


class Blinking(FakeDetector):
    """Finds nothing at some calls."""

    def __init__(self, blind) -> None:
        super().__init__()
        self._blind, self._calls = set(blind), -1

    def __call__(self, image):
        self._calls += 1
        return Faces.none() if self._calls in self._blind else super().__call__(image)


def test_a_broken_clip_is_a_failure_at_the_end(model: OnnxRecogniser, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video at all")
    (failure,) = read_windows(tmp_path / "bad.mp4", model, FakeDetector())
    assert isinstance(failure, Failure)
    assert "bad.mp4" in str(failure.error)


def test_a_model_of_sequences_and_one_of_crops_are_not_mixed_up(model: OnnxRecogniser, data: TrainData, folder: Path) -> None:
    with pytest.raises(UsageError, match=r"reads sequences of 4 crops; wanted one that reads single crops\. A clip is read with it by"):
        Analyzer(recogniser=model, detector=FakeDetector())
    with pytest.raises(CardInvalid, match="frames 8 and frame_seconds 0"):
        dataclasses.replace(model.card, frame_seconds=0.0, frames=8)
    with pytest.raises(UsageError, match="reads single crops; wanted one that reads sequences"):
        next(read_windows(folder / "happy" / "0.mp4", "base", FakeDetector()))
    few = data.judge.where(slice(0, 5))
    stills = dataclasses.replace(few, pictures=few.pictures[:, 0])
    with pytest.raises(UsageError, match="teacher 'moving': reads sequences of 4 crops, the rows are single crops"):
        answers(model, stills)
    np.testing.assert_allclose(answers(model, few)["classes"], model(np.repeat(crops_of(data)[:5], 3, axis=-1)).heads["classes"], atol=1e-5)
