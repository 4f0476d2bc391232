"""Looking through the record: by moment, person, agent, connection, kind, id and text; one event; one session's steps.

Each page looks at a bounded number of events, found by an index; it says where to go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from skipass.audit.chain import GENESIS, Head, Record, wrong_with
from skipass.audit.events import EVENT_KINDS
from skipass.audit.searching import START, Found, Place, Search, place_of
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.people import require
from skipass.gateway.ports import Reader
from skipass.gateway.sessions import Sessions
from skipass.nouns.connection import Connection
from skipass.nouns.people import Agent, User
from skipass.nouns.principal import Principal, Role
from skipass.nouns.statement import Statement

PAGE = 100
WINDOW = 10_000
END: Place = (1 << 62, "", 0)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody looks for; an empty text narrows nothing. `until_us` is excluded.

    `kind` is a kind or how kinds begin; `about` an id, of a session all that belongs to it, or a query's handle;
    `text` a piece of the event's body, such as an object's name.
    """

    after: Place = START
    until_us: int | None = None
    kind: str = ""
    about: str = ""
    person: str = ""
    agent: str = ""
    connection: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """One event, the one before and after it in its chain, and what is wrong with it as a link of that chain."""

    record: Record
    before: Record | None
    after: Record | None
    wrong: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a session and whether one follows; `back` is the place after which the one before stands.

    `statement` is what the event is about with its original text, where it is about one.
    """

    record: Record
    more: bool
    back: Place | None
    statement: tuple[Statement, str] | None


class Searching:
    """The use cases of looking through the record."""

    def __init__(self, deps: Deps, sessions: Sessions) -> None:
        self._deps, self._sessions = deps, sessions

    async def find(self, principal: Principal, asked: Asked) -> Found:
        """Return up to a hundred events that fit, in order of time; for admins and auditors."""
        require(principal, Role.ADMIN, Role.AUDITOR)

        async def load(reader: Reader) -> Found:
            search = await _search(reader, principal.tenant_id, asked)
            kinds = [one for one in EVENT_KINDS if one.startswith(asked.kind)] if asked.kind else []
            if search is None or (asked.kind and not kinds):
                return Found((), None)
            if not kinds:
                return await reader.search(search)
            share = replace(search, window=max(PAGE, WINDOW // len(kinds)))
            return _merged([await reader.search(replace(share, kind=kind)) for kind in kinds])

        return await self._deps.journal.read(load)

    async def latest(self, principal: Principal, kind: str, subject: str) -> Record | None:
        """Return the newest event of a kind about a thing; None where the thousand newest about it have none."""
        require(principal, Role.ADMIN, Role.AUDITOR)
        search = Search(principal.tenant_id, subject=subject, kind=kind, after=END, backward=True, limit=1)

        async def load(reader: Reader) -> Sequence[Record]:
            return (await reader.search(search)).records

        found = await self._deps.journal.read(load)
        return found[0] if found else None

    async def one(self, principal: Principal, writer: str, seq: int) -> Placed:
        """Return one event with its place in its chain; raises `not_found`."""
        require(principal, Role.ADMIN, Role.AUDITOR)

        async def load(reader: Reader) -> Sequence[Record]:
            return await reader.chain(principal.tenant_id, writer, after=seq - 2, until=seq + 1, limit=3)

        near = {record.seq: record for record in await self._deps.journal.read(load)}
        if seq not in near:
            raise SkipassError("not_found", "There is no such event.")
        before = near.get(seq - 1)
        head = Head(seq - 1, before.hash if before else GENESIS if seq == 1 else "")
        return Placed(near[seq], before, near.get(seq + 1), wrong_with(near[seq], head))

    async def step(self, principal: Principal, session_id: str, after: Place = START) -> Step:
        """Return the event of a session after a place; whoever may see the session may see it. Raises `not_found`."""
        session = await self._sessions.of(principal, session_id)
        search = Search(session.tenant_id, session_id=session.id, after=after, limit=2, window=2)

        async def load(reader: Reader) -> tuple[Step, Statement | None]:
            found = (await reader.search(search)).records
            if not found:
                raise SkipassError("not_found", "The session has no further event.")
            here = place_of(found[0])
            earlier = (await reader.search(replace(search, after=here, backward=True))).records
            back = place_of(earlier[1]) if len(earlier) > 1 else START if earlier else None
            statement = await reader.get(Statement, found[0].subject, tenant_id=session.tenant_id)
            return Step(found[0], len(found) > 1, back, None), statement

        step, statement = await self._deps.journal.read(load)
        if statement is None:
            return step
        texts = await self._deps.texts(session.tenant_id)
        text = texts.unseal(statement.original_sealed, statement.id, "original").decode()
        return replace(step, statement=(statement, text))


async def _search(reader: Reader, tenant_id: str, asked: Asked) -> Search | None:
    """Return the search for what is asked, None where a name is nobody's."""
    search = Search(tenant_id, asked.after, asked.until_us, text=asked.text, window=WINDOW, limit=PAGE)
    named: list[str] = []
    names: tuple[tuple[type[Any], str], ...] = (
        (User, asked.person),
        (Agent, asked.agent),
        (Connection, asked.connection),
    )
    for kind, name in names:
        if name:
            found = await reader.find(kind, tenant_id=tenant_id, name=name, limit=1)
            if not found:
                return None
            named.append(found[0].id)
    return replace(search, named=tuple(named), **await _about(reader, tenant_id, asked.about))


async def _about(reader: Reader, tenant_id: str, about: str) -> dict[str, Any]:
    if not about:
        return {}
    if about.startswith("ses_"):
        return {"session_id": about}
    found = await reader.find(Statement, tenant_id=tenant_id, handle=about, limit=1)
    return {"subject": found[0].id if found else about}


def _merged(every: Sequence[Found]) -> Found:
    """Return what several searches found as one page: nothing beyond where the first of them stopped looking."""
    ends = [found.onward for found in every if found.onward is not None]
    end = min(ends, default=None)
    records = sorted((record for found in every for record in found.records), key=place_of)
    within = [record for record in records if end is None or place_of(record) <= end]
    if len(within) > PAGE:
        return Found(within[:PAGE], place_of(within[PAGE - 1]))
    return Found(within, end)
