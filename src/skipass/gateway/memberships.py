"""Which groups somebody is in now. Reads only; who may change it is told in `skipass.gateway.groups`."""

from __future__ import annotations

from skipass.gateway.ports import Reader
from skipass.nouns.groups import GROUP, Membership


async def groups_of(reader: Reader, *member_ids: str) -> frozenset[str]:
    """Return the groups of these people and agents together, each as rules write it: `group:NAME`."""
    found = await reader.find(Membership, member_id=member_ids, removed_at=None)
    return frozenset(f"{GROUP}{one.name}" for one in found)
