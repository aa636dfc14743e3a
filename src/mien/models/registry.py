"""Recognisers by name: the embedded ones, those in folders, plug-ins. All register the same way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mien.errors import CardInvalid, UnknownName, UsageError
from mien.models.card import ModelCard
from mien.models.locate import locate, verify, weights_folders
from mien.models.plugins import load_plugins
from mien.models.recogniser import RUNTIMES, OnnxRecogniser
from mien.types import Recogniser, check_kind

Factory = Callable[[int], Recogniser]
"""Takes the number of threads (0: all) and gives a recogniser."""

_factories: dict[str, Factory] = {}


def register(name: str, factory: Factory) -> None:
    """Make a recogniser known by name. An existing name is replaced."""
    if ":" in name or not name:
        raise UsageError(f"recogniser name {name!r}: wanted one without a colon, which separates the runtime")
    check_kind(f"factory of recogniser {name!r}", factory, Callable, "a callable that gives a recogniser")  # type: ignore[arg-type]
    _factories[name] = factory


def cards() -> dict[str, tuple[ModelCard, Path]]:
    """Known cards by name, with the file each was read from. A file that is not a card is passed over."""
    found: dict[str, tuple[ModelCard, Path]] = {}
    for folder in weights_folders():
        found = _cards_in(folder) | found
    return found


def _cards_in(folder: Path) -> dict[str, tuple[ModelCard, Path]]:
    found: dict[str, tuple[ModelCard, Path]] = {}
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            card = ModelCard.read(path)
        except CardInvalid:
            continue
        found.setdefault(card.name, (card, path))
    return found


def open_model(card: ModelCard, beside: Path, *, threads: int = 0, runtime: str = RUNTIMES[0]) -> OnnxRecogniser:
    """The recogniser of a card read from the file `beside`; its weights lie next to it or where `locate` looks."""
    near = beside.parent / card.file
    path = near if near.exists() else locate(card.file, name=card.name)
    if path.stat().st_size != card.bytes:
        raise CardInvalid(
            f"{path}: has {path.stat().st_size:,} bytes, its card says {card.bytes:,}; the file and {beside.name} do not belong together"
        )
    verify(path, card.sha256)
    return OnnxRecogniser(card, path, threads=threads, runtime=runtime)


def recogniser(name: str, *, threads: int = 0) -> Recogniser:
    """A recogniser by name, or by the path of an .onnx file with its .json card beside it, of a card, or of a folder with one card.

    `:openvino` behind any that has a card runs its file by OpenVINO. UnknownName lists the names there are; WeightsMissing names the
    command that gets the file.
    """
    asked, _, runtime = name.rpartition(":")
    if runtime not in RUNTIMES:
        asked, runtime = name, RUNTIMES[0]
    found = by_path(asked)
    if found is None and _is_registered(asked):
        if asked != name:
            raise UsageError(f"recogniser {asked!r} is code that was registered and has no file for {runtime} to run; take {asked!r} alone")
        made = _factories[asked](threads)
        check_kind(f"what the factory of recogniser {asked!r} gives", made, Callable, "a recogniser")  # type: ignore[arg-type]
        return made
    return open_model(*(found or _by_name(asked)), threads=threads, runtime=runtime)


def by_path(name: str) -> tuple[ModelCard, Path] | None:
    """The card that a path leads to, with the file it was read from; None for what is no path.

    A bare word that is a known name is no path: whatever lies in the current folder, `base` stays `base`, and a folder called so is
    `./base`.
    """
    path = Path(name)
    if path.suffix in (".onnx", ".json"):
        card_path = path.with_suffix(".json")
        return ModelCard.read(card_path), card_path
    if path.is_dir() and (inside := sorted(_cards_in(path).items())) and not (path.name == name and name in names()):
        if len(inside) > 1:
            raise CardInvalid(f"{path}: has {len(inside)} models, {', '.join(name for name, _ in inside)}; name one of their .json files")
        return inside[0][1]
    return None


def _is_registered(name: str) -> bool:
    if name not in _factories:
        load_plugins()
    return name in _factories


def _by_name(name: str) -> tuple[ModelCard, Path]:
    for folder in weights_folders():  # the usual case: one small file is read, not all of them
        path = folder / f"{name}.json"
        if path.exists():
            return ModelCard.read(path), path
    known = cards()
    if name not in known:
        raise UnknownName("model", name, [*known, *_factories])
    return known[name]


def names() -> list[str]:
    """Names of all recognisers there are."""
    load_plugins()
    return sorted({*cards(), *_factories})
