"""`mien models`: what there is, in full, fetched, checked."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.errors import MienError, ModelError, UnknownName

if TYPE_CHECKING:
    from mien.models.card import ModelCard
    from mien.models.recogniser import OnnxRecogniser

app = typer.Typer(no_args_is_help=True, add_completion=False, help="List, show, fetch and check models and detectors.")

TOLERANCE = 1e-4
"""Largest difference from the golden answers that is let pass: between processors the last digits of a network differ."""
COLUMNS = ("name", "kind", "size_mb", "crop", "accuracy", "licence", "where")


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False) -> None:
    """All models and detectors: size, crop, accuracy, licence, and where they are."""
    from mien.cli.render import print_table

    rows = [*_recognisers(), *_detectors()]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    print_table(COLUMNS, [["" if row[name] is None else _text(row[name]) for name in COLUMNS] for row in rows], right=("size_mb",))


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of a model, or path of its .onnx or .json file or of a folder with one.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
) -> None:
    """The card of a model: what it wants and gives, how it was made, how good it is."""
    card, path = _card(name)
    if as_json:
        typer.echo(card.to_json(), nl=False)
        return
    for line in _lines(dataclasses.asdict(card) | {"card": str(path)}):
        typer.echo(line)


@app.command()
def get(
    name: Annotated[str, typer.Argument(help="What to fetch; the message of a missing file names it.")],
    folder: Annotated[Path | None, typer.Option(help="Where to put it; the user's cache if not given.")] = None,
) -> None:
    """Fetch weights from where they are published, check their hash, and print where they lie."""
    from mien.models.locate import fetch_weights

    typer.echo(fetch_weights(name, folder))


@app.command()
def check(
    name: Annotated[str | None, typer.Argument(help="Name of a model or detector, or a path as for show; all if not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Check files against their hashes, load them, and compare answers with those on record. Exit code 1 when one differs."""
    wanted = checks()
    if name is not None:
        if name not in wanted:
            _card(name)  # says which names there are, or knows a path
            wanted = {name: lambda: check_model(name)}
        else:
            wanted = {name: wanted[name]}
    rows: list[dict[str, Any]] = []
    for one, work in wanted.items():
        try:
            rows.append({"name": one, "ok": True, "found": work()})
        except MienError as error:
            rows.append({"name": one, "ok": False, "found": str(error)})
        if not as_json:
            typer.echo(f"{'OK ' if rows[-1]['ok'] else 'BAD'}  {one}: {rows[-1]['found']}")
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
    if not all(row["ok"] for row in rows):
        raise typer.Exit(1)


def check_model(name: str) -> str:
    """What was found right about a model. Raises ModelError, which says what differs."""
    from mien.models.locate import locate, verify
    from mien.models.registry import open_model

    card, path = _card(name)
    near = path.parent / card.file
    weights = near if near.exists() else locate(card.file, name=card.name)
    verify(weights, card.sha256)
    model = open_model(card, path)
    golden = path.with_name(f"{card.name}.golden.npz")
    return f"hash right, loads, {_golden(model, golden) if golden.exists() else _answers(model, card, golden.name)}"


def _answers(model: OnnxRecogniser, card: ModelCard, missing: str) -> str:
    """Whether it answers to two crops of nothing, where there are no answers on record."""
    import numpy as np

    from mien.part_checks import checked_emotions

    crops = np.zeros((2, *((card.frames,) if card.frames else ()), card.crop.size, card.crop.size, 3), np.uint8)
    try:
        checked_emotions(model(crops), model, len(crops))
    except MienError:
        raise
    except Exception as error:  # onnxruntime raises a class of its own for each kind of bad file
        raise ModelError(f"{card.file}: cannot be run ({str(error).splitlines()[0]})") from error
    return f"answers; no {missing} to compare with"


