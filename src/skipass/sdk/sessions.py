"""Access sessions as context managers: ask, wait for people no longer than allowed, run statements, give back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from skipass.sdk.actions import AsyncActions
from skipass.sdk.answer import Answer, ToolAnswer
from skipass.sdk.codes import ApprovalDenied, ApprovalRequired, Expired, Lapsed, Withdrawn
from skipass.sdk.errors import GatewayError
from skipass.sdk.results import AsyncResult
from skipass.sdk.transport import Transport, change, once, present, read, segment
from skipass.snowflake.sqlapi.binds import bindings

_ROUND_S = 25
_OVER: Mapping[str, type[GatewayError]] = {"denied": ApprovalDenied, "lapsed": Lapsed, "withdrawn": Withdrawn}
Waiting = Callable[[Answer], None]
"""Told of an approval (`id`, `url`) before it is waited for."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long people are waited for, in seconds, and who is told that they are."""

    wait_s: float
    on_wait: Waiting | None = None

    def begin(self, approval: Mapping[str, Any] | None) -> float:
        """Tell of the approval and return when, on the loop's clock, the wait is over."""
        if self.on_wait is not None:
            self.on_wait(Answer(approval or {}))
        return asyncio.get_running_loop().time() + self.wait_s


class AsyncSession:
    """An open access session."""

    def __init__(
        self, view: Mapping[str, Any], actions: AsyncActions, whose: Mapping[str, str], wait: Patience
    ) -> None:
        self.view = Answer(view)
        self._actions, self._whose, self._wait = actions, dict(whose), wait

    @property
    def id(self) -> str:
        """The session's id."""
        return str(self.view["id"])

    async def execute_tool(self, tool_name: str, tool_input: Mapping[str, Any] | None = None) -> ToolAnswer:
        """Return what a tool call in this session came to, refusals included."""
        return await self._actions.execute_tool(
            tool_name=tool_name, tool_input=tool_input, session_id=self.id, **self._whose
        )

    async def query(
        self,
        sql: str,
        binds: Sequence[object] | None = None,
        *,
        role: str | None = None,
        warehouse: str | None = None,
        database: str | None = None,
        schema: str | None = None,
        timeout_s: int | None = None,
        parameters: Mapping[str, str | int | bool] | None = None,
    ) -> AsyncResult:
        """Run one statement and return its result, once it is there; a held one is waited for as the session was.

        Raises the `GatewayError` of what it came to instead: `ApprovalRequired` when nobody decided in time, whose
        `details` have the handle to collect it by, as those of a gateway that stopped answering have. A caller that is
        cancelled cancels what runs.
        """
        sent: dict[str, Any] = {"statement": sql, "bindings": bindings(binds), "role": role, "warehouse": warehouse}
        sent |= {"database": database, "schema": schema, "timeout": timeout_s, "parameters": parameters}
        answer = await self._settled(await self.execute_tool("snowflake_execute_query", present(sent)))
        if answer.error is not None:
            raise answer.error
        return AsyncResult(answer, self._partition, dict(parameters or {}))

    async def _partition(self, handle: str, index: int) -> ToolAnswer:
        return await self.execute_tool(
            "snowflake_get_query_partition", {"statement_handle": handle, "partition": index}
        )

    async def _settled(self, answer: ToolAnswer) -> ToolAnswer:
        """Ask until the statement has ended or, while people have to decide, the wait is over."""
        until: float | None = None
        while answer.status in ("running", "approval_required"):
            handle, left = answer["statementHandle"], 0.0
            if answer.status == "approval_required":
                until = self._wait.begin(answer.envelope.get("approval")) if until is None else until
                left = until - asyncio.get_running_loop().time()
                if left <= 0:
                    break
            answer = await self._asked_again(handle, answer, left)
        return answer

    async def _asked_again(self, handle: str, answer: ToolAnswer, left: float) -> ToolAnswer:
        asked = {"statement_handle": handle, "wait_s": max(1, min(_ROUND_S, int(left))) if left else 0}
        try:
            if answer.status == "running":
                await asyncio.sleep(answer.envelope.get("poll_after_ms", 1000) / 1000)
            return await self.execute_tool("snowflake_get_query_status", asked)
        except GatewayError as lost:
            lost.details.setdefault("statementHandle", handle)
            raise
        except asyncio.CancelledError:
            with suppress(GatewayError):
                await asyncio.shield(self.execute_tool("snowflake_cancel_query", {"statement_handle": handle}))
            raise


class AsyncSessions:
    """Opens access sessions."""

    def __init__(self, transport: Transport, actions: AsyncActions) -> None:
        self._transport, self._actions = transport, actions

    @asynccontextmanager
    async def open(
        self,
        *,
        connection: str,
        scope: Mapping[str, Any],
        ttl: int | timedelta,
        reason: str,
        identifier: str | None = None,
        budgets: Mapping[str, int] | None = None,
        wait: float | timedelta = 600,
        on_wait: Waiting | None = None,
    ) -> AsyncGenerator[AsyncSession, None]:
        """Open a session for the block, and close it after the block; `ttl` and `wait` in seconds.

        Where people have to agree, they are waited for up to `wait`; `on_wait` is told where they decide. Raises
        `ApprovalRequired` when nobody decided in time, and withdraws the request: no session opens that nobody uses.
        Also `ApprovalDenied`, `Lapsed`, `Withdrawn`, and what the request itself is refused with.
        """
        patience = Patience(_seconds(wait), on_wait)
        body = {"connection": connection, "identifier": identifier, "scope": dict(scope), "ttl_s": int(_seconds(ttl))}
        body |= {"reason": reason, "budgets": dict(budgets) if budgets else None}
        asked = await self._transport.send(once("/sessions", body))
        place = f"/sessions/{segment(asked['id'])}"
        whose = {"connection_name": connection} | ({"identifier": identifier} if identifier else {})
        try:
            view = await self._opened(asked, place, identifier, patience)
            yield AsyncSession(view, self._actions, whose, patience)
        finally:
            # Also when the caller is cancelled: what is not given back stays open until it expires.
            await asyncio.shield(self._close(place, identifier))

    async def _opened(
        self, asked: dict[str, Any], place: str, identifier: str | None, patience: Patience
    ) -> dict[str, Any]:
        view = asked
        until = patience.begin(view.get("approval")) if view["state"] == "requested" else 0.0
        while view["state"] == "requested":
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                hint = "Ask again, and wait longer."
                raise ApprovalRequired(
                    message="Nobody decided in time; the request is withdrawn.", hint=hint, details=view
                )
            view = await self._transport.send(read(place, identifier, wait_s=max(1, min(_ROUND_S, int(left)))))
        if view["state"] != "open":
            raise _OVER.get(view["state"], Expired)(message=f"The session is {view['state']}.", details=view)
        return view

    async def _close(self, place: str, identifier: str | None) -> None:
        with suppress(GatewayError):
            await self._transport.send(change("POST", f"{place}/close", None, identifier))


def _seconds(value: float | timedelta) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else value
