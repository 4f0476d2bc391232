"""Bindings: from the request's `{"type", "value"}` to literals in the statement's tree.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/submitting-requests (using bind variables).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlglot import exp

from skipass.sandbox import failures
from skipass.sandbox.lexer import Token

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOS = 60_000_000_000
_FIXED = re.compile(r"[+-]?\d+(\.\d*)?\Z")
_REAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z|(?i:nan|[+-]?inf)\Z")
_INTEGER = re.compile(r"[+-]?\d+\Z")


def numbered(text: str, tokens: list[Token]) -> str:
    """Return the text with each `?` as `:1`, `:2` …, so that the tree keeps their order."""
    out, last, count = [], 0, 0
    for token in tokens:
        if token.kind == "punct" and token.text == "?":
            count += 1
            out += [text[last : token.start], f" :{count} "]
            last = token.end
    return "".join(out) + text[last:] if out else text


def values(bindings: object) -> dict[str, exp.Expression]:
    """Return a literal for each binding by its position; 100037 for one that its type cannot read."""
    if bindings is None:
        return {}
    if not isinstance(bindings, Mapping):
        raise failures.payload()
    return {str(position): _value(entry) for position, entry in bindings.items()}


def _value(entry: object) -> exp.Expression:
    if not isinstance(entry, Mapping):
        raise failures.payload()
    kind, value = str(entry.get("type", "")).upper(), entry.get("value")
    if kind not in _READERS or not (value is None or isinstance(value, str)):
        raise _bad(kind, value)
    if value is None:
        return exp.Null()
    try:
        return _READERS[kind](value)
    except (ValueError, OverflowError):
        raise _bad(kind, value) from None


def _bad(kind: str, value: object) -> failures.Failure:
    return failures.Failure("100037", "22018", f"{kind} value '{value}' is not recognized")


def substitute(tree: exp.Expression, found: Mapping[str, exp.Expression]) -> exp.Expression:
    """Put the literals in the place of their placeholders; 002049 for a placeholder without a binding."""

    def put(node: Any) -> Any:
        if not isinstance(node, exp.Placeholder):
            return node
        name = str(node.this or "")
        if name not in found:
            shown = "?" if name.isdigit() else f":{name}"
            raise failures.compilation("002049", "42601", f"Bind variable {shown} not set.")
        return found[name].copy()

    replaced: exp.Expression = tree.transform(put, copy=False)
    return replaced


def _fixed(value: str) -> exp.Expression:
    if not _FIXED.match(value):
        raise ValueError(value)
    number = exp.Literal.number(value.lstrip("+-"))
    return exp.Neg(this=number) if value.startswith("-") else number


def _real(value: str) -> exp.Expression:
    if not _REAL.match(value):
        raise ValueError(value)
    return _cast(value, "DOUBLE")


def _boolean(value: str) -> exp.Expression:
    if value.lower() not in ("true", "false", "1", "0"):
        raise ValueError(value)
    return exp.Boolean(this=value.lower() in ("true", "1"))


def _binary(value: str) -> exp.Expression:
    return exp.Unhex(this=exp.Literal.string(bytes.fromhex(value).hex()))


def _date(value: str) -> exp.Expression:
    moment = _EPOCH + timedelta(milliseconds=_integer(value))
    return _cast(moment.strftime("%Y-%m-%d"), "DATE")


def _time(value: str) -> exp.Expression:
    moment = _EPOCH + timedelta(microseconds=_integer(value) // 1000)
    return _cast(moment.strftime("%H:%M:%S.%f"), "TIME")


def _timestamp(value: str) -> exp.Expression:
    return _cast(_wall(_integer(value)), "TIMESTAMP")


def _local(value: str) -> exp.Expression:
    return exp.Cast(
        this=exp.Literal.string(_wall(_integer(value)) + "+00:00"), to=exp.DataType(this=exp.DType.TIMESTAMPLTZ)
    )


def _offset(value: str) -> exp.Expression:
    nanos, _, offset = value.partition(" ")
    minutes = _integer(offset) - 1440
    if not -1440 <= minutes <= 1440:
        raise ValueError(value)
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    return _cast(f"{_wall(_integer(nanos) + minutes * _NANOS)}{sign}{hours:02d}:{rest:02d}", "TIMESTAMPTZ")


def _wall(nanos: int) -> str:
    return (_EPOCH + timedelta(microseconds=nanos // 1000)).strftime("%Y-%m-%d %H:%M:%S.%f")


def _integer(value: str) -> int:
    if not _INTEGER.match(value):
        raise ValueError(value)
    return int(value)


def _cast(text: str, kind: str) -> exp.Expression:
    return exp.cast(exp.Literal.string(text), kind, dialect="duckdb")


def _text(value: str) -> exp.Expression:
    return exp.Literal.string(value)


_READERS: dict[str, Callable[[str], exp.Expression]] = {
    "FIXED": _fixed,
    "REAL": _real,
    "DECFLOAT": _real,
    "TEXT": _text,
    "BINARY": _binary,
    "BOOLEAN": _boolean,
    "DATE": _date,
    "TIME": _time,
    "TIMESTAMP_NTZ": _timestamp,
    "TIMESTAMP_LTZ": _local,
    "TIMESTAMP_TZ": _offset,
}
