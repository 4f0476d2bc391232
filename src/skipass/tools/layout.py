"""Rows as lines of text: a table, JSON or CSV. No invisible character survives, and no cell is longer than a bound."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

MAX_CELL_CHARS = 300

Lines: TypeAlias = tuple[list[str], list[str]]
"""The lines above the rows, and one line a row."""


def laid_out(names: Sequence[Any], rows: Sequence[Sequence[Any]], layout: object = None) -> Lines:
    """Return rows under their column names in a layout of `skipass.tools.choices.Format`, a table by default."""
    return _LAYOUTS.get(str(layout), _table)(names, rows)


def _table(names: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Lines:
    lines = [" | ".join(cell(value) for value in row) for row in rows]
    return [" | ".join(cell(name) for name in names)] if names else [], lines


def _csv(names: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Lines:
    lines = [",".join(_quoted(value) for value in row) for row in rows]
    return [",".join(_quoted(name) for name in names)] if names else [], lines


def _quoted(value: object) -> str:
    """Return a CSV field: nothing for NULL, so that it is not taken for empty text. Source: RFC 4180, 2."""
    if value is None:
        return ""
    shown = visible(compact(value), MAX_CELL_CHARS)
    return '"' + shown.replace('"', '""') + '"' if not shown or set(shown) & set('",\r\n') else shown


def _json(names: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Lines:
    """Return one JSON object a row, or where names are missing or not all different one array a row."""
    keys = [str(name) for name in names]
    named = bool(keys) and len(set(keys)) == len(keys)
    head = [_json_line(keys)] if keys and not named else []
    return head, [
        _json_line(dict(zip(keys, map(_short, row), strict=False)) if named else [*map(_short, row)]) for row in rows
    ]


def _short(value: object) -> Any:
    text = compact(value)
    return value if len(text) <= MAX_CELL_CHARS else f"{text[:MAX_CELL_CHARS]}… ({len(text):,} characters)"


def _json_line(value: object) -> str:
    """Return a line of JSON in which whatever cannot be seen is written as an escape."""
    line = json.dumps(value, ensure_ascii=False, default=_plain)
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in line)


_LAYOUTS: Mapping[str, Callable[[Sequence[Any], Sequence[Sequence[Any]]], Lines]] = MappingProxyType(
    {"table": _table, "csv": _csv, "json": _json}
)


def cell(value: object) -> str:
    """Return a value as a cell of a table, NULL told from text."""
    if value is None:
        return "NULL"
    return visible(compact(value), MAX_CELL_CHARS).replace("|", "\\|")


def compact(value: object) -> str:
    """Return text as it is, and anything else as JSON on one line."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=_plain)


def _plain(value: object) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def visible(text: str, limit: int) -> str:
    """Return at most `limit` characters, whatever cannot be seen escaped, with the whole length where it was cut."""
    shown = "".join(char if char.isprintable() else _escaped(char) for char in text[:limit])
    return shown if len(text) <= limit else f"{shown}… ({len(text):,} characters)"


def _escaped(char: str) -> str:
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char, f"\\u{{{ord(char):x}}}")
