"""Rows as lines of text: a table, JSON or CSV. Nothing hidden survives, and no cell is longer than a bound.

The more columns, the shorter a cell may be, so that a few rows of any width fit a context window.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from skipass.visible import is_plain, visible

MAX_CELL_CHARS = 300
MAX_COLUMNS = 200
_ROW_CHARS = 5_000
_COUNTED_FROM_CHARS = 100
_NAMED_CHARS = 2_000

Lines: TypeAlias = tuple[list[str], Iterator[str]]
"""The lines above the rows, and one line a row, made when it is asked for: most of a long result is never shown."""


def laid_out(names: Sequence[Any], rows: Iterable[Sequence[Any]], columns: int, layout: object = None) -> Lines:
    """Return rows under their column names in a layout of `skipass.tools.choices.Format`, a table by default.

    `columns` is how many there are; the first `MAX_COLUMNS` of them are laid out, and the caller says so.
    """
    lay_out, width = _LAYOUTS.get(str(layout), _table), _Width.of(min(columns, MAX_COLUMNS))
    return lay_out(names[:MAX_COLUMNS], (row[:MAX_COLUMNS] for row in rows), width)


@dataclass(frozen=True, slots=True)
class _Width:
    """How many characters a cell has, and whether one that was cut says how many there were."""

    chars: int
    counted: bool

    @classmethod
    def of(cls, columns: int) -> _Width:
        chars = min(MAX_CELL_CHARS, _ROW_CHARS // max(columns, 1))
        return cls(chars, chars >= _COUNTED_FROM_CHARS)

    def shown(self, text: str) -> str:
        return visible(text, self.chars, counted=self.counted)


_WHOLE = _Width(MAX_CELL_CHARS, counted=True)


def _table(names: Sequence[Any], rows: Iterable[Sequence[Any]], width: _Width) -> Lines:
    lines = (" | ".join(cell(value, width) for value in row) for row in rows)
    return [" | ".join(cell(name, width) for name in names)] if names else [], lines


def _csv(names: Sequence[Any], rows: Iterable[Sequence[Any]], width: _Width) -> Lines:
    lines = (",".join(_quoted(value, width) for value in row) for row in rows)
    return [",".join(_quoted(name, width) for name in names)] if names else [], lines


def _quoted(value: object, width: _Width) -> str:
    """Return a CSV field: nothing for NULL, so that it is not taken for empty text. Source: RFC 4180, 2."""
    if value is None:
        return ""
    shown = width.shown(compact(value))
    return '"' + shown.replace('"', '""') + '"' if not shown or set(shown) & set('",\r\n') else shown


def _json(names: Sequence[Any], rows: Iterable[Sequence[Any]], width: _Width) -> Lines:
    """Return one JSON object a row, or one array a row where names are missing, not all different, or very long."""
    keys = [width.shown(str(name)) for name in names]
    named = bool(keys) and len(set(keys)) == len(keys) and sum(map(len, keys)) <= _NAMED_CHARS
    head = [_json_line(keys)] if keys and not named else []
    cells = ([_short(value, width) for value in row] for row in rows)
    return head, (_json_line(dict(zip(keys, row, strict=False)) if named else row) for row in cells)


def _short(value: object, width: _Width) -> Any:
    """Return a value as it is where it is short, with its escapes too; else the start of its text."""
    text = compact(value)
    if len(text) <= width.chars and (is_plain(text) or len(_json_line(text)) <= 2 * width.chars):
        return value
    return width.shown(text)


def _json_line(value: object) -> str:
    """Return a line of JSON in which whatever cannot be seen is written as an escape."""
    line = json.dumps(value, ensure_ascii=False, default=_plain)
    return line if is_plain(line) else "".join(char if is_plain(char) else json.dumps(char)[1:-1] for char in line)


_LAYOUTS: Mapping[str, Callable[[Sequence[Any], Iterable[Sequence[Any]], _Width], Lines]] = MappingProxyType(
    {"table": _table, "csv": _csv, "json": _json}
)


def cell(value: object, width: _Width = _WHOLE) -> str:
    """Return a value as a cell of a table; text that could pass for NULL, or for nothing, stands in quotes."""
    if value is None:
        return "NULL"
    shown = width.shown(compact(value)).replace("|", "\\|")
    return f'"{shown}"' if isinstance(value, str) and _is_unclear(shown) else shown


def _is_unclear(shown: str) -> bool:
    return shown in ("", "NULL") or shown != shown.strip(" ") or (len(shown) > 1 and shown[0] == shown[-1] == '"')


def compact(value: object) -> str:
    """Return text as it is, and anything else as JSON on one line."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=_plain)


def _plain(value: object) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)
