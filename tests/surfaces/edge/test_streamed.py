"""A page that is sent as it comes to be: what is there stands in the browser before the rest is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from skipass.surfaces.edge.pages import Reply
from skipass.surfaces.edge.streamed import Streamed

pytestmark = pytest.mark.anyio


async def test_each_piece_leaves_before_the_next_is_made() -> None:
    """The head leaves at once, a piece when it is there, and the end closes the answer."""
    sent: list[dict[str, Any]] = []
    left, onward = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[str]:
        yield "<li>one</li>"
        await onward.wait()
        yield "<li>two é</li>"

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if b"one" in message.get("body", b""):
            left.set()

    page = Reply(200, b"<ol><!-- here --></ol>", {"content-type": "text/html; charset=utf-8"})
    task = asyncio.create_task(Streamed(page, b"<!-- here -->", pieces()).send(send))
    await left.wait()
    assert [one.get("body") for one in sent[1:]] == [b"<ol>", b"<li>one</li>"]
    onward.set()
    await task
    assert b"".join(one.get("body", b"") for one in sent) == "<ol><li>one</li><li>two é</li></ol>".encode()
    assert [one.get("more_body", False) for one in sent[1:]] == [True, True, True, False]
    assert b"content-length" not in dict(sent[0]["headers"])
