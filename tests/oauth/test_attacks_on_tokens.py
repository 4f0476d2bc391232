"""Attacks on what a consent of an MCP client led to: codes, tokens, and the consent itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeAlias

import aiohttp
import pytest

from oauth.program import BACK, LOCAL, TOKEN, Program, Quarter, basic, came, pressed
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.grants import AuthCode
from skipass.nouns.oauth import TokenFamily
from skipass.nouns.people import ApiKey, KeyUse
from skipass.snowflake.auth.oauth import Proof
from surfaces.console.browser import Browser

pytestmark = pytest.mark.anyio
Attack: TypeAlias = Callable[[Quarter, Browser], Awaitable[None]]
EVIL = "https://evil.example.com/callback"
AFTER: list[Attack] = []


async def agreed(at: Quarter, sam: Browser) -> tuple[Program, str]:
    """Return a client that sam agreed to, and its code."""
    editor = await at.program()
    return editor, (await editor.answer(sam))["code"]


def later(script: Attack) -> Attack:
    AFTER.append(script)
    return script


async def refused(answer: tuple[int, Any], *errors: str) -> None:
    status, told = answer
    assert (status in (400, 401), told["error"] in errors, "access_token" in told) == (True, True, False), answer


@later
async def stolen_code(at: Quarter, sam: Browser) -> None:
    """A code without its verifier, with another's, or for another address."""
    editor, code = await agreed(at, sam)
    for bent in (
        {"code_verifier": ""},
        {"code_verifier": Proof().verifier.reveal()},
        {"code_verifier": editor.proof.challenge},
        {"redirect_uri": EVIL},
        {"redirect_uri": ""},
        {"code": f"{code}x"},
    ):
        await refused(await editor.trade(**({"code": code} | bent)), "invalid_grant")


@later
async def code_shown_by_another_client(at: Quarter, sam: Browser) -> None:
    """Another registered client, the command line, or nobody in particular."""
    editor, code = await agreed(at, sam)
    other = await at.program()
    other.proof = editor.proof
    await refused(await other.trade(code), "invalid_grant")
    for client_id in ("skipass-cli", "", "cli_00000000000000000000000000"):
        await refused(await editor.trade(code, client_id=client_id), "invalid_grant", "invalid_client")


@later
async def code_of_the_command_line(at: Quarter, sam: Browser) -> None:
    """A code that makes somebody the person is not one that makes a client its agent, and the other way round."""
    line = Program(at, "skipass-cli", LOCAL)
    code = (await line.answer(sam, resource="", scope=""))["code"]
    editor = await at.program(redirect_uris=[LOCAL])
    editor.proof = line.proof
    await refused(await editor.trade(code), "invalid_grant")


@later
async def code_for_another_resource(at: Quarter, sam: Browser) -> None:
    """The resource is fixed at consent; the token request cannot name another."""
    await at.open("sam", slug="snowflake")
    editor, code = await agreed(at, sam)
    await refused(await editor.trade(code, resource=at.resource("snowflake")), "invalid_target")


@later
async def code_after_its_minute(at: Quarter, sam: Browser) -> None:
    """A code that is a minute old."""
    editor, code = await agreed(at, sam)

    async def age(unit: UnitOfWork) -> None:
        (one,) = await unit.find(AuthCode)
        assert one.expires_at - one.created_at <= timedelta(seconds=60)
        await unit.change(one, expires_at=unit.now)

    await at.gateway.deps.journal.write(age)
    await refused(await editor.trade(code), "invalid_grant")


@later
async def code_after_consent_was_taken_back(at: Quarter, sam: Browser) -> None:
    """The person changes their mind before the client collects."""
    editor, code = await agreed(at, sam)
    admin = await at.stage.principal("admin")
    (given,) = await at.gateway.consents.list(admin)
    await at.gateway.consents.revoke(admin, given.consent.id)
    await refused(await editor.trade(code), "invalid_grant")


@later
async def credentials_in_two_places(at: Quarter, sam: Browser) -> None:
    """A client that says who it is by header and by form, or by a secret it does not have."""
    editor, code = await agreed(at, sam)
    form = {"grant_type": "authorization_code", "code": code, "client_id": editor.client_id, "redirect_uri": BACK}
    form |= {"code_verifier": editor.proof.verifier.reveal()}
    await refused(await at.posted(TOKEN, basic("other", "x"), **form), "invalid_request")
    await refused(await at.posted(TOKEN, basic(editor.client_id, "x"), **form), "invalid_client")
    await refused(await at.posted(TOKEN, **form, client_secret="x"), "invalid_client")


