"""What an authorization server says of itself, asked of its issuer: one pinned, bounded request each, no redirect.

A convenience for registering: what was configured by hand always wins, and scopes that a server advertises count for
nothing. Source: RFC 8414 §3; OpenID Connect Discovery 1.0 §4
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from skipass import __version__
from skipass.errors import SkipassError
from skipass.gateway.egress import Egress
from skipass.gateway.oauth_metadata import check_url
from skipass.snowflake.account import target_of
from skipass.snowflake.errors import SnowflakeError
from skipass.snowflake.sqlapi.failures import Answer, json_body
from skipass.snowflake.sqlapi.wire import Call

WAIT_S = 10.0
_MAX_BYTES = 256 * 1024
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri")


async def discover(egress: Egress, issuer: str) -> dict[str, str]:
    """Return what an issuer names of its endpoints and keys; raises `invalid_request` where a needed one is missing."""
    for path in _paths(urlsplit(issuer).path.rstrip("/")):
        found = await _document(egress, issuer, path)
        if found is not None:
            return _endpoints(found, issuer)
    hint = "Give authorization_endpoint and token_endpoint in oauth_metadata instead."
    raise SkipassError("invalid_request", "The issuer publishes no metadata that can be read.", hint)


def _paths(path: str) -> tuple[str, ...]:
    known = "/.well-known/"
    return (
        f"{path}{known}openid-configuration",
        f"{known}oauth-authorization-server{path}",
        f"{path}{known}oauth-authorization-server",
    )


async def _document(egress: Egress, issuer: str, path: str) -> Mapping[str, Any] | None:
    parts = urlsplit(issuer)
    try:
        answer = await send(egress, f"{parts.scheme}://{parts.netloc}", Call("GET", path), WAIT_S)
    except SnowflakeError as problem:
        raise SkipassError(
            "invalid_request", f"The issuer does not answer: {problem.message}", "Check oauth_metadata.issuer."
        ) from None
    return json_body(answer) if answer.status == 200 else None


def _endpoints(found: Mapping[str, Any], issuer: str) -> dict[str, str]:
    if found.get("issuer") != issuer:
        hint = "Issuers are compared character by character, a slash at the end included."
        raise SkipassError("invalid_request", "The metadata at the issuer's address is another issuer's.", hint)
    named = {name: found[name] for name in _ENDPOINTS if isinstance(found.get(name), str)}
    for name, url in named.items():
        check_url(url, f"The issuer's {name}")
    if not {"authorization_endpoint", "token_endpoint"} <= set(named):
        raise SkipassError("invalid_request", "The issuer's metadata names no authorization and token endpoint.")
    return named


async def send(egress: Egress, base_url: str, call: Call, timeout_s: float) -> Answer:
    """Return the answer of one request over a connection of its own, to an address that may be dialled."""
    from skipass.snowflake.sqlapi.transport import Transport

    target = target_of(None, base_url)
    egress.check_literal(target.host, target.port or (443 if target.scheme == "https" else 80))
    agent = f"skipass/{__version__}"
    transport = Transport(
        target.base_url, user_agent=agent, max_body_bytes=_MAX_BYTES, connector_factory=egress.connector
    )
    try:
        return await transport.send(call, None, timeout_s=timeout_s)
    finally:
        await transport.aclose()
