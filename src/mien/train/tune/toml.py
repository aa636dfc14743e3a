"""Settings as TOML, which Python reads but does not write."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any


def as_toml(values: Any, *, head: str = "") -> str:
    """Nested settings (a dataclass or a mapping) as the text of a TOML file; what is None is left out. head: comment at its top."""
    plain = dataclasses.asdict(values) if dataclasses.is_dataclass(values) and not isinstance(values, type) else dict(values)
    comment = "".join(f"# {line}\n" for line in head.splitlines())
    return comment + _table(plain, "")


def _table(values: Mapping[str, Any], name: str) -> str:
    lines = [f"{_key(key)} = {_value(value)}\n" for key, value in values.items() if value is not None and not isinstance(value, Mapping)]
    tables = [_table(value, f"{name}.{_key(key)}".lstrip(".")) for key, value in values.items() if isinstance(value, Mapping)]
    return (f"\n[{name}]\n" if name else "") + "".join(lines) + "".join(tables)


def _key(key: str) -> str:
    return key if key and all(c.isascii() and (c.isalnum() or c in "_-") for c in key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_value(one)}' for key, one in value.items() if one is not None)} }}"
    raise TypeError(f"found a {type(value).__name__}; TOML has no such value")


def _text(value: str) -> str:
    """JSON's escapes are TOML's too; only DEL has to be escaped as well."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
