"""Where a browser is sent to sign in: Snowflake's own server, or the identity provider's. Pure."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

from skipass.gateway.client_drafting import redirect_uri
from skipass.gateway.oauth_metadata import scope_for
from skipass.nouns.account import Registration
from skipass.nouns.connection import AuthMethod, Connection
from skipass.snowflake.auth.oauth import authorization_url, scope_of


def departure_url(
    base_url: str, connection: Connection, registration: Registration, role: str, state: str, challenge: str
) -> str:
    """Return the address to send a browser to: Snowflake's own server, or the provider's with the configured scope.

    Source: RFC 6749 §4.1.1, RFC 7636 §4.3
    """
    back = redirect_uri(base_url, registration)
    if connection.auth_method is AuthMethod.SNOWFLAKE_OAUTH:
        asked = {"redirect_uri": back, "scope": scope_of(role), "state": state, "challenge": challenge}
        return authorization_url(registration.host, client_id=registration.client_id, **asked)
    query = {
        "client_id": registration.client_id,
        "response_type": "code",
        "redirect_uri": back,
        "scope": scope_for(str(registration.metadata["scope"]), role),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    endpoint = str(registration.metadata["authorization_endpoint"])
    joint = "&" if urlsplit(endpoint).query else "?"
    return f"{endpoint}{joint}{urlencode(query, quote_via=quote)}"


def origin_of(connection: Connection, registration: Registration) -> str:
    """Return the origin that a browser is sent to by a registration."""
    url = registration.host
    if connection.auth_method is AuthMethod.EXTERNAL_OAUTH:
        url = str(registration.metadata["authorization_endpoint"])
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
