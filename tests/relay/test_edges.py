"""Where a relay meets the rest: policy rules, other surfaces, other slugs, addresses, names."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from gateways import served
from relay.bench import ANALYST, SEARCH, SERVER, SLUG, SQL, Bench
from skipass.app.demo_seed import managed_url
from skipass.errors import SkipassError
from skipass.gateway.relay_reading import names_listed, read_spec
from skipass.gateway.relay_servers import UpstreamClient
from skipass.ids import as_uuid
from skipass.nouns.connection import AuthMethod
from skipass.nouns.mcp_tool import ToolType
from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.mcp.address import parse_server_url

pytestmark = pytest.mark.anyio
ROWS = {"sql": "SELECT ORDER_ID FROM OPS_DB.OPS.ORDERS LIMIT 5"}
PATH = "/api/v2/databases/OPS_DB/schemas/OPS/mcp-servers/OPS_MCP"

POLICIES = {
    "a limit of rows": '[[rule]]\nname = "few"\nresult_rows = 2\n',
    "a denied object": '[[rule]]\nname = "no"\noutcome = "deny"\nobjects = ["OPS_DB.OPS.*"]\n',
    "a denied column": '[[rule]]\nname = "c"\ndeny_columns = ["OPS_DB.OPS.ORDERS.ORDER_ID"]\n',
}


@pytest.mark.parametrize("case", POLICIES)
async def test_rules_of_the_policy_hold_for_relayed_tools(bench: Bench, case: str) -> None:
    """What a rule denies or limits is not to be had by a relayed tool either."""
    await bench.opened()
    await bench.at.gateway.policies.apply(await bench.admin(), f"version = 1\n{POLICIES[case]}")
    refused = await bench.call(SQL, ROWS)
    assert (refused.status.value, refused.fields["code"]) == ("denied", "denied_by_policy")
    assert bench.called(SQL) == []


async def test_rules_that_ask_people_hold_a_read(bench: Bench) -> None:
    """A rule that wants people asked holds a search as it would any read; approved, it runs as it was."""
    rule = '[[rule]]\nname = "ask"\noutcome = "approval"\neffects = ["read"]\nobjects = ["OPS_DB.OPS.TICKET_SEARCH"]\n'
    await bench.opened()
    await bench.at.gateway.policies.apply(await bench.admin(), f"version = 1\n{rule}")
    held = await bench.call(SEARCH, {"query": "order"})
    assert held.status.value == "approval_required"
    await bench.at.decide(held)
    answer = await bench.call("snowflake_get_query_status", {"statement_handle": held.execution_id, "wait_s": 50})
    assert answer.status.value == "success", answer
    assert len(bench.called(SEARCH)) == 1


async def test_other_doors_answer_for_a_relayed_statement(bench: Bench) -> None:
    """Asked for by the SQL API, a relayed statement is answered without an error of the server."""
    await bench.opened()
    for tool, arguments in ((SQL, ROWS), (ANALYST, {"message": "How many tickets are open?"})):
        answer = await bench.call(tool, arguments)
        headers = {"Authorization": f"Bearer {bench.at.keys['agent']['api_key']}"}
        async with served(bench.at) as url, aiohttp.ClientSession(headers=headers) as http:
            path = f"{url}/c/jit/api/v2/statements/{as_uuid(answer.execution_id)}"
            for query in ("", "?partition=0", "?partition=1"):
                async with http.get(path + query) as got:
                    assert got.status < 500, await got.text()


async def test_a_relayed_call_cannot_use_a_session_of_another_slug(bench: Bench) -> None:
    """A session of another connection is not there for a relay, by whatever way it is named."""
    other = await bench.session(slug="snowflake")
    refused = await bench.call(SQL, {**ROWS, "session_id": other.session_id})
    assert refused.fields["code"] in ("not_found", "session_required")
    assert bench.called(SQL) == []


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com" + PATH,
        "http://example.com" + PATH,
        "https://myorg-other.snowflakecomputing.com" + PATH,
        "https://user@myorg-acc.snowflakecomputing.com" + PATH,
        "https://myorg-acc.snowflakecomputing.com" + PATH + "?x=1",
        "https://myorg-acc.snowflakecomputing.com" + PATH + "#x",
        "https://myorg-acc.snowflakecomputing.com" + PATH + "/",
        "https://myorg-acc.snowflakecomputing.com/api/v2/databases/A/schemas/..%2F..%2Fx/mcp-servers/M",
        "https://myorg-acc.snowflakecomputing.com/api/v2/databases/A%2FB/schemas/S/mcp-servers/M",
        "https://169.254.169.254" + PATH,
        "file:///etc/passwd",
        "//x" + PATH,
        "nothing",
    ],
)
async def test_an_address_elsewhere_is_not_registered(bench: Bench, url: str) -> None:
    """An address that is none, or is not on the connection's own account, is refused, and no slug is opened."""
    with pytest.raises(SkipassError) as caught:
        await bench.add("elsewhere", url=url)
    assert caught.value.code == "invalid_request"
    listed = await bench.at.gateway.servers.list(await bench.admin())
    assert "elsewhere" not in [one.server.slug for one in listed]


