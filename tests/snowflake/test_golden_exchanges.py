"""The client side of the golden SQL API exchanges, played by a real server on loopback."""

from __future__ import annotations

import json
from typing import Any

import pytest

from skipass import snowflake
from skipass.secret import Secret
from skipass.snowflake import CancelOutcome, Finished, Partition, Running, SqlApi, StaticToken, SubmitRequest, Token
from skipass.snowflake.auth.tokens import TokenType
from snowflake import golden
from snowflake.server import Seen, Server, in_turn, serving

pytestmark = pytest.mark.anyio

TOPICS = (
    "sqlapi-submit",
    "sqlapi-async",
    "sqlapi-partitions",
    "sqlapi-errors",
    "sqlapi-multi",
    "sqlapi-binds",
    "keypair-jwt",
    "show-columns",
)
CASES = {name: case for topic in TOPICS for name, case in golden.cases(topic).items()}
# Requests that a client must never send, though a server has to cope with them; their answers are played all the same.
NEVER_SENT = {
    "submit-trailing-slash",
    "submit-content-type-absent",
    "submit-content-type-wrong-415",
    "submit-content-type-wrong-422",
    "submit-accept-missing-400",
    "submit-accept-missing-406",
    "submit-user-agent-missing",
    "submit-broken-json",
    "submit-old-format-field-ignored",
    "submit-unknown-field-ignored",
    "submit-wrong-method",
    "submit-unknown-path",
    "err-390101",
    "credential-pat-no-type",
    "credential-jwt-no-type-detected",
    "credential-jwt-no-type-oauth",
}
REFUSED_BEFORE_SENDING = {"err-000900"}
ERRORS: dict[str, type[snowflake.SnowflakeError]] = {
    "token_expired": snowflake.TokenExpired,
    "token_rejected": snowflake.TokenRejected,
    "role_not_allowed": snowflake.RoleNotAllowed,
    "network_policy": snowflake.NetworkPolicyError,
    "no_warehouse": snowflake.NoWarehouseError,
    "compile_error": snowflake.CompileError,
    "not_found_or_denied": snowflake.ObjectNotFoundError,
    "cancelled": snowflake.StatementCancelled,
    "timed_out": snowflake.StatementTimedOut,
    "throttled": snowflake.Throttled,
    "transient": snowflake.SnowflakeUnavailable,
    "configuration": snowflake.SnowflakeConfigError,
    "other": snowflake.SnowflakeError,
}
BY_CASE: dict[str, type[snowflake.SnowflakeError]] = {
    "submit-391908-incomplete": snowflake.IncompleteResultError,
    "credential-jwt-no-type-oauth": snowflake.TokenRejected,
    "async-get-unknown-422": snowflake.StatementNotFound,
    "async-get-unknown-404": snowflake.StatementNotFound,
    "async-get-unknown-410": snowflake.StatementNotFound,
    "async-get-expired": snowflake.StatementNotFound,
    "err-522": snowflake.SnowflakeUnavailable,
    "err-000900": snowflake.SnowflakeConfigError,
}


def runs() -> list[Any]:
    """One run for every exchange and every status its answer may have."""
    exchanges = [(name, case) for name, case in CASES.items() if "request" in case]
    return [
        pytest.param(name, status, id=f"{name}-{status}")
        for name, case in exchanges
        for status in golden.statuses(case)
    ]


def token_of(case: dict[str, Any]) -> StaticToken:
    """The credential that the case's request carries; one that it leaves out is made up."""
    headers = case["request"]["headers"]
    bearer, kind = headers.get("Authorization"), headers.get("X-Snowflake-Authorization-Token-Type")
    text = bearer.removeprefix("Bearer ") if isinstance(bearer, str) else "FAKE-ACCESS-TOKEN-1"
    return StaticToken(Token(Secret(text), TokenType(kind) if isinstance(kind, str) else TokenType.OAUTH))


def submission(case: dict[str, Any], names: golden.Names) -> SubmitRequest:
    """The request that a program would make to send what the case shows."""
    body, query = case["request"]["body"], golden.produce(case["request"]["query"], dict(names))
    body = body if "statement" in body else {"statement": "select 1"}
    simple = {
        key: body[key] for key in ("statement", "bindings", "database", "schema", "warehouse", "role") if key in body
    }
    request_id = {"request_id": query["requestId"]} if "requestId" in query else {}
    return SubmitRequest(
        **simple,
        **request_id,
        timeout_s=body.get("timeout"),
        parameters=body.get("parameters", {}),
        retry=query.get("retry") == "true",
        run_async=query.get("async") == "true",
        nullable=query.get("nullable") != "false",
    )


