"""What goes on, at a glance: what is open, what waits, what was asked for in the last hour, whose account needs a hand.

For people who look at everything. Everything is counted or bounded. Asks Snowflake nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from skipass.gateway.account_access import DELETED, FullAccount, full_account
from skipass.gateway.deps import Deps
from skipass.gateway.people import require
from skipass.gateway.ports import Reader
from skipass.gateway.session_lists import NamedSession, named_session
from skipass.ids import first_id
from skipass.nouns.account import AccountState, ConnectedAccount
from skipass.nouns.approval import Approval, ApprovalState
from skipass.nouns.principal import Principal, Role
from skipass.nouns.session import AccessSession, SessionState
from skipass.nouns.statement import Statement, StatementState

SPAN, STEPS = timedelta(minutes=5), 12
SETTLED = timedelta(minutes=6)
"""After so long a span is counted no more: a replica's clock may be five minutes behind, a commit takes seconds."""
_MOST = 20


@dataclass(frozen=True, slots=True)
class Span:
    """How many statements were asked for in `SPAN` from `at` (UTC) on, by what became of them at the guard."""

    at: datetime
    allowed: int
    held: int
    refused: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Up to 20 of what is live and of what needs attention, with how many there are; the last hour, oldest first."""

    live: Sequence[NamedSession]
    live_count: int
    waiting: int
    spans: Sequence[Span]
    troubled: Sequence[FullAccount]
    troubled_count: int


def watching(principal: Principal) -> None:
    """Pass for people who look at everything, else raise `forbidden`."""
    require(principal, Role.ADMIN, Role.APPROVER, Role.AUDITOR)


class Overviews:
    """The use case of looking at everything at once."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._settled: dict[tuple[str, datetime], Span] = {}

    async def now(self, principal: Principal) -> Overview:
        """Return how things stand; raises `forbidden` for those who do not look at everything."""
        watching(principal)
        ours: dict[str, Any] = {"tenant_id": principal.tenant_id}
        live = {**ours, "state": SessionState.OPEN}
        troubled = {**ours, "state": (AccountState.EXPIRED, AccountState.REVOKED)}

        async def load(reader: Reader) -> Overview:
            sessions = await reader.find(AccessSession, descending=True, limit=_MOST, **live)
            accounts = await reader.find(ConnectedAccount, limit=_MOST, **troubled)
            return Overview(
                live=[await named_session(reader, one) for one in sessions],
                live_count=await reader.count(AccessSession, **live),
                waiting=await reader.count(Approval, state=ApprovalState.WAITING, expires_at__gt=reader.now, **ours),
                spans=await self._hour(reader, ours),
                troubled=[await full_account(reader, one) for one in accounts if one.reason != DELETED],
                troubled_count=await reader.count(ConnectedAccount, **troubled),
            )

        return await self._deps.journal.read(load)

    async def _hour(self, reader: Reader, ours: dict[str, Any]) -> list[Span]:
        """Return the spans up to the end of this minute; what has settled is remembered, not counted again."""
        first, tenant = _minute(reader.now) + timedelta(minutes=1) - STEPS * SPAN, ours["tenant_id"]
        found = []
        for at in (first + step * SPAN for step in range(STEPS)):
            span = self._settled.get((tenant, at)) or await _span(reader, ours, at)
            if at + SPAN + SETTLED <= reader.now:
                self._settled[tenant, at] = span
            found.append(span)
        for key in [key for key in list(self._settled) if key[1] < first]:
            self._settled.pop(key, None)
        return found


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


async def _span(reader: Reader, ours: dict[str, Any], at: datetime) -> Span:
    # By nothing but when they were asked for: a state would have the database walk all that ever had it.
    within = {"id__gt": first_id("statement", at), "id__lt": first_id("statement", at + SPAN), **ours}
    found = await reader.counts(Statement, ("state", "ticket"), **within)
    refused = sum(count for (state, _), count in found.items() if state is StatementState.REFUSED)
    held = sum(count for (_, ticket), count in found.items() if ticket)
    return Span(at, sum(found.values()) - refused - held, held, refused)
