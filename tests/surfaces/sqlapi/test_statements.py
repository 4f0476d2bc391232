"""The SQL API's three requests through the gateway: shapes, codes and headers as Snowflake's clients know them."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from skipass.nouns.approval import Approval
from skipass.nouns.statement import Statement
from surfaces.sqlapi.conftest import ROOT, Wire

pytestmark = pytest.mark.anyio
READ = "SELECT order_id, status FROM OPS_DB.OPS.ORDERS WHERE order_id = 1003"
WRITE = "UPDATE OPS_DB.OPS.ORDERS SET status = 'shipped' WHERE order_id = 1003"
JIT = "/c/jit/api/v2/statements"
NOBODYS = "00000000-0000-0000-0000-000000000000"
AUTOMATIC = "/c/snowflake/api/v2/statements"


async def test_a_finished_statement_has_every_member_that_snowflakes_answer_has(wire: Wire) -> None:
    """A read gives 200 with metadata, rows, code and state, a handle of ours, and links to its partitions."""
    answer, told = await wire.submit(READ, path=AUTOMATIC)
    assert answer.status == 200, told
    (stored,) = [s for s in await wire.at.every(Statement) if not s.system]
    handle = told["statementHandle"]
    assert str(UUID(handle)) == handle != stored.handle
    metadata = told["resultSetMetaData"]
    assert (told["code"], told["sqlState"]) == ("090001", "00000")
    assert (metadata["numRows"], metadata["format"]) == (1, "jsonv2")
    assert metadata["partitionInfo"][0]["rowCount"] == 1
    assert [column["name"] for column in metadata["rowType"]] == ["ORDER_ID", "STATUS"]
    assert told["data"][0][0] == "1003"
    assert re.fullmatch(rf"{AUTOMATIC}/{handle}\?requestId=[0-9a-f-]{{36}}", told["statementStatusUrl"])
    assert told["createdOn"] == int(stored.created_at.timestamp() * 1000)
    assert re.search(rf'<{AUTOMATIC}/{handle}\?requestId=[0-9a-f-]+&partition=0>; rel="first"', answer.headers["Link"])
    assert stored.handle not in str(told)


async def test_async_answers_202_and_its_handle_gives_the_rows(wire: Wire) -> None:
    """With `async=true` the answer is 202 with a handle, however quick the statement, and GET gives the rows."""
    answer, told = await wire.submit(READ, path=AUTOMATIC, query="?async=true")
    assert (answer.status, told["code"]) == (202, "333334")
    assert set(told) == {"code", "message", "statementHandle", "statementStatusUrl", "createdOn"}
    answer, rows = await wire.ended(told["statementHandle"])
    assert answer.status == 200
    assert rows["data"][0][0] == "1003"
    assert rows["statementHandle"] == told["statementHandle"]


async def test_a_request_id_that_is_sent_again_runs_nothing_twice(wire: Wire) -> None:
    """The same `requestId` with `retry=true` gives the same handle, and Snowflake hears of one statement."""
    query = "?requestId=7c9e6679-7425-40de-944b-e07fc1f90ae7"
    _, first = await wire.submit(READ, path=AUTOMATIC, query=query)
    _, again = await wire.submit(READ, path=AUTOMATIC, query=f"{query}&retry=true")
    assert first["statementHandle"] == again["statementHandle"]
    assert len(wire.at.sent("ORDERS")) == 1


async def test_a_held_statement_is_under_way_until_a_person_decides(wire: Wire) -> None:
    """A write is 202 with the page to decide on in a header; once approved, its handle gives the result."""
    await wire.at.session()
    answer, told = await wire.submit(WRITE, path=JIT)
    assert (answer.status, told["code"]) == (202, "333334"), told
    url = answer.headers["Skipass-Approval-Url"]
    assert url in told["message"]
    assert wire.at.sent("UPDATE") == []
    answer, _ = await wire.send("GET", f"{ROOT}/{told['statementHandle']}")
    assert (answer.status, answer.headers["Skipass-Approval-Url"]) == (202, url)
    approver = await wire.at.principal("approver")
    await wire.at.gateway.approvals.decide(approver, url.rpartition("/")[2], approve=True, reason="test")
    answer, done = await wire.ended(told["statementHandle"])
    assert (answer.status, done["data"]) == (200, [["1", "0"]])


async def test_a_denied_statement_says_so_with_snowflakes_form_and_our_code(wire: Wire) -> None:
    """After a person decided against it, the handle answers 422 with state, message and our code in a header."""
    await wire.at.session()
    answer, told = await wire.submit(WRITE, path=JIT)
    approval = answer.headers["Skipass-Approval-Url"].rpartition("/")[2]
    approver = await wire.at.principal("approver")
    await wire.at.gateway.approvals.decide(approver, approval, approve=False, reason="test")
    answer, told = await wire.ended(told["statementHandle"])
    assert (answer.status, answer.headers["Skipass-Error"]) == (422, "approval_denied")
    assert (told["code"], told["sqlState"]) == ("003001", "42501")
    assert told["message"].startswith("approval_denied: ")


REFUSALS = {
    "outside the scope": ("SELECT * FROM FINANCE_DB.HR.SALARIES", 422, "003001", "42501", "out_of_scope"),
    "two statements": ("SELECT 1; SELECT 2", 422, "000008", "0A000", "multi_statement"),
    "no SQL": ("SELEC 1", 422, "001003", "42000", "unparseable"),
    "administration": ("GRANT ROLE ACCOUNTADMIN TO USER X", 422, "391911", "0A000", "not_allowed"),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_refusal_has_snowflakes_form_and_our_code(wire: Wire, case: str) -> None:
    """What is refused is 422 with a code and a state of Snowflake's, ours in message and header, and nothing runs."""
    statement, status, code, state, ours = REFUSALS[case]
    answer, told = await wire.submit(statement, path=AUTOMATIC)
    assert (answer.status, told["code"], told["sqlState"]) == (status, code, state), told
    assert answer.headers["Skipass-Error"] == ours
    assert ours in told["message"]
    assert str(UUID(told["statementHandle"])) == told["statementHandle"]
    assert wire.at.sent("") == []


