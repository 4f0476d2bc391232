"""The door by itself: allow lists, credentials, statuses, and failures before and after an answer has begun."""

from __future__ import annotations

import asyncio
import logging
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipass.clock import SystemClock
from skipass.errors import KINDS, Kind, SkipassError
from skipass.nouns.envelope import Status
from skipass.surfaces.edge.answers import STATUS, send_error, send_json
from skipass.surfaces.edge.bearer import bearer_from, challenge, identifier_from
from skipass.surfaces.edge.door import Door
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.hosts import check_host, check_origin
from skipass.surfaces.edge.refusals import envelope_of
from skipass.surfaces.edge.settings import EdgeSettings


def sent(*pairs: tuple[str, str]) -> Headers:
    return Headers([(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs])


def through(app: Any, *messages: dict[str, Any], scope_type: str = "http", **headers: str) -> list[dict[str, Any]]:
    """Send one request through a door around `app`; give what it answered."""
    answered: list[dict[str, Any]] = []
    pending = [*messages] or [{"type": "http.request", "body": b"", "more_body": False}]
    raw = [(name.encode(), value.encode()) for name, value in ({"host": "localhost"} | headers).items()]

    async def receive() -> dict[str, Any]:
        return pending.pop(0) if pending else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answered.append(dict(message))

    scope = {"type": scope_type, "method": "POST", "path": "/", "headers": raw}
    asyncio.run(Door(app, EdgeSettings(max_body_bytes=10), SystemClock())(scope, receive, send))
    return answered


def test_every_kind_of_failure_has_a_status() -> None:
    """The one table knows every kind, with a 4xx for the caller's and a 5xx for ours and Snowflake's."""
    ours = {Kind.INTERNAL, Kind.UPSTREAM, Kind.UNAVAILABLE}
    assert set(STATUS) == set(Kind)
    assert {kind for kind, status in STATUS.items() if status >= 500} == ours


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_code_has_a_word_for_the_agent(code: str) -> None:
    """A failure of any code becomes an envelope that carries it, and never reads as success."""
    envelope = envelope_of(SkipassError(code), "req_1")
    assert envelope.fields["code"] == code
    assert envelope.status not in (Status.SUCCESS, Status.RUNNING)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("session_required", "session_required"),
        ("not_found", "not_found"),
        ("out_of_scope", "denied"),
        ("not_your_user", "denied"),
        ("missing_field", "failed"),
        ("statement_unknown", "unknown"),
        ("lapsed", "lapsed"),
        ("unknown_connection", "not_found"),
        ("snowflake_unavailable", "failed"),
        ("approval_denied", "denied"),
    ],
)
def test_the_word_fits_the_code(code: str, status: str) -> None:
    """A code that is a status keeps its name; other refusals are denied, other failures failed."""
    assert envelope_of(SkipassError(code), "req_1").status.value == status


@given(st.text() | st.from_regex(r"gate\.test(:[0-9]{0,7})?[a-z.]?", fullmatch=True))
def test_no_host_outside_the_list_is_answered(host: str) -> None:
    """Whatever the Host header holds, only the listed names pass, with or without a port."""
    value = host.encode("utf-8").decode("latin-1")
    name, _, port = value.strip(" \t").lower().partition(":")
    listed = name == "gate.test" and (port == "" or (port.isascii() and port.isdigit() and len(port) < 6))
    with nullcontext() if listed and not value.strip(" \t").endswith(":") else pytest.raises(SkipassError):
        check_host(sent(("host", value)), ("gate.test", "gate.test:1"))


@pytest.mark.parametrize("host", ["gate.test", "gate.test:80", "[::1]:9", "other.test:8443", "GATE.test"])
def test_a_listed_host_passes(host: str) -> None:
    """A name without a port admits every port; a name with one admits that port."""
    check_host(sent(("host", host)), ("gate.test", "[::1]", "other.test:8443"))


@pytest.mark.parametrize("pairs", [[], [("host", "other.test:1")], [("host", "gate.test"), ("host", "gate.test")]])
def test_a_missing_strange_or_repeated_host_is_refused(pairs: list[tuple[str, str]]) -> None:
    """No Host, another port than the listed one, or two Hosts: refused."""
    with pytest.raises(SkipassError):
        check_host(sent(*pairs), ("gate.test", "other.test:8443"))


