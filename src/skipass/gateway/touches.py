"""Who made or changed a person's identity lately: it decides what that person may decide."""

from __future__ import annotations

from skipass.access.approvals import RECENT
from skipass.gateway.ports import Reader
from skipass.nouns.people import User
from skipass.nouns.signin import IdentityChange


async def touched_lately(reader: Reader, person: User) -> frozenset[str]:
    """Return the ids of everybody who did within the last thirty days."""
    changes = await reader.find(IdentityChange, user_id=person.id, at__gt=reader.now - RECENT)
    return frozenset(change.by for change in changes)
