"""What a test of the doctor does: break one thing, and have the connection examined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateways import Stage
from sandbox.client import Client
from skipass.gateway.doctor.findings import Finding, State
from skipass.gateway.doctor.rounds import Complaint
from skipass.gateway.drafting import ConnectionRequest
from skipass.gateway.issuer import issuer_url
from skipass.nouns.connection import AuthMethod, Connection
from skipass.nouns.principal import Principal
from skipass.secret import Secret
from skipass.snowflake import SnowflakeClient
from skipass.snowflake.auth.vouched import USER_CLAIM
from skipass.snowflake.setup_sql import Access, ExternalOAuth, Integration, external_oauth_script, integration_name

MANAGED = "OPS_DB.OPS.OPS_MCP"
EYES = "eyes"
VOUCH = "vouch"


@dataclass
class Clinic:
    """A running house and its admin."""

    at: Stage
    admin: Principal

    async def add_eyes(self) -> None:
        """Register a connection by which the doctor sees what only administrators see."""
        chief = self.at.sandbox.users[0]
        key = Secret(chief.private_key_path.read_text())
        await self.add(EYES, login=chief.login_name, role="ACCOUNTADMIN", private_key=key, warehouse=None)

    async def add(self, name: str, **how: Any) -> Connection:
        """Register a connection to the sandbox."""
        place = {"account": "SKIPASS-SANDBOX", "host": self.at.sandbox.url, "role": "AGENT_ROLE"}
        place |= {"warehouse": "AGENT_WH", "database": "OPS_DB", "schema": "OPS"}
        added = await self.at.gateway.connections.add(self.admin, ConnectionRequest(name=name, **{**place, **how}))
        return added.connection

    async def add_vouching(self) -> Connection:
        """Register a connection whose account trusts the gateway itself, with the admin as DANA, signed in."""
        made = await self.add(VOUCH, auth_method=AuthMethod.EXTERNAL_OAUTH_ISSUER)
        _, keys = await self.at.gateway.issuing.keys(self.admin, VOUCH)
        trusted = {"kind": "CUSTOM", "issuer": issuer_url(self.at.gateway.deps.base_url, made)}
        public = tuple(one.public_key for one in keys)
        access = Access("AGENT_ROLE", "AGENT_WH", (("OPS_DB", "OPS"),), users=('"DANA"',))
        owner = Integration(integration_name(VOUCH), access, ("AGENT_ROLE",))
        self.paste(external_oauth_script(owner, ExternalOAuth(user_claim=USER_CLAIM, keys=public, **trusted)))
        await self.at.gateway.mappings.set(self.admin, VOUCH, "ada", "dana@example.com")
        _, link = await self.at.gateway.people.link(self.admin, "ada")
        await self.at.gateway.sign_ins.open(link.reveal())
        return made

    def paste(self, script: str) -> None:
        """Run a script as an administrator's worksheet does."""
        chief = self.at.sandbox.users[0]
        login = {"user": chief.login_name, "private_key_path": chief.private_key_path}
        with SnowflakeClient(account="SKIPASS-SANDBOX", host=self.at.sandbox.url, **login) as client:
            client.query(script, parameters={"MULTI_STATEMENT_COUNT": "0"}, role="ACCOUNTADMIN")

    def sql(self, *texts: str) -> None:
        """Let the account's administrator run statements."""
        chief = Client.of(self.at.sandbox, "ADMIN")
        for text in texts:
            reply = chief.sql(text)
            assert reply.status == 200, (text, reply.body)

    async def change(self, record: Any, **changes: Any) -> None:
        """Change a stored record, as if it had been registered so."""
        await self.at.gateway.deps.journal.write(lambda unit: unit.change(record, **changes))

    async def connection(self, name: str) -> Connection:
        (found,) = await self.at.every(Connection, name=name)
        return found

    async def examine(self, connection: str = "jit", *, admin: str | None = EYES, **how: Any) -> list[Finding]:
        """Return the findings about one connection."""
        complaint = Complaint(connection=connection, admin=admin, **how)
        (examined,) = await self.at.gateway.doctor.examine(self.admin, complaint)
        return list(examined.findings)


def failures(findings: list[Finding]) -> list[tuple[str, str]]:
    """Return step and symptom of each check that failed."""
    return [(one.step, one.symptom) for one in findings if one.state is State.FAILED]


def of(findings: list[Finding], step: str) -> Finding:
    (found,) = [one for one in findings if one.step == step]
    return found
