"""A result that is too long for one text, through the gateway: the calls that the text names bring the rest."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from gateways import Stage
from skipass.gateway.columns import MOST_COLUMNS, MOST_RESULTS, KnownColumns
from skipass.tools.text import MAX_ROWS, MAX_TEXT_CHARS, text_of

pytestmark = pytest.mark.anyio
PAIRS = (
    "SELECT a.order_id, b.order_id AS other FROM ops.orders AS a, ops.orders AS b "
    "WHERE a.order_id < 1021 AND b.order_id < 1025 ORDER BY a.order_id, b.order_id"
)
DATED = "SELECT order_id, created_at FROM ops.orders ORDER BY order_id LIMIT 3"


def rows_in(text: str) -> list[str]:
    """Return the rows that a text shows, without the names above them."""
    lines = text.split("\n")
    first = next(at for at, line in enumerate(lines) if line.startswith("--- data "))
    return [line for line in lines[first + 1 : lines.index(lines[first], first + 1)] if line[0].isdigit()]


@pytest.mark.parametrize("partition_rows", [None, 250])
async def test_the_calls_that_are_named_show_every_row(at: Stage, partition_rows: int | None) -> None:
    """Followed to the end they show each row once, in order, over rows and partitions alike."""
    if partition_rows:
        at.sandbox.control.switches(partition_rows=partition_rows)
    await at.session()
    envelope = await at.query(PAIRS)
    assert envelope.data is not None
    total, seen = int(envelope.data["resultSetMetaData"]["numRows"]), list[str]()
    assert total > 2 * MAX_ROWS
    while True:
        text = text_of(envelope)
        assert len(text) <= MAX_TEXT_CHARS
        seen += rows_in(text)
        following: Any = re.search(r"Next: (\w+) (\{.*?\})\.", text)
        if following is None:
            break
        envelope = await at.call(following[1], json.loads(following[2]))
    assert len(seen) == total
    assert seen == sorted(seen, key=lambda row: [int(cell) for cell in row.split(" | ")])


async def test_a_date_is_shown_as_a_date(at: Stage) -> None:
    """What Snowflake counts in seconds since 1970 a model reads as a date and a time; `data` stays Snowflake's own."""
    await at.session()
    envelope = await at.query(DATED)
    assert envelope.data is not None
    assert all(re.fullmatch(r"-?\d+(\.\d+)?( \d+)?", row[1]) for row in envelope.data["data"])
    assert all(re.search(r" \| \d{4}-\d\d-\d\d( \d\d:\d\d:\d\d\S*)?$", row) for row in rows_in(text_of(envelope)))


async def test_a_later_partition_is_read_as_the_first_one_is(at: Stage) -> None:
    """It has the column names and dates as dates, asked of Snowflake where this process did not hand the first out."""
    at.sandbox.control.switches(partition_rows=2)
    await at.session()
    envelope = await at.query(DATED.replace("LIMIT 3", "LIMIT 5"))
    first, later = text_of(envelope), []
    for forget in (False, True):
        if forget:
            at.gateway.calls._statements._delivery._columns._of.clear()
        call = {"statement_handle": envelope.execution_id, "partition": 1}
        later.append(text_of(await at.call("snowflake_get_query_partition", call), "mark"))
    assert later[0] == later[1]
    assert "ORDER_ID | CREATED_AT" in first
    assert "ORDER_ID | CREATED_AT" in later[0]
    assert all(re.search(r" \| \d{4}-\d\d-\d\d( \d\d:\d\d:\d\d\S*)?$", row) for row in rows_in(later[0]))
    assert len(rows_in(later[0])) == 2


def test_only_so_many_results_are_known() -> None:
    """The newest results' columns are kept, very wide ones never, and names of no other statement come back."""
    known = KnownColumns()
    for number in range(MOST_RESULTS + 10):
        known.note(f"stm_{number}", {"resultSetMetaData": {"rowType": [{"name": f"N{number}", "type": "text"}]}})
    wide = known.note("wide", {"resultSetMetaData": {"rowType": [{"name": "N", "type": "text"}] * (MOST_COLUMNS + 1)}})
    assert len(wide) == MOST_COLUMNS + 1
    assert [known.of(one) for one in ("wide", "stm_9", "other")] == [None] * 3
    assert known.of("stm_265") == [{"name": "N265", "type": "text"}]
    assert known.note("bare", {}) == []
