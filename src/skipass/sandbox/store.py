"""A data directory: rows in a DuckDB file, everything else in one JSON file that is replaced whole.

What lasts: catalogue, rows, sign-in state, the provider's directory. What does not: statement handles and their
results, the query history, requests under way, faults and switches.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skipass.sandbox.account import Account
from skipass.sandbox.catalog import Catalog, Table
from skipass.sandbox.idp.model import Directory
from skipass.sandbox.oauth.model import SignIn
from skipass.sandbox.snapshot import dumped, loaded
from skipass.sandbox.versions import stored_names

ROWS, STATE = "rows.duckdb", "account.json"


@dataclass(slots=True)
class Kept:
    """The parts of the state file."""

    identity: tuple[str, str, str]
    catalog: Catalog
    sign_in: SignIn
    directory: Directory


@dataclass(slots=True)
class FileStore:
    """Keeps one account and the provider's directory in a folder that its owner alone may enter."""

    folder: Path
    directory: Directory
    _last: bytes = field(default=b"", repr=False)

    def save(self, account: Account) -> None:
        """Write the state if it changed; a reader sees the old file or the new one, never a part."""
        identity = (account.organization, account.name, account.locator)
        kept = Kept(identity, account.catalog, account.sign_in, self.directory)
        body = json.dumps(dumped(kept), separators=(",", ":")).encode()
        if body == self._last:
            return
        new = self.folder / f"{STATE}.new"
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.folder / STATE)
        self._last = body


def locked(folder: Path) -> int:
    """Return a handle that keeps other processes out of the folder while open; BlockingIOError if one is in."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    return handle


def read(folder: Path) -> Kept | None:
    """Return what a folder holds, None if nothing was kept there; ValueError for a file that is no state."""
    path = folder / STATE
    if not path.exists():
        return None
    data: Any = json.loads(path.read_bytes())
    return loaded(Kept, data)


def reconcile(account: Account) -> None:
    """Bring catalogue and rows together after a stop between the two: what only one of them knows is dropped."""
    root, catalog = account.engine.root, account.catalog
    query = "SELECT table_name FROM duckdb_tables() WHERE NOT internal"
    stored = {str(row[0]) for row in root.execute(query).fetchall()}
    for schema in [schema for database in catalog.databases.values() for schema in database.schemas.values()]:
        schema.tables = {name: table for name, table in schema.tables.items() if _has_rows(table, stored)}
    catalog.gone = [one for one in catalog.gone if all(_has_rows(table, stored) for table in one.tables())]
    tables = catalog.tables() + [table for one in catalog.gone for table in one.tables()]
    for table in tables:
        _cut(table, stored)
    for name in sorted(stored - {name for table in tables for name in stored_names(table)}):
        root.execute(f'DROP TABLE "{name}"')


def _has_rows(table: Table, stored: set[str]) -> bool:
    return table.view is not None or table.physical in stored


def _cut(table: Table, stored: set[str]) -> None:
    """A table has no past beyond the newest version that is lost."""
    lost = [index for index, one in enumerate(table.versions) if one.physical not in stored]
    if lost:
        table.kept_from = table.versions[lost[-1]].until
        table.versions = table.versions[lost[-1] + 1 :]
