"""What a client of the token endpoint may meet: lost answers, odd answers, and how often it asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sandbox.client import Client
from sandbox.flow import App
from skipass.sandbox.testing import RunningSandbox

TOKEN = "/oauth/token-request"


def counts(sandbox: RunningSandbox) -> dict[str, int]:
    found: dict[str, int] = sandbox.control.state()["accounts"][sandbox.account.identifier]["counts"]
    return found


def token_calls(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    return [call for call in sandbox.control.calls() if call["path"] == TOKEN]


def test_token_requests_are_counted_with_their_reuse(fresh: RunningSandbox) -> None:
    """Exchanges, refreshes, refusals and second uses are counted, and two uses of one token are told by `spent`."""
    app = App.of(fresh)
    code = app.code()
    first = app.exchange(code).body
    app.refresh(first["refresh_token"])
    app.refresh(first["refresh_token"])
    app.exchange(code)
    assert counts(fresh) == {
        "codes_exchanged": 1,
        "tokens_refreshed": 1,
        "requests_refused": 2,
        "codes_reused": 1,
        "refresh_tokens_reused": 1,
    }
    calls = token_calls(fresh)
    assert [call["error"] for call in calls] == [None, None, "invalid_grant", "invalid_grant"]
    exchanged, refreshed, again, reused = (call["spent"] for call in calls)
    assert (exchanged, refreshed) == (reused, again)
    assert exchanged != refreshed
    assert first["refresh_token"] not in str(calls)
    fresh.control.reset()
    assert set(counts(fresh).values()) == {0}


@pytest.mark.parametrize("member", ["refresh_token", "access_token", "expires_in"])
def test_answer_comes_without_a_member(fresh: RunningSandbox, member: str) -> None:
    """The account does its work and one member of its answer is left out."""
    app = App.of(fresh)
    token = app.tokens()["refresh_token"]
    fresh.control.faults({"kind": "without", "member": member, "path": TOKEN})
    answer = app.refresh(token)
    assert answer.status == 200
    assert {"access_token", "refresh_token", "expires_in"} - set(answer.body) == {member}
    assert counts(fresh)["tokens_refreshed"] == 1


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ({"kind": "not_object"}, 200, ["unexpected"]),
        ({"kind": "error_json", "status": 503}, 503, {"code": "390400", "message": "Service unavailable."}),
    ],
)
def test_answer_is_not_the_accounts(fresh: RunningSandbox, fault: dict[str, Any], status: int, body: Any) -> None:
    """An answer in place of the account's spends nothing."""
    app = App.of(fresh)
    token = app.tokens()["refresh_token"]
    fresh.control.faults(fault | {"path": TOKEN})
    answer = app.refresh(token)
    assert (answer.status, answer.body) == (status, body)
    assert app.refresh(token).status == 200


@pytest.mark.parametrize("fault", [{"kind": "wrong_json"}, {"kind": "error_html", "status": 200}])
def test_answer_is_no_json(fresh: RunningSandbox, fault: dict[str, Any]) -> None:
    """A page or a text that breaks off comes with status 200 and spends nothing."""
    app = App.of(fresh)
    token = app.tokens()["refresh_token"]
    fresh.control.faults(fault | {"path": TOKEN})
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        app.refresh(token)
    assert app.refresh(token).status == 200


def test_answer_that_never_comes_has_spent_the_token(fresh: RunningSandbox) -> None:
    """The work is done, no answer comes, and the next try is a reuse."""
    app = App.of(fresh)
    token = app.tokens()["refresh_token"]
    fresh.control.faults({"kind": "hang_after", "path": TOKEN})
    with pytest.raises(TimeoutError):
        app.refresh(token, timeout=1)
    assert counts(fresh)["tokens_refreshed"] == 1
    assert app.refresh(token).body["error"] == "invalid_grant"


def test_seed_gives_the_same_faults_again(fresh: RunningSandbox) -> None:
    """With one seed the same calls meet the fault each time."""
    app = App.of(fresh)
    root = Client.of(fresh, "ADMIN")
    text = "alter security integration skipass_oauth set oauth_single_use_refresh_tokens_required = false"
    assert root.sql(text).status == 200
    token = app.tokens()["refresh_token"]
    fault = {"kind": "error_json", "count": 20, "path": TOKEN, "probability": 0.5}

    def run() -> list[int]:
        fresh.control.faults(fault, seed=7)
        return [app.refresh(token).status for _ in range(20)]

    first = run()
    assert set(first) == {200, 503}
    assert run() == first


def test_of_many_uses_at_once_one_is_answered(fresh: RunningSandbox) -> None:
    """A single-use refresh token that comes eight times at once is good for one of them, and its family ends."""
    app = App.of(fresh)
    token = app.tokens()["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(app.refresh, [token] * 8))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 7
    good = next(answer.body["access_token"] for answer in answers if answer.status == 200)
    assert app.caller(good).sql("select 1").code == "390303"
    # Once the family ended its tokens are unknown, and unknown ones are no reuse.
    assert counts(fresh)["refresh_tokens_reused"] == 1


@pytest.mark.parametrize("status", ["403", "404", "513"])
def test_host_of_no_account(fresh: RunningSandbox, status: str) -> None:
    """A well-formed host of no account answers one of the three documented statuses, without JSON."""
    fresh.control.switches(unknown_host=status)
    stranger = Client(fresh.host, "x", virtual_host="nope-nope.snowflakecomputing.com")
    reply = stranger.sql("select 1")
    assert reply.status == int(status)
    assert isinstance(reply.body, bytes)
