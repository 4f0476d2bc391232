"""The story's steps. Each does one thing through a front door, checks what came back, and says what it means."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from skipass.demo.doors import AgentDoor, PersonDoor

READ = "SELECT order_id, status FROM ops.orders WHERE status = 'pending'"
FORBIDDEN = "SELECT * FROM FINANCE_DB.HR.SALARIES"
WRITE = "UPDATE ops.orders SET status = 'reviewed' WHERE status = 'pending'"
SCOPE = {"schemas": ["OPS_DB.OPS"], "access": "read"}
REASON = "Find the orders that wait, for the morning report"
STEPS = (
    "connect", "session", "read", "refused", "held", "approved", "ran once", "closed", "gone", "record", "verified",
)  # fmt: skip
Seen = tuple[str, Mapping[str, Any]]
"""What to know about a step, and what came back."""


class StepFailed(Exception):
    """A step did not come out as it must; the demo ends with exit status 1."""


@dataclass(frozen=True, slots=True)
class Told:
    """One finished step: its name, what to know about it, and what came back."""

    step: str
    explanation: str
    seen: Mapping[str, Any]


@dataclass(slots=True)
class Story:
    """The main job, acted out by an agent and a person; `verify` checks the record from outside."""

    agent: AgentDoor
    person: PersonDoor
    verify: Callable[[], Awaitable[Mapping[str, Any]]]
    _session: str = ""
    _handle: str = ""
    _approval: str = ""
    _pending: int = 0
    _changed: int = field(default=-1)

    async def steps(self) -> AsyncIterator[Told]:
        """Yield each step once it is done; raises `StepFailed`."""
        acts = (
            self._connect,
            self._ask,
            self._read,
            self._refused,
            self._held,
            self._decided,
            self._once,
            self._closed,
            self._gone,
            self._record,
            self._verified,
        )
        for name, act in zip(STEPS, acts, strict=True):
            yield Told(name, *await act())

    async def _connect(self) -> Seen:
        tools = await self.agent.tools()
        _must("snowflake_execute_query" in tools, "the agent sees no query tool", tools)
        text = (
            "An agent connects over MCP with a key of its own. It holds no Snowflake credential and has no access yet."
        )
        return text, {"client": self.agent.name, "tools": tools}

    async def _ask(self) -> Seen:
        wish = {"scope": SCOPE, "ttl_s": 300, "reason": REASON}
        answer = await self.agent.call("skipass_request_session", wish)
        _must(answer["status"] == "success", "the session did not open", answer)
        self._session = answer["session_id"]
        view = answer["data"]
        text = "It asks for a read session on one schema, for five minutes, with a reason. Policy opens it."
        return text, {"id": self._session, "scope": view["scope"], "expires_at": view["expires_at"]}

    async def _read(self) -> Seen:
        answer = await self._query(READ)
        _must(answer["status"] == "success", "the read did not run", answer)
        rows = answer["data"]["data"]
        self._pending = len(rows)
        _must(self._pending > 0, "there is no pending order to show", answer)
        text = "A read inside the scope runs at once, under the user's role, with a timeout that ends with the session."
        shown = {"statement": READ, "rows": len(rows), "first rows": rows[:5]}
        return text, shown

    async def _refused(self) -> Seen:
        answer = await self._query(FORBIDDEN)
        _must(answer["status"] == "denied", "a read outside the scope was not refused", answer)
        shown = {key: answer[key] for key in ("status", "code", "message", "request")}
        text = (
            "Outside the scope it is refused before anything is sent, although the role could read that table. "
            "The refusal carries the smallest request that would change it."
        )
        return text, {"statement": FORBIDDEN, **shown}

    async def _held(self) -> Seen:
        answer = await self._query(WRITE)
        _must(answer["status"] == "approval_required", "the write was not held", answer)
        self._handle, self._approval = answer["statementHandle"], answer["approval"]["id"]
        text = (
            "A write inside the scope is held for a person. The agent gets a handle and can go on with something else."
        )
        shown = {key: answer[key] for key in ("status", "approval", "statementHandle")}
        return text, {"statement": WRITE, **shown}

    async def _decided(self) -> Seen:
        card = await self.person.card(self._approval)
        _must("UPDATE" in card["text"], "the approver does not see the statement", card)
        decided = await self.person.approve(self._approval, "Looks right, the morning run needs it")
        _must(decided["state"] == "approved", "the approval did not count", decided)
        shown = {"text": card["text"], "for": card["for_user"]["name"], "agent": card["agent"]["name"]}
        shown["state"] = decided["state"]
        text = (
            f"{self.person.name}, who is neither the requester nor the agent's owner, sees the exact text on a door of "
            "their own and approves it. Agents never decide."
        )
        return text, shown

    async def _once(self) -> Seen:
        answer = await self._collect()
        _must(answer["status"] == "success", "the approved write did not run", answer)
        self._changed = int(answer["data"]["data"][0][0])
        _must(self._changed == self._pending, "the write changed other rows than were pending", answer)
        again = await self._query(READ)
        _must(again["status"] == "success" and again["data"]["data"] == [], "the change cannot be seen", again)
        runs = await self.person.runs(self._session, self._handle)
        _must(runs == 1, f"the write ran {runs} times", {"runs": runs})
        text = "The gateway runs exactly the approved text, once. The same query as before now finds nothing pending."
        return text, {"rows updated": self._changed, "runs on record": runs, "pending now": len(again["data"]["data"])}

    async def _collect(self) -> dict[str, Any]:
        for _ in range(20):
            answer = await self.agent.call("snowflake_get_query_status", {"statement_handle": self._handle})
            if answer["status"] not in ("running", "approval_required"):
                return answer
        return answer

    async def _closed(self) -> Seen:
        answer = await self.agent.call("skipass_close_session", {"session_id": self._session})
        state = answer["data"]["state"]
        _must(state in ("closing", "closed"), "the session did not close", answer)
        text = "The agent is done and closes its session. The path is gone."
        return text, {"session": self._session, "state": state}

    async def _gone(self) -> Seen:
        answer = await self.agent.call("snowflake_execute_query", {"statement": READ})
        _must(answer["status"] == "session_required", "the closed session still let a statement through", answer)
        text = "The same query is refused now. The answer holds the request that would open a session again."
        return text, {"statement": READ, "status": answer["status"], "request": answer["request"]}

    async def _record(self) -> Seen:
        record = await self.person.record(self._session)
        lines = [{"at": e["at"][11:23], "event": e["kind"], "about": e["subject"][-6:]} for e in record["events"]]
        kinds = {line["event"] for line in lines}
        wanted = {"session.open", "statement.refused", "statement.held", "approval.approved", "statement.succeeded"}
        _must(wanted <= kinds, "the record lacks something that happened", sorted(kinds))
        statements = [{"state": s["state"], "text": s["text"]} for s in record["statements"]]
        text = "Everything is on record, the intent always before the statement left."
        return text, {"events": lines, "statements": statements}

    async def _verified(self) -> Seen:
        report = await self.verify()
        _must(report["ok"] is True, "the chain does not verify", report)
        return "The record is a hash chain with signed checkpoints; it verifies offline.", report

    async def _query(self, statement: str) -> dict[str, Any]:
        arguments = {"statement": statement, "session_id": self._session}
        return await self.agent.call("snowflake_execute_query", arguments)


def _must(holds: bool, otherwise: str, seen: object) -> None:
    if not holds:
        raise StepFailed(f"{otherwise}: {seen}")
