"""Between a frozen record and a row: every field becomes an integer, a text or bytes, and comes back exactly.

Times are UTC microseconds, enums and JSON are text, booleans are 0 and 1.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, TypeVar

import orjson

from skipass.audit.chain import micros
from skipass.nouns.scope import Scope, scope_from

R = TypeVar("R")
Coder = Callable[[Any], Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at_us: int) -> datetime:
    """Return the UTC time of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=at_us)


def encode(record: Any) -> dict[str, Any]:
    """Return the row of a record."""
    return {name: encode_value(getattr(record, name)) for name in codecs(type(record))}


def decode(kind: type[R], row: Mapping[str, Any]) -> R:
    """Return the record of a row."""
    return kind(**{name: None if row[name] is None else back(row[name]) for name, back in codecs(kind).items()})


def encode_value(value: Any) -> Any:
    """Return the stored form of one field's value."""
    if isinstance(value, datetime):
        return micros(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Scope):
        return orjson.dumps(value.as_dict()).decode()
    if isinstance(value, (tuple, dict)):
        return orjson.dumps(value).decode()
    return value


def codecs(kind: Any) -> dict[str, Coder]:
    """Return, field by field, the function that restores a stored value."""
    return _codecs(kind)


@cache
def _codecs(kind: Any) -> dict[str, Coder]:
    hints = typing.get_type_hints(kind)
    return {field.name: _decoder(plain_type(hints[field.name])) for field in fields(kind)}


def plain_type(hint: Any) -> Any:
    """Return the type of a field without its `| None`."""
    if isinstance(hint, types.UnionType):
        return next(arm for arm in hint.__args__ if arm is not type(None))
    return hint


def _decoder(hint: Any) -> Coder:
    origin = typing.get_origin(hint)
    if origin is tuple:
        item = _item(typing.get_args(hint)[0])
        return lambda text: tuple(item(x) for x in orjson.loads(text))
    if origin is dict:
        return orjson.loads
    if hint is datetime:
        return moment
    if hint is Scope:
        return lambda text: scope_from(orjson.loads(text))
    decoder: Coder = hint
    return decoder


def _item(hint: Any) -> Coder:
    """Return what restores one item of a tuple: a tuple itself, an enum or plain value, or an object as JSON has it."""
    item: Coder = typing.get_origin(hint) or hint
    return item
