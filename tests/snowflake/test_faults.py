"""What can go wrong on the way: only typed errors come out, and they say whether anything was sent."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skipass.secret import Secret
from skipass.snowflake import (
    IncompleteResultError,
    ProtocolError,
    SnowflakeConfigError,
    SnowflakeError,
    SnowflakeUnavailable,
    SqlApi,
    StaticToken,
    SubmitRequest,
    Target,
    Token,
    TokenRejected,
    TokenType,
    oauth_token,
)
from skipass.snowflake.sqlapi import answers, wire
from skipass.snowflake.sqlapi.failures import Answer
from skipass.snowflake.sqlapi.transport import gunzip
from snowflake.server import Reply, Responder, Server, in_turn, serving

pytestmark = pytest.mark.anyio

SECRET = "FAKE-VERY-SECRET"
TOKENS = oauth_token(SECRET)
HANDLE = "01b2c3d4-0000-0000-0000-000100020003"
ROWS = [["1"], ["2"]]
DONE = {
    "code": "090001",
    "statementHandle": HANDLE,
    "resultSetMetaData": {
        "numRows": 2,
        "partitionInfo": [{"rowCount": 2, "uncompressedSize": 10}],
        "rowType": [{"name": "N", "type": "fixed", "scale": 0}],
    },
    "data": ROWS,
}
BODY = json.dumps(DONE).encode()
ZIPPED = gzip.compress(BODY)
ONE_BIND = {"1": {"type": "FIXED", "value": "1"}}
SELECT = SubmitRequest("select N from T")


@asynccontextmanager
async def against(respond: Responder, max_body_bytes: int = 1_000_000) -> AsyncIterator[tuple[Server, SqlApi]]:
    """A server and a client that talks to it."""
    async with serving(respond) as server:
        api = SqlApi(server.target, max_body_bytes=max_body_bytes)
        try:
            yield server, api
        finally:
            await api.aclose()


def raw(head: str, body: bytes = b"") -> Reply:
    """An answer written out, after which the connection closes."""
    return Reply(raw=f"HTTP/1.1 {head}\r\n\r\n".encode() + body)


JSON = "200 OK\r\nContent-Type: application/json"
BROKEN_TRANSFERS = {
    "cut in the head": Reply(body=BODY, cut_after=10),
    "cut in the body": Reply(body=BODY, cut_after=150),
    "closed without an answer": Reply(body=BODY, cut_after=0),
    "length announced too large": raw(f"{JSON}\r\nContent-Length: {len(BODY) + 9}", BODY),
    "chunks cut": raw(f"{JSON}\r\nTransfer-Encoding: chunked", b"ff\r\n" + BODY[:80]),
    "chunk size broken": raw(f"{JSON}\r\nTransfer-Encoding: chunked", b"zz\r\n" + BODY),
    "gzip cut": Reply(headers={"Content-Encoding": "gzip"}, body=ZIPPED[:-10]),
    "gzip broken": Reply(headers={"Content-Encoding": "gzip"}, body=ZIPPED[:20] + b"\0" * 40 + ZIPPED[60:]),
    "length announced too small": raw(f"{JSON}\r\nContent-Length: {len(BODY) - 9}", BODY),
    "not HTTP": Reply(raw=b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "HTML 503": Reply(503, body=b"<html>unavailable</html>"),
    "empty 500": Reply(500),
}
NONSENSE = {
    "cut without a length": raw(JSON, BODY[:-30]),
    "HTML 200": Reply(200, body=b"<html>welcome</html>"),
    "empty 200": Reply(200),
    "array 200": Reply(200, body=b"[1]"),
    "202 without a handle": Reply(202, body=b"{}"),
    "unknown code": Reply(200, body=b'{"code": "999999", "statementHandle": "x"}'),
    "rows that are no rows": Reply(200, body=b'{"code": "090001", "data": ["a"]}'),
    "rows of another width": Reply(200, body=json.dumps({**DONE, "data": [["1", "2"], ["3", "4"]]}).encode()),
    "count that is no number": Reply(200, body=b'{"code": "090001", "resultSetMetaData": {"numRows": "2"}}'),
    "more than allowed": Reply(200, body=b'{"data": [["' + b"x" * 1_100_000 + b'"]]}'),
    "zipped more than allowed": Reply(200, body=gzip.compress(b'{"data": [["' + b"x" * 1_100_000 + b'"]]}')),
}


@pytest.mark.parametrize("name", BROKEN_TRANSFERS)
async def test_broken_transfer_leaves_the_outcome_unknown(name: str) -> None:
    """A cut, broken or failing answer to a submit is `SnowflakeUnavailable` with its outcome unknown, sent once."""
    async with against(in_turn(BROKEN_TRANSFERS[name])) as (server, api):
        with pytest.raises(SnowflakeUnavailable) as raised:
            await api.submit(SELECT, TOKENS, timeout_s=5)
    assert raised.value.sent
    assert raised.value.outcome_unknown
    assert len(server.seen) == 1


@pytest.mark.parametrize("name", NONSENSE)
async def test_nonsense_is_a_protocol_error(name: str) -> None:
    """An answer outside the protocol is `ProtocolError` with its outcome unknown, never an empty result."""
    async with against(in_turn(NONSENSE[name])) as (server, api):
        with pytest.raises(ProtocolError) as raised:
            await api.submit(SELECT, TOKENS, timeout_s=5)
    assert raised.value.outcome_unknown
    assert len(server.seen) == 1


async def test_no_answer_in_time() -> None:
    """A server that stays silent ends in `SnowflakeUnavailable` when the time is over."""
    silence = asyncio.Event()

    async def hold() -> None:
        await silence.wait()

    async with against(in_turn(Reply(body=BODY, hold=hold))) as (_, api):
        with pytest.raises(SnowflakeUnavailable, match="in time") as raised:
            await api.submit(SELECT, TOKENS, timeout_s=0.2)
        silence.set()
    assert raised.value.sent


async def test_no_connection_means_nothing_was_sent() -> None:
    """A closed port, an unknown name and a TLS failure are `SnowflakeUnavailable` that certainly sent nothing."""
    async with serving(in_turn()) as server:
        plain = server.port
        with_tls = SqlApi(Target("127.0.0.1", "https", plain))
        with pytest.raises(SnowflakeUnavailable) as raised:
            await with_tls.submit(SELECT, TOKENS, timeout_s=0.3)
        await with_tls.aclose()
        assert not raised.value.sent
    for target in (Target("127.0.0.1", "http", plain), Target("no-such-account.invalid")):
        api = SqlApi(target, connector_factory=lambda: aiohttp.TCPConnector(resolver=Nowhere()))
        with pytest.raises(SnowflakeUnavailable) as raised:
            await api.submit(SELECT, TOKENS, timeout_s=5)
        await api.aclose()
        assert not raised.value.sent
        assert not raised.value.outcome_unknown


class Nowhere(aiohttp.abc.AbstractResolver):
    """A resolver that knows no name."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[aiohttp.abc.ResolveResult]:
        """Know no such host."""
        raise OSError("no such host")

    async def close(self) -> None:
        """Hold nothing."""


