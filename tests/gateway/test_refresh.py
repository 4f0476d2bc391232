"""Access tokens of connected accounts: renewed once, for everybody, and never lost in silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.linked import READ, TOKEN, Linked, linked
from skipass.errors import SkipassError
from skipass.nouns.connection import CredentialState, Switch
from skipass.nouns.session import AccessSession, EndReason, SessionState
from skipass.nouns.statement import Statement
from skipass.sandbox.testing import RunningSandbox
from skipass.vault.refreshing import Rules

pytestmark = pytest.mark.anyio


@pytest.fixture
async def own(sandbox: RunningSandbox, tmp_path: Path) -> AsyncIterator[Linked]:
    async with linked(sandbox, tmp_path / "home") as running:
        yield running


async def refused(own: Linked, **rules: Any) -> SkipassError:
    """Return what a fresh process says when it is asked for a token."""
    with pytest.raises(SkipassError) as caught:
        await own.replica(Rules(**rules)).token(await own.out())
    return caught.value


async def standing(own: Linked) -> tuple[str, str | None, str, str | None]:
    """Return state and reason of the credential and of the account."""
    credential, account = await own.credential(), await own.account()
    return credential.state.value, credential.reason, account.state.value, account.reason


async def test_a_statement_runs_as_the_linked_user(own: Linked) -> None:
    """A governed call leaves with the linked user's own access token, without any refresh while that is young."""
    await own.session()
    envelope = await own.query()
    assert envelope.status.value == "success", envelope.fields
    (call,) = own.at.sent("ops.orders")
    assert (call["user"], call["role"]) == ("DANA", "AGENT_ROLE")
    assert own.token_calls() == []


async def test_an_old_access_token_is_renewed_once_for_everybody(own: Linked) -> None:
    """Of a hundred callers who need a fresh token one refresh is sent, and all get its token."""
    own.expire()
    refresher, out = own.at.gateway.refresher, await own.out()
    tokens = await asyncio.gather(*(refresher.token(out) for _ in range(100)))
    assert len({token.value.reveal() for token in tokens}) == 1
    assert len(own.token_calls()) == 1
    credential = await own.credential()
    assert (credential.state.value, credential.generation, credential.ambiguous) == ("active", 2, False)


async def test_replicas_agree_on_one_refresh(own: Linked) -> None:
    """Four processes with a hundred callers each send one refresh among them."""
    own.expire()
    out, replicas = await own.out(), [own.replica() for _ in range(4)]
    tokens = await asyncio.gather(*(one.token(out) for one in replicas for _ in range(100)))
    assert len({token.value.reveal() for token in tokens}) == 1
    assert len(own.token_calls()) == 1
    assert own.counts().get("refresh_tokens_reused", 0) == 0


async def test_a_caller_that_goes_away_does_not_end_the_refresh(own: Linked) -> None:
    """The one who asked first is cancelled, and the next gets the token of the refresh that was under way."""
    own.expire()
    own.at.sandbox.control.faults({"kind": "late", "path": TOKEN, "delay_ms": 300})
    refresher, out = own.at.gateway.refresher, await own.out()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await refresher.token(out)
    await refresher.token(out)
    assert [call["error"] for call in own.token_calls()] == [None]


