"""The second wall as a judge: an account in this process whose role holds exactly what a scope names.

It reads names, privileges and DuckDB's bound plan by itself; nothing of the guard is in here.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from threading import Timer

import duckdb

from fuzz.catalogue import COLUMNS, WAREHOUSE, Name, World, dotted
from skipass.sandbox import failures, pipeline
from skipass.sandbox.account import Account
from skipass.sandbox.catalog import User
from skipass.sandbox.cells import Formats
from skipass.sandbox.demo import run_script
from skipass.sandbox.execution import Execution
from skipass.sandbox.session import Session
from skipass.sandbox.world import build_account

ROLE, USER, OUTSIDE = "NARROW", "READER", "OUTSIDE"
_PATIENCE_S = 2.0
# Not there or not authorised; insufficient privileges; cannot be performed.
_REFUSALS = frozenset(("002003", "003001", "002043"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a statement: its rows, or the code of a refusal."""

    rows: tuple[tuple[str, ...], ...] = ()
    code: str | None = None
    message: str = ""

    @property
    def ran(self) -> bool:
        """Tell whether it ran."""
        return self.code is None

    @property
    def refused(self) -> bool:
        """Tell whether a privilege was missing, as far as the account lets on."""
        return self.code in _REFUSALS

    @property
    def leaks(self) -> bool:
        """Tell whether a cell shows what only objects outside hold."""
        return any(OUTSIDE in cell.upper() for row in self.rows for cell in row)


class Wall:
    """An account with the objects of a world and a role for its scope."""

    def __init__(self, world: World) -> None:
        self.account: Account = build_account(bare=True, scale=0)
        run_script(self.account, "ADMIN", ";".join(_objects(world)))
        run_script(self.account, "ADMIN", ";".join(grants(world.granted, world.views)))
        add_reader(self.account)

    def run(self, sql: str, place: tuple[str, str]) -> Answer:
        """Run a text under the narrow role with this current database and schema."""
        return run_as(self.account, sql, place)

    def close(self) -> None:
        """Give the account's memory back."""
        self.account.engine.close()


def add_reader(account: Account) -> None:
    """Add the user who holds the narrow role and nothing else."""
    user = User(USER, USER, account.now(), roles={ROLE})
    user.options["DEFAULT_ROLE"] = ROLE
    account.catalog.users[USER] = user


def run_as(account: Account, sql: str, place: tuple[str, str]) -> Answer:
    """Run a text as the reader, with this current database and schema."""
    session = Session(account.catalog.users[USER], ROLE, WAREHOUSE, *place, account.now())
    run = account.engine.open()
    # Some statements ask to wait; none is waited for longer.
    watch = Timer(_PATIENCE_S, run.stop, (failures.cancelled(),))
    watch.start()
    try:
        output = pipeline.single(Execution(account, session, run, "fuzz", Formats()), sql)
    except failures.Failure as failure:
        return Answer(code=failure.code, message=failure.message)
    finally:
        watch.cancel()
        run.close()
    rows = [row for partition in output.partitions for row in partition.rows or ()]
    return Answer(tuple(sorted(tuple(str(cell) for cell in row) for row in rows)))


def _objects(world: World) -> Iterable[str]:
    yield f"CREATE WAREHOUSE {WAREHOUSE}"
    yield f"USE WAREHOUSE {WAREHOUSE}"
    for database in dict.fromkeys(d for d, _ in world.schemas):
        yield f"CREATE DATABASE {dotted((database,))}"
    for schema in world.schemas:
        yield f"CREATE SCHEMA IF NOT EXISTS {dotted(schema)}"
    for number, table in enumerate(world.tables):
        mark = "inside" if table in world.granted else OUTSIDE
        rows = ", ".join(f"({i}, '{mark} {number}', {i * number % 7})" for i in range(1, 4))
        yield f"CREATE TABLE {table} (ID NUMBER(38,0), NAME VARCHAR(100), AMOUNT NUMBER(38,0))"
        yield f"INSERT INTO {table} VALUES {rows}"
    hidden = next(t for t in world.tables if t not in world.granted)
    for view in world.views:
        yield f"CREATE VIEW {view} AS SELECT COUNT(*) AS ID, 'counted' AS NAME, 1 AS AMOUNT FROM {hidden}"


def grants(names: Iterable[Name], views: Container[Name] = ()) -> Iterable[str]:
    """Yield the statements that make a role which may read and change exactly these objects."""
    yield f"CREATE ROLE {ROLE}"
    yield f"GRANT USAGE ON WAREHOUSE {WAREHOUSE} TO ROLE {ROLE}"
    granted = sorted(names)
    for database in dict.fromkeys(n.database for n in granted):
        yield f"GRANT USAGE ON DATABASE {dotted((database,))} TO ROLE {ROLE}"
    for schema in dict.fromkeys(n.parent for n in granted):
        yield f"GRANT USAGE ON SCHEMA {dotted(schema)} TO ROLE {ROLE}"
    for name in granted:
        if name in views:
            yield f"GRANT SELECT ON VIEW {name} TO ROLE {ROLE}"
        else:
            yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE {name} TO ROLE {ROLE}"


class Plans:
    """DuckDB alone: the same names in attached databases, and what its own parser and binder say a text scans."""

    def __init__(self, world: World) -> None:
        self._db = duckdb.connect(config={"threads": 1})
        self._db.execute("SET explain_output = 'all'")
        for database in dict.fromkeys(d for d, _ in world.schemas):
            self._db.execute(f"ATTACH ':memory:' AS {_exact(database)}")
        for schema in world.schemas:
            self._db.execute(f"CREATE SCHEMA {'.'.join(map(_exact, schema))}")
        for name in world.objects:
            columns = ", ".join(f"{c} {'VARCHAR' if c == 'NAME' else 'BIGINT'}" for c in COLUMNS)
            self._db.execute(f"CREATE TABLE {'.'.join(map(_exact, name.parts))} ({columns})")
        self._known = {".".join(name.parts): name for name in world.objects}
        self._db.execute(f"USE {'.'.join(map(_exact, world.here))}")

    def scans(self, sql: str) -> frozenset[Name] | None:
        """Return the objects of the bound plan, or None for what DuckDB does not understand."""
        try:
            plans = self._db.execute(f"EXPLAIN (FORMAT JSON) {sql}").fetchall()
        except duckdb.Error:
            return None
        logical = next((text for kind, text in plans if kind == "logical_plan"), "")
        return frozenset(name for shown, name in self._known.items() if f'"Table": {_json(shown)}' in logical)

    def close(self) -> None:
        """Close the database."""
        self._db.close()


def _exact(part: str) -> str:
    return '"' + part.replace('"', '""') + '"'


def _json(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