class Counting(aiohttp.TCPConnector):
    """A connector that counts the connections it has handed out."""

    handed_out = 0

    async def connect(self, *args: Any, **options: Any) -> Any:
        """Count once the connection is there."""
        connection = await super().connect(*args, **options)
        self.handed_out += 1
        return connection


async def test_objection_before_sending_stops_every_byte() -> None:
    """An exception of `before_send` comes out as it is, after connecting, and not one byte was written."""
    connectors: list[Counting] = []

    def make() -> Counting:
        connectors.append(Counting())
        return connectors[0]

    async def object_now() -> None:
        assert connectors[0].handed_out == 1
        raise PermissionError("revoked")

    async with serving(in_turn(Reply(body=BODY))) as server:
        api = SqlApi(server.target, connector_factory=make)
        with pytest.raises(PermissionError, match="revoked"):
            await api.submit(SELECT, TOKENS, timeout_s=5, before_send=object_now)
        assert (server.bytes_in, server.seen) == (0, [])
        await api.submit(SELECT, TOKENS, timeout_s=5)
        assert len(server.seen) == 1
        await api.aclose()


async def test_objection_on_a_used_connection() -> None:
    """The hook is asked on a kept connection too, and again before a repetition after 401."""
    asked: list[int] = []

    async def note() -> None:
        asked.append(len(server.seen))

    async with against(in_turn(Reply(body=BODY), Reply(401, body=b'{"code": "390318"}'), Reply(body=BODY))) as (
        server,
        api,
    ):
        await api.submit(SELECT, TOKENS, timeout_s=5, before_send=note)
        await api.submit(SELECT, Renewing(), timeout_s=5, before_send=note)
        assert server.connections == 1
    assert asked == [0, 1, 2]


