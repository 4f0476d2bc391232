"""The card: everything an approver decides on, and what only Snowflake can say of it, asked once through the spine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from skipass.access.previews import Sketch, affected, undo
from skipass.access.sqlguard import explain
from skipass.errors import SkipassError
from skipass.gateway.admission import Asked
from skipass.gateway.approvals import Approvals, Card
from skipass.gateway.deps import Deps
from skipass.gateway.execute import Executor, Target
from skipass.gateway.holding import why_not
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.relay_tickets import call_words
from skipass.gateway.tickets import Tickets
from skipass.nouns.approval import Approval, ApprovalState
from skipass.nouns.connection import Connection
from skipass.nouns.envelope import Envelope, Status
from skipass.nouns.notice import Preview
from skipass.nouns.people import Agent, Life, User
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Intent, Statement

PREVIEW_S = 5
LOOKED_AT = 200
"""How many of the agent's latest statements are compared with the one on the card."""


@dataclass(frozen=True, slots=True)
class Previews:
    """What Snowflake said of a held statement before anybody decided; each None comes with why."""

    explain: Sequence[Mapping[str, str | None]] | None = None
    explain_why: str = ""
    affected_rows: int | None = None
    affected_why: str = ""


@dataclass(frozen=True, slots=True)
class Before:
    """How often the same intent was seen among the agent's latest statements on this connection, and how it ended."""

    times: int
    among: int
    states: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FullCard:
    """A card with all that helps to decide; `words` says what was understood, `barred` why the viewer may not."""

    card: Card
    people: Mapping[str, str]
    words: str | None = None
    before: Before | None = None
    previews: Previews | None = None
    undo: Sketch | None = None
    barred: str | None = None


class Cards:
    """Puts cards together."""

    def __init__(self, deps: Deps, approvals: Approvals, executor: Executor, tickets: Tickets) -> None:
        self._deps, self._approvals, self._executor, self._tickets = deps, approvals, executor, tickets

    async def show(self, principal: Principal, approval_id: str) -> FullCard:
        """Return the card; raises `not_found` for anybody who may not see it. Agents get it without what people get."""
        full = await self.brief(principal, approval_id)
        card = full.card
        if card.statement is None or card.text is None or not principal.is_person:
            return full
        intent = await self._tickets.intent(card.statement)
        if intent.call is not None:
            return replace(full, words=call_words(intent), before=await self._before(card.statement, intent))
        return replace(
            full,
            words=await self._words(card, intent),
            before=await self._before(card.statement, intent),
            previews=await self._previews(card, intent),
            undo=undo(intent.text, card.statement.writes, card.statement.handle),
        )

    async def brief(self, principal: Principal, approval_id: str) -> FullCard:
        """Return the card with what the gateway itself knows; asks Snowflake nothing. Raises `not_found`."""
        card = await self._approvals.show(principal, approval_id)
        people, barred = await self._deps.journal.read(lambda reader: _people(reader, card, principal))
        return FullCard(card, people, barred=barred)

    async def _words(self, card: Card, intent: Intent) -> str | None:
        if card.session is None:
            return None
        scope = replace(card.session.scope, role=intent.role, warehouse=intent.warehouse)
        return explain(await self._deps.guard.check(intent.text, scope, database=intent.database, schema=intent.schema))

    async def _before(self, statement: Statement, intent: Intent) -> Before:
        where: dict[str, Any] = {"agent_id": statement.agent_id, "connection_id": statement.connection_id}

        async def load(reader: Reader) -> list[Statement]:
            return await reader.find(Statement, descending=True, limit=LOOKED_AT, id__lt=statement.id, **where)

        wanted, states = intent.canonical(), dict[str, int]()
        found = [one for one in await self._deps.journal.read(load) if one.intent_sealed is not None]
        texts = await self._deps.texts(statement.tenant_id)
        for one in found:
            if texts.unseal(one.intent_sealed or b"", one.id, "intent") == wanted:
                states[one.state.value] = states.get(one.state.value, 0) + 1
        return Before(sum(states.values()), len(found), states)

    async def _previews(self, card: Card, intent: Intent) -> Previews | None:
        """Return what was asked once for this card; asks now if nobody has and somebody still waits for an answer."""
        approval = card.approval
        stored = await self._deps.journal.read(lambda reader: reader.get(Preview, approval.id))
        texts = await self._deps.texts(approval.tenant_id)
        if stored is not None:
            return Previews(**orjson.loads(texts.unseal(stored.sealed, approval.id, "preview")))
        if approval.state is not ApprovalState.WAITING:
            return None
        previews = await self._ask(approval, intent)
        sealed = texts.seal(orjson.dumps(asdict(previews)), approval.id, "preview")

        async def keep(unit: UnitOfWork) -> None:
            if await unit.get(Preview, approval.id) is None:
                await unit.insert(Preview(approval.id, approval.tenant_id, sealed, unit.now))

        await self._deps.journal.write(keep)
        return previews

    async def _ask(self, approval: Approval, intent: Intent) -> Previews:
        count = affected(intent.text, intent.bindings)
        plan = Sketch(f"EXPLAIN {intent.text}", bindings=intent.bindings)
        (rows, why), (counted, uncounted) = await asyncio.gather(
            self._rows(approval, intent, plan, "explain"), self._rows(approval, intent, count, "count")
        )
        number = counted[0].get("AFFECTED") if counted else None
        return Previews(rows, why, int(number) if number is not None else None, uncounted)

    async def _rows(
        self, approval: Approval, intent: Intent, sketch: Sketch, what: str
    ) -> tuple[Sequence[Mapping[str, str | None]] | None, str]:
        """Return the rows of one preview and nothing, or None and why there are none."""
        if sketch.text is None:
            return None, sketch.why
        asked = Asked(
            text=sketch.text,
            bindings=dict(sketch.bindings),
            parameters={},
            tool=f"approval_card:{what}",
            timeout_s=PREVIEW_S,
            request_id=f"card:{approval.id}:{what}",
            warehouse=intent.warehouse,
            database=intent.database,
            schema=intent.schema,
        )
        try:
            principal, connection = await self._deps.journal.read(lambda reader: _asker(reader, approval))
            target = Target(connection=connection, session_id=approval.session_id)
            envelope = await self._executor.execute(principal, target, asked, PREVIEW_S)
        except SkipassError as error:
            return None, error.message
        return _read(envelope)


