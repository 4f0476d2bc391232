"""A connection with accounts of its users' own, linked through the sandbox's own sign-in pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.clocked import Clocked, clocked
from gateways import Stage
from sandbox.client import Client
from sandbox.flow import App
from skipass.gateway.account_status import move_account
from skipass.gateway.clients import Clients, registration_place
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.refresh import Refresher
from skipass.gateway.renewal import Renewal
from skipass.gateway.revocation import Epoch
from skipass.gateway.servers import add_server
from skipass.gateway.upstream import credential_place
from skipass.gateway.way_out import Out
from skipass.ids import new_id
from skipass.nouns.account import AccountState, ClientAuth, ConnectedAccount, Registration
from skipass.nouns.connection import AuthMethod, Connection, Credential, CredentialState
from skipass.nouns.people import Agent, User
from skipass.sandbox.testing import RunningSandbox
from skipass.secret import Secret
from skipass.snowflake.auth.grants import Grant
from skipass.vault.refreshing import Rules
from skipass.vault.seal import seal
from skipass.vault.tokens import TokenSet, fingerprint, pack

ROLE = "AGENT_ROLE"
SLUG = "own"
READ = "SELECT order_id FROM ops.orders"
TOKEN = "/oauth/token-request"


@dataclass
class Linked:
    """A clocked stage, and one linked account of the agent's owner on the connection `own`."""

    stage: Clocked
    app: App
    connection: Connection
    registration: Registration
    account_id: str
    credential_id: str

    @property
    def at(self) -> Stage:
        return self.stage.at

    async def account(self) -> ConnectedAccount:
        return await self._one(ConnectedAccount, self.account_id)

    async def credential(self) -> Credential:
        return await self._one(Credential, self.credential_id)

    async def out(self) -> Out:
        """Return the way out of the linked user as it is now."""
        return Out(self.connection, await self.credential(), await self.account(), role=ROLE)

    async def _one(self, kind: type[Any], id_: str) -> Any:
        async def load(reader: Reader) -> Any:
            return await reader.get(kind, id_)

        return await self.at.gateway.deps.journal.read(load)

    def replica(self, rules: Rules | None = None) -> Refresher:
        """Return what another process over the same journal would have: it knows only the rows."""
        deps = self.at.gateway.deps
        return Refresher(deps, Renewal(deps, Clients(deps), rules), Epoch(deps))

    async def change_registration(self, **changes: Any) -> None:
        """Change what is registered, as if an admin had."""
        known = await self._one(Registration, self.registration.id)
        await self.at.gateway.deps.journal.write(lambda unit: unit.change(known, **changes))

    def sql(self, text: str) -> None:
        """Let the account's administrator run a statement."""
        reply = Client.of(self.at.sandbox, "ADMIN").sql(text)
        assert reply.status == 200, reply.body

    async def query(self, text: str = READ, **call: Any) -> Any:
        """Return the envelope of one statement of the agent on this connection."""
        return await self.at.query(text, slug=SLUG, **call)

    async def session(self) -> str:
        """Open a session on this connection."""
        wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test"}
        envelope = await self.at.call("skipass_request_session", wish, slug=SLUG)
        assert envelope.session_id is not None, envelope
        return envelope.session_id

    def token_calls(self) -> list[dict[str, Any]]:
        """Return the refreshes that reached Snowflake."""
        calls = self.at.sandbox.control.calls()
        return [one for one in calls if one["path"] == TOKEN and one.get("grant_type") != "authorization_code"]

    def counts(self) -> dict[str, int]:
        """Return what the sandbox counted at its token endpoint."""
        state = self.at.sandbox.control.state()
        found: dict[str, int] = state["accounts"][self.at.sandbox.account.identifier]["counts"]
        return found

    def expire(self) -> None:
        """Let the access token's time run out, here and in Snowflake."""
        self.stage.pass_(601)

    async def relink(self) -> None:
        """Sign in again and seal what that gives as a new credential, as a link attempt does."""
        deps, before = self.at.gateway.deps, await self.credential()
        grant = await Clients(deps).exchange(
            self.registration,
            Secret(self.app.code()),
            verifier=Secret(self.app.verifier),
            redirect_uri=self.app.redirect,
        )
        now = deps.journal.now()
        shell = replace(before, id=new_id("key", now), generation=before.generation + 1, reason=None, ambiguous=False)
        after = _sealed(deps, replace(shell, state=CredentialState.ACTIVE, deadline=None, version=1), grant, now)

        async def link(unit: UnitOfWork) -> None:
            await unit.insert(after)
            account = await unit.get(ConnectedAccount, self.account_id)
            assert account is not None
            await move_account(unit, account, AccountState.ACTIVE, linked_at=unit.now)

        await deps.journal.write(link)
        self.credential_id = after.id


