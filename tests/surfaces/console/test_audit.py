"""The record in the console: found by moment, kind and session, a bounded page at a time, by those who may read it."""

from __future__ import annotations

import pytest

from skipass.audit.events import Event
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.principal import Role
from surfaces.console.browser import House

pytestmark = pytest.mark.anyio
AUDIT = "/console/audit"


async def test_events_are_found_by_kind_and_session(house: House) -> None:
    """What a session left is found by its id, narrowed by the beginning of a kind, and leads back to the session."""
    session_id = await house.stage.session()
    await house.stage.query("SELECT order_id FROM ops.orders")
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        page = await ada.get(f"{AUDIT}?about={session_id}")
        narrow = await ada.get(f"{AUDIT}?about={session_id}&kind=statement.")
        none = await ada.get(f"{AUDIT}?about={session_id}&kind=policy")
    for kind in ("session.open", "statement.admitted", "statement.succeeded"):
        assert f"<strong>{kind}</strong>" in page.html
    assert f'href="/console/sessions/{session_id}"' in page.html
    assert "<strong>session.open</strong>" not in narrow.html
    assert "<strong>statement.succeeded</strong>" in narrow.html
    assert "No event fits." in none.text


async def test_a_page_holds_a_hundred_and_says_where_to_go_on(house: House) -> None:
    """Every event is on one page, and on one only."""
    (tenant,) = {user.tenant_id for user in await house.stage.gateway.people.list(await house.stage.principal("admin"))}

    async def fill(unit: UnitOfWork) -> None:
        for n in range(150):
            unit.emit(Event(tenant, "key.revoked", f"key_{n:03}", {"owner": "nobody"}))

    await house.stage.gateway.deps.journal.write(fill)
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        first = await ada.get(f"{AUDIT}?kind=key.revoked")
        onward = next(part for part in first.html.split('"') if "after=" in part).replace("&amp;", "&")
        rest = await ada.get(onward)
    assert [first.html.count(f" key_{n:03}") + rest.html.count(f" key_{n:03}") for n in range(150)] == [1] * 150
    assert "Later ones" not in rest.text


async def test_a_moment_bounds_what_is_shown(house: House) -> None:
    """Nothing from before the moment is shown; a moment that cannot be read is said to be one."""
    await house.stage.session()
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        assert "No event fits." in (await ada.get(f"{AUDIT}?from=2999-01-01T00:00")).text
        assert "session.open" in (await ada.get(f"{AUDIT}?from=2001-01-01T00:00")).text
        for odd in ("from=yesterday", "from=0001-01-01T00:00", "after=x"):
            assert (await ada.get(f"{AUDIT}?{odd}")).status == 400


@pytest.mark.parametrize("role", [Role.MEMBER, Role.APPROVER])
async def test_only_admins_and_auditors_read_the_record(house: House, role: Role) -> None:
    """Neither by the menu nor by the address does anybody else."""
    await house.stage.gateway.people.create(await house.stage.principal("admin"), "mallory", [role])
    async with house.browser() as mallory:
        home = await mallory.sign_in(await house.link("mallory"))
        assert AUDIT not in home.html
        assert (await mallory.get(AUDIT)).status == 403
