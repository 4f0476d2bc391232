"""Refresh, the side of the row: claimed, its refresh token sent once, its answer on disk before anybody uses it.

Order of writes: REFRESHING is on disk → the refresh token leaves → the new tokens are on disk. After a crash between
any two of them the row says how far it came, and the next process takes over once its deadline has passed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.account_status import end_credential, remark_account, settle_account
from skipass.gateway.clients import Clients
from skipass.gateway.crashpoints import reached
from skipass.gateway.deps import Deps
from skipass.gateway.held import Line, hindered, unavailable
from skipass.gateway.metrics import REFRESHES
from skipass.gateway.moves import move
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.upstream import credential_place
from skipass.nouns.account import AccountReason, ConnectedAccount
from skipass.nouns.connection import Credential, CredentialState, Switch
from skipass.snowflake.auth.grants import Grant, InvalidGrant, OAuthError
from skipass.snowflake.errors import SnowflakeError
from skipass.vault.refreshing import EARLY, After, Answer, Rules, after
from skipass.vault.seal import seal
from skipass.vault.tokens import TokenSet, fingerprint, pack


@dataclass(frozen=True, slots=True)
class _Came:
    """What a request came to: tokens or none, what its callers are told, and what stands in the way of our client."""

    answer: Answer
    grant: Grant | None = None
    failure: SkipassError | None = None
    hindrance: AccountReason | None = None


class Renewal:
    """Refreshes credentials of this process's callers, one at a time each."""

    def __init__(self, deps: Deps, clients: Clients, rules: Rules | None = None) -> None:
        self._deps, self._clients = deps, clients
        self._rules = rules or Rules(resend_ambiguous=deps.resend_ambiguous)
        self._minted: dict[tuple[str, int], float] = {}
        self._failures: dict[str, int] = {}

    def minted(self, credential: Credential) -> float:
        """Return when (monotonic seconds) this process was given the tokens of this generation."""
        return self._minted.get((credential.id, credential.generation), float("-inf"))

    def forget(self, credential_id: str) -> None:
        """Drop what is remembered of a credential that has ended."""
        self._failures.pop(credential_id, None)
        self._minted = {key: at for key, at in self._minted.items() if key[0] != credential_id}

    async def renew(self, line: Line, tokens: TokenSet, *, refused: bool = False) -> SkipassError | None:
        """Claim the row, send its refresh token, write down what came; return why there are no new tokens.

        None is no promise of new ones: another may have been faster, or the credential may have ended. `refused` says
        that the access token was refused before its time: a client that is refused as well has lost its integration,
        while a changed secret leaves access tokens alone.
        """
        hindrance = AccountReason.INTEGRATION_DISABLED if refused else AccountReason.CLIENT_SECRET_ROTATED
        began = self._deps.clock.monotonic()
        claim = await self._claim(line.credential)
        if claim is None or claim.state is not CredentialState.REFRESHING:
            return None
        reached("refresh_claimed")
        asked_at = self._deps.journal.now()
        came = await self._ask(line, tokens, began, hindrance)
        reached("refresh_answered")
        await self._record(claim, tokens, came, asked_at)
        reached("refresh_recorded")
        return came.failure

    async def _claim(self, seen: Credential) -> Credential | None:
        """Return the row as this process's own, None where it has changed since it was seen."""

        async def claim(unit: UnitOfWork) -> Credential | None:
            row = await unit.get(Credential, seen.id)
            if row is None or row.version != seen.version:
                return None
            deadline = unit.now + self._rules.lease
            if row.state is CredentialState.ACTIVE:
                return await move(unit, row, CredentialState.REFRESHING, _facts(row), deadline=deadline, reason=None)
            if not self._rules.resend_ambiguous:
                return await end_with_account(unit, row, CredentialState.EXPIRED, AccountReason.REFRESH_AMBIGUOUS)
            again = await unit.change(row, deadline=deadline, ambiguous=True, reason=None)
            facts = {"from": row.state.value, "to": row.state.value, "again": True, **_facts(row)}
            unit.emit(Event(row.tenant_id, "credential.refreshing", row.id, facts))
            return again

        async def take_back(unit: UnitOfWork, claimed: Credential | None) -> None:
            row = await unit.get(Credential, seen.id)
            if claimed is not None and row is not None and row.version == claimed.version:
                await move(unit, row, CredentialState.ACTIVE, {**_facts(row), "why": "late"}, deadline=None)

        try:
            return await self._deps.journal.write(claim, late=take_back)
        except SkipassError as error:
            if error.code != "conflict":
                raise
            return None

    async def _ask(self, line: Line, tokens: TokenSet, began: float, hindrance: AccountReason) -> _Came:
        slack = (self._rules.lease - self._rules.timeout).total_seconds()
        if line.registration is None or tokens.refresh_token is None:
            return _Came(Answer.UNSENT, failure=unavailable("no client is registered for it."))
        if line.registration.state is not Switch.ENABLED:
            return _Came(Answer.UNSENT, failure=unavailable("its client is disabled."))
        if self._deps.clock.monotonic() - began > slack:  # the lease would not outlive the call
            return _Came(Answer.UNSENT, failure=unavailable("the gateway was too busy."))
        seconds = self._rules.timeout.total_seconds()
        try:
            grant = await self._clients.refresh(line.registration, tokens.refresh_token, timeout_s=seconds)
        except InvalidGrant:
            return _Came(Answer.REFUSED)
        except OAuthError:
            return _Came(Answer.HINDERED, failure=hindered(line, hindrance), hindrance=hindrance)
        except SnowflakeError as error:
            answer = Answer.LOST if error.outcome_unknown else Answer.UNSENT
            return _Came(answer, failure=unavailable(error.message))
        except SkipassError as error:
            return _Came(Answer.UNSENT, failure=error)
        return _Came(Answer.GRANTED, grant)

    async def _record(self, claim: Credential, tokens: TokenSet, came: _Came, asked_at: datetime) -> None:
        grant = came.grant
        failures = 0 if grant is not None else self._failures.get(claim.id, 0) + 1
        self._failures[claim.id] = failures

        async def record(unit: UnitOfWork) -> Credential | None:
            row = await unit.get(Credential, claim.id)
            then = after(row, claim, came.answer, unit.now, self._rules, failures) if row else None
            if row is None or then is None:
                return None
            if grant is not None:
                return await self._renewed(unit, row, then, _merged(tokens, grant), grant, asked_at)
            return await _settle(unit, row, replace(then, reason=came.hindrance or then.reason))

        row = await _until_written(self._deps, record)
        REFRESHES.labels(came.answer.value).inc()
        if grant is not None and row is not None:
            self._minted = {key: at for key, at in self._minted.items() if key[0] != row.id}
            self._minted[row.id, row.generation] = self._deps.clock.monotonic()

    async def _renewed(
        self, unit: UnitOfWork, row: Credential, then: After, tokens: TokenSet, grant: Grant, asked_at: datetime
    ) -> Credential:
        """Return the row in its next generation, with the new tokens sealed for that."""
        place = credential_place(replace(row, generation=row.generation + 1))
        life = grant.refresh_token_expires_in
        keeps = grant.refresh_token is None
        changes: dict[str, Any] = {
            "generation": row.generation + 1,
            "sealed": seal(self._deps.kek, pack(tokens), place),
            "fingerprint": fingerprint(tokens),
            "expires_at": asked_at + grant.expires_in,
            "refresh_expires_at": asked_at + life if life else (row.refresh_expires_at if keeps else None),
            "deadline": asked_at + grant.expires_in - min(EARLY, grant.expires_in / 2),
            "ambiguous": then.ambiguous,
            "rotates": not keeps,
            "reason": None,
        }
        facts = {**_facts(row), "generation": row.generation + 1, "rotated": not keeps}
        renewed = await move(unit, row, CredentialState.ACTIVE, facts, **changes)
        account = await unit.get(ConnectedAccount, row.account_id)
        if account is not None:
            await remark_account(unit, account, None)
        return renewed


