"""A writer's one connection: made again when it was lost, and never used before what it lost is known to be over.

A commit that got no answer is a doubt. The server is asked once there is a connection again, and what was committed for
callers who were told otherwise is handed back to be undone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skipass.storage import queries
from skipass.storage.entry import Entry
from skipass.storage.postgres import Broken, Question, ask
from skipass.storage.server import Server


@dataclass(frozen=True, slots=True)
class Doubt:
    """A commit that got no answer, and what to undo if it happened all the same."""

    transaction: str
    undoings: list[Entry]


class Line:
    """The connection of one process that writes; `put` takes what has to be undone."""

    def __init__(self, server: Server, name: str, put: Callable[[Entry], None]) -> None:
        self._server, self._name, self._put = server, name, put
        self._connection: Any = None
        self._doubts: list[Doubt] = []

    @property
    def open(self) -> bool:
        """Whether the connection is there, as far as anybody has noticed."""
        return self._connection is not None and not self._connection.is_closed()

    async def connection(self) -> Any:
        """Return the connection, with no doubt left about an earlier one; raises `Broken`."""
        if not self.open:
            self._connection = await self._server.connect(self._name)
            # What an earlier connection of this process still does must end before this one goes on.
            await ask(self._connection, Question(queries.END_EARLIER, {"name": self._name}, counts=False))
        while self._doubts:
            await self._resolve(self._doubts[0])
            self._doubts.pop(0)
        return self._connection

    async def _resolve(self, doubt: Doubt) -> None:
        question = Question(queries.WHAT_BECAME, {"transaction": doubt.transaction}, counts=False)
        (row,) = await ask(self._connection, question)
        if row["state"] == "in progress":
            raise Broken("an earlier commit is not decided yet")
        if row["state"] != "aborted":  # committed, or so long ago that the server forgot: what is not there stays so
            for undoing in doubt.undoings:
                self._put(undoing)

    def doubt(self, transaction: str, entries: list[Entry]) -> None:
        """Take note of a commit that got no answer, before its callers are told that nothing was recorded."""
        undoings = [entry.undoing() for entry in entries]
        self._doubts.append(Doubt(transaction, [one for one in undoings if one is not None]))

    def drop(self) -> None:
        """End the connection without a word."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
