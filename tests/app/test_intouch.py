"""An answer on its way out ends where it stands once the gateway has lost its database."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from serving import serving
from skipass.app.intouch import InTouch
from skipass.surfaces.edge.asgi import Receive, Scope, Send

SIZE = 64 * 1024 * 1024  # more than the buffers of both ends of a connection hold


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a body that announces its length."""
    headers = [(b"content-length", str(SIZE).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(SIZE)})


@pytest.fixture
def answer() -> Iterator[tuple[http.client.HTTPResponse, threading.Event]]:
    """Yield a large answer of which nothing but the head has been read, and what says that the database is gone."""
    lost = threading.Event()
    with serving(InTouch(large, lambda: not lost.is_set())) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        connection.request("GET", "/")
        yield connection.getresponse(), lost
        connection.close()


def test_an_answer_comes_whole_while_the_database_is_there(
    answer: tuple[http.client.HTTPResponse, threading.Event],
) -> None:
    """Sent in pieces, a large body arrives complete."""
    response, _ = answer
    assert len(response.read()) == SIZE


def test_an_answer_is_cut_when_the_database_is_lost(
    answer: tuple[http.client.HTTPResponse, threading.Event],
) -> None:
    """What had not left stays, and the client is told by its length that something is missing."""
    response, lost = answer
    lost.set()
    with pytest.raises(http.client.IncompleteRead) as cut:
        response.read()
    assert len(cut.value.partial) < SIZE
