"""Declared connections held against those that are there: what is made, what changes, and what cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from skipass.cli.client import Gateway, segment
from skipass.cli.declared.document import Declared
from skipass.cli.declared.plan import Action, Call, Difference, Step, differences
from skipass.cli.declared.world import View
from skipass.cli.failures import Refusal
from skipass.ids import digest
from skipass.secret import Secret
from skipass.snowflake.account import parse_account, target_of
from skipass.snowflake.auth.keys import fingerprint, load_private_key, public_der
from skipass.snowflake.errors import SnowflakeConfigError

_PLAIN = ("role", "allowed_roles", "warehouse", "database", "schema", "policy")
_SETTINGS = ("login_claim", "verify_end_users", "probe_minutes")
_LATER = ("probe_minutes",)
_USUAL: Mapping[str, Any] = {"verify_end_users": True}
_AS_GIVEN = ("issuer", "scope", "authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri")
_OTHER = "another one is another connection: give it another name, then skipass connection disable {name}"


def made(door: Gateway, one: Declared) -> tuple[Step, list[str]]:
    """Return the step that registers a connection, and what the gateway finds wrong with it."""
    body = {"name": one.name, **one.fields, **{name: secret.reveal() for name, secret in one.secrets.items()}}
    later = {name: body.pop(name) for name in _LATER if name in body}
    _paste_secret(body)
    calls = [Call("/connections", body)]
    calls += [Call(f"/connections/{segment(one.name)}/change", later)] if later else []
    faults: list[str] = []
    try:
        door.post("/connections/check", body)
    except Refusal as refusal:
        faults.append(_told(one, refusal))
    shown = tuple(Difference(name, None, value) for name, value in one.fields.items() if name != "oauth_metadata")
    return Step("connection", one.name, Action.CREATE, shown, tuple(calls)), faults


def _paste_secret(body: dict[str, Any]) -> None:
    """Put the client's secret where the gateway takes it: for a provider it is a member of what was pasted."""
    if body.get("oauth_metadata") is not None and "client_secret" in body:
        body["oauth_metadata"] = {**body["oauth_metadata"], "client_secret": body.pop("client_secret")}


def compared(door: Gateway, one: Declared) -> tuple[Step, list[str]]:
    """Return the step that makes a connection what is declared of it, and what of it cannot be made so."""
    path = f"/connections/{segment(one.name)}"
    seen = door.get(path)
    faults = [f"{one.where}: {said}" for said in _fixed(one, seen)]
    wanted = {name: one.fields[name] for name in (*_PLAIN, *_SETTINGS) if name in one.fields}
    try:
        found = _differences(seen, door.post(f"{path}/change", {**wanted, "dry_run": True}))
    except Refusal as refusal:
        return Step("connection", one.name, Action.SAME), [*faults, _told(one, refusal)]
    calls = [Call(f"{path}/change", wanted)] if found else []
    for more, asked in (_credential(one, seen), _client(one, seen)):
        found, calls = (*found, *more), [*calls, *asked]
    return Step("connection", one.name, Action.CHANGE if found else Action.SAME, found, tuple(calls)), faults


def _differences(seen: View, after: View) -> tuple[Difference, ...]:
    return differences(_members(seen), _members(after))


def _members(view: View) -> dict[str, Any]:
    settings = {name: view["settings"].get(name, _USUAL.get(name)) for name in _SETTINGS}
    return {name: view[name] for name in _PLAIN} | settings


def _fixed(one: Declared, seen: View) -> Iterator[str]:
    """Yield what is declared otherwise than it is, and cannot be changed, with what helps."""
    if seen["state"] != "enabled":
        yield f"it is disabled: skipass connection enable {one.name}"
    declared = {"auth_method": one.fields.get("auth", "key_pair")}
    declared |= {name: one.fields[name] for name in ("login", "per_user", "template") if name in one.fields}
    for name, value in declared.items():
        if seen[name] != value:
            yield f"{name} is {seen[name]!r}, not {value!r}; {_OTHER.format(name=one.name)}"
    yield from _elsewhere(one, seen)
    yield from _registered(one, seen)


