"""The steps after a connection is made, each at its own address: what is left to do shows by what is there.

Nothing here is a state of its own. A page that is left and opened again finds the connection as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.client_drafting import redirect_uri
from skipass.gateway.connections import Known
from skipass.gateway.people import require
from skipass.gateway.servers import OF_CONNECTION
from skipass.gateway.slug_names import Access
from skipass.gateway.way_out import connect_url
from skipass.nouns.account import AccountState
from skipass.nouns.connection import AuthMethod, Connection
from skipass.nouns.principal import Role
from skipass.snowflake.account import parse_account
from skipass.snowflake.setup_idp import Steps, entra_steps, okta_steps
from skipass.surfaces.console.frame import Frame, last_step
from skipass.surfaces.console.highlight import highlighted
from skipass.surfaces.console.programs import programs, snippets
from skipass.surfaces.console.wizard import HERE
from skipass.surfaces.console.wizard_forms import PROVIDER, client_request, wish
from skipass.surfaces.edge.answers import STATUS
from skipass.surfaces.edge.cookies import form_token
from skipass.surfaces.edge.pages import Reply, moved
from skipass.surfaces.edge.requests import Asked, SignedIn

TITLES: Mapping[str, str] = {
    "provider": "Identity provider",
    "sql": "Snowflake",
    "client": "Client",
    "login": "Your login",
    "account": "Your account",
    "customers": "Customers",
    "test": "Test",
    "program": "Agent",
}
_STEPS: Mapping[AuthMethod, Sequence[str]] = {
    AuthMethod.SNOWFLAKE_OAUTH: ("sql", "client", "account", "test", "program"),
    AuthMethod.EXTERNAL_OAUTH: ("provider", "client", "sql", "account", "test", "program"),
    AuthMethod.EXTERNAL_OAUTH_ISSUER: ("sql", "login", "test", "program"),
    AuthMethod.KEY_PAIR: ("sql", "test", "program"),
    AuthMethod.PAT: ("sql", "test", "program"),
}
_ASKED = ("schema", "users", "write", "egress", *PROVIDER)
_FIELDS = ("word", "client_id", "client_secret", "oauth_metadata", "login", "slug", "agent", "user")
_MOST_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class _At:
    """Where somebody is: on which step of which connection, what they asked, and what went wrong or is to be known."""

    by: SignedIn
    known: Known
    step: str
    given: Mapping[str, str]
    problem: SkipassError | None = None
    remarks: Sequence[str] = ()
    made: Mapping[str, Any] | None = None


def steps_of(connection: Connection) -> Sequence[str]:
    """Return the steps of a connection in their order."""
    if connection.template:
        return ("customers", "program")
    if connection.per_user and connection.auth_method in (AuthMethod.KEY_PAIR, AuthMethod.PAT):
        return ("account", "test", "program")
    return _STEPS[connection.auth_method]


class WizardSteps:
    """`/console/connecting/…`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway

    async def show(self, asked: Asked) -> Reply:
        """Show a step: the one that is asked for, else the first that is not done yet."""
        by, query = await self._frame.caller(asked), asked.named()
        require(by.principal, Role.ADMIN)
        known = await self._gateway.connections.show(by.principal, last_step(asked))
        there = steps_of(known.connection)
        step = query["step"] if query.get("step") in there else await self._first(by, known)
        return await self._page(_At(by, known, step, {name: query.get(name, "") for name in _ASKED}))

    async def put(self, asked: Asked) -> Reply:
        """Do what a step is for; a refusal shows the step again, without what is secret."""
        name = last_step(asked)
        by, form = await self._frame.posted(asked, f"connecting\0{name}", *_FIELDS, most_bytes=_MOST_BYTES)
        require(by.principal, Role.ADMIN)
        known = await self._gateway.connections.show(by.principal, name)
        steps = {"client": "client", "login": "login", "invite": "customers"}
        at = _At(by, known, steps.get(form["word"], "program"), form)
        try:
            return await self._done(at, form)
        except SkipassError as problem:
            return await self._page(_At(by, known, at.step, form, problem))

    async def _done(self, at: _At, form: Mapping[str, str]) -> Reply:
        match form["word"]:
            case "client":
                return await self._client(at, form)
            case "login":
                own = _name(at.by)
                await self._gateway.mappings.set(at.by.principal, at.known.connection.name, own, form["login"].strip())
                return moved(_address(at.known.connection, "test"))
            case "invite":
                return await self._invited(at)
            case "slug":
                name = at.known.connection.name
                await self._gateway.servers.add(at.by.principal, form["slug"].strip() or name, name, OF_CONNECTION)
            case "let-in":
                let = Access(add={"users": [_name(at.by)]})
                await self._gateway.servers.change(at.by.principal, form["slug"], let)
            case "agent":
                return await self._agent(at, form)
            case _:
                raise SkipassError("invalid_request", "The form does not say what to do.")
        return moved(_address(at.known.connection, "program"))

    async def _client(self, at: _At, form: Mapping[str, str]) -> Reply:
        known = at.known
        if len(known.registrations) != 1:
            raise SkipassError("invalid_request", f"{known.connection.name} has no one client.")
        request = client_request(form)
        _, remarks = await self._gateway.registrations.set_client(at.by.principal, known.registrations[0].id, request)
        onward = _after(known.connection, "client")
        if not remarks:
            return moved(_address(known.connection, onward))
        now = await self._gateway.connections.show(at.by.principal, known.connection.name)
        return await self._page(_At(at.by, now, "client", {}, remarks=remarks))

    async def _invited(self, at: _At) -> Reply:
        link, token = await self._gateway.registrations.invite(at.by.principal, at.known.connection.name)
        url = f"{self._gateway.deps.base_url}/connect/setup#{token.reveal()}"
        return await self._page(_At(at.by, at.known, "customers", {}, made={"url": url, "until": link.expires_at}))

    async def _agent(self, at: _At, form: Mapping[str, str]) -> Reply:
        """Make an agent, and show its key: in this answer alone."""
        users = [one for one in (form["user"].strip(),) if one not in ("", at.by.principal.user_name)]
        agent, keys = await self._gateway.agents.create(
            at.by.principal, form["agent"].strip(), owner=None, users=users, connections=[at.known.connection.name]
        )
        made = {"agent": agent.name, "key": keys.text.reveal()}
        return await self._page(_At(at.by, at.known, "program", {}, made=made))

    async def _first(self, by: SignedIn, known: Known) -> str:
        """Return the first step that is not known to be done."""
        there = steps_of(known.connection)
        waits = any(not one.client_id for one in known.registrations)
        if "client" not in there or waits:
            return there[0]
        return "test" if await self._is_linked(by, known.connection) else "account"

    async def _is_linked(self, by: SignedIn, connection: Connection) -> bool:
        own = await self._gateway.own_access.of(by.principal)
        mine = [one.account.state for one in own.accounts if one.connection.id == connection.id]
        return AccountState.ACTIVE in mine

    async def _page(self, at: _At) -> Reply:
        connection = at.known.connection
        there = steps_of(connection)
        values, problem = await self._values(at)
        around: dict[str, Any] = {
            "name": connection.name,
            "connection": connection,
            "steps": [(one, TITLES[one], _address(connection, one)) for one in there],
            "step": at.step,
            "onward": _address(connection, _after(connection, at.step)) if at.step != there[-1] else None,
            "onward_title": TITLES[_after(connection, at.step)],
            "problem": problem,
            "remarks": at.remarks,
            "made": at.made,
            "given": {name: at.given.get(name, "") for name in (*_ASKED, *_FIELDS)},
            "form": form_token(at.by.cookie, f"connecting\0{connection.name}"),
            "testing": form_token(at.by.cookie, f"connection\0{connection.name}"),
        }
        # What a step cannot show yet is no failure of whoever was led to it.
        asked = at.problem is not None or any(at.given.get(name) for name in _ASKED)
        around |= {"here": "/console/connections", "status": STATUS[problem.kind] if problem and asked else 200}
        return self._frame.page("wizard_step.html", at.by, **around, **values)

    async def _values(self, at: _At) -> tuple[dict[str, Any], SkipassError | None]:
        """Return what a step shows of its own; what of it cannot be had stands beside it as the problem."""
        try:
            match at.step:
                case "sql":
                    sql = await self._gateway.worksheets.script(
                        at.by.principal, at.known.connection.name, wish(at.given)
                    )
                    return {"sql": highlighted(sql)}, at.problem
                case "provider":
                    return self._provider(at.known), at.problem
                case "account":
                    linked = await self._is_linked(at.by, at.known.connection)
                    return {"linked": linked, "link": connect_url(at.known.connection, None, "")}, at.problem
                case "customers":
                    return {"registrations": at.known.registrations}, at.problem
                case "program":
                    return await self._program(at), at.problem
                case _:
                    return {}, at.problem
        except SkipassError as problem:
            return {"sql": None}, at.problem or problem

    def _provider(self, known: Known) -> dict[str, Any]:
        registration = known.registrations[0]
        callback, role = redirect_uri(self._gateway.deps.base_url, registration), known.connection.role
        scope = str(registration.metadata.get("scope", f"session:role:{role} offline_access"))
        steps = Steps(callback, parse_account(registration.account or known.connection.account).url, scope, role)
        return {"callback": callback, "okta": "\n".join(okta_steps(steps)), "entra": "\n".join(entra_steps(steps))}

    async def _program(self, at: _At) -> dict[str, Any]:
        found = await programs(self._gateway, at.by.principal, at.known.connection)
        slug = found["slugs"][0] if found["slugs"] else None
        by_key = at.made is not None or bool(found["agents"])
        shown = snippets(self._gateway.deps.base_url, slug, key=by_key) if slug else {"first": [], "others": []}
        return {**found, "slug": slug, "by_key": by_key, "snippets": shown}


def _name(by: SignedIn) -> str:
    return by.principal.user_name or ""


def _after(connection: Connection, step: str) -> str:
    there = steps_of(connection)
    return there[min(there.index(step) + 1, len(there) - 1)]


def _address(connection: Connection, step: str) -> str:
    return f"{HERE}/{connection.name}?step={step}"
