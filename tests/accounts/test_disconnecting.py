"""Ending an account: what runs is cancelled, the tokens are destroyed, and nothing leaves for it any more."""

from __future__ import annotations

import asyncio

import pytest

from accounts.walk import Walk
from skipass.errors import SkipassError
from skipass.gateway.execute import Target
from skipass.gateway.moves import move
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.account import ConnectedAccount
from skipass.nouns.connection import Credential, CredentialState
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Statement, StatementState
from skipass.tools.call import CallContext

pytestmark = pytest.mark.anyio
CALL = CallContext(request_id="req_test")
READ = {"statement": "SELECT order_id FROM ops.orders WHERE order_id = 1004"}


async def linked(walk: Walk, connection: str = "own") -> str:
    """Return the key of an agent whose user has linked."""
    await (walk.by_snowflake() if connection == "own" else walk.by_provider())
    key = await walk.agent(connection=connection)
    async with walk.signed_in() as sam:
        assert (await walk.linked(sam, await walk.invite(await walk.of(key), connection))).status == 200
    return key


async def test_nothing_is_sent_after_a_revoke_until_it_is_linked_again(walk: Walk) -> None:
    """The account's calls are counted at the other side: none between the revoke and the next sign-in."""
    key = await linked(walk)
    await walk.query(key)
    account = await walk.one(ConnectedAccount)
    full = await walk.gateway.disconnecting.revoke(await walk.admin(), account.id)
    assert (full.account.state.value, full.account.reason) == ("REVOKED", "admin_revoked")
    before = len(walk.stage.sandbox.control.calls())
    agent, target = await walk.of(key), Target(connection="own")
    for _ in range(3):
        answer = await walk.gateway.calls.call(agent, target, "snowflake_execute_query", READ, CALL)
        assert answer.status.value == "consent_required"
        assert "/connect?connection=own" in str(answer.fields)
    assert len(walk.stage.sandbox.control.calls()) == before
    assert [one.sealed for one in await walk.every_credential()] == [b""]
    async with walk.signed_in() as sam:
        await walk.linked(sam, await walk.invite(agent))
    assert await walk.state() == "ACTIVE"


async def test_a_disconnect_cancels_what_runs_and_ends_its_session(walk: Walk) -> None:
    """A running statement is cancelled with the credential that is then destroyed; its session ends as `account`."""
    key = await linked(walk)
    agent, target = await walk.of(key), Target(connection="own")
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test"}
    await walk.gateway.calls.call(agent, target, "skipass_request_session", wish, CALL)
    walk.stage.sandbox.control.switches(execution_delay_s=60.0)
    running = CallContext(request_id="req_test", wait_s=0)
    answer = await walk.gateway.calls.call(agent, target, "snowflake_execute_query", READ, running)
    assert answer.status.value == "running", answer
    account = await walk.one(ConnectedAccount)
    async with asyncio.timeout(10):
        full = await walk.gateway.disconnecting.disconnect(agent, account.id)
    assert full.account.state.value == "DISCONNECTED"
    (statement,) = [one for one in await walk.stage.every(Statement) if not one.system]
    assert statement.state is StatementState.CANCELLED
    (session,) = await walk.stage.every(AccessSession, connection_id=full.connection.id)
    assert session.end_reason is not None
    assert session.end_reason.value == "account"


async def test_a_cancel_that_gets_no_answer_holds_nothing_up(walk: Walk) -> None:
    """The statement is `cancel_unconfirmed`, the tokens are destroyed all the same, and nothing is polled after."""
    key = await linked(walk)
    agent, target = await walk.of(key), Target(connection="own")
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test"}
    await walk.gateway.calls.call(agent, target, "skipass_request_session", wish, CALL)
    walk.stage.sandbox.control.switches(execution_delay_s=60.0)
    running = CallContext(request_id="req_test", wait_s=0)
    await walk.gateway.calls.call(agent, target, "snowflake_execute_query", READ, running)
    walk.stage.sandbox.control.faults({"kind": "hang", "path": "/cancel", "count": 5})
    account = await walk.one(ConnectedAccount)
    async with asyncio.timeout(15):
        await walk.gateway.disconnecting.revoke(await walk.admin(), account.id)
    (statement,) = [one for one in await walk.stage.every(Statement) if not one.system]
    assert (statement.state, statement.cancel_unconfirmed) == (StatementState.UNKNOWN, True)
    assert walk.gateway.runner.task(statement.id) is None
    assert [one.sealed for one in await walk.every_credential()] == [b""]


async def test_a_provider_that_takes_it_is_told(walk: Walk) -> None:
    """The refresh token is revoked where the provider's metadata says how, before it is destroyed here."""
    await linked(walk, "idp")
    assert walk.stage.sandbox.app.provider.directory.refresh
    account = await walk.one(ConnectedAccount)
    await walk.gateway.disconnecting.disconnect(await walk.stage.principal("admin"), account.id)
    assert not walk.stage.sandbox.app.provider.directory.refresh


async def test_a_deleted_account_is_not_there_and_can_be_made_again(walk: Walk) -> None:
    """An agent that deletes does not shake off which login it was of; an admin does."""
    key = await linked(walk)
    agent = await walk.of(key)
    account = await walk.one(ConnectedAccount)
    await walk.gateway.disconnecting.delete(agent, account.id)
    with pytest.raises(SkipassError) as refused:
        await walk.gateway.accounts.get(agent, account.id)
    assert refused.value.code == "not_found"
    assert await walk.gateway.accounts.list(agent) == []
    again = await walk.account(agent)
    assert (again.account.id, again.account.state.value, again.account.login) == (account.id, "DISCONNECTED", "DANA")
    await walk.gateway.disconnecting.delete(await walk.admin(), account.id)
    assert (await walk.account(agent)).account.login is None


async def test_ending_twice_ends_once(walk: Walk) -> None:
    """A second disconnect, and a revoke of what is disconnected, leave it as it is."""
    key = await linked(walk)
    agent, account = await walk.of(key), await walk.one(ConnectedAccount)
    first = await walk.gateway.disconnecting.disconnect(agent, account.id)
    second = await walk.gateway.disconnecting.disconnect(agent, account.id)
    third = await walk.gateway.disconnecting.revoke(await walk.admin(), account.id)
    assert first.account.version == second.account.version == third.account.version
    assert len(await walk.stage.every(Credential, account_id=account.id)) == 1


async def test_a_disabled_user_s_accounts_are_taken_away(walk: Walk) -> None:
    """With the user their authorisations end: destroyed here, and REVOKED with the reason."""
    await linked(walk)
    await walk.gateway.people.disable(await walk.admin(), "sam")
    await walk.gateway.disconnecting.sweep()
    account = await walk.one(ConnectedAccount)
    assert (account.state.value, account.reason) == ("REVOKED", "user_disabled")
    assert [one.sealed for one in await walk.every_credential()] == [b""]


async def test_what_a_crash_left_half_ended_is_finished(walk: Walk) -> None:
    """A credential that was taken out of use and not yet destroyed is destroyed, and its account ends as it should."""
    await linked(walk)
    (credential,) = await walk.usable()

    async def begun(unit: UnitOfWork) -> None:
        await move(unit, credential, CredentialState.REVOKED, reason="disconnected")

    await walk.gateway.deps.journal.write(begun)
    await walk.gateway.disconnecting.sweep()
    assert await walk.state() == "DISCONNECTED"
    assert [one.sealed for one in await walk.every_credential()] == [b""]
