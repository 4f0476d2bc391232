"""Resources over a real gateway: a table's schema is the tool call it stands for, a record is its own session's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from gateways import Stage, served
from skipass.errors import SkipassError
from skipass.gateway.resource_uris import TableAddress, address_of, record_uri, table_uri
from skipass.gateway.servers import Access
from skipass.nouns.statement import Statement
from skipass.tools.names import stored
from surfaces.mcp.fake import headers_for, modern, post

pytestmark = pytest.mark.anyio
ORDERS = "skipass://table/OPS_DB/OPS/ORDERS"
TEMPLATES = ["skipass://table/{database}/{schema}/{table}{?session_id}", "skipass://session/{session_id}/record"]


@pytest.fixture
async def url(at: Stage) -> AsyncIterator[str]:
    async with served(at) as address:
        yield address


async def answered(at: Stage, url: str, method: str, who: str = "agent", slug: str = "jit", **params: Any) -> Any:
    """Return the result of a stateless request, or its error."""
    body = modern(method, params)
    named = {"mcp_name": params["uri"]} if "uri" in params else {}
    headers = headers_for(body, authorization=f"Bearer {at.keys[who]['api_key']}", **named)
    answer = (await post(f"{url}/{slug}/mcp", body, headers)).json()
    return answer.get("result") or answer["error"]


async def read(at: Stage, url: str, uri: str, **how: Any) -> Any:
    """Return what one resource holds, as JSON."""
    result = await answered(at, url, "resources/read", uri=uri, **how)
    (content,) = result["contents"]
    assert (content["uri"], content["mimeType"]) == (uri, "application/json")
    return json.loads(content["text"])


async def refused(at: Stage, url: str, uri: str, **how: Any) -> Mapping[str, Any]:
    """Return code, hint and details of a refusal."""
    error = await answered(at, url, "resources/read", uri=uri, **how)
    data: Mapping[str, Any] = error["data"]
    return data | {"jsonrpc": error["code"]}


async def test_a_tables_schema_is_its_columns(at: Stage, url: str) -> None:
    """Names, types and what else DESCRIBE tells stand as JSON, and the read is a statement of the session."""
    session_id = await at.session()
    told = await read(at, url, ORDERS)
    assert told["table"] == {"database": "OPS_DB", "schema": "OPS", "table": "ORDERS"}
    first = told["columns"][0]
    assert first["name"] == "ORDER_ID"
    assert first["type"].startswith("NUMBER")
    assert set(first) == {"name", "type", "nullable", "default", "primary_key", "unique_key", "comment"}
    (statement,) = await at.every(Statement, session_id=session_id)
    assert (statement.tool, statement.id) == ("snowflake_describe_object", told["statementHandle"])
    assert len(at.sent("DESCRIBE TABLE")) == 1


async def test_without_a_session_a_schema_is_refused_with_the_request_that_would_do(at: Stage, url: str) -> None:
    """The refusal is a JSON-RPC error with code, hint and the smallest request, is on record, and nothing is sent."""
    error = await refused(at, url, ORDERS)
    assert error["code"] == "session_required"
    assert error["hint"]
    assert error["details"]["request"]["scope"]["schemas"] == ["OPS_DB.OPS"]
    assert at.sent("DESCRIBE") == []
    assert [one.content()["code"] for one in await at.recorded("statement.refused")] == ["session_required"]


async def test_outside_the_scope_a_schema_is_refused(at: Stage, url: str) -> None:
    """A session on one schema describes no table of another one, whichever way its name is written."""
    await at.session()
    for name in ("HR/SALARIES", "hr/salaries", "%22HR%22/%22SALARIES%22"):
        error = await refused(at, url, f"skipass://table/OPS_DB/{name}")
        assert error["code"] == "out_of_scope", error
    assert at.sent("DESCRIBE") == []


async def test_a_table_that_is_not_there_is_snowflakes_error(at: Stage, url: str) -> None:
    """What Snowflake says of it comes through as the failure of a statement."""
    await at.session()
    assert (await refused(at, url, "skipass://table/OPS_DB/OPS/NOTHING"))["code"] == "statement_failed"


async def test_the_record_is_the_one_of_rest(at: Stage, url: str) -> None:
    """Session, statements with texts, approvals and events are those of GET /sessions/{id}/record."""
    session_id = await at.session()
    await at.query("SELECT COUNT(*) FROM ops.orders")
    await at.query("DELETE FROM ops.orders")
    told = await read(at, url, record_uri(session_id))
    headers = {"authorization": f"Bearer {at.keys['agent']['api_key']}"}
    async with httpx2.AsyncClient(headers=headers, timeout=20, trust_env=False) as http:
        rest = (await http.get(f"{url}/api/v1/sessions/{session_id}/record")).json()
    for card in rest["approvals"]:
        card.pop("text_visible")
    for one in (told, rest):  # time goes on between the two
        one["session"].pop("seconds_left")
        for card in one["approvals"]:
            (card["session"] or {}).pop("seconds_left", None)
    assert told == rest
    assert [one["text"] for one in told["statements"]][-1] == "DELETE FROM ops.orders"
    assert told["approvals"]


async def test_a_record_of_somebody_else_is_not_there(at: Stage, url: str) -> None:
    """Another agent's session, one of another connection, and one that never was are refused in the same words."""
    theirs = await at.session()
    other = await at.call("skipass_request_session", wish(), slug="snowflake")
    admin = await at.principal("admin")
    connections = [one.name for one in await at.gateway.connections.list(admin)]
    _, issued = await at.gateway.agents.create(admin, "other", owner="sam", users=[], connections=connections)
    at.keys["other"] = {"api_key": issued.text.reveal()}  # type: ignore[index]
    answers = [
        await refused(at, url, record_uri(theirs), who="other"),
        await refused(at, url, record_uri(other.session_id or "")),
        await refused(at, url, record_uri("ses_00000000000000000000000000")),
    ]
    assert {(one["code"], one["jsonrpc"], one["hint"]) for one in answers} == {("not_found", -32602, "")}
    assert (await read(at, url, record_uri(other.session_id or ""), slug="snowflake"))["session"]["state"] == "open"
    assert [one.content()["code"] for one in await at.recorded("statement.refused")] == ["not_found"] * 3


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "skipass://",
        "file:///etc/passwd",
        "skipass://table/OPS_DB/OPS",
        "skipass://table/OPS_DB/OPS/",
        "skipass://table/OPS_DB/OPS/ORDERS/",
        "skipass://table/OPS_DB//ORDERS",
        "skipass://table/OPS_DB/OPS/%FF",
        "skipass://table/OPS_DB/OPS/%2",
        "skipass://table/OPS_DB/OPS/OR DERS",
        "skipass://table/OPS_DB/OPS/ORDERS?session_id=",
        "skipass://table/OPS_DB/OPS/ORDERS?session_id=a&b=c",
        "skipass://table/OPS_DB/OPS/ORDERS#x",
        "skipass://session//record",
        "skipass://session/../record",
        "skipass://session/ses_1/record/x",
        "SKIPASS://session/ses_1/record",
    ],
)
async def test_an_address_that_is_none_of_ours_is_not_found(uri: str) -> None:
    """What does not fit a template exactly names nothing."""
    with pytest.raises(SkipassError) as error:
        address_of(uri)
    assert error.value.code == "not_found"


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40), min_size=3, max_size=3))
def test_every_name_goes_into_an_address_and_back(names: list[str]) -> None:
    """Whatever a table is called, its address leads back to that very name, by the tools' own reading."""
    found = address_of(table_uri(names, "ses_1"))
    assert isinstance(found, TableAddress)
    assert found.session_id == "ses_1"
    for written, name in zip((found.database, found.schema, found.table), names, strict=True):
        if name.isprintable() and name.strip():
            assert stored(written) == name


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_not_found(text: str) -> None:
    """No text makes reading an address fail in another way."""
    for uri in (
        text,
        f"skipass://table/{text}",
        f"skipass://session/{text}/record",
        f"skipass://table/A/{quote(text)}/B",
    ):
        assert kind_of(uri) in ("table", "record", "not_found")


