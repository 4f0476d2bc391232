"""Why a credential is no longer taken: what was taken away is told apart, where Snowflake's answer lets us."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.walk import ROLE, Walk
from gateway.linked import READ, Linked, linked
from gateways import snowflake
from sandbox.client import Client
from skipass.gateway.execute import Target
from skipass.nouns.account import ConnectedAccount
from skipass.sandbox.testing import RunningSandbox
from skipass.tools.call import CallContext

pytestmark = pytest.mark.anyio


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """An account of each test's own, which may be spoilt."""
    with snowflake() as running:
        yield running


@pytest.fixture
async def own(sandbox: RunningSandbox, tmp_path: Path) -> AsyncIterator[Linked]:
    async with linked(sandbox, tmp_path / "linked") as running:
        running.expire()
        await running.session()
        assert (await running.query()).status.value == "success"  # by a token that is seconds old
        yield running


CONSENT = "ALTER USER DANA REMOVE DELEGATED AUTHORIZATIONS FROM SECURITY INTEGRATION skipass_oauth"
WITHDRAWN = {
    "consent": (CONSENT, "390302", "user_revoked"),
    "consent, not named": (CONSENT, "390303", "unknown"),
    "grant of the role": ("REVOKE ROLE AGENT_ROLE FROM USER DANA", "390303", "role_lost"),
    "role": ("DROP ROLE AGENT_ROLE", "390303", "role_lost"),
    "user": ("ALTER USER DANA SET DISABLED = TRUE", "390303", "unknown"),
    "integration": ("DROP SECURITY INTEGRATION skipass_oauth", "390303", "unknown"),
}


@pytest.mark.parametrize("what", WITHDRAWN)
async def test_a_fresh_token_that_is_refused_ends_the_credential_with_its_reason(own: Linked, what: str) -> None:
    """No newer token could help, so the account is REVOKED at once, for what the code says, and asks for consent."""
    text, code, reason = WITHDRAWN[what]
    own.at.sandbox.control.switches(withdrawn_code=code)
    refreshed = len(own.token_calls())
    own.sql(text)
    await own.query(f"{READ} LIMIT 3")
    account = await own.account()
    assert (account.state.value, account.reason) == ("REVOKED", reason)
    assert len(own.token_calls()) == refreshed
    again = await own.query(f"{READ} LIMIT 4")
    assert again.fields["code"] == "consent_required"
    assert "/connect?connection=own" in again.fields["url"]


EXTERNAL = {
    "grant of the role": ("REVOKE ROLE AGENT_ROLE FROM USER DANA", "role_lost"),
    "user": ("ALTER USER DANA SET DISABLED = TRUE", "user_disabled"),
    "integration": ("DROP SECURITY INTEGRATION sandbox_idp", "integration_disabled"),
    "enabled": ("ALTER SECURITY INTEGRATION sandbox_idp SET ENABLED = FALSE", "integration_disabled"),
}


@pytest.mark.parametrize("what", EXTERNAL)
async def test_a_provider_s_token_that_is_refused_says_what_was_taken_away(walk: Walk, what: str) -> None:
    """A token that the provider has just issued, and the account does not take, ends the account for that reason."""
    text, reason = EXTERNAL[what]
    await walk.by_provider()
    key = await walk.agent(connection="idp")
    async with walk.signed_in() as sam:
        await walk.linked(sam, await walk.invite(await walk.of(key), "idp"))
    await walk.query(key, "idp")
    reply = Client.of(walk.stage.sandbox, "ADMIN").sql(text)
    assert reply.status == 200, reply.body
    answer = await asked(walk, key)
    assert answer.status.value == "failed"
    account = await walk.one(ConnectedAccount)
    assert (account.state.value, account.reason) == ("REVOKED", reason)
    assert (await asked(walk, key)).fields["code"] == "consent_required"


async def asked(walk: Walk, key: str) -> Any:
    """Return the envelope of one more read in the agent's open session."""
    statement = {"statement": f"SELECT {len(walk.stage.sandbox.control.calls())}"}
    target, context = Target(connection="idp"), CallContext(request_id="req_test")
    return await walk.gateway.calls.call(await walk.of(key), target, "snowflake_execute_query", statement, context)


@pytest.mark.parametrize("form", ["list", "text"])
async def test_scopes_as_a_list_or_a_text_are_the_same(walk: Walk, form: str) -> None:
    """Whichever form a provider gives the scopes of its tokens, the person connects and statements run."""
    walk.stage.sandbox.control.provider("server", scp=form)
    await walk.by_provider()
    key = await walk.agent(connection="idp")
    async with walk.signed_in() as sam:
        page = await walk.linked(sam, await walk.invite(await walk.of(key), "idp"))
    assert "Connected" in page.text, page.text
    assert {call["role"] for call in await walk.query(key, "idp")} == {ROLE}


async def test_one_authorisation_for_any_role_serves_each(walk: Walk) -> None:
    """By a scope for any role, one sign-in gives one credential that is bound to none, and sessions choose."""
    admin = Client.of(walk.stage.sandbox, "ADMIN")
    for text in (
        "ALTER SECURITY INTEGRATION sandbox_idp SET EXTERNAL_OAUTH_ANY_ROLE_MODE = ENABLE",
        "CREATE ROLE SECOND_ROLE",
        "GRANT ROLE AGENT_ROLE TO ROLE SECOND_ROLE",
        "GRANT ROLE SECOND_ROLE TO USER DANA",
    ):
        assert admin.sql(text).status == 200, text
    rule = {"scopes": ["session:role-any", "offline_access"], "groups": ["operations"]}
    walk.stage.sandbox.control.provider("server", rules=[rule])
    await walk.by_provider(scope="session:role-any offline_access")
    key = await walk.agent(connection="idp")
    async with walk.signed_in() as sam:
        page = await walk.linked(sam, await walk.invite(await walk.of(key), "idp"))
    assert "Connected" in page.text, page.text
    (credential,) = await walk.usable()
    assert credential.role is None
    assert {call["role"] for call in await walk.query(key, "idp")} == {ROLE}
