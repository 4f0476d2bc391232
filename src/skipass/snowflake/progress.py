"""A progress bar for long fetches, on a terminal and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

Advance = Callable[[int], None]


def _nothing(rows: int) -> None:
    pass


@contextmanager
def shown(wanted: bool, total_rows: int | None, stream: TextIO | None = None) -> Iterator[Advance]:
    """Give a function that takes note of so many more rows; on a terminal a bar on `stream` (stderr) shows them."""
    stream = stream or sys.stderr
    if not wanted or not stream.isatty():
        yield _nothing
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("fetching"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task("fetching", total=total_rows)

        def advance(rows: int) -> None:
            bar.advance(task, rows)

        yield advance
