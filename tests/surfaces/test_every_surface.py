"""The same bad calls through every front door: the same code, nothing runs, all on record."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest

from gateways import Stage, served
from skipass.ids import as_uuid
from skipass.nouns.statement import Statement

pytestmark = pytest.mark.anyio
READ = "SELECT order_id FROM ops.orders WHERE order_id = 1003"
HIDDEN = "FINANCE_DB.HR.SALARIES"


class Door:
    """One way in: calls a tool and gives back the code and the status of the answer, however that surface says them."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http, self._url = http, url

    async def call(self, tool: str, arguments: Mapping[str, Any], **headers: str) -> tuple[str, dict[str, Any]]:
        raise NotImplementedError


class Rest(Door):
    async def call(self, tool: str, arguments: Mapping[str, Any], **headers: str) -> tuple[str, dict[str, Any]]:
        body: dict[str, Any] = {"connection_name": "jit", "tool_input": dict(arguments)}
        async with self._http.post(
            f"{self._url}/api/v1/tools/{tool}/execute", data=_body(body), headers=_headers(headers)
        ) as answer:
            told = await answer.json()
        return str(told.get("error", told).get("code") or told.get("status")), told


class Mcp(Door):
    async def call(self, tool: str, arguments: Mapping[str, Any], **headers: str) -> tuple[str, dict[str, Any]]:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        accept = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
        async with self._http.post(
            f"{self._url}/jit/mcp", data=_body(message), headers=accept | _headers(headers)
        ) as answer:
            told = await answer.json()
        if "result" in told:
            envelope = told["result"]["structuredContent"]
            return str(envelope.get("code") or envelope["status"]), told
        error = told["error"]
        data = error.get("data") or {} if isinstance(error.get("code"), int) else error
        return str(data.get("code")), told


class SqlApi(Door):
    """The SQL API has requests for two of the tools, and none for sessions."""

    TOOLS = ("snowflake_execute_query", "snowflake_get_query_status")

    async def call(self, tool: str, arguments: Mapping[str, Any], **headers: str) -> tuple[str, dict[str, Any]]:
        given = dict(arguments)
        session, handle = given.pop("session_id", None), given.pop("statement_handle", None)
        more = {"Skipass-Session": session} if session else {}
        path, method = "/c/jit/api/v2/statements", "POST"
        if tool == "snowflake_get_query_status":
            path, method = f"{path}/{handle}", "GET"
        async with self._http.request(
            method, self._url + path, data=_body(given) if method == "POST" else None, headers=_headers(headers) | more
        ) as answer:
            told = await answer.json()
        return answer.headers.get("Skipass-Error", "success"), told


def _body(value: object) -> io.BytesIO:
    return io.BytesIO(json.dumps(value).encode())


def _headers(given: Mapping[str, str]) -> dict[str, str]:
    plain = {name.replace("_", "-"): value for name, value in given.items()}
    return {"Content-Type": "application/json", **plain}


DOORS = (Rest, Mcp, SqlApi)


@pytest.fixture(params=DOORS)
async def door(request: pytest.FixtureRequest, at: Stage) -> AsyncIterator[Door]:
    headers = {"Authorization": f"Bearer {at.keys['agent']['api_key']}"}
    async with served(at) as url, aiohttp.ClientSession(headers=headers) as http:
        yield request.param(http, url)


QUERY = "snowflake_execute_query"
CASES = {
    "a wrong key": (QUERY, {"statement": READ}, {"Authorization": "Bearer skp_000000000000_no"}, "unauthenticated"),
    "another user's identifier": (QUERY, {"statement": READ}, {"Skipass_Identifier": "grace"}, "not_your_user"),
    "an unknown tool": ("snowflake_exec", {"statement": READ}, {}, "unknown_tool"),
    "a missing field": (QUERY, {}, {}, "missing_field"),
    "a misspelt field": (QUERY, {"sql": READ}, {}, "unknown_field"),
    "a wrong type": (QUERY, {"statement": READ, "timeout": "soon"}, {}, "invalid_request"),
    "a parameter that changes meaning": (
        QUERY,
        {"statement": READ, "parameters": {"quoted_identifiers_ignore_case": True}},
        {},
        "invalid_request",
    ),
    "an unknown session": (QUERY, {"statement": READ, "session_id": "ses_nope"}, {}, "not_found"),
    "an unknown handle": ("snowflake_get_query_status", {"statement_handle": "stm_nope"}, {}, "not_found"),
    "outside the scope": (QUERY, {"statement": f"SELECT * FROM {HIDDEN}"}, {}, "out_of_scope"),
    "text that does not parse": (QUERY, {"statement": "SELEC 1"}, {}, "unparseable"),
    "two statements": (QUERY, {"statement": "SELECT 1; SELECT 2"}, {}, "multi_statement"),
    "a statement of a megabyte": (QUERY, {"statement": "SELECT '" + "x" * 1_050_000 + "'"}, {}, "statement_too_large"),
    "administration": (QUERY, {"statement": "GRANT ROLE ACCOUNTADMIN TO USER x"}, {}, "not_allowed"),
    "a negative time": (
        "skipass_request_session",
        {"scope": {"schemas": ["A.B"]}, "ttl_s": -1, "reason": "r"},
        {},
        "invalid_request",
    ),
    "a negative limit": ("snowflake_get_tables", {"database": "OPS_DB", "limit": -1}, {}, "invalid_request"),
    "binds of a wrong type": (
        QUERY,
        {"statement": f"{READ} AND order_id = ?", "bindings": {"1": {"type": "FIXED", "value": 1003}}},
        {},
        "invalid_bindings",
    ),
    "two names in one field": ("snowflake_get_columns", {"database": "OPS_DB.OPS"}, {}, "invalid_request"),
    "half a quoted name": ("snowflake_get_columns", {"database": '"OPS_DB'}, {}, "invalid_request"),
    "a backslash before nothing": (
        "snowflake_get_tables",
        {"database": "OPS_DB", "table_name_like": "ORD\\X"},
        {},
        "invalid_request",
    ),
    "a scope of nothing": (
        "skipass_request_session",
        {"scope": {"schemas": []}, "ttl_s": 5, "reason": "r"},
        {},
        "invalid_scope",
    ),
}


