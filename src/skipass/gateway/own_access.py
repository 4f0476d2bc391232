"""What a person has let in, in one view: their connected accounts, who acts for them, and what is open in their name.

Only ever the caller's own, whatever their role. Asks Snowflake nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.account_access import DELETED, FullAccount, full_account
from skipass.gateway.accounts import has_accounts
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader
from skipass.gateway.session_lists import NamedSession, named_session
from skipass.identity.acting import may_act_for
from skipass.nouns.account import ConnectedAccount
from skipass.nouns.connection import Connection, Switch
from skipass.nouns.people import Agent, Life
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession, SessionState

_MOST = 200
_LIVE = (SessionState.REQUESTED, SessionState.OPEN)


@dataclass(frozen=True, slots=True)
class Own:
    """A person's accounts, the connections they could connect an account on, their agents, and sessions not over."""

    accounts: Sequence[FullAccount]
    connectable: Sequence[Connection]
    agents: Sequence[Agent]
    sessions: Sequence[NamedSession]


class OwnAccess:
    """The use case of looking at one's own access."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def of(self, principal: Principal) -> Own:
        """Return the caller's own, up to 200 of each; raises `forbidden` for an agent."""
        if not principal.is_person or principal.user_id is None:
            raise SkipassError("forbidden", "This is for people.")
        user_id = principal.user_id
        tenant: dict[str, Any] = {"tenant_id": principal.tenant_id}

        async def load(reader: Reader) -> Own:
            found = await reader.find(ConnectedAccount, user_id=user_id, limit=_MOST, **tenant)
            accounts = [await full_account(reader, one) for one in found if one.reason != DELETED]
            there = {one.connection.id for one in accounts}
            every = await reader.find(Connection, state=Switch.ENABLED, order="name", limit=_MOST, **tenant)
            live: dict[str, Any] = {"user_id": user_id, "state": _LIVE, **tenant}
            sessions = await reader.find(AccessSession, descending=True, limit=_MOST, **live)
            return Own(
                accounts=accounts,
                connectable=[one for one in every if has_accounts(one) and one.id not in there],
                agents=await _agents(reader, user_id, tenant),
                sessions=[await named_session(reader, one) for one in sessions],
            )

        return await self._deps.journal.read(load)


async def _agents(reader: Reader, user_id: str, tenant: dict[str, Any]) -> list[Agent]:
    """Return the active agents that may act for a person."""
    found = await reader.find(Agent, state=Life.ACTIVE, order="name", limit=10_000, **tenant)
    return [one for one in found if user_id in may_act_for(one)][:_MOST]
