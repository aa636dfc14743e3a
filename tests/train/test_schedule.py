"""Rates over time, each against its formula, and the other small parts of a step."""

import dataclasses

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")

from mien.train.batches import batches, order_of  # noqa: E402
from mien.train.config import TrainConfig  # noqa: E402
from mien.train.crops import augmented_crops, degraded, plain_crops  # noqa: E402
from mien.train.mix import mixed, rectangle  # noqa: E402
from mien.train.schedule import better, falls, learning_rate  # noqa: E402
from mien.train.sharpness import worst_nearby  # noqa: E402
from mien.train.targets import Loss, targets_of  # noqa: E402
from mien.vision.align import CropSpec  # noqa: E402
from tests.train.conftest import TINY  # noqa: E402


def test_one_cycle_rises_falls_and_restarts() -> None:
    config = TrainConfig(epochs=12, restarts=(1, 1), rate=0.1, restart_rate=0.03)
    rates = [learning_rate(t, 10, config) for t in (0, 2, 6, 9.999, 10, 10.5, 10.999, 11)]
    assert rates[:3] == pytest.approx([0.004, 0.1, 0.05])
    assert rates[4:6] == pytest.approx([0.03, 0.015])
    assert max(rates[3], rates[6]) < 1e-4
    assert rates[7] == pytest.approx(0.03)


@pytest.mark.parametrize(("rate", "steps"), [(5e-4, 300), (1e-4, 100), (5e-3, 100), (5e-4, 5500)])
def test_exponential_decay_is_that_of_the_earlier_projects(rate: float, steps: int) -> None:
    """Keras: rate * 0.9 ** (step / decay_steps)."""
    config = TrainConfig(schedule="exponential", rate=rate, decay_rate=0.9, decay_steps=steps)
    assert learning_rate(0, 211, config) == rate
    assert learning_rate(3 + 17 / 211, 211, config) == pytest.approx(rate * 0.9 ** ((3 * 211 + 17) / steps))


def test_a_plateau_lowers_the_rate() -> None:
    config = TrainConfig(schedule="plateau", rate=1.0, plateau_factor=0.2, plateau_patience=2)
    losses = [3.0, 2.0, 2.1, 2.0, 1.9, 1.95, 1.96, 1.97, 1.98]
    rates = [learning_rate(epoch, 10, config, losses[:epoch]) for epoch in range(len(losses) + 1)]
    assert rates == pytest.approx([1, 1, 1, 1, 0.2, 0.2, 0.2, 0.04, 0.04, 0.008])
    assert falls([1.0, 1.0, 1.0, 1.0, 1.0], 2) == 2


def test_plateau_agrees_with_torch() -> None:
    """torch's waits for more than `patience` bad epochs where Keras's, which R3 used, waits for `patience`."""
    losses = np.random.default_rng(0).uniform(0, 1, 60).tolist()
    part = torch.nn.Parameter(torch.zeros(1))
    theirs = torch.optim.SGD([part], lr=1.0)
    watch = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, factor=0.2, patience=2, threshold=0, eps=0)
    for epoch, loss in enumerate(losses, start=1):
        watch.step(loss)
        assert 0.2 ** falls(losses[:epoch], 3) == pytest.approx(theirs.param_groups[0]["lr"])


def test_cosine_and_constant() -> None:
    config = TrainConfig(schedule="cosine", rate=1.0, epochs=10)
    assert [learning_rate(t, 5, config) for t in (0, 5, 10)] == pytest.approx([1, 0.5, 0])
    assert learning_rate(7.3, 5, dataclasses.replace(config, schedule="constant")) == 1


def test_better_knows_losses_from_scores() -> None:
    assert better(0.2, 0.3, "val_loss")
    assert not better(0.2, 0.3, "val_accuracy")
    assert better(0.2, None, "val_loss")
    assert not better(float("nan"), 0.3, "val_loss")
    assert not better(0.3, 0.3, "val_accuracy")


