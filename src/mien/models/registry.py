"""Recognisers by name: the embedded ones, those in folders, plug-ins. All register the same way."""

from __future__ import annotations

import inspect
import itertools
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeAlias, overload

from mien.errors import CardInvalid, MienError, UnknownName, UsageError, WeightsMissing
from mien.models.card import ModelCard
from mien.models.locate import locate, stamp, verify, weights_folders, without_bundled
from mien.models.plugins import load_plugins
from mien.models.recogniser import RUNTIMES, OnnxRecogniser
from mien.types import Recogniser, check_kind

log = logging.getLogger("mien")

PlainFactory: TypeAlias = Callable[[int], Recogniser]
"""Takes the number of threads (0: all) and gives a recogniser."""


class KeywordFactory(Protocol):
    """Gives a recogniser, and takes the number of threads as those of detectors do."""

    def __call__(self, *, threads: int) -> Recogniser:
        """For a number of threads, 0 for all."""
        ...


Factory: TypeAlias = PlainFactory | KeywordFactory

_factories: dict[str, Factory] = {}
_registered: dict[str, int] = {}
_turns = itertools.count(1)


@overload  # and not one signature with a union, in which type checkers do not see what a lambda is
def register(name: str, factory: PlainFactory) -> None: ...
@overload
def register(name: str, factory: KeywordFactory) -> None: ...
def register(name: str, factory: Factory) -> None:
    """Make a recogniser known by name. An existing name is replaced.

    factory: called once for each Analyzer, as `factory(threads)` with the CPU threads that a network may take, 0 for all; where its
    `threads` can be given by name alone, as `factory(threads=threads)`. Gives a recogniser: crops, uint8 (n, size, size, 1 or 3) ->
    Emotions, with `crop`, a CropSpec, beside it. Raises UsageError for an empty name or one with a colon, and for what cannot be called.

    >>> from mien.testing import FakeRecogniser
    >>> register("fake", lambda *, threads: FakeRecogniser())
    """
    if ":" in name or not name:
        raise UsageError(f"recogniser name {name!r}: wanted one without a colon, which separates the runtime")
    check_kind(f"factory of recogniser {name!r}", factory, Callable, "a callable that gives a recogniser")  # type: ignore[arg-type]
    _factories[name] = factory
    _registered[name] = next(_turns)


def cards() -> dict[str, tuple[ModelCard, Path]]:
    """Known cards by the name inside, with the file each was read from. A file that is not a card is passed over.

    Of a name the first folder that has it counts, and in there the file that is called so.
    """
    found: dict[str, tuple[ModelCard, Path]] = {}
    for folder in weights_folders():
        found = _cards_in(folder) | found
    return found


def broken_cards() -> dict[Path, str]:
    """What lies where models are looked for as a card does, an .onnx of its name beside it, and is none: the file, and what is wrong."""
    return {path: str(error) for folder in weights_folders() for path, error in _broken_in(folder).items()}


def _json_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json")) if os.path.isdir(folder) else []  # noqa: PTH112  Path.is_dir raises for one that may not be seen


def _cards_in(folder: Path) -> dict[str, tuple[ModelCard, Path]]:
    found: dict[str, tuple[ModelCard, Path]] = {}
    for path in _json_in(folder):
        try:
            card = ModelCard.read(path)
        except MienError:  # settings, figures, or a link that leads nowhere
            continue
        if card.name not in found or card.name == path.stem:
            found[card.name] = card, path
    return found


def _broken_in(folder: Path) -> dict[Path, MienError]:
    found: dict[Path, MienError] = {}
    for path in _json_in(folder):
        if path.with_suffix(".onnx").exists():
            try:
                ModelCard.read(path)
            except MienError as error:
                found[path] = error
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
    asked, runtime = _asked(name)
    found = by_path(asked)
    if found is None and _is_registered(asked):
        if asked != name:
            raise UsageError(f"recogniser {asked!r} is code that was registered and has no file for {runtime} to run; take {asked!r} alone")
        made = _made(_factories[asked], threads)
        check_kind(f"what the factory of recogniser {asked!r} gives", made, Callable, "a recogniser")  # type: ignore[arg-type]
        return made
    return open_model(*(found or _by_name(asked)), threads=threads, runtime=runtime)


def _made(factory: Factory, threads: int) -> Recogniser:
    """What a factory gives, called as it can be."""
    make: Any = factory
    try:
        own = inspect.signature(make).parameters.get("threads")
    except (TypeError, ValueError):  # code in C, which does not tell what it takes
        own = None
    made: Recogniser = make(threads=threads) if own is not None and own.kind is own.KEYWORD_ONLY else make(threads)
    return made


def edition(name: str) -> tuple[object, ...]:
    """What tells the recogniser of this name or path from another that was there before: which registration it is, and which files."""
    asked = _asked(name)[0]
    path = Path(asked)
    if path.suffix in (".onnx", ".json"):
        files = [path.with_suffix(".json"), path.with_suffix(".onnx")]
    else:
        _is_registered(asked)  # if by a plug-in, then from here on
        # All cards, since one may be called otherwise than its model. Each has the hash of its weights.
        files = [file for folder in (path, *weights_folders()) for file in _json_in(folder)]
    return _registered.get(asked), *((str(file), stamp(file)) for file in files)


def _asked(name: str) -> tuple[str, str]:
    """A name or path without its runtime, and that."""
    asked, _, runtime = name.rpartition(":")
    return (asked, runtime) if runtime in RUNTIMES else (name, RUNTIMES[0])


def by_path(name: str) -> tuple[ModelCard, Path] | None:
    """The card that a path leads to, with the file it was read from; None for what is no path.

    A bare word that is a known name is no path: whatever lies in the current folder, `base` stays `base`, and a folder called so is
    `./base`.
    """
    path = Path(name)
    if path.suffix in (".onnx", ".json"):
        card_path = path.with_suffix(".json")
        return ModelCard.read(card_path), card_path
    if not path.is_dir() or (path.name == name and name in names()):
        return None
    inside = sorted(_cards_in(path).items())
    if len(inside) > 1:
        raise CardInvalid(f"{path}: has {len(inside)} models, {', '.join(name for name, _ in inside)}; name one of their .json files")
    if not inside and (broken := _broken_in(path)):
        raise next(iter(broken.values()))
    return inside[0][1] if inside else None


def _is_registered(name: str) -> bool:
    if name not in _factories:
        load_plugins()
    return name in _factories


def _by_name(name: str) -> tuple[ModelCard, Path]:
    """The card that `cards` has under a name; in the usual case one small file is read for it, not all of them."""
    broken: CardInvalid | None = None
    for folder in weights_folders():
        path, found = folder / f"{name}.json", None
        if path.is_file():
            try:
                found = ModelCard.read(path), path
            except CardInvalid as error:
                broken = broken or error
        if found is None or found[0].name != name:
            found = _cards_in(folder).get(name)
        if found is not None:
            if broken is not None:
                log.warning("%s; %s is taken", broken, found[1])
            return found
    known = [*cards(), *_factories]
    if not (broken or known) and (todo := without_bundled()):
        raise WeightsMissing(f"model {name!r} is not here, and no other: {todo}")
    raise broken or UnknownName("model", name, known)


def names() -> list[str]:
    """Names of all recognisers there are."""
    load_plugins()
    return sorted({*cards(), *_factories})