def test_underscores_of_a_host_become_hyphens() -> None:
    """The host of an address is written as its certificate has it, which is said; names keep what they are."""
    found = parse_server_url(
        "https://myorg-my_acc.snowflakecomputing.com/api/v2/databases/db/schemas/S/mcp-servers/m_1"
    )
    assert found.rewritten
    assert found.url == "https://myorg-my-acc.snowflakecomputing.com/api/v2/databases/DB/schemas/S/mcp-servers/M_1"
    quoted = parse_server_url(
        "https://a-b.snowflakecomputing.com/api/v2/databases/%22my%20db%22/schemas/S/mcp-servers/M"
    )
    assert (quoted.server.database, quoted.rewritten) == ('"my db"', False)
    with pytest.raises(SnowflakeConfigError):
        parse_server_url("https://a-b.snowflakecomputing.com/api/v2/databases/my%20db/schemas/S/mcp-servers/M")


async def test_a_relay_from_oauth_metadata_makes_its_connection(bench: Bench) -> None:
    """The object that people have registers client and connection as pasted: its scope wins, not its redirect."""
    said = bench.at.sandbox.said["idp"]
    metadata: dict[str, Any] = {name: said[name] for name in ("issuer", "client_id", "client_secret")}
    metadata |= {"scope": "session:role:AGENT_ROLE offline_access", "redirect_uri": "https://old.example.com/cb"}
    client = UpstreamClient(metadata, account="SKIPASS-SANDBOX", warehouse="AGENT_WH")
    url = managed_url(bench.at.sandbox.url, SERVER)
    made = await bench.at.gateway.relays.add(await bench.admin(), "pasted", url, client=client)
    (connection,) = [
        one for one in await bench.at.gateway.connections.list(await bench.admin()) if one.name == "pasted"
    ]
    assert (connection.auth_method, connection.role) == (AuthMethod.EXTERNAL_OAUTH, "AGENT_ROLE")
    assert made.registration is not None
    assert made.registration.metadata["scope"] == metadata["scope"]
    assert any("redirect" in remark.lower() for remark in made.remarks)
    assert str(metadata["client_secret"]) not in repr(made)
    assert made.shown.server.users == made.shown.server.agents == ()


async def test_nobody_but_admins_registers_relays(bench: Bench) -> None:
    """Agents and approvers register nothing."""
    for who in ("agent", "approver"):
        with pytest.raises(SkipassError) as caught:
            await bench.at.gateway.relays.add(
                await bench.at.principal(who), "mine", managed_url(bench.at.sandbox.url, SERVER), connection="jit"
            )
        assert caught.value.code == "forbidden"
    assert SLUG in [one.server.slug for one in await bench.at.gateway.servers.list(await bench.admin())]


def test_names_that_clash_are_listed_under_others() -> None:
    """No upstream name hides one of ours or another's, and each is one that MCP allows."""
    taken = frozenset({"skipass_show_session"})
    names = ["skipass_show_session", "a b", "a_b", "upstream_skipass_show_session", "é"]
    given = names_listed(names, taken)
    assert sorted(given.values()) == sorted(names)
    assert "skipass_show_session" not in given
    assert given["a_b"] == "a_b"
    assert all(name.isascii() and " " not in name and len(name) <= 128 for name in given)


def test_a_specification_is_read_as_far_as_it_goes() -> None:
    """What DESCRIBE says is taken tool by tool; an unknown type, and what is no specification, say nothing."""
    text = '{"tools":[{"name":"a","type":"SYSTEM_EXECUTE_SQL"},{"name":"b","type":"NEW_KIND"},7,{"type":"GENERIC"}]}'
    assert {name: facts.type for name, facts in read_spec(text).items()} == {"a": ToolType.SQL, "b": ToolType.UNKNOWN}
    assert read_spec("no JSON") == read_spec("[]") == read_spec('{"tools":{}}') == {}
