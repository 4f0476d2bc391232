"""The control endpoint records calls, sets faults and switches, and answers nobody without its token."""

from __future__ import annotations

import http.client
import urllib.error
from contextlib import closing
from dataclasses import replace

import pytest

from sandbox.client import Client
from skipass.sandbox.testing import RunningSandbox


def test_calls_are_recorded_without_credentials(fresh: RunningSandbox) -> None:
    """A recorded call has method, path, text, tag, user, role and status, and no token."""
    agent = Client.of(fresh, "SKIPASS_SVC")
    agent.sql("select 1", parameters={"query_tag": "t1"})
    (call,) = fresh.control.calls()
    assert (call["method"], call["path"], call["statement"]) == ("POST", "/api/v2/statements", "select 1")
    assert (call["query_tag"], call["user"], call["role"], call["status"]) == ("t1", "SKIPASS_SVC", "AGENT_ROLE", 200)
    assert agent.token not in str(call)


def test_calls_to_nowhere_are_recorded(fresh: RunningSandbox) -> None:
    """A call to a host or a path that there is not is recorded with the status it got."""
    Client(fresh.host, "x", virtual_host="nope-nope.snowflakecomputing.com").sql("select 1")
    Client.of(fresh, "SKIPASS_SVC").call("POST", "/register", {})
    assert [(call["path"], call["status"]) for call in fresh.control.calls()] == [
        ("/api/v2/statements", 403),
        ("/register", 404),
    ]


def test_control_needs_its_token(fresh: RunningSandbox) -> None:
    """Without the token the control endpoint answers 401."""
    with pytest.raises(urllib.error.HTTPError, match="401") as caught:
        replace(fresh.control, token="guess").calls()
    caught.value.close()


@pytest.mark.parametrize(
    ("fault", "status", "is_json"),
    [
        ({"kind": "throttle"}, 429, True),
        ({"kind": "error_json", "status": 500}, 500, True),
        ({"kind": "error_html", "status": 503}, 503, False),
        ({"kind": "token_expired"}, 401, True),
        ({"kind": "unknown_account"}, 513, False),
        ({"kind": "too_large"}, 200, True),
    ],
)
def test_fault_meets_as_many_calls_as_asked(
    fresh: RunningSandbox, fault: dict[str, object], status: int, is_json: bool
) -> None:
    """A fault answers the next calls and then is gone."""
    agent = Client.of(fresh, "SKIPASS_SVC")
    fresh.control.faults(fault | {"count": 2})
    replies = [agent.sql("select 1") for _ in range(3)]
    assert [reply.status for reply in replies] == [status, status, 200]
    assert isinstance(replies[0].body, dict) is is_json


def test_body_comes_in_pieces(fresh: RunningSandbox) -> None:
    """A body that comes slowly comes whole, and a client that does not wait for it has the status already."""
    agent = Client.of(fresh, "SKIPASS_SVC")
    fresh.control.faults({"kind": "drip", "delay_ms": 80, "count": 1})
    assert agent.sql("select 42").rows == [["42"]]
    fresh.control.faults({"kind": "drip", "delay_ms": 60_000})
    with closing(http.client.HTTPConnection(fresh.host, timeout=0.5)) as connection:
        connection.request("GET", "/api/v2/statements/x")
        answer = connection.getresponse()
        assert answer.status == 400
        with closing(answer), pytest.raises(TimeoutError):
            answer.read()


@pytest.mark.parametrize(("kind", "ran"), [("cut_before", "0"), ("cut_after", "1")])
def test_connection_is_cut_before_or_after_the_run(fresh: RunningSandbox, kind: str, ran: str) -> None:
    """A cut connection gives no answer; whether the statement ran depends on when it was cut."""
    agent = Client.of(fresh, "SKIPASS_SVC")
    fresh.control.faults({"kind": kind})
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        agent.sql("insert into orders values (1, 1, 'x', 1, null, null, null)")
    assert agent.sql("select count(*) from orders where order_id = 1").rows == [[ran]]


def test_switches_change_the_reading_and_reset_puts_it_back(fresh: RunningSandbox) -> None:
    """A switch holds until reset."""
    agent = Client.of(fresh, "SKIPASS_SVC")
    text = "select '1970-01-01 00:00:01'::timestamp_ntz"
    fresh.control.switches(timestamp_text="nanos")
    assert agent.sql(text).rows == [["1000000000"]]
    fresh.control.reset()
    assert agent.sql(text).rows == [["1.000000000"]]
    fresh.control.switches(accepted_rate=1.0)
    assert agent.sql(text).status == 202
