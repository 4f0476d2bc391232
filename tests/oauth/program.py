"""An MCP client as programs are, without a library: registers, sends a browser off, trades its code, calls a tool."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import aiohttp
import orjson

from skipass.gateway.slug_names import Access
from skipass.nouns.people import User
from skipass.snowflake.auth.oauth import Proof
from surfaces.console.browser import Browser, House, Page

AUTHORIZE, TOKEN, REGISTER, REVOKE = "/oauth/authorize", "/oauth/token", "/oauth/register", "/oauth/revoke"
BACK = "https://client.example.com/callback"
LOCAL = "http://127.0.0.1:53123/callback"
SLUG = "jit"
FIRST = "tools:read sessions:request"


class Quarter(House):
    """The served gateway, whose slug lets sam in through any client."""

    @property
    def gateway(self) -> Any:
        return self.stage.gateway

    @property
    def base_url(self) -> str:
        return str(self.gateway.deps.base_url)

    def resource(self, slug: str = SLUG) -> str:
        return f"{self.base_url}/{slug}/mcp"

    async def open(self, *users: str, slug: str = SLUG, clients: tuple[str, ...] = ()) -> None:
        """Let people in at the slug through MCP clients, and nobody else."""
        admin = await self.stage.principal("admin")
        await self.gateway.servers.change(admin, slug, Access(put={"users": users, "clients": clients}))

    async def who(self, name: str) -> User:
        (found,) = await self.stage.every(User, name=name)
        return found

    async def signed_in(self, browser: Browser, name: str = "sam") -> Browser:
        await browser.sign_in(await self.link(name))
        return browser

    async def posted(self, path: str, headers: Mapping[str, str] | None = None, **form: str) -> tuple[int, Any]:
        """Post a form as a program does, and return status and JSON."""
        async with aiohttp.ClientSession() as http, http.post(f"{self.url}{path}", data=form, headers=headers) as said:
            text = await said.text()
            return said.status, await said.json() if text else None

    async def registered(self, **fields: Any) -> tuple[int, Any]:
        """Register a client, and return status and JSON."""
        body = {"client_name": "Editor", "redirect_uris": [BACK], "token_endpoint_auth_method": "none", **fields}
        async with aiohttp.ClientSession() as http, http.post(f"{self.url}{REGISTER}", json=body) as said:
            return said.status, await said.json()

    async def program(self, **fields: Any) -> Program:
        """Return a client that has registered itself."""
        status, told = await self.registered(**fields)
        assert status == 201, told
        return Program(self, told["client_id"], told["redirect_uris"][0], told.get("client_secret"))

    async def rpc(
        self, token: str | None, method: str = "tools/list", slug: str = SLUG, /, **params: Any
    ) -> tuple[int, Mapping[str, str], Any]:
        """Send one message to a slug, and return status, headers and JSON."""
        headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}
        headers |= {"authorization": f"Bearer {token}"} if token is not None else {}
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        url = f"{self.url}/{slug}/mcp"
        async with aiohttp.ClientSession(headers=headers) as http, http.post(url, json=message) as said:
            told = await said.read()
            text = told.partition(b"data: ")[2] if said.content_type == "text/event-stream" else told
            return said.status, {k.lower(): v for k, v in said.headers.items()}, orjson.loads(text)

    async def call(self, token: str, tool: str, /, **arguments: Any) -> tuple[int, Mapping[str, str], Any]:
        """Call a tool."""
        return await self.rpc(token, "tools/call", name=tool, arguments=arguments)

    async def query(self, token: str, statement: str) -> tuple[int, Mapping[str, str], Any]:
        return await self.call(token, "snowflake_execute_query", statement=statement)

    async def session(self, token: str, **scope: Any) -> Any:
        """Ask for a session, and return its envelope."""
        wish = {"scope": {"schemas": ["OPS_DB.OPS"], **scope}, "ttl_s": 300, "reason": "test"}
        _, _, answer = await self.call(token, "skipass_request_session", **wish)
        return answer["result"]["structuredContent"]


@dataclass
class Program:
    """One client with its redirect address, and the tokens it holds."""

    at: Quarter
    client_id: str
    back: str = BACK
    secret: str | None = None
    proof: Proof = field(default_factory=Proof)
    tokens: dict[str, Any] = field(default_factory=dict)

    def request(self, **bent: str) -> str:
        """Return the address that its user's browser is sent to."""
        right = {
            "client_id": self.client_id,
            "redirect_uri": self.back,
            "response_type": "code",
            "state": "s-1",
            "code_challenge": self.proof.challenge,
            "code_challenge_method": "S256",
            "resource": self.at.resource(),
            "scope": FIRST,
        }
        asked = {name: value for name, value in {**right, **bent}.items() if value}
        return f"{AUTHORIZE}?{urlencode(asked)}"

    async def asked(self, browser: Browser, **bent: str) -> Page:
        """Return what its user's browser sees, without going on."""
        return await browser.get(self.request(**bent), allow_redirects=False)

    async def answer(self, browser: Browser, word: str = "allow", **bent: str) -> dict[str, str]:
        """Have its user answer, and return what comes back to it."""
        page = await self.asked(browser, **bent)
        if page.status == 303:
            return came(page.headers["location"])
        assert page.status == 200, page.text
        return came(await pressed(browser, page, word))

    async def trade(self, code: str, **bent: str) -> tuple[int, Any]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.back}
        form |= {"code_verifier": self.proof.verifier.reveal(), "resource": self.at.resource()}
        return await self._token(form | bent)

    async def refresh(self, token: str | None = None, **bent: str) -> tuple[int, Any]:
        form = {"grant_type": "refresh_token", "refresh_token": token or self.tokens["refresh_token"]}
        return await self._token(form | bent)

    async def revoke(self, token: str, **bent: str) -> tuple[int, Any]:
        return await self.at.posted(REVOKE, self._header(), **(self._who() | {"token": token} | bent))

    async def sign_in(self, browser: Browser, **bent: str) -> str:
        """Walk the whole way, and return the access token."""
        answer = await self.answer(browser, **bent)
        status, told = await self.trade(answer["code"], resource=bent.get("resource", ""))
        assert status == 200, told
        self.tokens = told
        return str(told["access_token"])

    async def _token(self, form: dict[str, str]) -> tuple[int, Any]:
        status, told = await self.at.posted(TOKEN, self._header(), **(self._who() | form))
        return status, told

    def _who(self) -> dict[str, str]:
        return {} if self.secret else {"client_id": self.client_id}

    def _header(self) -> dict[str, str]:
        return basic(self.client_id, self.secret) if self.secret else {}


def basic(name: str, secret: str) -> dict[str, str]:
    pair = base64.b64encode(f"{quote(name, safe='')}:{quote(secret, safe='')}".encode()).decode()
    return {"authorization": f"Basic {pair}"}


def came(address: str) -> dict[str, str]:
    """Return what an address carries back to a client."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


async def pressed(browser: Browser, page: Page, word: str = "allow") -> str:
    """Press a button of the consent page, and return where the browser is sent."""
    form, sent = {**page.form(AUTHORIZE), "word": word}, {"origin": browser.url}
    async with browser.http.post(f"{browser.url}{AUTHORIZE}", data=form, headers=sent, allow_redirects=False) as gone:
        assert gone.status == 303, await gone.text()
        return gone.headers["location"]