async def test_no_session_carries_the_request_that_would_do(wire: Wire) -> None:
    """Without a session the refusal carries the smallest request for one."""
    answer, told = await wire.submit(READ, path=JIT)
    assert (answer.status, answer.headers["Skipass-Error"]) == (422, "session_required")
    assert told["skipass"]["request"]["scope"]["schemas"] == ["OPS_DB.OPS"]


async def test_the_session_header_picks_among_several(wire: Wire) -> None:
    """With two open sessions a call is ambiguous, and `Skipass-Session` says which one it is for."""
    first, _ = await wire.at.session(), await wire.at.session()
    answer, _ = await wire.submit(READ, path=JIT)
    assert (answer.status, answer.headers["Skipass-Error"]) == (422, "session_ambiguous")
    answer, _ = await wire.submit(READ, path=JIT, headers={"Skipass-Session": first})
    assert answer.status == 200
    (stored,) = [s for s in await wire.at.every(Statement) if s.state.value == "succeeded"]
    assert stored.session_id == first


async def test_what_snowflake_refuses_keeps_its_code_and_state(wire: Wire) -> None:
    """A statement that fails in Snowflake gives Snowflake's own code, state and text, and our handle."""
    answer, told = await wire.submit("SELECT order_id / 0 FROM OPS_DB.OPS.ORDERS", path=AUTOMATIC)
    assert (answer.status, told["code"], told["sqlState"]) == (422, "100051", "22012"), told
    assert "ivision by zero" in told["message"]
    assert answer.headers["Skipass-Error"] == "statement_failed"


async def test_a_statement_that_reaches_its_timeout_is_408(wire: Wire) -> None:
    """A statement that Snowflake ended for its time is 408 with 000630."""
    wire.at.sandbox.control.switches(execution_delay_s=20)
    answer, told = await wire.submit(READ, path=AUTOMATIC, query="?async=true", timeout=1)
    assert answer.status == 202
    answer, told = await wire.ended(told["statementHandle"])
    assert (answer.status, told["code"], told["sqlState"]) == (408, "000630", "57014"), told


async def test_a_cancel_is_confirmed_and_then_the_handle_says_cancelled(wire: Wire) -> None:
    """A cancel of what runs answers 200 with 000604, and the handle 422 with the same; a second finds nothing."""
    wire.at.sandbox.control.switches(execution_delay_s=20)
    _, told = await wire.submit(READ, path=AUTOMATIC, query="?async=true")
    handle = told["statementHandle"]
    while not [s for s in await wire.at.every(Statement) if s.state.value == "submitted"]:
        pass
    answer, told = await wire.send("POST", f"{ROOT}/{handle}/cancel", {})
    assert (answer.status, told["code"], told["sqlState"]) == (200, "000604", "57014"), told
    answer, told = await wire.ended(handle)
    assert (answer.status, told["code"]) == (422, "000604")
    answer, told = await wire.send("POST", f"{ROOT}/{NOBODYS}/cancel", {})
    assert (answer.status, told["code"], told["sqlState"]) == (422, "000709", "02000")


async def test_a_cancel_takes_a_held_statement_back(wire: Wire) -> None:
    """A held statement that is cancelled answers as a cancelled one does, asks nobody any more, and never runs."""
    await wire.at.session()
    answer, told = await wire.submit("UPDATE OPS_DB.OPS.ORDERS SET note = 'taken back' WHERE order_id = 1003", path=JIT)
    assert answer.status == 202, told
    handle = told["statementHandle"]
    for _ in ("first", "again"):
        answer, told = await wire.send("POST", f"{ROOT}/{handle}/cancel", {})
        assert (answer.status, told["code"], told["sqlState"]) == (200, "000604", "57014"), told
        assert told["statementHandle"] == handle
    answer, told = await wire.ended(handle)
    assert (answer.status, told["code"], told["sqlState"]) == (422, "000604", "57014"), told
    assert answer.headers["Skipass-Error"] == "withdrawn"
    (approval,) = await wire.at.every(Approval)
    assert approval.state.value == "withdrawn"
    assert wire.at.sent("taken back") == []