@later
async def grants_that_are_not_its_own(at: Quarter, sam: Browser) -> None:
    """A client's id at the agents' grant, at the device grant, and at one that is not there."""
    editor, _ = await agreed(at, sam)
    for kind in ("client_credentials", "password", "urn:ietf:params:oauth:grant-type:device_code", "implicit"):
        status, told = await at.posted(TOKEN, grant_type=kind, client_id=editor.client_id, device_code="x")
        assert (status in (400, 401), "access_token" in told) == (True, False)


@pytest.mark.parametrize("script", AFTER, ids=lambda script: script.__name__)
async def test_an_attack_after_consent_gets_no_token(quarter: Quarter, sam: Browser, script: Attack) -> None:
    """Each script plays one attack on what a consent led to; afterwards there is no token of an MCP client."""
    await script(quarter, sam)
    assert await quarter.stage.every(ApiKey, use=KeyUse.MCP_TOKEN) == []


async def test_a_code_that_comes_twice_ends_what_it_was_traded_for(quarter: Quarter, sam: Browser) -> None:
    """The thief's second use and the client's tokens end together, access and refresh."""
    editor, code = await agreed(quarter, sam)
    _, told = await editor.trade(code)
    await refused(await editor.trade(code), "invalid_grant")
    assert (await quarter.rpc(told["access_token"]))[0] == 401
    await refused(await editor.refresh(told["refresh_token"]), "invalid_grant")
    assert [one.revoked_at is None for one in await quarter.stage.every(TokenFamily)] == [False]


async def test_a_consent_is_of_one_client_at_one_address(quarter: Quarter, sam: Browser) -> None:
    """Another client of the same name, and the same client at another of its addresses, are asked about again."""
    editor = await quarter.program(redirect_uris=[BACK, "https://other.example.com/callback"])
    await editor.sign_in(sam)
    assert (await editor.asked(sam)).status == 303
    assert (await editor.asked(sam, redirect_uri="https://other.example.com/callback")).status == 200
    assert (await (await quarter.program()).asked(sam)).status == 200


async def test_one_kind_of_token_is_not_another(quarter: Quarter, sam: Browser) -> None:
    """A refresh token is no bearer, an access token refreshes nothing, and neither travels in an address or a form."""
    editor = await quarter.program()
    token = await editor.sign_in(sam)
    assert (await quarter.rpc(editor.tokens["refresh_token"]))[0] == 401
    await refused(await editor.refresh(token), "invalid_grant")
    url, message = f"{quarter.url}/jit/mcp?access_token={token}", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    async with aiohttp.ClientSession() as http, http.post(url, json=message) as said:
        assert said.status == 401
    sent = {"authorization": f"Basic {token}"}
    async with aiohttp.ClientSession(headers=sent) as http, http.post(f"{quarter.url}/jit/mcp", json=message) as said:
        assert said.status == 401


async def test_a_client_never_decides(quarter: Quarter, sam: Browser) -> None:
    """Neither its token at the approvals nor its person's own consent makes it a decider of what it asked for."""
    editor = await quarter.program()
    token = await editor.sign_in(sam, scope="tools:read sessions:request tools:write")
    await quarter.session(token)
    _, _, held = await quarter.query(token, "UPDATE OPS_DB.OPS.ORDERS SET NOTE = 'x' WHERE ORDER_ID = 1003")
    approval = held["result"]["structuredContent"]["approval"]["id"]
    url, sent = f"{quarter.url}/api/v1/approvals/{approval}/approve", {"authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=sent) as http, http.post(url, json={}) as said:
        assert said.status == 401
    form = (await sam.get(f"/console/approvals/{approval}")).text
    assert "may not decide" in form or "cannot decide" in form or "not eligible" in form.lower()


async def test_a_mixed_up_answer_names_its_issuer(quarter: Quarter, sam: Browser) -> None:
    """Every answer, an error too, carries `iss`, so a client with several servers can tell whose it is."""
    editor = await quarter.program()
    for word, bent in (("allow", {}), ("deny", {"scope": "tools:write"}), ("allow", {"response_type": "x"})):
        assert (await editor.answer(sam, word, **bent))["iss"] == quarter.base_url


async def test_an_address_with_a_query_keeps_it(quarter: Quarter, sam: Browser) -> None:
    """The answer is added to the registered query, never put in its place."""
    editor = await quarter.program(redirect_uris=[f"{BACK}?tenant=7"])
    back = await pressed(sam, await editor.asked(sam))
    assert (came(back)["tenant"], back.count("?")) == ("7", 1)
