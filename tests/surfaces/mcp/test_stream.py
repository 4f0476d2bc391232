"""Answers that come as a stream of events: what a client hears before the answer, and who gets a stream at all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
import httpx2
import pytest

from skipass.clock import SystemClock
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.mcp.app import create_mcp_app
from skipass.surfaces.mcp.line import MOST_WAITING, Line, Progress
from surfaces.mcp.fake import AUTH, META, FakeAuthenticator, FakeBackend, headers_for, legacy, modern, post, query

pytestmark = pytest.mark.anyio
BOTH = {"accept": "application/json, text/event-stream"}
ERAS = ["legacy", "modern"]


@pytest.fixture
def settings() -> EdgeSettings:
    return EdgeSettings(keep_alive_s=0.01, progress_s=0.01)


def calling(statement: str, era: str, token: object = None) -> tuple[Any, dict[str, str]]:
    """Return body and headers of a call by a client that takes a stream, asking for progress by `token` if given."""
    meta = {} if token is None else {"progressToken": token}
    if era == "modern":
        body = modern("tools/call", query(statement), meta=META | meta)
        return body, headers_for(body) | BOTH
    return legacy("tools/call", query(statement) | ({"_meta": meta} if meta else {})), AUTH | BOTH


@asynccontextmanager
async def streaming(url: str, body: Any, headers: dict[str, str]) -> AsyncIterator[tuple[httpx2.Response, Any]]:
    async with (
        httpx2.AsyncClient(timeout=20, trust_env=False) as client,
        client.stream("POST", url, json=body, headers=headers) as answer,
    ):
        yield answer, answer.aiter_lines()


async def events(lines: Any, most: int | None = None) -> list[Any]:
    """Return the messages of a stream until its end, or the first `most` of them."""
    found: list[Any] = []
    async for line in lines:
        if line.startswith("data: "):
            found.append(json.loads(line.removeprefix("data: ")))
            if len(found) == most:
                break
    return found


@pytest.mark.parametrize("era", ERAS)
async def test_a_long_call_tells_how_long_it_has_run(url: str, backend: FakeBackend, era: str) -> None:
    """Progress under the client's token strictly increases until the answer, which is the last thing on the stream."""
    async with streaming(url, *calling("WAIT", era, "t-1")) as (answer, lines):
        told = await events(lines, 3)
        backend.release.set()
        rest = await events(lines)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
    assert (answer.headers["x-accel-buffering"], answer.headers["cache-control"]) == ("no", "no-store")
    notified, response = [*told, *rest[:-1]], rest[-1]
    assert {(one["method"], one["params"]["progressToken"]) for one in notified} == {("notifications/progress", "t-1")}
    values = [one["params"]["progress"] for one in notified]
    assert values == sorted(set(values))
    assert all("id" not in one for one in notified)
    assert (response["id"], response["result"]["structuredContent"]["status"]) == (1, "success")


@pytest.mark.parametrize("era", ERAS)
async def test_a_silent_call_is_kept_alive(url: str, backend: FakeBackend, era: str) -> None:
    """A client that asked for no progress hears comments only, and its answer as the one event."""
    async with streaming(url, *calling("WAIT", era)) as (_, lines):
        comments = [await anext(lines) for _ in range(4)]
        backend.release.set()
        answers = await events(lines)
    assert {line for line in comments if line} == {": still there"}
    assert [one["id"] for one in answers] == [1]


@pytest.mark.parametrize("era", ERAS)
async def test_a_quick_answer_is_plain(url: str, era: str) -> None:
    """An answer with nothing before it is one JSON object, even to a client that takes a stream."""
    answer = await post(url, *calling("SELECT 1", era))
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["result"]["isError"] is False


@pytest.mark.parametrize("accept", ["application/json", "*/*", None])
async def test_a_client_that_takes_no_stream_gets_none(url: str, accept: str | None) -> None:
    """Without `text/event-stream` in Accept, what is told on the way is dropped and the answer is JSON."""
    body, headers = calling("REPORT", "modern", "t")
    answer = await post(url, body, {**headers, "accept": accept} if accept else {**headers, "accept": ""})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("token", ["", "t", 0, 7])
