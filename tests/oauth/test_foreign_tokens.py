"""Tokens of others at an MCP server: however they are made, none of them is anybody here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from joserfc.jwk import OctKey

from identity.test_id_token import ALGORITHMS, EC, HOSTILE, OTHER, PSS, RIGHT, RSA, raw, signed
from oauth.program import FIRST, Quarter
from surfaces.sqlapi.pairs import paired

pytestmark = pytest.mark.anyio
GUESSED = OctKey.import_key(b"secret-secret-secret-secret-1234", {"kid": "rsa"})


def claims(at: Quarter, **changes: Any) -> dict[str, Any]:
    """Return the claims that an access token for the slug would have if those were JWTs. Source: RFC 9068 §2.2"""
    now = int(at.gateway.deps.journal.now().timestamp())
    right = {"iss": at.base_url, "aud": at.resource(), "sub": "sam", "client_id": "cli", "scope": FIRST}
    return {**right, "iat": now, "nbf": now, "exp": now + 600, "jti": "j-1", **changes}


FORGED: dict[str, Callable[[Quarter], str]] = {
    "of our issuer, signed by somebody": lambda at: signed(claims(at)),
    "as RFC 9068 types it": lambda at: signed(claims(at), typ="at+jwt"),
    "by PS256": lambda at: signed(claims(at), PSS, "PS256"),
    "by ES256": lambda at: signed(claims(at), EC, "ES256"),
    "by another key of the same kid": lambda at: signed(claims(at), OTHER),
    "unsigned": lambda at: raw({"alg": "none", "typ": "at+jwt"}, json.dumps(claims(at)).encode(), b""),
    "unsigned, with a signature": lambda at: raw({"alg": "none"}, json.dumps(claims(at)).encode(), b"x"),
    "signed with a guessed secret": lambda at: signed(claims(at), GUESSED, "HS256"),
    "with its own key in the header": lambda at: signed(claims(at), jwk=RSA.as_dict(private=False)),
    "with an address of its key": lambda at: signed(claims(at), jku="https://evil.example.com/jwks"),
    "with an address of its certificate": lambda at: signed(claims(at), x5u="https://evil.example.com/c"),
    "with a path for a kid": lambda at: signed(claims(at), kid="../../../dev/null"),
    "with a statement for a kid": lambda at: signed(claims(at), kid="x' UNION SELECT 'key"),
    "for every audience": lambda at: signed(claims(at, aud=[at.resource(), "*"])),
    "for the whole gateway": lambda at: signed(claims(at, aud=at.base_url)),
    "for another slug": lambda at: signed(claims(at, aud=at.resource("snowflake"))),
    "for the account": lambda at: signed(claims(at, aud="https://skipass-sandbox.snowflakecomputing.com")),
    "of an issuer connection": lambda at: signed(claims(at, iss=f"{at.base_url}/issuers/jit")),
    "of the agent": lambda at: signed(claims(at, sub=at.stage.keys["agent"]["id"])),
    "of an admin": lambda at: signed(claims(at, sub="ada", roles=["admin"])),
    "that ended": lambda at: signed(claims(at, exp=1)),
    "that never ends": lambda at: signed({k: v for k, v in claims(at).items() if k != "exp"}),
    "with every scope": lambda at: signed(claims(at, scope="* approvals:decide admin")),
    "with our mark": lambda at: f"skp_{signed(claims(at))}",
    "with our mark and a prefix": lambda at: f"skp_000000000000_{signed(claims(at))}"[:99],
}


async def answers(at: Quarter, tokens: dict[str, str], path: str, **headers: str) -> dict[str, int]:
    """Return what a door says to each token."""
    told = {}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"} if path.endswith("/mcp") else {"statement": "SELECT 1"}
    async with aiohttp.ClientSession() as http:
        for name, token in tokens.items():
            sent = {"authorization": f"Bearer {token}", **headers}
            async with http.post(f"{at.url}{path}", json=body, headers=sent) as said:
                told[name] = said.status
                if said.status == 401:
                    assert "Bearer" in said.headers["www-authenticate"], name
                assert len(token) < 40 or token[:40] not in await said.text(), name
    return told


async def test_no_token_of_others_is_taken(quarter: Quarter) -> None:
    """Every forged, hostile and foreign token is nobody's: at an MCP server, at REST, and at the SQL API."""
    tokens = {f"forged {name}": make(quarter) for name, make in FORGED.items()}
    tokens |= {f"hostile {name}": make() for name, make in HOSTILE.items()}
    tokens |= {f"foreign {name}": make() for name, make in RIGHT.items()}
    assert len(set(tokens.values())) == len(tokens) >= 100
    assert len(FORGED) >= 25
    assert set(ALGORITHMS) >= {"none", "RS256", "HS256"}
    typed = {"x-snowflake-authorization-token-type": "KEYPAIR_JWT"}
    for path, headers in (("/jit/mcp", {}), ("/api/v1/tools/x/execute", {}), ("/c/jit/api/v2/statements", typed)):
        told = await answers(quarter, tokens, path, **headers)
        assert {name: status for name, status in told.items() if status not in (400, 401)} == {}, path
        assert sum(status == 401 for status in told.values()) >= 90


async def test_an_agents_own_jwt_is_for_the_sql_api(quarter: Quarter, tmp_path: Path) -> None:
    """What signs an agent in there is nobody at an MCP server."""
    who = await paired(quarter.stage, tmp_path, "snowflake")
    token = who.token("snowflake")
    typed = {"x-snowflake-authorization-token-type": "KEYPAIR_JWT"}
    good = {"right": token}
    assert (await answers(quarter, good, "/c/snowflake/api/v2/statements", **typed))["right"] in (200, 202, 422)
    assert await answers(quarter, good, "/snowflake/mcp") == {"right": 401}
