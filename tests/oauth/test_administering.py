"""MCP clients as people administer them, and what an operator settles."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from oauth.program import BACK, Program, Quarter
from skipass.app.settings import Settings
from skipass.errors import SkipassError
from skipass.gateway.forgetting import CODES_KEPT, Forgetting
from skipass.gateway.oauth_clients import MOST_UNUSED, OAuthClients
from skipass.gateway.oauth_rules import ClientRules
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.tokens_issued import TokenRefused
from skipass.ids import new_id
from skipass.nouns.oauth import ClientKind, OAuthClient
from skipass.nouns.people import Agent
from surfaces.console.browser import Browser

pytestmark = pytest.mark.anyio


async def test_a_client_added_by_hand_signs_in(quarter: Quarter, sam: Browser) -> None:
    """The page says that an admin added it, and its secret is needed for the code."""
    admin = await quarter.stage.principal("admin")
    client, secret = await quarter.gateway.mcp_clients.add(admin, "Reports", [BACK], public=False)
    assert secret is not None
    reports = Program(quarter, client.client_id, secret=secret.reveal())
    assert "an admin of this gateway added" in (await reports.asked(sam)).text
    assert (await quarter.rpc(await reports.sign_in(sam)))[0] == 200


async def test_a_stopped_client_is_nobodys(quarter: Quarter, sam: Browser) -> None:
    """Its tokens stop at once, its consents are gone, and nobody can agree to it again."""
    admin = await quarter.stage.principal("admin")
    editor = await quarter.program()
    token = await editor.sign_in(sam)
    await quarter.gateway.mcp_clients.disable(admin, editor.client_id)
    assert (await quarter.rpc(token))[0] == 401
    assert (await editor.refresh())[1]["error"] == "invalid_client"
    assert (await editor.asked(sam)).status == 400
    assert await quarter.gateway.consents.list(admin) == []


async def test_people_see_and_revoke_their_own(quarter: Quarter, sam: Browser) -> None:
    """A person's list is their own; another's consent is not there for them."""
    await quarter.open("sam", "grace")
    token = await (await quarter.program()).sign_in(sam)
    async with quarter.browser() as browser:
        await (await quarter.program()).sign_in(await quarter.signed_in(browser, "grace"))
    consents, who = quarter.gateway.consents, await quarter.who("sam")
    other = await quarter.who("grace")
    as_sam = replace(await quarter.stage.principal("admin"), user_id=who.id, roles=frozenset(who.roles))
    as_grace = replace(as_sam, user_id=other.id, roles=frozenset(other.roles))
    (mine,) = await consents.list(as_sam)
    assert [one.user.name for one in await consents.list(as_grace)] == ["grace"]
    with pytest.raises(SkipassError, match="no such consent"):
        await consents.revoke(as_grace, mine.consent.id)
    await consents.revoke(as_sam, mine.consent.id)
    assert (await quarter.rpc(token))[0] == 401
    assert len(await consents.list(await quarter.stage.principal("admin"))) == 1


async def test_sessions_end_with_the_consent(quarter: Quarter, sam: Browser) -> None:
    """What the client has open at that slug ends with it; a new consent does not open it again."""
    admin = await quarter.stage.principal("admin")
    editor = await quarter.program()
    opened = await quarter.session(await editor.sign_in(sam))
    (given,) = await quarter.gateway.consents.list(admin)
    await quarter.gateway.consents.revoke(admin, given.consent.id)
    _, _, answer = await quarter.query(await editor.sign_in(sam), "SELECT 1")
    assert answer["result"]["structuredContent"]["status"] == "session_required"
    ended = await quarter.stage.recorded("session.closing")
    assert [record.session_id for record in ended] == [opened["session_id"]]


async def test_a_client_agent_gets_no_key(quarter: Quarter, sam: Browser) -> None:
    """An admin cannot make a standing key out of what a person signed in."""
    await (await quarter.program()).sign_in(sam)
    (agent,) = [one for one in await quarter.stage.every(Agent) if one.client_id]
    with pytest.raises(SkipassError, match="MCP client"):
        await quarter.gateway.agents.rotate(await quarter.stage.principal("admin"), agent.name)


async def test_a_client_narrows_a_slug(quarter: Quarter, sam: Browser) -> None:
    """Where a slug names its clients, another one is not let in, before and after consent."""
    editor, other = await quarter.program(), await quarter.program()
    token = await editor.sign_in(sam)
    await quarter.open("sam", clients=(other.client_id,))
    assert "error" in (await quarter.rpc(token))[2]
    assert (await editor.answer(sam))["error"] == "invalid_target"
    assert (await quarter.rpc(await other.sign_in(sam)))[0] == 200


async def test_registration_is_switched_off(quarter: Quarter) -> None:
    """Then nobody registers, whatever they send."""
    clients = OAuthClients(replace(quarter.gateway.deps, mcp_clients=ClientRules(registration=False)))
    with pytest.raises(SkipassError) as refused:
        await clients.register({"redirect_uris": [BACK]}, None)
    assert refused.value.code == "not_found"


async def test_unused_registrations_are_bounded_and_forgotten(quarter: Quarter, sam: Browser) -> None:
    """Nobody fills the gateway with clients: at the bound the next is refused, and a day later they are gone."""
    kept = await quarter.program()
    await kept.sign_in(sam)

    async def fill(unit: UnitOfWork) -> None:
        (one,) = await unit.find(OAuthClient, client_id=kept.client_id)
        for _ in range(MOST_UNUSED):
            made = new_id("client", unit.now)
            ends = unit.now + timedelta(hours=24)
            await unit.insert(replace(one, id=made, client_id=made, kind=ClientKind.DYNAMIC, expires_at=ends))

    async def age(unit: UnitOfWork) -> None:
        for one in await unit.find(OAuthClient, expires_at__gt=unit.now):
            await unit.change(one, expires_at=unit.now - CODES_KEPT - timedelta(seconds=1))

    await quarter.gateway.deps.journal.write(fill)
    with pytest.raises(TokenRefused) as refused:
        await quarter.gateway.oauth_clients.register({"redirect_uris": [BACK]}, None)
    assert refused.value.error == "temporarily_unavailable"
    await quarter.gateway.deps.journal.write(age)
    assert (await quarter.registered())[0] == 201
    await Forgetting(quarter.gateway.deps).round()
    left = await quarter.stage.every(OAuthClient)
    assert (len(left), kept.client_id in {one.client_id for one in left}) == (2, True)
    assert (await kept.refresh())[0] == 200


async def test_a_registration_that_ran_out_is_nobodys(quarter: Quarter, sam: Browser) -> None:
    """After a day without a consent the client is told to register again."""
    editor = await quarter.program()

    async def age(unit: UnitOfWork) -> None:
        (one,) = await unit.find(OAuthClient)
        await unit.change(one, expires_at=unit.now)

    await quarter.gateway.deps.journal.write(age)
    assert (await editor.asked(sam)).status == 400
    assert (await editor.trade("x"))[1]["error"] == "invalid_client"


@pytest.mark.parametrize("schemes", ["javascript", "cursor,data", "http", "file", "Java Script", "1x"])
def test_an_operator_cannot_list_what_a_browser_runs(schemes: str) -> None:
    """A scheme that is not a program's own stops the gateway at its start."""
    with pytest.raises(ValueError, match="client_schemes"):
        Settings(client_schemes=schemes)  # type: ignore[arg-type]


def test_what_an_operator_settles_is_what_holds() -> None:
    """Lists by commas, and a token's life within ten to sixty minutes."""
    settings = Settings(client_schemes="cursor, Zed", client_document_hosts="claude.ai", client_token_minutes=10)  # type: ignore[arg-type]
    rules = settings.client_rules()
    assert (rules.schemes, rules.document_hosts, rules.access_life) == (
        ("cursor", "zed"),
        ("claude.ai",),
        timedelta(minutes=10),
    )
    for minutes in (9, 61):
        with pytest.raises(ValueError, match="client_token_minutes"):
            Settings(client_token_minutes=minutes)