def _elsewhere(one: Declared, seen: View) -> Iterator[str]:
    account = one.fields.get("account")
    if account is None or seen["template"]:
        return
    try:
        base_url = target_of(parse_account(account), one.fields.get("host")).base_url
        same = parse_account(account).host == parse_account(seen["account"]).host
    except SnowflakeConfigError as error:
        yield error.message
        return
    if not same or ("host" in one.fields and base_url != seen["host"]):
        yield f"it leads to {seen['account']} at {seen['host']}; {_OTHER.format(name=one.name)}"


def _credential(one: Declared, seen: View) -> tuple[tuple[Difference, ...], tuple[Call, ...]]:
    """Return what replaces the key or token that serves everybody, told by its fingerprint."""
    kept = (seen.get("credential") or {}).get("fingerprint")
    key, token = one.secrets.get("private_key"), one.secrets.get("token")
    if key is not None:
        name, secret, given = "private_key", key, _fingerprint(key)
    elif token is not None:
        name, secret, given = "token", token, digest(b"pat", token.reveal().encode())[:32]
    else:
        return (), ()
    call = Call(f"/connections/{segment(one.name)}/credential", {name: secret.reveal()})
    return ((Difference(name, kept, given),), (call,)) if given != kept else ((), ())


def _fingerprint(key: Secret[str]) -> str:
    return fingerprint(public_der(load_private_key(key.reveal())))


def _registered(one: Declared, seen: View) -> Iterator[str]:
    """Yield what of a provider's metadata is registered otherwise; a secret is never compared."""
    pasted, clients = one.fields.get("oauth_metadata"), seen["registrations"]
    if pasted is None or len(clients) != 1 or not clients[0]["metadata"]:
        return
    kept = {**clients[0]["metadata"], "client_id": clients[0]["client_id"]}
    for name in ("client_id", *_AS_GIVEN):
        if name in pasted and name in kept and " ".join(str(pasted[name]).split()) != kept[name]:
            yield f"oauth_metadata.{name} is {kept[name]!r}, not {pasted[name]!r}; {_OTHER.format(name=one.name)}"


def _client(one: Declared, seen: View) -> tuple[tuple[Difference, ...], tuple[Call, ...]]:
    """Return what changes of the client; its secret goes along and is not compared."""
    clients = seen["registrations"]
    if len(clients) == 1 and "oauth_metadata" in one.fields and not clients[0]["metadata"]:
        return _awaited(one, clients[0])
    if len(clients) != 1 or "client_id" not in one.fields:
        return (), ()
    names = [name for name in ("client_id", "client_auth") if name in one.fields]
    found = differences({name: clients[0][name] for name in names}, {name: one.fields[name] for name in names})
    secrets = {
        name: one.secrets[name].reveal() for name in ("client_secret", "client_private_key") if name in one.secrets
    }
    body = {name: one.fields[name] for name in names} | secrets
    return (found, (Call(f"/registrations/{segment(clients[0]['id'])}/client", body),)) if found else ((), ())


def _awaited(one: Declared, client: View) -> tuple[tuple[Difference, ...], tuple[Call, ...]]:
    """Return what gives a provider's client to a registration that waits for it."""
    body: dict[str, Any] = {"oauth_metadata": one.fields["oauth_metadata"]}
    body |= {
        name: one.secrets[name].reveal() for name in ("client_secret", "client_private_key") if name in one.secrets
    }
    _paste_secret(body)
    client_id = one.fields["oauth_metadata"].get("client_id")
    return (Difference("client_id", None, client_id),), (Call(f"/registrations/{segment(client['id'])}/client", body),)


def _told(one: Declared, refusal: Refusal) -> str:
    return f"{one.where}: {refusal.message}" + (f" {refusal.hint}" if refusal.hint else "")
