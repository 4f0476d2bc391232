"""What REST adds to the gateway's views of registrations and connected accounts."""

from __future__ import annotations

from typing import Any

from skipass.gateway.account_views import registration_view
from skipass.gateway.connections import Added
from skipass.gateway.views import connection_view
from skipass.nouns.account import Registration


def added_body(added: Added, base_url: str) -> dict[str, Any]:
    """Return a new connection with its client, where it has one, and what to know of it."""
    client = registration_view(added.registration, base_url) if added.registration else None
    return connection_view(added.connection) | {"registration": client, "remarks": list(added.remarks)}


def registered_body(made: tuple[Registration, tuple[str, ...]], base_url: str) -> dict[str, Any]:
    """Return a new registration and what to know of it."""
    return {"registration": registration_view(made[0], base_url), "remarks": list(made[1])}
