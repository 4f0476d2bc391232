"""The 22 TPC-H queries in Snowflake's words, against DuckDB's own queries over the same generated rows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.client import Client
from skipass.sandbox.names import TableName
from skipass.sandbox.testing import RunningSandbox, running_sandbox

SCALE = 0.01
QUERIES = sorted((Path(__file__).parent / "tpch").glob("q*.sql"))
TABLES = ("region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem")


@pytest.fixture(scope="module")
def tpch() -> Iterator[RunningSandbox]:
    with running_sandbox(scale=SCALE) as running:
        yield running


@pytest.fixture(scope="module")
def oracle(tpch: RunningSandbox) -> Iterator[Any]:
    """A plain DuckDB connection to the same rows, under the benchmark's own names."""
    cursor = tpch.account.engine.root.cursor()
    for name in TABLES:
        table = tpch.account.catalog.table(TableName("SNOWFLAKE_SAMPLE_DATA", "TPCH_SF1", name.upper()))
        assert table is not None
        cursor.execute(f'CREATE TEMP VIEW {name} AS SELECT * FROM "{table.physical}"')
    yield cursor
    cursor.close()


def _text(path: Path, side: int) -> str:
    """Return a query in one of its two wordings: `{{Snowflake's||standard}}`, the latter for the oracle."""
    return re.sub(r"\{\{(.*?)\|\|(.*?)\}\}", lambda match: match.group(side), path.read_text(), flags=re.DOTALL)


def _value(cell: str | None, kind: str) -> Any:
    if cell is None:
        return None
    if kind in ("fixed", "real"):
        return float(cell)
    return date(1970, 1, 1) + timedelta(days=int(cell)) if kind == "date" else cell


def _same(mine: Any, theirs: Any) -> bool:
    if isinstance(theirs, (int, float, Decimal)) and mine is not None:
        return math.isclose(mine, float(theirs), rel_tol=1e-6, abs_tol=1e-4)
    return bool(mine == theirs)


@pytest.mark.parametrize("path", QUERIES, ids=[path.stem for path in QUERIES])
def test_query(tpch: RunningSandbox, oracle: Any, path: Path) -> None:
    """Each query's rows are those of the benchmark's own text run by DuckDB over the same tables."""
    client = Client.of(tpch, "SKIPASS_SVC")
    reply = client.sql(_text(path, 1), database="SNOWFLAKE_SAMPLE_DATA", schema="TPCH_SF1")
    kinds = [column["type"] for column in reply.body["resultSetMetaData"]["rowType"]] if reply.status == 200 else []
    rows = [[_value(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in reply.rows]
    expected = oracle.execute(_text(path, 2)).fetchall()
    assert len(rows) == len(expected)
    for mine, theirs in zip(rows, expected, strict=True):
        assert all(map(_same, mine, theirs)), (mine, theirs)


def test_there_are_22_queries() -> None:
    """Every query of the benchmark is here."""
    assert [path.stem for path in QUERIES] == [f"q{number:02}" for number in range(1, 23)]
