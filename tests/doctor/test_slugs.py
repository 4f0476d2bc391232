"""What the doctor says of a slug before it looks at anything else."""

from __future__ import annotations

import pytest

from doctor.clinic import Clinic, failures, of
from skipass.errors import SkipassError
from skipass.gateway.doctor.findings import Finding, State
from skipass.gateway.doctor.rounds import Complaint
from skipass.gateway.slug_names import Access
from skipass.nouns.connection import SlugSessions
from skipass.nouns.groups import MemberKind

pytestmark = pytest.mark.anyio


async def look(clinic: Clinic, slug: str) -> list[Finding]:
    """Return the findings about a slug's own steps."""
    (examined,) = await clinic.at.gateway.doctor.examine(clinic.admin, Complaint(slug=slug))
    return [one for one in examined.findings if one.step in ("slug", "let in", "groups", "tools", "pins")]


async def add(clinic: Clinic, access: Access) -> None:
    """Open the slug `team` over `jit`."""
    await clinic.at.gateway.servers.add(clinic.admin, "team", "jit", access)


async def test_a_slug_that_lets_nobody_in_says_so_and_what_helps(clinic: Clinic) -> None:
    """A fresh slug fails at its second step, and what the step names mends it."""
    await add(clinic, Access())
    assert failures(await look(clinic, "team")) == [("let in", "nobody_let_in")]
    await clinic.at.gateway.servers.change(clinic.admin, "team", Access(add={"users": ["sam"]}))
    found = await look(clinic, "team")
    assert failures(found) == []
    assert of(found, "let in").seen == "1 people through MCP clients, 0 agent(s) by their keys"


async def test_a_slug_of_disabled_people_lets_nobody_in(clinic: Clinic) -> None:
    """Whoever is disabled does not count as being let in."""
    await add(clinic, Access(put={"users": ["sam"]}))
    await clinic.at.gateway.people.disable(clinic.admin, "sam")
    assert failures(await look(clinic, "team")) == [("let in", "nobody_let_in")]


async def test_a_group_without_anybody_is_not_called_well(clinic: Clinic) -> None:
    """A group that nobody is in cannot be seen to work; once somebody is in, it is counted."""
    await add(clinic, Access(put={"groups": ["analysts"], "users": ["grace"]}))
    assert of(await look(clinic, "team"), "groups").state is State.UNSEEN
    await clinic.at.gateway.groups.add(clinic.admin, "analysts", kind=MemberKind.USER, member="sam")
    found = await look(clinic, "team")
    assert [one.step for one in found] == ["slug", "let in"]
    assert of(found, "let in").seen.startswith("2 people")


async def test_a_slug_without_the_way_to_a_session_is_found(clinic: Clinic) -> None:
    """Tools that leave out the one that asks for a session lead nowhere where none opens by itself."""
    narrow = {"users": ["sam"], "tools": ["snowflake_execute_query"]}
    await add(clinic, Access(put=narrow))
    assert failures(await look(clinic, "team")) == [("tools", "no_session_tool")]
    await clinic.at.gateway.servers.add(clinic.admin, "wide", "snowflake", Access(put=narrow))
    assert failures(await look(clinic, "wide")) == []
    explicit = Access(sessions=SlugSessions.EXPLICIT)
    await clinic.at.gateway.servers.change(clinic.admin, "wide", explicit)
    assert failures(await look(clinic, "wide")) == [("tools", "no_session_tool")]


async def test_a_closed_slug_is_said_to_be_closed(clinic: Clinic) -> None:
    """A slug that is disabled fails at its first step; one that was never there is not found."""
    await clinic.at.gateway.servers.disable(clinic.admin, "jit")
    assert failures(await look(clinic, "jit")) == [("slug", "slug_disabled")]
    with pytest.raises(SkipassError) as told:
        await look(clinic, "nowhere")
    assert told.value.code == "not_found"
