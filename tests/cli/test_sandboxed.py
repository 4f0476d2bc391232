"""Sessions, statements, approvals and the record, each through its command, against a gateway that serves."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from skipass.cli.client import Gateway
from skipass.secret import Secret

pytestmark = pytest.mark.slow

SELECT = "SELECT order_id, status FROM ops.orders WHERE status = 'pending'"
UPDATE = "UPDATE ops.orders SET note = 'checked \u202ekcab' WHERE order_id = 1"
Run = Callable[..., Any]


@pytest.fixture
def agent(run: Run, sandboxed: dict[str, Any]) -> Run:
    """Run a command with the agent's key."""
    return partial(run, SKIPASS_URL=sandboxed["url"], SKIPASS_API_KEY=sandboxed["agent"]["api_key"])


@pytest.fixture
def admin(run: Run, sandboxed: dict[str, Any]) -> Run:
    """Run a command with the admin's key."""
    return partial(run, SKIPASS_URL=sandboxed["url"], SKIPASS_API_KEY=sandboxed["admin"]["api_key"])


@pytest.fixture
def approver(run: Run, sandboxed: dict[str, Any]) -> Run:
    """Run a command with the approver's key."""
    return partial(run, SKIPASS_URL=sandboxed["url"], SKIPASS_API_KEY=sandboxed["approver"]["api_key"])


ASK = ("session", "request", "-c", "jit", "--schema", "ops_db.ops", "--reason", "to test", "--format", "json")


def execute(sandboxed: dict[str, Any], session: str, statement: str) -> dict[str, Any]:
    """Run a statement as the agent would."""
    door = Gateway(sandboxed["url"], Secret(sandboxed["agent"]["api_key"]))
    body = {"connection_name": "jit", "session_id": session, "tool_input": {"statement": statement}}
    return door.post("/tools/snowflake_execute_query/execute", body)


def test_a_session_is_asked_for_looked_at_and_given_back(agent: Run) -> None:
    """A read session opens at once, is found and shown, and is ended by its agent."""
    made = agent(*ASK, "--ttl", "5m", "--budget", "statements=3")
    assert made.status == 0
    assert made.json["state"] == "open"
    assert made.json["scope"]["schemas"] == ["OPS_DB.OPS"]
    assert made.json["budgets_left"]["statements"] == 3
    session = made.json["id"]
    listed = agent("session", "list", "--state", "open", "--format", "json").lines
    assert session in [one["id"] for one in listed]
    assert agent("session", "show", session, "--format", "json").json["ttl_s"] == 300
    assert agent("session", "close", session, "--format", "json").json["end_reason"] == "released"


def test_a_session_that_needs_a_person_ends_with_three(agent: Run, approver: Run) -> None:
    """Asking for writes waits: exit 3, its decision is listed, and once made the session is open."""
    waiting = agent(*ASK, "--ttl", "5m", "--access", "write")
    assert waiting.status == 3
    assert waiting.json["state"] == "requested"
    assert "waits for a person" in waiting.err
    approval = waiting.json["approval"]["id"]
    listed = approver("approval", "list", "--state", "waiting", "--format", "json").lines
    assert approval in [one["id"] for one in listed]
    assert approver("approval", "approve", approval, "--reason", "fine", "--format", "json").json["state"] == "approved"
    assert agent("session", "show", waiting.json["id"], "--format", "json").json["state"] == "open"


