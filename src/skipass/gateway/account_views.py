"""What a surface shows of connected accounts and registrations: JSON objects without tokens, secrets and hashes."""

from __future__ import annotations

from typing import Any

from skipass.gateway.account_access import FullAccount
from skipass.gateway.account_status import HINTS
from skipass.gateway.client_drafting import redirect_uri
from skipass.gateway.linking import Invitation
from skipass.gateway.views import when
from skipass.nouns.account import Registration
from skipass.nouns.connection import Credential


def registration_view(registration: Registration, base_url: str) -> dict[str, Any]:
    """Return a client at an authorization server."""
    return {
        "id": registration.id,
        "account": registration.account,
        "host": registration.host,
        "client_id": registration.client_id,
        "client_auth": registration.client_auth.value,
        "redirect_uri": redirect_uri(base_url, registration),
        "allowed_roles": list(registration.allowed_roles),
        "metadata": registration.metadata,
        "state": registration.state.value,
        "created_at": when(registration.created_at),
    }


def account_view(full: FullAccount) -> dict[str, Any]:
    """Return a connected account with the roles it can be used with; never a token."""
    account = full.account
    return {
        "id": account.id,
        "connection": full.connection.name,
        "connection_id": account.connection_id,
        "identifier": full.identifier,
        "user_id": account.user_id,
        "status": account.state.value,
        "reason": account.reason,
        "hint": HINTS.get(account.reason or ""),
        "login": account.login,
        "account": account.account,
        "role": account.role,
        "warehouse": account.warehouse,
        "database": account.database,
        "schema": account.schema,
        "roles": [_role(one) for one in full.credentials],
        "created_at": when(account.created_at),
        "linked_at": when(account.linked_at),
    }


def _role(credential: Credential) -> dict[str, Any]:
    ends = when(credential.refresh_expires_at)
    return {"role": credential.role, "generation": credential.generation, "refresh_expires_at": ends}


def link_view(invitation: Invitation) -> dict[str, Any]:
    """Return what may be said of a one-time link more than once."""
    attempt = invitation.attempt
    ends = when(attempt.expires_at)
    return {"id": attempt.id, "account_id": attempt.account_id, "role": attempt.role, "expires_at": ends}


def link_url(invitation: Invitation, base_url: str) -> str:
    """Return the one-time link itself; its token stands where no server sees it."""
    return f"{base_url}/connect#{invitation.token.reveal()}"
