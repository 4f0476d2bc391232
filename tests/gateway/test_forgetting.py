"""Forgetting: what ran out long ago is deleted, in small batches and by any process; everything else stays."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateways import Stage
from skipass.gateway import forgetting
from skipass.gateway.forgetting import CODES_KEPT, TOKENS_KEPT, Forgetting
from skipass.gateway.ports import UnitOfWork
from skipass.identity.keys import issue
from skipass.nouns.grants import AuthCode, DeviceGrant, DeviceState
from skipass.nouns.notice import Sighting
from skipass.nouns.oauth import ClientKind, OAuthClient, RefreshToken, TokenFamily
from skipass.nouns.people import Agent, ApiKey, KeyUse, SignInLink, User
from skipass.nouns.signin import SignIn

pytestmark = pytest.mark.anyio
HOUR, BEGAN = timedelta(hours=1), datetime(2026, 1, 1, tzinfo=UTC)
T = "ten_test"
FAMILY = TokenFamily("fam_1", T, "cns_1", "cli_1", "usr_1", "agt_1", "https://x.example/s/mcp", (), BEGAN)


@pytest.fixture
async def at(at: Stage) -> Stage:
    """Return a gateway whose own rounds have stopped, so that the test's are the only ones."""
    await at.gateway.jobs.stop()
    return at


def code(at: datetime, n: int = 0) -> AuthCode:
    return AuthCode(f"cod_{n}", T, "skipass-cli", "usr_1", f"hash{n}", "http://127.0.0.1:1/callback", "c", at, at)


def device(at: datetime, n: int = 0) -> DeviceGrant:
    return DeviceGrant(f"dev_{n}", T, "skipass-cli", f"h{n}", f"u{n}", DeviceState.WAITING, at, at)


def token(at: datetime, use: KeyUse) -> ApiKey:
    return replace(issue(T, use, "agt_1", at).key, expires_at=at)


def refresh(at: datetime) -> RefreshToken:
    return RefreshToken("rfr_1", T, "fam_1", "hash", "salt", at, at)


def client(at: datetime) -> OAuthClient:
    return OAuthClient("cli_1", T, ClientKind.DYNAMIC, "cli_1", "Editor", (), at, expires_at=at)


def link(at: datetime) -> SignInLink:
    return SignInLink("lnk_1", T, "usr_1", "hash", at, at)


def sign_in(at: datetime) -> SignIn:
    return SignIn("sin_1", T, "usr_1", "hash", "usr_2", at, at)


def seen(at: datetime) -> Sighting:
    return Sighting("sgt_1", T, "key_1", "127.0.0.1", "x", at)


def apart(row: Any) -> Any:
    """Return the row under names of its own."""
    unique = ("id", "hash", "prefix", "user_code_hash", "client_id")
    return replace(row, **{name: f"{getattr(row, name)}-2" for name in unique if hasattr(row, name)})


KINDS = {
    "code": (code, CODES_KEPT),
    "device": (device, CODES_KEPT),
    "agent token": (lambda at: token(at, KeyUse.AGENT_TOKEN), TOKENS_KEPT),
    "client's token": (lambda at: token(at, KeyUse.MCP_TOKEN), TOKENS_KEPT),
    "person's token": (lambda at: token(at, KeyUse.LOGIN), TOKENS_KEPT),
    "refresh token": (refresh, TOKENS_KEPT),
    "unused client": (client, CODES_KEPT),
    "link": (link, TOKENS_KEPT),
    "sign-in": (sign_in, TOKENS_KEPT),
    "sighting": (seen, TOKENS_KEPT),
}


async def put(at: Stage, *rows: Any) -> datetime:
    """Insert rows and return the time it was."""

    async def insert(unit: UnitOfWork) -> datetime:
        for row in rows:
            await unit.insert(row)
        return unit.now

    return await at.gateway.deps.journal.write(insert)


