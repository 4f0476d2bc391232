"""Sightings: where an agent's key is used from. One key in two places within ten minutes is flagged in the record."""

from __future__ import annotations

from datetime import timedelta

from skipass.audit.events import Event
from skipass.gateway.deps import Deps
from skipass.gateway.ports import UnitOfWork
from skipass.ids import digest
from skipass.nouns.notice import Sighting
from skipass.nouns.principal import Principal

TOGETHER = timedelta(minutes=10)
AGAIN_S = 60.0
MOST_KEPT = 10_000


class Sightings:
    """Notes client addresses and names of agents' keys; each is a claim or a hint, good for a flag and nothing more."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._noted: dict[str, float] = {}

    def note(self, principal: Principal, address: str | None, client: str | None) -> None:
        """Note one use of an agent's key, without making the call wait; each place at most once a minute."""
        if principal.is_person:
            return
        place = (address or "")[:100], (client or "")[:100]
        sighting_id = digest(b"sighting/1", principal.credential_id.encode(), *(part.encode() for part in place))
        now = self._deps.clock.monotonic()
        if now - self._noted.get(sighting_id, float("-inf")) < AGAIN_S:
            return
        if len(self._noted) >= MOST_KEPT:
            self._noted.clear()
        self._noted[sighting_id] = now
        key_id, tenant_id, agent_id = principal.credential_id, principal.tenant_id, principal.agent_id or ""

        async def keep(unit: UnitOfWork) -> None:
            seen = Sighting(sighting_id, tenant_id, key_id, *place, unit.now)
            await _keep(unit, seen, agent_id)

        self._deps.journal.post(keep)


async def _keep(unit: UnitOfWork, seen: Sighting, agent_id: str) -> None:
    """Store a sighting; one that begins anew is compared with the others of its key."""
    earlier = await unit.get(Sighting, seen.id)
    if earlier is None:
        await unit.insert(seen)
    else:
        await unit.change(earlier, at=seen.at)
    if earlier is not None and seen.at - earlier.at < TOGETHER:
        return
    others = await unit.find(Sighting, key_id=seen.key_id, at__gt=seen.at - TOGETHER, id__ne=seen.id)
    elsewhere = [other for other in others if _apart(seen, other)]
    if elsewhere:
        places = [{"address": one.address, "client": one.client} for one in (seen, *elsewhere)]
        unit.emit(Event(seen.tenant_id, "key.flagged", seen.key_id, {"agent_id": agent_id, "places": places[:10]}))


def _apart(one: Sighting, other: Sighting) -> bool:
    """Whether both tell an address or a name, and another one each."""
    address = bool(one.address and other.address) and one.address != other.address
    return address or (bool(one.client and other.client) and one.client != other.client)
