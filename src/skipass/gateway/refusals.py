"""What Snowflake's refusals of a credential mean for it: who has to do what is told apart by code, where codes tell.

A credential ends only on a refusal that no fresh token could cure. A network policy, or a token that another refresh
has made old, changes nothing about it. Source: https://docs.snowflake.com/en/user-guide/oauth-ext-custom (codes)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from skipass.errors import SkipassError
from skipass.gateway.account_status import remark_account
from skipass.gateway.deps import Deps
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.refresh import Refresher
from skipass.gateway.renewal import end_with_account
from skipass.gateway.way_out import Out
from skipass.nouns.account import AccountReason, AccountState, ConnectedAccount
from skipass.nouns.connection import AuthMethod, Credential, CredentialState
from skipass.snowflake.errors import (
    NetworkPolicyError,
    RoleNotAllowed,
    SnowflakeAuthError,
    SnowflakeError,
    TokenExpired,
)

REASONS: Mapping[str, AccountReason] = MappingProxyType(
    {
        "390302": AccountReason.USER_REVOKED,
        "390100": AccountReason.USER_DISABLED,
        "390101": AccountReason.USER_DISABLED,
        "390304": AccountReason.USER_DISABLED,
        "390186": AccountReason.ROLE_LOST,
        "390189": AccountReason.ROLE_LOST,
        "390317": AccountReason.ROLE_LOST,
    }
)
"""The reason behind each code that has one."""

_GRANTS = ("390186", "390189")
"""Refusals that look at the privileges of now, whatever the age of the token."""

_REFRESHED = (AuthMethod.SNOWFLAKE_OAUTH, AuthMethod.EXTERNAL_OAUTH)
_ENDED_PATS = {"394400": CredentialState.REVOKED, "394303": CredentialState.EXPIRED}


class Refusals:
    """Takes note of what Snowflake says about the credentials of connected accounts."""

    def __init__(self, deps: Deps, refresher: Refresher) -> None:
        self._deps, self._refresher = deps, refresher
        self._remarked: set[str] = set()
        self._suspects: dict[str, int] = {}

    async def refused(self, out: Out, error: SnowflakeError) -> None:
        """Draw the consequence of an error that came back on this way out; most have none."""
        if out.account is None:
            return
        if isinstance(error, NetworkPolicyError):
            self._remarked.add(out.account.id)
            await self._remark(out.account.id, AccountReason.NETWORK_POLICY)
        elif out.connection.auth_method is AuthMethod.PAT and error.code in _ENDED_PATS:
            await self._end(out, out.credential.generation, _ENDED_PATS[error.code], AccountReason.UNKNOWN)
        elif out.connection.auth_method in _REFRESHED:
            await self._oauth(out, error)

    async def accepted(self, out: Out) -> None:
        """Take a remark back: a statement came through."""
        self._suspects.pop(out.credential.id, None)
        if out.account is None or not (out.account.reason or out.account.id in self._remarked):
            return
        self._remarked.discard(out.account.id)
        await self._remark(out.account.id, None)

    async def _oauth(self, out: Out, error: SnowflakeError) -> None:
        held = self._refresher.held(out.credential.id)
        of_the_role = isinstance(error, RoleNotAllowed) and out.credential.role is not None
        if held is None or not (of_the_role or isinstance(error, SnowflakeAuthError)):
            return
        doomed = self._refresher.is_fresh(held) or self._suspects.get(out.credential.id) == held.generation
        if (of_the_role and error.code in _GRANTS) or (doomed and not isinstance(error, TokenExpired)):
            await self._revoke(out, held.generation, error)
            return
        try:
            fresh = await self._refresher.turn(out.credential.id, held.generation)
        except SkipassError:
            return  # it has ended with its own reason, or nothing can be said of it now
        if fresh.generation == held.generation and not isinstance(error, TokenExpired):
            await self._revoke(out, held.generation, error)  # there is no fresher one to be had
        self._suspects[out.credential.id] = fresh.generation

    async def _revoke(self, out: Out, generation: int, error: SnowflakeError) -> None:
        await self._end(out, generation, CredentialState.REVOKED, REASONS.get(error.code or "", _unnamed(out)))

    async def _end(self, out: Out, generation: int, to: CredentialState, reason: str) -> None:
        """End the credential of this generation; one that is being refreshed, or newer, is none of this refusal's."""

        async def end(unit: UnitOfWork) -> None:
            row = await unit.get(Credential, out.credential.id, state=CredentialState.ACTIVE, generation=generation)
            if row is not None:
                await end_with_account(unit, row, to, reason)

        await self._deps.journal.write(end)
        self._suspects.pop(out.credential.id, None)
        self._deps.upstream.forget(out.credential.id)

    async def _remark(self, account_id: str, reason: str | None) -> None:
        async def remark(unit: UnitOfWork) -> None:
            account = await unit.get(ConnectedAccount, account_id, state=AccountState.ACTIVE)
            if account is not None:
                await remark_account(unit, account, reason)

        await self._deps.journal.write(remark)


def _unnamed(out: Out) -> AccountReason:
    """Return the reason of a refusal without a telling code: an outside issuer's token no longer fits, or unknown."""
    external = out.connection.auth_method is AuthMethod.EXTERNAL_OAUTH
    return AccountReason.INTEGRATION_DISABLED if external else AccountReason.UNKNOWN