def _sealed(deps: Deps, credential: Credential, grant: Grant, now: datetime) -> Credential:
    tokens = TokenSet(grant.access_token, grant.refresh_token, grant.scope)
    life = grant.refresh_token_expires_in or timedelta(days=90)
    sealed = seal(deps.kek, pack(tokens), credential_place(credential))
    ends = {"expires_at": now + grant.expires_in, "refresh_expires_at": now + life}
    return replace(credential, sealed=sealed, fingerprint=fingerprint(tokens), **ends)


@asynccontextmanager
async def linked(
    sandbox: RunningSandbox, path: Path, *, scope: str = "", database_url: str | None = None
) -> AsyncIterator[Linked]:
    """Yield a stage with a linked account."""
    async with clocked(sandbox, path, database_url=database_url) as stage:
        yield await _link(stage, App.of(sandbox), scope or f"refresh_token session:role:{ROLE}")


async def _link(stage: Clocked, app: App, scope: str) -> Linked:
    deps, now = stage.at.gateway.deps, stage.at.gateway.deps.journal.now()
    owner, agent = (await stage.at.every(User, name="sam"))[0], (await stage.at.every(Agent))[0]
    jit = (await stage.at.every(Connection, name="jit"))[0]
    connection = replace(
        jit, id=new_id("connection", now), name=SLUG, auth_method=AuthMethod.SNOWFLAKE_OAUTH, per_user=True, login=""
    )
    bare = Registration(
        id=new_id("registration", now),
        tenant_id=jit.tenant_id,
        connection_id=connection.id,
        account=jit.account,
        host=jit.host,
        client_id=app.client["client_id"],
        client_auth=ClientAuth.BASIC,
        created_at=now,
    )
    secret = app.client["client_secret"].encode()
    registration = replace(bare, sealed=seal(deps.kek, secret, registration_place(bare)))
    grant = await Clients(deps).exchange(
        registration, Secret(app.code(scope=scope)), verifier=Secret(app.verifier), redirect_uri=app.redirect
    )
    account = ConnectedAccount(
        id=new_id("account", now),
        tenant_id=jit.tenant_id,
        connection_id=connection.id,
        user_id=owner.id,
        state=AccountState.ACTIVE,
        created_at=now,
        registration_id=registration.id,
        login=grant.username,
        host=jit.host,
        linked_at=now,
    )
    bare_credential = Credential(
        id=new_id("key", now),
        tenant_id=jit.tenant_id,
        connection_id=connection.id,
        generation=1,
        state=CredentialState.ACTIVE,
        sealed=b"",
        fingerprint="",
        created_at=now,
        user_id=owner.id,
        role=ROLE,
        account_id=account.id,
    )
    credential = _sealed(deps, bare_credential, grant, now)

    async def insert(unit: UnitOfWork) -> None:
        for record in (connection, registration, account, credential):
            await unit.insert(record)
        await add_server(unit, connection, SLUG, "test")
        known = await unit.get(Agent, agent.id)
        assert known is not None
        await unit.change(known, connections=(*known.connections, connection.id))

    await deps.journal.write(insert)
    return Linked(stage, app, connection, registration, account.id, credential.id)
