"""The labelled statements: through the guard, and, with the guard off, against the second wall alone."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fuzz.catalogue import WAREHOUSE, Name, dotted
from fuzz.labels import DATABASE, GRANT, SCHEMA, Row, rows
from fuzz.report import Figure, Sample, tell
from fuzz.wall import OUTSIDE, add_reader, grants, run_as
from skipass.access.sqlguard import check
from skipass.nouns.verdict import Outcome
from skipass.sandbox.account import Account
from skipass.sandbox.demo import run_script
from skipass.sandbox.world import build_account

_PART = re.compile(r'"((?:[^"]|"")+)"|([A-Z_][A-Z0-9_$]*)')
_COLUMNS = (
    *("ID", "NAME", "EMAIL", "SALARY", "AMOUNT", "TOTAL", "STATUS", "DEPT", "API_KEY", "SECRET", "ORDER_ID"),
    *("CUSTOMER_ID", "REGION", "KEY_VALUE", "NOTE", "EMP_ID"),
)


def run() -> list[Figure]:
    """Return the figures of the labelled statements."""
    labelled = rows()
    through, over = Sample(), Sample()
    reads = [r for r in labelled if r.kind == "read" and r.accept == {"allow"}]
    for row in labelled:
        outcome = check(row.sql, GRANT, database=DATABASE, schema=SCHEMA).outcome
        if outcome is Outcome.ALLOW and "allow" not in row.accept:
            through.take(f"{row.id} {row.sql!r}")
        elif outcome is not Outcome.ALLOW and row.kind == "read" and row.accept == {"allow"}:
            over.take(f"{row.id} {row.sql!r}")
    tell(f"labelled: {len(labelled)} statements")
    return [
        Figure("denied or held statements that come out allowed", through.count, 0, len(labelled), through.kept),
        Figure("reads inside the scope that come out denied", over.count, 0.01, len(reads), over.kept),
        _second_wall([r for r in labelled if "allow" not in r.accept]),
    ]


def _second_wall(refused: list[Row]) -> Figure:
    """Run the refused statements unguarded; every value of every object outside is marked."""
    account, leaked = _account(refused), Sample()
    ran = refusals = 0
    try:
        for row in refused:
            answer = run_as(account, row.sql, (DATABASE, SCHEMA))
            ran, refusals = ran + answer.ran, refusals + answer.refused
            if answer.leaks:
                leaked.take(f"{row.id} {row.sql!r}")
    finally:
        account.engine.close()
    rest = len(refused) - ran - refusals
    tell(f"second wall, guard off: {len(refused)} refused statements; {ran} ran, {refusals} lacked a privilege,")
    tell(f"  {rest} are not understood by the sandbox")
    return Figure("refused statements that leak rows past the narrow role", leaked.count, 0, len(refused), leaked.kept)


def _account(labelled: Iterable[Row]) -> Account:
    account = build_account(bare=True, scale=0)
    names = sorted({n for row in labelled for text in row.names if (n := _name(text)) is not None})
    inside = [n for n in names if n.parent == (DATABASE, SCHEMA)]
    run_script(account, "ADMIN", f"CREATE WAREHOUSE {WAREHOUSE}; USE WAREHOUSE {WAREHOUSE}")
    for name in names:
        _make(account, name, "inside" if name in inside else OUTSIDE)
    run_script(account, "ADMIN", ";".join(grants(inside)))
    add_reader(account)
    return account


def _name(text: str) -> Name | None:
    """Return the table a label names, or None for stages, containers, places and the account's own databases."""
    parts = [m[1].replace('""', '"') if m[1] else m[2] for m in _PART.finditer(text)]
    plain = len(parts) == 3 and text[0] not in "@<" and "://" not in text and ";" not in text
    return Name(*parts) if plain and parts[0] != "SNOWFLAKE" and parts[1] != "INFORMATION_SCHEMA" else None


def _make(account: Account, name: Name, mark: str) -> None:
    columns = ", ".join(f"{c} VARCHAR(100)" for c in _COLUMNS)
    values = ", ".join(f"'{mark}'" for _ in _COLUMNS)
    for sql in (
        f"CREATE DATABASE IF NOT EXISTS {dotted((name.database,))}",
        f"CREATE SCHEMA IF NOT EXISTS {dotted(name.parent)}",
        f"CREATE TABLE {name} ({columns})",
        f"INSERT INTO {name} VALUES ({values})",
    ):
        run_script(account, "ADMIN", f"USE WAREHOUSE {WAREHOUSE}; {sql}")
