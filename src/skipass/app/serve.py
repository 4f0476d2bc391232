"""`skipass serve`: one process, one listener, and a first line that says where it is once it is ready."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import uvicorn
import uvloop

from skipass.app import log
from skipass.app.asgi import create_app
from skipass.app.process import running
from skipass.app.sandboxed import sandbox_home, sandboxed
from skipass.app.settings import Settings
from skipass.gateway import crashpoints
from skipass.gateway.core import Gateway
from skipass.gateway.ports import Reader
from skipass.nouns.connection import McpServer, Switch
from skipass.surfaces.edge.events import Streams
from skipass.surfaces.edge.settings import EdgeSettings

Announce = Callable[[dict[str, Any]], None]


def run(settings: Settings, announce: Announce) -> None:
    """Serve until SIGINT or SIGTERM; calls `announce` once, when the gateway answers."""
    log.configure(settings.log_format, _level(settings))
    if settings.crash_at:
        point, _, passes = settings.crash_at.partition(":")
        crashpoints.arm(point, int(passes or 0))
    uvloop.run(_serve(settings, announce))


def _level(settings: Settings) -> str:
    """Return the least level to log; on a terminal a sandbox's instructions are not followed by every request."""
    quiet = settings.sandbox and "log_level" not in settings.model_fields_set and sys.stderr.isatty()
    return "warning" if quiet else settings.log_level


async def _serve(settings: Settings, announce: Announce) -> None:
    with contextlib.closing(_listen(settings.host, settings.port)) as listener:
        await _serve_on(listener, settings, announce)


async def _serve_on(listener: socket.socket, settings: Settings, announce: Announce) -> None:
    base_url = settings.base_url or _address(settings, listener)
    edge = edge_settings(settings, base_url)
    async with AsyncExitStack() as stack:
        if settings.sandbox:
            home = await stack.enter_async_context(sandbox_home(settings))
            settings = settings.model_copy(update={"home": home})
        gateway = await stack.enter_async_context(running(settings, base_url))
        extra = await stack.enter_async_context(sandboxed(settings, gateway)) if settings.sandbox else {}
        streams = Streams()
        app = create_app(gateway, settings, edge, gateway.deps.clock, streams)
        server = _Server(_config(settings, app), streams.end)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        await server.listening(task)
        # What is loaded by now stays. A full pass of the collector over it would hold up every call for a dozen
        # milliseconds, again and again.
        gc.collect()
        gc.freeze()
        announce(await _ready(gateway, base_url) | extra)
        await task


def edge_settings(settings: Settings, base_url: str) -> EdgeSettings:
    """Return the door's allow lists: loopback while nothing else is said, and the public address where it is."""
    served = EdgeSettings.serving(base_url)
    return replace(served, allowed_hosts=(*served.allowed_hosts, *settings.allowed_hosts))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Naming the protocol is what lets asyncio turn Nagle's algorithm off on every connection.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


def _address(settings: Settings, listener: socket.socket) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{'https' if settings.tls_cert else 'http'}://{host}:{listener.getsockname()[1]}"


def _config(settings: Settings, app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="none",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        ssl_certfile=str(settings.tls_cert) if settings.tls_cert else None,
        ssl_keyfile=str(settings.tls_key) if settings.tls_key else None,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=64 * 1024,
    )


class _Server(uvicorn.Server):
    """Uvicorn, with a way to wait until it listens; it ends on SIGINT and SIGTERM without raising them again.

    `leave` ends the answers that would go on: they are waited for.
    """

    def __init__(self, config: uvicorn.Config, leave: Callable[[], None]) -> None:
        super().__init__(config)
        self._leave = leave
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self._stop)

    def _stop(self) -> None:
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what goes on, then what is underway."""
        self._leave()
        await super().shutdown(sockets)

    def capture_signals(self) -> Any:
        """Leave signals to the loop."""
        return contextlib.nullcontext()

    async def listening(self, task: asyncio.Task[None]) -> None:
        """Return once requests are answered; raise what kept it from that."""
        while not self.started:
            if task.done():
                task.result()
                raise RuntimeError("the server ended before it listened")
            await asyncio.sleep(0.01)


async def _ready(gateway: Gateway, url: str) -> dict[str, Any]:
    async def load(reader: Reader) -> list[McpServer]:
        return await reader.find(McpServer, state=Switch.ENABLED, order="slug", limit=200)

    servers = await gateway.deps.journal.read(load)
    return {"url": url, "mcp_servers": [{"slug": s.slug, "url": f"{url}/{s.slug}/mcp"} for s in servers]}
