"""The migrations lead to exactly the tables that the code uses."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from postgres import Postgres
from skipass.errors import SkipassError
from skipass.secret import Secret
from skipass.storage.migrate import migrate, newest
from skipass.storage.pgmigrate import LOCK, upgrade
from skipass.storage.pgmigrate import migrate as migrate_server
from skipass.storage.tables import metadata


def test_migrations_and_tables_are_the_same(migrated: Path) -> None:
    """A comparison of the migrated file with the tables, types and indexes included, finds nothing to do."""
    engine = create_engine(f"sqlite:///{migrated}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == newest()
    engine.dispose()


@pytest.mark.anyio
async def test_migrations_make_the_same_tables_on_a_server(postgres: Postgres, shared: str) -> None:
    """Columns with types and NULLs, keys and indexes in PostgreSQL are those of the tables; texts sort as bytes."""
    connection = await postgres.connect(shared)
    columns = await connection.fetch(
        "SELECT table_name, column_name, data_type, is_nullable, collation_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
    )
    indexes = await connection.fetch(
        "SELECT c.relname AS table, i.relname AS name, x.indisunique AS unique,"
        " array_agg(a.attname::text ORDER BY array_position(x.indkey::int2[], a.attnum)) AS columns"
        " FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(x.indkey)"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version' GROUP BY 1, 2, 3"
    )
    await connection.close()
    kinds = {"BIGINT": ("bigint", None), "TEXT": ("text", "C"), "BLOB": ("bytea", None)}
    expected = {
        (table.name, c.name, *kinds[str(c.type)], c.nullable)
        for table in metadata.tables.values()
        for c in table.columns
    }
    found = {
        (row["table_name"], row["column_name"], row["data_type"], row["collation_name"], row["is_nullable"] == "YES")
        for row in columns
    }
    assert found == expected
    keys = {(t.name, f"{t.name}_pkey", True, tuple(c.name for c in t.primary_key)) for t in metadata.tables.values()}
    made = {
        (t.name, index.name, bool(index.unique), tuple(c.name for c in index.columns))
        for t in metadata.tables.values()
        for index in t.indexes
    }
    assert {(row["table"], row["name"], row["unique"], tuple(row["columns"])) for row in indexes} == keys | made


@pytest.mark.anyio
async def test_processes_that_start_together_migrate_once(postgres: Postgres) -> None:
    """Several migrations of one empty database at the same time all succeed, and a further one finds nothing to do."""
    name = await postgres.create()
    server, url = postgres.server(name), Secret(postgres.url(name))
    await asyncio.gather(*(upgrade(server) for _ in range(3)))
    await migrate_server(server, url)
    connection = await postgres.connect(name)
    assert await connection.fetchval("SELECT array_agg(version_num) FROM alembic_version") == [newest()]
    await connection.close()
    await postgres.drop(name)


@pytest.mark.anyio
async def test_a_migration_shows_no_password(postgres: Postgres) -> None:
    """While it waits for another one, the process that migrates has neither argument nor variable with the address."""
    name = await postgres.create()
    connection = await postgres.connect(name)
    await connection.execute(f"SELECT pg_advisory_lock({LOCK})")
    migrating = asyncio.create_task(migrate_server(postgres.server(name), Secret(postgres.url(name))))
    while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
        await asyncio.sleep(0.05)
    of_child = [b"".join((one / "cmdline").read_bytes() + (one / "environ").read_bytes() for one in children())]
    await connection.close()
    await migrating
    assert b"pgmigrate" in of_child[0]
    assert postgres.password.encode() not in of_child[0]
    await postgres.drop(name)


def children() -> list[Path]:
    """Return the folders of this process's children that migrate."""
    mine = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    folders = [Path(f"/proc/{pid}") for pid in mine]
    return [one for one in folders if b"pgmigrate" in (one / "cmdline").read_bytes()]


@pytest.mark.anyio
async def test_a_migration_that_fails_leaves_nothing(postgres: Postgres, capfd: pytest.CaptureFixture[str]) -> None:
    """Where a table of ours is in the way the whole migration is undone, and the message holds no password."""
    name = await postgres.create()
    connection = await postgres.connect(name)
    await connection.execute("CREATE TABLE writers (id text)")
    with pytest.raises(SkipassError) as refused:
        await migrate_server(postgres.server(name), Secret(postgres.url(name)))
    assert refused.value.code == "internal_error"
    assert '"writers" already exists' in refused.value.message
    assert postgres.password not in refused.value.message + "".join(capfd.readouterr())
    assert await connection.fetchval("SELECT count(*) FROM pg_class WHERE relname = 'agents'") == 0
    await connection.close()
    await postgres.drop(name)


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