def test_the_worst_weights_nearby() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(3, 2, bias=False), torch.nn.BatchNorm1d(2))
    still = torch.nn.Parameter(torch.ones(1))
    net.register_parameter("still", still)  # has no gradient, as a frozen layer
    x = torch.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0], [3.0, 1.0, 0.0]])

    def loss() -> torch.Tensor:
        return (net(x)[:, 0] * torch.tensor([1.0, -2.0, 0.5])).sum()

    first = loss()
    first.backward()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    up = torch.cat([p.grad.flatten() for p in net[0].parameters()] + [p.grad.flatten() for p in net[1].parameters()])
    with worst_nearby(net, 0.05):
        assert all(p.grad is None for p in net.parameters())
        worse = loss()
        worse.backward()
        moved = torch.cat([(p - before[name]).flatten() for name, p in net.named_parameters() if name != "still"])
    assert worse > first
    assert torch.allclose(moved, 0.05 * up / up.norm(), atol=1e-6)
    after = net.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before if "num_batches" not in name)
    assert net[1].momentum == 0.1
    assert net[0].weight.grad is not None


def test_mixup_mixes_crops_and_targets_in_the_same_share() -> None:
    rng = np.random.default_rng(3)
    x = torch.arange(4.0)[:, None, None, None].expand(4, 1, 6, 6)
    targets = {"classes": torch.eye(4), "affect": torch.tensor([[0.0, 0], [1, 1], [float("nan")] * 2, [0, 0]])}
    out, new = mixed(x, targets, TrainConfig(mixup=1.0), rng)
    np.testing.assert_allclose(out[:, 0, 0, 0], (new["classes"] * torch.arange(4.0)).sum(1), atol=1e-5)
    np.testing.assert_allclose(new["classes"].sum(1), 1, atol=1e-6)
    assert torch.isnan(new["affect"]).any(1).sum() == 2  # the row without, and the one it was mixed with
    assert mixed(x, targets, TrainConfig(), rng)[0] is x


def test_cutmix_shares_are_the_areas() -> None:
    x = torch.arange(5.0)[:, None, None, None].expand(5, 1, 20, 20)
    for seed in range(20):
        out, new = mixed(x, {"classes": torch.eye(5)}, TrainConfig(cutmix=1.0), np.random.default_rng(seed))
        area = torch.stack([(out == k).float().mean((1, 2, 3)) for k in range(5)], dim=1)
        np.testing.assert_allclose(new["classes"], area, atol=1e-6)
    for seed in range(50):
        top, left, h, w = rectangle(20, 30, 0.4, np.random.default_rng(seed))
        assert 0 <= top <= top + h <= 20
        assert 0 <= left <= left + w <= 30


def test_the_loss_is_torchs_and_passes_over_what_is_not_known(data) -> None:
    rows = data.train.where(slice(0, 8))
    config = dataclasses.replace(TINY, tasks=("classes", "affect"), affect_weight=2.0)
    loss = Loss.of(config, data.train, torch.device("cpu"))
    outs = {"fer7": torch.randn(8, 7), "affect": torch.randn(8, 2)}
    targets = {name: torch.from_numpy(t) for name, t in targets_of(rows, config).items()}
    targets["affect"][3:] = float("nan")
    plain = torch.nn.functional.cross_entropy(outs["fer7"], torch.from_numpy(rows.labels))
    squared = ((torch.tanh(outs["affect"]) - targets["affect"])[:3] ** 2).sum() / 8
    torch.testing.assert_close(loss(outs, targets), plain + 2 * squared)


def test_adjusted_logits_raise_the_loss_of_frequent_classes(data) -> None:
    config = dataclasses.replace(TINY, tasks=("classes",), adjust=1.0)
    loss = Loss.of(config, data.train, torch.device("cpu"))
    logits, target = torch.randn(1, 7), {"fer7": torch.eye(7)[:1]}
    prior = np.log((np.bincount(data.train.labels) + 1) / (len(data.train) + 7))
    expected = torch.nn.functional.cross_entropy(logits + torch.from_numpy(prior).float(), torch.tensor([0]))
    torch.testing.assert_close(loss({"fer7": logits}, target), expected)
    torch.testing.assert_close(loss({"fer7": logits}, target, adjusted=False), torch.nn.functional.cross_entropy(logits, torch.tensor([0])))


