"""Bad input: each route answers with a code that names the field and never with what was sent in it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surfaces.rest.house import SETTINGS, House, session_request

pytestmark = pytest.mark.anyio
PLANTED = "planted-secret-7d1"
GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "/sessions": ("agent", session_request()),
    "/tools/snowflake_execute_query/execute": (
        "agent",
        {"connection_name": "jit", "tool_input": {"statement": "SELECT 1"}},
    ),
    "/sign-in": ("admin", {"token": "x"}),
    "/users": ("admin", {"name": "zoe", "roles": ["member"]}),
    "/agents": ("admin", {"name": "zoe"}),
    "/connections": ("admin", {"name": "z", "account": "A-B", "login": "L", "role": "R", "private_key": "K"}),
    "/mcp-servers": ("admin", {"slug": "zoe", "connection": "jit"}),
}
OPTIONAL = {"/approvals/apr_x/approve": ("approver", {"reason": "x"}), "/approvals/apr_x/deny": ("approver", {})}
BODILESS = (
    "/sign-out",
    "/sessions/ses_x/close",
    "/sessions/ses_x/revoke",
    "/users/x/link",
    "/users/x/disable",
    "/agents/x/rotate",
    "/agents/x/disable",
    "/connections/x/test",
    "/connections/x/disable",
    "/mcp-servers/x/disable",
)
REQUIRED = [(path, name) for path, (_, body) in GOOD.items() for name in body if name != "connection_name"]


@pytest.mark.parametrize(("path", "name"), REQUIRED)
async def test_a_missing_field_is_named(at: House, path: str, name: str) -> None:
    """Without a required field the answer is missing_field and names it."""
    who, body = GOOD[path]
    told = await at.post(path, {k: v for k, v in body.items() if k != name}, who=who)
    assert (told.status, told.code) == (400, "missing_field")
    assert told.body["error"]["details"]["fields"] == [name]


@pytest.mark.parametrize(("path", "name"), REQUIRED)
async def test_a_wrong_type_is_named_and_not_echoed(at: House, path: str, name: str) -> None:
    """A value of another type is invalid, never coerced, and appears nowhere in the answer."""
    who, body = GOOD[path]
    told = await at.post(path, {**body, name: [{PLANTED: PLANTED}]}, who=who)
    assert told.status == 400
    assert told.code in ("invalid_request", "invalid_scope")
    assert name in str(told.body)
    assert PLANTED not in str(told.body).replace(f"{name}.{PLANTED}", "")


@pytest.mark.parametrize("path", [*GOOD, *OPTIONAL, *BODILESS])
async def test_an_unknown_field_is_refused(at: House, path: str) -> None:
    """A member that the route does not know is unknown_field, on routes without a body too."""
    who, body = (GOOD | OPTIONAL).get(path, ("admin", {}))
    told = await at.post(path, {**body, "surprise": PLANTED}, who=who)
    assert (told.status, told.code) == (400, "unknown_field")
    assert told.body["error"]["details"]["fields"] == ["surprise"]
    assert PLANTED not in str(told.body)


@pytest.mark.parametrize("path", [*GOOD, *OPTIONAL, *BODILESS])
@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1, "a": 1}',
        b'{"a": NaN}',
        b'{"a": "\\ud800"}',
        b"{",
        b"[" * 100 + b"]" * 100,
        b"\xff",
        b"[]",
        b'"text"',
        b"null",
    ],
    ids=["twice", "nan", "surrogate", "cut", "deep", "bytes", "list", "text", "null"],
)
async def test_what_is_not_one_strict_json_object_is_refused(at: House, path: str, raw: bytes) -> None:
    """Duplicate members, NaN, lone surrogates, cut or deep texts and other values are refused everywhere."""
    if raw == b"null" and path in BODILESS:
        return
    who = (GOOD | OPTIONAL).get(path, ("admin", {}))[0]
    told = await at.post(path, raw=raw, who=who)
    assert told.status == 400
    assert told.code in ("invalid_request", "missing_field", "unknown_field")


@pytest.mark.parametrize("path", [*GOOD, *OPTIONAL, *BODILESS])
async def test_a_huge_body_is_not_read(at: House, path: str) -> None:
    """A body over the limit answers 413 before anybody is asked who they are."""
    told = await at.post(path, raw=b" " * (SETTINGS.max_body_bytes + 1), who=None)
    assert (told.status, told.code) == (413, "request_too_large")


@pytest.mark.parametrize("path", [*GOOD, *OPTIONAL, *BODILESS])
async def test_only_json_is_read(at: House, path: str) -> None:
    """A body of another media type is refused: a web form cannot call the gateway."""
    who = (GOOD | OPTIONAL).get(path, ("admin", {}))[0]
    told = await at.post(path, raw=b"a=b", who=who, headers={"content-type": "application/x-www-form-urlencoded"})
    assert (told.status, told.code) == (400, "invalid_request")


LISTS = ("/sessions", "/approvals", "/events", "/users", "/agents", "/connections", "/mcp-servers", "/tools")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid_request"),
        ("limit=201", "invalid_request"),
        ("limit=many", "invalid_request"),
        ("limit=" + "9" * 5000, "invalid_request"),
        ("limit=1&limit=2", "invalid_request"),
        ("cursor=%00", "invalid_request"),
        ("cursor=" + "a" * 300, "invalid_request"),
        ("page=2", "unknown_field"),
    ],
    ids=["zero", "many", "word", "digits", "twice", "nul", "long", "unknown"],
)
async def test_a_bad_query_is_refused(at: House, path: str, query: str, code: str) -> None:
    """Limits out of range, cursors of no list, repeated and unknown parameters are refused."""
    told = await at.get(f"{path}?{query}")
    assert (told.status, told.code) == (400, code)


@pytest.mark.parametrize("cursor", ["1:2", "x:bot_1:1", "9" * 30 + ":bot_x:1", "1:bot_x:-1", "1:b%27x:1"])
async def test_a_cursor_of_the_record_is_checked(at: House, cursor: str) -> None:
    """A cursor of events that is not of its form is refused, whatever its numbers."""
    assert (await at.get(f"/events?cursor={cursor}")).code == "invalid_request"


@pytest.mark.parametrize("path", ["/sessions", "/approvals"])
async def test_an_unknown_state_is_refused(at: House, path: str) -> None:
    """A state that does not exist is invalid and the answer lists those that do."""
    told = await at.get(f"{path}?state=asleep")
    assert told.code == "invalid_request"
    assert "'denied'" in told.body["error"]["message"]


@pytest.mark.parametrize("path", [*GOOD, *BODILESS])
async def test_a_post_takes_no_query(at: House, path: str) -> None:
    """A query parameter on a POST is an unknown field: nothing secret ends in a URL."""
    who, body = GOOD.get(path, ("admin", {}))
    told = await at.post(f"{path}?token=x", body, who=who)
    assert (told.status, told.code) == (400, "unknown_field")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/users", "GET, POST"),
        ("PUT", "/sessions", "GET, POST"),
        ("GET", "/sign-in", "POST"),
        ("GET", "/tools/snowflake_execute_query/execute", "POST"),
        ("POST", "/events", "GET"),
        ("PATCH", "/connections/jit", "GET"),
    ],
)
async def test_a_wrong_method_says_which_are_right(at: House, method: str, path: str, allow: str) -> None:
    """A path with another method answers 405 with every method that is served."""
    told = await at.ask(method, path)
    assert (told.status, told.code, told.headers["allow"]) == (405, "invalid_request", allow)


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/users/", "/sessions/a/b/c", "/tools//execute", "/docs"])
async def test_an_unknown_path_is_not_found(at: House, path: str) -> None:
    """A path that does not exist answers 404 in the form of every refusal."""
    told = await at.get(path)
    assert (told.status, told.code) == (404, "not_found")


async def test_a_foreign_host_is_turned_away(at: House) -> None:
    """A Host that is not ours is refused, which defeats DNS rebinding."""
    told = await at.get("/whoami", headers={"host": "evil.example"})
    assert (told.status, told.code) == (421, "host_not_allowed")


@pytest.mark.parametrize("path", ["/sessions", "/tools/snowflake_execute_query/execute"])
async def test_header_and_body_must_name_the_same_user(at: House, path: str) -> None:
    """identifier and Skipass-Identifier that differ are refused; alike, or one alone, they are one."""
    who, body = GOOD[path]
    named = {**body, "identifier": "sam"}
    differ = await at.post(path, named, who=who, headers={"Skipass-Identifier": "grace"})
    assert (differ.status, differ.code) == (400, "invalid_request")
    alike = await at.post(path, named, who=who, headers={"Skipass-Identifier": "sam"})
    assert alike.status in (200, 201)
    foreign = await at.post(path, {**body, "identifier": "grace"}, who=who)
    assert (foreign.status, foreign.code) == (403, "not_your_user")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("path", [*GOOD, *OPTIONAL])
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pick=st.integers(0, 9), value=JSON_VALUES)
async def test_no_body_makes_the_gateway_fail(at: House, path: str, pick: int, value: Any) -> None:
    """Whatever JSON stands in a field, the answer is a refusal of the caller's or an answer, never a 5xx."""
    who, body = (GOOD | OPTIONAL)[path]
    names = sorted(body) or ["reason"]
    told = await at.post(path, {**body, names[pick % len(names)]: value}, who=who)
    assert told.status < 500, told.body