def test_a_held_statement_is_read_decided_and_recorded(
    agent: Run, approver: Run, admin: Run, sandboxed: dict[str, Any]
) -> None:
    """The card shows the exact text with its hidden mark spelled out; denied, the record tells all of it in order."""
    session = agent(*ASK, "--ttl", "5m").json["id"]
    assert execute(sandboxed, session, SELECT)["status"] == "success"
    assert execute(sandboxed, session, "SELECT 1 FROM finance_db.hr.salaries")["status"] == "denied"
    held = execute(sandboxed, session, UPDATE)
    assert held["status"] == "approval_required"
    approval = held["approval"]["id"]
    shown = approver("approval", "show", approval)
    assert "⟨U+202E⟩kcab" in shown.out
    assert "\u202e" not in shown.out
    assert "sam" in shown.out
    assert "to test" in shown.out
    assert approver("approval", "show", approval, "--format", "json").json["text"].count("\u202e") == 1
    assert approver("approval", "deny", approval, "--reason", "not today").status == 0
    assert agent("session", "close", session).status == 0
    told = admin("session", "record", session).out
    marks = ["session.requested", "session.open", SELECT, "statement.succeeded", "statement.refused", "out_of_scope"]
    marks += ["statement.held", "⟨U+202E⟩kcab", "approval.decided", "not today", "statement.denied", "session.closing"]
    places = [told.find(mark) for mark in marks]
    assert -1 not in places
    assert places == sorted(places)


def test_a_record_has_a_form_for_programs(agent: Run) -> None:
    """As JSON the record is one object, as CSV a row an event."""
    session = agent(*ASK, "--ttl", "60").json["id"]
    record = agent("session", "record", session, "--format", "json").json
    assert record["session"]["id"] == session
    table = list(csv.DictReader(io.StringIO(agent("session", "record", session, "--format", "csv").out)))
    assert [row["hash"] for row in table] == [event["hash"] for event in record["events"]]


def test_a_person_may_take_a_session_away(agent: Run, admin: Run, sandboxed: dict[str, Any]) -> None:
    """Revoked by an admin, the session takes no statement any more."""
    session = agent(*ASK, "--ttl", "5m").json["id"]
    assert admin("session", "revoke", session, "--format", "json").json["end_reason"] == "revoked"
    assert execute(sandboxed, session, SELECT)["status"] == "expired"


def test_an_agent_never_decides(agent: Run) -> None:
    """With an agent's key a decision is refused, whatever it is about."""
    refused = agent("approval", "approve", "apr_00000000000000000000000000")
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith("forbidden: ")


def test_a_person_signed_in_by_a_link_does_not_decide(
    run: Run, agent: Run, admin: Run, sandboxed: dict[str, Any]
) -> None:
    """A token of `login` signs its person in and out, and is told where to sign in afresh and decide."""
    link = admin("user", "link", "grace", "--format", "json").json
    signed_in = run("login", stdin=f"{link['url']}\n", SKIPASS_URL=sandboxed["url"])
    assert signed_in.status == 0
    assert link["token"] not in signed_in.out + signed_in.err
    assert run("whoami", "--format", "json").json["name"] == "grace"
    approval = agent(*ASK, "--ttl", "5m", "--access", "write").json["approval"]["id"]
    refused = run("approval", "approve", approval)
    assert (refused.status, refused.out.strip()) == (3, f"{sandboxed['url']}/console/approvals/{approval}")
    assert "fresh sign-in" in refused.err
    assert run("approval", "wait", approval, "--wait", "0").status == 3
    again = run("login", link["token"], SKIPASS_URL=sandboxed["url"])
    assert (again.status, again.err.split(":")[0]) == (1, "link_used")
    assert run("logout").status == 0
    assert run("whoami", SKIPASS_URL=sandboxed["url"]).err.startswith("unauthenticated: ")


def test_people_are_added_and_disabled(run: Run, admin: Run) -> None:
    """A person is made with roles, signs in where the link points to, and after being disabled is nobody."""
    assert admin("user", "create", "dana", "--role", "member", "--role", "auditor").status == 0
    url = admin("user", "link", "dana").out.strip()
    assert run("login", url).status == 0, "the link itself says where to sign in"
    assert run("user", "list", "--format", "json").lines[0]["name"] == "ada"
    unbound = admin("user", "unbind", "dana")
    assert (unbound.status, unbound.err.partition(":")[0]) == (1, "conflict")
    assert admin("user", "disable", "dana", "--format", "json").json["state"] == "disabled"
    assert run("user", "list").err.startswith("unauthenticated: ")


