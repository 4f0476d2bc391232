"""What a client carries from a call that waits to its retry: good for a quarter of an hour, at every replica."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clocked import clocked
from gateways import Stage
from postgres import Postgres
from replicas import pair
from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.gateway.request_state import WaitingCalls
from skipass.nouns.principal import Principal
from skipass.sandbox.testing import RunningSandbox
from skipass.tools.call import WaitingCall
from skipass.vault.keys import KeyEncryptionKey, KeyRing

pytestmark = pytest.mark.anyio
CALL = WaitingCall("jit", "tools/call", "snowflake_execute_query", {"statement": "SELECT 1", "bindings": {"1": None}})
WHO = Principal("tnt_1", "key_1", agent_id="agt_1", user_id="usr_1")


def code(gateway: Gateway, who: Principal, state: str, call: WaitingCall = CALL) -> str:
    """Return how a state is taken: its role, or the code of the refusal."""
    try:
        return gateway.waiting_calls.check(who, call, state) or "no role"
    except SkipassError as refused:
        return refused.code


async def test_a_state_ends_after_fifteen_minutes_by_the_gateways_clock(
    sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """It is good to the last second and not beyond, and a clock that is set back does not revive it."""
    async with clocked(sandbox, tmp_path / "home") as own:
        who = await own.at.principal("agent")
        state = own.at.gateway.waiting_calls.seal(who, CALL, "AGENT_ROLE")
        own.pass_(899)
        assert code(own.at.gateway, who, state) == "AGENT_ROLE"
        own.pass_(1)
        assert code(own.at.gateway, who, state) == "invalid_request_state"
        own.step(-3600)
        assert code(own.at.gateway, who, state) == "invalid_request_state"


async def test_every_replica_takes_it(sandbox: RunningSandbox, tmp_path: Path, postgres: Postgres) -> None:
    """What one process sealed another opens, and nothing of it is kept in the database."""
    name = await postgres.migrated()
    try:
        async with pair(sandbox, tmp_path, postgres.url(name)) as (one, two):
            who = await one.principal("agent")
            state = one.gateway.waiting_calls.seal(who, CALL, None)
            assert code(two.gateway, await two.principal("agent"), state) == "no role"
    finally:
        await postgres.drop(name)


async def test_a_turned_key_opens_what_it_sealed_before(at: Stage) -> None:
    """A state of before a rotation is taken after it, by the process that was there, and so is a new one."""
    who = await at.principal("agent")
    state = at.gateway.waiting_calls.seal(who, CALL, "AGENT_ROLE")
    before = at.gateway.deps.kek.fingerprint
    await at.gateway.vaulting.rotate(await at.principal("admin"))
    assert at.gateway.vaulting._task is not None
    await at.gateway.vaulting._task
    assert at.gateway.deps.kek.fingerprint != before
    assert code(at.gateway, who, state) == "AGENT_ROLE"
    newer = at.gateway.waiting_calls.seal(who, CALL, "AGENT_ROLE")
    assert code(at.gateway, who, newer) == "AGENT_ROLE"


async def test_it_opens_for_its_own_call_and_caller_alone(at: Stage) -> None:
    """Each single thing it is bound to, changed alone, is refused; the order of members is no change."""
    state = at.gateway.waiting_calls.seal(WHO, CALL, "AGENT_ROLE")
    assert code(at.gateway, replace(WHO, credential_id="key_2"), state) == "AGENT_ROLE"
    turned_round = replace(CALL, arguments=dict(reversed(CALL.arguments.items())))
    assert code(at.gateway, WHO, state, turned_round) == "AGENT_ROLE"
    others = [replace(WHO, **{name: "other"}) for name in ("tenant_id", "agent_id", "user_id")]
    calls = [replace(CALL, **{name: "other"}) for name in ("slug", "method", "name")]
    calls += [replace(CALL, arguments={**CALL.arguments, **more}) for more in ({"statement": "SELECT 2"}, {"x": None})]
    answers = [code(at.gateway, who, state) for who in (*others, replace(WHO, agent_id=None))]
    answers += [code(at.gateway, WHO, state, call) for call in calls]
    assert answers == ["invalid_request_state"] * 9


async def test_no_text_at_all_makes_it_fail_otherwise(at: Stage) -> None:
    """Whatever a client sends as a state is refused in the one code, arguments of any size and letters included."""
    huge = replace(CALL, arguments={"n": 10**400, "text": "\ud800"})
    assert code(at.gateway, WHO, at.gateway.waiting_calls.seal(WHO, huge, None), huge) == "no role"

    @given(st.text(max_size=200) | st.from_regex(r"\A[A-Za-z0-9_-]{60,400}\Z"))
    def refused(text: str) -> None:
        assert code(at.gateway, WHO, text) == "invalid_request_state"

    await asyncio.to_thread(refused)


async def test_a_process_without_the_key_refuses_it(at: Stage) -> None:
    """A state that another key sealed, as that of another deployment, is nothing here."""
    foreign = KeyRing(KeyEncryptionKey(secrets.token_bytes(32)))
    state = WaitingCalls(replace(at.gateway.deps, kek=foreign)).seal(WHO, CALL, None)
    assert code(at.gateway, WHO, state) == "invalid_request_state"
