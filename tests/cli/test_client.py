"""How commands talk to a gateway: what is sent where, and what becomes of every kind of answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from serving import serving
from skipass.cli.client import Gateway, checked_url, segment
from skipass.cli.failures import Refusal, told
from skipass.errors import SkipassError
from skipass.secret import Secret

KEY = "skp_0123456789ab_secret"


class Answering:
    """Answers every request with what was put in, and remembers what came."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes, dict[str, str]]] = []
        self.requests: list[dict[str, Any]] = []

    def next(self, status: int, body: Any = b"", **headers: str) -> None:
        """Put in one answer."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, raw, headers))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path = scope["raw_path"].decode() + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
        self.requests.append({"method": scope["method"], "path": path, "headers": headers, "body": body})
        status, raw, extra = self.answers.pop(0)
        sent = [(name.encode(), value.encode()) for name, value in extra.items()]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": raw})


@pytest.fixture
def server() -> Answering:
    """What answers."""
    return Answering()


@pytest.fixture
def url(server: Answering) -> Iterator[str]:
    """Where it listens."""
    with serving(server) as base_url:
        yield base_url


def test_a_read_carries_bearer_and_identifier(server: Answering, url: str) -> None:
    """The key travels in the header alone, absent query values are not sent, and the answer comes back as it is."""
    server.next(200, {"items": []})
    assert Gateway(url, Secret(KEY), "dana").get("/sessions", state=None, limit=3) == {"items": []}
    (request,) = server.requests
    assert (request["method"], request["path"]) == ("GET", "/api/v1/sessions?limit=3")
    assert request["headers"]["authorization"] == f"Bearer {KEY}"
    assert request["headers"]["skipass-identifier"] == "dana"


def test_a_change_sends_json_without_absent_members(server: Answering, url: str) -> None:
    """Members that are None stay out of the body; an answer without content is empty."""
    server.next(204)
    assert Gateway(url, Secret(KEY)).post("/sign-out", {"reason": "done", "budgets": None}) == {}
    (request,) = server.requests
    assert json.loads(request["body"]) == {"reason": "done"}
    assert request["headers"]["content-type"] == "application/json"


def test_a_refusal_comes_through_whole(server: Answering, url: str) -> None:
    """Code, message, hint and details of the gateway are the command's, also for a code that is newer than it."""
    error = {"code": "brand_new", "message": "No.", "hint": "Ask.", "retryable": False, "details": {"a": 1}}
    server.next(422, {"error": error})
    with pytest.raises(Refusal) as refused:
        Gateway(url).get("/whoami")
    assert (refused.value.code, refused.value.details) == ("brand_new", {"a": 1})
    assert told(refused.value) == (1, "brand_new: No.\nhint: Ask.")


def test_waiting_for_a_person_has_its_own_status() -> None:
    """A refusal that only a person can lift ends with 3."""
    assert told(Refusal("approval_required", "A person has to decide."))[0] == 3


def test_what_a_refusal_says_cannot_act_on_the_terminal() -> None:
    """Control characters in a message of the gateway are spelled out."""
    assert told(Refusal("x", "a\x1b[2Jb"))[1] == "x: a⟨U+001B⟩[2Jb"


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (200, b"[]"), (502, b"bad gateway"), (500, b'{"error": "text"}'), (404, b"")]
)
def test_what_is_not_a_gateways_answer_is_said_to_be_none(
    server: Answering, url: str, status: int, body: bytes
) -> None:
    """Another server at the address is neither believed nor quoted."""
    server.next(status, body)
    with pytest.raises(SkipassError) as refused:
        Gateway(url, Secret(KEY)).get("/whoami")
    assert refused.value.code == "gateway_unreachable"
    assert str(status) in refused.value.message


def test_a_redirect_is_not_followed(server: Answering, url: str) -> None:
    """A credential never goes where a redirect points."""
    server.next(302, location=f"{url}/elsewhere")
    with pytest.raises(SkipassError, match="gateway_unreachable"):
        Gateway(url, Secret(KEY)).get("/whoami")
    assert len(server.requests) == 1


def test_pages_are_read_to_the_end(server: Answering, url: str) -> None:
    """Every page is asked for with the cursor of the one before."""
    server.next(200, {"items": [{"n": 1}], "next_cursor": "a b"})
    server.next(200, {"items": [{"n": 2}], "next_cursor": None})
    assert [one["n"] for page in Gateway(url).pages("/users") for one in page] == [1, 2]
    assert "cursor=a+b" in server.requests[1]["path"]


def test_a_limit_stops_early_and_says_so(server: Answering, url: str) -> None:
    """No more is read than was asked for, and what is left is told."""
    server.next(200, {"items": [{"n": 1}, {"n": 2}], "next_cursor": "more"})
    assert Gateway(url).items("/users", 2) == ([{"n": 1}, {"n": 2}], True)


def test_nobody_listening_is_told(run) -> None:
    """Where nothing answers the command ends with 1 and says where it looked, not with which key."""
    with serving(Answering()) as gone:
        pass
    found = run("session", "list", SKIPASS_URL=gone, SKIPASS_API_KEY=KEY)
    assert found.status == 1
    assert found.err.startswith(f"gateway_unreachable: No answer from {gone}.")
    assert KEY not in found.err


def test_without_a_credential_nothing_is_sent(run, server: Answering, url: str) -> None:
    """A command that needs a caller does not ask as nobody."""
    found = run("whoami", SKIPASS_URL=url)
    assert found.status == 1
    assert found.err.startswith("unauthenticated: ")
    assert server.requests == []


@pytest.mark.parametrize(
    "url", ["http://skipass.example.com", "ftp://127.0.0.1", "127.0.0.1:8787", "https://a:b@x.example"]
)
def test_an_address_that_would_leak_is_refused(run, url: str) -> None:
    """Plain http beyond this machine, other schemes and credentials in an address are refused at once."""
    found = run("whoami", SKIPASS_URL=url, SKIPASS_API_KEY=KEY)
    assert found.status == 1
    assert found.err.startswith("invalid_request: ")
    assert "a:b" not in found.err


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://skipass.example.com/", "https://skipass.example.com"),
        ("http://[::1]:8787", "http://[::1]:8787"),
        ("http://localhost:1/prefix/", "http://localhost:1/prefix"),
    ],
)
def test_an_address_has_one_form(url: str, base: str) -> None:
    """The base URL ends without a slash; loopback may be plain http."""
    assert checked_url(url) == base


def test_a_name_is_one_segment() -> None:
    """A name cannot climb out of its place in a path."""
    assert segment("../users?x=1#y") == "..%2Fusers%3Fx%3D1%23y"
