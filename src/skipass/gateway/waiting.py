"""What waits for people, by the names it is told by. Asks Snowflake nothing and opens no sealed text."""

from __future__ import annotations

from dataclasses import dataclass

from skipass.gateway.approvals import shown_to
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader
from skipass.gateway.session_lists import named_session
from skipass.nouns.approval import Approval, ApprovalState
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession


@dataclass(frozen=True, slots=True)
class WaitingCard:
    """An approval that waits, with the names of its agent, the user acted for and the connection; empty where gone."""

    approval: Approval
    agent: str = ""
    user: str = ""
    connection: str = ""


class Waiting:
    """The use case of looking at what waits."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def cards(self, principal: Principal, *, limit: int) -> list[WaitingCard]:
        """Return up to `limit` approvals that wait and that this caller may see, newest first."""

        async def load(reader: Reader) -> list[WaitingCard]:
            where = shown_to(principal) | {"state": ApprovalState.WAITING}
            found = await reader.find(Approval, descending=True, limit=limit, **where)
            return [await _named(reader, one) for one in found]

        return await self._deps.journal.read(load)


async def _named(reader: Reader, approval: Approval) -> WaitingCard:
    session = await reader.get(AccessSession, approval.session_id)
    if session is None:
        return WaitingCard(approval)
    named = await named_session(reader, session)
    return WaitingCard(approval, named.agent, named.user, named.connection)