class Renewing:
    """A token source whose every token is a new one."""

    def __init__(self) -> None:
        self.given = 0
        self.refused = 0

    async def token(self) -> Token:
        """Return the next token."""
        self.given += 1
        return Token(Secret(f"FAKE-{self.given}"), TokenType.OAUTH)

    async def rejected(self, token: Token) -> bool:
        """Count the refusal; there is another token."""
        self.refused += 1
        return True


async def test_refused_token_is_replaced_once() -> None:
    """After 401 the submit is repeated once, with a fresh token, under the same request id and `retry=true`."""
    refused = Reply(401, body=b'{"code": "390303", "message": "Invalid OAuth access token. [7]"}')
    tokens = Renewing()
    async with against(in_turn(refused, Reply(body=BODY))) as (server, api):
        await api.submit(SELECT, tokens, timeout_s=5)
    first, second = server.seen
    assert second.query == {**first.query, "retry": "true"}
    assert (first.headers["authorization"], second.headers["authorization"]) == ("Bearer FAKE-1", "Bearer FAKE-2")
    assert first.body == second.body
    async with against(in_turn(refused, refused)) as (server, api):
        with pytest.raises(TokenRejected) as raised:
            await api.submit(SELECT, Renewing(), timeout_s=5)
        assert len(server.seen) == 2
    assert raised.value.login_failure_id == "7"
    assert not raised.value.outcome_unknown


@pytest.mark.parametrize("code", ["390100", "394400", "390432", "390422", "390186"])
async def test_refused_login_is_not_tried_again(code: str) -> None:
    """A 401 that no other token can cure is not repeated."""
    body = json.dumps({"code": code, "message": "no"}).encode()
    async with against(in_turn(Reply(401, body=body))) as (server, api):
        with pytest.raises(SnowflakeError):
            await api.submit(SELECT, Renewing(), timeout_s=5)
        assert len(server.seen) == 1


async def test_expired_token_midway_fetches_the_same_partition() -> None:
    """A partition refused for its token is fetched again by the same handle; nothing is submitted."""
    expired = Reply(401, body=b'{"code": "390318"}')
    async with against(in_turn(expired, Reply(body=b'{"data": [["4"]]}'))) as (server, api):
        partition = await api.partition(HANDLE, 1, Renewing(), timeout_s=5)
    assert partition.rows == [["4"]]
    assert {(seen.method, seen.path) for seen in server.seen} == {("GET", f"/api/v2/statements/{HANDLE}")}
    assert all(seen.query == {"partition": "1"} for seen in server.seen)


async def test_slow_token_source_sends_nothing() -> None:
    """A token source that hangs ends in `SnowflakeUnavailable` that certainly sent nothing."""

    class Hanging(Renewing):
        async def token(self) -> Token:
            await asyncio.Event().wait()
            raise AssertionError

    async with against(in_turn()) as (server, api):
        with pytest.raises(SnowflakeUnavailable) as raised:
            await api.submit(SELECT, Hanging(), timeout_s=0.05)
    assert not raised.value.sent
    assert server.connections == 0


async def test_large_statement_goes_out_whole() -> None:
    """A statement of several megabytes arrives as it is."""
    large = SubmitRequest("select '" + "x" * 3_000_000 + "'")
    async with against(in_turn(Reply(body=BODY))) as (server, api):
        await api.submit(large, TOKENS, timeout_s=20)
    assert json.loads(server.seen[0].body)["statement"] == large.statement


