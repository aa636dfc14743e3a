"""What a training begins with: a run of the same network, or of a narrower one that is widened and answers as before."""

import dataclasses
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'mien[train]'")

from mien.errors import UsageError  # noqa: E402
from mien.train import widen  # noqa: E402
from mien.train.fit import fit  # noqa: E402
from mien.train.heads import network  # noqa: E402
from mien.train.nets import HEADS  # noqa: E402
from mien.train.settings import NetSettings  # noqa: E402
from mien.train.start import begin_with  # noqa: E402
from mien.train.widen import widened  # noqa: E402
from tests.train.conftest import TINY  # noqa: E402

NARROW, WIDE = (4, 6, 8, 12), (4, 9, 16, 30)


def trained(widths: tuple[int, ...]) -> torch.nn.Module:
    """A network whose normalisations have seen something, in evaluation mode."""
    torch.manual_seed(3)
    net = network("vgg8", NetSettings(size=32, widths=widths), outputs=HEADS)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.3)
    return net.eval()


def test_a_widened_network_answers_as_the_narrow_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widen, "NOISE", 0.0)
    narrow = trained(NARROW)
    wide = network("vgg8", NetSettings(size=32, widths=WIDE), outputs=HEADS)
    wide.load_state_dict(widened(narrow.state_dict(), WIDE))
    x = torch.randn(5, 1, 32, 32)
    assert torch.allclose(wide.eval()(x), narrow(x), atol=1e-5)


def test_copies_differ_from_their_originals_a_little() -> None:
    state = trained(NARROW).state_dict()
    wider = widened(state, WIDE)
    copies = wider["backbone.second.3.0.weight"][NARROW[3] :]
    assert len({tuple(one.flatten()[:8].tolist()) for one in copies}) == len(copies)
    assert torch.equal(wider["backbone.first.1.0.weight"][: NARROW[1]], state["backbone.first.1.0.weight"])
    assert all(torch.equal(widened(state, WIDE)[name], value) for name, value in wider.items())


@pytest.mark.parametrize("widths", [(4, 5, 8, 12), (4, 6, 8)])
def test_a_narrower_network_or_one_of_other_stages_is_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"found stages of \[4, 6, 8, 12\]; wanted \[4,"):
        widened(trained(NARROW).state_dict(), widths)


def test_a_training_goes_on_from_a_narrower_run(data, tmp_path: Path) -> None:
    first = dataclasses.replace(TINY, name="first", epochs=1)
    fit(first, data, tmp_path / "first")
    wide = dataclasses.replace(
        TINY, name="wide", start=str(tmp_path / "first"), epochs=1, settings=dataclasses.replace(TINY.settings, widths=(8, 12, 16, 24))
    )
    said: list[str] = []
    fitted = fit(wide, data, tmp_path / "wide", say=said.append)
    assert any("widened" in line for line in said)
    assert fitted.state["backbone.second.3.0.weight"].shape[:2] == (24, 24)
    narrow = network("vgg8", dataclasses.replace(TINY.settings, widths=(8, 8, 8, 8)), outputs=HEADS)
    with pytest.raises(UsageError, match="or a vgg8 that is narrower"):
        begin_with(narrow, tmp_path / "first", data.names)