async def test_what_the_work_reports(url: str, era: str, token: object) -> None:
    """Reports pass on in order with total and message; one that does not increase is dropped."""
    async with streaming(url, *calling("REPORT", era, token)) as (_, lines):
        *told, response = await events(lines)
    assert [one["params"] for one in told] == [
        {"progressToken": token, "progress": 1.0, "total": 2.0, "message": "1 of 2"},
        {"progressToken": token, "progress": 2.0, "total": 2.0, "message": "2 of 2"},
    ]
    assert "result" in response


@pytest.mark.parametrize("token", [True, 1.5, [], {}, "x" * 257, 2**60])
async def test_a_token_that_cannot_be_one_is_ignored(url: str, token: object) -> None:
    """A progress token that is neither a short string nor an integer brings no progress, and the call its answer."""
    answer = await post(url, *calling("REPORT", "modern", token))
    assert answer.headers["content-type"] == "application/json"


async def test_a_caller_who_is_nobody_any_more_learns_it_on_the_stream(url: str, backend: FakeBackend) -> None:
    """A credential that ends while its call's stream is open makes the last event an error with our code."""
    async with streaming(url, *calling("WAIT, REVOKED", "modern", "t")) as (answer, lines):
        await events(lines, 1)
        backend.release.set()
        *_, response = await events(lines)
    assert answer.status_code == 200
    assert (response["id"], response["error"]["data"]["code"]) == (1, "unauthenticated")


async def test_leaving_a_stream_cancels_a_modern_call(url: str, backend: FakeBackend) -> None:
    """A stateless client that closes its stream withdraws the call behind it."""
    async with streaming(url, *calling("WAIT", "modern", "t")) as (_, lines):
        await events(lines, 2)
    assert await anyio.to_thread.run_sync(backend.cancelled.wait, 20)


async def test_leaving_a_stream_cancels_no_legacy_call(backend: FakeBackend, settings: EdgeSettings) -> None:
    """An older client's call goes on when the server finds the stream closed, and ends by itself."""
    body, headers = calling("WAIT", "legacy", "t")
    given = {"host": "localhost", "content-type": "application/json", **headers}
    pending = [{"type": "http.request", "body": json.dumps(body).encode()}]
    gone = anyio.Event()

    async def receive() -> Any:
        return pending.pop() if pending else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            gone.set()
            raise OSError("the client is gone")

    scope = {"type": "http", "method": "POST", "path": "/ops/mcp"}
    scope |= {"headers": [(name.encode(), value.encode()) for name, value in given.items()]}
    app = create_mcp_app(backend, FakeAuthenticator(), settings, SystemClock())
    async with anyio.create_task_group() as group:
        group.start_soon(app, scope, receive, send)
        await gone.wait()
        assert not backend.cancelled.is_set()
        backend.release.set()
    assert backend.finished.is_set()


async def test_a_cancelled_notification_cancels_nothing(url: str, backend: FakeBackend) -> None:
    """A server without transport sessions cannot tell whose call an older client means: 202, and the call goes on."""
    async with streaming(url, *calling("WAIT", "legacy", "t")) as (_, lines):
        await events(lines, 1)
        told = await post(url, {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
        backend.release.set()
        *_, response = await events(lines)
    assert (told.status_code, backend.cancelled.is_set()) == (202, False)
    assert response["result"]["isError"] is False


async def test_a_batch_is_answered_at_the_end_of_its_stream(url: str) -> None:
    """Progress of any call of a batch comes before the one event with all answers."""
    body, headers = calling("REPORT", "legacy", "t")
    async with streaming(url, [body, legacy("ping", message_id=2)], headers) as (_, lines):
        *told, answers = await events(lines)
    assert len(told) == 2
    assert [one["id"] for one in answers] == [1, 2]


def test_a_client_that_does_not_read_costs_a_bounded_number_of_messages() -> None:
    """However much is reported, no more than the most waits for one client."""
    line = Line()
    progress = Progress(line, "t")
    for done in range(100_000):
        progress.report(float(done), None, "x" * 10_000)
    waiting = line.rest()
    assert len(waiting) == MOST_WAITING
    assert max(len(json.dumps(one)) for one in waiting) < 1_000
    assert line.rest() == []
