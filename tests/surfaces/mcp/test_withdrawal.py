"""What a client that goes away does to the call it was waiting for."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from skipass.clock import SystemClock
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.mcp.app import create_mcp_app
from surfaces.mcp.fake import AUTH, FakeAuthenticator, FakeBackend, headers_for, legacy, modern, post, query, start


def happens(event: threading.Event) -> bool:
    return event.wait(20)


def test_a_modern_client_that_leaves_cancels_its_call(url: str, backend: FakeBackend) -> None:
    """Closing the stream of a stateless request cancels the backend's call before it is answered."""
    body = modern("tools/call", query("WAIT"))
    connection = start(url, body, headers_for(body))
    assert happens(backend.waiting)
    connection.close()
    assert happens(backend.cancelled)
    backend.release.set()


@pytest.mark.anyio
@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_only_a_modern_client_cancels_by_leaving(backend: FakeBackend, settings: EdgeSettings, era: str) -> None:
    """With the client gone for certain, an older client's call runs to its end and a stateless one is cancelled."""
    body = modern("tools/call", query("WAIT")) if era == "modern" else legacy("tools/call", query("WAIT"))
    headers = headers_for(body) if era == "modern" else AUTH
    raw = [
        (k.encode(), v.encode())
        for k, v in {"host": "localhost", "content-type": "application/json", **headers}.items()
    ]
    pending = [{"type": "http.request", "body": json.dumps(body).encode()}]
    answered: list[Any] = []

    async def receive() -> Any:
        return pending.pop() if pending else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answered.append(message["type"])

    app = create_mcp_app(backend, FakeAuthenticator(), settings, SystemClock())
    async with anyio.create_task_group() as group:
        group.start_soon(app, {"type": "http", "method": "POST", "path": "/ops/mcp", "headers": raw}, receive, send)
        await anyio.to_thread.run_sync(backend.waiting.wait, 20)
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        assert backend.cancelled.is_set() is (era == "modern")
        backend.release.set()
    assert backend.finished.is_set() is (era == "legacy")
    assert bool(answered) is (era == "legacy")


@pytest.mark.anyio
async def test_the_server_goes_on_after_a_withdrawal(url: str, backend: FakeBackend) -> None:
    """A withdrawn call leaves the server answering others."""
    body = modern("tools/call", query("WAIT"))
    connection = start(url, body, headers_for(body))
    assert happens(backend.waiting)
    connection.close()
    assert happens(backend.cancelled)
    backend.release.set()
    assert (await post(url, legacy("ping"))).status_code == 200


def test_a_body_that_does_not_arrive_is_408(url: str) -> None:
    """A client that stalls in its body is answered when the deadline has passed."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = socket.create_connection(tuple(host.split(":")), timeout=20)
    connection.sendall(f"POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 10\r\n\r\n{{".encode())
    assert connection.recv(4096).startswith(b"HTTP/1.1 408")
    connection.close()
