"""A gateway's REST door with a caller of every sort, and a client that checks the shape of every answer."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import uvicorn
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.routing import Match

from gateways import Stage
from serving import listening
from skipass.clock import SystemClock
from skipass.gateway.deps import data_key_place
from skipass.gateway.outbox import CHANNELS
from skipass.gateway.ports import UnitOfWork
from skipass.identity.keys import issue
from skipass.ids import new_id
from skipass.nouns.people import KeyUse, Tenant, User
from skipass.nouns.principal import Role
from skipass.surfaces.edge.asgi import App
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.rest import shapes
from skipass.surfaces.rest.app import create_rest_app, framework
from skipass.vault.seal import seal

SETTINGS = EdgeSettings(max_body_bytes=200_000)
_numbers = itertools.count(1)


def fresh(stem: str) -> str:
    """Return a name nobody has yet."""
    return f"{stem}-{next(_numbers)}"


@dataclass(frozen=True, slots=True)
class Told:
    """One answer: status, headers in lower case, and the JSON body (None for an empty one)."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def code(self) -> str:
        """The code of a refusal."""
        return str(self.body["error"]["code"])


class House:
    """The served gateway; `keys` holds a bearer for each sort of caller."""

    def __init__(self, url: str, stage: Stage, http: aiohttp.ClientSession) -> None:
        self.url, self.stage, self._http = url, stage, http
        self.keys: dict[str, str] = {who: stage.keys[who]["api_key"] for who in ("agent", "admin", "approver")}
        self._routes = [r for r in framework(stage.gateway, SETTINGS).routes if isinstance(r, APIRoute)]

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        who: str | None = "admin",
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Told:
        """Send one request; a 2xx answer must be of the shape its route documents."""
        sent = {"content-type": "application/json"} if body is not None or raw is not None else {}
        if who is not None:
            sent["authorization"] = f"Bearer {self.keys[who]}"
        data = raw if raw is not None else (json.dumps(body).encode() if body is not None else None)
        url = f"{self.url}/api/v1{path}"
        async with self._http.request(method, url, data=data, headers={**sent, **(headers or {})}) as answer:
            content = await answer.read()
            told = Told(answer.status, {k.lower(): v for k, v in answer.headers.items()}, _value(content))
        self._hold(method, f"/api/v1{path.partition('?')[0]}", told, content)
        return told

    async def get(self, path: str, **how: Any) -> Told:
        """GET."""
        return await self.ask("GET", path, **how)

    async def post(self, path: str, body: Any = None, **how: Any) -> Told:
        """POST."""
        return await self.ask("POST", path, body, **how)

    def _hold(self, method: str, path: str, told: Told, content: bytes) -> None:
        assert told.headers["x-request-id"].startswith("req_")
        assert told.headers["cache-control"] == "no-store"
        if told.status >= 400:
            shapes.Error.model_validate_json(content)
            return
        scope = {"type": "http", "method": method, "path": path}
        for route in self._routes:
            if route.matches(scope)[0] is Match.FULL and route.response_model is not None:
                TypeAdapter(route.response_model).validate_json(content)
                return
        if path.endswith("/execute"):
            shapes.Envelope.model_validate_json(content)
        else:
            assert path.endswith("/openapi.json") or told.status == 204, f"{method} {path} documents no answer"

    async def person(self, *roles: str) -> str:
        """Add a person through the front door, sign them in, and return under which name their token is in `keys`."""
        name = fresh("person")
        assert (await self.post("/users", {"name": name, "roles": list(roles)})).status == 201
        link = (await self.post(f"/users/{name}/link")).body
        signed_in = await self.post("/sign-in", {"token": link["token"]}, who=None)
        assert signed_in.status == 201
        self.keys[name] = signed_in.body["token"]
        return name

    async def agent(self, **members: Any) -> str:
        """Register an agent through the front door and return under which name its key is in `keys`."""
        name = fresh("agent")
        made = await self.post("/agents", {"name": name, "connections": ["jit"], **members})
        assert made.status == 201, made.body
        self.keys[name] = made.body["api_key"]
        return name

    async def session(self, who: str = "agent", **members: Any) -> str:
        """Ask for a session on OPS_DB.OPS and return its id."""
        asked = await self.post("/sessions", session_request(**members), who=who)
        assert asked.status == 201, asked.body
        return str(asked.body["id"])

    async def execute(self, statement: str, session_id: str, who: str = "agent", **how: Any) -> dict[str, Any]:
        """Run one statement and return its envelope."""
        wish = {"session_id": session_id, "connection_name": "jit", "tool_input": {"statement": statement}}
        told = await self.post("/tools/snowflake_execute_query/execute", wish, who=who, **how)
        assert told.status == 200, told.body
        envelope: dict[str, Any] = told.body
        return envelope

    async def held(self, who: str = "agent") -> tuple[str, dict[str, Any]]:
        """Open a session, have a write held in it, and return session id and envelope."""
        session_id = await self.session(who)
        statement = f"UPDATE ops.orders SET note = '{fresh('note')}' WHERE order_id = 1003"
        envelope = await self.execute(statement, session_id, who)
        assert envelope["status"] == "approval_required", envelope
        return session_id, envelope

    async def review(self) -> str:
        """Have the agent break the glass, under a policy that goes again, and return the id of the review it owes."""
        rule = 'groups = ["group:oncall"]\nobjects = ["OPS_DB.OPS"]\nbreak_glass = true\n'
        glass = f'version = 1\n[[rule]]\nname = "g"\noutcome = "allow"\neffects = ["session"]\n{rule}'

        async def channel(unit: UnitOfWork) -> None:
            await unit.set(CHANNELS, "webhook")

        await self.stage.gateway.deps.journal.write(channel)
        await self.post("/groups/add", {"group": "oncall", "user": "sam"})
        assert (await self.post("/policies", {"policy": glass})).status == 201
        session_id = await self.session(break_glass=True)
        await self.post(f"/sessions/{session_id}/close", who="agent")
        assert (await self.post("/policies", {"policy": f"version = 1\n# {fresh('after')}\n"})).status == 201
        found = (await self.get("/reviews")).body["items"]
        return str(next(one["id"] for one in found if one["session_id"] == session_id))

    async def record(self, limit: int = 200) -> list[dict[str, Any]]:
        """Return the tenant's whole record, read `limit` events at a time."""
        events: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = (await self.get(f"/events?limit={limit}{cursor and f'&cursor={cursor}'}", who="auditor")).body
            events, cursor = events + page["items"], page["next_cursor"]
        return events

    async def stranger(self) -> None:
        """Put another tenant beside the first, with an admin whose key is `keys["stranger"]`."""
        deps = self.stage.gateway.deps

        async def add(unit: UnitOfWork) -> str:
            tenant_id = new_id("tenant", unit.now)
            data_key = seal(deps.kek, secrets.token_bytes(32), data_key_place(tenant_id))
            await unit.insert(Tenant(tenant_id, "other", data_key, unit.now))
            roles = (Role.ADMIN, Role.AUDITOR, Role.APPROVER)
            user = User(new_id("user", unit.now), tenant_id, "eve", roles, unit.now, unit.now)
            issued = issue(tenant_id, KeyUse.SANDBOX, user.id, unit.now)
            await unit.insert(user)
            await unit.insert(issued.key)
            return issued.text.reveal()

        self.keys["stranger"] = await deps.journal.write(add)