@pytest.mark.parametrize(
    ("origin", "passes"),
    [
        ("https://gate.test", True),
        ("https://gate.test:8443", True),
        ("http://gate.test", False),
        ("null", False),
        ("https://gate.test.evil.test", False),
        ("https://gate.test/", False),
        ("https://other.test:1", True),
        ("https://other.test:2", False),
        ("https://other.test", False),
        ("chrome-extension://gate.test", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(origin: str, passes: bool) -> None:
    """An origin passes when its scheme and host are listed, and its port where the list names one."""
    allowed = ("https://gate.test", "https://other.test:1")
    if passes:
        check_origin(sent(("origin", origin)), allowed)
    else:
        with pytest.raises(SkipassError):
            check_origin(sent(("origin", origin)), allowed)


def test_the_public_address_is_allowed_beside_loopback() -> None:
    """A deployment at a public address answers there and on loopback, with its port where it has one."""
    settings = EdgeSettings.serving("https://Gate.test:8443")
    for host, origin in (("gate.test:8443", "https://gate.test:8443"), ("127.0.0.1:1", "http://localhost:3000")):
        check_host(sent(("host", host)), settings.allowed_hosts)
        check_origin(sent(("origin", origin)), settings.allowed_origins)
    with pytest.raises(SkipassError):
        check_host(sent(("host", "gate.test:80")), settings.allowed_hosts)


def test_no_origin_passes() -> None:
    """A client that is no browser sends no Origin and passes."""
    check_origin(sent(), ())


@pytest.mark.parametrize("value", ["Bearer abc.-_~+/==", "bearer abc.-_~+/==", "BEARER   abc.-_~+/=="])
def test_the_bearer_token_is_taken_from_its_header(value: str) -> None:
    """The scheme's case and the blanks before the token do not matter."""
    assert bearer_from(sent(("authorization", value))) == "abc.-_~+/=="


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("Basic abc", "unauthenticated"),
        ("", "unauthenticated"),
        ("Bearer", "invalid_request"),
        ("Bearer a,b", "invalid_request"),
    ],
)
def test_what_is_no_bearer_token(value: str, code: str) -> None:
    """Another scheme is no credential; a malformed token is a malformed request, and is not repeated."""
    with pytest.raises(SkipassError) as caught:
        bearer_from(sent(("authorization", value)))
    assert caught.value.code == code


@pytest.mark.parametrize("value", ["", "a\x00b", "é", "x" * 257])
def test_an_identifier_is_short_printable_ascii(value: str) -> None:
    """Anything else in the identifier header is refused."""
    with pytest.raises(SkipassError):
        identifier_from(sent(("skipass-identifier", value)))


def test_a_challenge_names_what_it_was_given() -> None:
    """The challenge carries the metadata URL, scopes and error that it was given, and cannot be broken out of."""
    assert challenge() == "Bearer"
    url = "https://gate.test/.well-known/oauth-protected-resource/ops/mcp"
    full = challenge(error="invalid_token", resource_metadata=url, scope="tools:read")
    assert full == f'Bearer resource_metadata="{url}", scope="tools:read", error="invalid_token"'
    assert challenge(scope='x", error="y\r\n') == 'Bearer scope="x, error=y"'


def test_a_failure_leaves_as_json_with_its_status() -> None:
    """What a surface raises is `{"error": …}` with the status of its kind."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise SkipassError("conflict", "Taken.", "Choose another.")

    start, body = through(app)
    assert start["status"] == 409
    assert b'"code":"conflict","message":"Taken.","hint":"Choose another."' in body["body"]


def test_an_unforeseen_failure_is_internal(caplog: pytest.LogCaptureFixture) -> None:
    """An exception's text reaches neither answer nor log; where it came from is logged under the request's id."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("hunter2")

    with caplog.at_level(logging.ERROR, "skipass.edge"):
        start, body = through(app)
    request_id = dict(start["headers"])[b"x-request-id"].decode()
    assert start["status"] == 500
    assert request_id.encode() in body["body"]
    assert b"hunter2" not in body["body"]
    assert "hunter2" not in caplog.text
    assert "RuntimeError in app" in caplog.text
    assert [record.__dict__["request_id"] for record in caplog.records] == [request_id]


@pytest.mark.parametrize("error", [SkipassError("conflict"), RuntimeError("x")])
def test_a_broken_stream_is_not_finished(error: Exception) -> None:
    """A failure after the answer has begun goes on to the server, which cuts the connection."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise error

    with pytest.raises(type(error)):
        through(app)


def test_the_body_arrives_whole() -> None:
    """The surface gets the body in one piece, and after it the news that the client is gone."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend([await receive(), await receive()])
        await send_json(send, 200, {})

    pieces = [{"type": "http.request", "body": b"abc", "more_body": True}, {"type": "http.request", "body": b"de"}]
    through(app, *pieces)
    assert [message["type"] for message in seen] == ["http.request", "http.disconnect"]
    assert seen[0]["body"] == b"abcde"


def test_a_client_that_leaves_while_sending_is_not_answered() -> None:
    """Half a body and a lost connection end without an answer and without a call."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    assert through(app, {"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}) == []


@pytest.mark.parametrize("length", ["11", "9" * 30])
def test_a_declared_length_over_the_limit_is_refused_unread(length: str) -> None:
    """Content-Length over the limit is 413 before any byte is read."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    assert through(app, {"type": "http.disconnect"}, **{"content-length": length})[0]["status"] == 413


def test_nothing_but_http_is_served() -> None:
    """A WebSocket is closed without reaching the surface."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    assert through(app, scope_type="websocket") == [{"type": "websocket.close", "code": 1008}]


def test_a_challenge_goes_with_every_401() -> None:
    """A 401 challenges; with a token refused it says so, and it names the metadata it was given."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = Headers.of(scope)
        await send_error(send, SkipassError("unauthenticated"), request=headers, resource_metadata="https://g.test/m")

    plain, refused = through(app)[0], through(app, authorization="Bearer x")[0]
    assert dict(plain["headers"])[b"www-authenticate"] == b'Bearer resource_metadata="https://g.test/m"'
    assert b'error="invalid_token"' in dict(refused["headers"])[b"www-authenticate"]
