"""The embedded models: each gives what it gave where it was made, alone, in batches and in threads."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import mien
from mien.data.labelled import read_labelled
from mien.evaluate.run import evaluate
from mien.io.images import read_image
from mien.models.detectors.registry import detector
from mien.models.locate import BUNDLED
from mien.models.recogniser import OnnxRecogniser
from mien.models.registry import cards, recogniser
from mien.options import AnalyzeOptions

EXAMPLES = Path(__file__).parents[2] / "examples"


MODELS = sorted(name for name, (_, path) in cards().items() if path.parent == BUNDLED)


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> OnnxRecogniser:
    found = recogniser(request.param, threads=1)
    assert isinstance(found, OnnxRecogniser)
    return found


def test_the_default_is_among_them_and_all_are_small() -> None:
    assert AnalyzeOptions().model in MODELS
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) < 15e6


def test_golden_crops(model: OnnxRecogniser) -> None:
    with np.load(BUNDLED / f"{model.card.name}.golden.npz") as golden:
        emotions = model(np.repeat(golden["crops"][..., None], 3, axis=3))
        np.testing.assert_allclose(
            emotions.probs, golden["probs"], atol=0.03
        )  # 8 bits: a float that rounds elsewhere moves an input by a step
        np.testing.assert_allclose(emotions.affect, golden["affect"], atol=0.03)
        assert len({tuple(row) for row in golden["probs"].round(3)}) > 8  # the crops tell something apart


def test_batches_and_threads_agree(model: OnnxRecogniser) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (67, model.crop.size, model.crop.size, 3), np.uint8)
    together = model(crops).probs
    one_by_one = np.concatenate([model(crops[i : i + 1]).probs for i in range(len(crops))])
    np.testing.assert_allclose(one_by_one, together, atol=1e-5)
    with ThreadPoolExecutor(8) as pool:
        for probs in pool.map(lambda _: model(crops).probs, range(16)):
            np.testing.assert_allclose(probs, together, atol=1e-5)


def test_the_whole_road_agrees_in_any_batch_and_thread() -> None:
    pictures = sorted(EXAMPLES.glob("*.jpg"))
    analyzer = mien.Analyzer(threads=1)
    together = analyzer.analyze([*pictures]).results
    alone = [mien.Analyzer(threads=1, batch=1).analyze(path)[0] for path in pictures]
    images = [read_image(path).image for path in pictures]
    with ThreadPoolExecutor(8) as pool:
        threaded = list(pool.map(analyzer.image, images))
    for a, b, c in zip(together, alone, threaded, strict=True):
        np.testing.assert_allclose(a.emotions.probs, b.emotions.probs, atol=1e-5)
        np.testing.assert_allclose(a.emotions.probs, c.emotions.probs, atol=1e-5)


@pytest.mark.parametrize(("picture", "shown"), [("astronaut", "happy"), ("portrait", "happy")])
@pytest.mark.parametrize("name", MODELS)
def test_a_plain_smile(name: str, picture: str, shown: str) -> None:
    (result,) = mien.analyze(EXAMPLES / f"{picture}.jpg", model=name, threads=1)
    assert result.emotions.top == [shown]
    assert result.emotions.probs.max() > 0.8
    assert result.emotions.affect is not None
    assert result.emotions.affect[0, 0] > 0.2


def test_size_does_not_change_the_answer() -> None:
    import cv2

    image = read_image(EXAMPLES / "portrait.jpg").image
    analyzer = mien.Analyzer(threads=1)
    whole = analyzer.image(image).emotions.probs[0]
    for scale in (0.5, 0.25, 2.0):
        other = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        assert np.abs(analyzer.image(other).emotions.probs[0] - whole).max() < 0.15


@pytest.mark.shared_data
def test_it_reads_posed_faces_of_another_data_set(model: OnnxRecogniser, shared_data: Path) -> None:
    found = evaluate(model, detector("yunet", threads=1), read_labelled(shared_data / "jaffe.npz", "fer7"), labels="fer7")
    assert found.figures["unanswered"] <= 2
    assert found.figures["accuracy"] > 0.4  # seven classes; a floor against breakage, not a claim