@pytest.mark.parametrize("reply", [BROKEN_TRANSFERS["empty 500"], BROKEN_TRANSFERS["gzip cut"], NONSENSE["HTML 200"]])
async def test_failures_name_their_request(reply: Reply) -> None:
    """Every failure carries the request id of a submit and the handle of a poll."""
    async with against(in_turn(reply, reply)) as (_, api):
        with pytest.raises(SnowflakeError) as submitting:
            await api.submit(SELECT, TOKENS, timeout_s=5)
        with pytest.raises(SnowflakeError) as polling:
            await api.poll(HANDLE, TOKENS, timeout_s=5)
    assert submitting.value.request_id == SELECT.request_id
    assert polling.value.statement_handle == HANDLE


async def test_redirects_are_not_followed() -> None:
    """A redirect is a configuration error and its address is never called."""
    async with against(in_turn(Reply(307, {"Location": "/elsewhere"}, b"<html/>"))) as (server, api):
        with pytest.raises(SnowflakeConfigError):
            await api.submit(SELECT, TOKENS, timeout_s=5)
        assert len(server.seen) == 1


async def test_proxy_variables_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxy variables change nothing, and a session that follows them is refused."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with against(in_turn(Reply(body=BODY))) as (server, api):
        await api.submit(SELECT, TOKENS, timeout_s=5)
        assert len(server.seen) == 1
    async with aiohttp.ClientSession(trust_env=True) as session:
        with pytest.raises(SnowflakeConfigError, match="proxy"):
            await SqlApi(server.target, session=session).submit(SELECT, TOKENS, timeout_s=5)


async def test_shared_session_stays_open() -> None:
    """A session of the caller is used, may decompress by itself elsewhere, and is not closed."""
    zipped = Reply(headers={"Content-Encoding": "gzip"}, body=ZIPPED)
    async with serving(in_turn(zipped)) as server, aiohttp.ClientSession() as session:
        api = SqlApi(server.target, session=session)
        found = await api.submit(SELECT, TOKENS, timeout_s=5)
        await api.aclose()
        assert isinstance(found, answers.Finished)
        assert not session.closed


async def test_connector_factory_pins_the_address() -> None:
    """The caller's connector resolves the name: a host that does not exist is reached at the pinned address."""

    class Pinned(aiohttp.abc.AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[aiohttp.abc.ResolveResult]:
            return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}]

        async def close(self) -> None:
            return None

    async with serving(in_turn(Reply(body=BODY))) as server:
        target = Target("myorg-acc.snowflakecomputing.invalid", "http", server.port)
        api = SqlApi(target, connector_factory=lambda: aiohttp.TCPConnector(resolver=Pinned()))
        await api.submit(SELECT, TOKENS, timeout_s=5)
        await api.aclose()
        assert server.seen[0].headers["host"] == f"myorg-acc.snowflakecomputing.invalid:{server.port}"


@pytest.mark.parametrize("name", [*BROKEN_TRANSFERS, *NONSENSE])
async def test_token_shows_nowhere(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """No failure shows the token: not its text, its repr, its traceback with causes, nor a log."""
    caplog.set_level(logging.DEBUG)
    async with against(in_turn({**BROKEN_TRANSFERS, **NONSENSE}[name])) as (server, api):
        with pytest.raises(SnowflakeError) as raised:
            await api.submit(SELECT, TOKENS, timeout_s=5)
    error = raised.value
    shown = "".join(traceback.format_exception(error)) + str(error) + repr(vars(error)) + caplog.text
    assert SECRET in server.seen[0].headers["authorization"]
    assert SECRET not in shown
    assert error.__cause__ is None
    assert error.__context__ is None or SECRET not in repr(error.__context__)


@pytest.mark.parametrize("handle", ["", "../statements", "a/b", "a?b=c", "x" * 65, "a b", "é"])
async def test_handles_that_could_change_the_address(handle: str) -> None:
    """A handle that is not one never becomes part of an address."""
    async with against(in_turn()) as (server, api):
        for call in (api.poll, api.cancel):
            with pytest.raises(SnowflakeConfigError):
                await call(handle, TOKENS, timeout_s=5)
        assert server.connections == 0


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (SubmitRequest("  \n"), "empty"),
        (SubmitRequest("select 1", request_id="7"), "UUID"),
        (SubmitRequest("select 1", timeout_s=604_801), "timeout"),
        (SubmitRequest("select 1", parameters={"autocommit": "false"}), "autocommit"),
        (SubmitRequest("select 1", parameters={"QUERY_TAG": "x" * 2001}), "query tag"),
        (SubmitRequest("select '\ud800'"), "JSON"),
        (
            SubmitRequest(
                "select ?; select 2", {"1": {"type": "FIXED", "value": "1"}}, parameters={"MULTI_STATEMENT_COUNT": "2"}
            ),
            "several statements",
        ),
    ],
)
def test_requests_that_are_refused_here(request_: SubmitRequest, says: str) -> None:
    """What Snowflake cannot take is refused before anything is sent."""
    with pytest.raises(SnowflakeConfigError, match=says):
        wire.submit_call(request_)


