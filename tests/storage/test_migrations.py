"""The migrations lead to exactly the tables that the code uses."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from skipass.errors import SkipassError
from skipass.storage.migrate import migrate, newest
from skipass.storage.tables import metadata


def test_migrations_and_tables_are_the_same(migrated: Path) -> None:
    """A comparison of the migrated file with the tables, types and indexes included, finds nothing to do."""
    engine = create_engine(f"sqlite:///{migrated}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == newest()
    engine.dispose()


def test_a_second_migration_changes_nothing(database: Path) -> None:
    """A database that is up to date is left byte for byte as it is."""
    before = database.read_bytes()
    migrate(database)
    assert database.read_bytes() == before


def test_a_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    """The file is made readable by its owner only."""
    migrate(tmp_path / "new.sqlite3")
    assert stat.S_IMODE((tmp_path / "new.sqlite3").stat().st_mode) == 0o600


def test_what_is_no_database_is_not_migrated(tmp_path: Path) -> None:
    """Another file in its place is an error that says so, and stays as it was."""
    path = tmp_path / "skipass.sqlite3"
    path.write_text("not a database, but long enough to have a header of its own " * 20)
    with pytest.raises(SkipassError) as refused:
        migrate(path)
    assert refused.value.code == "internal_error"
    assert path.read_text().startswith("not a database")


def test_an_append_only_table_has_no_two_records_of_one_number(migrated: Path, tmp_path: Path) -> None:
    """The database itself refuses a second record with the same tenant, writer and sequence number."""
    row = ("t", "w", 1, 0, "k", "s", None, "{}", "p", "h")
    with contextlib.closing(sqlite3.connect(migrated, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute("ROLLBACK")
