"""State to JSON and back by its own types, so that a catalogue lasts without a schema of its own.

Takes dataclasses, lists, sets, tuples, dicts with any keys, datetimes and plain values, as their annotations say; what
does not fit the annotation is a ValueError. A member that is missing takes its default.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin

T = TypeVar("T")
_PLAIN = (str, int, float, bool, type(None))


def dumped(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return [dumped(one) for one in sorted(value)]
    if isinstance(value, (list, tuple)):
        return [dumped(one) for one in value]
    if isinstance(value, dict):
        return [[dumped(key), dumped(one)] for key, one in value.items()]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: dumped(getattr(value, one.name)) for one in dataclasses.fields(value)}
    raise ValueError(f"{type(value).__name__} cannot be kept")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def loaded(kind: type[T], data: Any) -> T:
    """Return the value of that type which `dumped` made `data` of, or raise ValueError."""
    try:
        return cast("T", _load(kind, data))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a kept {getattr(kind, '__name__', kind)}: {error}") from None


def _load(kind: Any, data: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _union(kind, data)
    if origin is not None:
        return _COLLECTIONS[origin](get_args(kind), data)
    if kind is Any:
        return data
    if kind is datetime:
        return datetime.fromisoformat(data)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _dataclass(kind, data)
    if kind not in _PLAIN or not isinstance(data, kind if kind is not float else (int, float)):
        raise ValueError(f"{data!r} is no {kind}")
    return data


def _union(kind: Any, data: Any) -> Any:
    for one in get_args(kind):
        if (one is type(None)) == (data is None):
            return None if data is None else _load(one, data)
    raise ValueError(f"{data!r} is no {kind}")


def _dataclass(kind: type, data: Any) -> Any:
    if not isinstance(data, dict):
        raise ValueError(f"{data!r} is no {kind.__name__}")
    hints = _hints(kind)
    return kind(**{name: _load(hints[name], one) for name, one in data.items() if name in hints})


def _tuple(args: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
    if len(args) == 2 and args[1] is ...:
        return tuple(_load(args[0], one) for one in data)
    return tuple(_load(kind, one) for kind, one in zip(args, data, strict=True))


def _dict(args: tuple[Any, ...], data: Any) -> dict[Any, Any]:
    return {_load(args[0], key): _load(args[1], one) for key, one in data}


_COLLECTIONS: dict[Any, Callable[[tuple[Any, ...], Any], Any]] = {
    list: lambda args, data: [_load(args[0], one) for one in data],
    set: lambda args, data: {_load(args[0], one) for one in data},
    frozenset: lambda args, data: frozenset(_load(args[0], one) for one in data),
    tuple: _tuple,
    dict: _dict,
}
