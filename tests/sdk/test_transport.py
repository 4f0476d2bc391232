"""What the client does when the network or a gateway in between fails, against a server that fails as told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from serving import serving
from skipass.sdk import AsyncSkipass, errors
from skipass.snowflake.pace import Pace

pytestmark = pytest.mark.anyio
ENVELOPE = {"status": "success", "execution_id": "stm_1", "session_id": None, "data": None}
BUSY = {"error": {"code": "database_unavailable", "message": "m", "hint": "h", "retryable": True, "details": {}}}
PAGE = {"items": [], "next_cursor": None}


class Failing:
    """Answers with what was laid down, in order, and then as a gateway would; notes what came."""

    def __init__(self) -> None:
        self.answers: list[Response] = []
        self.seen: list[tuple[str, str | None, str | None]] = []

    async def answer(self, request: Request) -> Response:
        await request.body()
        self.seen.append((request.url.path, request.headers.get("idempotency-key"), request.headers["authorization"]))
        if request.url.path == "/oauth/token":
            return JSONResponse({"access_token": f"token-{len(self.seen)}", "expires_in": 3600})
        if self.answers:
            return self.answers.pop(0)
        return JSONResponse(ENVELOPE if request.method == "POST" else PAGE)


class Slept:
    """A pace that notes its pauses and takes no time."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture
def failing() -> Failing:
    return Failing()


@pytest.fixture
def url(failing: Failing) -> Iterator[str]:
    methods = ["GET", "POST", "DELETE"]
    with serving(Starlette(routes=[Route("/{path:path}", failing.answer, methods=methods)])) as address:
        yield address


@pytest.fixture
def slept() -> Slept:
    return Slept()


def client(url: str, slept: Slept, **credential: str) -> AsyncSkipass:
    given: dict[str, Any] = credential or {"api_key": "key"}
    return AsyncSkipass(base_url=url, pace=Pace(attempts=3, sleep=slept.sleep), **given)


async def run(one: AsyncSkipass) -> Any:
    return await one.actions.execute_tool(tool_name="snowflake_execute_query", tool_input={"statement": "DELETE"})


async def test_a_call_whose_answer_is_lost_is_the_same_call_again(url: str, failing: Failing, slept: Slept) -> None:
    """Every repetition carries the first one's key, so the gateway knows the call; the next call has another."""
    failing.answers = [PlainTextResponse("bad gateway", 502), JSONResponse(BUSY, 503)]
    async with client(url, slept) as one:
        assert (await run(one)).status == "success"
        await run(one)
    first, again, third, other = [key for _, key, _ in failing.seen]
    assert first == again == third
    assert first
    assert other not in (None, first)


async def test_repetition_has_an_end_and_says_what_was_wrong(url: str, failing: Failing, slept: Slept) -> None:
    """After the last attempt the gateway's own error is raised."""
    failing.answers = [JSONResponse(BUSY, 503) for _ in range(9)]
    async with client(url, slept) as one:
        with pytest.raises(errors.DatabaseUnavailable) as failed:
            await run(one)
    assert (failed.value.retryable, failed.value.status, len(failing.seen)) == (True, 503, 3)


async def test_a_refusal_is_not_asked_again(url: str, failing: Failing, slept: Slept) -> None:
    """What the gateway has decided is raised at once."""
    refused = {"error": {**BUSY["error"], "code": "forbidden", "retryable": False}}
    failing.answers = [JSONResponse(refused, 403)]
    async with client(url, slept) as one:
        with pytest.raises(errors.Forbidden):
            await run(one)
    assert (len(failing.seen), slept.pauses) == (1, [])


async def test_a_gateway_that_asks_for_a_pause_gets_it(url: str, failing: Failing, slept: Slept) -> None:
    """`Retry-After` is never shortened."""
    failing.answers = [PlainTextResponse("slow down", 429, {"retry-after": "7"})]
    async with client(url, slept) as one:
        await one.tools.list()
    assert slept.pauses == [7.0]


async def test_an_ended_token_is_traded_anew_once(url: str, failing: Failing, slept: Slept) -> None:
    """A refused token is replaced, one trade serves many calls, and a second refusal is raised."""
    refused = {"error": {**BUSY["error"], "code": "unauthenticated", "retryable": False}}
    pair = {"client_id": "agt_1", "client_secret": "s:ecret"}
    async with client(url, slept, **pair) as one:
        await run(one)
        failing.answers = [JSONResponse(refused, 401)]
        await run(one)
        failing.answers = [JSONResponse(refused, 401), JSONResponse(refused, 401)]
        with pytest.raises(errors.Unauthenticated):
            await run(one)
    assert [path for path, _, _ in failing.seen].count("/oauth/token") == 3
    assert {bearer.split()[0] for path, _, bearer in failing.seen if path != "/oauth/token"} == {"Bearer"}


async def test_a_credential_follows_no_redirect(url: str, failing: Failing, slept: Slept) -> None:
    """A redirect is no gateway's answer, and nothing is sent where it points."""
    failing.answers = [RedirectResponse("/elsewhere")]
    async with client(url, slept) as one:
        with pytest.raises(errors.GatewayUnreachable) as failed:
            await one.tools.list()
    assert (failed.value.status, [path for path, _, _ in failing.seen]) == (307, ["/api/v1/tools"])


async def test_nobody_at_the_address_is_said_with_a_hint(slept: Slept) -> None:
    """A wrong address is `GatewayUnreachable`, after as many attempts as allowed."""
    async with client("http://127.0.0.1:9", slept) as one:
        with pytest.raises(errors.GatewayUnreachable, match="SKIPASS_URL"):
            await run(one)
    assert len(slept.pauses) == 2


@pytest.mark.parametrize(
    "address",
    ["http://skipass.example.com", "ftp://127.0.0.1", "https://a:b@example.com", "example.com", "https://x?y=1"],
)
def test_an_address_that_would_give_the_credential_away_is_refused(address: str) -> None:
    """Only https, or this machine, is called at all."""
    with pytest.raises(errors.InvalidRequest):
        AsyncSkipass(base_url=address, api_key="key")


@pytest.mark.parametrize("part", ["/api/v1", "/jit/mcp/", "/console", "/c/ops/api/v2/statements"])
def test_the_address_of_a_part_is_answered_with_the_whole(part: str) -> None:
    """An address copied from elsewhere in the gateway is refused with the one that was meant."""
    with pytest.raises(errors.InvalidRequest) as refused:
        AsyncSkipass(base_url=f"https://skipass.example.com{part}", api_key="key")
    assert "https://skipass.example.com" in refused.value.hint


def test_a_gateway_may_be_behind_a_path() -> None:
    """Where a proxy serves the gateway below a path, that path is part of its address."""
    assert (
        AsyncSkipass(base_url="https://example.com/skipass/", api_key="key").base_url == "https://example.com/skipass"
    )


@pytest.mark.parametrize("given", [{}, {"client_id": "a"}, {"api_key": "k", "client_id": "a", "client_secret": "s"}])
def test_one_credential_is_needed_and_no_more(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """None, half of one, and two at once are refused before anything is sent."""
    for name in ("SKIPASS_API_KEY", "SKIPASS_CLIENT_ID", "SKIPASS_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(errors.Unauthenticated):
        AsyncSkipass(base_url="https://skipass.example.com", **given)
