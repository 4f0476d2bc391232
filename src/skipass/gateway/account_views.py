"""What a surface shows of connected accounts and registrations: JSON objects without tokens, secrets and hashes."""

from __future__ import annotations

from typing import Any

from skipass.gateway.drafting import redirect_uri
from skipass.gateway.views import when
from skipass.nouns.account import Registration


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