def _golden(model: OnnxRecogniser, path: Path) -> str:
    """Compare a model's answers with recorded ones: arrays `crops`, `probs`, `affect` and any outputs by name."""
    import numpy as np

    with np.load(path) as file:
        golden = dict(file)
    crops = golden.pop("crops")
    if crops.shape[-1] != 3:
        crops = np.repeat(crops[..., None], 3, axis=-1)
    emotions = model(crops)
    ours = {"probs": emotions.probs, "affect": emotions.affect, **emotions.heads}
    worst = 0.0
    for key, wanted in golden.items():
        got = ours.get(key)
        if got is None or got.shape != wanted.shape:
            raise ModelError(f"{path.name}: {key} has shape {wanted.shape}, the model gives {'none' if got is None else got.shape}")
        gap = float(np.abs(got - wanted).max())
        if not gap <= TOLERANCE:
            face = int(np.abs(got - wanted).max(axis=1).argmax())
            raise ModelError(f"{path.name}: {key} of crop {face} differs by {gap:.2g}, allowed is {TOLERANCE:g}")
        worst = max(worst, gap)
    return f"{len(crops)} golden crops within {worst:.1g}"


def checks() -> dict[str, Callable[[], str]]:
    """Every check by name."""
    from mien.models.detectors.registry import DETECTORS
    from mien.models.registry import cards

    def of_model(name: str) -> Callable[[], str]:
        return lambda: check_model(name)

    def of_detector(name: str) -> Callable[[], str]:
        return lambda: _check_detector(name)

    return {name: of_model(name) for name in cards()} | {name: of_detector(name) for name in sorted(DETECTORS)}


def _check_detector(name: str) -> str:
    """A detector's registration checks its hashes when it is made; then it must cope with a picture without a face."""
    import numpy as np

    from mien.models.detectors.registry import detector

    detector(name)(np.full((240, 320, 3), 128, np.uint8))
    return "detector loads and runs"


def _card(name: str) -> tuple[ModelCard, Path]:
    from mien.models.registry import by_path, cards, names

    if (found := by_path(name)) is not None:
        return found
    known = cards()
    if name not in known:
        if name in set(names()):
            raise ModelError(f"model {name!r} comes from a plug-in and has no card")
        raise UnknownName("model with a card", name, known)
    return known[name]


def _recognisers() -> list[dict[str, Any]]:
    from mien.models.registry import cards, names

    known = cards()
    rows = [
        _row(
            name,
            "model",
            size_mb=_mb(card.bytes),
            crop=f"{card.crop.size} px {card.crop.colour}",
            accuracy={data: round(figures["accuracy"], 4) for data, figures in card.metrics.items() if _has_accuracy(figures)},
            licence=card.licences.get("weights"),
            where=str(path.parent),
        )
        for name, (card, path) in known.items()
    ]
    return rows + [_row(name, "model", where="plug-in") for name in names() if name not in known]


def _detectors() -> list[dict[str, Any]]:
    from mien.models.detectors.registry import LICENCES, SHA256, names
    from mien.models.locate import weights_folders

    rows = []
    for name in names():
        stem, _, variant = name.partition(":")
        start = f"blazeface_{variant or 'short'}" if stem == "mediapipe" else stem
        here = [path for file in SHA256 if file.startswith(start) if (path := _first(weights_folders(), file))]
        licence = LICENCES.get(stem) or None
        if stem == "haar":
            rows.append(_row(name, "detector", licence=licence, where="OpenCV"))
        elif here:
            rows.append(
                _row(name, "detector", size_mb=_mb(sum(p.stat().st_size for p in here)), licence=licence, where=str(here[0].parent))
            )
        else:
            rows.append(_row(name, "detector", licence=licence, where="missing" if any(f.startswith(start) for f in SHA256) else "plug-in"))
    return rows


def _first(folders: list[Path], file: str) -> Path | None:
    return next((folder / file for folder in folders if (folder / file).is_file()), None)


def _mb(size: int) -> float:
    return round(size / 1e6, 2)


def _row(name: str, kind: str, **values: Any) -> dict[str, Any]:
    return dict.fromkeys(COLUMNS) | {"name": name, "kind": kind} | values


def _has_accuracy(figures: Any) -> bool:
    return isinstance(figures, dict) and isinstance(figures.get("accuracy"), (int, float))


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{data} {figure:.3f}" for data, figure in value.items())
    return str(value)


def _lines(value: Any, indent: str = "") -> list[str]:
    """A card as indented lines `name: value`."""
    lines = []
    for name, item in value.items():
        if isinstance(item, dict) and item:
            lines += [f"{indent}{name}:", *_lines(item, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {', '.join(map(str, item)) if isinstance(item, (list, tuple)) else item}")
    return lines
