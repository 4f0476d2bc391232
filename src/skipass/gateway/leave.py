"""Whether automatic sessions are off for an agent, a user and a connection. Reads only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from skipass.gateway.ports import Reader
from skipass.nouns.session import AccessSession, AutomaticLeave

EVER = datetime(1970, 1, 1, tzinfo=UTC)


async def stays_off(reader: Reader, *, agent_id: str, user_id: str, connection_id: str) -> bool:
    """Return whether an explicit session keeps automatic ones from opening."""
    whose: dict[str, Any] = {"agent_id": agent_id, "user_id": user_id, "connection_id": connection_id}
    explicit: dict[str, Any] = {"automatic": False, "opened_at__gt": EVER, **whose}
    found = await reader.find(AutomaticLeave, limit=1, **whose)
    since = found[0].at if found else EVER
    return bool(
        await reader.count(AccessSession, closed_at=None, **explicit)
        or await reader.count(AccessSession, closed_at__gt=since, **explicit)
    )