def _facts(row: Credential) -> dict[str, Any]:
    facts: dict[str, Any] = {"connection_id": row.connection_id, "generation": row.generation}
    return facts | ({"account_id": row.account_id, "role": row.role} if row.account_id else {})


def _merged(tokens: TokenSet, grant: Grant) -> TokenSet:
    """Return the tokens to keep: without a new refresh token the one before stays good. Source: RFC 6749 §6"""
    return TokenSet(grant.access_token, grant.refresh_token or tokens.refresh_token, grant.scope or tokens.scope)


async def _settle(unit: UnitOfWork, row: Credential, then: After) -> Credential:
    if then.state in (CredentialState.EXPIRED, CredentialState.REVOKED):
        return await end_with_account(unit, row, then.state, then.reason or AccountReason.UNKNOWN)
    if then.state is CredentialState.REFRESHING:
        return await unit.change(row, deadline=then.deadline, ambiguous=True, reason=then.reason)
    changes: dict[str, Any] = {"deadline": then.deadline, "ambiguous": then.ambiguous, "reason": then.reason}
    kept = await move(unit, row, CredentialState.ACTIVE, {**_facts(row), "reason": then.reason}, **changes)
    account = await unit.get(ConnectedAccount, row.account_id)
    if account is not None and then.reason is not None:
        await remark_account(unit, account, then.reason)
    return kept


async def end_with_account(unit: UnitOfWork, row: Credential, to: CredentialState, reason: str) -> Credential:
    """Return the credential ended, with what that makes of its account."""
    done = await end_credential(unit, row, to, reason)
    account = await unit.get(ConnectedAccount, row.account_id)
    if account is not None:
        await settle_account(unit, account, reason)
    return done


async def _until_written(deps: Deps, work: Callable[[UnitOfWork], Awaitable[Credential | None]]) -> Credential | None:
    """Write down what is already true at the provider; the disk may be away for a while, the fact stays."""
    pause = 0.1
    while True:
        try:
            return await deps.journal.write(work)
        except SkipassError as error:
            if error.code not in ("not_recorded", "conflict"):
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, 2.0)