async def left(at: Stage, row: Any) -> bool:
    return bool(await at.every(type(row), id=row.id))


@pytest.mark.parametrize("kind", KINDS)
async def test_what_ran_out_long_ago_goes_and_nothing_younger(at: Stage, kind: str) -> None:
    """Each kind is kept for its time, an hour less is too young, and an hour more is deleted."""
    make, kept = KINDS[kind]
    now = at.gateway.deps.journal.now()
    young, old = make(now - kept + HOUR), apart(make(now - kept - HOUR))
    await put(at, young, old)
    assert await Forgetting(at.gateway.deps).round() == 1
    assert (await left(at, young), await left(at, old)) == (True, False)


async def test_keys_that_never_end_or_are_no_tokens_stay(at: Stage) -> None:
    """An agent's key, rotated or revoked however long ago, is what the record points to; it stays, and so do people."""
    before = {one.id for one in await at.every(ApiKey)}
    old = token(at.gateway.deps.journal.now() - 10 * TOKENS_KEPT, KeyUse.AGENT)
    await put(at, old)
    people, agents = await at.every(User), await at.every(Agent)
    assert await Forgetting(at.gateway.deps).round() == 0
    assert {one.id for one in await at.every(ApiKey)} == before | {old.id}
    assert (await at.every(User), await at.every(Agent)) == (people, agents)


async def test_a_family_goes_with_its_last_token(at: Stage) -> None:
    """While one of its tokens is kept the family is, revoked or not: a stolen one that comes back still finds it."""
    now = at.gateway.deps.journal.now()
    family = replace(FAMILY, revoked_at=now)
    access = replace(token(now - TOKENS_KEPT - HOUR, KeyUse.MCP_TOKEN), family_id=family.id)
    young = refresh(now - TOKENS_KEPT + HOUR)
    await put(at, family, access, young)
    assert await Forgetting(at.gateway.deps).round() == 1
    assert await left(at, family)
    await at.gateway.deps.journal.write(lambda unit: unit.change(young, expires_at=now - TOKENS_KEPT - HOUR))
    assert await Forgetting(at.gateway.deps).round() == 1
    assert not await left(at, family)


async def test_two_processes_forget_side_by_side(at: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A heap is taken away batch by batch, a row that the other one took first disturbs nobody."""
    monkeypatch.setattr(forgetting, "BATCH", 7)
    old = at.gateway.deps.journal.now() - 2 * CODES_KEPT
    await put(at, *(code(old, n) for n in range(40)), *(device(old, n) for n in range(40)))
    await asyncio.gather(*(Forgetting(at.gateway.deps).round() for _ in range(2)))
    assert not await at.every(AuthCode)
    assert not await at.every(DeviceGrant)


async def test_a_round_is_bounded(at: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too much for one round is left to the next."""
    monkeypatch.setattr(forgetting, "BATCH", 5)
    monkeypatch.setattr(forgetting, "BATCHES", 2)
    old = at.gateway.deps.journal.now() - 2 * CODES_KEPT
    await put(at, *(code(old, n) for n in range(13)))
    assert [await Forgetting(at.gateway.deps).round() for _ in range(3)] == [10, 3, 0]


async def test_a_row_that_changed_meanwhile_is_left_alone(at: Stage) -> None:
    """What is deleted is what was looked at: a newer version of the row stays."""
    was = code(at.gateway.deps.journal.now())
    await put(at, was)
    await at.gateway.deps.journal.write(lambda unit: unit.change(was, used_at=unit.now))
    await at.gateway.deps.journal.write(lambda unit: unit.remove(was))
    assert await left(at, was)


async def test_what_the_record_is_about_is_never_deleted(at: Stage) -> None:
    """Storage itself refuses to delete a row of a kind that does not pass."""
    (user, *_) = await at.every(User)
    with pytest.raises(TypeError, match="never deleted"):
        await at.gateway.deps.journal.write(lambda unit: unit.remove(user))
    assert await left(at, user)
