"""Attacks by servers: hosts that lead inside, metadata of somebody else, and answers that are no answers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from accounts.walk import ROLE, Walk
from gateways import BASE_URL
from isolation.attacks.script import nothing_linked
from people.rogue import Rogue, document
from serving import serving
from skipass.errors import SkipassError
from skipass.gateway.client_drafting import ClientRequest
from skipass.gateway.drafting import ConnectionRequest
from skipass.gateway.egress import Egress
from skipass.nouns.account import Registration
from skipass.nouns.connection import AuthMethod, Connection
from skipass.secret import Secret

pytestmark = pytest.mark.anyio
INSIDE = {
    "loopback": "127.0.0.1",
    "loopback by name": "localhost",
    "loopback as one number": "2130706433",
    "loopback in octal": "0177.0.0.1",
    "loopback in hexadecimal": "0x7f000001",
    "loopback in short": "127.1",
    "loopback beyond the first": "127.8.9.10",
    "loopback of version 6": "[::1]",
    "loopback mapped into version 6": "[::ffff:127.0.0.1]",
    "loopback through 6to4": "[2002:7f00:1::1]",
    "loopback through NAT64": "[64:ff9b::7f00:1]",
    "metadata": "169.254.169.254",
    "metadata mapped into version 6": "[::ffff:169.254.169.254]",
    "metadata as one number": "2852039166",
    "metadata of version 6": "[fd00:ec2::254]",
    "link-local of version 6": "[fe80::1]",
    "private": "10.0.0.1",
    "private, another": "192.168.1.1",
    "shared": "100.64.0.1",
    "unspecified": "0.0.0.0",
}
META = {"client_id": "x", "client_secret": "planted", "scope": f"session:role:{ROLE}"}


@pytest.fixture
def rogue() -> Iterator[Rogue]:
    told = Rogue()
    with serving(told) as url:
        told.issuer = url
        yield told


@pytest.fixture
async def outside(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> Walk:
    """A gateway as it runs in earnest: loopback is as far inside as everything else."""
    monkeypatch.setattr(walk.gateway.deps.upstream, "egress", Egress())
    return walk


def by_metadata(walk: Walk, **given: Any) -> ConnectionRequest:
    return ConnectionRequest(
        name="idp",
        account="ACME-PROD",
        role=ROLE,
        auth_method=AuthMethod.EXTERNAL_OAUTH,
        client=ClientRequest(oauth_metadata={**META, **given}),
    )


async def refused(walk: Walk, request: ConnectionRequest) -> SkipassError:
    with pytest.raises(SkipassError) as caught:
        await walk.gateway.connections.add(await walk.admin(), request)
    assert await walk.stage.every(Connection, name=request.name) == []
    return caught.value


@pytest.mark.parametrize("host", INSIDE.values(), ids=INSIDE)
async def test_a_host_that_leads_inside_is_never_dialled(outside: Walk, host: str) -> None:
    """As an account's host, an issuer or a token endpoint an inside address is refused, and nobody hears of it."""
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1))
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        there = f"https://{host}:{port}"
        assert (await refused(outside, by_metadata(outside, issuer=there))).code in (
            "invalid_request",
            "snowflake_misconfigured",
        )
        endpoints = {"authorization_endpoint": "https://idp.example.com/a", "token_endpoint": f"{there}/token"}
        added = await outside.gateway.connections.add(await outside.admin(), by_metadata(outside, **endpoints))
        clients = outside.gateway.landing._clients
        with pytest.raises(SkipassError) as caught:
            await clients.exchange(added.registration, Secret("c"), verifier=Secret("v" * 43), redirect_uri="https://x")
        assert caught.value.code == "snowflake_misconfigured"
    assert heard == []


async def test_a_template_s_customer_cannot_point_us_inside(outside: Walk) -> None:
    """By a set-up link an account is named, never a host: whatever is typed, what is dialled is Snowflake's."""
    request = ConnectionRequest(name="own", role=ROLE, auth_method=AuthMethod.SNOWFLAKE_OAUTH, template=True)
    await outside.gateway.connections.add(await outside.admin(), request)
    async with outside.browser() as customer:
        for host in INSIDE.values():
            _, token = await outside.gateway.registrations.invite(await outside.admin(), "own")
            form = {"link": token.reveal(), "client_id": "x", "client_secret": "y", "word": "register"}
            for account in (f"https://{host}", f"https://acme.snowflakecomputing.com@{host}/", f"{host}/x", host):
                page = await customer.post("/connect/setup", {**form, "account": account})
                assert page.status in (200, 400, 401, 409), page.text
            forged = {**form, "account": "ACME-PROD", "host": f"https://{host}"}
            assert (await customer.post("/connect/setup", forged)).status >= 400
    names = [urlsplit(one.host).hostname or "" for one in await outside.stage.every(Registration)]
    assert all(name.endswith(".snowflakecomputing.com") for name in names), names