def session_request(**members: Any) -> dict[str, Any]:
    """Return the body that asks for a read session on OPS_DB.OPS."""
    wish = {"connection": "jit", "scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "a test"}
    return {**wish, **members}


def new_connection(at: House, name: str) -> dict[str, Any]:
    service = at.stage.sandbox.users[-1]
    return {
        "name": name,
        "account": "SKIPASS-SANDBOX",
        "login": service.login_name,
        "role": service.default_role,
        "private_key": service.private_key_path.read_text(),
        "host": at.stage.sandbox.url,
        "warehouse": "AGENT_WH",
    }


def _value(content: bytes) -> Any:
    return json.loads(content) if content else None


@asynccontextmanager
async def house(stage: Stage) -> AsyncIterator[House]:
    """Yield the REST door of a running gateway, served on a free loopback port by the running event loop."""
    app = create_rest_app(stage.gateway, SETTINGS, SystemClock())
    async with _listening(app) as url, aiohttp.ClientSession() as http:
        served = House(url, stage, http)
        for role in ("member", "auditor"):
            served.keys[role] = served.keys[await served.person(role)]
        yield served


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the test run."""
        yield


@asynccontextmanager
async def _listening(app: App) -> AsyncIterator[str]:
    listener = listening()
    config = uvicorn.Config(app, lifespan="off", log_level="critical", access_log=False, timeout_graceful_shutdown=2)
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.listening.wait()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        listener.close()
