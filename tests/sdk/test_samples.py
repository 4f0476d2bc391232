"""The calls that samples of the market make, with nothing but the import and the constructor of ours."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.walk import Walk
from program import Program
from sdk.conftest import Served
from sdk.loops import langchain_classic
from skipass import Skipass
from skipass.langchain import get_tools

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*:PendingDeprecationWarning"),
]
WHO = "sam"
PLACE = {"database": "OPS_DB", "schema": "OPS", "warehouse": "AGENT_WH"}
TESTS = Path(__file__).parents[1]
RELIED_UPON = {
    "snowflake_get_schemata": {"SCHEMA_NAME"},
    "snowflake_get_tables": {"TABLE_NAME", "TABLE_TYPE", "ROW_COUNT", "CREATED"},
    "snowflake_get_columns": {"COLUMN_NAME", "DATA_TYPE", "IS_NULLABLE", "COLUMN_DEFAULT"},
}


@pytest.fixture
def client(at: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Skipass]:
    """A client without arguments: the environment says where and who."""
    monkeypatch.setenv("SKIPASS_URL", at.url)
    monkeypatch.setenv("SKIPASS_API_KEY", at.key)
    with Skipass() as one:
        yield one


async def test_a_query_comes_back_as_a_mapping(client: Skipass) -> None:
    """One call with a place, a warehouse and a role gives handle, rows and metadata."""

    def sample() -> None:
        tool_input = {"statement": "SELECT order_id FROM orders ORDER BY order_id LIMIT 20", **PLACE}
        result = client.actions.execute_tool(
            identifier=WHO, connection_name="snowflake", tool_name="snowflake_execute_query", tool_input=tool_input
        )
        assert isinstance(result["statementHandle"], str)
        assert result["resultSetMetaData"]["rowType"][0]["name"] == "ORDER_ID"
        assert result["data"] == result.data["data"]
        assert result["data"][0][0].isdigit()

    await asyncio.to_thread(sample)


@pytest.mark.parametrize(
    ("tool", "tool_input", "column"),
    [
        ("snowflake_get_schemata", {"database": "OPS_DB"}, "SCHEMA_NAME"),
        ("snowflake_get_tables", {"database": "OPS_DB", "schema": "OPS", "limit": 50}, "TABLE_NAME"),
        ("snowflake_get_columns", {"database": "OPS_DB", "schema": "OPS", "table": "ORDERS"}, "COLUMN_NAME"),
    ],
)
async def test_metadata_tools_answer_with_the_columns_people_read(
    client: Skipass, tool: str, tool_input: dict[str, object], column: str
) -> None:
    """Schemas, tables and columns are listed by one call each."""
    asked = {**tool_input, "warehouse": "AGENT_WH"}
    result = await asyncio.to_thread(
        client.actions.execute_tool,
        identifier=WHO,
        connection_name="snowflake",
        tool_name=tool,
        tool_input=asked,
    )
    assert column in [one["name"] for one in result["resultSetMetaData"]["rowType"]], result.envelope
    assert result["data"]


async def test_a_statement_is_submitted_polled_and_fetched(client: Skipass) -> None:
    """A handle from an asynchronous submit is polled until `success`, and partition 0 is the first."""

    def sample() -> object:
        call = client.actions.execute_tool
        tool_input = {"statement": "SELECT COUNT(*) FROM orders", **PLACE, "async": True}
        submit = call(
            identifier=WHO, connection_name="snowflake", tool_name="snowflake_execute_query", tool_input=tool_input
        )
        handle = submit["statementHandle"]
        asked = {"statement_handle": handle}
        while call(identifier=WHO, tool_name="snowflake_get_query_status", tool_input=asked)["status"] != "success":
            pass
        part = {"statement_handle": handle, "partition": 0}
        return call(identifier=WHO, tool_name="snowflake_get_query_partition", tool_input=part)["data"]

    (row,) = await asyncio.to_thread(sample)  # type: ignore[misc]
    assert int(row[0]) > 0


async def test_an_account_is_made_and_its_user_sent_to_a_link(at: Served) -> None:
    """Until the user has agreed the account is not ACTIVE, asking again gives the same one, and there is a link."""
    walk = Walk(at.url, at.stage)
    await walk.by_snowflake()
    with Skipass(base_url=at.url, api_key=await walk.agent()) as client:

        def sample() -> tuple[str, str, str, str]:
            who = {"connection_name": "own", "identifier": WHO}
            first = client.actions.get_or_create_connected_account(**who).connected_account
            again = client.actions.get_or_create_connected_account(**who)["connected_account"]
            return first.status, first.id, again["id"], client.actions.get_authorization_link(**who).link

        status, first, again, link = await asyncio.to_thread(sample)
        token = link.partition("/connect#")[2]
        async with walk.signed_in() as browser:
            await walk.linked(browser, token)
        linked = await asyncio.to_thread(client.actions.get_connected_account, first)
        everything = await asyncio.to_thread(client.actions.list_connected_accounts, connection_name="own")
        await asyncio.to_thread(client.actions.disconnect_connected_account, first)
        await asyncio.to_thread(client.actions.delete_connected_account, first)
        await asyncio.to_thread(client.close)
    assert (status, again) == ("PENDING_AUTH", first)
    assert linked.connected_account.status == "ACTIVE"
    assert [one.id for one in everything] == [first]


async def test_a_products_program_runs_from_the_link_to_the_answer(at: Served) -> None:
    """With an opaque user id, one connection and nothing passed on, every step of such a program works in order."""
    walk = Walk(at.url, at.stage)
    automatic = {"schemas": ["OPS_DB.OPS"], "metadata": "database", "role": "AGENT_ROLE", "warehouse": "AGENT_WH"}
    await walk.by_snowflake(settings={"verify_end_users": False}, policy={"automatic": automatic})
    key = await walk.agent("shop", end_users=True)
    environment = {"SKIPASS_URL": at.url, "SKIPASS_API_KEY": key, "PYTHONPATH": str(TESTS), "PATH": ""}
    program = Program([sys.executable, str(TESTS / "sdk" / "end_user_program.py")], TESTS, environment)

    async def linked(link: str) -> str:
        async with walk.browser() as browser:
            return (await walk.linked(browser, link.partition("/connect#")[2])).text.splitlines()[0]

    said = (await program.talk(linked))["said"]
    assert said[0]["status"] == "PENDING_AUTH"
    assert said[1] == {"status": "ACTIVE"}
    assert said[2].pop("handle").startswith("stm_")
    assert said[2] == {"rows": 20, "same": True, "columns": ["ORDER_ID", "STATUS"]}
    tables = {one["tool"]: (set(one["columns"]), one["rows"] > 0) for one in said[3:6]}
    for tool, needed in RELIED_UPON.items():
        assert (needed <= tables[tool][0], tables[tool][1]) == (True, True), tool
    assert said[6]["partition"] == said[6]["announced"] > 0
    assert said[7] == {"answer": "done", "told": ["success"]}
    assert {call["user"] for call in at.stage.sent("order_id >= 1003")} == {"DANA"}


async def test_the_older_executor_takes_the_tools(client: Skipass) -> None:
    """Tools made with nothing but a connection and a user run in an executor with a prompt and a scratchpad."""
    tools = await asyncio.to_thread(get_tools, connection_name="snowflake", identifier=WHO, client=client)
    script = [("snowflake_execute_query", {"statement": "SELECT 1 AS one"})]
    (told,) = await langchain_classic(tools, script)
    assert '"rows":[["1"]]' in told
