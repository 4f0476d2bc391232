"""Telling the story: for a terminal, plain where it is piped, or one JSON object a step."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from skipass.demo.story import Told

SHOWN = 200


class Teller:
    """Prints steps as they are done."""

    def __init__(self, form: str) -> None:
        self._json = form == "json"
        # A pipe has no width: nothing is folded there.
        width = None if sys.stdout.isatty() else 1 << 16
        self._console = Console(file=sys.stdout, highlight=False, soft_wrap=width is not None, width=width)
        self.told = 0
        """How many steps were told."""

    def open(self) -> None:
        """Say what is about to be seen."""
        if not self._json:
            self._console.print("[bold]skipass[/]: an agent, a person, and a Snowflake account between them.\n")

    def step(self, told: Told) -> None:
        """Print one step."""
        self.told += 1
        if self._json:
            line = {"step": told.step, "ok": True, "explanation": told.explanation, "seen": told.seen}
            sys.stdout.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE, default=str))
            sys.stdout.buffer.flush()
            return
        self._console.print(f"[bold cyan]{self.told:2}. {told.step}[/]  {escape(told.explanation)}")
        for name, value in told.seen.items():
            self._show(name, value)
        self._console.print()

    def failed(self, step: str, reason: str) -> None:
        """Print the step that did not come out, and why."""
        if self._json:
            sys.stdout.buffer.write(orjson.dumps({"step": step, "ok": False, "reason": reason}) + b"\n")
            sys.stdout.buffer.flush()
        else:
            self._console.print(f"[bold red]{step} failed[/]  {escape(reason)}")

    def _show(self, name: str, value: Any) -> None:
        if isinstance(value, Sequence) and value and isinstance(value[0], (Mapping, list)):
            self._table(name, value)
            return
        text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
        self._console.print(f"    [dim]{name}[/]: {escape(text)}")

    def _table(self, name: str, rows: Sequence[Any]) -> None:
        table = Table(box=None, padding=(0, 2), show_header=isinstance(rows[0], Mapping), title_justify="left")
        if isinstance(rows[0], Mapping):
            for column in rows[0]:
                table.add_column(str(column), style="dim" if column == "at" else "")
        for row in rows[:SHOWN]:
            cells = row.values() if isinstance(row, Mapping) else row
            table.add_row(*(escape(str(cell)) for cell in cells))
        self._console.print(f"    [dim]{name}[/]:")
        self._console.print(table)
        if len(rows) > SHOWN:
            self._console.print(f"      … and {len(rows) - SHOWN} more")