async def test_snowflakes_own_handle_is_no_handle_here(wire: Wire) -> None:
    """Only the handle that was given out answers: the one Snowflake knows the statement by is unknown."""
    await wire.submit(READ, path=AUTOMATIC)
    (stored,) = [s for s in await wire.at.every(Statement) if not s.system]
    answer, told = await wire.send("GET", f"{ROOT}/{stored.handle}")
    assert (answer.status, told["code"], answer.headers["Skipass-Error"]) == (422, "000709", "not_found")
    assert told["statementHandle"] == stored.handle


async def test_binds_and_parameters_travel_and_the_tag_is_ours(wire: Wire) -> None:
    """Binds fill their places, a format is applied, and a caller's query tag is replaced."""
    binds = {"1": {"type": "FIXED", "value": "1003"}}
    parameters = {"QUERY_TAG": "mine", "DATE_OUTPUT_FORMAT": "YYYY/MM/DD", "MULTI_STATEMENT_COUNT": "1"}
    text = "SELECT order_id, TO_DATE('2026-01-02') AS d FROM OPS_DB.OPS.ORDERS WHERE order_id = ?"
    answer, told = await wire.submit(text, path=AUTOMATIC, bindings=binds, parameters=parameters)
    assert answer.status == 200, told
    assert told["data"] == [["1003", "2026/01/02"]]
    (call,) = wire.at.sent("TO_DATE")
    assert "mine" not in str(call)


BAD = {
    "a member that does not exist": ("POST", "", {"statement": READ, "sql": "x"}, 400, "unknown_field"),
    "a session in the body": ("POST", "", {"statement": READ, "session_id": "x"}, 400, "unknown_field"),
    "no statement": ("POST", "", {}, 400, "missing_field"),
    "a statement that is a number": ("POST", "", {"statement": 1}, 400, "invalid_request"),
    "a body that is a list": ("POST", "", [], 400, "invalid_request"),
    "binds of a wrong form": ("POST", "", {"statement": READ, "bindings": {"1": "x"}}, 400, "invalid_bindings"),
    "a request id that is no UUID": ("POST", "?requestId=7", {"statement": READ}, 400, "invalid_request"),
    "a query that does not exist": ("POST", "?page=7", {"statement": READ}, 400, "unknown_field"),
    "a flag that is neither": ("POST", "?async=maybe", {"statement": READ}, 400, "invalid_request"),
    "a partition below zero": ("GET", f"/{NOBODYS}?partition=-1", None, 400, "invalid_request"),
    "a handle of nothing": ("GET", f"/{NOBODYS}", None, 422, "not_found"),
    "a handle that is none": ("GET", "/stm_nope", None, 422, "not_found"),
    "nullable on a GET": ("GET", f"/{NOBODYS}?nullable=false", None, 400, "unknown_field"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_request_is_refused_in_snowflakes_form(wire: Wire, case: str) -> None:
    """What the API does not have is refused with our code in a header, and nothing runs."""
    method, path, body, status, ours = BAD[case]
    answer, told = await wire.send(method, ROOT + path, body)
    assert (answer.status, answer.headers.get("Skipass-Error")) == (status, ours), told
    assert ours in told["message"]
    assert wire.at.sent("") == []


async def test_headers_that_the_api_insists_on_are_insisted_on(wire: Wire) -> None:
    """An Accept without JSON is 391902, another content type 415, another method 405, another path 404."""
    answer, told = await wire.send("GET", f"{ROOT}/x", headers={"Accept": "text/html"})
    assert (answer.status, told["code"]) == (400, "391902")
    answer, told = await wire.send("GET", f"{ROOT}/x", headers={"User-Agent": ""})
    assert (answer.status, told["code"]) == (400, "391903")
    answer, told = await wire.send("POST", ROOT, {}, {"Content-Type": "text/plain"})
    assert (answer.status, told["code"]) == (415, "391901")
    async with wire.http.get(wire.url + ROOT) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    answer, told = await wire.send("GET", "/api/v2/other")
    assert answer.status == 404


@pytest.mark.parametrize("bearer", ["skp_000000000000_no", "a.b.c"])
@pytest.mark.parametrize("kind", [None, "OAUTH", "KEYPAIR_JWT", "WORKLOAD_IDENTITY_FEDERATION"])
async def test_an_unknown_credential_is_401(wire: Wire, bearer: str, kind: str | None) -> None:
    """A credential that is not known is 401 with a challenge, whatever type it is sent as."""
    headers = {"Authorization": f"Bearer {bearer}"} | ({"X-Snowflake-Authorization-Token-Type": kind} if kind else {})
    answer, told = await wire.submit(READ, headers=headers)
    assert (answer.status, answer.headers["Skipass-Error"]) == (401, "unauthenticated")
    assert told["code"] == ("390144" if kind == "KEYPAIR_JWT" else "390303")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
