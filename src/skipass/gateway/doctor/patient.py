"""What one examination looks at and with which eyes: a connection, the way out, and what an admin lets be seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.doctor import symptoms
from skipass.gateway.doctor.findings import Finding
from skipass.gateway.system import Asked, System
from skipass.gateway.way_out import Out
from skipass.nouns.account import Registration
from skipass.nouns.connection import AuthMethod, Connection
from skipass.snowflake.mcp.messages import ServerName
from skipass.snowflake.sqlapi.failures import Answer

OAUTH = (AuthMethod.SNOWFLAKE_OAUTH, AuthMethod.EXTERNAL_OAUTH)
TRUSTED = (AuthMethod.EXTERNAL_OAUTH, AuthMethod.EXTERNAL_OAUTH_ISSUER)
"""The methods whose tokens Snowflake reads itself, by an integration of type EXTERNAL_OAUTH."""

_FAILURE_ID = re.compile(r"\[([0-9a-fA-F-]{32,40})\]")
_TELLING = ("EXTERNAL_OAUTH_", "JWT_TOKEN_")
"""The reasons that say more than the code of the refusal; others are one word for several codes."""
Properties = Mapping[str, str]


@dataclass(slots=True)
class Patient:
    """One connection under examination.

    `out` is the caller's own way to Snowflake, `admin` that of a connection whose role may see integrations and users,
    `described` the output of DESCRIBE INTEGRATION that somebody pasted. The rest is what earlier checks saw.
    """

    deps: Deps
    system: System
    connection: Connection
    registration: Registration | None
    out: Out | None
    integration: str
    admin: Out | None = None
    described: Properties | None = None
    server: ServerName | None = None
    base_answer: Answer | None = None
    properties: Properties | None = None
    identity: Mapping[str, str | None] = field(default_factory=dict)
    user: Properties = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The base URL of the account, empty where a template has none yet."""
        from_client = self.registration.host if self.registration else ""
        return (self.out.host if self.out else "") or self.connection.host or from_client

    @property
    def role(self) -> str:
        """The role that is looked at."""
        return (self.out.role if self.out else None) or self.connection.role

    @property
    def known(self) -> Mapping[str, str]:
        """The names for remedies."""
        login = (self.out.login if self.out else None) or self.connection.login
        server = self.server
        return symptoms.words(
            role=self.role,
            login=login,
            user=self.identity.get("LOGIN") or login,
            integration=self.integration,
            warehouse=self.connection.warehouse,
            server=".".join((server.database, server.schema, server.name)) if server else None,
            connection=self.connection.name,
        )

    def has(self, step: str, symptom: str, seen: str) -> Finding:
        """Return the finding that a step failed with a known symptom."""
        return symptoms.diagnosed(step, symptoms.named(symptom), seen, self.known)

    async def refused(self, step: str, error: SkipassError) -> Finding:
        """Return the finding of a statement that Snowflake refused, with the reason that only admins may read."""
        details = error.details or {}
        reason = await self._reason(error.message)
        seen = f"{error.message} [{reason}]" if reason else error.message
        telling = reason if reason and reason.startswith(_TELLING) else None
        return symptoms.refused(step, self.known, seen, telling, str(details.get("snowflake_code") or error.code))

    async def as_admin(self, template: str, **names: str) -> Asked | None:
        """Return what the admin's connection sees, None without one."""
        if self.admin is None:
            return None
        return await self.system.ask(template, self.admin, role=self.admin.role, names=names)

    async def _reason(self, message: str) -> str | None:
        found = _FAILURE_ID.search(message)
        if self.admin is None or found is None:
            return None
        try:
            answer = await self.system.ask("login_failure", self.admin, role=self.admin.role, binds=[found[1]])
        except SkipassError:
            return None
        told = re.search(r'"errorCode"\s*:\s*"(\w+)"', answer.rows[0].get("DETAILS") or "")
        return told[1] if told else None


def properties(asked: Asked) -> Properties:
    """Return the rows of a DESCRIBE as a mapping; upper-case names, values as Snowflake shows them, null left out."""
    rows = ((row.get("PROPERTY"), row.get("PROPERTY_VALUE") or row.get("VALUE")) for row in asked.rows)
    return {key.upper(): value for key, value in rows if key and value and value != "null"}
