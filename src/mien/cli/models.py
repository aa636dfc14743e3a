"""`mien models`: what there is, in full, fetched, checked."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.exit_codes import FAULT_FOUND
from mien.errors import CardInvalid, MienError, ModelError, UnknownName
from mien.io.names import printable

if TYPE_CHECKING:
    from mien.models.card import ModelCard
    from mien.models.recogniser import OnnxRecogniser
    from mien.types import Floats, Image

app = typer.Typer(no_args_is_help=True, add_completion=False, help="List, show, fetch and check models and detectors.")

TOLERANCE = 1e-4
"""Largest difference from the golden answers that is let pass: between processors the last digits of a network differ."""
COLUMNS = ("name", "kind", "size_mb", "crop", "accuracy", "settings", "licence", "where")
"""Of --json."""
OF_A_MODEL = ("crop", "accuracy")
"""Columns that a detector has nothing for."""
TABLES = {"model": ("name", "size_mb", "crop", "accuracy", "where"), "detector": ("name", "size_mb", "settings", "where")}
"""Columns on the terminal, where each has a line of 80 characters; `show` has the rest."""
HEADLINES = {"FER-2013": "FER-2013 PrivateTest", "FER+": "FER+ PrivateTest"}
"""Accuracies that are listed -> their names on a card. Of a card with neither it is the first that it has."""
LONGEST = 20
"""Characters of a card's own name for its accuracy, and of a folder, of which the end is shown."""


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False) -> None:
    """All models and detectors, a line each: megabytes, crop and accuracy or settings, and where they are. `show NAME` has the rest."""
    from mien.cli.render import print_table, say
    from mien.models.registry import broken_cards

    rows = [*_recognisers(), *_detectors()]
    for what in broken_cards().values():
        say(f"mien: {what}")
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for place, (kind, columns) in enumerate(TABLES.items()):
        if place:
            typer.echo()
        own = [["" if row[name] is None else _text(name, row[name]) for name in columns] for row in rows if row["kind"] == kind]
        print_table([{"name": kind, "size_mb": "MB"}.get(name, name) for name in columns], own, right=("MB",))


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(help="Name of a model or detector, or path of a model's .onnx or .json file or of a folder with one.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the card, or what is known of the detector, as JSON.")] = False,
) -> None:
    """The card of a model: what it wants and gives, how it was made, how good it is. Of a detector its settings, licence and place."""
    if (found := _known_detector(name)) is not None:
        told = {column: value for column, value in found.items() if value is not None}
        typer.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_lines(told)))
        return
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
        if name in wanted:
            wanted = {name: wanted[name]}
        elif _known_detector(name) is not None:
            wanted = {name: lambda: _check_detector(name)}
        else:
            _card(name)  # says which names there are, or knows a path
            wanted = {name: lambda: check_model(name)}
    rows: list[dict[str, Any]] = []
    for one, work in wanted.items():
        found, ok = tried(work)
        rows.append({"name": one, "ok": ok, "found": found})
        if not as_json:
            typer.echo(f"{'OK ' if ok else 'BAD'}  {printable(one)}: {printable(str(found))}")
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
    if not all(row["ok"] for row in rows):
        raise typer.Exit(FAULT_FOUND)


def tried(check: Callable[[], str]) -> tuple[str, bool]:
    """What a check found, and whether it is right."""
    try:
        return check(), True
    except MienError as error:
        return str(error), False
    except Exception as error:  # a stranger's part raises what it likes, and must not end the checks of the others
        return " ".join(f"{type(error).__name__}: {error}".split()), False


def check_model(name: str) -> str:
    """What was found right about a model. Raises ModelError, which says what differs."""
    from mien.models.locate import locate, verify
    from mien.models.registry import open_model

    card, path = _card(name)
    near = path.parent / card.file
    weights = near if near.exists() else locate(card.file, name=card.name)
    verify(weights, card.sha256)
    model = open_model(card, path)
    golden = path.parent / f"{card.name}.golden.npz"
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

    crops, golden = _recorded(path)
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


def _recorded(path: Path) -> tuple[Image, dict[str, Floats]]:
    """Crops, uint8 (n, ..., size, size, 3), and the answers to them by name. Raises ModelError for a file that holds none."""
    import numpy as np

    wanted = "wanted an npz with crops, uint8, and answers to them; delete it, or get the model anew with its files"
    try:
        with path.open("rb") as raw, np.load(raw) as file:  # of a path NumPy leaves the file open where it is a broken one
            golden = dict(file)
    except Exception as error:  # a bad npz makes zipfile, zlib, pickle and NumPy raise each its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(f"{path.name}: cannot be read ({reason}); {wanted}") from error
    crops = golden.pop("crops", None)
    if crops is None or crops.dtype != np.uint8 or crops.ndim < 3 or not crops.size:
        found = "none" if crops is None else f"{crops.dtype} {crops.shape}"
        raise ModelError(f"{path.name}: crops: found {found}; {wanted}")
    if wrong := [name for name, array in golden.items() if array.dtype.kind not in "fiu"]:
        raise ModelError(f"{path.name}: {wrong[0]}: found {golden[wrong[0]].dtype}, wanted numbers; {wanted}")
    if not golden:
        raise ModelError(f"{path.name}: found crops alone; {wanted}")
    return crops if crops.shape[-1] == 3 else np.repeat(crops[..., None], 3, axis=-1), golden


