"""What the authorization server and each slug say of themselves."""

from __future__ import annotations

import aiohttp
import pytest

from oauth.program import FIRST, Quarter
from skipass.gateway.oauth_scopes import SCOPES

pytestmark = pytest.mark.anyio
RESOURCE, SERVER = "/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server"


async def test_a_slug_says_who_gives_its_tokens(quarter: Quarter) -> None:
    """Its own address exactly, our issuer, and the scopes to begin with; never one for being offline."""
    async with aiohttp.ClientSession() as http, http.get(f"{quarter.url}{RESOURCE}/jit/mcp") as said:
        told = await said.json()
        assert (said.status, said.headers["content-type"]) == (200, "application/json")
    assert told["resource"] == quarter.resource()
    assert told["authorization_servers"] == [quarter.base_url]
    assert told["bearer_methods_supported"] == ["header"]
    assert told["scopes_supported"] == FIRST.split()


@pytest.mark.parametrize("path", ["", "/", "/jit", "/nothing/mcp", "/jit/mcp/x", "/JIT/mcp", "/../jit/mcp"])
async def test_another_address_has_no_metadata(quarter: Quarter, path: str) -> None:
    """Only an open slug's own well-known address answers."""
    async with aiohttp.ClientSession() as http, http.get(f"{quarter.url}{RESOURCE}{path}") as said:
        assert said.status == 404


async def test_a_closed_slug_has_no_metadata(quarter: Quarter) -> None:
    """A slug that was closed says nothing of itself."""
    await quarter.gateway.servers.disable(await quarter.stage.principal("admin"), "jit")
    async with aiohttp.ClientSession() as http, http.get(f"{quarter.url}{RESOURCE}/jit/mcp") as said:
        assert said.status == 404


async def test_the_server_says_all_that_clients_look_for(quarter: Quarter) -> None:
    """Issuer byte for byte, S256, public clients, documents and registration; no keys, for it signs nothing."""
    async with aiohttp.ClientSession() as http, http.get(f"{quarter.url}{SERVER}") as said:
        told = await said.json()
    assert told["issuer"] == quarter.base_url
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert {"none", "client_secret_basic", "client_secret_post"} == set(told["token_endpoint_auth_methods_supported"])
    assert {"authorization_code", "refresh_token"} <= set(told["grant_types_supported"])
    assert told["response_types_supported"] == ["code"]
    assert told["scopes_supported"] == list(SCOPES)
    assert told["client_id_metadata_document_supported"] is True
    assert told["authorization_response_iss_parameter_supported"] is True
    for name in ("authorization", "token", "registration", "revocation"):
        assert told[f"{name}_endpoint"].startswith(f"{quarter.base_url}/oauth/")
    assert "jwks_uri" not in told


async def test_pages_of_any_site_read_the_metadata_and_nothing_else(quarter: Quarter) -> None:
    """A foreign origin gets the documents, also where its browser asks first; every other door stays shut to it."""
    sent = {"origin": "https://inspector.example.com"}
    async with aiohttp.ClientSession(headers=sent) as http:
        for path in (f"{RESOURCE}/jit/mcp", SERVER):
            async with http.get(f"{quarter.url}{path}") as said:
                assert (said.status, said.headers["access-control-allow-origin"]) == (200, "*")
            async with http.options(f"{quarter.url}{path}") as said:
                assert (said.status, said.headers["access-control-allow-methods"]) == (204, "GET")
            async with http.post(f"{quarter.url}{path}") as said:
                assert said.status == 404
        for path in ("/oauth/token", "/oauth/register", "/oauth/authorize", "/jit/mcp"):
            async with http.post(f"{quarter.url}{path}", data=b"") as said:
                assert said.status == 403


async def test_a_rebound_name_reads_nothing(quarter: Quarter) -> None:
    """A page that made its own name lead here is not served the metadata either."""
    sent = {"host": "evil.example.com"}
    async with aiohttp.ClientSession(headers=sent) as http, http.get(f"{quarter.url}{SERVER}") as said:
        assert said.status == 421
