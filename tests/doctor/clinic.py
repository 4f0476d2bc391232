"""What a test of the doctor does: break one thing, and have the connection examined."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from gateways import BASE_URL, Stage
from sandbox.client import Client
from sandbox.flow import App
from skipass.gateway.client_drafting import ClientRequest, redirect_uri
from skipass.gateway.doctor.findings import Finding, State
from skipass.gateway.doctor.rounds import Complaint
from skipass.gateway.drafting import ConnectionRequest
from skipass.gateway.issuer import issuer_url
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.upstream import credential_place
from skipass.ids import new_id
from skipass.nouns.account import AccountState, ConnectedAccount, Registration
from skipass.nouns.connection import AuthMethod, Connection, Credential, CredentialState
from skipass.nouns.principal import Principal
from skipass.secret import Secret
from skipass.snowflake import SnowflakeClient
from skipass.snowflake.auth.vouched import USER_CLAIM
from skipass.snowflake.setup_sql import Access, ExternalOAuth, Integration, external_oauth_script, integration_name
from skipass.vault.seal import seal
from skipass.vault.tokens import TokenSet, fingerprint, pack

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

    async def add_own(self, *, allowed: bool = True, **client: Any) -> Registration:
        """Register the sandbox's own integration, which knows our callback address unless it is not to."""
        said = self.at.sandbox.said["oauth_client"]
        given = {"client_id": said["client_id"], "secret": Secret(said["client_secret"]), **client}
        await self.add("own", auth_method=AuthMethod.SNOWFLAKE_OAUTH, client=ClientRequest(**given))
        (made,) = await self.at.every(Registration)
        if allowed:
            ours = redirect_uri(BASE_URL, made)
            self.sql(f"ALTER SECURITY INTEGRATION SKIPASS_OAUTH SET OAUTH_ALTERNATE_REDIRECT_URIS = ('{ours}')")
        return made

    async def add_provider(self, **changes: Any) -> Registration:
        """Register the sandbox's identity provider."""
        said = self.at.sandbox.said["idp"]
        metadata = {name: said[name] for name in ("issuer", "client_id", "client_secret")}
        metadata |= {"scope": "session:role:AGENT_ROLE offline_access"}
        client = ClientRequest(oauth_metadata={**metadata, **changes})
        await self.add("idp", auth_method=AuthMethod.EXTERNAL_OAUTH, client=client)
        (made,) = await self.at.every(Registration)
        return made

    async def add_template(self) -> Registration:
        """Register a template connection by the sandbox's identity provider, and the sandbox's account on it."""
        said = self.at.sandbox.said["idp"]
        metadata = {name: said[name] for name in ("issuer", "client_id", "client_secret")}
        metadata |= {"scope": "session:role:AGENT_ROLE offline_access"}
        place = {"account": "", "host": None, "template": True, "role": "AGENT_ROLE"}
        await self.add("many", auth_method=AuthMethod.EXTERNAL_OAUTH, **place)
        account = {"account": "SKIPASS-SANDBOX", "host": self.at.sandbox.url}
        request = ClientRequest(oauth_metadata=metadata, **account)
        made, _ = await self.at.gateway.registrations.add(self.admin, "many", request)
        return made

    async def link(self, registration: Registration, **minted: Any) -> None:
        """Give the admin an account on a provider's connection, by a token that the provider signed as it is asked."""
        wish = {"login": "dana@example.com", "scope": "session:role:AGENT_ROLE", **minted}
        minted_token = Secret(self.at.sandbox.control.provider("mint", **wish)["token"])
        await self._link(registration, TokenSet(minted_token))

    async def link_own(self, registration: Registration) -> None:
        """Give the admin an account on the connection `own`, by a sign-in of DANA's."""
        app = App.of(self.at.sandbox)
        await self._link(registration, TokenSet(Secret(app.tokens()["access_token"])))

    async def _link(self, registration: Registration, tokens: TokenSet) -> None:
        now = self.at.gateway.deps.journal.now()
        whose = {"tenant_id": registration.tenant_id, "connection_id": registration.connection_id, "created_at": now}
        whose |= {"user_id": self.admin.user_id}
        account = ConnectedAccount(
            id=new_id("account", now),
            state=AccountState.ACTIVE,
            registration_id=registration.id,
            login="DANA",
            host=registration.host,
            linked_at=now,
            **whose,
        )
        bare = Credential(
            id=new_id("key", now),
            generation=1,
            state=CredentialState.ACTIVE,
            sealed=b"",
            fingerprint=fingerprint(tokens),
            role="AGENT_ROLE",
            account_id=account.id,
            expires_at=now + timedelta(hours=1),
            **whose,
        )
        sealed = seal(self.at.gateway.deps.kek, pack(tokens), credential_place(bare))

        async def insert(unit: UnitOfWork) -> None:
            await unit.insert(account)
            await unit.insert(replace(bare, sealed=sealed))

        await self.at.gateway.deps.journal.write(insert)

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
