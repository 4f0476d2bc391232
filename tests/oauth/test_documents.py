"""Clients that are a metadata document: fetched for signed-in people, carefully, and only what it says counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from oauth.program import BACK, LOCAL, Program, Quarter
from serving import serving
from skipass.errors import SkipassError
from skipass.gateway.client_documents import FETCHES_BY_ONE_A_MINUTE, Documents, address_of, read
from skipass.gateway.egress import Egress
from skipass.gateway.oauth_rules import ClientRules
from skipass.nouns.oauth import OAuthClient
from surfaces.console.browser import Browser

pytestmark = pytest.mark.anyio


@dataclass
class Publisher:
    """Publishes one document, as it is told to."""

    url: str = ""
    said: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    asked: int = 0
    hangs: bool = False

    @property
    def client_id(self) -> str:
        return f"{self.url}/client.json"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        known = {
            "client_id": self.client_id,
            "client_name": "Desk",
            "redirect_uris": [BACK, "http://127.0.0.1/callback"],
        }
        body = self.raw if self.raw is not None else json.dumps({**known, **self.said}).encode()
        headers = {"content-type": "application/json", "content-length": str(len(body)), **self.headers}
        lines = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": lines})
        await send({"type": "http.response.body", "body": body})


@contextmanager
def publishing() -> Iterator[Publisher]:
    publisher = Publisher()
    with serving(publisher) as publisher.url:
        yield publisher


@pytest.fixture
def desk() -> Iterator[Publisher]:
    with publishing() as publisher:
        yield publisher


@pytest.fixture
def program(quarter: Quarter, desk: Publisher) -> Program:
    return Program(quarter, desk.client_id)


async def test_a_document_is_a_client(quarter: Quarter, sam: Browser, desk: Publisher, program: Program) -> None:
    """Nobody registers it: the page names its host, its tokens work, and it is kept once somebody agreed."""
    page = await program.asked(sam)
    assert f"The client of {desk.url.removeprefix('http://')}" in page.text
    assert await quarter.stage.every(OAuthClient) == []
    token = await program.sign_in(sam)
    assert (await quarter.rpc(token))[0] == 200
    (kept,) = await quarter.stage.every(OAuthClient)
    assert (kept.client_id, kept.kind.value, kept.secret_hash) == (desk.client_id, "document", None)
    assert (await program.refresh())[0] == 200
    assert desk.asked == 1, "kept for a while, and not asked by programs"


async def test_nobody_makes_us_fetch_who_is_not_signed_in(quarter: Quarter, desk: Publisher, program: Program) -> None:
    """A stranger's browser is sent to sign in, and a stranger's program gets nothing; no request leaves."""
    async with quarter.browser() as nobody:
        assert (await nobody.get(program.request())).url.path == "/sign-in"
    assert (await program.trade("x"))[1]["error"] == "invalid_client"
    assert desk.asked == 0


async def test_loopback_matches_whatever_the_port(quarter: Quarter, sam: Browser, program: Program) -> None:
    """A document lists its address without a port; the program listens where it can."""
    program.back = LOCAL
    assert await program.sign_in(sam)


async def test_a_changed_document_counts_when_it_is_agreed_to(
    quarter: Quarter, sam: Browser, desk: Publisher, program: Program
) -> None:
    """An address that the document does not list any more gets nothing, whatever it listed before."""
    await program.sign_in(sam)
    quarter.gateway.oauth_clients._documents._kept.clear()
    desk.said = {"redirect_uris": ["https://new.example.com/callback"], "client_name": "New desk"}
    page = await program.asked(sam)
    assert (page.status, "location" in page.headers) == (400, False)
    program.back = "https://new.example.com/callback"
    await program.sign_in(sam)
    (kept,) = await quarter.stage.every(OAuthClient)
    assert (kept.name, kept.redirect_uris) == ("New desk", ("https://new.example.com/callback",))


BAD: dict[str, dict[str, Any]] = {
    "another client's": {"said": {"client_id": "https://other.example.com/client.json"}},
    "without its id": {"said": {"client_id": None}},
    "without a name": {"said": {"client_name": " "}},
    "without addresses": {"said": {"redirect_uris": []}},
    "with a dangerous address": {"said": {"redirect_uris": [BACK, "javascript:alert(1)"]}},
    "with a secret": {"said": {"client_secret": "x"}},
    "of a client with a key": {"said": {"token_endpoint_auth_method": "private_key_jwt"}},
    "too large": {"said": {"x": "a" * 6000}},
    "no JSON": {"raw": b"<html>"},
    "a list": {"raw": b"[]"},
    "HTML by its type": {"headers": {"content-type": "text/html"}},
    "a redirect": {"status": 302, "headers": {"location": "http://127.0.0.1:1/client.json"}},
    "not there": {"status": 404},
    "broken": {"status": 500},
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_document_is_no_client(sam: Browser, desk: Publisher, program: Program, name: str) -> None:
    """The browser stays, and reads what is wrong."""
    for member, value in BAD[name].items():
        setattr(desk, member, value)
    page = await program.asked(sam)
    assert (page.status, "location" in page.headers) == (400, False), page.text


@pytest.mark.parametrize(
    ("control", "times"), [("no-store", 1), ("max-age=0", 1), ("max-age=999999999", 1), ("private, max-age=120", 1)]
)
async def test_a_document_is_kept_for_a_while(
    sam: Browser, desk: Publisher, program: Program, control: str, times: int
) -> None:
    """Whatever its server says it is not asked for each page again."""
    desk.headers = {"cache-control": control}
    for _ in range(3):
        assert (await program.asked(sam)).status == 200
    assert desk.asked == times


async def test_nobody_fetches_in_floods(sam: Browser, desk: Publisher, quarter: Quarter) -> None:
    """A person has a number of documents looked at a minute, and then waits."""
    for number in range(FETCHES_BY_ONE_A_MINUTE + 3):
        await Program(quarter, f"{desk.url}/{number}").asked(sam)
    assert desk.asked == FETCHES_BY_ONE_A_MINUTE


def documents(quarter: Quarter, rules: ClientRules | None = None, *, sandbox: bool = False) -> Documents:
    """Return what a gateway beyond the sandbox would fetch with."""
    deps = quarter.gateway.deps
    upstream = replace(deps.upstream, egress=Egress(sandbox))
    return Documents(replace(deps, sandbox=sandbox, upstream=upstream, mcp_clients=rules or ClientRules()))


async def test_beyond_the_sandbox_this_machine_is_not_reached(quarter: Quarter, desk: Publisher) -> None:
    """Plain http, loopback and names that lead there: nothing is sent."""
    port = desk.url.rpartition(":")[2]
    for url in (desk.client_id, f"https://127.0.0.1:{port}/client.json", f"https://localhost:{port}/client.json"):
        with pytest.raises(SkipassError):
            await documents(quarter).get(url, "sam")
    assert desk.asked == 0


@pytest.mark.parametrize(
    "rules", [ClientRules(documents=False), ClientRules(document_hosts=("claude.ai",))], ids=["off", "another host"]
)
async def test_an_operator_narrows_whose_documents_count(quarter: Quarter, desk: Publisher, rules: ClientRules) -> None:
    """Switched off, or of a host that is not named: nothing is sent."""
    with pytest.raises(SkipassError):
        await documents(quarter, rules, sandbox=True).get(desk.client_id, "sam")
    assert desk.asked == 0


async def test_a_document_that_hangs_is_given_up(
    quarter: Quarter, desk: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not answer holds nobody up for long."""
    monkeypatch.setattr("skipass.gateway.client_documents.WAIT_S", 0.2)
    desk.hangs = True
    with pytest.raises(SkipassError, match="cannot be fetched"):
        await documents(quarter, sandbox=True).get(desk.client_id, "sam")


def test_documents_of_known_clients_are_read() -> None:
    """What well-known clients publish is taken: addresses without a port, and several of them."""
    url = "https://claude.ai/oauth/claude-code-client-metadata"
    address_of(url)
    given = {"client_id": url, "client_name": "Claude Code", "token_endpoint_auth_method": "none"}
    given |= {"redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"], "grant_types": ["x"]}
    assert read(url, given, ()).name == "Claude Code"