def _read(envelope: Envelope) -> tuple[Sequence[Mapping[str, str | None]] | None, str]:
    if envelope.status is Status.RUNNING:
        return None, f"Snowflake did not answer within {PREVIEW_S} seconds."
    if envelope.status is not Status.SUCCESS or envelope.data is None:
        return None, str(envelope.fields.get("message") or envelope.fields.get("hint") or envelope.status.value)
    names = [str(column["name"]).upper() for column in envelope.data["resultSetMetaData"]["rowType"]]
    return [dict(zip(names, row, strict=True)) for row in envelope.data["data"]], ""


async def _asker(reader: Reader, approval: Approval) -> tuple[Principal, str]:
    """Return the session's own principal and its connection's name: a preview is a statement of that session."""
    session = await reader.get(AccessSession, approval.session_id)
    agent = await reader.get(Agent, approval.agent_id, state=Life.ACTIVE)
    user = await reader.get(User, approval.requester_id, state=Life.ACTIVE)
    connection = await reader.get(Connection, session.connection_id) if session else None
    if agent is None or user is None or connection is None:
        raise SkipassError("withdrawn", "The agent, the user or the connection is gone.")
    principal = Principal(
        tenant_id=approval.tenant_id,
        credential_id=f"card:{approval.id}",
        agent_id=agent.id,
        agent_name=agent.name,
        agent_version=agent.version,
        user_id=user.id,
        user_name=user.name,
        user_version=user.version,
    )
    return principal, connection.name


async def _people(reader: Reader, card: Card, viewer: Principal) -> tuple[dict[str, str], str | None]:
    """Return the names of who decided, and why the viewer may not decide (None: may, freshly signed in)."""
    ids = {decision.user_id for decision in card.decisions}
    named = {user.id: user.name for one in ids if (user := await reader.get(User, one)) is not None}
    person = await reader.get(User, viewer.user_id) if viewer.is_person else None
    if person is None:
        return named, "agents never decide"
    if person.id in ids:
        return named, "this person has decided already"
    return named, await why_not(reader, person, card.approval)
