"""Strict JSON in, compact JSON out.

A text that two parsers could read differently is refused: duplicate members, NaN, infinities, lone surrogates, a byte
order mark. Depth and size are bounded before a parser sees the text. Integers keep every digit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Never

import orjson

from skipass.errors import SkipassError

# A whole string, or one bracket; a lone quote is a string that never ends. Possessive, so the scan is linear.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{}]', re.DOTALL)


def parse_json(text: bytes, *, max_depth: int, max_tokens: int) -> Any:
    """Return the value of one JSON text, or raise `invalid_request`.

    `max_depth` bounds nesting, `max_tokens` the number of strings and brackets together.
    Source: RFC 8259; RFC 7493 2.3 (member names are unique).
    """
    _bound(text, max_depth, max_tokens)
    try:
        orjson.loads(text)
        return json.loads(text, object_pairs_hook=_unique)
    except ValueError:
        raise _malformed("it is not well-formed") from None


def to_json(value: Any) -> bytes:
    """Return compact UTF-8 JSON; mappings and sequences of every kind, integers of any size."""
    try:
        return orjson.dumps(value, default=_plain)
    except orjson.JSONEncodeError:
        return json.dumps(value, default=_plain, separators=(",", ":"), allow_nan=False).encode()


def _bound(text: bytes, max_depth: int, max_tokens: int) -> None:
    depth = 0
    for count, match in enumerate(_TOKEN.finditer(text)):
        token = match.group()
        if token in (b"[", b"{"):
            depth += 1
        elif token in (b"]", b"}"):
            depth -= 1
        elif token == b'"':
            raise _malformed("a string does not end")
        if depth > max_depth:
            raise _malformed(f"it nests deeper than {max_depth} levels")
        if count >= max_tokens:
            raise _malformed(f"it has more than {max_tokens:,} strings and brackets")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _malformed("an object names the same member twice")
    return members


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    return _refuse(value)


def _refuse(value: object) -> Never:
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _malformed(why: str) -> SkipassError:
    return SkipassError("invalid_request", f"The body is not acceptable JSON: {why}.", "Send one UTF-8 JSON text.")
