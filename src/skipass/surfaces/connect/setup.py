"""What the forms of a set-up link hold: an account, the client it is reached by, the provider it is to trust."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.client_drafting import ClientRequest
from skipass.gateway.setup_links import Invited
from skipass.gateway.setup_scripts import Trusted
from skipass.nouns.connection import AuthMethod
from skipass.secret import Secret
from skipass.surfaces.edge.strict_json import parse_json

_PROVIDER = ("idp", "issuer", "keys_url", "audience")
SETUP_FIELDS = ("link", "account", "schema", "client_id", "client_secret", "oauth_metadata", "word", *_PROVIDER)


def client(form: Mapping[str, str]) -> ClientRequest:
    """Return the client that a form hands in."""
    secret = Secret(form["client_secret"]) if form["client_secret"] else None
    metadata = _metadata(form["oauth_metadata"]) if form["oauth_metadata"].strip() else None
    return ClientRequest(account=form["account"], client_id=form["client_id"], secret=secret, oauth_metadata=metadata)


def _metadata(pasted: str) -> Mapping[str, Any]:
    """Return the object that was pasted, with or without its name around it."""
    read = parse_json(pasted.encode("utf-8", "replace"), max_depth=8, max_tokens=500)
    inner = read.get("oauth_metadata", read) if isinstance(read, dict) else None
    if not isinstance(inner, dict):
        raise SkipassError("invalid_request", "oauth_metadata is a JSON object.", 'It starts with "{".')
    return inner


def trusted(form: Mapping[str, str]) -> Trusted:
    """Return the provider that a form names."""
    return Trusted(**{name: form[name] for name in _PROVIDER})


def by_provider(invited: Invited | None) -> bool:
    """Return whether the account is to trust an identity provider of its customer."""
    return invited is not None and invited.connection.auth_method is AuthMethod.EXTERNAL_OAUTH
