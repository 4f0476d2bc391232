"""Whatever agents, people and the clock do in whatever order, the rules of sessions, statements and the record hold."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.clocked import Clocked, clocked
from gateways import verified
from skipass.access.states import TABLES
from skipass.audit.chain import Record
from skipass.errors import SkipassError
from skipass.ids import upstream_request_id
from skipass.nouns.approval import Approval, ApprovalState
from skipass.nouns.session import AccessSession, SessionState
from skipass.nouns.statement import Statement, StatementState
from skipass.sandbox.testing import RunningSandbox
from skipass.storage.export import records

pytestmark = pytest.mark.anyio
NOUNS: dict[str, tuple[type[Any], Any]] = {
    "session": (AccessSession, SessionState),
    "statement": (Statement, StatementState),
    "approval": (Approval, ApprovalState),
}
Act = Callable[[Clocked, random.Random], Awaitable[None]]


async def chosen(by: Clocked, kind: type[Any], chance: random.Random) -> Any:
    """Return any stored record of a kind, or None."""
    found = await by.at.every(kind)
    return chance.choice(found) if found else None


async def ask(by: Clocked, chance: random.Random) -> None:
    """Ask for a session, sometimes one that needs a person."""
    scope = {"schemas": ["OPS_DB.OPS"], "access": chance.choice(["read", "read", "write"])}
    wish = {"scope": scope, "ttl_s": chance.choice([30, 300, 2000]), "reason": "r"}
    wish["budgets"] = {"statements": chance.randrange(1, 6), "rows": chance.randrange(1, 60), "seconds": 300}
    await by.at.call("skipass_request_session", wish)


async def run(by: Clocked, chance: random.Random) -> None:
    """Run a read or a write in some session, open or not, waiting for it or not."""
    session = await chosen(by, AccessSession, chance)
    n = chance.randrange(1000, 1006)
    text = chance.choice(
        [f"SELECT order_id FROM ops.orders WHERE order_id = {n}", "SELECT order_id FROM ops.orders",
         f"UPDATE ops.orders SET note = 'n' WHERE order_id = {n}", "DROP TABLE ops.orders"]
    )  # fmt: skip
    arguments = {"session_id": session.id} if session and chance.random() < 0.9 else {}
    await by.at.query(text, arguments=arguments, wait_s=chance.choice([0.0, 5.0]))


async def look(by: Clocked, chance: random.Random) -> None:
    """Ask for the outcome of some statement, or cancel it."""
    statement = await chosen(by, Statement, chance)
    tool = chance.choice(["snowflake_get_query_status", "snowflake_cancel_query"])
    if statement is not None and not statement.system:
        await by.at.call(tool, {"statement_handle": statement.id}, wait_s=1.0)


async def decide(by: Clocked, chance: random.Random) -> None:
    """Let a person decide some approval, whatever became of it; two at once now and then."""
    approval = await chosen(by, Approval, chance)
    if approval is None:
        return
    person = await by.at.principal("approver")
    words = [chance.random() < 0.7 for _ in range(chance.choice([1, 2]))]
    one = by.at.gateway.approvals.decide
    await asyncio.gather(*(one(person, approval.id, approve=w, reason="r") for w in words), return_exceptions=True)


async def end(by: Clocked, chance: random.Random) -> None:
    """Close or revoke some session."""
    session = await chosen(by, AccessSession, chance)
    if session is None:
        return
    if chance.random() < 0.5:
        await by.at.call("skipass_close_session", {"session_id": session.id})
    else:
        await by.at.gateway.ending.revoke(await by.at.principal("approver"), session.id)


async def wait(by: Clocked, chance: random.Random) -> None:
    """Let time pass, or set the wall clock."""
    if chance.random() < 0.8:
        by.pass_(chance.choice([1, 20, 100, 1000]))
    else:
        by.step(chance.choice([-3600, -300, 300, 3600]))
    await by.tick()


ACTS: list[Act] = [ask, run, run, run, look, decide, decide, end, wait]


async def play(by: Clocked, chance: random.Random, steps: int) -> None:
    """Do `steps` random things, some at the same time; refusals are part of the game."""
    expiries: dict[str, Any] = {}
    for _ in range(steps):
        acts = [chance.choice(ACTS)(by, chance) for _ in range(chance.choice([1, 1, 2, 3]))]
        for failed in await asyncio.gather(*acts, return_exceptions=True):
            if isinstance(failed, BaseException) and not isinstance(failed, SkipassError):
                raise failed
        for session in await by.at.every(AccessSession):
            assert min(session.left.as_dict().values()) >= 0, session
            before = expiries.setdefault(session.id, session.expires_at)
            if before is not None:
                assert session.expires_at is not None
                assert session.expires_at <= before, session
            expiries[session.id] = session.expires_at


def folded(found: list[Record]) -> dict[str, str]:
    """Return the state of each subject by its events, and check that each event follows from the one before."""
    states: dict[str, str] = {}
    for record in found:
        noun, _, state = record.kind.partition(".")
        body = record.content()
        if noun not in NOUNS or body.get("to") != state:
            continue
        of = NOUNS[noun][1]
        if "from" in body:
            assert states[record.subject] == body["from"], record
            assert of(state) in TABLES[of][of(body["from"])], record
        else:
            assert record.subject not in states, record
        states[record.subject] = state
    return states


async def hold(by: Clocked, found: list[Record]) -> None:
    """Check everything that must be true of what is stored, recorded, and sent."""
    states = folded(found)
    for kind, _ in NOUNS.values():
        for stored in await by.at.every(kind, limit=10_000):
            assert states[stored.id] == stored.state.value, stored.id
    closed = {r.subject: at for at, r in enumerate(found) if r.kind == "session.closing"}
    for at, record in enumerate(found):
        if record.kind == "statement.admitted" and "ticket" not in record.content():
            assert at < closed.get(str(record.session_id), len(found)), record
    sent = [call["request_id"] for call in by.at.sent("") if call["statement"] is not None]
    assert len(sent) == len(set(sent))
    statements = {upstream_request_id(one.id): one for one in await by.at.every(Statement, limit=10_000)}
    admitted = {record.subject for record in found if record.kind == "statement.admitted"}
    for request_id in sent:
        assert statements[request_id].id in admitted
    approved = {record.subject for record in found if record.kind == "statement.approved"}
    for one in statements.values():
        if one.ticket and upstream_request_id(one.id) in sent:
            assert one.id in approved


async def game(sandbox: RunningSandbox, path: Path, steps: int) -> None:
    """Play one game; the seed that replays its choices is in the message of whatever fails."""
    seed = int(os.environ.get("SKIPASS_SEED", "0")) or random.SystemRandom().getrandbits(32)
    try:
        async with clocked(sandbox, path) as by:
            sandbox.control.switches(partition_rows=20)
            await play(by, random.Random(seed), steps)
            by.agree()
            by.pass_(9 * 3600)
            await settle(by)
            found = sorted(records(by.at.home.database), key=lambda r: (r.at_us, r.writer, r.seq))
            await hold(by, [r for r in found if r.tenant_id != "deployment"])
            home = by.at.home
        assert verified(home).ok
    except BaseException as error:
        error.add_note(f"SKIPASS_SEED={seed}")
        raise


async def settle(by: Clocked) -> None:
    """Return once every session has ended and every statement is final."""
    over = (SessionState.CLOSED, SessionState.DENIED, SessionState.WITHDRAWN, SessionState.LAPSED)
    while True:
        await by.tick()
        live = [one for one in await by.at.every(AccessSession, limit=10_000) if one.state not in over]
        work = [one for one in await by.at.every(Statement, limit=10_000) if TABLES[StatementState].get(one.state)]
        if not live and not work:
            return
        by.pass_(10)


@pytest.mark.parametrize("nth", range(3))
async def test_a_random_game_keeps_the_rules(sandbox: RunningSandbox, tmp_path: Path, nth: int) -> None:
    """Each state is the fold of its events, ends never move away, nothing is admitted late, sent twice or overdrawn."""
    await game(sandbox, tmp_path / f"home{nth}", 40)


@pytest.mark.slow
@pytest.mark.parametrize("nth", range(20))
async def test_many_long_games_keep_the_rules(sandbox: RunningSandbox, tmp_path: Path, nth: int) -> None:
    """The same over games of two hundred rounds."""
    await game(sandbox, tmp_path / f"home{nth}", 200)