async def test_a_name_that_turns_inside_after_it_was_looked_at(outside: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: what was resolved is what is dialled, and every resolution is looked at again."""
    asked: list[str] = []

    async def turning(host: str, port: int, **how: Any) -> list[Any]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) > 1 else "192.0.78.24"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", turning)
    egress = outside.gateway.deps.upstream.egress
    connector = egress.connector()
    resolver = connector._resolver
    try:
        first = await resolver.resolve("turning.example.com", 443)
        assert [one["host"] for one in first] == ["192.0.78.24"]
        with pytest.raises(SkipassError) as caught:
            await resolver.resolve("turning.example.com", 443)
        assert caught.value.code == "snowflake_misconfigured"
    finally:
        await connector.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://another.example.com"},
        {"issuer": None},
        {"token_endpoint": "http://10.0.0.1/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": "https://user:pass@idp.example.com/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://idp.example.com\\@evil.example.com/"},
        {"authorization_endpoint": None},
    ],
    ids=str,
)
async def test_what_an_issuer_publishes_wrongly_registers_nothing(
    walk: Walk, rogue: Rogue, changes: dict[str, Any]
) -> None:
    """Another issuer's document, or endpoints that are no addresses, end the registration."""
    rogue.answers["/.well-known/openid-configuration"] = document(rogue.discovery(**changes))
    assert (await refused(walk, by_metadata(walk, issuer=rogue.issuer))).code == "invalid_request"


@pytest.mark.parametrize(
    "answer",
    [
        (302, "text/plain", b"http://127.0.0.1:1/"),
        (200, "text/html", b"<html>Sign in to the network</html>"),
        (503, "application/json", b"{}"),
        (200, "application/json", b'{"issuer": "' + b"x" * 300_000 + b'"}'),
        (200, "application/json", b"[" * 100_000),
    ],
    ids=lambda one: f"{one[0]} {one[2][:12]!r}",
)
async def test_a_document_that_is_none_registers_nothing(walk: Walk, rogue: Rogue, answer: Any) -> None:
    """A redirect, a page, an error, too much, too deep: nothing is followed, nothing kept."""
    for path in ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"):
        rogue.answers[path] = answer
    assert (await refused(walk, by_metadata(walk, issuer=rogue.issuer))).code == "invalid_request"


@pytest.mark.parametrize(
    "answer",
    [
        (302, "text/plain", b"http://127.0.0.1:1/token"),
        (307, "text/plain", b"http://127.0.0.1:1/token"),
        (200, "text/html", b"<html><script>alert(1)</script></html>"),
        (500, "text/plain", b"oops"),
        (503, "application/json", b'{"access_token": "a", "token_type": "Bearer"}'),
        (200, "application/json", b"{}"),
        (200, "application/json", b'{"access_token": 7}'),
        (200, "application/json", b'{"access_token": "a", "scope": "session:role:PUBLIC"}'),
        (200, "application/json", b'{"error": "<script>alert(1)</script>"}'),
        "never",
    ],
    ids=lambda one: str(one[0]) + str(one[2][:24]) if isinstance(one, tuple) else one,
)
async def test_a_token_endpoint_that_answers_as_it_likes_links_nothing(
    walk: Walk, rogue: Rogue, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redirect is not followed with the code, a page is no token, and a slow server is given up on."""
    monkeypatch.setattr("skipass.gateway.clients.EXCHANGE_S", 0.5)
    added = await walk.gateway.connections.add(await walk.admin(), by_metadata(walk, issuer=rogue.issuer))
    rogue.answers["/token"] = answer
    key = await walk.agent(connection="idp")
    async with walk.signed_in() as sam:
        gone = await walk.to_the_sign_in(sam, await walk.invite(await walk.of(key), "idp"))
        state = parse_qs(urlsplit(gone).query)["state"][0]
        page = await walk.land(sam, f"{BASE_URL}/oauth/upstream-callback/{added.registration.id}?code=c&state={state}")
    assert page.status in (502, 503)
    assert "<script>" not in page.html
    assert rogue.count("/token") == 1
    await nothing_linked(walk)