def test_short_first_partition_is_incomplete() -> None:
    """A first partition with fewer rows than announced is refused."""
    body = json.dumps({**DONE, "data": [["1"]]}).encode()
    with pytest.raises(IncompleteResultError):
        answers.read_statement(wire.poll_call(HANDLE), Answer(200, body))


MEMBERS = (*DONE, "message", "sqlState", "stats", "statementHandles", "rowType", "numRows", "partitionInfo")


def test_answer_about_another_statement_is_refused() -> None:
    """An answer that names another handle than the one asked for is `ProtocolError`: its rows belong elsewhere."""
    other = wire.poll_call("01b2c3d4-0000-0000-0000-000000000000")
    with pytest.raises(ProtocolError, match="another statement"):
        answers.read_statement(other, Answer(200, BODY))
    assert isinstance(answers.read_statement(wire.poll_call(HANDLE.upper()), Answer(200, BODY)), answers.Finished)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=4),
    max_leaves=8,
)
SHAPES = st.fixed_dictionaries({}, optional=dict.fromkeys(MEMBERS, JSON_VALUES))


@given(st.sampled_from([200, 202, 302, 400, 401, 403, 404, 408, 410, 422, 429, 500, 513, 522]), SHAPES | JSON_VALUES)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_any_json_is_read_or_a_typed_error(status: int, value: object) -> None:
    """Whatever JSON comes with whatever status, to whatever request, only typed errors come out."""
    answer = Answer(status, json.dumps(value).encode(), {"retry-after": "1"})
    poll, submit = wire.poll_call(HANDLE), wire.submit_call(SELECT)
    for read in (
        lambda: answers.read_statement(submit, answer),
        lambda: answers.read_statement(poll, answer),
        lambda: answers.read_partition(poll, 1, answer, width=1),
        lambda: answers.read_cancel(wire.cancel_call(HANDLE), answer),
    ):
        with suppress(SnowflakeError):
            read()


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_a_typed_error(noise: bytes, zipped: bool) -> None:
    """Whatever bytes come, decompressing and reading raise only typed errors."""
    with suppress(SnowflakeError):
        content = gunzip((ZIPPED[:15] if zipped else b"\x1f\x8b") + noise, 1000)
        answers.read_statement(wire.poll_call(HANDLE), Answer(200, content))


@given(st.integers(0, len(ZIPPED) - 1))
def test_cut_gzip_is_never_content(length: int) -> None:
    """A gzip body cut anywhere inside is refused."""
    cut = ZIPPED[: max(length, 2)]
    with pytest.raises(SnowflakeUnavailable):
        gunzip(cut, 10_000)
    assert gunzip(ZIPPED + ZIPPED, 10_000) == BODY + BODY


def test_static_token_repr() -> None:
    """A source's repr shows no token."""
    assert SECRET not in repr(TOKENS)
    assert isinstance(TOKENS, StaticToken)


DATES = st.builds(
    "{}, {} Jan {} {}:00:00 {:+d}".format,
    st.sampled_from(["Mon", "0"]),
    st.integers(),
    st.integers(),
    st.integers(),
    st.integers(),
)


@given(st.sampled_from([202, 401, 403, 429, 503]), DATES | st.text(), st.text() | st.integers().map(str))
def test_any_headers_are_read_or_a_typed_error(status: int, sent_at: str, retry_after: str) -> None:
    """Whatever stands in the headers that are read, only typed errors come out."""
    body = json.dumps({"code": "390144", "message": "JWT token is invalid."}).encode()
    answer = Answer(status, body, {"date": sent_at, "retry-after": retry_after}, datetime.now(UTC))
    with suppress(SnowflakeError):
        answers.read_statement(wire.poll_call(HANDLE), answer)
