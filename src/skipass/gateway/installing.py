"""Installing: what a sign-in brought becomes the account's credential, in one transaction with everything it ends."""

from __future__ import annotations

from typing import Any

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.account_access import FullAccount
from skipass.gateway.account_status import end_credential, move_account
from skipass.gateway.attempts import Landed, generation_of, time_of
from skipass.gateway.client_drafting import sealed_credential
from skipass.gateway.deps import Deps
from skipass.gateway.moves import move
from skipass.gateway.outbox import announce_account
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.registrations import add_credential
from skipass.gateway.way_out import USABLE
from skipass.nouns.account import AccountState, ConnectedAccount, LinkAttempt, LinkState
from skipass.nouns.connection import Credential, CredentialState

REPLACED = "replaced"


async def install(
    deps: Deps, unit: UnitOfWork, attempt: LinkAttempt, full: FullAccount, landed: Landed
) -> ConnectedAccount:
    """Return the account, ACTIVE by what landed; the attempt is over and the credential before it is destroyed.

    Whoever calls has made sure that another login than before was accepted: then everything of the other login is
    destroyed. Raises `conflict` if another attempt came in between.
    """
    account = await put_in_force(deps, unit, full, landed, since=attempt)
    facts = {"account_id": account.id, "role": landed.role, "login": landed.login}
    await move(unit, attempt, LinkState.FINISHED, facts, sealed=None, code_hash=None, state_hash=None)
    return account


async def put_in_force(
    deps: Deps, unit: UnitOfWork, full: FullAccount, landed: Landed, since: LinkAttempt | None = None
) -> ConnectedAccount:
    """Return the account, ACTIVE by a new credential that takes the place of the one for its role."""
    account, changed = full.account, full.account.login not in (None, landed.login)
    mine = await unit.find(Credential, account_id=account.id, state=USABLE)
    if since is not None and any(one.created_at > since.created_at and one.role == landed.role for one in mine):
        raise SkipassError("conflict", "Another sign-in was faster.", "Look at the account again.")
    for one in mine:
        if changed or one.role == landed.role:
            await end_credential(unit, one, CredentialState.EXPIRED, REPLACED)
            deps.upstream.forget(one.id)
    whose: dict[str, Any] = {"account_id": account.id, "user_id": account.user_id, "role": landed.role}
    whose |= {"expires_at": time_of(landed.expires_at), "refresh_expires_at": time_of(landed.refresh_expires_at)}
    generation = await generation_of(unit, account.id, landed.role) + 1
    packed = landed.packed.encode()
    await add_credential(
        unit, sealed_credential(deps, full.connection, packed, landed.fingerprint, generation, **whose)
    )
    return await _active(unit, account, landed, since.registration_id if since else None)


async def _active(
    unit: UnitOfWork, account: ConnectedAccount, landed: Landed, registration_id: str | None
) -> ConnectedAccount:
    known: dict[str, Any] = {"login": landed.login, "account": landed.account, "host": landed.host}
    known |= {"linked_at": unit.now, "registration_id": registration_id}
    if account.state is not AccountState.ACTIVE:
        return await move_account(unit, account, AccountState.ACTIVE, None, **known)
    active = await unit.change(account, **known, reason=None)
    facts = {"what": "linked again", "login": landed.login, "role": landed.role}
    unit.emit(Event(account.tenant_id, "account.changed", account.id, facts))
    await announce_account(unit, active, "changed", None)
    return active
