"""A gateway over a real SQLite file in front of a real sandbox, with the demo's people and agent."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from jsonschema import Draft202012Validator

from serving import listening
from skipass.app.asgi import create_app
from skipass.app.demo_seed import seed
from skipass.app.home import Home
from skipass.app.initialise import initialise
from skipass.app.process import running
from skipass.app.settings import Settings
from skipass.audit.chain import Record
from skipass.audit.checkpoint import Checkpoint, read
from skipass.audit.verify import Report, check
from skipass.clock import Clock
from skipass.gateway.core import Gateway
from skipass.gateway.execute import Target
from skipass.gateway.ports import Reader
from skipass.nouns.envelope import Envelope
from skipass.nouns.principal import Principal
from skipass.sandbox.testing import RunningSandbox, running_sandbox
from skipass.secret import Secret
from skipass.storage.export import records
from skipass.storage.pgexport import records_from
from skipass.storage.server import Server
from skipass.surfaces.edge.events import Streams
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.tools.call import CallContext
from skipass.tools.catalogue import CATALOGUE

BASE_URL = "http://127.0.0.1:8787"
_OUTPUTS = {spec.name: Draft202012Validator(dict(spec.output_schema)) for spec in CATALOGUE}
_template: list[tempfile.TemporaryDirectory[str]] = []


async def home_copy(into: Path) -> Home:
    """Return an initialised home with the founders ada and grace, copied from one made once."""
    if not _template:
        directory = tempfile.TemporaryDirectory(prefix="skipass-template-")
        _template.append(directory)
        await initialise(Home(Path(directory.name) / "home"), "ada", "grace")
    shutil.copytree(Path(_template[0].name) / "home", into)
    return Home(into)


@contextmanager
def snowflake() -> Iterator[RunningSandbox]:
    """Yield a sandbox with the demo's data."""
    with running_sandbox() as sandbox:
        yield sandbox


def account_of(sandbox: RunningSandbox) -> dict[str, Any]:
    """Return what `sandbox serve --format json` would say of it."""
    users = [
        {
            "name": user.name,
            "login_name": user.login_name,
            "default_role": user.default_role,
            "private_key_path": str(user.private_key_path),
        }
        for user in sandbox.users
    ]
    return {"account": "SKIPASS-SANDBOX", "account_url": sandbox.url, "host": sandbox.host, "users": users}


@dataclass(frozen=True, slots=True)
class Stage:
    """A running gateway, its home, its sandbox, and the keys of its people and agent."""

    gateway: Gateway
    home: Home
    sandbox: RunningSandbox
    keys: Mapping[str, Any]

    async def principal(self, who: str) -> Principal:
        """Return the agent, the admin or the approver."""
        return await self.gateway.authenticator.authenticate(self.keys[who]["api_key"])

    async def call(self, tool: str, arguments: Mapping[str, Any], **call: Any) -> Envelope:
        """Return the envelope of one of the agent's calls over the slug `jit`; it fits the tool's output schema."""
        slug = call.pop("slug", "jit")
        context, agent = CallContext(request_id="req_test", **call), await self.principal("agent")
        envelope = await self.gateway.calls.call(agent, Target(slug=slug), tool, arguments, context)
        _OUTPUTS[tool].validate(orjson.loads(orjson.dumps(envelope.as_dict())))
        return envelope

    async def query(self, statement: str, **call: Any) -> Envelope:
        """Return the envelope of one statement."""
        arguments = {"statement": statement, **call.pop("arguments", {})}
        return await self.call("snowflake_execute_query", arguments, **call)

    async def session(self, *schemas: str, ttl_s: int = 300, **scope: Any) -> str:
        """Open a session and return its id."""
        wish = {"scope": {"schemas": list(schemas or ("OPS_DB.OPS",)), **scope}, "ttl_s": ttl_s, "reason": "test"}
        envelope = await self.call("skipass_request_session", wish)
        assert envelope.session_id is not None, envelope
        return envelope.session_id

    async def decide(self, envelope: Envelope, *, approve: bool = True, who: str = "approver") -> None:
        """Decide what an envelope waits for."""
        approval = envelope.fields["approval"]["id"]
        await self.gateway.approvals.decide(await self.principal(who), approval, approve=approve, reason="test")

    async def settled(self, handle: str, **call: Any) -> Envelope:
        """Ask for a statement until it is no longer running."""
        while True:
            envelope = await self.call("snowflake_get_query_status", {"statement_handle": handle}, **call)
            if envelope.status.value != "running":
                return envelope

    async def every(self, kind: type[Any], **where: Any) -> list[Any]:
        """Return stored records."""

        async def load(reader: Reader) -> list[Any]:
            return await reader.find(kind, **where)

        return await self.gateway.deps.journal.read(load)

    async def recorded(self, kind: str) -> list[Record]:
        """Return the tenant's records of a kind, wherever they are kept."""
        admin = await self.principal("admin")
        found = await self.gateway.events.list(admin, after=None, limit=1000)
        return [record for record in found if record.kind == kind]

    def sent(self, containing: str) -> list[dict[str, Any]]:
        """Return the submits that reached Snowflake with this piece of text in them."""
        calls = self.sandbox.control.calls()
        return [c for c in calls if c["method"] == "POST" and containing in (c.get("statement") or "")]


@asynccontextmanager
async def stage(
    sandbox: RunningSandbox,
    path: Path,
    clock: Clock | None = None,
    *,
    database_url: str | None = None,
    base_url: str = BASE_URL,
) -> AsyncIterator[Stage]:
    """Yield a seeded gateway, on SQLite or in a migrated PostgreSQL database; its record is verified when it ends."""
    url = Secret(database_url) if database_url else None
    if url is None:
        home = await home_copy(path)
    else:
        home = Home(path, on_server=True)
        await initialise(home, "ada", "grace", database_url=url)
    settings = Settings(home=home.path, sandbox=True, database_url=database_url)
    async with running(settings, base_url, clock) as gateway:
        keys = await seed(gateway, account_of(sandbox), "ada", "grace")
        yield Stage(gateway, home, sandbox, keys)
    report = verified(home) if url is None else await verified_on(home, Server(url))
    assert report.ok, report.faults


@asynccontextmanager
async def served(at: Stage, port: int = 0, *, edge: EdgeSettings | None = None) -> AsyncIterator[str]:
    """Yield the address of a stage's gateway behind a real HTTP server, in the same event loop as its jobs."""
    settings = Settings(home=at.home.path, sandbox=True)
    streams = Streams()
    app = create_app(at.gateway, settings, edge or EdgeSettings(), at.gateway.deps.clock, streams)
    with listening(port) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="error", access_log=False))
        server.capture_signals = nullcontext  # type: ignore[method-assign]
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            streams.end()
            server.should_exit = True
            await task


def verified(home: Home) -> Report:
    """Return the report over a home's record and its checkpoints."""
    return check(records(home.database), signed(home))


async def verified_on(home: Home, server: Server) -> Report:
    """Return the report over a database's record and a home's checkpoints."""
    return check([record async for record in records_from(server)], signed(home))


def signed(home: Home) -> list[Checkpoint]:
    """Return the checkpoints a home keeps, each with a valid signature."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key: Any = load_pem_public_key(home.audit_public_key.read_bytes())
    lines = home.checkpoints.read_bytes().splitlines() if home.checkpoints.exists() else []
    return [read(line, key) for line in lines]