async def test_a_refresh_token_that_is_kept_serves_again(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Where refreshing replaces nothing, the same refresh token is used each time, under a new generation each."""
    options = sandbox.account.sign_in.integrations["SKIPASS_OAUTH"].options
    single = options.pop("OAUTH_SINGLE_USE_REFRESH_TOKENS_REQUIRED")
    try:
        async with linked(sandbox, tmp_path / "home") as own:
            print_ = (await own.credential()).fingerprint
            for generation in (2, 3):
                own.expire()
                await own.at.gateway.refresher.token(await own.out())
                credential = await own.credential()
                assert (credential.generation, credential.fingerprint) == (generation, print_)
            assert len({call["spent"] for call in own.token_calls()}) == 1
    finally:
        options["OAUTH_SINGLE_USE_REFRESH_TOKENS_REQUIRED"] = single


@pytest.mark.parametrize("fault", [{"kind": "error_json", "status": 503}, {"kind": "error_html", "status": 502}])
async def test_an_outage_ends_nothing(own: Linked, fault: dict[str, Any]) -> None:
    """After a server error the same refresh token is sent again once its back-off has passed, and it serves."""
    own.expire()
    own.at.sandbox.control.faults({**fault, "path": TOKEN, "count": 1})
    assert (await refused(own)).code == "snowflake_unavailable"
    waiting = await own.credential()
    assert (waiting.state, waiting.ambiguous) == (CredentialState.REFRESHING, True)
    assert (await refused(own)).retryable
    assert len(own.token_calls()) == 1
    own.stage.pass_(6)
    await own.replica().token(await own.out())
    credential = await own.credential()
    assert (credential.state, credential.generation, credential.ambiguous) == (CredentialState.ACTIVE, 2, False)
    assert (await standing(own))[2:] == ("ACTIVE", None)


async def test_a_lost_answer_ends_in_a_visible_reauthorisation(own: Linked) -> None:
    """The token was rotated and its successor never came: the next try is refused, and the account says why."""
    own.expire()
    own.at.sandbox.control.faults({"kind": "cut_after", "path": TOKEN, "count": 1})
    assert (await refused(own)).code == "snowflake_unavailable"
    own.stage.pass_(6)
    failure = await refused(own)
    assert (failure.code, failure.details["reason"]) == ("consent_required", "refresh_ambiguous")
    assert await standing(own) == ("expired", "refresh_ambiguous", "EXPIRED", "refresh_ambiguous")
    assert (await own.credential()).sealed == b""


async def test_nothing_is_sent_twice_where_that_is_not_wanted(own: Linked) -> None:
    """With resending off, a lost answer ends the credential at once and no second request leaves."""
    own.expire()
    own.at.sandbox.control.faults({"kind": "error_json", "status": 503, "path": TOKEN})
    assert (await refused(own, resend_ambiguous=False)).details["reason"] == "refresh_ambiguous"
    assert len(own.token_calls()) == 1


async def test_an_answer_that_is_too_late_for_its_caller_is_asked_for_again(own: Linked) -> None:
    """A time-out after sending leaves the row waiting, and the old access token is used while its time lasts."""
    own.stage.pass_(545)
    own.at.sandbox.control.faults({"kind": "hang", "path": TOKEN, "count": 1})
    refresher, out = own.replica(Rules(timeout=timedelta(milliseconds=200))), await own.out()
    token = await refresher.token(out)
    row = await own.credential()
    assert (row.state, row.generation, row.ambiguous) == (CredentialState.REFRESHING, 1, True)
    own.stage.pass_(6)
    assert await own.replica().token(out) != token
    assert (await own.credential()).generation == 2


async def test_an_unreachable_endpoint_is_not_ambiguous(own: Linked) -> None:
    """What never left changes nothing: the credential is active again as it was, and the next call may try."""
    own.expire()
    await own.change_registration(host="http://127.0.0.1:9")
    assert (await refused(own)).code == "snowflake_unavailable"
    credential = await own.credential()
    assert (credential.state, credential.generation, credential.ambiguous) == (CredentialState.ACTIVE, 1, False)
    await own.change_registration(host=own.registration.host)
    await own.replica().token(await own.out())


async def test_a_crash_after_the_claim_is_taken_over(own: Linked) -> None:
    """A process that died with the row in hand holds others up until its deadline, and then one of them refreshes."""
    own.expire()
    own.at.sandbox.control.faults({"kind": "hang", "path": TOKEN, "count": 1})
    out, dying = await own.out(), own.replica()
    task = asyncio.create_task(dying.token(out))
    while not own.token_calls():  # it is recorded when it comes in
        await asyncio.sleep(0.01)
    task.cancel()
    for turn in list(dying._turns.values()):
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)
    assert (await own.credential()).state is CredentialState.REFRESHING
    waiting = asyncio.create_task(own.replica().token(out))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    own.stage.pass_(31)
    await waiting
    assert (await standing(own))[0] == "active"


async def test_an_invalid_grant_revokes_and_nothing_is_sent_any_more(own: Linked) -> None:
    """Once the refresh token is refused the account is REVOKED, callers get a link, and Snowflake hears no more."""
    await own.session()
    own.at.sandbox.control.tokens("revoke", user="DANA")
    envelope = await own.query()
    assert (envelope.fields["code"], envelope.fields["state"]) == ("consent_required", "not_sent")
    assert "/connect?connection=own" in envelope.fields["message"]
    assert envelope.fields["url"].endswith("/connect?connection=own&role=AGENT_ROLE")
    assert await standing(own) == ("revoked", "unknown", "REVOKED", "unknown")
    before = len(own.at.sandbox.control.calls())
    for _ in range(3):
        again = await own.query()
        assert again.fields["code"] == "consent_required"
        assert "/connect?connection=own" in again.fields["url"]
    assert len(own.at.sandbox.control.calls()) == before


async def test_a_token_that_another_refresh_ended_is_retried_once(own: Linked) -> None:
    """Tokens of an earlier generation are refused once, the current ones are taken, and nothing changes."""
    await own.session()
    await own.query()
    upstream, out = own.at.gateway.deps.upstream, await own.out()
    (statement,) = await own.at.every(Statement, connection_id=own.connection.id)
    source = upstream.tokens(out)
    old = await source.token()
    await own.replica().turn(own.credential_id, refused=1)
    seen = await own.credential()
    assert (await upstream.api(out).poll(statement.handle, source, timeout_s=10)).statement_handle == statement.handle
    assert await source.token() != old
    assert await own.credential() == seen
    assert seen.generation == 2
    assert len(own.token_calls()) == 1


async def test_a_rotated_client_secret_is_not_the_accounts_fault(own: Linked) -> None:
    """Our client is refused: the credential stays, the account says what is wrong, and the new secret cures it."""
    own.expire()
    own.at.sandbox.control.faults({"kind": "invalid_client", "path": TOKEN, "count": 1})
    failure = await refused(own)
    assert (failure.code, failure.details["reason"]) == ("snowflake_rejected_credential", "client_secret_rotated")
    assert await standing(own) == ("active", "client_secret_rotated", "ACTIVE", "client_secret_rotated")
    assert (await refused(own)).details["reason"] == "client_secret_rotated"
    assert len(own.token_calls()) == 1
    own.stage.pass_(31)
    await own.replica().token(await own.out())
    assert await standing(own) == ("active", None, "ACTIVE", None)


async def test_a_role_that_was_taken_away_is_named(own: Linked) -> None:
    """The role's grant is gone: the credential for it ends as role_lost, on the word of the code."""
    await own.session()
    own.sql("REVOKE ROLE AGENT_ROLE FROM USER DANA")
    try:
        await own.query()
        assert await standing(own) == ("revoked", "role_lost", "REVOKED", "role_lost")
    finally:
        own.sql("GRANT ROLE AGENT_ROLE TO USER DANA")


async def test_a_network_policy_is_a_remark_that_goes_away(own: Linked) -> None:
    """A refused address ends nothing: the account says so while it lasts."""
    await own.session()
    own.at.sandbox.control.faults({"kind": "network_policy", "path": "/api/v2/statements", "count": 1})
    await own.query()
    assert await standing(own) == ("active", None, "ACTIVE", "network_policy")
    assert (await own.query(READ + " LIMIT 1")).status.value == "success"
    assert await standing(own) == ("active", None, "ACTIVE", None)


async def test_without_a_refresh_token_the_access_token_serves_to_its_end(
    sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """It is used for all of its time, then the credential has expired; nothing is asked of the token endpoint."""
    async with linked(sandbox, tmp_path / "home", scope="session:role:AGENT_ROLE") as own:
        own.stage.pass_(590)
        await own.replica().token(await own.out())
        own.stage.pass_(11)
        assert (await refused(own)).details["reason"] == "refresh_expired"
        assert await standing(own) == ("expired", "refresh_expired", "EXPIRED", "refresh_expired")
        assert own.token_calls() == []


async def test_the_end_of_the_refresh_token_is_told_from_a_revocation(own: Linked) -> None:
    """A refresh token past its own life is refused like a revoked one, and the account says that it ran out."""
    own.stage.pass_(91 * 86_400)
    assert (await refused(own)).details["reason"] == "refresh_expired"
    assert (await standing(own))[0] == "expired"


async def test_what_ran_when_the_account_was_revoked_is_unconfirmed(own: Linked) -> None:
    """A statement at work whose authorisation is gone ends as unknown, its session closes, and nobody asks on."""
    session = await own.session()
    own.at.sandbox.control.switches(execution_delay_s=30)
    running = await own.query(wait_s=0.2)
    assert running.status.value == "running"
    own.at.sandbox.control.tokens("revoke", user="DANA")
    while (await own.at.every(Statement, connection_id=own.connection.id))[0].state.value != "unknown":
        await asyncio.sleep(0.05)
    assert (await standing(own))[2:] == ("REVOKED", "unknown")
    (statement,) = await own.at.every(Statement, connection_id=own.connection.id)
    assert statement.cancel_unconfirmed
    while (await own.at.every(AccessSession, id=session))[0].state is not SessionState.CLOSED:
        await own.stage.tick()
    assert (await own.at.every(AccessSession, id=session))[0].end_reason is EndReason.ACCOUNT


@pytest.mark.parametrize(
    ("withdrawal", "undo", "state", "reason"),
    [
        ("ALTER USER DANA SET DISABLED = TRUE", "ALTER USER DANA SET DISABLED = FALSE", "revoked", "unknown"),
        (
            "ALTER SECURITY INTEGRATION skipass_oauth SET ENABLED = FALSE",
            "ALTER SECURITY INTEGRATION skipass_oauth SET ENABLED = TRUE",
            "active",
            "integration_disabled",
        ),
        (
            "ALTER USER DANA REMOVE DELEGATED AUTHORIZATIONS FROM SECURITY INTEGRATION skipass_oauth",
            "SELECT 1",
            "revoked",
            "unknown",
        ),
    ],
)
async def test_what_an_administrator_takes_away_is_noticed_at_the_next_call(
    own: Linked, withdrawal: str, undo: str, state: str, reason: str
) -> None:
    """A disabled user or a withdrawn consent ends the credential; a disabled integration only hinders it."""
    await own.session()
    own.sql(withdrawal)
    try:
        envelope = await own.query()
        assert envelope.fields["code"] in ("consent_required", "snowflake_rejected_credential")
        assert (await standing(own))[:2] == (state, reason)
        calls = len(own.token_calls())
        await own.query()
        assert len(own.token_calls()) == calls
    finally:
        own.sql(undo)


async def test_a_disabled_client_is_not_used(own: Linked) -> None:
    """A registration that an admin disabled sends nothing, and the credential waits as it was."""
    own.expire()
    await own.change_registration(state=Switch.DISABLED)
    assert (await refused(own)).code == "snowflake_unavailable"
    assert own.token_calls() == []
    await own.change_registration(state=Switch.ENABLED)
    await own.replica().token(await own.out())


async def test_what_was_taken_away_leaves_the_memory(own: Linked) -> None:
    """Tokens that were held when something was revoked are dropped; what is still good is read again."""
    refresher, out = own.at.gateway.refresher, await own.out()
    await refresher.token(out)
    await own.at.gateway.deps.journal.write(lambda unit: unit.next_revocation())
    own.stage.pass_(1)
    await refresher.prune()
    assert refresher.held(own.credential_id) is None
    await refresher.token(out)
    assert own.token_calls() == []