def checks() -> dict[str, Callable[[], str]]:
    """Every check by name."""
    from mien.models.detectors.registry import DETECTORS
    from mien.models.registry import broken_cards, cards

    def of_model(name: str) -> Callable[[], str]:
        return lambda: check_model(name)

    def of_detector(name: str) -> Callable[[], str]:
        return lambda: _check_detector(name)

    def of_broken(what: str) -> Callable[[], str]:
        def check() -> str:
            raise CardInvalid(what)

        return check

    models = {name: of_model(name) for name in cards()} | {str(path): of_broken(what) for path, what in broken_cards().items()}
    return models | {name: of_detector(name) for name in sorted(DETECTORS)}


def _check_detector(name: str) -> str:
    """A detector's registration checks its hashes when it is made; then it must cope with a picture without a face."""
    import numpy as np

    from mien.models.detectors.registry import detector
    from mien.part_checks import checked_faces

    finder = detector(name)
    checked_faces(finder(np.full((240, 320, 3), 128, np.uint8)), finder)
    return "detector loads and runs"


def _card(name: str) -> tuple[ModelCard, Path]:
    from mien.models.detectors.registry import names as detectors
    from mien.models.registry import by_path, cards, names

    if (found := by_path(name)) is not None:
        return found
    known = cards()
    if name not in known:
        if name in set(names()):
            raise ModelError(f"model {name!r} comes from a plug-in and has no card")
        raise UnknownName("model with a card or detector", name, [*known, *detectors()])
    return known[name]


def _known_detector(name: str) -> dict[str, Any] | None:
    """What is known of a detector; None for any other name, and for that of a model too, which comes first."""
    from mien.models.detectors.registry import preset
    from mien.models.registry import by_path, names

    if by_path(name) is not None or name in names():
        return None
    try:
        about = preset(name).about
    except UnknownName:
        return None
    row = {column: value for column, value in _detector(name).items() if column not in OF_A_MODEL}
    return {"name": row.pop("name"), "kind": row.pop("kind"), "about": about} | row


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
    from mien.models.detectors.registry import names

    return [_detector(name) for name in names()]


def _detector(name: str) -> dict[str, Any]:
    from mien.models.detectors.registry import LICENCES, NETWORKS, preset
    from mien.models.locate import weights_folders

    plain = name.removesuffix(":tiled")
    stem = plain.partition(":")[0]
    networks = NETWORKS.get(plain) or NETWORKS.get(stem, ())
    here = [path for files in networks if (path := _first(weights_folders(), files))]
    if stem == "haar":
        where = "OpenCV"
    elif networks:
        where = str(here[0].parent) if len(here) == len(networks) else "missing"
    else:
        where = "mien" if stem in NETWORKS else "plug-in"
    return _row(
        name,
        "detector",
        size_mb=_mb(sum(path.stat().st_size for path in here)) if here else None,
        settings=dict(preset(name).settings),
        licence=LICENCES.get(stem) or None,
        where=where,
    )


def _first(folders: list[Path], files: Sequence[str]) -> Path | None:
    """Where the first of the files is that some folder has."""
    return next((folder / file for file in files for folder in folders if (folder / file).is_file()), None)


def _mb(size: int) -> float:
    return round(size / 1e6, 2)


def _row(name: str, kind: str, **values: Any) -> dict[str, Any]:
    return dict.fromkeys(COLUMNS) | {"name": name, "kind": kind} | values


def _has_accuracy(figures: Any) -> bool:
    return isinstance(figures, dict) and isinstance(figures.get("accuracy"), (int, float))


def _text(column: str, value: Any) -> str:
    match column:
        case "size_mb":
            return f"{value:.2f}"
        case "accuracy":
            return ", ".join(f"{data} {figure:.3f}" for data, figure in _headlines(value).items())
        case "settings":
            return ", ".join(_setting(option, setting) for option, setting in value.items())
        case "where":
            return _place(value)
    return str(value)


def _headlines(accuracy: dict[str, float]) -> dict[str, float]:
    """What is told of a model's accuracies, by a short name."""
    if known := {short: accuracy[name] for short, name in HEADLINES.items() if name in accuracy}:
        return known
    return {name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…": figure for name, figure in list(accuracy.items())[:1]}


def _setting(option: str, value: Any) -> str:
    """`scale 1.1`; of what is on or off, `square` or `not square`."""
    if isinstance(value, bool):
        return option if value else f"not {option}"
    return f"{option} {value:g}" if isinstance(value, float) else f"{option} {value}"


def _place(where: str) -> str:
    """Short enough for a line: `package` for mien's own, of a folder the end."""
    from mien.models.locate import BUNDLED

    if where in ("mien", str(BUNDLED)):
        return "package"
    end = where[1 - LONGEST :]
    return where if len(where) <= LONGEST else f"…{end[max(0, end.find(os.sep)) :]}"


def _lines(value: Any, indent: str = "") -> list[str]:
    """A card as indented lines `name: value`; a stranger's may hold what a terminal would take for orders."""
    lines = []
    for name, item in value.items():
        if isinstance(item, dict) and item:
            lines += [f"{indent}{name}:", *_lines(item, indent + "  ")]
        else:
            told = ", ".join(map(str, item)) if isinstance(item, (list, tuple)) else str(item)
            lines.append(f"{indent}{printable(str(name))}: {printable(told)}")
    return lines
