"""What the gateway asks Snowflake for itself: a closed list of fixed texts, on record.

Values are bound. A name stands in a text only where Snowflake takes no bind for it, and then quoted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.admission import NO_SESSION, facts
from skipass.gateway.deps import Deps
from skipass.gateway.moves import begin
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.running import Runner
from skipass.gateway.way_out import Out
from skipass.ids import new_id
from skipass.nouns.statement import Intent, Statement, StatementState
from skipass.nouns.verdict import StatementKind
from skipass.snowflake.identifiers import quoted

TEMPLATES: Mapping[str, str] = MappingProxyType(
    {
        "identity": (
            "SELECT CURRENT_ACCOUNT() AS ACCOUNT, CURRENT_USER() AS LOGIN, CURRENT_ROLE() AS ROLE, "
            "CURRENT_WAREHOUSE() AS WAREHOUSE, CURRENT_SECONDARY_ROLES() AS SECONDARY_ROLES"
        ),
        "whoami": (
            "SELECT CURRENT_ACCOUNT() AS ACCOUNT, CURRENT_ORGANIZATION_NAME() AS ORGANIZATION, "
            "CURRENT_ACCOUNT_NAME() AS NAME, CURRENT_USER() AS LOGIN, CURRENT_ROLE() AS ROLE"
        ),
        "warehouses": "SHOW WAREHOUSES",
        "grants": "SHOW GRANTS TO ROLE {role}",
        "integration": "DESCRIBE INTEGRATION {integration}",
        "user": "DESCRIBE USER {user}",
        "users": "SHOW USERS",
        "tables": "SHOW TABLES IN SCHEMA {database}.{schema} LIMIT 1",
        "login_failure": "SELECT SYSTEM$GET_LOGIN_FAILURE_DETAILS(?) AS DETAILS",
        "future": "SHOW FUTURE GRANTS TO ROLE {role}",
        "objects": "SHOW OBJECTS IN SCHEMA {database}.{schema}",
        "mcp_server": "DESCRIBE MCP SERVER {database}.{schema}.{name}",
        "history_by_text": (
            "SELECT QUERY_ID, EXECUTION_STATUS, ERROR_CODE, ERROR_MESSAGE "
            "FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY_BY_USER(RESULT_LIMIT => 10000)) WHERE CONTAINS(QUERY_TEXT, ?)"
        ),
        "history": (
            "SELECT QUERY_ID, EXECUTION_STATUS, ERROR_CODE, ERROR_MESSAGE "
            "FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY_BY_USER(RESULT_LIMIT => 10000)) WHERE QUERY_TAG = ?"
        ),
    }
)
TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Asked:
    """The answer to a system statement: rows by upper-case column name, cells as Snowflake's text."""

    statement: Statement
    rows: tuple[Mapping[str, str | None], ...]


class System:
    """Asks Snowflake the gateway's own questions."""

    def __init__(self, deps: Deps, runner: Runner) -> None:
        self._deps, self._runner = deps, runner

    async def ask(
        self,
        template: str,
        out: Out,
        *,
        role: str | None = None,
        warehouse: str | None = None,
        database: str | None = None,
        binds: Sequence[str] = (),
        names: Mapping[str, str] | None = None,
    ) -> Asked:
        """Return the rows of one template; raises `statement_failed` or `snowflake_unavailable`.

        An empty `role` asks under the token's own.
        """
        bindings = {str(i): {"type": "TEXT", "value": v} for i, v in enumerate(binds, start=1)}
        text = TEMPLATES[template].format_map({name: quoted(value) for name, value in (names or {}).items()})
        intent = Intent(text, bindings, out.connection.role if role is None else role, warehouse, database)
        statement = await self._admit(intent, template, out)
        task = self._runner.start(statement, intent, out, await self._runner.epoch.value())
        done, _ = await asyncio.wait({task}, timeout=TIMEOUT_S + 5)
        if not done:
            raise SkipassError("snowflake_unavailable", "Snowflake did not answer in time.", retryable=True)
        result = task.result()
        if result.body is None:
            raise _failed(result.statement)
        return Asked(result.statement, _rows(result.body))

    async def warehouses(self, out: Out, role: str) -> list[str]:
        """Return the names of the warehouses a role may use, or none when Snowflake will not say."""
        try:
            answer = await self.ask("warehouses", out, role=role)
        except SkipassError:
            return []
        return sorted(name for row in answer.rows if (name := row.get("NAME")))

    async def _admit(self, intent: Intent, template: str, out: Out) -> Statement:
        now, connection = self._deps.journal.now(), out.connection
        texts = await self._deps.texts(connection.tenant_id)
        statement_id = new_id("statement", now)
        statement = Statement(
            id=statement_id,
            tenant_id=connection.tenant_id,
            session_id=NO_SESSION,
            connection_id=connection.id,
            user_id="system",
            agent_id=None,
            tool=f"system:{template}",
            state=StatementState.ADMITTED,
            kind=StatementKind.READ,
            original_sealed=texts.seal(intent.text.encode(), statement_id, "original"),
            intent_sealed=texts.seal(intent.canonical(), statement_id, "intent"),
            intent_hash=intent.hash(NO_SESSION),
            reads=(),
            writes=(),
            reasons=(),
            created_at=now,
            system=True,
            owner_boot=self._deps.journal.boot_id,
            timeout_s=TIMEOUT_S,
        )

        async def record(unit: UnitOfWork) -> Statement:
            return await begin(unit, replace(statement, created_at=unit.now), facts(statement) | {"system": True})

        return await self._deps.journal.write(record)


def _failed(statement: Statement) -> SkipassError:
    details = {"snowflake_code": statement.error_code, "state": statement.state.value}
    if statement.state in (StatementState.NOT_SENT, StatementState.UNKNOWN):
        return SkipassError("snowflake_unavailable", statement.error_message, retryable=True, details=details)
    return SkipassError("statement_failed", statement.error_message, details=details)


def _rows(body: Mapping[str, Any]) -> tuple[Mapping[str, str | None], ...]:
    names = [str(column["name"]).upper() for column in body["resultSetMetaData"]["rowType"]]
    return tuple(dict(zip(names, row, strict=True)) for row in body["data"])