def test_batches_hold_every_row_once_and_can_begin_anywhere(data) -> None:
    targets = targets_of(data.train, TINY)
    spec = CropSpec(size=44, margin=-1 / 24)
    whole = list(batches(data.train, targets, spec, TINY, 0))
    assert [len(batch.crops) for batch in whole] == [16] * 9
    later = list(batches(data.train, targets, spec, TINY, 0, first=6))
    for a, b in zip(whole[6:], later, strict=True):
        assert a.index == b.index
        assert torch.equal(a.crops, b.crops)
        assert torch.equal(a.targets["fer7"], b.targets["fer7"])
    halves = [list(batches(data.train, targets, spec, TINY, 0, rank=rank, world=2)) for rank in range(2)]
    for batch, *parts in zip(whole, *halves, strict=True):
        together = torch.cat([part.targets["votes"] for part in parts])
        assert sorted(map(tuple, together.tolist())) == sorted(map(tuple, batch.targets["votes"].tolist()))


def test_a_sampler_shows_every_class_equally_often(data) -> None:
    labels = data.train.labels
    few = data.train.where(np.sort(np.concatenate([np.flatnonzero(labels != 0), np.flatnonzero(labels == 0)[:3]])))
    order = order_of(few, dataclasses.replace(TINY, balance="sampler"), 0)
    counts = np.bincount(few.labels[order])
    assert counts.max() - counts.min() <= 1


def test_what_fails_in_the_thread_is_raised_by_the_loop(data) -> None:
    broken = {"fer7": np.zeros((3, 7), np.float32)}
    with pytest.raises(IndexError):
        list(batches(data.train, broken, CropSpec(size=44), TINY, 0))


@pytest.mark.parametrize("colour", [False, True], ids=["grey", "rgb"])
def test_augmentation_of_strength_zero_only_mirrors(data, colour: bool) -> None:
    rows = data.train.where(slice(0, 8))
    pictures = np.repeat(rows.pictures[..., None], 3, axis=3) if colour else rows.pictures
    spec = CropSpec(size=44, margin=-1 / 24)
    plain = plain_crops(pictures, rows.points, rows.frames, spec)
    made = augmented_crops(pictures, rows.points, rows.frames, spec, np.random.default_rng(0), strength=0.0)
    for a, b in zip(plain, made, strict=True):
        straight, mirrored = (np.abs(x.astype(int) - b).mean() for x in (a, a[:, ::-1]))
        assert min(straight, mirrored) < 1.5
    assert augmented_crops(pictures, rows.points, rows.frames, spec, np.random.default_rng(0)).std() > 10


def test_as_many_faces_are_made_coarse_whatever_size_the_network_reads() -> None:
    rng = np.random.default_rng(0)
    fine = rng.integers(60, 190, (44, 44)).astype(np.uint8)  # detail at the limit of what FER-2013 has

    def lost(size: int) -> float:
        """Share of the crops that have lost more than half of their detail."""
        crop = cv2.resize(fine, (size, size), interpolation=cv2.INTER_LINEAR)
        made = [cv2.resize(degraded(crop, rng, strength=1.0), (44, 44), interpolation=cv2.INTER_AREA) for _ in range(600)]
        alike = [np.corrcoef(fine.ravel(), one.ravel())[0, 1] for one in made if one.std() > 0]
        return float(np.mean(np.array(alike) < 0.5))

    shares = [lost(size) for size in (44, 112, 160)]
    assert min(shares) > 0.12
    assert max(shares) < 0.4
    assert max(shares) < 1.6 * min(shares)