def kind_of(uri: str) -> str:
    """Return what an address is taken for, or the code it is refused with."""
    try:
        return "table" if isinstance(address_of(uri), TableAddress) else "record"
    except SkipassError as error:
        return error.code


async def test_what_is_listed_can_be_read(at: Stage, url: str) -> None:
    """Open sessions and the tables they name are listed, newest first, each with an address that reads."""
    await at.session()
    await at.call("skipass_request_session", wish(tables=["OPS_DB.OPS.ORDERS"]))
    listed = (await answered(at, url, "resources/list"))["resources"]
    assert [one["uri"].split("/")[2] for one in listed] == ["session", "table", "session"]
    for one in listed:
        assert await read(at, url, one["uri"])


async def test_what_is_over_is_not_listed(at: Stage, url: str) -> None:
    """A closed session is off the list; its record is still there to be read."""
    session_id = await at.session()
    await at.call("skipass_close_session", {"session_id": session_id})
    assert (await answered(at, url, "resources/list"))["resources"] == []
    assert (await read(at, url, record_uri(session_id)))["session"]["state"] != "open"


async def test_a_long_list_comes_in_pages(at: Stage, url: str) -> None:
    """Pages follow one another without a gap or a repetition; a cursor of one's own making is refused."""
    opened = [await at.session() for _ in range(51)]
    first = await answered(at, url, "resources/list")
    second = await answered(at, url, "resources/list", cursor=first["nextCursor"])
    assert [one["uri"] for one in first["resources"] + second["resources"]] == [record_uri(o) for o in reversed(opened)]
    assert "nextCursor" not in second
    assert (await answered(at, url, "resources/list", cursor="x"))["data"]["code"] == "invalid_request"


