"""The client against a served gateway and a sandbox."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from sdk.conftest import Served
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.people import ApiKey
from skipass.nouns.session import AccessSession
from skipass.sdk import Answer, AsyncSkipass, Skipass, as_json_schema, errors
from skipass.tools.catalogue import CATALOGUE

pytestmark = pytest.mark.anyio
_BIG = 12345678901234567890123456789012345678
ORDERS: dict[str, Any] = {"schemas": ["OPS_DB.OPS"], "access": "read"}
WISH: dict[str, Any] = {"connection": "jit", "scope": ORDERS, "ttl": 300, "reason": "the weekly report"}


async def test_a_session_is_open_for_the_block_and_closed_after_it(at: Served, client: AsyncSkipass) -> None:
    """Statements run inside the block, and with the block the session is given back."""
    async with client.sessions.open(**WISH) as session:
        result = await session.query("SELECT COUNT(*) AS n FROM ops.orders")
        assert (await result.dicts())[0]["N"] > 0
        with pytest.raises(errors.OutOfScope) as refused:
            await session.query("SELECT * FROM ops_db.hr.salaries")
    assert refused.value.hint
    (ended,) = await at.stage.every(AccessSession)
    assert (ended.state.value, ended.end_reason.value) == ("closed", "released")


async def test_values_come_as_the_types_they_are(client: AsyncSkipass) -> None:
    """Whole numbers stay whole up to 38 digits, fractions stay exact, and binds go as what they are."""
    async with client.sessions.open(**{**WISH, "ttl": timedelta(minutes=5)}) as session:
        numbers = f"{_BIG} AS big, 1.10 AS d"
        text = f"SELECT order_id, {numbers} FROM ops.orders WHERE order_id = ?"
        result = await session.query(text, [1003])
        assert await result.rows() == [(1003, _BIG, Decimal("1.10"))]
        assert type((await result.rows())[0][0]) is int
        assert (await result.fetch_arrow()).column_names == ["ORDER_ID", "BIG", "D"]
        assert list((await result.to_pandas())["ORDER_ID"]) == [1003]


async def test_partitions_are_fetched_as_they_are_read(at: Served, client: AsyncSkipass) -> None:
    """A long result costs one request until its later rows are asked for, and then every row comes in order."""
    async with client.sessions.open(**WISH) as session:
        text = "SELECT SEQ4() AS n, REPEAT('x', 900) AS pad FROM TABLE(GENERATOR(ROWCOUNT => 30000)) ORDER BY n"
        result = await session.query(text)
        before = len(await at.stage.recorded("statement.delivered"))
        assert (result.num_rows, before) == (30000, 1)
        assert [row[0] async for row in result.iter_rows()] == list(range(30000))
        assert len(await at.stage.recorded("statement.delivered")) > before


async def test_a_held_statement_is_waited_for_and_runs_once(at: Served, client: AsyncSkipass) -> None:
    """The caller is told where people decide, and the result is there once they have agreed."""
    asked: list[Answer] = []
    deciding: list[asyncio.Task[object]] = []

    def told(approval: Answer) -> None:
        asked.append(approval)
        deciding.append(asyncio.create_task(approve(at, approval.id)))

    async with client.sessions.open(**WISH, on_wait=told) as session:
        result = await session.query("UPDATE ops.orders SET status = 'shipped' WHERE order_id = 1003")
        assert await result.rows() == [(1, 0)]
    await asyncio.gather(*deciding)
    assert asked[0].url.endswith(asked[0].id)
    assert len(at.stage.sent("shipped")) == 1


async def approve(at: Served, approval: str) -> object:
    who = await at.stage.principal("approver")
    return await at.stage.gateway.approvals.decide(who, approval, approve=True, reason="test")


async def test_waiting_for_people_has_an_end(at: Served, client: AsyncSkipass) -> None:
    """When nobody decides in time the error carries the handle, and a session that nobody opened is withdrawn."""
    async with client.sessions.open(**WISH, wait=0) as session:
        with pytest.raises(errors.ApprovalRequired) as held:
            await session.query("DELETE FROM ops.orders WHERE order_id = 1003")
    assert held.value.details["statementHandle"]
    with pytest.raises(errors.ApprovalRequired):
        async with client.sessions.open(**{**WISH, "scope": {**ORDERS, "access": "write"}}, wait=0):
            raise AssertionError("it opened")
    async with client.sessions.open(**WISH):
        pass
    assert at.stage.sent("DELETE") == []
    assert await at.stage.recorded("session.withdrawn")


async def test_tools_are_listed_to_the_last(client: AsyncSkipass) -> None:
    """The list holds the whole catalogue in its order, and the recipe for other frameworks carries every schema."""
    listed = await client.tools.list()
    assert [tool.name for tool in listed] == [spec.name for spec in CATALOGUE]
    recipe = as_json_schema(listed)
    assert all(one["parameters"]["type"] == "object" and one["description"] for one in recipe)
    assert await client.tools.as_json_schema() == recipe


async def test_a_tool_answer_reads_as_mapping_and_by_attribute(client: AsyncSkipass) -> None:
    """The handle, the rows and the metadata are found both ways, and the handle answers the status tool."""
    call = client.actions.execute_tool
    asked = {"statement": "SELECT 1 AS one", "async": True}
    submitted = await call(tool_name="snowflake_execute_query", tool_input=asked, connection_name="snowflake")
    handle = submitted["statementHandle"]
    assert (submitted.data["statementHandle"], submitted.statementHandle) == (handle, handle)
    status = submitted
    while status["status"] != "success":
        status = await call(tool_name="snowflake_get_query_status", tool_input={"statement_handle": handle})
    part = {"statement_handle": handle, "partition": 0}
    result = await call(tool_name="snowflake_get_query_partition", tool_input=part)
    assert (result["data"], result.data.statementHandle) == ([["1"]], handle)
    assert result["resultSetMetaData"]["rowType"][0]["name"] == "ONE"
    assert {"status", "data", "statementHandle"} <= set(result)


async def test_a_refused_call_is_an_answer_that_says_why(client: AsyncSkipass) -> None:
    """A refusal does not raise; asking it for rows does, with the reason."""
    asked = {"statement": "SELECT 1"}
    answer = await client.actions.execute_tool(
        tool_name="snowflake_execute_query", tool_input=asked, connection_name="jit"
    )
    assert answer.status == "session_required"
    assert isinstance(answer.error, errors.SessionRequired)
    assert answer.get("resultSetMetaData") is None
    with pytest.raises(KeyError, match="session_required"):
        answer["resultSetMetaData"]
    with pytest.raises(errors.UnknownField) as wrong:
        await client.actions.execute_tool(
            tool_name="snowflake_execute_query", tool_input={**asked, "warehose": "X"}, connection_name="jit"
        )
    assert "warehouse" in str(wrong.value)


async def test_the_blocking_client_does_the_same(blocking: Skipass) -> None:
    """Without an event loop of one's own, a session, its rows and the tools are to be had by plain calls."""

    def work() -> tuple[list[tuple[Any, ...]], list[dict[str, Any]], int]:
        with blocking.sessions.open(**WISH) as session:
            result = session.query("SELECT order_id FROM ops.orders ORDER BY order_id LIMIT 2")
            return list(result.iter_rows()), result.dicts(), len(blocking.tools.list())

    rows, dicts, tools = await asyncio.to_thread(work)
    assert [row[0] for row in rows] == [one["ORDER_ID"] for one in dicts]
    assert tools == len(CATALOGUE)


