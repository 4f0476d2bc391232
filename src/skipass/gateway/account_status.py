"""Where a connected account stands, as its credentials have it, and what people do about each reason.

Every change of a connected account goes through here, in the transaction of what caused it. Only a link attempt leads
back to ACTIVE. Knows no Snowflake and no network.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from skipass.audit.events import Event
from skipass.gateway.cutting import cut
from skipass.gateway.moves import move
from skipass.gateway.outbox import announce_account
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.way_out import USABLE
from skipass.nouns.account import AccountReason, AccountState, ConnectedAccount
from skipass.nouns.connection import Credential, CredentialState
from skipass.nouns.session import EndReason

HINTS: Mapping[str, str] = MappingProxyType(
    {
        AccountReason.USER_REVOKED: "The user withdrew the consent in Snowflake: link the account again.",
        AccountReason.ADMIN_REVOKED: "An admin took the account away: ask them, then link it again.",
        AccountReason.INTEGRATION_DISABLED: (
            "Enable the security integration (ALTER SECURITY INTEGRATION … SET ENABLED = TRUE), or mend its settings; "
            "where the account has ended, link it again."
        ),
        AccountReason.ROLE_LOST: (
            "Grant the role to the user, or take it into the integration's allowed roles; then link again."
        ),
        AccountReason.USER_DISABLED: "Enable the Snowflake user (ALTER USER … SET DISABLED = FALSE), then link again.",
        AccountReason.NETWORK_POLICY: "Let the gateway's address into the network policy of the integration or user.",
        AccountReason.CLIENT_SECRET_ROTATED: (
            "Register the client's present secret; nothing has to be linked again. "
            "A network policy that refuses the gateway's address gives the same answer."
        ),
        AccountReason.REFRESH_EXPIRED: "The authorisation has run its time: link the account again.",
        AccountReason.REFRESH_AMBIGUOUS: (
            "An answer to a single-use refresh token was lost, so the authorisation ended: link the account again."
        ),
        AccountReason.UNKNOWN: "Snowflake does not say why: look at the integration and the user, then link again.",
    }
)
"""What to do about each reason."""

_ENDED = {CredentialState.EXPIRED: AccountState.EXPIRED, CredentialState.REVOKED: AccountState.REVOKED}


async def settle_account(unit: UnitOfWork, account: ConnectedAccount, reason: str | None = None) -> ConnectedAccount:
    """Return the account in the state that its credentials leave it in; with no usable one it is no longer ACTIVE.

    `reason` stands for that of the credential which ended last. An account that waits for its owner or for an
    application, or has ended before, is left as it is.
    """
    if account.state is not AccountState.ACTIVE:
        return account
    mine: list[Credential] = await unit.find(
        Credential, tenant_id=account.tenant_id, account_id=account.id, order="created_at", descending=True
    )
    if any(one.state in USABLE for one in mine):
        return account
    ended = next((one for one in mine if one.state in _ENDED and one.reason != "replaced"), None)
    to = _ENDED[ended.state] if ended else AccountState.EXPIRED
    why = reason or (ended.reason if ended else None) or AccountReason.UNKNOWN
    return await move_account(unit, account, to, why)


async def move_account(
    unit: UnitOfWork, account: ConnectedAccount, to: AccountState, reason: str | None = None, /, **changes: Any
) -> ConnectedAccount:
    """Return the account in its new state, with its event; what is taken away ends its sessions in the same commit."""
    facts: dict[str, Any] = {"connection_id": account.connection_id, "user_id": account.user_id}
    facts |= {"reason": reason} if reason else {}
    moved = await move(unit, account, to, facts, reason=reason, **changes)
    await announce_account(unit, moved, to.value, reason)
    if to in (AccountState.REVOKED, AccountState.DISCONNECTED):
        whose = {"connection_id": account.connection_id, "user_id": account.user_id}
        await cut(unit, f"account {reason or to.value.lower()}", EndReason.ACCOUNT, **whose)
    return moved


async def remark_account(unit: UnitOfWork, account: ConnectedAccount, reason: str | None) -> ConnectedAccount:
    """Return the account with a remark on it, or without one, in the state it had: something hinders it for now."""
    if account.reason == reason:
        return account
    changed = await unit.change(account, reason=reason)
    facts = {"connection_id": account.connection_id, "user_id": account.user_id, "reason": reason}
    unit.emit(Event(account.tenant_id, "account.changed", account.id, facts))
    await announce_account(unit, changed, "changed", reason)
    return changed


async def end_credential(unit: UnitOfWork, credential: Credential, to: CredentialState, reason: str) -> Credential:
    """Return the credential ended, its tokens destroyed; raises `conflict` if it has ended before.

    What is asked of other processes from here on is judged under a new revocation epoch. The account that it belongs
    to is not looked at: `settle_account` does that.
    """
    facts = {"connection_id": credential.connection_id, "generation": credential.generation, "reason": reason}
    facts |= {"account_id": credential.account_id, "role": credential.role} if credential.account_id else {}
    ended = await move(unit, credential, to, facts, reason=reason, sealed=b"", deadline=None)
    await unit.next_revocation()
    return ended
