"""What people and applications do around a link: open it, read, go to the sign-in, agree, come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from gateways import BASE_URL
from sandbox.browser import Page as Foreign
from sandbox.browser import Person
from skipass.gateway.account_access import FullAccount
from skipass.gateway.client_drafting import ClientRequest, redirect_uri
from skipass.gateway.connections import Added
from skipass.gateway.drafting import ConnectionRequest
from skipass.gateway.execute import Target
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.account import ConnectedAccount, LinkAttempt, Registration
from skipass.nouns.connection import AuthMethod, Credential, CredentialState
from skipass.nouns.principal import Principal
from skipass.secret import Secret
from skipass.tools.call import CallContext
from surfaces.console.browser import Browser, House, Page

ROLE = "AGENT_ROLE"
RETURN = "https://app.example.com/linked"


class Walk(House):
    """The served gateway with a connection by OAuth, and what a test does with it."""

    @property
    def gateway(self) -> Any:
        return self.stage.gateway

    async def admin(self) -> Principal:
        return await self.stage.principal("admin")

    async def by_snowflake(self, name: str = "own", **changes: Any) -> Added:
        """Register the sandbox's integration, and let the integration know our redirect URI."""
        said = self.stage.sandbox.said["oauth_client"]
        client = ClientRequest(client_id=said["client_id"], secret=Secret(said["client_secret"]), single_use=True)
        given: dict[str, Any] = {"account": "SKIPASS-SANDBOX", "host": self.stage.sandbox.url, "client": client}
        place = {"warehouse": "AGENT_WH", "database": "OPS_DB", "schema": "OPS"}
        request = ConnectionRequest(
            name=name, role=ROLE, auth_method=AuthMethod.SNOWFLAKE_OAUTH, **{**given, **place, **changes}
        )
        added: Added = await self.gateway.connections.add(await self.admin(), request)
        assert added.registration is not None
        self.allow(added.registration)
        return added

    def allow(self, *registrations: Registration) -> None:
        """Have the sandbox's integration answer to these registrations' redirect URIs."""
        one = self.stage.sandbox.account.sign_in.integrations["SKIPASS_OAUTH"]
        uris = tuple(redirect_uri(self.gateway.deps.base_url, registration) for registration in registrations)
        one.options["OAUTH_ALTERNATE_REDIRECT_URIS"] = (*one.values("OAUTH_ALTERNATE_REDIRECT_URIS"), *uris)

    async def by_provider(self, name: str = "idp", **changes: Any) -> Added:
        """Register the sandbox's identity provider, as its metadata is pasted."""
        said = self.stage.sandbox.said["idp"]
        metadata = {
            "issuer": said["issuer"],
            "client_id": said["client_id"],
            "client_secret": said["client_secret"],
            "redirect_uri": "https://elsewhere.example.com/callback",
            "scope": f"session:role:{ROLE} offline_access",
        }
        request = ConnectionRequest(
            name=name,
            account="SKIPASS-SANDBOX",
            host=self.stage.sandbox.url,
            role=ROLE,
            warehouse="AGENT_WH",
            auth_method=AuthMethod.EXTERNAL_OAUTH,
            client=ClientRequest(oauth_metadata={**metadata, **changes}),
        )
        added: Added = await self.gateway.connections.add(await self.admin(), request)
        return added

    async def agent(self, name: str = "bot", connection: str = "own", **how: Any) -> str:
        """Register an agent and return its key."""
        given = {"owner": "sam", "users": [], "connections": [connection], **how}
        _, issued = await self.gateway.agents.create(await self.admin(), name, **given)
        return str(issued.text.reveal())

    async def of(self, key: str, identifier: str | None = None) -> Principal:
        """Return who calls with a key, with an end user made known where one is named."""
        authenticator, welcome = self.gateway.authenticator, self.gateway.accounts.welcome
        principal: Principal = await authenticator.authenticate(key, identifier=identifier, welcome=welcome)
        return principal

    async def account(self, principal: Principal, connection: str = "own") -> FullAccount:
        made: FullAccount = await self.gateway.accounts.get_or_create(principal, connection)
        return made

    async def invite(self, principal: Principal, connection: str = "own", **how: Any) -> str:
        """Return the token of a fresh link for the caller's account."""
        full = await self.account(principal, connection)
        invitation = await self.gateway.linking.invite(principal, full.account.id, **how)
        return str(invitation.token.reveal())

    @asynccontextmanager
    async def signed_in(self, name: str = "sam") -> AsyncIterator[Browser]:
        """Yield a browser in which somebody has signed in with us."""
        async with self.browser() as browser:
            await browser.sign_in(await self.link(name))
            yield browser

    async def to_the_sign_in(self, browser: Browser, token: str, **fields: str) -> str:
        """Open a link, press the button, and return the address of the sign-in."""
        page = await browser.post("/connect", {"link": token, "word": "open"})
        assert page.status == 200, page.text
        return await self.press(browser, page, **fields)

    async def press(self, browser: Browser, page: Page, **fields: str) -> str:
        form = {**page.form("/connect"), "word": "go", **fields}
        sent = {"origin": self.url}
        async with browser.http.post(f"{self.url}/connect", data=form, headers=sent, allow_redirects=False) as gone:
            assert gone.status == 303, await gone.text()
            return gone.headers["location"]

    async def agree(self, address: str, user: str = "DANA", decision: str = "allow") -> str:
        """Sign in at Snowflake or the provider, decide, and return the address the browser is sent back to."""
        file = self.stage.sandbox.user(user)
        parts = urlsplit(address)
        person = Person(parts.netloc, file.login_name, file.password)
        page: Foreign = await asyncio.to_thread(person.through, f"{parts.path}?{parts.query}", decision)
        assert page.location is not None, page.text
        return page.location

    async def land(self, browser: Browser, address: str) -> Page:
        """Come back by an address, whose host is where this gateway would be reached."""
        assert address.startswith(BASE_URL), address
        return await browser.get(address.removeprefix(BASE_URL))

    async def linked(self, browser: Browser, token: str, user: str = "DANA") -> Page:
        """Walk the whole way."""
        return await self.land(browser, await self.agree(await self.to_the_sign_in(browser, token), user))

    async def one(self, kind: type[Any], **where: Any) -> Any:
        (found,) = await self.stage.every(kind, **where)
        return found

    async def usable(self, **where: Any) -> list[Credential]:
        states = (CredentialState.ACTIVE, CredentialState.REFRESHING)
        found = await self.stage.every(Credential, state=states, **where)
        return [one for one in found if one.account_id]

    async def state(self, **where: Any) -> str:
        return str((await self.one(ConnectedAccount, **where)).state.value)

    async def attempts(self) -> list[LinkAttempt]:
        return list(await self.stage.every(LinkAttempt))

    async def age(self) -> None:
        """Let every attempt's time be over."""

        async def back(unit: UnitOfWork) -> None:
            for one in await unit.find(LinkAttempt):
                await unit.change(one, expires_at=unit.now - timedelta(seconds=1))

        await self.gateway.deps.journal.write(back)

    async def every_credential(self) -> list[Credential]:
        return [one for one in await self.stage.every(Credential) if one.account_id]

    async def query(self, key: str, connection: str = "own", identifier: str | None = None) -> list[dict[str, Any]]:
        """Run one read as an agent and return the calls by which it reached the account."""
        principal = await self.of(key, identifier)
        wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test"}
        calls, target = self.gateway.calls, Target(connection=connection)
        context = CallContext(request_id="req_test")
        await calls.call(principal, target, "skipass_request_session", wish, context)
        statement = {"statement": "SELECT order_id FROM ops.orders WHERE order_id = 1003"}
        answer = await calls.call(principal, target, "snowflake_execute_query", statement, context)
        assert answer.status.value == "success", answer
        return self.stage.sent("order_id = 1003")
