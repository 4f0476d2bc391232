"""Keeps a copy of a table's rows before each change, so that Time Travel has something to travel to.

A copy belongs to the transaction of its change: both are there or neither is. Number, bytes and age are bounded; the
oldest go first. A table that is too large to be copied loses its past when it changes.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from skipass.sandbox.catalog import Table
from skipass.sandbox.columns import Column, Version
from skipass.sandbox.execution import Execution
from skipass.sandbox.names import quoted

MAX_VERSIONS = 300
MAX_BYTES = 128 * 1024 * 1024
MAX_VERSION_BYTES = 32 * 1024 * 1024
_CELL_BYTES = 16
_TEXTS = ("VARCHAR", "VARIANT", "OBJECT", "ARRAY")


def changed(execution: Execution, table: Table, work: Callable[[], int]) -> int:
    """Run what changes a table, with its former rows kept; returns how many rows `work` says it changed."""
    with execution.run.transaction():
        before = _copied(execution, table)
        count = work()
        if count:
            _keep(execution, table, before)
        elif before.physical:
            execution.run.execute(f'DROP TABLE "{before.physical}"')
    return count


def _copied(execution: Execution, table: Table) -> Version:
    """Return the rows as they are, copied; without a name if they are not to be kept."""
    size = _size_bytes(execution, table)
    name = f"h{uuid.uuid4().hex}" if table.retention_days and size <= MAX_VERSION_BYTES else ""
    if name:
        execution.run.execute(f'CREATE TABLE "{name}" AS SELECT * FROM "{table.physical}"')
    return Version(execution.handle, execution.account.now(), tuple(table.columns), name, size)


def _size_bytes(execution: Execution, table: Table) -> int:
    sizes = "".join(f" + coalesce({_length(one)}, 0)" for one in table.columns if _length(one))
    cells = _CELL_BYTES * len(table.columns)
    rows = execution.run.execute(f'SELECT coalesce(sum({cells}{sizes}), 0) FROM "{table.physical}"')
    return int(rows[0][0])


def _length(column: Column) -> str:
    base = column.type.partition("(")[0]
    if base in _TEXTS:
        return f"strlen({quoted(column.name)})"
    return f"octet_length({quoted(column.name)})" if base == "BINARY" else ""


def _keep(execution: Execution, table: Table, version: Version) -> None:
    if not execution.kept and not execution.forgotten:
        execution.run.at_end(lambda committed: _settle(execution, committed=committed))
    if version.physical:
        execution.kept.append((table, version))
    else:
        _forget(execution, [(table, one) for one in table.versions])
        execution.forgotten.append((table, version))
    _forget(execution, list(_surplus(execution)))


def _forget(execution: Execution, versions: list[tuple[Table, Version]]) -> None:
    for table, version in versions:
        execution.run.execute(f'DROP TABLE IF EXISTS "{version.physical}"')
        execution.forgotten.append((table, version))


def _surplus(execution: Execution) -> Iterator[tuple[Table, Version]]:
    """Yield what is beyond the bounds, oldest first."""
    gone = {version.physical for _, version in execution.forgotten}
    everything = [one for one in [*_stored(execution), *execution.kept] if one[1].physical not in gone]
    everything.sort(key=lambda one: one[1].until)
    count, size = len(everything), sum(version.size_bytes for _, version in everything)
    now = execution.account.now()
    for table, version in everything:
        if count > MAX_VERSIONS or size > MAX_BYTES or version.until < _oldest(table, now):
            yield table, version
            count, size = count - 1, size - version.size_bytes


def _stored(execution: Execution) -> list[tuple[Table, Version]]:
    catalog = execution.account.catalog
    tables = [*catalog.tables(), *(table for one in list(catalog.gone) for table in one.tables())]
    return [(table, version) for table in tables for version in table.versions]


def _oldest(table: Table, now: datetime) -> datetime:
    return now - timedelta(days=table.retention_days)


def _settle(execution: Execution, *, committed: bool) -> None:
    """Tell the catalogue what became of the copies; other statements see them from now on."""
    kept, forgotten = execution.kept, execution.forgotten
    execution.kept, execution.forgotten = [], []
    if not committed:
        return
    for table, version in kept:
        table.versions = (*table.versions, version)
    for table, version in forgotten:
        table.versions = tuple(one for one in table.versions if one.physical != version.physical)
        table.kept_from = max(version.until, table.kept_from or version.until)


def stored_names(table: Table) -> list[str]:
    """Return the names of everything that DuckDB holds for a table."""
    rows = [table.physical] if table.view is None else []
    return [*rows, *(version.physical for version in table.versions)]
