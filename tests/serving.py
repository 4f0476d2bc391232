"""Serve an ASGI app over real HTTP on a free loopback port, in a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import uvicorn


class _Server(uvicorn.Server):
    """Tells when it listens, so that nobody has to look again and again."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listening.set()


def listening(port: int = 0) -> socket.socket:
    """Return a socket that listens on this machine.

    With its protocol named, asyncio turns Nagle's algorithm off; without, each answer waits 40 ms for an ACK.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


@contextmanager
def serving(
    app: Callable[..., Any],
    *,
    http: Literal["auto", "h11", "httptools"] = "auto",
    lifespan: Literal["on", "off"] = "off",
) -> Iterator[str]:
    """Serve `app` until the block ends; gives its base URL, without a trailing slash."""
    listener = listening()
    config = uvicorn.Config(
        app, http=http, lifespan=lifespan, log_level="critical", access_log=False, timeout_graceful_shutdown=2
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        if not server.listening.wait(20):
            raise RuntimeError("the server did not start")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
