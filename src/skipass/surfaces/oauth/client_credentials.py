"""How a program says at an endpoint which client it is: by header or by form, never by both, and a secret or none.

Source: RFC 6749 §2.3.1 and §5.2
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

import orjson

from skipass.gateway.tokens_issued import TokenRefused
from skipass.secret import Secret
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.pages import Reply

JSON = {"content-type": "application/json", "cache-control": "no-store", "pragma": "no-cache"}
_STATUS = {"invalid_client": 401, "temporarily_unavailable": 429}


@dataclass(frozen=True, slots=True)
class Presented:
    """The client that a request says to be of, and the secret it shows."""

    id: str
    secret: Secret[str] | None


def presented(headers: Headers, form: Mapping[str, str]) -> Presented:
    """Return the client a request is of; raises `invalid_client` or `invalid_request` where that cannot be told."""
    value = headers.get("authorization")
    if value is None:
        secret = Secret(form["client_secret"]) if form["client_secret"] else None
        return Presented(form["client_id"], secret)
    scheme, _, pair = value.partition(" ")
    try:
        name, sign, text = base64.b64decode(pair.strip(), validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        name, sign, text = "", "", ""
    if scheme.lower() != "basic" or not sign:
        raise TokenRefused("invalid_client", "The client's credential cannot be read.")
    name, text = unquote_plus(name), unquote_plus(text)
    if form["client_secret"] or form["client_id"] not in ("", name):
        raise TokenRefused("invalid_request", "The client says who it is in two ways.")
    return Presented(name, Secret(text))


def refusal(refused: TokenRefused, *, by_header: bool = False) -> Reply:
    """Return a refusal in the words that programs know; who came by header is told the scheme."""
    status = _STATUS.get(refused.error, 400)
    asks = {"www-authenticate": 'Basic realm="skipass", charset="UTF-8"'} if status == 401 and by_header else {}
    asks |= {"retry-after": "60"} if status == 429 else {}
    told = {"error": refused.error, "error_description": refused.message}
    return Reply(status, orjson.dumps(told), {**JSON, **asks})
