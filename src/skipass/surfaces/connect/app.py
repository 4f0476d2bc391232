"""The ASGI app of linking: the pages at `/connect`, and where a browser comes back to from a sign-in."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.gateway.client_drafting import redirect_uri
from skipass.gateway.core import Gateway
from skipass.gateway.departing import origin_of
from skipass.gateway.drafting import takes_own
from skipass.gateway.landing import Arrival
from skipass.gateway.linking import Leg
from skipass.gateway.setup_links import Invited
from skipass.gateway.setup_scripts import Trusted, checked_schema
from skipass.nouns.account import Registration
from skipass.nouns.principal import Principal
from skipass.secret import Secret
from skipass.snowflake.account import parse_account
from skipass.surfaces.connect.hand_in import FIELDS, MENDED, asking, brought, check
from skipass.surfaces.connect.setup import SETUP_FIELDS, by_provider, client, trusted
from skipass.surfaces.edge.asgi import App, Receive, Scope, Send
from skipass.surfaces.edge.cookies import Cookies, check_form, form_token
from skipass.surfaces.edge.door import Door
from skipass.surfaces.edge.forms import check_same_origin, form_from
from skipass.surfaces.edge.pages import Pages, Reply, moved
from skipass.surfaces.edge.requests import Asked, SignedIn, signed_in
from skipass.surfaces.edge.return_to import connect_path
from skipass.surfaces.edge.settings import EdgeSettings

PAGES = Pages(Path(__file__).parent / "templates")
CALLBACK = "/oauth/upstream-callback/"
_CALLBACK = re.compile(r"/oauth/upstream-callback/(reg_[0-9a-z]{26})")
_FIELDS = ("link", "connection", "role", "account", "form", "word")
_PURPOSE = "connect"


def create_connect_app(gateway: Gateway, settings: EdgeSettings, clock: Clock) -> App:
    """Return the ASGI app that serves `/connect…` and `/oauth/upstream-callback/…`, the door included."""
    return Door(_Connect(gateway), settings, clock)


class _Connect:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        secure = gateway.deps.base_url.startswith("https://")
        self._signed = Cookies(secure)
        self._leaving = Cookies(secure, "skipass-link", "Lax", 10 * 60)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = await Asked.of(scope, receive)
        try:
            reply = await self._answer(asked)
        except SkipassError as error:
            reply = PAGES.problem(error)
        await reply.send(send)

    async def _answer(self, asked: Asked) -> Reply:
        if asked.method == "POST":
            check_same_origin(asked.headers)
        back = _CALLBACK.fullmatch(asked.path)
        if back and asked.method == "GET":
            return await self._arrived(asked, back[1])
        routes: dict[tuple[str, str], Callable[[Asked], Awaitable[Reply]]] = {
            ("GET", "/connect"): self._entrance,
            ("POST", "/connect"): self._posted,
            ("POST", "/connect/hand-in"): self._handed_in,
            ("GET", "/connect/setup"): self._setup_entrance,
            ("POST", "/connect/setup"): self._setup,
        }
        if (asked.method, asked.path) not in routes:
            raise SkipassError("not_found", "There is no such page.")
        return await routes[asked.method, asked.path](asked)

    async def _caller(self, asked: Asked) -> SignedIn | None:
        return await signed_in(self._gateway.sign_ins, self._signed, asked)

    async def _entrance(self, asked: Asked) -> Reply:
        query = asked.named()
        if not query.get("connection"):
            return PAGES.html("open.html", script=True, action="/connect")
        connection, role = query["connection"], query.get("role") or None
        caller = await self._caller(asked)
        if caller is None:
            return moved(f"/sign-in?to={quote(connect_path(connection, role), safe='')}")
        leg = await self._gateway.linking.plain(caller.principal, connection, role)
        return self._confirm(leg, caller, {"connection": connection, "role": role or ""})

    async def _posted(self, asked: Asked) -> Reply:
        form = form_from(asked.body, asked.headers, _FIELDS)
        caller = await self._caller(asked)
        principal = caller.principal if caller else None
        leg = await self._leg(form, principal)
        if form["word"] != "go":
            return await self._shown(leg, caller, form)
        if leg.user.end_user_of is None:
            check_form(caller.cookie if caller else Secret(""), _purpose(form), form["form"])
        return await self._leave(form, principal)

    async def _leg(self, form: Any, principal: Principal | None) -> Leg:
        token = _token(form["link"])
        if token:
            return await self._gateway.linking.opened(token, principal)
        if principal is None:
            raise SkipassError("sign_in_required", hint="Sign in, then open the page again.")
        return await self._gateway.linking.plain(principal, form["connection"], form["role"] or None)

    async def _shown(self, leg: Leg, caller: SignedIn | None, form: Any) -> Reply:
        carried = {name: form[name] for name in ("connection", "role")} | {"link": _token(form["link"])}
        if form["word"] != "account" or leg.registration is not None:
            return self._confirm(leg, caller, carried)
        chosen = await self._gateway.linking.named_account(leg, form["account"])
        return self._confirm(chosen, caller, carried | {"account": form["account"]})

    def _confirm(self, leg: Leg, caller: SignedIn | None, carried: dict[str, str]) -> Reply:
        if takes_own(leg.connection):
            return asking(PAGES, leg, caller, carried)
        carried = {"link": "", "connection": "", "role": "", "account": "", **carried}
        there = origin_of(leg.connection, leg.registration) if leg.registration else None
        return PAGES.html(
            "confirm.html",
            to=there,
            leg=leg,
            identifier=_identifier(leg.user.name, end_user=leg.user.end_user_of is not None),
            account=leg.registration.account if leg.registration else None,
            login=leg.login,
            role=leg.role,
            agents=leg.agents,
            where=urlsplit(there).netloc if there else "the account you name",
            agreed=leg.login is not None,
            asks=leg.registration is None,
            link=carried["link"],
            connection=carried["connection"],
            asked_role=carried["role"],
            typed=carried["account"],
            form=form_token(caller.cookie, _purpose(carried)) if caller else "",
        )

    async def _handed_in(self, asked: Asked) -> Reply:
        form = form_from(asked.body, asked.headers, FIELDS)
        caller = await self._caller(asked)
        if caller is None:
            raise SkipassError("sign_in_required", hint="Sign in, then open the page again.")
        check(form, caller)
        names = {"connection": form["connection"], "link": form["link"]}
        leg = await self._leg(names | {"role": ""}, caller.principal)
        try:
            arrival = await self._gateway.uploading.hand_in(caller.principal, brought(form), **names)
        except SkipassError as error:
            if error.code not in MENDED or not takes_own(leg.connection):
                raise
            return asking(PAGES, leg, caller, names, error)
        return _arrival(arrival)

    async def _leave(self, form: Any, principal: Principal | None) -> Reply:
        linking, typed, token = self._gateway.linking, form["account"] or None, _token(form["link"])
        if token:
            departure = await linking.depart(token, principal, typed)
        elif principal is not None:
            departure = await linking.depart_plainly(principal, form["connection"], form["role"] or None, typed)
        else:
            raise SkipassError("sign_in_required")
        return moved(departure.url, self._leaving.keep(departure.cookie))

    async def _arrived(self, asked: Asked, registration_id: str) -> Reply:
        cookie = self._leaving.read(asked.headers)
        try:
            arrival = await self._gateway.landing.arrive(registration_id, asked.named(), cookie)
        except SkipassError as error:
            return PAGES.problem(error, *(() if error.code == "link_used" else (self._leaving.drop(),)))
        return _arrival(arrival, self._leaving.drop())

    async def _setup_entrance(self, asked: Asked) -> Reply:
        return PAGES.html("open.html", script=True, action="/connect/setup")

    async def _setup(self, asked: Asked) -> Reply:
        form = form_from(asked.body, asked.headers, SETUP_FIELDS)
        token, word = _token(form["link"]), form["word"]
        invited = await self._gateway.setup_links.invited(token)
        if word == "register" and invited.registration is None:
            return await self._register(token, form)
        if word == "client" and invited.registration is not None:
            return self._registered(invited, await self._gateway.setup_links.hand_in(token, client(form)), ())
        if invited.registration is not None:
            return self._registered(invited, invited.registration, (), token, form)
        return PAGES.html("setup.html", connection=invited.connection, link=token, by_provider=by_provider(invited))

    async def _register(self, token: str, form: Any) -> Reply:
        if form["schema"]:
            checked_schema(form["schema"])
        made, remarks, following = await self._gateway.setup_links.register(token, client(form))
        if following is None:
            return self._registered(None, made, remarks)
        invited = await self._gateway.setup_links.invited(following.reveal())
        return self._registered(invited, made, (), following.reveal(), form)

    def _registered(
        self, invited: Invited | None, made: Registration, remarks: Sequence[str], link: str = "", form: Any = None
    ) -> Reply:
        """Show a registered account; while `link` still takes its client, with the script and a form for it."""
        base_url = self._gateway.deps.base_url
        schema, trust = (form["schema"], trusted(form)) if form else ("", Trusted())
        script = self._gateway.setup_links.script(invited, schema, trust) if invited and link and schema else None
        return PAGES.html(
            "registered.html",
            registration=made,
            redirect_uri=redirect_uri(base_url, made),
            remarks=remarks,
            link=link,
            again=f"{base_url}/connect/setup#{link}",
            sql=script,
            schema=schema,
            trusted=trust,
            by_provider=by_provider(invited),
            account_url=parse_account(made.account).url,
            role=invited.connection.role if invited else "",
        )


def _arrival(arrival: Arrival, *cookies: str) -> Reply:
    title, said = "Connected", "The account is connected. What you agreed to is in force."
    if arrival.waits_for_admin:
        title = "Another login"
        said = "You signed in as another Snowflake login than before. An admin has ten minutes to accept it."
    elif arrival.return_to:
        title, said = "Almost connected", "You are signed in. The application still has to confirm that it was you."
    full = arrival.full
    return PAGES.html(
        "done.html",
        *cookies,
        title=title,
        said=said,
        leg=full,
        identifier=full.identifier,
        account=arrival.account,
        login=arrival.login,
        role=arrival.role,
        agents=arrival.agents,
        remarks=arrival.remarks,
        return_to=arrival.return_to,
        back=urlsplit(arrival.return_to or "").netloc,
    )


def _token(link: str) -> str:
    """Return the token of a pasted link: what stands behind its #, or the whole text."""
    return link.strip().rpartition("#")[2]


def _identifier(name: str, *, end_user: bool) -> str:
    return name.partition("/")[2] if end_user else name


def _purpose(form: Any) -> str:
    return "\0".join((_PURPOSE, _token(form["link"]), form["connection"], form["role"]))
