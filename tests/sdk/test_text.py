"""What a framework's model reads of a result: values as people write them, bounded, and the call that goes on."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from sdk.conftest import Served
from skipass.sdk import AsyncSkipass, ToolAnswer
from skipass.sdk.adapters.text import MAX_CHARS, text_of

pytestmark = pytest.mark.anyio
CALL = re.compile(r"Next: (\w+) (\{[^}]*\})")


def envelope(rows: list[list[str | None]], *columns: tuple[str, str], **members: Any) -> ToolAnswer:
    meta = {"rowType": [{"name": name, "type": kind} for name, kind in columns], "partitionInfo": [{}]}
    body = {"resultSetMetaData": meta, "data": rows} if columns else {"data": rows}
    return ToolAnswer({"status": "success", "statementHandle": "stm_1", "data": body, **members})


def told(answer: ToolAnswer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text_of(answer))
    return found


def test_dates_and_times_are_written_out() -> None:
    """Snowflake's counts of days and seconds become dates and times; numbers and texts stay as they came."""
    columns = (("D", "date"), ("T", "timestamp_ntz"), ("N", "fixed"), ("S", "text"), ("E", "date"))
    row: list[str | None] = ["20484", "1769853600.000000000", "12345678901234567890123456789012345678", "20484", None]
    said = told(envelope([row], *columns))
    assert said["rows"] == [["2026-01-31", "2026-01-31 10:00:00", row[2], "20484", None]]


def test_a_partition_without_column_names_says_so() -> None:
    """Later partitions come without names: the answer says whose they are, and how values are counted."""
    said = told(envelope([["20484"]], partition=1, partitions=3))
    assert "partition 0" in said["note"]
    assert said["more"].startswith("This is partition 1 of 3.")
    assert CALL.search(said["more"])


def test_the_text_form_does_not_come_twice() -> None:
    """Where the model asked for a layout, the rows are there once."""
    said = told(envelope([["1"]], ("N", "fixed"), text="| N |", format="table"))
    assert {"text", "format"}.isdisjoint(said)


def test_a_row_that_is_too_wide_is_still_shown() -> None:
    """One row is shown however wide it is, so that following the calls comes to an end."""
    wide: list[str | None] = ["x" * 400] * 60
    said = told(envelope([wide, wide], *[(f"C{n}", "text") for n in range(60)]))
    assert len(said["rows"]) == 1
    assert json.loads(CALL.search(said["cut"])[2])["from_row"] == 1  # type: ignore[index]


@pytest.mark.parametrize("hidden", ["\u202e", "\U000e0041", "\u200b", "\ufe01", "\u3164", "\x1b"])
def test_nothing_hidden_reaches_the_model(hidden: str) -> None:
    """What a person would not see, in a cell, a column's name or an error, is written out; line breaks are kept."""
    said = text_of(envelope([[f"a{hidden}b\nc"]], (f"N{hidden}", "text"), message=f"no{hidden}", hint="h"))
    assert hidden not in json.loads(said)["rows"][0][0] + said
    assert f"{ord(hidden):x}" in json.loads(said)["columns"][0]
    assert json.loads(said)["rows"][0][0].endswith("b\nc")


async def test_following_the_calls_shows_every_row_once(at: Served, client: AsyncSkipass) -> None:
    """From a long answer, each next call brings the rows that follow, to the last one, and each text is bounded."""
    await at.stage.session()
    statement = "SELECT order_id, REPEAT('n', 150) AS note FROM ops.orders ORDER BY order_id"
    asked: tuple[str, dict[str, Any]] | None = ("snowflake_execute_query", {"statement": statement})
    seen: list[str] = []
    while asked is not None:
        name, given = asked
        answer = await client.actions.execute_tool(tool_name=name, tool_input=given, connection_name="jit")
        text = text_of(answer)
        assert len(text) <= 2 * MAX_CHARS
        said = json.loads(text)
        seen += [row[0] for row in said["rows"]]
        following = CALL.search(said.get("cut") or said.get("more") or "")
        asked = (following[1], json.loads(following[2])) if following else None
    ((count,),) = (
        await client.actions.execute_tool(
            tool_name="snowflake_execute_query",
            tool_input={"statement": "SELECT COUNT(*) FROM ops.orders"},
            connection_name="jit",
        )
    )["data"]
    assert len(seen) == len(set(seen)) == int(count)
    assert seen == sorted(seen, key=int)
