"""What a client that goes away does to the call it was waiting for."""

from __future__ import annotations

import socket
import threading

import pytest

from surfaces.mcp.fake import AUTH, FakeBackend, headers_for, legacy, modern, post, query, start


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


def test_a_legacy_client_that_leaves_cancels_nothing(url: str, backend: FakeBackend) -> None:
    """A lost connection of an older client lets the call run to its end."""
    connection = start(url, legacy("tools/call", query("WAIT")), AUTH)
    assert happens(backend.waiting)
    connection.close()
    backend.release.set()
    assert happens(backend.finished)
    assert not backend.cancelled.is_set()


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
