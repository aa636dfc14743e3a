"""A training's settings as options: every field of TrainConfig is one, with its sentence as help."""

from __future__ import annotations

import functools
import inspect
import tomllib
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from mien.errors import UsageError
from mien.train.config import Entry, entries

PANEL = "Settings (as in the TOML file, and instead of what stands there)"


def with_settings(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb with an option for each setting; those that are given reach it as `changes`, {dotted name: value}."""
    own = [p for p in inspect.signature(verb, eval_str=True).parameters.values() if p.name != "changes"]

    @functools.wraps(verb)
    def command(**given: Any) -> None:
        changes = {}
        for entry in entries():
            value = given.pop(_word(entry))
            if value is not None:
                changes[entry.name] = _parsed(entry, value)
        verb(**given, changes=changes)

    added = [
        inspect.Parameter(_word(entry), inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_annotation(entry)) for entry in entries()
    ]
    own = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    command.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in (*own, *added)}
    del command.__wrapped__  # its signature is not this one's
    return command


def _word(entry: Entry) -> str:
    return entry.name.replace(".", "_")


def _flag(entry: Entry) -> str:
    return "--" + entry.name.replace(".", "-").replace("_", "-")


def _annotation(entry: Entry) -> Any:
    kind = _plain(entry.kind)
    shown = entry.default if not isinstance(entry.default, (tuple, Mapping)) else ",".join(map(str, entry.default))
    default = f" [default: {str(shown).lower() if kind is bool else shown}]" if shown not in (None, "") else ""
    help_text = f"{entry.says}{default}"
    if kind is bool:
        return Annotated[bool | None, typer.Option(f"{_flag(entry)}/--no-{_flag(entry)[2:]}", help=help_text, rich_help_panel=PANEL)]
    simple = {int: "INTEGER", float: "NUMBER", str: "WORD"}
    metavar = simple.get(kind, "TABLE" if typing.get_origin(kind) is not tuple else "A,B,...")
    return Annotated[str | None, typer.Option(_flag(entry), help=help_text, metavar=metavar, rich_help_panel=PANEL)]


def _plain(kind: Any) -> Any:
    """The type without its None."""
    return next(one for one in typing.get_args(kind) if one is not type(None)) if isinstance(kind, types.UnionType) else kind


def _parsed(entry: Entry, value: Any) -> Any:
    """The value of an option as the setting has it: a word is taken as it stands, the others as TOML writes them."""
    kind = _plain(entry.kind)
    if kind in (bool, str):
        return value
    if typing.get_origin(kind) is tuple:
        words = [word.strip() for word in value.split(",") if word.strip()]
        return [_toml(entry, word) if typing.get_args(kind)[0] is not str else word for word in words]
    return _toml(entry, value)


def _toml(entry: Entry, word: str) -> Any:
    try:
        return tomllib.loads(f"value = {word}")["value"]
    except tomllib.TOMLDecodeError:
        raise UsageError(f"{_flag(entry)}: found {word!r}, wanted a value such as {entry.default!r}") from None