async def test_a_wrong_key_is_refused_by_its_own_error(at: Served) -> None:
    """A key that the gateway does not know is `Unauthenticated`, and the key is in no text of it."""
    async with AsyncSkipass(base_url=at.url, api_key="sk_wrong_key_of_nobody") as stranger:
        with pytest.raises(errors.Unauthenticated) as refused:
            await stranger.tools.list()
        assert "wrong_key" not in f"{refused.value}{refused.value.hint}{stranger!r}"


async def test_a_key_whose_time_is_over_is_refused(at: Served, client: AsyncSkipass) -> None:
    """A key that was good until just now is `Unauthenticated`, says what to send, and is not asked about again."""
    assert await client.tools.list()
    key = await at.stage.principal("agent")

    async def end(unit: UnitOfWork) -> None:
        found = await unit.get(ApiKey, key.credential_id)
        assert found is not None
        await unit.change(found, expires_at=unit.now - timedelta(seconds=1))

    await at.stage.gateway.deps.journal.write(end)
    with pytest.raises(errors.Unauthenticated) as refused:
        await client.tools.list()
    assert (refused.value.status, refused.value.retryable) == (401, False)
    assert "agent create" in refused.value.hint


async def test_a_client_secret_is_traded_for_tokens(at: Served) -> None:
    """Client id and secret are enough, and a wrong secret is `Unauthenticated`."""
    admin = await at.stage.principal("admin")
    agent, issued = await at.stage.gateway.agents.create(
        admin, "trader", owner="sam", users=[], connections=["snowflake"]
    )
    pair = {"base_url": at.url, "client_id": agent.id}
    async with AsyncSkipass(**pair, client_secret=issued.client_secret.reveal()) as trader:
        assert len(await trader.tools.list()) == len(CATALOGUE)
    async with AsyncSkipass(**pair, client_secret="wrong") as stranger:
        with pytest.raises(errors.Unauthenticated):
            await stranger.tools.list()
