"""What our authorization server, and each slug as a resource, say of themselves: for everybody, from anywhere.

Source: RFC 8414 §2 and §3; RFC 9207 §3; RFC 9728 §2 and §3; draft-ietf-oauth-client-id-metadata-document-00 §5
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.gateway.oauth_scopes import FIRST, SCOPES
from skipass.surfaces.edge.guide import RESOURCE_METADATA
from skipass.surfaces.edge.pages import Reply
from skipass.surfaces.edge.requests import Asked

METADATA_PATH = "/.well-known/oauth-authorization-server"
CLIENT_CREDENTIALS = "client_credentials"
CODE = "authorization_code"
REFRESH = "refresh_token"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_SLUG = re.compile(rf"{RESOURCE_METADATA}/([a-z0-9][a-z0-9-]{{0,39}})/mcp", re.ASCII)
_OPEN = {"access-control-allow-origin": "*", "cache-control": "no-store"}
_ASKED_FIRST = {"access-control-allow-methods": "GET", "access-control-allow-headers": "*"}


class Metadata:
    """`/.well-known/oauth-authorization-server` and `/.well-known/oauth-protected-resource/{slug}/mcp`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def answer(self, asked: Asked) -> Reply:
        """Return a document; a browser that asks first whether its page may is told so. Raises `not_found`."""
        if asked.method == "OPTIONS":
            return Reply(204, b"", {**_OPEN, **_ASKED_FIRST})
        slug = _SLUG.fullmatch(asked.path)
        if asked.method != "GET" or not (slug or asked.path == METADATA_PATH):
            raise SkipassError("not_found", "There is no such document.")
        told = await self._resource(slug[1]) if slug else self._server()
        return Reply(200, orjson.dumps(told), {"content-type": "application/json", **_OPEN})

    def _server(self) -> dict[str, Any]:
        deps = self._gateway.deps
        issuer, rules = deps.base_url, deps.mcp_clients
        methods = ["client_secret_basic", "client_secret_post", "none"]
        told = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/oauth/authorize",
            "token_endpoint": f"{issuer}/oauth/token",
            "device_authorization_endpoint": f"{issuer}/oauth/device_authorization",
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "scopes_supported": list(SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": [CODE, REFRESH, CLIENT_CREDENTIALS, DEVICE],
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "client_id_metadata_document_supported": rules.documents,
            "skipass_one_time_links": deps.provider is None,
        }
        return told | ({"registration_endpoint": f"{issuer}/oauth/register"} if rules.registration else {})

    async def _resource(self, slug: str) -> dict[str, Any]:
        resource = await self._gateway.consents.resource(slug)
        if resource is None:
            raise SkipassError("not_found", "There is no MCP server at this address.")
        return {
            "resource": resource,
            "resource_name": f"skipass: {slug}",
            "authorization_servers": [self._gateway.deps.base_url],
            "bearer_methods_supported": ["header"],
            "scopes_supported": list(FIRST),
        }
