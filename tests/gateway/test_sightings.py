"""A key that is used from two places at once is flagged in the record."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateways import Stage
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.sightings import TOGETHER, Sightings
from skipass.nouns.notice import Sighting

pytestmark = pytest.mark.anyio


async def flags(at: Stage) -> list[dict[str, Any]]:
    """Return what was flagged, once everything posted before is on record."""

    async def after(unit: UnitOfWork) -> None:
        return None

    await at.gateway.deps.journal.write(after)
    found = await at.gateway.events.list(await at.principal("admin"), after=None, limit=1000)
    return [record.content() for record in found if record.kind == "key.flagged"]


async def use(at: Stage, address: str | None, client: str | None) -> None:
    await at.call("skipass_show_session", {}, client_address=address, client_name=client)


@pytest.mark.parametrize(
    ("second", "flagged"),
    [
        (("203.0.113.9", "claude-code"), 1),
        (("192.0.2.1", "cursor"), 1),
        (("192.0.2.1", "claude-code"), 0),
        (("192.0.2.1", None), 0),
        ((None, "claude-code"), 0),
    ],
)
async def test_two_addresses_or_names_are_flagged_once(
    at: Stage, second: tuple[str | None, str | None], flagged: int
) -> None:
    """Another address or another client name is flagged, once however often it goes on; silence about one is not."""
    for _ in range(3):
        await use(at, "192.0.2.1", "claude-code")
        await use(at, *second)
    found = await flags(at)
    assert len(found) == flagged
    assert all({"address": "192.0.2.1", "client": "claude-code"} in one["places"] for one in found)


async def test_after_ten_minutes_a_key_may_have_moved(at: Stage) -> None:
    """The same two places more than ten minutes apart are nothing to say."""
    await use(at, "192.0.2.1", "claude-code")
    assert await flags(at) == []

    async def age(unit: UnitOfWork) -> None:
        for one in await unit.find(Sighting):
            await unit.change(one, at=one.at - TOGETHER - timedelta(seconds=1))

    await at.gateway.deps.journal.write(age)
    await use(at, "203.0.113.9", "claude-code")
    assert await flags(at) == []
    Sightings(at.gateway.deps).note(await at.principal("agent"), "192.0.2.1", "claude-code")
    assert len(await flags(at)) == 1


async def test_people_are_not_watched(at: Stage) -> None:
    """A person's own token leaves no sighting."""
    Sightings(at.gateway.deps).note(await at.principal("admin"), "192.0.2.1", "firefox")
    assert await flags(at) == []
    assert await at.every(Sighting) == []
