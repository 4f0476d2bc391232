"""Everybody's own token: what a person may do in Snowflake is what their calls may do, and no token is another's."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass

import pytest

from accounts.walk import Walk
from gateways import Stage
from relay.bench import SEARCH, SLUG, SQL, Bench
from skipass.errors import SkipassError
from skipass.gateway.client_drafting import ClientRequest
from skipass.gateway.drafting import ConnectionRequest
from skipass.nouns.connection import AuthMethod
from skipass.nouns.principal import Principal, Role
from skipass.nouns.statement import Statement

pytestmark = pytest.mark.anyio
COUNT = {"sql": "SELECT COUNT(*) FROM OPS_DB.OPS.ORDERS"}
WHO = "SELECT CURRENT_USER() AS WHO, {n} AS N"
USAGE = "USAGE ON MCP SERVER OPS_DB.OPS.OPS_MCP"


@dataclass(slots=True)
class Own:
    """A relay over a connection by External OAuth, and people with accounts of their own behind it."""

    bench: Bench
    walk: Walk

    async def person(self, name: str, login: str) -> Principal:
        """Return an agent of a person who has connected their own Snowflake account."""
        key = await self.key(name)
        async with self.walk.signed_in(name) as browser:
            await self.walk.linked(browser, await self.walk.invite(await self.walk.of(key), "idp"), login)
        principal = await self.walk.of(key)
        wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 600, "reason": "test"}
        opened = await self.bench.call("skipass_request_session", wish, principal=principal)
        assert opened.status.value == "success", opened
        return principal

    async def key(self, name: str) -> str:
        """Return the key of an agent of a person without an account."""
        if name != "sam":
            await self.bench.at.gateway.people.create(await self.bench.admin(), name, [Role.MEMBER])
        return await self.walk.agent(f"{name}-bot", "idp", owner=name)


@pytest.fixture
async def own(at: Stage, walk: Walk) -> Own:
    bench = Bench(at)
    bench.serve()
    said = at.sandbox.said["idp"]
    metadata = {key: said[key] for key in ("issuer", "client_id", "client_secret")}
    await at.gateway.connections.add(
        await bench.admin(),
        ConnectionRequest(
            name="idp",
            account="SKIPASS-SANDBOX",
            host=at.sandbox.url,
            role="AGENT_ROLE",
            warehouse="AGENT_WH",
            auth_method=AuthMethod.EXTERNAL_OAUTH,
            policy={"budgets": {"statements": 100_000, "seconds": 10_000_000}},
            client=ClientRequest(oauth_metadata={**metadata, "scope": "session:role:AGENT_ROLE offline_access"}),
        ),
    )
    await bench.add(connection="idp")
    return Own(bench, walk)


async def test_list_call_and_denied_without_the_grant(own: Own) -> None:
    """With a person's own External OAuth token: tools are listed and run, denied without USAGE, and run again."""
    bench, who = own.bench, await own.person("sam", "DANA")
    relays = bench.at.gateway.relays
    server = (await bench.at.gateway.servers.show(await bench.admin(), SLUG)).server
    assert SQL in await bench.names(principal=who)
    answer = await bench.call(SQL, {"sql": WHO.format(n=1)}, principal=who)
    assert answer.status.value == "success", answer
    assert json.loads((answer.content or ())[0]["text"])["result_set"]["data"][0][0] == "DANA"
    bench.sql(f"REVOKE {USAGE} FROM ROLE AGENT_ROLE")
    denied = await bench.call(SQL, COUNT, principal=who)
    assert (denied.status.value, denied.fields["code"]) == ("denied", "snowflake_denied")
    assert "setup-sql" in denied.fields["hint"]
    relays.pins.forget(server.id)
    with pytest.raises(SkipassError) as caught:
        await bench.names(principal=who)
    assert caught.value.code == "snowflake_denied"
    bench.sql(f"GRANT {USAGE} TO ROLE AGENT_ROLE")
    assert SQL in await bench.names(principal=who)
    assert (await bench.call(SQL, {"sql": WHO.format(n=2)}, principal=who)).status.value == "success"


async def test_without_an_account_the_pins_are_listed_and_a_call_says_where_to_connect(own: Own) -> None:
    """A person without an account sees what there is, and the first call answers with the link for their role."""
    bench = own.bench
    await own.person("sam", "DANA")
    await bench.names(principal=await own.walk.of(await own.walk.agent("other-bot", "idp")))
    stranger = await own.walk.of(await own.key("mia"))
    assert {SQL, SEARCH} <= set(await bench.names(principal=stranger))
    needed = await bench.call(SQL, COUNT, principal=stranger)
    assert needed.status.value == "consent_required"
    assert "/connect?" in needed.fields["url"]
    assert not [call for call in bench.called(SQL) if call["user"] != "DANA"]


async def test_a_token_that_snowflake_no_longer_takes_asks_for_consent_again(own: Own) -> None:
    """When the account was taken away in Snowflake, the call is refused with the link that mends it."""
    bench, who = own.bench, await own.person("sam", "DANA")
    assert (await bench.call(SQL, COUNT, principal=who)).status.value == "success"
    bench.sql("ALTER SECURITY INTEGRATION SANDBOX_IDP SET ENABLED = FALSE")
    try:
        refused = await bench.call(SQL, {"sql": WHO.format(n=3)}, principal=who)
        assert refused.status.value in ("consent_required", "failed"), refused
        assert refused.fields["code"] in ("consent_required", "snowflake_rejected_credential")
    finally:
        bench.sql("ALTER SECURITY INTEGRATION SANDBOX_IDP SET ENABLED = TRUE")


async def test_a_token_of_another_role_is_not_used(bench: Bench) -> None:
    """Where a token brings another role than the session's, nothing is called, whatever role could be asked for."""
    bench.sql("CREATE ROLE OTHER_ROLE; GRANT ROLE OTHER_ROLE TO USER SKIPASS_SVC")
    gateway, admin = bench.at.gateway, await bench.admin()
    await gateway.changing.change(admin, "jit", {"allowed_roles": ["OTHER_ROLE"]})
    await bench.opened(role="OTHER_ROLE")
    refused = await bench.call(SQL, COUNT)
    assert refused.fields["code"] in ("snowflake_misconfigured", "snowflake_denied"), refused
    assert bench.called(SQL) == []


@pytest.mark.parametrize("calls", [200, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_no_token_crosses_between_two_people(own: Own, calls: int) -> None:
    """Two people's calls over one slug, interleaved: each arrives as its own login and gets its own answer."""
    bench = own.bench
    logins = {"DANA": await own.person("sam", "DANA"), "ERIK": await own.person("mia", "ERIK")}
    turns = asyncio.Semaphore(8)

    async def one(n: int) -> bool:
        login = ("DANA", "ERIK")[n % 2]
        async with turns:
            answer = await bench.call(SQL, {"sql": WHO.format(n=n)}, principal=logins[login], wait_s=50)
        assert answer.status.value == "success", answer
        row = json.loads((answer.content or ())[0]["text"])["result_set"]["data"][0]
        return bool(row == [login, str(n)])

    assert all(await asyncio.gather(*(one(n) for n in range(calls))))
    made = {one.id: one.user_id for one in await bench.at.every(Statement, tool=SQL, limit=100_000)}
    arrived = [(call["statement"].rpartition("skipass:")[2][:30], call["user"]) for call in bench.called(SQL)]
    whose = {principal.user_id: login for login, principal in logins.items()}
    assert Counter(whose[made[statement]] == user for statement, user in arrived) == {True: calls}
