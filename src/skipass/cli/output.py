"""What a command prints: a table, JSON lines or CSV on standard output; remarks on standard error. Knows no command."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import orjson
import typer

from skipass.cli.visible import visible


class Format(StrEnum):
    """How what a command found is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def json_line(value: Mapping[str, Any]) -> str:
    """Return one JSON object in one line, members in the order they came."""
    return orjson.dumps(dict(value)).decode()


def cell(value: object) -> str:
    """Return one value as text for people: nothing for None, lists by commas, objects as JSON, nothing hidden."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return visible(", ".join(value))
    if isinstance(value, Mapping | list | tuple):
        return visible(orjson.dumps(value).decode())
    return visible(str(value))


def show_rows(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], form: Format) -> None:
    """Print rows: JSON gives each whole object in a line; table and CSV give the named columns under a header."""
    if form is Format.JSON:
        for row in rows:
            typer.echo(json_line(row))
        return
    cells = [[cell(row.get(column)) for column in columns] for row in rows]
    typer.echo(_csv(columns, cells) if form is Format.CSV else _table(columns, cells), nl=False)


def show_object(value: Mapping[str, Any], form: Format, columns: Sequence[str] | None = None) -> None:
    """Print one object: as one JSON object, as CSV with one row, or as a list of members and values."""
    names = list(columns or value)
    if form is not Format.TABLE:
        show_rows([value], names, form)
        return
    width = max((len(name) for name in names), default=0)
    for name in names:
        typer.echo(f"{name:<{width}}  {cell(value.get(name))}".rstrip())


def say(text: str = "") -> None:
    """Print text for people; commands say nothing of the kind when JSON or CSV was asked for."""
    typer.echo(text)


def note(text: str) -> None:
    """Print a remark on standard error, where it never mixes with what a program reads."""
    typer.echo(text, err=True)


def _csv(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(cells)
    return buffer.getvalue()


def _table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in cells:
        table.add_row(*(Text(value) for value in row))
    buffer = io.StringIO()
    terminal = sys.stdout.isatty()
    # A pipe has no width: nothing is folded there, so that grep and awk find whole values.
    console = Console(file=buffer, force_terminal=terminal, width=None if terminal else 1 << 16)
    console.print(table)
    return "".join(line.rstrip() + "\n" for line in buffer.getvalue().splitlines())