@pytest.mark.parametrize(
    ("door", "case"),
    [(door, case) for door in DOORS for case in CASES if door is not SqlApi or CASES[case][0] in SqlApi.TOOLS],
    indirect=["door"],
)
async def test_a_bad_call_has_its_code_and_a_hint_and_runs_nothing(at: Stage, door: Door, case: str) -> None:
    """Whatever the front door, the code is the same, a hint says what to do, and Snowflake hears nothing of it."""
    tool, arguments, headers, expected = CASES[case]
    await at.session()
    before = await _recorded(at)
    code, told = await door.call(tool, arguments, **headers)
    assert code == expected, told
    assert '"hint"' in str(told).replace("'", '"')
    assert at.sent("") == []
    assert await _recorded(at) > before
    assert "Traceback" not in str(told)


async def test_several_statements_are_told_apart(at: Stage, door: Door) -> None:
    """Whatever the front door, a text of several is refused with each of them, so that each can be its own call."""
    await at.session()
    code, told = await door.call(QUERY, {"statement": f"{READ}; SELECT 'second' AS x"})
    assert code == "multi_statement"
    parts = json.dumps(told)
    assert READ in parts
    assert "SELECT 'second' AS x" in parts


async def test_a_handle_of_another_agent_is_no_handle(at: Stage, door: Door) -> None:
    """Whatever the front door, another agent's handle is unknown, for the same user and connection too."""
    await at.session()
    code, _ = await door.call(QUERY, {"statement": READ})
    (stored,) = [s for s in await at.every(Statement) if not s.system]
    admin = await at.principal("admin")
    _, issued = await at.gateway.agents.create(admin, "second", owner="sam", users=[], connections=["jit"])
    theirs = {"Authorization": f"Bearer {issued.text.reveal()}"}
    for handle in (stored.id, as_uuid(stored.id), stored.handle):
        code, told = await door.call("snowflake_get_query_status", {"statement_handle": handle}, **theirs)
        assert code == "not_found", told
        assert "1003" not in str(told)


@pytest.mark.parametrize("door", [Rest, Mcp], indirect=True)
async def test_a_partition_out_of_range_is_refused(at: Stage, door: Door) -> None:
    """A partition that the result has not is refused with how many there are."""
    await at.session()
    await door.call(QUERY, {"statement": READ})
    (stored,) = [s for s in await at.every(Statement) if not s.system]
    asked = {"statement_handle": stored.id, "partition": 1}
    code, told = await door.call("snowflake_get_query_partition", asked)
    assert code == "invalid_request"
    assert "0" in str(told)


async def _recorded(at: Stage) -> int:
    """Return how many refusals are on record, once everything queued before is written."""

    async def nothing(unit: Any) -> None:
        await unit.setting("revocation_epoch")

    await at.gateway.deps.journal.write(nothing)
    tenant = (await at.principal("admin")).tenant_id
    found = 0
    for chain in (tenant, "deployment"):

        async def load(reader: Any, chain: str = chain) -> Any:
            return await reader.events(chain, session_id=None, after=None, limit=1000)

        found += sum(e.kind.endswith(".refused") for e in await at.gateway.deps.journal.read(load))
    return found


async def test_a_good_call_is_the_same_everywhere(at: Stage, door: Door) -> None:
    """A read gives the same rows and leaves one statement on record, whichever door it came through."""
    await at.session()
    code, told = await door.call(QUERY, {"statement": READ})
    assert code == "success", told
    assert "1003" in str(told)
    (stored,) = [s for s in await at.every(Statement) if not s.system]
    assert stored.state.value == "succeeded"
