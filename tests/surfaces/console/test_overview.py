"""What people who look at everything see: how things stand, and what there is. Nobody else sees any of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from skipass.audit.checkpoint import Checkpoint
from skipass.gateway.overview import Span
from skipass.gateway.signed import Kept, Line
from skipass.nouns.principal import Role
from skipass.surfaces.console.overview import bars, signed_up_to
from surfaces.console.browser import UPDATE, House

pytestmark = pytest.mark.anyio
LISTINGS = {
    "connections": "jit",
    "agents": "reporting-agent",
    "people": "grace",
    "servers": "jit",
    "accounts": "There is none yet",
}


async def test_the_overview_says_how_things_stand(house: House) -> None:
    """Open sessions, what waits, and the last hour's statements by what became of them are counted."""
    at = house.stage
    await at.session()
    for text in ("SELECT order_id FROM ops.orders", "SELECT * FROM finance_db.hr.salaries", UPDATE):
        await at.query(text)
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        page = await ada.get("/console/overview")
    for told in ('state=open">1</a>', '<a href="/console">1</a>'):
        assert told in page.html
    for word in ("allowed", "held", "refused"):
        assert page.html.count(f'<rect class="{word}"') == 1
    assert "reporting-agent for sam on jit" in page.text


async def test_the_overview_of_nothing_says_so(house: House) -> None:
    """Where nothing was asked for yet there is no picture, and no number is made up."""
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        page = await ada.get("/console/overview")
    assert "No statement was asked for." in page.text
    assert "<svg" not in page.html


async def test_the_overview_tells_of_the_record_to_who_may_read_it(house: House) -> None:
    """An admin is told how the record stands and led to verify it; an approver is not."""
    for name, told in (("ada", 1), ("grace", 0)):
        async with house.browser() as browser:
            await browser.sign_in(await house.link(name))
            assert (await browser.get("/console/overview")).html.count('href="/console/verify"') == told


def test_the_record_is_signed_up_to_its_newest_valid_line() -> None:
    """A newest line without a valid signature is said to be one, and vouches for nothing."""
    line = Line(0, b"")
    valid = Kept(line, Checkpoint("tnt_1", "2026-01-01T10:00:59+00:00", {}))
    at = datetime(2026, 1, 1, 10, 0, tzinfo=UTC)
    assert signed_up_to([valid]) == {"at": at, "holds": True}
    assert signed_up_to([Kept(line, None), valid]) == {"at": at, "holds": False}
    assert signed_up_to([]) == {"at": None, "holds": True}


@pytest.mark.parametrize("name", LISTINGS)
async def test_what_there_is_is_listed(house: House, name: str) -> None:
    """Each kind of thing has its page; where there is none yet it says how to make one."""
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        page = await ada.get(f"/console/{name}")
        assert page.status == 200
        assert LISTINGS[name] in page.text
        assert f'href="/console/{name}"' in page.html


async def test_long_lists_come_in_pages(house: House) -> None:
    """Fifty a page, and the next page goes on from there: everybody once."""
    admin = await house.stage.principal("admin")
    names = [f"person-{n:02}" for n in range(60)]
    for name in names:
        await house.stage.gateway.people.create(admin, name, [Role.MEMBER])
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        first = await ada.get("/console/people")
        more = next(part for part in first.html.split('"') if "?after=" in part)
        rest = await ada.get(more)
    assert [first.text.count(name) + rest.text.count(name) for name in names] == [1] * 60


@pytest.mark.parametrize("name", ["overview", *LISTINGS])
async def test_a_member_is_shown_none_of_it(house: House, name: str) -> None:
    """Neither by the menu nor by the address."""
    await house.stage.gateway.people.create(await house.stage.principal("admin"), "mallory", [Role.MEMBER])
    async with house.browser() as mallory:
        home = await mallory.sign_in(await house.link("mallory"))
        assert f"/console/{name}" not in home.html
        page = await mallory.get(f"/console/{name}")
    assert page.status == 403
    assert LISTINGS.get(name, "svg") not in page.text


def test_bars_stand_on_each_other_and_fill_the_picture() -> None:
    """The highest step fills the picture; within a step nothing overlaps."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    found = bars([Span(at, 2, 1, 1), Span(at, 1, 0, 0)])
    assert [(one["word"], one["x"], one["y"], one["height"]) for one in found] == [
        ("allowed", 4, 50.0, 50.0),
        ("held", 4, 25.0, 25.0),
        ("refused", 4, 0.0, 25.0),
        ("allowed", 44, 75.0, 25.0),
    ]