async def test_a_narrowed_slug_offers_only_what_it_has_tools_for(at: Stage, url: str) -> None:
    """Where describing is not among a slug's tools, the template is not listed, and reading one finds nothing."""
    session_id = await at.session()
    assert [one["uriTemplate"] for one in await templates(at, url)] == TEMPLATES
    tools = ("skipass_request_session", "skipass_show_session")
    await at.gateway.servers.change(await at.principal("admin"), "jit", Access(put={"tools": tools}))
    assert [one["uriTemplate"] for one in await templates(at, url)] == TEMPLATES[1:]
    assert (await refused(at, url, ORDERS))["code"] == "not_found"
    assert at.sent("DESCRIBE") == []
    assert await read(at, url, record_uri(session_id))


async def templates(at: Stage, url: str) -> list[Mapping[str, Any]]:
    """Return the templates that a slug lists."""
    found: list[Mapping[str, Any]] = (await answered(at, url, "resources/templates/list"))["resourceTemplates"]
    return found


async def test_nobody_who_is_not_let_in_sees_anything(at: Stage, url: str) -> None:
    """At a slug that does not exist for a caller there is no list and no resource."""
    for method, params in (
        ("resources/list", {}),
        ("resources/templates/list", {}),
        ("resources/read", {"uri": ORDERS}),
    ):
        assert (await answered(at, url, method, slug="nowhere", **params))["data"]["code"] == "not_found"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_sdk_client_reads_them(at: Stage, url: str, mode: Any) -> None:
    """The SDK's client lists, finds the templates and reads, in both eras."""
    await at.session()
    headers = {"Authorization": f"Bearer {at.keys['agent']['api_key']}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(f"{url}/jit/mcp", http_client=http), mode=mode) as client,
    ):
        (record,) = (await client.list_resources()).resources
        assert [one.uri_template for one in (await client.list_resource_templates()).resource_templates] == TEMPLATES
        for uri in (record.uri, ORDERS):
            (content,) = (await client.read_resource(uri)).contents
            assert json.loads(content.text)  # type: ignore[union-attr]


def wish(**scope: Any) -> dict[str, Any]:
    """Return a request for a session."""
    return {"scope": {"schemas": ["OPS_DB.OPS"], **scope}, "ttl_s": 300, "reason": "test"}