async def act(api: SqlApi, case: dict[str, Any], names: golden.Names) -> object:
    """Do with the client what the case's request does."""
    method, path = case["request"]["method"], case["request"]["path"].format(**names)
    tokens = token_of(case)
    handle, _, last = path.removeprefix("/api/v2/statements/").partition("/")
    if method in ("POST", "PUT") and last != "cancel":
        return await api.submit(submission(case, names), tokens, timeout_s=5)
    if last == "cancel":
        return await api.cancel(handle, tokens, timeout_s=5)
    if "partition" in case["request"]["query"]:
        index = int(case["request"]["query"]["partition"])
        return await api.partition(handle, index, tokens, timeout_s=5)
    return await api.poll(handle, tokens, timeout_s=5)


async def play(
    server: Server, api: SqlApi, name: str, names: golden.Names, status: int | None = None
) -> tuple[Any, Any]:
    """Play one exchange after those it builds on; return the outcome and the JSON of the answer."""
    case = CASES[name]
    given: list[Any] = []
    faults: list[list[str]] = []

    def respond(seen: Seen) -> Any:
        faults.append(golden.request_differences(case, seen, names))
        answer, value = golden.reply(case, names, status=status)
        given.append(value)
        return answer

    server.respond = respond
    try:
        outcome: Any = await act(api, case, names)
    except snowflake.SnowflakeError as error:
        outcome = error
    assert len(given) == (0 if name in REFUSED_BEFORE_SENDING else 1), outcome
    if name in NEVER_SENT:
        assert faults[0], "the client sent what it must never send"
    elif golden.binds_client(case) and given:
        assert not faults[0], faults[0]
    return outcome, given[0] if given else None


@pytest.mark.parametrize(("name", "status"), runs())
async def test_exchange(name: str, status: int) -> None:
    """The client sends what the exchange asks for and draws the conclusion that it names."""
    names: golden.Names = {}
    async with serving(in_turn()) as server:
        api = SqlApi(server.target)
        try:
            for earlier in _before(name):
                await play(server, api, earlier, names)
            outcome, value = await play(server, api, name, names, status)
        finally:
            await api.aclose()
    check(name, outcome, value)


def _before(name: str) -> list[str]:
    chain: list[str] = []
    for earlier in CASES[name].get("after", []):
        chain += [step for step in [*_before(earlier), earlier] if step not in chain]
    return chain


def check(name: str, outcome: Any, value: Any) -> None:
    """Compare the outcome with the class that the case names, or with the rows of its answer."""
    case = CASES[name]
    wanted = case.get("error_class")
    if name.endswith("429-not-finished"):
        assert isinstance(outcome, Running)
    elif case["request"]["path"].endswith("/cancel"):
        assert outcome is (CancelOutcome.CANCELLED if wanted == "cancelled" else CancelOutcome.NOTHING_TO_CANCEL)
    elif name in BY_CASE or wanted:
        assert isinstance(outcome, BY_CASE.get(name) or ERRORS[wanted]), outcome
        check_error(outcome, value if isinstance(value, dict) else {})
    else:
        check_result(outcome, value)


def check_error(error: snowflake.SnowflakeError, body: dict[str, Any]) -> None:
    """An error carries code, state, text and handle of the answer, and never the credential."""
    if error.http_status is None:
        return
    assert error.code == body.get("code")
    assert error.sql_state == (body.get("sqlState") or None)
    if error.http_status != 200:
        assert body.get("message", "") in error.message
    if "statementHandle" in body:
        assert error.statement_handle == body["statementHandle"]
    assert "FAKE-" not in repr(error) + str(error)


def check_result(outcome: Any, value: Any) -> None:
    """A result carries the answer's rows and handle; a running statement its handle."""
    if isinstance(outcome, Partition):
        assert outcome.rows == (value["data"] if isinstance(value, dict) else value)
    elif isinstance(outcome, Running):
        assert outcome.statement_handle == value["statementHandle"]
    else:
        assert isinstance(outcome, Finished), outcome
        assert outcome.rows == value.get("data", [])
        assert outcome.statement_handle == value.get("statementHandle", outcome.statement_handle)
        assert list(outcome.statement_handles) == value.get("statementHandles", [])
        columns = value.get("resultSetMetaData", {}).get("rowType", [])
        assert [column.name for column in outcome.columns] == [column["name"] for column in columns]
        assert dict(outcome.stats) == value.get("stats", {})
        assert json.loads(json.dumps(outcome.body)) == value
