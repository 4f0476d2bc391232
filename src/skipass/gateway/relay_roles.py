"""The role of a token, looked at once before a relay uses it: a managed MCP server runs under no other.

Asked under no role at all, so that Snowflake names the one that the token itself brings.
Source: https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-agents-mcp (access control)
"""

from __future__ import annotations

from dataclasses import dataclass, field

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.system import System
from skipass.gateway.way_out import Out

_MOST_KEPT = 10_000
_Key = tuple[str, int, str | None, str | None, str | None]


@dataclass(slots=True)
class RelayRoles:
    """Remembers which tokens were looked at, by credential, generation, role and, where it is minted, session."""

    deps: Deps
    system: System
    _seen: set[_Key] = field(default_factory=set)

    async def check(self, out: Out) -> None:
        """Pass where the token's role is that of the way out; else raise `snowflake_misconfigured`. It is on record."""
        minted = out.connection.auth_method in self.deps.upstream.makes and not out.account
        key = (out.credential.id, out.credential.generation, out.role, out.login, out.session_id if minted else None)
        if key in self._seen:
            return
        answer = await self.system.ask("identity", out, role="")
        role = answer.rows[0]["ROLE"] if answer.rows else None
        await self._record(out, role)
        if role != out.role:
            message = f"The token brings the role {role}, and the session's is {out.role}."
            hint = f"Ask for a session with the role {role}, or link the account again for {out.role}."
            raise SkipassError("snowflake_misconfigured", message, hint)
        if len(self._seen) >= _MOST_KEPT:
            self._seen.clear()
        self._seen.add(key)

    async def _record(self, out: Out, role: str | None) -> None:
        facts = {"connection_id": out.connection.id, "login": out.login, "role": role, "expected": out.role}
        facts["generation"] = str(out.credential.generation)
        event = Event(out.connection.tenant_id, "token.checked", out.credential.id, facts, out.session_id)

        async def record(unit: UnitOfWork) -> None:
            unit.emit(event)

        await self.deps.journal.write(record)
