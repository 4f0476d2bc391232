"""What the forms of the connect wizard hold: the ways to sign in, in plain words, and from what is typed to a request.

A secret is in no address and in no page: it comes with the form that uses it, and goes on to be sealed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.client_drafting import ClientRequest
from skipass.gateway.drafting import OAUTH, ConnectionRequest
from skipass.gateway.setup_scripts import Trusted, checked_schema
from skipass.gateway.worksheets import Wish
from skipass.nouns.connection import AuthMethod
from skipass.secret import Secret
from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.identifiers import body_field
from skipass.surfaces.edge.strict_json import parse_json

TYPED = ("method", "name", "account", "host", "role", "roles", "warehouse", "schema", "login", "claim", "egress")
"""What may stand in an address: none of it is secret."""
SECRETS = ("key", "private_key", "passphrase", "token")
PROVIDER = ("idp", "issuer", "keys_url", "audience")


@dataclass(frozen=True, slots=True)
class Method:
    """One way to sign in as people choose it: what it is called, who it is for, and what it takes of them."""

    word: str
    title: str
    told: str
    auth: AuthMethod
    template: bool = False

    @property
    def by_login(self) -> bool:
        """Whether one login of Snowflake serves everybody."""
        return self.auth in (AuthMethod.KEY_PAIR, AuthMethod.PAT)


METHODS: Sequence[Method] = (
    Method(
        "snowflake_oauth",
        "Each person signs in to Snowflake",
        "Agents work as that person, with a role they agreed to. The usual choice for a team. An account administrator "
        "makes a security integration once.",
        AuthMethod.SNOWFLAKE_OAUTH,
    ),
    Method(
        "external_oauth",
        "Each person signs in with your identity provider",
        "For accounts that trust Okta, Entra ID, PingFederate or another provider. You register a client there.",
        AuthMethod.EXTERNAL_OAUTH,
    ),
    Method(
        "external_oauth_issuer",
        "The gateway vouches for each person",
        "Nobody signs in to Snowflake: the account trusts the gateway, and you say which login each person is.",
        AuthMethod.EXTERNAL_OAUTH_ISSUER,
    ),
    Method(
        "key_pair",
        "One service user, by key pair",
        "Quickest to try. Everybody's agents share one user of Snowflake; the gateway can make the key itself.",
        AuthMethod.KEY_PAIR,
    ),
    Method(
        "pat",
        "One service user, by programmatic access token",
        "Where keys are not allowed. The token has an end, and its user needs a network policy.",
        AuthMethod.PAT,
    ),
    Method(
        "template",
        "Customers bring their own Snowflake account",
        "A template: each account is registered by its own administrator, and its people sign in to it.",
        AuthMethod.SNOWFLAKE_OAUTH,
        template=True,
    ),
    Method(
        "template_external",
        "Customers bring their own account and identity provider",
        "A template whose accounts each trust a provider of their own.",
        AuthMethod.EXTERNAL_OAUTH,
        template=True,
    ),
)
_BY_WORD: Mapping[str, Method] = {one.word: one for one in METHODS}
_WORD = re.compile(r'"(?:[^"]|"")+"|[^\s,"]+')
_USUAL = {"role": "SKIPASS_READER", "warehouse": "SKIPASS_WH", "login": "SKIPASS_AGENT"}


def method_of(word: str) -> Method | None:
    """Return the way to sign in of a word, None for none."""
    return _BY_WORD.get(word)


def typed(query: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed, with the usual names where nothing was yet."""
    begun = "name" in query
    return {name: query.get(name, "" if begun else _USUAL.get(name, "")).strip() for name in TYPED}


def wanted(method: Method, given: Mapping[str, str], secrets: Mapping[str, str] | None = None) -> ConnectionRequest:
    """Return the connection that a form asks for; raises `invalid_request` for what is no name in SQL."""
    brought = {**dict.fromkeys(SECRETS, ""), **(secrets or {})}
    client = ClientRequest() if method.auth in OAUTH and not method.template else None
    database, schema = checked_schema(given["schema"]) if given["schema"] else (None, None)
    claimed = method.auth is AuthMethod.EXTERNAL_OAUTH_ISSUER and given["claim"]
    settings: dict[str, Any] = {"login_claim": given["claim"]} if claimed else {}
    return ConnectionRequest(
        name=given["name"],
        role=folded(given["role"]) or "",
        account="" if method.template else given["account"],
        login=given["login"] if method.by_login else "",
        host=None if method.template else given["host"] or None,
        warehouse=folded(given["warehouse"]),
        database=database,
        schema=schema,
        allowed_roles=tuple(folded(one) or "" for one in words(given["roles"])),
        auth_method=method.auth,
        template=method.template,
        client=client,
        settings=settings,
        **_secrets(method, brought),
    )


def _secrets(method: Method, brought: Mapping[str, str]) -> dict[str, Any]:
    if method.auth is AuthMethod.PAT:
        return {"token": secret(brought["token"])}
    if method.auth is not AuthMethod.KEY_PAIR:
        return {}
    if brought["key"] == "own":
        return {"own_key": True}
    return {"private_key": secret(brought["private_key"]), "passphrase": secret(brought["passphrase"])}


def wish(given: Mapping[str, str]) -> Wish:
    """Return what a script is to hold beside what is the connection's own."""
    trusted = Trusted(**{name: given.get(name, "") or ("custom" if name == "idp" else "") for name in PROVIDER})
    return Wish(
        schema=given.get("schema", ""),
        users=tuple(words(given.get("users", ""))),
        write=given.get("write", "") == "yes",
        egress=tuple(words(given.get("egress", ""))),
        trusted=trusted,
    )


def client_request(given: Mapping[str, str]) -> ClientRequest:
    """Return the client that a form hands in: id and secret, or a provider's `oauth_metadata` as people have it."""
    if not given["oauth_metadata"].strip():
        return ClientRequest(client_id=given["client_id"].strip(), secret=secret(given["client_secret"]))
    read = parse_json(given["oauth_metadata"].encode("utf-8", "replace"), max_depth=8, max_tokens=500)
    inner = read.get("oauth_metadata", read) if isinstance(read, dict) else None
    if not isinstance(inner, dict):
        raise SkipassError("invalid_request", "oauth_metadata is a JSON object.", 'It starts with "{".')
    return ClientRequest(oauth_metadata=inner)


def secret(text: str) -> Secret[str] | None:
    """Return what was pasted as a secret, None for nothing."""
    return Secret(text.strip()) if text.strip() else None


def words(text: str) -> list[str]:
    """Return what a field holds more than one of, parted by commas or blanks; what is in double quotes is one."""
    return _WORD.findall(text)


def folded(name: str) -> str | None:
    """Return a name as Snowflake stores it, from how it is written in SQL; None for nothing."""
    if not name:
        return None
    try:
        return body_field(name)
    except SnowflakeConfigError as error:
        raise SkipassError("invalid_request", error.message, error.hint) from None
