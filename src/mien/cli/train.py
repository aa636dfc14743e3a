"""`mien train`: a network from FER-2013 and its votes, exported with its card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.errors import UsageError


def train(
    config: Annotated[Path, typer.Argument(help="TOML file with the settings, as in configs/.")],
    data: Annotated[Path, typer.Option(help="FER-2013 with the FER+ votes, as npz.")],
    duplicates: Annotated[
        Path | None, typer.Option(help="npz that marks rows with a copy in another split; they are not trained on.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Run folder; an interrupted run with the same settings goes on there.")] = Path("runs"),
    detector: Annotated[str, typer.Option(help="Detector that finds the landmarks of the training pictures.")] = "yunet",
    change: Annotated[
        list[str] | None, typer.Option("--set", help="Change a setting: --set epochs=10. May be given several times.")
    ] = None,
    init: Annotated[Path | None, typer.Option(help="Export this checkpoint instead of training.")] = None,
) -> None:
    """Train a recogniser, calibrate it on PublicTest, and write it as ONNX file, card and golden crops.

    Only Training rows are trained on (without those that duplicate a test row), only PublicTest chooses; PrivateTest is not read.
    """
    try:
        import torch
    except ImportError:
        from mien.errors import ExtraMissing

        raise ExtraMissing('training needs PyTorch: pip install "mien[train]"') from None
    from mien.cli.render import say
    from mien.data.fer import read_fer, trainable, vote_shares
    from mien.models.detectors.registry import detector as detector_by_name
    from mien.train.config import read_config
    from mien.train.export import commit, export
    from mien.train.fit import fit, priors

    settings = read_config(config, **_changes(change or []))
    fer = read_fer(data, duplicates)
    fer = fer.where(fer.usage < 2)  # PrivateTest is for the final evaluation alone
    taught = fer.where(trainable(fer))
    folder = out / settings.name
    finder = detector_by_name(detector, threads=settings.threads)
    state = torch.load(init, weights_only=True) if init else fit(settings, fer, finder, folder, say=say).state_dict()
    options = "".join(f" --set {word}" for word in change or [])
    card = export(
        settings,
        state,
        fer.split("PublicTest"),
        finder,
        folder,
        frequencies=priors(vote_shares(taught.votes), taught.emotion),
        source={
            "command": f"mien train {config}{options} --data fer2013.npz --duplicates fer2013_duplicates.npz",
            "commit": commit(),
            "seed": settings.seed,
            "data": "FER-2013 Training without rows that duplicate a test row; FER+ votes; PublicTest for every choice",
        },
        licences=LICENCES,
        note=NOTE,
    )
    temperatures = ", ".join(f"{name} {head.temperature:g}" for name, head in card.outputs.items() if head.labels)
    say(f"{folder / card.file}: {card.bytes / 1e6:.1f} MB; temperatures: {temperatures}, blend {card.blend_temperature:g}")


LICENCES = {
    "code": "Apache-2.0",
    "weights": "Apache-2.0",
    "data": "FER-2013 (Goodfellow et al. 2013): collected from the web, no licence stated; FER+ votes (Barsoum et al. 2016): MIT",
}
NOTE = (
    "Reads the expression shown, not what a person feels. Trained on pictures whose owners gave no licence for their use: "
    "have your own counsel look at commercial use. Accuracies by group are in MODEL_CARD.md."
)


def _changes(words: list[str]) -> dict[str, object]:
    import tomllib

    changes: dict[str, object] = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            changes |= tomllib.loads(f"{name} = {value}")
        except tomllib.TOMLDecodeError:
            try:
                changes |= tomllib.loads(f'{name} = "{value}"')
            except tomllib.TOMLDecodeError:
                raise UsageError(f"--set {word}: wanted NAME=VALUE, such as epochs=10") from None
    return changes
