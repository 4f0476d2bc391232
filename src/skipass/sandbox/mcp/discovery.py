"""How a client learns where to get a token: the challenge and the protected-resource document.

A bound outside issuer replaces the account's own; while its integration is gone or disabled there is none at all.
Source: https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-agents-mcp and RFC 9728.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from skipass.sandbox.account import Account
from skipass.sandbox.address import base_url
from skipass.sandbox.names import SchemaName, TableName, shown
from skipass.sandbox.oauth.parameters import SCOPES, SERVER, value

PREFIX = "/.well-known/oauth-protected-resource"
AS_PREFIX = "/.well-known/oauth-authorization-server"
_METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
_OPEN = {"Access-Control-Allow-Origin": "*"}


def path_of(name: TableName) -> str:
    """Return the path of a server, names that need quotes encoded with them."""
    database, schema, server = (quote(shown(part), safe="") for part in (name.database, name.schema, name.name))
    return f"/api/v2/databases/{database}/schemas/{schema}/mcp-servers/{server}"


def challenge(request: Request, account: Account, name: TableName) -> dict[str, str]:
    """Return the headers of a 401."""
    url = f"{base_url(request, account)}{PREFIX}{path_of(name)}"
    return {"WWW-Authenticate": f'Bearer resource_metadata="{url}"'}


def resource(request: Request, account: Account, name: TableName) -> Response:
    """Answer the protected-resource document; it tells nothing about whether the server exists."""
    base = base_url(request, account)
    issuers, scopes = _offered(account, base, name.parent)
    body = {
        "resource": base + path_of(name),
        "authorization_servers": issuers,
        "scopes_supported": scopes,
        "bearer_methods_supported": ["header"],
        "resource_name": f"{name.database}.{name.schema}.{name.name}",
    }
    return JSONResponse(body, 200, _OPEN)


def bound(account: Account, schema: SchemaName) -> str | None:
    """Return the integration that alone may bring OAuth tokens to servers of this schema, None if none is bound."""
    return value(account, schema, SERVER)


def _offered(account: Account, base: str, schema: SchemaName) -> tuple[list[str], list[str]]:
    name = bound(account, schema)
    listed = value(account, schema, SCOPES)
    given = [part.strip() for part in listed.split(",")] if listed is not None else None
    if name is None:
        return [f"{base}/oauth"], given if given is not None else ["session:role:all"]
    one = account.sign_in.integrations.get(name)
    if one is None or not one.enabled:
        return [], given or []
    any_role = one.text("EXTERNAL_OAUTH_ANY_ROLE_MODE", "DISABLE") != "DISABLE"
    default = ["session:role-any"] if any_role else []
    return [one.text("EXTERNAL_OAUTH_ISSUER")], given if given is not None else default


def authorization_server(request: Request, account: Account) -> Response:
    """Answer the authorization server's own document, where the account is set to have one.

    Its issuer follows from where it is asked for: the account with `/oauth` as in the resource document, else its root.
    """
    if account.switches.authorization_metadata != "served":
        return Response(b"", 404)
    base = base_url(request, account)
    own = request.url.path.rstrip("/") == f"{AS_PREFIX}/oauth"
    body = {
        "issuer": f"{base}/oauth" if own else base,
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token-request",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": _METHODS,
        "scopes_supported": ["refresh_token", "session:role:all"],
    }
    return JSONResponse(body, 200, _OPEN)
