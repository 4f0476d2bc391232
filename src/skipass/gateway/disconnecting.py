"""Ending a connected account: nothing new, what runs is cancelled, the provider is told, the tokens are destroyed.

In this order, so that a crash in between leaves less than before and nothing that could be used: whoever asks again
finishes it. Knows no surface.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway import attempts
from skipass.gateway.account_access import DELETED, FullAccount, account_for, full_account
from skipass.gateway.account_status import move_account
from skipass.gateway.clients import Clients
from skipass.gateway.cutting import cut
from skipass.gateway.deps import Deps
from skipass.gateway.drafting import OAUTH
from skipass.gateway.moves import move
from skipass.gateway.outcomes import Outcomes
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.running import Runner
from skipass.gateway.upstream import credential_place
from skipass.gateway.way_out import USABLE, Out
from skipass.nouns.account import AccountReason, AccountState, ConnectedAccount, Registration
from skipass.nouns.connection import AuthMethod, Credential, CredentialState
from skipass.nouns.people import Life, User
from skipass.nouns.principal import Principal, Role
from skipass.nouns.session import EndReason
from skipass.nouns.statement import Statement, StatementState
from skipass.snowflake.errors import SnowflakeError
from skipass.vault.seal import unseal
from skipass.vault.tokens import unpack

CANCEL_S = 2.0
SWEEP_S = 5.0
GIVEN_UP = "disconnected"
_LIVING = tuple(state for state in AccountState if state not in (AccountState.REVOKED, AccountState.DISCONNECTED))
_ENDED = (AccountState.DISCONNECTED, AccountState.REVOKED)
_AT_WORK = (StatementState.ADMITTED, StatementState.SUBMITTED, StatementState.CANCELLING)
_LOOK_S = 0.05
_log = structlog.get_logger("skipass.accounts")


@dataclass(frozen=True, slots=True)
class _Closing:
    """What an account has while it is closing: the ways by which its statements can still be cancelled."""

    full: FullAccount
    outs: tuple[Out, ...]
    running: tuple[Statement, ...]


class Disconnecting:
    """The use cases that end a connected account."""

    def __init__(self, deps: Deps, runner: Runner, clients: Clients) -> None:
        self._deps, self._runner, self._clients, self._outcomes = deps, runner, clients, Outcomes(deps)
        self._busy: set[str] = set()

    async def disconnect(self, principal: Principal, account_id: str) -> FullAccount:
        """Give an account up: by its user, the agent that acts for them, or an admin. It can be linked again."""
        return await self._asked(principal, account_id, AccountState.DISCONNECTED, None)

    async def revoke(self, principal: Principal, account_id: str) -> FullAccount:
        """Take an account away, as an admin: nothing is sent for it any more until it is linked again."""
        if not principal.is_person or Role.ADMIN not in principal.roles:
            raise SkipassError("forbidden", "Admins take accounts away; everybody else disconnects their own.")
        return await self._asked(principal, account_id, AccountState.REVOKED, AccountReason.ADMIN_REVOKED)

    async def delete(self, principal: Principal, account_id: str) -> None:
        """Disconnect an account and forget its defaults; by an admin also which login it was of.

        Whoever else deletes and links again has to come back as the same Snowflake login.
        """
        full = await self._asked(principal, account_id, AccountState.DISCONNECTED, None)
        by_admin = principal.is_person and Role.ADMIN in principal.roles

        async def forget(unit: UnitOfWork) -> None:
            account = await unit.get(ConnectedAccount, full.account.id)
            if account is None:
                return
            gone: dict[str, Any] = dict.fromkeys(("role", "warehouse", "database", "schema")) | {"reason": DELETED}
            gone |= dict.fromkeys(("login", "account", "host", "registration_id")) if by_admin else {}
            await unit.change(account, **gone)
            facts = {"what": "deleted", "login forgotten": by_admin, "by": _by(principal)}
            unit.emit(Event(account.tenant_id, "account.changed", account.id, facts))

        await self._deps.journal.write(forget)

    async def sweep(self) -> None:
        """Take the accounts of disabled users away, and finish what a crash left half ended; several may run it."""
        for full, to, reason in await self._deps.journal.read(_unfinished):
            if full.account.id not in self._busy:
                await self._end(full, to, reason, "the gateway")

    async def _asked(
        self, principal: Principal, account_id: str, to: AccountState, reason: AccountReason | None
    ) -> FullAccount:
        full = await self._deps.journal.read(lambda reader: account_for(reader, principal, account_id))
        return await self._end(full, to, reason, _by(principal))

    async def _end(self, full: FullAccount, to: AccountState, reason: AccountReason | None, by: str) -> FullAccount:
        self._busy.add(full.account.id)
        try:
            closing = await self._close(full, await self._ways(full), by, reason)
            await self._cancel(closing)
            await self._tell_provider(full)
            return await self._destroy(full, to, reason)
        finally:
            self._busy.discard(full.account.id)

    async def _ways(self, full: FullAccount) -> tuple[Out, ...]:
        """Return a way out for each credential, each with a token that outlives its row."""
        outs = []
        for credential in full.credentials:
            out = Out(full.connection, credential, full.account, full.account.login, credential.role)
            try:
                async with asyncio.timeout(CANCEL_S):
                    token = await self._deps.upstream.tokens(out).token()
            except (SkipassError, SnowflakeError, TimeoutError):
                continue
            by_oauth = full.connection.auth_method in OAUTH
            outs.append(replace(out, fresh=token.value) if by_oauth else out)
        return tuple(outs)

    async def _close(self, full: FullAccount, outs: tuple[Out, ...], by: str, reason: AccountReason | None) -> _Closing:
        """End sessions, links and the use of every credential in one transaction; what is sealed stays for now."""
        whose: dict[str, Any] = {"connection_id": full.connection.id, "user_id": full.user.id}

        async def close(unit: UnitOfWork) -> _Closing:
            await attempts.void(unit, full.account, reason or GIVEN_UP)
            await cut(unit, by, EndReason.ACCOUNT, **whose)
            for one in await unit.find(Credential, account_id=full.account.id, state=USABLE):
                facts = {"account_id": full.account.id, "role": one.role, "by": by}
                await move(unit, one, CredentialState.REVOKED, facts, reason=reason or GIVEN_UP, deadline=None)
            running = await unit.find(Statement, state=_AT_WORK, limit=100_000, **whose)
            return _Closing(full, outs, tuple(running))

        return await self._deps.journal.write(close)

    async def _cancel(self, closing: _Closing) -> None:
        if not closing.running or not closing.outs:
            return
        out = closing.outs[0]
        try:
            async with asyncio.timeout(CANCEL_S):
                await asyncio.gather(*(self._cancel_one(one, out) for one in closing.running))
        except TimeoutError:
            _log.warning("account.cancel_late", account=closing.full.account.id)

    async def _cancel_one(self, statement: Statement, out: Out) -> None:
        """Cancel a statement; of one that is just leaving, once it has a handle."""
        while True:
            after = await self._runner.cancel(statement, out, "account closing")
            if after.state is not StatementState.ADMITTED:
                return
            await asyncio.sleep(_LOOK_S)

    async def _tell_provider(self, full: FullAccount) -> None:
        """Tell a provider that takes it that the refresh tokens are not used any more. Source: RFC 7009 §2"""
        if full.connection.auth_method is not AuthMethod.EXTERNAL_OAUTH:
            return

        async def load(reader: Reader) -> tuple[Registration | None, Sequence[Credential]]:
            mine = await reader.find(Credential, account_id=full.account.id)
            return await reader.get(Registration, full.account.registration_id), [one for one in mine if one.sealed]

        registration, sealed = await self._deps.journal.read(load)
        if registration is None or not registration.metadata.get("revocation_endpoint"):
            return
        for one in sealed:
            refresh = unpack(unseal(self._deps.kek, one.sealed, credential_place(one))).refresh_token
            try:
                if refresh is not None:
                    await self._clients.revoke(registration, refresh, timeout_s=CANCEL_S)
            except (SkipassError, SnowflakeError) as error:
                _log.warning("account.provider_not_told", account=full.account.id, error=type(error).__name__)

    async def _destroy(self, full: FullAccount, to: AccountState, reason: AccountReason | None) -> FullAccount:
        for statement in await self._left(full):
            task = self._runner.task(statement.id)
            if task is not None:
                task.cancel()
            await self._outcomes.unknown(statement, {"cancel_unconfirmed": True})

        async def destroy(unit: UnitOfWork) -> ConnectedAccount:
            for one in await unit.find(Credential, account_id=full.account.id):
                if one.sealed:
                    await unit.change(one, sealed=b"")
            account = await unit.get(ConnectedAccount, full.account.id) or full.account
            if account.state is to or (account.state is AccountState.DISCONNECTED and to in _ENDED):
                return account
            return await move_account(unit, account, to, reason)

        account = await self._deps.journal.write(destroy)
        for one in full.credentials:
            self._deps.upstream.forget(one.id)
        return replace(full, account=account, credentials=())

    async def _left(self, full: FullAccount) -> Sequence[Statement]:
        whose: dict[str, Any] = {"connection_id": full.connection.id, "user_id": full.user.id}

        async def load(reader: Reader) -> list[Statement]:
            return await reader.find(Statement, state=_AT_WORK, limit=100_000, **whose)

        return await self._deps.journal.read(load)


async def _unfinished(reader: Reader) -> list[tuple[FullAccount, AccountState, AccountReason | None]]:
    """Return accounts that have to end, or have begun to, each with where it ends and why."""
    found: list[tuple[FullAccount, AccountState, AccountReason | None]] = []
    for user in await reader.find(User, state=Life.DISABLED, order="changed_at", descending=True, limit=100):
        for account in await reader.find(ConnectedAccount, user_id=user.id, state=_LIVING):
            found.append((await full_account(reader, account), AccountState.REVOKED, AccountReason.USER_DISABLED))
    for credential in await reader.find(Credential, state=CredentialState.REVOKED, sealed__ne=b"", limit=100):
        left = await reader.get(ConnectedAccount, credential.account_id)
        if left is not None:
            given_up = credential.reason == GIVEN_UP
            to = AccountState.DISCONNECTED if given_up else AccountState.REVOKED
            reason = None if given_up else AccountReason(credential.reason or AccountReason.UNKNOWN)
            found.append((await full_account(reader, left), to, reason))
    return found


def _by(principal: Principal) -> str:
    return principal.agent_id or principal.user_id or ""
