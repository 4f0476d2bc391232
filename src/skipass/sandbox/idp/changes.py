"""What a test changes of the provider: keys, people, what its server issues; and tokens minted on demand, good or bad.

Knows nothing of how the wish came in. Every value that is not understood is a ValueError or a KeyError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from joserfc.jwk import RSAKey

from skipass.sandbox import passwords
from skipass.sandbox.idp import tokens
from skipass.sandbox.idp.model import Client, Person, Rule, Server
from skipass.sandbox.idp.provider import Provider

_FOREIGN = "somebody-else"
_LIVES = ("access_life_s", "refresh_life_s")


def run(provider: Provider, wish: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out `action` and return what it made; what changed is kept."""
    name = wish["action"]
    if name not in _ACTIONS:
        raise ValueError(f"action is one of {', '.join(_ACTIONS)}")
    given = {key: value for key, value in wish.items() if key != "action"}
    answer = _ACTIONS[name](provider, given)
    provider.saved()
    return answer


def _rotate(provider: Provider, given: dict[str, Any]) -> dict[str, Any]:
    """Sign with a new key from now on, and publish `keep` old ones (1)."""
    return {"kid": provider.directory.rotate(keep=int(given.get("keep", 1)))}


def _disable(provider: Provider, given: dict[str, Any]) -> dict[str, Any]:
    provider.directory.people[given["login"]].disabled = True
    return {"login": given["login"]}


def _enable(provider: Provider, given: dict[str, Any]) -> dict[str, Any]:
    provider.directory.people[given["login"]].disabled = False
    return {"login": given["login"]}


def _person(provider: Provider, given: dict[str, Any]) -> dict[str, Any]:
    """Make or change a person: `login`, `password`, `name`, `email`, `groups`."""
    login = str(given.pop("login")).lower()
    person = provider.directory.people.setdefault(login, Person(login, login, login, ""))
    for name, value in given.items():
        if name == "password":
            person.password = passwords.sealed(str(value))
        elif name == "groups":
            person.groups = tuple(map(str, value))
        elif name in ("name", "email"):
            setattr(person, name, str(value))
        else:
            raise ValueError(f"a person has no {name!r}")
    return {"login": login, "groups": list(person.groups)}


def _server(provider: Provider, given: dict[str, Any]) -> dict[str, Any]:
    """Change what a server issues: `audience`, `scp`, lives, `refresh_rotates`; `rules` replace its policy.

    `id` names one beside the first, which is made like the first if it is not there yet.
    """
    server = _chosen(provider, str(given.pop("id", "")))
    for name, value in given.items():
        if name not in _SERVER:
            raise ValueError(f"a server has no {name!r}; known: {', '.join(_SERVER)}")
        _SERVER[name](server, value)
    return {"issuer": provider.issuer(server.id)}


def _chosen(provider: Provider, name: str) -> Server:
    servers = provider.directory.servers
    first = next(iter(servers.values()))
    if name and not name.isalnum():
        raise ValueError("the id of a server is letters and digits")
    return servers.setdefault(name, Server(name, first.audience, first.scopes, first.rules)) if name else first


def _client(provider: Provider, given: dict[str, Any]) -> dict[str, Any]:
    """Make or change an application: `id`, `secret` (empty makes it public), `redirect_uris`, `any_loopback`."""
    name = str(given.pop("id"))
    client = provider.directory.clients.setdefault(name, Client(name))
    for key, value in given.items():
        if key == "redirect_uris":
            client.redirect_uris = tuple(map(str, value))
        elif key == "any_loopback":
            client.any_loopback = bool(value)
        elif key == "secret":
            client.secret = str(value)
        else:
            raise ValueError(f"a client has no {key!r}")
    return {"id": name}


def _set_rules(server: Server, value: Any) -> None:
    """Each rule is a list of scopes, or `{"scopes", "groups"?, "clients"?}`; the first that fits decides."""
    read = [one if isinstance(one, dict) else {"scopes": one} for one in value]
    server.rules = tuple(
        Rule(*(frozenset(one.get(key, ())) for key in ("scopes", "clients", "groups"))) for one in read
    )
    server.scopes |= frozenset().union(*(rule.scopes for rule in server.rules))


def _set_scp(server: Server, value: Any) -> None:
    if value not in ("list", "text"):
        raise ValueError("scp is list or text")
    server.scp_as_text = value == "text"


def _set_audience(server: Server, value: Any) -> None:
    server.audience = str(value)


def _set_rotation(server: Server, value: Any) -> None:
    server.refresh_rotates = bool(value)


def _life(name: str) -> Callable[[Server, Any], None]:
    return lambda server, value: setattr(server, name, int(value))


_SERVER: dict[str, Callable[[Server, Any], None]] = {
    "audience": _set_audience,
    "scp": _set_scp,
    "rules": _set_rules,
    "refresh_rotates": _set_rotation,
    **{name: _life(name) for name in _LIVES},
}


def _mint(provider: Provider, given: dict[str, Any]) -> dict[str, Any]:
    """Sign an access token for `login` and `scope`; `claims` replace its own (null drops one), `key` may be "other".

    `expires_in` is in seconds from now and may be negative.
    """
    directory, server = provider.directory, _chosen(provider, str(given.get("server", "")))
    person = Person(str(given["login"]).lower(), "", "", "")
    scopes = tuple(str(given.get("scope", "")).split())
    now = provider.now()
    issuer = provider.issuer(server.id)
    claims = tokens.access_claims(issuer, server, Client(_FOREIGN), person, scopes, now)
    if "expires_in" in given:
        claims["exp"] = claims["iat"] + int(given["expires_in"])
        claims["iat"] = min(claims["iat"], claims["exp"])
    changed = claims | dict(given.get("claims", {}))
    kept = {name: value for name, value in changed.items() if value is not None}
    key = directory.signing_key()
    if given.get("key", "own") == "other":
        key = RSAKey.generate_key(2048, {"kid": key.kid or ""}, private=True)
    return {"token": tokens.signed(key, kept)}


_ACTIONS: dict[str, Callable[[Provider, dict[str, Any]], dict[str, Any]]] = {
    "rotate": _rotate,
    "disable": _disable,
    "enable": _enable,
    "person": _person,
    "client": _client,
    "server": _server,
    "mint": _mint,
}