def test_agents_are_made_rotated_and_disabled(run: Run, admin: Run, sandboxed: dict[str, Any]) -> None:
    """A key is shown once and works; a rotated one works beside it; disabled, neither does."""
    made = admin("agent", "create", "night job", "--for", "sam", "--connection", "jit", "--format", "json").json
    second = admin("agent", "rotate", "night job", "--format", "json").json["api_key"]
    as_agent = partial(run, SKIPASS_URL=sandboxed["url"])
    for key in (made["api_key"], second):
        who = as_agent("whoami", "--identifier", "sam", "--format", "json", SKIPASS_API_KEY=key).json
        assert (who["kind"], who["name"], who["user"]["name"]) == ("agent", "night job", "sam")
    not_mine = as_agent("whoami", "--identifier", "grace", SKIPASS_API_KEY=second)
    assert not_mine.err.startswith("not_your_user: ")
    listed = admin("agent", "list").out
    assert "night job" in listed
    assert second not in listed
    assert f"{sandboxed['url']}/jit/mcp" in admin("agent", "config", "night job", "--client", "cursor").out
    assert admin("agent", "disable", "night job").status == 0
    assert as_agent("whoami", SKIPASS_API_KEY=second).err.startswith("unauthenticated: ")


def test_a_new_agent_is_told_how_to_connect(admin: Run, sandboxed: dict[str, Any]) -> None:
    """Without JSON the key stands alone in an export line, and the snippet names the slug without holding the key."""
    shown = admin("agent", "create", "told", "--connection", "jit").out.splitlines()
    (export,) = [line for line in shown if line.startswith("export SKIPASS_API_KEY=")]
    (command,) = [line for line in shown if line.startswith("claude mcp add")]
    assert f"{sandboxed['url']}/jit/mcp" in command
    assert export.partition("=")[2] not in command


def test_slugs_are_opened_and_closed(admin: Run) -> None:
    """A slug is opened over a connection, listed, and closed; a reserved one is refused."""
    assert admin("mcp-server", "add", "second", "--connection", "jit").status == 0
    assert "second" in [one["slug"] for one in admin("mcp-server", "list", "--format", "json").lines]
    assert admin("mcp-server", "disable", "second", "--format", "json").json["state"] == "disabled"
    assert admin("mcp-server", "add", "api", "--connection", "jit").err.startswith("invalid_request: ")


def test_a_connection_is_tested_step_by_step(admin: Run) -> None:
    """The checks come in order and none fails; held to a scope that is narrower than the role, the last one does."""
    found = admin("connection", "test", "jit")
    assert found.status == 0
    assert [line.split()[0] for line in found.out.splitlines()] == [
        "name",
        "credential",
        "sign-in",
        "role",
        "warehouse",
        "reach",
        "grants",
    ]
    assert admin("connection", "test", "jit", "--format", "json").json["ok"] is True
    narrow = admin("connection", "test", "jit", "--schema", "ops_db.ops", "--write", "--format", "json")
    assert (narrow.status, narrow.json["checks"][-1]["ok"]) == (1, False)
    assert "FINANCE_DB.HR" in narrow.json["checks"][-1]["seen"]


def test_a_limit_says_that_there_is_more(admin: Run) -> None:
    """A list that is cut says so on standard error."""
    found = admin("user", "list", "--limit", "1", "--format", "json")
    assert len(found.lines) == 1
    assert "--limit" in found.err


@pytest.mark.parametrize("ttl", ["0", "5x", "-1", "", "1.5h"])
def test_a_duration_that_is_none_is_wrong_usage(agent: Run, ttl: str) -> None:
    """Nothing is asked for with a time that is not understood."""
    assert agent(*ASK, "--ttl", ttl).status == 2


@pytest.mark.parametrize("budget", ["statements", "days=3", "rows=x", "rows=-1"])
def test_a_budget_that_is_none_is_wrong_usage(agent: Run, budget: str) -> None:
    """Nothing is asked for with a budget that is not understood."""
    assert agent(*ASK, "--ttl", "60", "--budget", budget).status == 2
