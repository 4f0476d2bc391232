"""Refresh tokens: good once, in one family; a thief and its victim cannot both go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateways import served
from oauth.program import FIRST, Program, Quarter
from postgres import Postgres
from replicas import pair
from skipass.gateway.oauth_tokens import GRACE, successor
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.oauth import RefreshToken, TokenFamily
from skipass.sandbox.testing import RunningSandbox
from surfaces.console.browser import Browser

pytestmark = pytest.mark.anyio


@pytest.fixture
async def editor(quarter: Quarter, sam: Browser) -> Program:
    """Return a client that sam has signed in."""
    program = await quarter.program()
    await program.sign_in(sam)
    return program


async def aged(quarter: Quarter, by: timedelta) -> None:
    """Have everything about families have happened so much earlier."""

    async def age(unit: UnitOfWork) -> None:
        for token in await unit.find(RefreshToken):
            used = token.used_at - by if token.used_at else None
            await unit.change(token, used_at=used, expires_at=token.expires_at - by)
        for family in await unit.find(TokenFamily):
            await unit.change(family, created_at=family.created_at - by)

    await quarter.gateway.deps.journal.write(age)


async def test_a_refresh_token_is_traded_for_the_next_pair(quarter: Quarter, editor: Program) -> None:
    """The new access token works, the refresh token is another one, and both are of the same family."""
    status, told = await editor.refresh()
    assert (status, told["scope"]) == (200, FIRST)
    assert told["refresh_token"] != editor.tokens["refresh_token"]
    assert (await quarter.rpc(told["access_token"]))[0] == 200
    assert len(await quarter.stage.every(TokenFamily)) == 1


async def test_a_lost_answer_is_given_again(quarter: Quarter, editor: Program) -> None:
    """The same token at once gets the very same successor, and everything goes on."""
    _, first = await editor.refresh()
    status, again = await editor.refresh()
    assert (status, again["refresh_token"]) == (200, first["refresh_token"])
    assert again["access_token"] != first["access_token"]
    assert (await editor.refresh(first["refresh_token"]))[0] == 200
    assert (await quarter.rpc(again["access_token"]))[0] == 200


@pytest.mark.parametrize("how", ["late", "after its successor"])
async def test_a_replay_ends_the_family(quarter: Quarter, editor: Program, how: str) -> None:
    """A used token that comes again late, or after its successor was used, stops every token of the family."""
    old = editor.tokens["refresh_token"]
    _, told = await editor.refresh()
    if how == "late":
        await aged(quarter, GRACE + timedelta(seconds=1))
    else:
        _, told = await editor.refresh(told["refresh_token"])
    assert (await editor.refresh(old))[1]["error"] == "invalid_grant"
    assert (await editor.refresh(told["refresh_token"]))[1]["error"] == "invalid_grant"
    assert (await quarter.rpc(told["access_token"]))[0] == 401
    (revoked,) = await quarter.stage.recorded("family.revoked")
    assert "a used refresh token came again" in revoked.body


async def test_another_client_that_shows_it_ends_the_family(quarter: Quarter, editor: Program) -> None:
    """A refresh token in the hands of another client has been stolen."""
    thief = await quarter.program()
    assert (await thief.refresh(editor.tokens["refresh_token"]))[1]["error"] == "invalid_grant"
    assert (await editor.refresh())[1]["error"] == "invalid_grant"
    assert (await quarter.rpc(editor.tokens["access_token"]))[0] == 401


@pytest.mark.parametrize(
    ("bent", "error"),
    [
        ({"resource": "http://127.0.0.1:8787/snowflake/mcp"}, "invalid_target"),
        ({"resource": "https://evil.example.com/mcp"}, "invalid_target"),
        ({"scope": f"{FIRST} tools:write"}, "invalid_scope"),
        ({"scope": "admin"}, "invalid_scope"),
    ],
    ids=str,
)
async def test_no_more_than_was_agreed_to(quarter: Quarter, editor: Program, bent: dict[str, str], error: str) -> None:
    """Another resource or more scopes are refused, and the token is not used up by that."""
    assert (await editor.refresh(**bent))[1]["error"] == error
    assert (await editor.refresh(resource=quarter.resource(), scope="tools:read"))[0] == 200


@pytest.mark.parametrize("days", [31, 91])
async def test_a_family_ends(quarter: Quarter, editor: Program, days: int) -> None:
    """After thirty days without use, and after ninety whatever was done, the person signs in again."""
    if days > 31:
        for _ in range(4):
            await aged(quarter, timedelta(days=20))
            _, told = await editor.refresh()
            editor.tokens = told
        await aged(quarter, timedelta(days=15))
    else:
        await aged(quarter, timedelta(days=days))
    assert (await editor.refresh())[1]["error"] == "invalid_grant"


async def test_two_at_once_get_one_successor(quarter: Quarter, editor: Program) -> None:
    """Ten requests with one token: one family, one live refresh token, and nobody is locked out."""
    answers = await asyncio.gather(*(editor.refresh() for _ in range(10)))
    assert {status for status, _ in answers} == {200}
    (after,) = {told["refresh_token"] for _, told in answers}
    assert len([one for one in await quarter.stage.every(RefreshToken) if one.used_at is None]) == 1
    assert (await editor.refresh(after))[0] == 200


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["soon", "late"])), min_size=1, max_size=6))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_family_never_has_two_live_tokens(
    quarter: Quarter, sam: Browser, editor: Program, tries: list[tuple[int, str]]
) -> None:
    """Whatever old token comes whenever: one successor goes on, or, once a replay was seen, none ever again."""
    await editor.sign_in(sam)
    known, dead = [editor.tokens["refresh_token"]], False
    for back, when in tries:
        if when == "late":
            await aged(quarter, GRACE + timedelta(seconds=1))
        index = max(0, len(known) - 1 - back)
        fresh = index == len(known) - 1
        repeats = index == len(known) - 2 and when == "soon"
        status, told = await editor.refresh(known[index])
        dead = dead or not (fresh or repeats)
        assert status == (400 if dead else 200)
        if status == 200 and fresh:
            known.append(told["refresh_token"])
        elif status == 200:
            assert told["refresh_token"] == known[-1]
    family = max(await quarter.stage.every(TokenFamily), key=lambda one: one.id)
    assert (family.revoked_at is not None) == dead
    live = [one for one in await quarter.stage.every(RefreshToken, family_id=family.id) if one.used_at is None]
    assert len(live) == 1


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_a_successor_needs_both_halves(text: str, salt: str, other: str) -> None:
    """The next token follows from the text and the salt, and from neither of them with another."""
    made = successor(text, salt)
    assert made == successor(text, salt)
    assert other == salt or made != successor(text, other)
    assert other == text or made != successor(other, salt)


@pytest.fixture
async def replicas(
    sandbox: RunningSandbox, postgres: Postgres, shared: str, tmp_path: Path
) -> AsyncIterator[tuple[Quarter, Quarter]]:
    url = postgres.url(shared)
    async with pair(sandbox, tmp_path, url) as (one, two), served(one) as first, served(two) as second:
        yield Quarter(first, one), Quarter(second, two)


async def test_replicas_share_a_family(replicas: tuple[Quarter, Quarter]) -> None:
    """One token at two gateways at once: the same successor from both; a replay at one ends it at the other."""
    one, two = replicas
    await one.open("sam")
    editor = await one.program()
    async with one.browser() as browser:
        await editor.sign_in(await one.signed_in(browser))
    beside = Program(two, editor.client_id, tokens=editor.tokens)
    answers: list[tuple[int, Any]] = await asyncio.gather(
        *(program.refresh() for program in (editor, beside) for _ in range(4))
    )
    assert {status for status, _ in answers} == {200}, answers
    (after,) = {told["refresh_token"] for _, told in answers}
    token = answers[0][1]["access_token"]
    assert [(await at.rpc(token))[0] for at in replicas] == [200, 200]
    assert (await beside.refresh(after))[0] == 200
    assert (await beside.refresh())[1]["error"] == "invalid_grant"
    assert [(await at.rpc(token))[0] for at in replicas] == [401, 401]
