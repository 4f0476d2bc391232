"""TPC-H sample data: its shape, and queries whose answers are checked against plain arithmetic over the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from sandbox.client import Client
from skipass.sandbox.testing import running_sandbox

ROWS = {"REGION": 5, "NATION": 25, "SUPPLIER": 10, "CUSTOMER": 150, "PART": 200, "PARTSUPP": 800, "ORDERS": 1500}


@pytest.fixture(scope="module")
def tpch() -> Iterator[Client]:
    with running_sandbox(scale=0.001) as running:
        yield Client.of(running, "SKIPASS_SVC")


def test_tables_have_the_benchmarks_sizes(tpch: Client) -> None:
    """Each table has the rows that its scale factor gives."""
    tables = tpch.sql("show tables in schema snowflake_sample_data.tpch_sf1").rows
    sizes = {str(row[1]): int(row[7] or 0) for row in tables}
    assert {name: sizes[name] for name in ROWS} == ROWS
    assert 5000 < sizes["LINEITEM"] < 7000


def _run(tpch: Client, text: str) -> list[list[str | None]]:
    return tpch.sql(text, database="SNOWFLAKE_SAMPLE_DATA", schema="TPCH_SF1").rows


def test_pricing_summary(tpch: Client) -> None:
    """Query 1's sums equal those of the rows it sums."""
    lines = _run(
        tpch, "select l_returnflag, l_linestatus, l_quantity, l_extendedprice, l_discount from lineitem "
        "where l_shipdate <= dateadd(day, -90, to_date('1998-12-01'))",
    )  # fmt: skip
    sums: dict[tuple[str, str], list[Decimal]] = {}
    for flag, status, quantity, price, discount in lines:
        total = sums.setdefault((str(flag), str(status)), [Decimal(0), Decimal(0)])
        total[0] += Decimal(str(quantity))
        total[1] += Decimal(str(price)) * (1 - Decimal(str(discount)))
    answer = _run(
        tpch, "select l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice * (1 - l_discount)) "
        "from lineitem where l_shipdate <= dateadd(day, -90, to_date('1998-12-01')) group by 1, 2 order by 1, 2",
    )  # fmt: skip
    assert {(str(a), str(b)): [Decimal(str(c)), Decimal(str(d))] for a, b, c, d in answer} == sums


def test_revenue_by_nation(tpch: Client) -> None:
    """Query 5's join over six tables runs and orders by revenue."""
    rows = _run(
        tpch, "select n_name, sum(l_extendedprice * (1 - l_discount)) as revenue "
        "from customer, orders, lineitem, supplier, nation, region "
        "where c_custkey = o_custkey and l_orderkey = o_orderkey and l_suppkey = s_suppkey "
        "and c_nationkey = s_nationkey and s_nationkey = n_nationkey and n_regionkey = r_regionkey "
        "and r_name in ('ASIA', 'AMERICA', 'EUROPE', 'AFRICA') group by n_name order by revenue desc",
    )  # fmt: skip
    revenue = [Decimal(str(row[1])) for row in rows]
    assert revenue
    assert revenue == sorted(revenue, reverse=True)


def test_forecast_and_promotion(tpch: Client) -> None:
    """Queries 6 and 14 answer one number each."""
    six = _run(
        tpch, "select sum(l_extendedprice * l_discount) as revenue from lineitem where l_shipdate >= '1994-01-01' "
        "and l_shipdate < dateadd(year, 1, to_date('1994-01-01')) and l_discount between 0.05 and 0.07 "
        "and l_quantity < 24",
    )  # fmt: skip
    assert Decimal(str(six[0][0])) > 0
    fourteen = _run(
        tpch, "select 100.00 * sum(case when p_type like 'PROMO%' then l_extendedprice * (1 - l_discount) else 0 end) "
        "/ sum(l_extendedprice * (1 - l_discount)) from lineitem, part where l_partkey = p_partkey",
    )  # fmt: skip
    assert 0 < float(str(fourteen[0][0])) < 100
