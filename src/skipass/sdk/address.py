"""Where the gateway is and by what it is called: arguments first, then the environment. Nothing is sent here."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from skipass.sdk.codes import InvalidRequest, Unauthenticated
from skipass.secret import Secret

DEFAULT_URL = "http://127.0.0.1:8787"
_PARTS = ("/api/v1", "/api/v2/statements", "/mcp", "/console")


@dataclass(frozen=True, slots=True)
class Settings:
    """A gateway's address, and an API key or a client's id and secret."""

    base_url: str
    api_key: Secret[str] | None = None
    client_id: str | None = None
    client_secret: Secret[str] | None = None


def settings_from_env(
    base_url: str | None,
    api_key: str | None,
    client_id: str | None,
    client_secret: str | None,
) -> Settings:
    """Return the settings that the arguments name, and of what they leave out those of `SKIPASS_…`.

    A credential that is passed keeps the environment's out. Raises `InvalidRequest` for an address that a credential
    is not sent to, `Unauthenticated` without a credential.
    """
    if not (api_key or client_id or client_secret):
        api_key = os.environ.get("SKIPASS_API_KEY")
        if not api_key:
            client_id, client_secret = os.environ.get("SKIPASS_CLIENT_ID"), os.environ.get("SKIPASS_CLIENT_SECRET")
    url = checked_url(base_url or os.environ.get("SKIPASS_URL") or DEFAULT_URL)
    if api_key and not client_id and not client_secret:
        return Settings(url, Secret(api_key))
    if client_id and client_secret and not api_key:
        return Settings(url, None, client_id, Secret(client_secret))
    hint = "Pass api_key, or client_id and client_secret; or set SKIPASS_API_KEY."
    raise Unauthenticated(message="Neither an API key nor a client id with its secret, or both.", hint=hint)


def checked_url(url: str) -> str:
    """Return the address without a trailing slash; raises `InvalidRequest` unless it is https or this machine's.

    Also for the address of a part, such as that of an MCP server, which a person may have copied.
    """
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    strange = parts.query or parts.fragment or parts.username is not None
    if parts.scheme not in ("http", "https") or not host or strange:
        hint = "Example: https://skipass.example.com"
        raise InvalidRequest(message="The gateway's address is not an http or https URL.", hint=hint)
    if parts.scheme == "http" and not _loopback(host):
        message = f"A credential is not sent to {host} over plain http."
        raise InvalidRequest(message=message, hint="Use https, or an address of this machine.")
    path = parts.path.rstrip("/")
    if path.endswith(_PARTS):
        message = f"{path} is a part of a gateway, not the gateway's address."
        raise InvalidRequest(message=message, hint=f"Leave it out: {parts.scheme}://{parts.netloc}")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
