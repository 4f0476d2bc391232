"""Two gateways on one PostgreSQL database: what one does, the other knows, and neither can do what one may do once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.linked import linked
from gateways import Stage, signed
from postgres import Postgres, wired
from replicas import beside, pair
from skipass.audit.verify import check
from skipass.errors import SkipassError
from skipass.nouns.envelope import Status
from skipass.nouns.session import AccessSession, SessionState
from skipass.nouns.statement import Statement, StatementState
from skipass.sandbox.testing import RunningSandbox
from skipass.storage import entry as entry_module
from skipass.storage.pgexport import records_from

pytestmark = pytest.mark.anyio
READ = "SELECT order_id FROM ops.orders WHERE status = 'pending'"
UPDATE = "UPDATE ops.orders SET note = 'both' WHERE order_id = 1003"
Two = tuple[Stage, Stage]


@pytest.fixture
async def two(sandbox: RunningSandbox, postgres: Postgres, shared: str, tmp_path: Path) -> AsyncIterator[Two]:
    """Yield two gateways; their common record is verified against the checkpoints of both."""
    async with AsyncExitStack() as stack:
        both = await stack.enter_async_context(pair(sandbox, tmp_path, postgres.url(shared)))
        yield both
    checkpoints = [checkpoint for stage in both for checkpoint in signed(stage.home)]
    report = check([record async for record in records_from(postgres.server(shared))], checkpoints)
    assert report.ok, report.faults
    assert report.checkpoints


async def test_a_session_is_one_session_everywhere(two: Two) -> None:
    """Opened on one gateway, a session runs statements on the other, and each hands out the other's results."""
    one, other = two
    session = await one.session()
    there = await other.query(READ, arguments={"session_id": session})
    assert there.status is Status.SUCCESS
    assert there.data is not None
    again = await one.settled(there.execution_id)
    assert again.data is not None
    assert again.data["data"] == there.data["data"]
    await other.call("skipass_close_session", {"session_id": session})
    assert (await one.query(READ, arguments={"session_id": session})).status is not Status.SUCCESS


async def test_what_is_held_on_one_is_decided_on_the_other_and_runs_once(two: Two) -> None:
    """Approved on another gateway than asked, with both ready to run it, a held write reaches Snowflake one time."""
    one, other = two
    await one.session()
    held = await one.query(UPDATE)
    await other.decide(held)
    found = await asyncio.gather(*(at.settled(held.fields["statementHandle"]) for at in two))
    assert {envelope.status for envelope in found} == {Status.SUCCESS}
    assert len(one.sent("'both'")) == 1


async def test_the_same_call_on_both_runs_once(two: Two) -> None:
    """The same read asked of both gateways at the same moment is one statement, whoever admits it."""
    one, other = two
    await one.session()
    one.sandbox.control.switches(execution_delay_s=0.5)
    for n in range(12):
        text = f"SELECT order_id, {n} AS twin FROM ops.orders"
        first, second = await asyncio.gather(one.query(text, wait_s=0.0), other.query(text, wait_s=0.0))
        assert first.execution_id == second.execution_id
    assert {(await at.settled(first.execution_id)).status for at in two} == {Status.SUCCESS}
    assert len(one.sent("AS twin")) == 12


async def test_a_budget_is_spent_once(two: Two) -> None:
    """However many gateways are asked at the same time, a session runs as many statements as it was given."""
    one, _ = two
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test", "budgets": {"statements": 4}}
    assert (await one.call("skipass_request_session", wish)).status is Status.SUCCESS
    texts = [f"SELECT order_id, {n} AS budgeted FROM ops.orders" for n in range(10)]
    found = await asyncio.gather(*(two[n % 2].query(text, wait_s=20.0) for n, text in enumerate(texts)))
    ran = [envelope for envelope in found if envelope.status is Status.SUCCESS]
    assert len(ran) == len(one.sent("budgeted")) == 4
    assert {e.status for e in found if e not in ran} == {Status.BUDGET_EXCEEDED}


async def test_a_revoke_on_one_stops_the_other(two: Two) -> None:
    """What runs through the other gateway is cancelled in Snowflake, and it submits nothing more of that session."""
    one, other = two
    session = await one.session()
    one.sandbox.control.switches(execution_delay_s=20)
    running = await other.query(READ, wait_s=0.0)
    while (await state(other, running.execution_id)) is not StatementState.SUBMITTED:
        await asyncio.sleep(0)
    await one.gateway.ending.revoke(await one.principal("approver"), session)
    before = len(one.sent("ops.orders"))
    late = await asyncio.gather(*(other.query(f"SELECT {n}, order_id FROM ops.orders") for n in range(3)))
    assert {envelope.status for envelope in late} == {Status.SESSION_REQUIRED}
    while (await one.every(AccessSession, id=session))[0].state is not SessionState.CLOSED:
        await asyncio.sleep(0)
    assert await state(other, running.execution_id) is StatementState.CANCELLED
    assert len(one.sent("ops.orders")) == before


async def test_a_single_use_token_is_used_once(
    sandbox: RunningSandbox, postgres: Postgres, shared: str, tmp_path: Path
) -> None:
    """Four gateways with fifty callers each, and an access token that has run out: one refresh, and no token twice."""
    url = postgres.url(shared)
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(linked(sandbox, tmp_path / "home", database_url=url))
        others = [
            await stack.enter_async_context(beside(own.at, tmp_path / f"home-{n}", url, own.stage.clock))
            for n in range(3)
        ]
        for generation in (2, 3):
            own.expire()
            out, before = await own.out(), len(own.token_calls())
            wanted = [at.gateway.refresher.token(out) for at in (own.at, *others) for _ in range(50)]
            tokens = await asyncio.gather(*wanted)
            assert len({token.value.reveal() for token in tokens}) == 1
            assert len(own.token_calls()) == before + 1
            credential = await own.credential()
            assert (credential.state.value, credential.generation) == ("active", generation)
        assert own.counts().get("refresh_tokens_reused", 0) == 0


async def test_without_its_database_a_gateway_runs_nothing_and_comes_back(
    sandbox: RunningSandbox, postgres: Postgres, shared: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off from the database, calls are refused in two seconds each and readiness is red; the other goes on."""
    async with wired(postgres.port) as wire:
        urls = postgres.url(shared), postgres.url(shared, port=wire.port)
        async with pair(sandbox, tmp_path, *urls) as (one, other):
            await one.session()
            assert (await other.query(READ)).status is Status.SUCCESS
            for broken, repaired in ((wire.cut, wire.mend), (wire.hang, wire.go_on)):
                await _now(broken)
                before = len(one.sent("'pending'"))
                with monkeypatch.context() as impatient:
                    impatient.setattr(entry_module, "PATIENCE_S", 2.0)
                    with pytest.raises(SkipassError) as refused:
                        await other.query(READ)
                assert refused.value.code == "not_recorded"
                red = [part for part, well in (await other.gateway.ready()).items() if not well]
                assert red == ["storage", "vault_key", "migrations"]
                assert len(one.sent("'pending'")) == before
                assert (await one.query(READ)).status is Status.SUCCESS
                await _now(repaired)
                while not all((await other.gateway.ready()).values()):
                    await asyncio.sleep(0)
                assert (await other.query(READ)).status is Status.SUCCESS


async def _now(change: Callable[[], Awaitable[None] | None]) -> None:
    changing = change()
    if changing is not None:
        await changing


async def state(at: Stage, statement_id: str) -> StatementState:
    """Return where a statement is."""
    (stored,) = await at.every(Statement, id=statement_id)
    found: StatementState = stored.state
    return found
