"""Connections: the list, one of them with its clients and keys, and what an admin changes about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from skipass.errors import SkipassError
from skipass.gateway.connections import Known
from skipass.gateway.people import require
from skipass.gateway.probe import SETTING as PROBE_MINUTES
from skipass.gateway.setup_scripts import checked_schema
from skipass.nouns.account import Registration
from skipass.nouns.connection import AuthMethod, Switch
from skipass.nouns.principal import Principal, Role
from skipass.snowflake.setup_sql import disable_integration, integration_name, set_issuer_key
from skipass.surfaces.console.connection_views import clients, editable, facts, last_test, line, policy_of, takes
from skipass.surfaces.console.frame import Frame, last_step
from skipass.surfaces.console.programs import programs
from skipass.surfaces.console.testing import tested
from skipass.surfaces.console.wizard_forms import client_request, folded, secret, words
from skipass.surfaces.edge.answers import STATUS
from skipass.surfaces.edge.cookies import form_token
from skipass.surfaces.edge.pages import Reply, moved
from skipass.surfaces.edge.requests import Asked, SignedIn
from skipass.surfaces.edge.streamed import Streamed

_HERE = "/console/connections"
_READERS = frozenset({Role.ADMIN, Role.AUDITOR})
_PAGE = 50
_MOST_BYTES = 65_536
_EDITED = ("role", "roles", "warehouse", "schema", "host", "claim", "probe")
_FIELDS = (
    *("word", "what", "sure", "user", "login", "private_key", "passphrase", "token"),
    *("client_id", "client_secret", "oauth_metadata", *_EDITED),
)
_CONFIRM: Mapping[str, str] = {
    "disable": "Nothing on this connection is admitted any more. Sessions on it end, and what runs is cancelled.",
    "unregister": "Nobody connects by this client any more, and what was connected by it is no longer refreshed.",
    "revoke-keys": "The signing keys are destroyed and cannot be had back. Every session on this connection ends.",
    "unmap": "The gateway no longer vouches for this person here. What runs as them ends.",
}
"""What is asked about first, and what it does."""


class ConnectionPages:
    """`/console/connections…`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway

    async def list(self, asked: Asked) -> Reply:
        """Show a page of connections by name."""
        by, after = await self._frame.caller(asked), asked.named().get("after", "")
        found = await self._gateway.connections.list(by.principal, after=after, limit=_PAGE + 1)
        more = quote(found[_PAGE - 1].name, safe="") if len(found) > _PAGE else None
        rows, may_add = [line(one) for one in found[:_PAGE]], Role.ADMIN in by.principal.roles
        return self._frame.page("connections.html", by, here=_HERE, rows=rows, more=more, after=after, may_add=may_add)

    async def show(self, asked: Asked) -> Reply:
        """Show one connection, to admins with what can be changed about it."""
        by = await self._frame.caller(asked)
        return await self._page(by, last_step(asked), sought=asked.named())

    async def change(self, asked: Asked) -> Reply | Streamed:
        """Do one thing with a connection; what cannot be taken back is asked about first."""
        name = last_step(asked)
        by, form = await self._frame.posted(asked, f"connection\0{name}", *_FIELDS, most_bytes=_MOST_BYTES)
        require(by.principal, Role.ADMIN)
        known = await self._gateway.connections.show(by.principal, name)
        if form["word"] == "test":
            return tested(self._frame, by, known.connection.name)
        if form["word"] in _CONFIRM and form["sure"] != "yes":
            return self._confirm(by, name, form)
        try:
            said = await self._done(by.principal, known, form)
        except SkipassError as problem:
            return await self._page(by, name, form, problem)
        return await self._page(by, name, said=said) if said else moved(f"{_HERE}/{name}")

    def _confirm(self, by: SignedIn, name: str, form: Mapping[str, str]) -> Reply:
        fields = {one: form[one] for one in ("word", "what", "user") if form[one]}
        around: dict[str, Any] = {"action": f"{_HERE}/{name}", "fields": fields, "told": _CONFIRM[form["word"]]}
        around |= {"title": f"{form['word'].capitalize().replace('-', ' ')}: {name}", "label": "Yes, do it"}
        token = form_token(by.cookie, f"connection\0{name}")
        return self._frame.page("sure.html", by, here=_HERE, form=token, **around)

    async def _done(self, principal: Principal, known: Known, form: Mapping[str, str]) -> dict[str, Any]:
        """Do it, and return what the page has to say of it beyond what it shows then."""
        name, gateway = known.connection.name, self._gateway
        match form["word"]:
            case "change":
                await gateway.changing.change(principal, name, _changes(known, form))
            case "disable":
                await gateway.connections.disable(principal, name)
            case "enable":
                await gateway.changing.enable(principal, name)
            case "credential":
                given = {one: secret(form[one]) for one in ("private_key", "passphrase", "token")}
                await gateway.replacing.replace(principal, name, **given)
            case "client":
                _, remarks = await gateway.registrations.set_client(principal, _own(known, form), client_request(form))
                return {"remarks": remarks} if remarks else {}
            case "unregister":
                await gateway.registrations.disable(principal, _own(known, form))
            case "invite":
                link, token = await gateway.registrations.invite(principal, name)
                url = f"{gateway.deps.base_url}/connect/setup#{token.reveal()}"
                return {"link": url, "until": link.expires_at}
            case _:
                return await self._vouched(principal, name, form)
        return {}

    async def _vouched(self, principal: Principal, name: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Do what a connection has whose account trusts the gateway."""
        gateway = self._gateway
        match form["word"]:
            case "prepare":
                _, key = await gateway.issuing.prepare(principal, name)
                second = key.credential.generation % 2 == 0
                return {"sql": set_issuer_key(integration_name(name), key.public_key, second=second)}
            case "activate":
                await gateway.issuing.activate(principal, name)
            case "revoke-keys":
                await gateway.issuing.revoke(principal, name)
                return {"sql": disable_integration(integration_name(name))}
            case "map":
                await gateway.mappings.set(principal, name, form["user"].strip(), form["login"].strip())
            case "unmap":
                await gateway.mappings.remove(principal, name, form["user"])
            case _:
                raise SkipassError("invalid_request", "The form does not say what to do.")
        return {}

    async def _page(
        self,
        by: SignedIn,
        name: str,
        form: Mapping[str, str] | None = None,
        problem: SkipassError | None = None,
        said: Mapping[str, Any] | None = None,
        sought: Mapping[str, str] = MappingProxyType({}),
    ) -> Reply:
        account, person = (sought.get(one, "").strip() for one in ("account", "person"))
        known = await self._gateway.connections.show(by.principal, name)
        connection, given = known.connection, editable(known.connection)
        edited = form is not None and form["word"] == "change"
        values: dict[str, Any] = {
            "name": connection.name,
            "id": connection.id,
            "disabled": connection.state is Switch.DISABLED,
            "is_template": connection.template,
            "facts": facts(known),
            "policy": policy_of(connection),
            "clients": clients(_sought(known.registrations, account), self._gateway.deps.base_url),
            "clients_count": len(known.registrations),
            "sought": account,
            "person": person,
            "takes": takes(connection),
            "given": {one: form[one] for one in _EDITED} if edited and form else given,
            "typed": {one: form[one] if form else "" for one in ("client_id", "user", "login")},
            "may_change": Role.ADMIN in by.principal.roles,
            "problem": problem,
            "said": dict(said or {}),
            "form": form_token(by.cookie, f"connection\0{connection.name}"),
        }
        values |= await self._trust(by.principal, known, person) | {"tested": await self._tested(by.principal, known)}
        values |= await programs(self._gateway, by.principal, connection)
        status = STATUS[problem.kind] if problem else 200
        return self._frame.page("connection.html", by, here=_HERE, status=status, **values)

    async def _tested(self, principal: Principal, known: Known) -> dict[str, Any] | None:
        """Return what the last test found, to those who may read the record."""
        if not _READERS & principal.roles:
            return None
        return last_test(await self._gateway.searching.latest(principal, "connection.tested", known.connection.id))

    async def _trust(self, principal: Principal, known: Known, person: str) -> dict[str, Any]:
        """Return the signing keys and first logins of a connection that vouches, to those who may see them."""
        sees = _READERS & principal.roles
        if known.connection.auth_method is not AuthMethod.EXTERNAL_OAUTH_ISSUER or not sees:
            return {"keys": [], "logins": [], "logins_count": 0}
        name = known.connection.name
        _, keys = await self._gateway.issuing.keys(principal, name)
        logins = await self._gateway.mappings.list(principal, name)
        shown = [{"id": one.credential.fingerprint, "state": one.credential.state.value} for one in keys]
        every = sorted((one.user, one.mapping.login) for one in logins if one.mapping.login)
        fit = [one for one in every if person.lower() in one[0].lower()]
        return {"keys": shown, "logins": fit[:_PAGE], "logins_count": len(every)}


def _sought(registrations: Sequence[Registration], text: str) -> Sequence[Registration]:
    """Return the first clients whose account has a text in its name."""
    fit = [one for one in registrations if text.upper() in one.account.upper()]
    return sorted(fit, key=lambda one: one.account)[:_PAGE]


def _own(known: Known, form: Mapping[str, str]) -> str:
    """Return the id of a client if it is this connection's."""
    if form["what"] not in {one.id for one in known.registrations}:
        raise SkipassError("not_found", "There is no such registration.")
    return form["what"]


def _changes(known: Known, form: Mapping[str, str]) -> dict[str, Any]:
    """Return what a form changes; what a connection has no say in is left alone."""
    connection, has = known.connection, takes(known.connection)
    database, schema = checked_schema(form["schema"]) if form["schema"].strip() else (None, None)
    changes: dict[str, Any] = {
        "role": folded(form["role"].strip()) or "",
        "allowed_roles": [folded(one) for one in words(form["roles"])],
        "warehouse": folded(form["warehouse"].strip()),
        "database": database,
        "schema": schema,
    }
    if has["host"] and form["host"].strip() != connection.host:
        changes["host"] = form["host"].strip() or None
    if has["issuer"]:
        changes["login_claim"] = form["claim"].strip() or None
    if has["probe"]:
        changes[PROBE_MINUTES] = _minutes(form["probe"])
    return changes


def _minutes(text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal() or not 1 <= int(text) <= 10_080:
        raise SkipassError("invalid_request", "How often to look is 1 to 10080 minutes.")
    return int(text)
