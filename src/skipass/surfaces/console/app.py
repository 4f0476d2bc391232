"""The ASGI app of the console: which room answers which address. Behind the door."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.surfaces.console.access import AccessPage
from skipass.surfaces.console.accounts import AccountPages
from skipass.surfaces.console.agents import AgentPages
from skipass.surfaces.console.audit import AuditPage
from skipass.surfaces.console.audit_proof import ProofPages
from skipass.surfaces.console.audit_replay import ReplayPage
from skipass.surfaces.console.clients import ClientPages
from skipass.surfaces.console.connections import ConnectionPages
from skipass.surfaces.console.entrance import Entrance
from skipass.surfaces.console.explain import ExplainPage
from skipass.surfaces.console.frame import PAGES, Frame
from skipass.surfaces.console.inbox import Inbox
from skipass.surfaces.console.live import Topics
from skipass.surfaces.console.overview import OverviewPage
from skipass.surfaces.console.people import PeoplePages
from skipass.surfaces.console.policies import PolicyPages
from skipass.surfaces.console.servers import ServerPages
from skipass.surfaces.console.sessions import SessionPages
from skipass.surfaces.console.settings_page import SettingsPage
from skipass.surfaces.console.wizard import Wizard
from skipass.surfaces.console.wizard_steps import WizardSteps
from skipass.surfaces.edge.asgi import App, Receive, Scope, Send
from skipass.surfaces.edge.cookies import Cookies
from skipass.surfaces.edge.door import Door
from skipass.surfaces.edge.downloads import Download
from skipass.surfaces.edge.events import Events, Streams
from skipass.surfaces.edge.forms import check_same_origin
from skipass.surfaces.edge.leaving import while_there
from skipass.surfaces.edge.pages import Reply, moved, shared_file
from skipass.surfaces.edge.requests import Asked
from skipass.surfaces.edge.return_to import sign_in_for
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.edge.streamed import Streamed

_Answer: TypeAlias = Reply | Streamed | Download | Events
_THING = re.compile(
    r"(/console/(?:live/)?(?:approvals/(?=apr)|reviews/(?=rvw)|(?:sessions|records|replays|exports)/(?=ses)|policy/versions/(?=pol)"
    r"|accounts/(?=acc)|agents/(?=agt)|people/(?=usr)))[a-z]{3}_[0-9a-z]{26}"
    r"|(/console/(?:servers|slugs)/)[a-z0-9][a-z0-9-]{0,39}"
    r"|(/console/(?:connections|connecting)/)[A-Za-z0-9_-]{1,40}"
)


def create_console_app(gateway: Gateway, settings: EdgeSettings, clock: Clock, streams: Streams | None = None) -> App:
    """Return the ASGI app that serves `/sign-in` and `/console/…`, the door included.

    `streams` keeps the answers that go on, for whoever has to end them.
    """
    return Door(_Console(gateway, Streams() if streams is None else streams), settings, clock)


class _Console:
    def __init__(self, gateway: Gateway, streams: Streams) -> None:
        self._streams = streams
        frame = Frame(gateway, Cookies(gateway.deps.base_url.startswith("https://")))
        topics = Topics()
        entrance, inbox, sessions = Entrance(frame), Inbox(frame, topics), SessionPages(frame, topics)
        access, policy, explain = AccessPage(frame), PolicyPages(frame), ExplainPage(frame)
        agents, people, settings = AgentPages(frame), PeoplePages(frame), SettingsPage(frame)
        overview, audit = OverviewPage(frame, topics), AuditPage(frame)
        slugs, wizard, steps = ServerPages(frame), Wizard(frame), WizardSteps(frame)
        connections, accounts = ConnectionPages(frame), AccountPages(frame)
        replay, proof, clients = ReplayPage(frame), ProofPages(frame), ClientPages(frame)
        self._routes: Mapping[tuple[str, str], Callable[[Asked], Awaitable[_Answer]]] = {
            ("GET", "/sign-in"): entrance.show,
            ("POST", "/sign-in"): entrance.enter,
            ("POST", "/console/sign-out"): entrance.leave,
            ("GET", "/console"): inbox.waiting,
            ("GET", "/console/live/waiting"): inbox.follow,
            ("GET", "/console/approvals/"): inbox.card,
            ("GET", "/console/live/approvals/"): inbox.follow_card,
            ("POST", "/console/approvals/"): inbox.decide,
            ("GET", "/console/reviews/"): inbox.review,
            ("POST", "/console/reviews/"): inbox.close,
            ("GET", "/console/sessions"): sessions.list,
            ("GET", "/console/sessions/"): sessions.show,
            ("GET", "/console/live/sessions/"): sessions.follow,
            ("POST", "/console/sessions/"): sessions.revoke,
            ("GET", "/console/records/"): sessions.record,
            ("GET", "/console/access"): access.show,
            ("POST", "/console/access"): access.change,
            ("GET", "/console/policy"): policy.show,
            ("POST", "/console/policy"): policy.change,
            ("GET", "/console/policy/explain"): explain.show,
            ("POST", "/console/policy/explain"): explain.ask,
            ("GET", "/console/policy/versions"): policy.versions,
            ("GET", "/console/policy/versions/"): policy.version,
            ("GET", "/console/overview"): overview.show,
            ("GET", "/console/live/overview"): overview.follow,
            ("GET", "/console/audit"): audit.show,
            ("GET", "/console/events"): audit.event,
            ("GET", "/console/replays/"): replay.show,
            ("GET", "/console/verify"): proof.begin,
            ("POST", "/console/verify"): proof.verify,
            ("GET", "/console/checkpoints"): proof.checkpoints,
            ("GET", "/console/checkpoints/file"): proof.file,
            ("GET", "/console/checkpoints/key"): proof.key,
            ("GET", "/console/exports"): proof.span,
            ("GET", "/console/exports/"): proof.session,
            ("GET", "/console/clients"): clients.show,
            ("POST", "/console/clients"): clients.change,
            ("GET", "/console/connections"): connections.list,
            ("GET", "/console/connections/"): connections.show,
            ("POST", "/console/connections/"): connections.change,
            ("GET", "/console/connecting"): wizard.begin,
            ("POST", "/console/connecting"): wizard.make,
            ("GET", "/console/connecting/"): steps.show,
            ("POST", "/console/connecting/"): steps.put,
            ("GET", "/console/accounts"): accounts.list,
            ("GET", "/console/accounts/"): accounts.show,
            ("POST", "/console/accounts/"): accounts.change,
            ("GET", "/console/agents"): agents.list,
            ("POST", "/console/agents"): agents.make,
            ("GET", "/console/agents/new"): agents.ask,
            ("GET", "/console/agents/"): agents.show,
            ("POST", "/console/agents/"): agents.change,
            ("GET", "/console/settings"): settings.show,
            ("GET", "/console/people"): people.list,
            ("POST", "/console/people"): people.make,
            ("GET", "/console/people/new"): people.ask,
            ("GET", "/console/people/"): people.show,
            ("POST", "/console/people/"): people.change,
            ("GET", "/console/servers"): slugs.list,
            ("POST", "/console/servers"): slugs.add,
            ("GET", "/console/servers/"): access.server,
            ("GET", "/console/slugs/"): slugs.show,
            ("POST", "/console/slugs/"): slugs.change,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = await Asked.of(scope, receive)
        try:
            reply: _Answer = await self._answer(asked)
        except SkipassError as error:
            reply = PAGES.problem(error)
        if isinstance(reply, Events):
            await self._streams.send(reply, receive, send)
        elif isinstance(reply, Reply):
            await reply.send(send)
        else:
            await while_there(receive, reply.send(send))

    async def _answer(self, asked: Asked) -> _Answer:
        if asked.method == "POST":
            check_same_origin(asked.headers)
        file = shared_file(asked.path.removeprefix("/console/")) if asked.method == "GET" else None
        if file is not None:
            return file
        thing = _THING.fullmatch(asked.path)
        place = thing[thing.lastindex or 0] if thing else asked.path
        answer = self._routes.get((asked.method, place))
        if answer is None:
            raise SkipassError("not_found", "There is no such page.")
        try:
            return await answer(asked)
        except SkipassError as error:
            if error.code != "sign_in_required" or asked.method != "GET":
                raise
            return moved(sign_in_for(asked.path))
