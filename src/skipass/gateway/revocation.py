"""The revocation epoch: a number that rises when anything is taken away, checked right before a statement leaves."""

from __future__ import annotations

from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader
from skipass.nouns.session import AccessSession, SessionState
from skipass.nouns.statement import Statement, StatementState

FRESH_S = 0.25


class Epoch:
    """The newest epoch this process knows, and since when."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._value = -1
        self._read_at = float("-inf")

    async def poll(self) -> int:
        """Read the epoch; jobs do this four times a second."""
        self._value = await self._deps.journal.read(_epoch)
        self._read_at = self._deps.clock.monotonic()
        return self._value

    async def value(self) -> int:
        """Return an epoch that is at most `FRESH_S` seconds old."""
        stale = self._deps.clock.monotonic() - self._read_at > FRESH_S
        return await self.poll() if stale else self._value

    async def still_admitted(self, statement: Statement, admitted_under: int) -> None:
        """Raise `not_sent` if the statement may not leave any more; called right before the first byte."""
        if await self.value() == admitted_under:
            return

        async def look(reader: Reader) -> bool:
            current = await reader.get(Statement, statement.id)
            session = await reader.get(AccessSession, statement.session_id)
            covered = statement.ticket or statement.system or (session and session.state is SessionState.OPEN)
            return bool(current and current.state is StatementState.ADMITTED and covered)

        if not await self._deps.journal.read(look):
            raise SkipassError("not_sent", "The session ended before the statement left.", "Ask for a new session.")


async def _epoch(reader: Reader) -> int:
    return int(await reader.setting("revocation_epoch") or "0")
